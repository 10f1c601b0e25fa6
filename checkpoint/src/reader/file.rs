//! What was confirmed, on disk: so that a node that starts without a mainchain still refuses what contradicts it.
//!
//! Called by the reader, which keeps every record before anybody acts on it. One file of frames, appended to and synced, with its one
//! writer. A write that was cut off is cut away: nobody acted on it. Damage in the middle refuses to open, in words.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use ledger_chainspec::CheckpointFields;
use ledger_keys::durable;
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::{
    journal::frames::{self, End},
    numbers::{BlockNumber, Index, Point},
    reading::{Anchored, BadRecord, Book, Place, Record, Standing},
    statement::{checkpoint_of, fields_of},
};

/// First bytes of every such file, with the number of its format.
const MAGIC: &[u8; 8] = b"CLANCHR1";

/// Largest file that is read: a checkpoint every ten minutes for ten years.
const FILE_BYTES_MAX: u64 = 1 << 28;

/// Why what was confirmed cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refuses.
    #[error("cannot {action} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is not such a file, or not one of this version, or of another contract or sidechain.
    #[error(
        "{} is no record of the checkpoints of this contract by this version; move it away, and it is read from the mainchain again",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Damage that no crash leaves.
    #[error(
        "{} is damaged at byte {at}, before records that are whole: the disk may be failing. Move the file away, and it is read from the \
         mainchain again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: usize,
    },
    /// A whole record that cannot follow the ones before it.
    #[error(
        "record {number} of {} does not fit the ones before: {reason}. Move the file away, and it is read from the mainchain again",
        path.display()
    )]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 1.
        number: usize,
        /// Why it does not fit.
        reason: BadRecord,
    },
    /// Larger than it can become.
    #[error("{} has {bytes} bytes, more than the {FILE_BYTES_MAX} it can have; move it away", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// The file, ready to be written.
#[derive(Debug)]
pub struct BookFile {
    path: PathBuf,
    file: File,
}

#[derive(PartialEq, Eq, Encode, Decode)]
struct Opening {
    mainchain_id: u64,
    contract: [u8; 20],
    genesis: [u8; 32],
}

#[derive(Encode, Decode)]
struct StoredCheckpoint {
    checkpoint: CheckpointFields,
    fingerprint: [u8; 32],
    block: (BlockNumber, [u8; 32]),
    is_final: bool,
}

#[derive(Encode, Decode)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "what the macro makes of the numbers, which fit"
)]
enum Stored {
    #[codec(index = 1)]
    Confirmed(Box<StoredCheckpoint>),
    #[codec(index = 2)]
    Final(Index),
    #[codec(index = 3)]
    Withdrawn(Index),
    #[codec(index = 4)]
    Rejected(Index, [u8; 32]),
}

impl BookFile {
    /// Opens the file of `place` in `folder`, or begins it. Gives what it holds, too.
    ///
    /// # Errors
    /// [`FileError`]; nothing was changed then.
    pub fn open(folder: &Path, place: Place) -> Result<(Self, Book), FileError> {
        fs::create_dir_all(folder).map_err(disk("make the folder", folder))?;
        let name = format!("{}-{:x}", place.anchor.mainchain_id, place.anchor.contract);
        let path = folder.join(name);
        if !path.exists() {
            let mut bytes = MAGIC.to_vec();
            frames::write(&mut bytes, &Opening::of(&place).encode());
            durable::replace(&path, &bytes).map_err(disk("write", &path))?;
        }
        let (book, good, size) = load(&path, place)?;
        let file = File::options().append(true).open(&path).map_err(disk("open", &path))?;
        if good < size {
            file.set_len(good as u64).map_err(disk("cut", &path))?;
            file.sync_all().map_err(disk("sync", &path))?;
        }
        Ok((Self { path, file }, book))
    }

    /// Appends the records and syncs.
    ///
    /// # Errors
    /// [`FileError::Disk`]. What is on disk is unknown then: the process has to end, and the next start finds out.
    pub fn keep(&mut self, records: &[Record]) -> Result<(), FileError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for record in records {
            frames::write(&mut bytes, &stored(record).encode());
        }
        self.file.write_all(&bytes).map_err(disk("write", &self.path))?;
        // Synced before anybody refuses a block by it: a restart has to refuse the same.
        self.file.sync_data().map_err(disk("sync", &self.path))
    }
}

impl Opening {
    const fn of(place: &Place) -> Self {
        Self {
            mainchain_id: place.anchor.mainchain_id,
            contract: place.anchor.contract.0.0,
            genesis: place.genesis.0,
        }
    }
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Disk { action, path, source }
}

/// What the file holds, the bytes of it that are whole records, and its size.
fn load(path: &Path, place: Place) -> Result<(Book, usize, usize), FileError> {
    let file = File::open(path).map_err(disk("open", path))?;
    let size = file.metadata().map_err(disk("read", path))?.len();
    if size > FILE_BYTES_MAX {
        let path = path.to_owned();
        return Err(FileError::TooLarge { path, bytes: size });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(disk("read", path))?;
    let foreign = || FileError::Foreign { path: path.to_owned() };
    let framed = bytes.strip_prefix(MAGIC).ok_or_else(foreign)?;
    let (contents, end) = frames::read(framed);
    let good = match end {
        End::Clean => bytes.len(),
        End::Torn { at } => MAGIC.len() + at,
        End::Damaged { at } => {
            let (path, at) = (path.to_owned(), MAGIC.len() + at);
            return Err(FileError::Damaged { path, at });
        }
    };
    let (first, contents) = contents.split_first().ok_or_else(foreign)?;
    let opening = Opening::decode_all(&mut &first[..]).map_err(|_| foreign())?;
    if opening != Opening::of(&place) {
        return Err(foreign());
    }
    let mut book = Book::new(place);
    for (number, content) in (1..).zip(contents) {
        let record = Stored::decode_all(&mut &content[..]).map_err(|_| foreign())?;
        book.apply(loaded(record)).map_err(|reason| FileError::Contradiction {
            path: path.to_owned(),
            number,
            reason,
        })?;
    }
    Ok((book, good, bytes.len()))
}

fn stored(record: &Record) -> Stored {
    match record {
        Record::Confirmed(entry) => Stored::Confirmed(Box::new(StoredCheckpoint {
            checkpoint: fields_of(&entry.checkpoint),
            fingerprint: entry.fingerprint.0,
            block: (entry.block.number, entry.block.hash.0),
            is_final: entry.standing == Standing::Final,
        })),
        Record::Final(index) => Stored::Final(*index),
        Record::Withdrawn(index) => Stored::Withdrawn(*index),
        Record::Rejected(index, fingerprint) => Stored::Rejected(*index, fingerprint.0),
    }
}

fn loaded(stored: Stored) -> Record {
    match stored {
        Stored::Final(index) => Record::Final(index),
        Stored::Withdrawn(index) => Record::Withdrawn(index),
        Stored::Rejected(index, fingerprint) => Record::Rejected(index, B256::new(fingerprint)),
        Stored::Confirmed(entry) => {
            let (number, hash) = entry.block;
            Record::Confirmed(Box::new(Anchored {
                checkpoint: checkpoint_of(&entry.checkpoint),
                fingerprint: B256::new(entry.fingerprint),
                block: Point {
                    number,
                    hash: B256::new(hash),
                },
                standing: if entry.is_final {
                    Standing::Final
                } else {
                    Standing::Soft
                },
            }))
        }
    }
}
