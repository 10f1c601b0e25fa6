//! Where are the bundles that a quorum has signed? In one append-only file per contract, in `<data folder>/checkpoints`.
//!
//! Called by [`worker`](super::worker), which adds to it, and read through the [`book`](super::book). Signed bundles are never deleted:
//! whoever brings checkpoints to the mainchain may start late. If the folder is lost, the checkpoints are computed again and their
//! signatures come from peers.
//!
//! The file holds frames ([`ledger_checkpoint::journal::frames`]): the first names the layout, the genesis hash and the contract, each
//! other is a [`BundleRecord`]. It is synced before [`BundleLog::append`] returns. A frame that was cut off by a crash is cut away when the
//! file is opened.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use ledger_chainspec::CheckpointBundle;
use ledger_checkpoint::{
    journal::frames::{self, End, Frames},
    statement::{Anchor, Bundle},
};
use ledger_keys::durable::sync_folder;
use parity_scale_codec::{Decode, DecodeAll, Encode};

use super::facts::CheckpointConfig;

const MAGIC: [u8; 16] = *b"cloud-bundles/v1";

/// What names a file of bundles.
const SUFFIX: &str = ".bundles";

/// Why bundles cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}; check the disk and its free space, then start again")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is damaged in a way that no crash leaves behind, or no file of bundles at all.
    #[error("{path} is damaged: {reason}; move it away and start again: the signatures in it come from peers")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A bundle that does not follow.
    #[error("checkpoint {got} cannot be kept behind checkpoint {last}")]
    OutOfOrder {
        /// Its index.
        got: u64,
        /// That of the newest one.
        last: u64,
    },
}

/// A bundle, and what holds after its block: from there on the chain is looked at again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRecord {
    /// The checkpoint and its signatures.
    pub bundle: Bundle,
    /// The configuration.
    pub config: CheckpointConfig,
    /// Recovery blocks up to it.
    pub recoveries: u64,
    /// Number of the validator set, which signs the next checkpoint.
    pub set_id: u64,
}

type Parts = (CheckpointBundle, u64, u64, [u8; 20], u64, u64);

impl BundleRecord {
    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let config = &self.config;
        let parts: Parts = (
            self.bundle.clone().into(),
            config.interval_blocks,
            config.mainchain_id,
            config.contract.0.0,
            self.recoveries,
            self.set_id,
        );
        parts.encode()
    }

    /// Reads what [`BundleRecord::to_bytes`] wrote.
    ///
    /// # Errors
    /// What the decoder met, for anything but exactly one record within its bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let parts = Parts::decode_all(&mut &*bytes).map_err(|error| error.to_string())?;
        let (bundle, interval_blocks, mainchain_id, contract, recoveries, set_id) = parts;
        Ok(Self {
            bundle: bundle.into(),
            config: CheckpointConfig {
                interval_blocks,
                mainchain_id,
                contract: Address::new(contract),
            },
            recoveries,
            set_id,
        })
    }
}

/// The bundles of one contract.
#[derive(Debug)]
pub struct BundleLog {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Index of the first bundle, and where each of them lies: offset and length of its record.
    first: u64,
    places: Vec<(u64, usize)>,
}

/// Which contract a file is of.
#[derive(Debug, Encode, Decode)]
struct Title {
    magic: [u8; 16],
    genesis: [u8; 32],
    mainchain_id: u64,
    contract: [u8; 20],
}

