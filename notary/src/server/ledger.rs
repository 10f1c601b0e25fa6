//! How is the log published? Its tiles, bundles and checkpoint as files of the folder `log`.
//!
//! The checkpoint is signed by a key of the server's own and written last. It admits nobody: it says whose log this is, so that whoever
//! keeps one can show later that something was taken out.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signer, SigningKey};
use parity_scale_codec::Encode;
use thiserror::Error;

use super::files::Part;
use crate::{
    desk::Entry,
    log::{
        Log, LogError, TreeHead,
        checkpoint::{self, CheckpointError},
        tiles::{BUNDLE_LEAVES_MAX, LeafTooLong, bundled},
    },
    records::{Hex32, Network},
    store::{StoreError, replace, sync_folder},
};

const CHECKPOINT: &str = "checkpoint";

/// Why the log is not published.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] StoreError),
    /// An entry that no bundle takes.
    #[error(transparent)]
    Leaf(#[from] LeafTooLong),
    /// No checkpoint can be made.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The published log goes further than the storage.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The published log is another one.
    #[error(
        "{path} has the hash {shown} over {size} entries, the storage has {stored}: they are of different notaries, or one was changed"
    )]
    Other {
        /// The checkpoint.
        path: PathBuf,
        /// Entries that it is over.
        size: u64,
        /// Its hash.
        shown: Hex32,
        /// The hash of the stored entries.
        stored: Hex32,
    },
}

/// What the log of a network is called.
pub fn origin(network: &Network) -> String {
    format!("cloud-ledger-notary/{}/{}", network.network_id, network.chain_id)
}

/// The log and its folder.
pub struct Ledger {
    folder: PathBuf,
    origin: String,
    key: SigningKey,
    log: Log,
    /// The leaves of the bundle that is not full yet.
    tail: Vec<Vec<u8>>,
    /// How many leaves the files in the folder have.
    written: u64,
    /// What the folder showed before this start.
    shown: Option<TreeHead>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("folder", &self.folder)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// An empty log, whose files lie in `folder` already as far as the checkpoint there says.
    ///
    /// # Errors
    /// [`LedgerError::Disk`]
    pub fn open(folder: &Path, network: &Network, key: SigningKey) -> Result<Self, LedgerError> {
        let folder = folder.join(Part::Log.name());
        make(&folder)?;
        let origin = origin(network);
        let public = Hex32(key.verifying_key().to_bytes());
        // A checkpoint of another key, or none: all files are written again.
        let shown = fs::read(folder.join(CHECKPOINT)).ok();
        let shown = shown.and_then(|note| checkpoint::open(&note, &origin, public).ok());
        Ok(Self {
            folder,
            origin,
            key,
            log: Log::default(),
            tail: Vec::new(),
            written: shown.map_or(0, |head| head.size),
            shown,
        })
    }

    /// Adds an entry that was stored; full bundles are written at once.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk refuses.
    pub fn add(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let leaf = entry.leaf().encode();
        self.log.append(&leaf);
        self.tail.push(leaf);
        if self.log.size().is_multiple_of(BUNDLE_LEAVES_MAX) {
            self.write()?;
            self.tail.clear();
        }
        Ok(())
    }

    /// Writes what is new, and the checkpoint over it.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk refuses; what was written before is still good.
    pub fn publish(&mut self) -> Result<(), LedgerError> {
        self.write()?;
        let head = self.log.head(self.log.size())?;
        let text = checkpoint::text(&self.origin, head)?;
        let public = Hex32(self.key.verifying_key().to_bytes());
        let note = checkpoint::signed(&self.origin, head, public, &self.key.sign(text.as_bytes()).to_bytes())?;
        Ok(replace(&self.folder.join(CHECKPOINT), note.as_bytes())?)
    }

    /// Whether the stored entries go on from what the folder showed before.
    ///
    /// # Errors
    /// [`LedgerError`] if they do not.
    pub fn check(&self) -> Result<(), LedgerError> {
        let Some(TreeHead { size, root: shown }) = self.shown else {
            return Ok(());
        };
        let stored = self.log.head(size)?.root;
        if stored == shown {
            return Ok(());
        }
        let path = self.folder.join(CHECKPOINT);
        Err(LedgerError::Other {
            path,
            size,
            shown,
            stored,
        })
    }

    fn write(&mut self) -> Result<(), LedgerError> {
        let size = self.log.size();
        if size <= self.written {
            return Ok(());
        }
        for bundle in self.log.bundles_since(self.written) {
            let tail = self
                .tail
                .iter()
                .take(usize::try_from(bundle.leaves).unwrap_or(usize::MAX));
            let bytes = bundled(tail.map(Vec::as_slice))?;
            self.write_file(&bundle.path, &bytes)?;
        }
        for tile in self.log.tiles_since(self.written) {
            self.write_file(&tile.path, &tile.bytes)?;
        }
        self.written = size;
        Ok(())
    }

    fn write_file(&self, path: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let place = self.folder.join(path);
        make(place.parent().expect("a file of ours lies in a folder of ours"))?;
        replace(&place, bytes)?;
        // A full tile stands for all that led to it; readers who look for those are told to take the full one.
        if path.contains(".p/") {
            return Ok(());
        }
        match fs::remove_dir_all(place.with_extension("p")) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                let (what, path) = ("remove", place.with_extension("p"));
                Err(StoreError::Io { what, path, source }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Makes a folder, and the names that lead to it last.
fn make(folder: &Path) -> Result<(), StoreError> {
    if folder.exists() {
        return Ok(());
    }
    let parent = folder.parent().expect("a folder of ours lies in ours");
    make(parent)?;
    match fs::create_dir(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            let (what, path) = ("make the folder", folder.to_path_buf());
            Err(StoreError::Io { what, path, source })
        }
        _ => sync_folder(parent),
    }
}
