//! How does the folder follow the log? Writes what each entry publishes, and at the start whatever is missing.
//!
//! The folder is a copy: all of it can be written anew from the entries. Files are written whole and synced, the timestamp last, so that
//! a reader meets the release of before or the one of after, whenever this process ends.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use thiserror::Error;

use super::ledger::{Ledger, LedgerError};
use crate::{
    desk::{Body, Desk, Entry, EntryError, ReplayError},
    repository::{FolderCopy, PublishError, ReadError},
    storage::{Storage, StorageError},
    tuf::{Document, Version},
};

/// Why the folder does not follow.
#[derive(Debug, Error)]
pub enum PublisherError {
    /// The entries cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An entry is none.
    #[error("entry {seq} of the storage: {source}; restore the storage from a copy")]
    Entry {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        source: EntryError,
    },
    /// Entries that do not follow each other.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The folder cannot be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The folder cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The log cannot be published.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The storage was set back, or the folder is another notary's.
    #[error(
        "{folder} shows timestamp {shown}, and the storage knows {known}: give the storage that belongs to it, or an empty folder"
    )]
    Ahead {
        /// The folder.
        folder: PathBuf,
        /// The version in it.
        shown: Version,
        /// The newest version of the storage.
        known: String,
    },
}

/// The folder, for the writer alone.
#[derive(Debug)]
pub struct Publisher {
    copy: FolderCopy,
    ledger: Ledger,
}

impl Publisher {
    /// Publishes what an entry brings.
    ///
    /// # Errors
    /// [`PublisherError`] if the disk refuses; the next start goes on from there.
    pub fn publish(&mut self, entry: &Entry) -> Result<(), PublisherError> {
        if let Body::Release(release) = &entry.body {
            self.copy.write(release)?;
        }
        self.ledger.add(entry)?;
        Ok(self.ledger.publish()?)
    }
}

/// Reads all entries into `desk`, and brings the folder up to them.
///
/// # Errors
/// [`PublisherError`] if the entries or the folder are not what they should be.
pub async fn restore(
    storage: &mut Storage,
    mut desk: Desk,
    (folder, log_key): (&Path, SigningKey),
) -> Result<(Desk, Publisher), PublisherError> {
    fs::create_dir_all(folder).map_err(|source| PublisherError::Folder {
        path: folder.to_path_buf(),
        source,
    })?;
    let copy = FolderCopy::open(folder)?;
    let shown = copy.shown()?;
    let mut ledger = Ledger::open(folder, desk.network(), log_key)?;
    let mut seq = 0;
    loop {
        let batch = storage.read(seq).await?;
        if batch.is_empty() {
            break;
        }
        for bytes in batch {
            let entry = Entry::decode(&bytes).map_err(|source| PublisherError::Entry { seq, source })?;
            desk.replay(&entry)?;
            if let Body::Release(release) = &entry.body
                && is_missing(shown, &desk)
            {
                copy.write(release)?;
            }
            ledger.add(&entry)?;
            seq += 1;
        }
    }
    let known = desk.shelf().timestamp().map(Document::version);
    if let Some(shown) = shown
        && known.is_none_or(|known| known < shown)
    {
        return Err(PublisherError::Ahead {
            folder: folder.to_path_buf(),
            shown,
            known: known.map_or_else(|| "none".to_owned(), |known| known.to_string()),
        });
    }
    ledger.check()?;
    ledger.publish()?;
    Ok((desk, Publisher { copy, ledger }))
}

/// Whether the release that was just replayed is not in the folder yet, or not whole: its timestamp is written last.
fn is_missing(shown: Option<Version>, desk: &Desk) -> bool {
    let version = desk.shelf().timestamp().map(Document::version);
    shown.is_none_or(|shown| version > Some(shown))
}
