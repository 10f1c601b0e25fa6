//! How does one take the database away as it is at one moment, while it is in use?
//!
//! By a RocksDB checkpoint: table files are hard-linked, the manifest and the log's newest part copied, so that it takes
//! neither time nor space. What it gives is what a crash at that moment would leave: it opens at a whole block. Called to
//! back a database up and to look at the one of a running node. Copies made to last are the caller's affair: hard links
//! share their bytes with the database.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;

use super::Store;

/// Why no checkpoint was made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The folder cannot be used.
    #[error("cannot make a checkpoint of the database in {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// RocksDB cannot write it.
    #[error("cannot make a checkpoint of the database: {0}")]
    Database(#[from] rocksdb::Error),
}

impl Store {
    /// Makes a checkpoint in the folder `to`, replacing what lies there. It has to be on the database's own disk to be
    /// quick. When this returns, it is on disk under its name.
    ///
    /// # Errors
    /// [`CheckpointError`]; then nothing is left behind that the next attempt does not remove.
    pub fn checkpoint(&self, to: &Path) -> Result<(), CheckpointError> {
        let folder = |source| CheckpointError::Folder {
            path: to.to_owned(),
            source,
        };
        remove_checkpoint(to).map_err(folder)?;
        Checkpoint::new(&self.db)?.create_checkpoint(to)?;
        // RocksDB syncs the files and their folder, but not the folder's own name.
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|parent| parent.sync_all())
            .map_err(folder)
    }
}

/// Removes a checkpoint, and what an interrupted one left behind; nothing there is no error.
///
/// # Errors
/// What the operating system said.
pub fn remove_checkpoint(path: &Path) -> std::io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    for folder in [path, Path::new(&unfinished)] {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
