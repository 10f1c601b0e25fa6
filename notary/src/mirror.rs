//! Where does a reader get a repository from? A server of its files, and a folder of what was believed of it.
//!
//! [`Mirror`] is the [`World`] of a verifier: files over plain HTTP, since signatures and hashes say whether they are the right
//! ones; what is trusted is kept at once. Blocks while it waits: called from threads that may.

use std::time::Instant;

use thiserror::Error;

use crate::{
    http::{Http, HttpError},
    judge::GatherError,
    store::{Store, StoreError},
    tuf::{Answer, Place, Request, RoleName, UpdateError, World},
};

/// Why a repository cannot be read, or not be believed.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// The server does not say what it has.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// No address of files is known.
    #[error("files were asked for, but no address of them is known (--target-base-url)")]
    NoTargets,
    /// What was trusted cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The metadata are refused.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The files are not those of the metadata.
    #[error(transparent)]
    Gather(#[from] GatherError),
}

/// A server of files, and what is trusted of them.
#[derive(Debug)]
pub struct Mirror {
    http: Http,
    store: Store,
    metadata_url: String,
    targets_url: Option<String>,
}

impl Mirror {
    /// A server with metadata and files at these addresses.
    pub fn new(http: Http, store: Store, metadata_url: &str, targets_url: Option<&str>) -> Self {
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self {
            http,
            store,
            metadata_url: base(metadata_url),
            targets_url: targets_url.map(base),
        }
    }

    /// A notary at `url`, which has its metadata below `/metadata` and its files below `/targets`.
    pub fn of_notary(http: Http, store: Store, url: &str) -> Self {
        let base = url.trim_end_matches('/');
        let (metadata, targets) = (format!("{base}/metadata"), format!("{base}/targets"));
        Self::new(http, store, &metadata, Some(&targets))
    }

    /// The folder of what is trusted.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The time for all files together begins anew; it is over at `latest`, if that is given.
    pub fn begin(&mut self, latest: Option<Instant>) {
        match latest {
            Some(latest) => self.http.begin_until(latest),
            None => self.http.begin(),
        }
    }
}

impl World for Mirror {
    type Error = MirrorError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, MirrorError> {
        let base = match request.place {
            Place::Metadata => &self.metadata_url,
            Place::Targets => self.targets_url.as_ref().ok_or(MirrorError::NoTargets)?,
        };
        Ok(self.http.get(&format!("{base}/{}", request.name), request.bytes_max)?)
    }

    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), MirrorError> {
        Ok(self.store.keep(role, bytes)?)
    }

    fn forget(&mut self, role: &RoleName) -> Result<(), MirrorError> {
        Ok(self.store.forget(role)?)
    }
}
