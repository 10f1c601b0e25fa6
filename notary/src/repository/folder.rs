//! Where do the files lie? `metadata/` and `targets/` in one folder, under the names that readers ask for.
//!
//! A file with a version or hash in its name never changes once the timestamp of its release is out.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    PublishError, ReadError, Release,
    plan::plan,
    release::{Newest, Published, Write, read, versioned},
};
use crate::{
    store::{StoreError, replace, sync_folder},
    tuf::{Document, Place, Request, RoleName, Snapshot, Timestamp, UnixSeconds, Version},
};

/// The one file of metadata that changes.
pub(super) const TIMESTAMP: &str = "timestamp.json";

/// A repository that this process alone writes.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    published: Option<Published>,
}

impl Repository {
    /// The repository in a folder; empty if nothing was published there yet.
    ///
    /// # Errors
    /// [`ReadError`] if what lies there is no repository of ours.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let mut repository = Self::unread(folder)?;
        repository.published = repository.read_published()?;
        Ok(repository)
    }

    /// The folder, without a look at what lies there.
    pub(super) fn unread(folder: &Path) -> Result<Self, StoreError> {
        let repository = Self {
            folder: folder.to_path_buf(),
            published: None,
        };
        for place in [Place::Metadata, Place::Targets] {
            let path = repository.path(place, "");
            fs::create_dir_all(&path).map_err(|source| StoreError::Io {
                what: "make the folder",
                path,
                source,
            })?;
        }
        Ok(repository)
    }

    /// What is published now: the snapshot and the timestamp of the next release follow it.
    pub fn newest(&self) -> Newest<'_> {
        Newest(self.published.as_ref())
    }

    /// Publishes a release: all of it, or, as far as readers can see, nothing.
    ///
    /// # Errors
    /// [`PublishError`] with the first reason; nothing has changed for readers then.
    pub fn publish(&mut self, release: &Release, now: UnixSeconds) -> Result<(), PublishError> {
        for write in self.plan(release, now)? {
            self.write(&write)?;
        }
        self.published = self.read_published()?;
        Ok(())
    }

    /// The files that [`Self::publish`] writes, in its order; the timestamp is the last.
    ///
    /// # Errors
    /// [`PublishError`] if it would not.
    pub fn plan(&self, release: &Release, now: UnixSeconds) -> Result<Vec<Write>, PublishError> {
        let is_there = |request: &Request| fs::read(self.path(request.place, &request.name)).ok();
        Ok(plan(self.published.as_ref(), release, now, is_there)?)
    }

    /// Writes one file of a plan, whole and for good.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses.
    pub fn write(&self, write: &Write) -> Result<(), StoreError> {
        let path = self.path(write.place, &write.name);
        let folder = path.parent().expect("a file of ours lies in a folder of ours");
        if !folder.exists() {
            fs::create_dir_all(folder).map_err(|source| io_error("make the folder", folder, source))?;
            sync_folder(folder.parent().expect("a folder of ours lies in ours"))?;
        }
        replace(&path, &write.bytes)
    }

    fn path(&self, place: Place, name: &str) -> PathBuf {
        let place = match place {
            Place::Metadata => "metadata",
            Place::Targets => "targets",
        };
        self.folder.join(place).join(name)
    }

    fn read_published(&self) -> Result<Option<Published>, ReadError> {
        let Some(timestamp_file) = self.try_read(TIMESTAMP)? else {
            return Ok(None);
        };
        let timestamp: Timestamp = self.parsed(TIMESTAMP, &timestamp_file)?;
        let name = versioned(&RoleName::snapshot(), timestamp.meta.snapshot.version);
        let snapshot_file = self.must_read(&name)?;
        let snapshot: Snapshot = self.parsed(&name, &snapshot_file)?;
        let mut roles = BTreeMap::new();
        for (document, listed) in &snapshot.meta {
            let role = document.strip_suffix(".json").unwrap_or(document).to_owned();
            let Ok(role) = RoleName::try_from(role) else {
                continue;
            };
            let name = versioned(&role, listed.version);
            let bytes = self.must_read(&name)?;
            let targets = self.parsed(&name, &bytes)?;
            roles.insert(role, (bytes, targets));
        }
        let first_root = self.must_read(&versioned(&RoleName::root(), Version::FIRST))?;
        let (mut version, mut root_file) = (Version::FIRST, first_root.clone());
        while let Some(next) = version.next()
            && let Some(bytes) = self.try_read(&versioned(&RoleName::root(), next))?
        {
            (version, root_file) = (next, bytes);
        }
        Ok(Some(Published {
            first_root,
            root: self.parsed(&versioned(&RoleName::root(), version), &root_file)?,
            root_file,
            timestamp_file,
            timestamp,
            snapshot_file,
            snapshot,
            roles,
        }))
    }

    pub(super) fn try_read(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let path = self.path(Place::Metadata, name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error("read", &path, source).into()),
        }
    }

    fn must_read(&self, name: &str) -> Result<Vec<u8>, ReadError> {
        let path = self.path(Place::Metadata, name);
        self.try_read(name)?.ok_or(ReadError::Missing { path })
    }

    pub(super) fn parsed<T: Document + Clone>(&self, name: &str, bytes: &[u8]) -> Result<T, ReadError> {
        read(bytes).map_err(|source| ReadError::Damaged {
            path: self.path(Place::Metadata, name),
            source,
        })
    }
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    let path = path.to_path_buf();
    StoreError::Io { what, path, source }
}