impl BundleLog {
    /// Opens the file for `anchor` in `folder`, or begins it.
    ///
    /// # Errors
    /// [`LogError`] as its variants say.
    pub fn open(folder: &Path, genesis: B256, anchor: &Anchor) -> Result<Self, LogError> {
        let name = format!("{}-{:#x}{SUFFIX}", anchor.mainchain_id, anchor.contract);
        let path = folder.join(name);
        let io = |action| {
            let path = path.clone();
            move |source| LogError::Io { action, path, source }
        };
        let mut folders = DirBuilder::new();
        folders
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io("make the folder of"))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(io("open"))?;
        let size = file.metadata().map_err(io("read"))?.len();
        let title = Title {
            magic: MAGIC,
            genesis: genesis.0,
            mainchain_id: anchor.mainchain_id,
            contract: anchor.contract.0.0,
        };
        let mut log = Self {
            path: path.clone(),
            file,
            bytes: 0,
            first: 1,
            places: Vec::new(),
        };
        log.scan(&title)?;
        if log.bytes < size {
            let cut = log.file.set_len(log.bytes).and_then(|()| log.file.sync_all());
            cut.map_err(io("repair"))?;
        }
        log.file.seek(SeekFrom::Start(log.bytes)).map_err(io("open"))?;
        if log.bytes == 0 {
            log.write(&title.encode()).map_err(io("write to"))?;
            sync_folder(folder).map_err(io("sync the folder of"))?;
        }
        Ok(log)
    }

    /// The contracts that `folder` has files for.
    ///
    /// # Errors
    /// [`LogError::Io`] if it cannot be read.
    pub fn anchors(folder: &Path) -> Result<Vec<Anchor>, LogError> {
        let failed = |source| LogError::Io {
            action: "read",
            path: folder.to_owned(),
            source,
        };
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut anchors = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            anchors.extend(name.to_str().and_then(anchor_of_name));
        }
        Ok(anchors)
    }

    /// Finds where the records lie. They are read one by one: the file grows for as long as the chain lives.
    fn scan(&mut self, title: &Title) -> Result<(), LogError> {
        let damaged = |reason: &str| LogError::Damaged {
            path: self.path.clone(),
            reason: reason.to_owned(),
        };
        let unreadable = |source| LogError::Io {
            action: "read",
            path: self.path.clone(),
            source,
        };
        let mut frames = Frames::new(&self.file);
        let mut places: Vec<(u64, usize)> = Vec::new();
        let mut first = None;
        if let Some(content) = frames.next_frame().map_err(unreadable)?
            && content != title.encode()
        {
            return Err(damaged("it belongs to another chain or contract"));
        }
        loop {
            let offset = frames.at() + frames::HEAD_BYTES as u64;
            let Some(content) = frames.next_frame().map_err(unreadable)? else {
                break;
            };
            let record = BundleRecord::from_bytes(content).map_err(|error| damaged(&error))?;
            let index = record.bundle.checkpoint.index;
            if index.checked_sub(*first.get_or_insert(index)) != Some(places.len() as u64) {
                return Err(damaged("its checkpoints have a gap"));
            }
            places.push((offset, content.len()));
        }
        let bytes = frames.at();
        if let End::Damaged { .. } = frames.end().map_err(unreadable)? {
            return Err(damaged("whole records stand behind broken ones"));
        }
        self.first = first.unwrap_or(1);
        self.places = places;
        self.bytes = bytes;
        Ok(())
    }

    /// Index of the first bundle.
    #[must_use]
    pub fn first_index(&self) -> Option<u64> {
        (!self.places.is_empty()).then_some(self.first)
    }

    /// Index of the newest bundle.
    #[must_use]
    pub fn last_index(&self) -> Option<u64> {
        let behind = (self.places.len() as u64).checked_sub(1)?;
        self.first.checked_add(behind)
    }

    /// The newest record.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn last(&self) -> Result<Option<BundleRecord>, LogError> {
        self.last_index().map_or(Ok(None), |index| self.read(index))
    }

    /// The record with this index; none if it is not here.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read any more.
    pub fn read(&self, index: u64) -> Result<Option<BundleRecord>, LogError> {
        let at = index.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let Some((offset, length)) = at.and_then(|at| self.places.get(at)) else {
            return Ok(None);
        };
        let mut record = vec![0; *length];
        let read = self.file.read_exact_at(&mut record, *offset);
        read.map_err(|source| LogError::Io {
            action: "read",
            path: self.path.clone(),
            source,
        })?;
        let record = BundleRecord::from_bytes(&record).map_err(|reason| LogError::Damaged {
            path: self.path.clone(),
            reason,
        })?;
        Ok(Some(record))
    }

    /// Adds a bundle, which follows the newest one, durably.
    ///
    /// # Errors
    /// [`LogError`]; after an error the file has to be opened again.
    pub fn append(&mut self, record: &BundleRecord) -> Result<(), LogError> {
        let got = record.bundle.checkpoint.index;
        match self.last_index() {
            Some(last) if got != last.saturating_add(1) => return Err(LogError::OutOfOrder { got, last }),
            Some(_) => {}
            None => self.first = got,
        }
        let bytes = record.to_bytes();
        let offset = self.bytes + frames::HEAD_BYTES as u64;
        self.write(&bytes).map_err(|source| LogError::Io {
            action: "write to",
            path: self.path.clone(),
            source,
        })?;
        self.places.push((offset, bytes.len()));
        Ok(())
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        let mut frame = Vec::new();
        frames::write(&mut frame, content);
        self.file.write_all(&frame)?;
        self.file.sync_data()?;
        self.bytes += frame.len() as u64;
        Ok(())
    }
}

fn anchor_of_name(name: &str) -> Option<Anchor> {
    let (mainchain_id, contract) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    Some(Anchor {
        mainchain_id: mainchain_id.parse().ok()?,
        contract: contract.parse().ok()?,
    })
}
