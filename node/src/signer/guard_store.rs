//! The guard store: what this validator has signed, on disk before the signature leaves the process (R7).
//!
//! Called by the driver alone: once at start to learn what was signed before, then before every signature. It never reads
//! the chain database, lives in a folder of its own (restoring a backup of the chain must not rewind it), and does not
//! interpret the records, which are the consensus engine's.
//!
//! One append-only file, `guard.log`: sixteen bytes that name the format, the genesis hash, then records of
//! `length u32 | keccak256(length, payload) | payload`, little-endian, each synced with `fdatasync` before
//! [`GuardStore::store`] returns. The last whole record counts.
//!
//! Crash assumptions. A record that was cut short by a crash was never acknowledged, so no signature followed it, and it
//! is dropped. A broken record with whole ones behind it is damage, not a crash, and refused. After a failed sync nothing
//! is known about the file any more, so the store refuses to go on until a restart has read it again. At
//! [`GUARD_LOG_BYTES_MAX`] the log is replaced by one that holds the newest record alone (new file, sync, rename, sync of
//! the folder).

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Keccak256};

/// Size at which the log is rewritten with its newest record alone, in bytes.
pub const GUARD_LOG_BYTES_MAX: u64 = 4 << 20;

/// Largest record, in bytes: the body of one full block and its votes, with room to spare.
pub const GUARD_RECORD_BYTES_MAX: usize = 32 << 20;

const MAGIC: [u8; 16] = *b"cloud-guard/v1\0\0";
const HEADER_BYTES: usize = MAGIC.len() + 32;
const RECORD_HEADER_BYTES: usize = 4 + 32;
const LOG_NAME: &str = "guard.log";
const NEW_LOG_NAME: &str = "guard.log.new";
const LOCK_NAME: &str = "guard.lock";

/// Why the guard store cannot be used. None of them is to be retried in the same process.
#[derive(Debug, thiserror::Error)]
pub enum GuardStoreError {
    /// The operating system refused.
    #[error(
        "cannot {action} the guard store in {folder}: {source}; check the disk and its free space, then start again"
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// The guard folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has it open: two signers with one key would equivocate.
    #[error("the guard store in {folder} is in use by another process; a key must never sign in two places")]
    InUse {
        /// The guard folder.
        folder: PathBuf,
    },
    /// It is another chain's.
    #[error("the guard store in {folder} belongs to the chain with genesis {found}, not {expected}")]
    OtherChain {
        /// The guard folder.
        folder: PathBuf,
        /// The genesis hash in the file.
        found: B256,
        /// This chain's.
        expected: B256,
    },
    /// It is damaged in a way that no crash leaves behind.
    #[error(
        "the guard store in {folder} is damaged at byte {offset}: {reason}; do not sign with this key before its last signatures are known"
    )]
    Damaged {
        /// The guard folder.
        folder: PathBuf,
        /// Where in the log.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A record larger than [`GUARD_RECORD_BYTES_MAX`].
    #[error("a guard record of {bytes} bytes is larger than the {GUARD_RECORD_BYTES_MAX} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// An earlier write failed, so what is on disk is unknown.
    #[error("an earlier write to the guard store failed; restart the node to go on from what is on disk")]
    Poisoned,
}

/// The open guard store; its folder is locked for as long as this lives.
#[derive(Debug)]
pub struct GuardStore {
    folder: PathBuf,
    genesis: B256,
    log: File,
    log_bytes: u64,
    poisoned: bool,
    _lock: File,
}

impl GuardStore {
    /// Opens the store in `folder`, made if absent, and gives the newest record in it, if any.
    ///
    /// # Errors
    /// [`GuardStoreError`] as its variants say.
    pub fn open(folder: &Path, genesis: B256) -> Result<(Self, Option<Vec<u8>>), GuardStoreError> {
        let io = |action| {
            move |source| GuardStoreError::Io {
                action,
                folder: folder.to_owned(),
                source,
            }
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io("make"))?;
        let lock = lock(folder)?;
        let path = folder.join(LOG_NAME);
        if !path.exists() {
            let (log, log_bytes) = replace_log(folder, genesis, None).map_err(io("make"))?;
            let store = Self {
                folder: folder.to_owned(),
                genesis,
                log,
                log_bytes,
                poisoned: false,
                _lock: lock,
            };
            return Ok((store, None));
        }
        let mut log = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io("open"))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).map_err(io("read"))?;
        let Scan { newest, valid_bytes } = scan(folder, genesis, &bytes)?;
        if valid_bytes < bytes.len() as u64 {
            log.set_len(valid_bytes)
                .and_then(|()| log.sync_all())
                .map_err(io("repair"))?;
        }
        log.seek(SeekFrom::Start(valid_bytes)).map_err(io("open"))?;
        let store = Self {
            folder: folder.to_owned(),
            genesis,
            log,
            log_bytes: valid_bytes,
            poisoned: false,
            _lock: lock,
        };
        Ok((store, newest))
    }

    /// Makes `record` the newest one, durably: when this returns, a crash cannot undo it.
    ///
    /// # Errors
    /// [`GuardStoreError`]; after an error nothing may be signed, and every later call is refused.
    pub fn store(&mut self, record: &[u8]) -> Result<(), GuardStoreError> {
        if self.poisoned {
            return Err(GuardStoreError::Poisoned);
        }
        if record.len() > GUARD_RECORD_BYTES_MAX {
            return Err(GuardStoreError::TooLarge { bytes: record.len() });
        }
        let written = if self.log_bytes >= GUARD_LOG_BYTES_MAX {
            self.rewrite(record)
        } else {
            self.append(record)
        };
        written.map_err(|source| {
            // The kernel may drop the dirty pages of a failed sync and report success the next time.
            self.poisoned = true;
            GuardStoreError::Io {
                action: "write to",
                folder: self.folder.clone(),
                source,
            }
        })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let framed = frame(record);
        self.log.write_all(&framed)?;
        self.log.sync_data()?;
        self.log_bytes += framed.len() as u64;
        Ok(())
    }

    fn rewrite(&mut self, record: &[u8]) -> io::Result<()> {
        (self.log, self.log_bytes) = replace_log(&self.folder, self.genesis, Some(record))?;
        Ok(())
    }
}

