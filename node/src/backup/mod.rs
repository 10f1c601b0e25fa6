//! What is a backup of the chain database, and how does it come into place again?
//!
//! A folder with the database's files in `chain/` and a manifest, `backup.json`, that names the chain, the head, and every
//! file with its length and SHA-256. [`make`] copies a checkpoint, so that the backup shares no bytes with the database it
//! is of; [`restore`] checks every byte before anything of the old database is touched. Neither ever reads or writes the
//! guard store: what a key has signed must not go back in time with the chain (R8).

mod copy;
mod make;
mod restore;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use ledger_runtime::store::{OpenError, RESTORING_EXTENSION};
use serde::{Deserialize, Serialize};

pub use make::make;
pub use restore::{Restore, restore};

/// Version of the manifest.
pub const BACKUP_FORMAT: u32 = 1;

/// The manifest's name in the backup.
pub const MANIFEST_NAME: &str = "backup.json";

/// The database's folder in the backup.
pub const CHAIN_NAME: &str = "chain";

/// Longest manifest that is read: RocksDB keeps thousands of files at most, and each takes some 120 bytes.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`BACKUP_FORMAT`].
    pub format: u32,
    /// Version of the program that made it.
    pub made_by: String,
    /// The chain's id.
    pub chain_id: u64,
    /// Hash of its genesis block.
    pub genesis: B256,
    /// Number of the newest block.
    pub head: u64,
    /// Its hash.
    pub head_hash: B256,
    /// Never anything but `false`: a backup holds no guard store.
    pub has_guard: bool,
    /// The files in `chain/`, by name.
    pub files: Vec<BackupFile>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

impl Manifest {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Reads the manifest of the backup in `folder`.
    ///
    /// # Errors
    /// [`BackupError`] if there is none, or one of another version.
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(MANIFEST_NAME);
        let no_backup = |reason: String| BackupError::NoBackup {
            path: folder.to_owned(),
            reason,
        };
        let length = fs::metadata(&path)
            .map_err(|error| no_backup(format!("{MANIFEST_NAME}: {error}")))?
            .len();
        if length > MANIFEST_BYTES_MAX {
            return Err(no_backup(format!("{MANIFEST_NAME} has {length} bytes")));
        }
        let text = fs::read(&path).map_err(io_error("read", &path))?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| no_backup(format!("{MANIFEST_NAME}: {error}")))?;
        if manifest.format != BACKUP_FORMAT {
            let format = manifest.format;
            return Err(no_backup(format!(
                "it has format {format}, and this program reads format {BACKUP_FORMAT}"
            )));
        }
        Ok(manifest)
    }
}

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The place for the backup is taken.
    #[error("{} is there already; name a folder that is not", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds no backup that can be used.
    #[error("there is no backup in {} that this program can use: {reason}", path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is not what the manifest says.
    #[error("the backup is damaged: {} {what}; use another backup. Nothing was changed", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The backup is of another chain.
    #[error(
        "the backup is of chain {found_id} (genesis {found}), not of chain {chain_id} (genesis {genesis}); name its --chain"
    )]
    OtherChain {
        /// Chain id in the manifest.
        found_id: u64,
        /// Genesis in the manifest.
        found: B256,
        /// Chain id asked for.
        chain_id: u64,
        /// Genesis asked for.
        genesis: B256,
    },
    /// There is a database in the way.
    #[error("there is a database in {}; give --replace to put the backup into its place", path.display())]
    InTheWay {
        /// Its folder.
        path: PathBuf,
    },
    /// The database is in use.
    #[error("a node uses the database in {}; stop it first", path.display())]
    InUse {
        /// Its folder.
        path: PathBuf,
    },
    /// What was copied does not open.
    #[error("what was copied does not open: {0}")]
    Open(#[from] OpenError),
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { action, path, source }
}

/// Where the database that is about to be restored is made ready.
fn restoring_path(chain: &Path) -> PathBuf {
    chain.with_extension(RESTORING_EXTENSION)
}

fn remove_folder(path: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let synced = fs::File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(io_error("sync", path))
}

/// The folder that `path` is in.
fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}
