//! How does a folder follow releases that were judged elsewhere? Writes their files, and asks nothing.
//!
//! Whoever keeps the [`Shelf`](super::Shelf) judges a release, stores it and then writes it here; after a crash in between it is written
//! again. The rules have no second say then, so that none of them can change its mind.

use std::path::Path;

use super::{
    PublishError, ReadError, Release, ReleaseError,
    folder::{Repository, TIMESTAMP},
    release::{Parsed, writes},
};
use crate::tuf::{Timestamp, Version};

/// A folder that follows.
#[derive(Debug)]
pub struct FolderCopy(Repository);

impl FolderCopy {
    /// The copy in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// [`ReadError::Disk`]
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        Ok(Self(Repository::unread(folder)?))
    }

    /// The version of the timestamp that readers see; none before the first release. All releases up to it are there, since it is
    /// written last.
    ///
    /// # Errors
    /// [`ReadError`] if the file is none.
    pub fn shown(&self) -> Result<Option<Version>, ReadError> {
        let Some(bytes) = self.0.try_read(TIMESTAMP)? else {
            return Ok(None);
        };
        let timestamp: Timestamp = self.0.parsed(TIMESTAMP, &bytes)?;
        Ok(Some(timestamp.version))
    }

    /// Writes a release, in the order in which the releases were stored.
    ///
    /// # Errors
    /// [`PublishError`] if the disk refuses; write it again then.
    pub fn write(&self, release: &Release) -> Result<(), PublishError> {
        let parsed = Parsed::of(release).map_err(ReleaseError::from)?;
        for write in writes(release, &parsed) {
            self.0.write(&write)?;
        }
        Ok(())
    }
}