fn lock(folder: &Path) -> Result<File, GuardStoreError> {
    let io = |source| GuardStoreError::Io {
        action: "lock",
        folder: folder.to_owned(),
        source,
    };
    let path = folder.join(LOCK_NAME);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(GuardStoreError::InUse {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Writes a fresh log beside the old one and renames it into place, so that there is always a whole one.
fn replace_log(folder: &Path, genesis: B256, record: Option<&[u8]>) -> io::Result<(File, u64)> {
    let new_path = folder.join(NEW_LOG_NAME);
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(genesis.as_slice());
    if let Some(record) = record {
        bytes.extend_from_slice(&frame(record));
    }
    let mut log = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new_path)?;
    log.write_all(&bytes)?;
    log.sync_all()?;
    std::fs::rename(&new_path, folder.join(LOG_NAME))?;
    File::open(folder)?.sync_all()?;
    Ok((log, bytes.len() as u64))
}

fn frame(record: &[u8]) -> Vec<u8> {
    let length = u32::try_from(record.len()).expect("store() bounds records far below four gigabytes");
    let mut framed = Vec::with_capacity(RECORD_HEADER_BYTES + record.len());
    framed.extend_from_slice(&length.to_le_bytes());
    framed.extend_from_slice(checksum(record).as_slice());
    framed.extend_from_slice(record);
    framed
}

fn checksum(record: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update((record.len() as u64).to_le_bytes());
    hasher.update(record);
    hasher.finalize()
}

/// What a log holds.
struct Scan {
    newest: Option<Vec<u8>>,
    valid_bytes: u64,
}

fn scan(folder: &Path, genesis: B256, bytes: &[u8]) -> Result<Scan, GuardStoreError> {
    let damaged = |offset: usize, reason| GuardStoreError::Damaged {
        folder: folder.to_owned(),
        offset: offset as u64,
        reason,
    };
    // The header was synced before the file got its name, so no crash can have cut it short.
    let (magic, rest) = bytes
        .split_first_chunk::<16>()
        .ok_or_else(|| damaged(0, "its header is cut short"))?;
    let (found, _) = rest
        .split_first_chunk::<32>()
        .ok_or_else(|| damaged(16, "its header is cut short"))?;
    if *magic != MAGIC {
        return Err(damaged(0, "it is not a guard log of this version"));
    }
    if genesis != B256::from(*found) {
        let found = B256::from(*found);
        return Err(GuardStoreError::OtherChain {
            folder: folder.to_owned(),
            found,
            expected: genesis,
        });
    }
    let mut offset = HEADER_BYTES;
    let mut newest = None;
    while let Some(record) = record_at(bytes, offset) {
        offset += RECORD_HEADER_BYTES + record.len();
        newest = Some(record);
    }
    // A crash cuts the last record short; it never leaves a whole record behind a broken one.
    if let Some(length) = length_at(bytes, offset)
        && offset
            .checked_add(RECORD_HEADER_BYTES + length)
            .is_some_and(|next| record_at(bytes, next).is_some())
    {
        return Err(damaged(offset, "a broken record is followed by a whole one"));
    }
    Ok(Scan {
        newest: newest.map(<[u8]>::to_vec),
        valid_bytes: offset as u64,
    })
}

fn length_at(bytes: &[u8], offset: usize) -> Option<usize> {
    let (length, _) = bytes.get(offset..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    (length <= GUARD_RECORD_BYTES_MAX).then_some(length)
}

/// The whole, undamaged record that starts at `offset`, if there is one.
fn record_at(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let length = length_at(bytes, offset)?;
    let body = bytes.get(offset + RECORD_HEADER_BYTES..)?.get(..length)?;
    let stated = bytes.get(offset + 4..offset + RECORD_HEADER_BYTES)?;
    (checksum(body).as_slice() == stated).then_some(body)
}
