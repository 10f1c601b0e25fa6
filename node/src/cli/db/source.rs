//! Which files does a command read: those of a stopped node, or a checkpoint of one that runs?

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ledger_runtime::store::{OpenError, Store, StoreOptions, remove_checkpoint};

use super::{DbError, Place};
use crate::admin::{CHECKPOINT_NAME, client::Lease};

/// A database that nobody changes while it is looked at.
#[derive(Debug)]
pub(super) enum Source {
    /// A checkpoint of a running node.
    Running(Lease),
    /// The files themselves, and what `CURRENT` said when they were first looked at.
    Stopped(PathBuf, Vec<u8>),
}

impl Source {
    /// The database of the node at `place`.
    pub(super) fn of(place: &Place) -> Result<Self, DbError> {
        match Lease::take(&place.data)? {
            Some(lease) => Ok(Self::Running(lease)),
            None => Self::at(place.chain()),
        }
    }

    /// The database in `chain`, which no process may use.
    pub(super) fn at(chain: PathBuf) -> Result<Self, DbError> {
        if is_locked(&chain) {
            return Err(OpenError::Locked { path: chain }.into());
        }
        let current = current(&chain);
        Ok(Self::Stopped(chain, current))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Running(lease) => lease.path(),
            Self::Stopped(chain, _) => chain,
        }
    }

    /// What to call it before people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Running(lease) => format!("a checkpoint of the running node, {}", lease.path().display()),
            Self::Stopped(chain, _) => chain.display().to_string(),
        }
    }

    /// Opens it to read.
    pub(super) fn open(&self, place: &Place) -> Result<Arc<Store>, DbError> {
        Ok(Store::open_read_only(self.path(), place.identity)?)
    }

    /// Whether what was read since is still what is there.
    ///
    /// # Errors
    /// [`DbError::Changed`] if a node was started on it.
    pub(super) fn check_unchanged(&self) -> Result<(), DbError> {
        match self {
            Self::Stopped(chain, before) if is_locked(chain) || current(chain) != *before => {
                Err(DbError::Changed { path: chain.clone() })
            }
            Self::Running(_) | Self::Stopped(..) => Ok(()),
        }
    }
}

/// A checkpoint to copy from, removed when this is dropped.
#[derive(Debug)]
pub(super) enum Checkpoint {
    /// Made and kept by the running node.
    Leased(Lease),
    /// Made here.
    Own(OwnCheckpoint),
}

/// A checkpoint of a stopped node's database.
#[derive(Debug)]
pub(super) struct OwnCheckpoint {
    path: PathBuf,
    /// Keeps the database locked meanwhile.
    _store: Arc<Store>,
}

impl Checkpoint {
    /// Of the database of the node at `place`, running or not.
    pub(super) fn of(place: &Place) -> Result<Self, DbError> {
        if let Some(lease) = Lease::take(&place.data)? {
            return Ok(Self::Leased(lease));
        }
        let store = open(place)?;
        let path = place.data.join(CHECKPOINT_NAME);
        store.checkpoint(&path)?;
        Ok(Self::Own(OwnCheckpoint { path, _store: store }))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Leased(lease) => lease.path(),
            Self::Own(own) => &own.path,
        }
    }
}

impl Drop for OwnCheckpoint {
    fn drop(&mut self) {
        // The next start of the node removes it too.
        let _ = remove_checkpoint(&self.path);
    }
}

/// Opens the database of a stopped node and locks it.
pub(super) fn open(place: &Place) -> Result<Arc<Store>, DbError> {
    let path = place.chain();
    if !path.exists() {
        return Err(OpenError::Nothing { path }.into());
    }
    Ok(Store::open(&StoreOptions::new(path), place.identity)?)
}

/// `CURRENT` names the manifest, and every opening begins a new one.
fn current(chain: &Path) -> Vec<u8> {
    fs::read(chain.join("CURRENT")).unwrap_or_default()
}

/// Whether a process holds RocksDB's lock, which is a POSIX lock on the file `LOCK`.
fn is_locked(chain: &Path) -> bool {
    let Ok(lock) = fs::metadata(chain.join("LOCK")) else {
        return false;
    };
    // Each line names the locked file as `major:minor:inode`.
    let inode = format!(":{} ", lock.ino());
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks
        .lines()
        .any(|line| line.contains("POSIX") && line.contains(&inode))
}
