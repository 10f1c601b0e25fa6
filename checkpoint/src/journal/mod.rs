//! The outbox on disk: what was taken upon itself by a relayer that may be killed at any moment.
//!
//! Called by the relayer, which keeps every record before it acts on it; by `ledger-relayer status`, which only reads. One file of
//! frames, appended to and synced; one writer, by a lock that ends with its process. A write that was cut off is cut away, with
//! words: nobody acted on it. Bytes damaged in the middle are not repaired: the journal refuses to open and says what to do. It is
//! never needed to know what is on the mainchain, so a journal that is lost costs fees at most.

pub mod frames;
mod record;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::Address;
use ledger_keys::durable;
use parity_scale_codec::{DecodeAll, Encode};

use self::{frames::End, record::Opening};
use crate::{
    outbox::{BadRecord, Outbox, Record},
    statement::Anchor,
};

/// Name of the journal in its folder.
const FILE: &str = "outbox";

/// Name of the lock beside it.
const LOCK: &str = "lock";

/// First bytes of every journal, with the number of its format.
const MAGIC: &[u8; 8] = b"CLRELAY1";

/// Largest journal that is read: the largest outbox of 21 validators, thirty times over.
const FILE_BYTES_MAX: u64 = 1 << 29;

/// Size from which a journal is written anew, without what is over.
const COMPACT_BYTES: u64 = 1 << 22;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process writes it.
    #[error(
        "{folder} is in use by another relayer; two with one journal would undo each other's work: give each a folder and a key of its own"
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The operating system refuses.
    #[error("cannot {action} {path}: {source}")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is not a journal, or not one of this version.
    #[error("{path} is not a relayer's journal of this version; move it away, or name another folder with --journal")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to another contract.
    #[error(
        "{path} belongs to the contract {got} on chain {got_chain}, and this relayer serves {expected} on chain {expected_chain}: name \
         another folder with --journal"
    )]
    OtherContract {
        /// The file.
        path: PathBuf,
        /// Contract of the journal.
        got: Address,
        /// Chain of the journal.
        got_chain: u64,
        /// Contract asked for.
        expected: Address,
        /// Chain asked for.
        expected_chain: u64,
    },
    /// Damage that no crash leaves.
    #[error(
        "{path} is damaged at byte {at}, before records that are whole: the disk may be failing. Move the file away and start again; \
         what is on the mainchain is read from there, and the bundles come from the sidechain"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: usize,
    },
    /// A whole record that cannot follow the ones before it.
    #[error(
        "record {number} of {path} does not fit the ones before: {reason}. Move the file away and start again; what is on the mainchain \
         is read from there"
    )]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 1.
        number: usize,
        /// Why it does not fit.
        reason: BadRecord,
    },
    /// Larger than any journal can become.
    #[error(
        "{path} has {bytes} bytes, more than the {FILE_BYTES_MAX} a journal can have; move it away and start again"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// The journal of the one relayer that may write it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    opening: Opening,
    file: File,
    bytes: u64,
    _lock: File,
}

/// What opening a journal found.
#[derive(Debug)]
pub struct Opened {
    /// The journal, ready to be written.
    pub journal: Journal,
    /// What it holds.
    pub outbox: Outbox,
    /// Bytes of a record that was being written when the process ended; they are cut away.
    pub torn_bytes: Option<usize>,
}

impl Journal {
    /// Opens the journal in `folder`, or begins it.
    ///
    /// # Errors
    /// [`JournalError`]; nothing was changed then.
    pub fn open(folder: &Path, anchor: Anchor) -> Result<Opened, JournalError> {
        fs::create_dir_all(folder).map_err(disk("make the folder", folder))?;
        let lock = lock(folder, LOCK)?;
        let path = folder.join(FILE);
        let opening = Opening::from(&anchor);
        if !path.exists() {
            durable::replace(&path, &bytes_of(opening, &[])).map_err(disk("write", &path))?;
        }
        let (outbox, good, size) = load(&path, anchor)?;
        let file = File::options().append(true).open(&path).map_err(disk("open", &path))?;
        if good < size {
            file.set_len(good as u64).map_err(disk("cut", &path))?;
            file.sync_all().map_err(disk("sync", &path))?;
        }
        Ok(Opened {
            journal: Self {
                path,
                opening,
                file,
                bytes: good as u64,
                _lock: lock,
            },
            outbox,
            torn_bytes: (good < size).then_some(size - good),
        })
    }

    /// Whether there is a journal in `folder`.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// What the journal in `folder` holds, without a lock and without a change.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(folder: &Path, anchor: Anchor) -> Result<Outbox, JournalError> {
        load(&folder.join(FILE), anchor).map(|(outbox, _, _)| outbox)
    }

    /// Appends the records and syncs: afterwards they survive whatever happens to the process or the machine.
    ///
    /// # Errors
    /// [`JournalError::Disk`]. What is on disk is unknown then: the process has to end, and the next start finds out.
    pub fn keep(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for record in records {
            frames::write(&mut bytes, &record::encode(record));
        }
        self.file.write_all(&bytes).map_err(disk("write", &self.path))?;
        // Synced before anything is sent: a crash may cost a record, never the knowledge of a transaction that left.
        self.file.sync_data().map_err(disk("sync", &self.path))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Writes the journal anew if most of it is over.
    ///
    /// # Errors
    /// As [`Journal::keep`].
    pub fn compact(&mut self, outbox: &Outbox) -> Result<(), JournalError> {
        if self.bytes < COMPACT_BYTES {
            return Ok(());
        }
        let bytes = bytes_of(self.opening, &outbox.records());
        if bytes.len() as u64 > self.bytes / 2 {
            return Ok(());
        }
        durable::replace(&self.path, &bytes).map_err(disk("replace", &self.path))?;
        let reopened = File::options().append(true).open(&self.path);
        self.file = reopened.map_err(disk("open", &self.path))?;
        self.bytes = bytes.len() as u64;
        Ok(())
    }
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Disk { action, path, source }
}

/// Locks the file of this name in `folder`, until the answer is dropped.
pub(crate) fn lock(folder: &Path, name: &str) -> Result<File, JournalError> {
    let path = folder.join(name);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(disk("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(disk("lock", &path)(source)),
    }
}

fn bytes_of(opening: Opening, records: &[Record]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    frames::write(&mut bytes, &opening.encode());
    for record in records {
        frames::write(&mut bytes, &record::encode(record));
    }
    bytes
}

/// The bytes of a journal with these records.
#[must_use]
pub fn encode(anchor: &Anchor, records: &[Record]) -> Vec<u8> {
    bytes_of(Opening::from(anchor), records)
}

/// The outbox in the file, the bytes of it that are whole records, and its size.
fn load(path: &Path, anchor: Anchor) -> Result<(Outbox, usize, usize), JournalError> {
    let file = File::open(path).map_err(disk("open", path))?;
    let size = file.metadata().map_err(disk("read", path))?.len();
    if size > FILE_BYTES_MAX {
        return Err(JournalError::TooLarge {
            path: path.to_owned(),
            bytes: size,
        });
    }
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(disk("read", path))?;
    let (outbox, good) = decode(path, &bytes, anchor)?;
    Ok((outbox, good, bytes.len()))
}

/// The outbox that `bytes`, the content of the file at `path`, hold; and how many of them are whole records.
///
/// # Errors
/// [`JournalError`], except what the disk says.
pub fn decode(path: &Path, bytes: &[u8], anchor: Anchor) -> Result<(Outbox, usize), JournalError> {
    let foreign = || JournalError::Foreign { path: path.to_owned() };
    let framed = bytes.strip_prefix(MAGIC).ok_or_else(foreign)?;
    let (contents, end) = frames::read(framed);
    let good = match end {
        End::Clean => bytes.len(),
        End::Torn { at } => MAGIC.len() + at,
        End::Damaged { at } => {
            return Err(JournalError::Damaged {
                path: path.to_owned(),
                at: MAGIC.len() + at,
            });
        }
    };
    let (first, contents) = contents.split_first().ok_or_else(foreign)?;
    let opening = Opening::decode_all(&mut &first[..]).map_err(|_| foreign())?;
    check_opening(path, &opening, &Opening::from(&anchor))?;
    let mut outbox = Outbox::new(anchor);
    for (number, content) in (1..).zip(contents) {
        let record = record::decode(content).ok_or_else(foreign)?;
        outbox.apply(&record).map_err(|reason| JournalError::Contradiction {
            path: path.to_owned(),
            number,
            reason,
        })?;
    }
    Ok((outbox, good))
}

fn check_opening(path: &Path, got: &Opening, expected: &Opening) -> Result<(), JournalError> {
    if got == expected {
        return Ok(());
    }
    Err(JournalError::OtherContract {
        path: path.to_owned(),
        got: Address::new(got.contract),
        got_chain: got.mainchain_id,
        expected: Address::new(expected.contract),
        expected_chain: expected.mainchain_id,
    })
}
