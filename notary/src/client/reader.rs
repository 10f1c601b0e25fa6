//! What is published, and can it be believed? A repository behind HTTP, and the folder of what is trusted of it.

use std::path::Path;

use thiserror::Error;

use crate::{
    http::{Http, HttpError, Patience},
    store::{Store, StoreError},
    tuf::{
        Answer, Document, FileError, Floor, Place, Request, RoleName, Settings, Signed, Snapshot, Stored, TargetPath,
        UnixSeconds, UpdateError, Verifier, Version, World, find, limits::TIMESTAMP_BYTES_MAX, metadata::MetadataError,
        refresh,
    },
};

/// Why what is published is not believed.
#[derive(Debug, Error)]
pub enum ReaderError {
    /// The server does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What came breaks a rule.
    #[error("what {url} publishes is refused: {source}")]
    Update {
        /// The server.
        url: String,
        /// The rule.
        source: UpdateError,
    },
    /// The rule that was broken, before it is known by whom.
    #[error(transparent)]
    Rule(#[from] UpdateError),
    /// A listed file is missing.
    #[error("{role} lists {path}, but {url} does not have it")]
    Missing {
        /// The server.
        url: String,
        /// The role that lists it.
        role: RoleName,
        /// The path.
        path: TargetPath,
    },
    /// A listed file is another.
    #[error("TUF 5.7.3: {path}, which {role} lists, {source}")]
    File {
        /// The role that lists it.
        role: RoleName,
        /// The path.
        path: TargetPath,
        /// The difference.
        source: FileError,
    },
    /// What was kept is damaged.
    #[error("what was kept of {role} is no metadata: {source}; remove it, and it is fetched again")]
    Kept {
        /// The role.
        role: RoleName,
        /// What is wrong with it.
        source: MetadataError,
    },
}

/// A repository that is read.
#[derive(Debug)]
pub struct Reader {
    http: Http,
    store: Store,
    url: String,
}

impl Reader {
    /// The repository at `url`, as far as `folder` trusts it already; `root` is trusted where the folder is new.
    ///
    /// # Errors
    /// [`ReaderError`] if the folder cannot be used.
    pub fn open(url: &str, folder: &Path, root: Option<&[u8]>) -> Result<Self, ReaderError> {
        let store = Store::open(folder)?;
        match (store.load(), root) {
            (Err(StoreError::NoRoot { .. }), Some(root)) => store.keep(&RoleName::root(), root)?,
            (loaded, _) => drop(loaded?),
        }
        let url = url.trim_end_matches('/').to_owned();
        let http = Http::new(Patience::PERSON)?;
        Ok(Self { http, store, url })
    }

    /// Whether there is anything at all: a timestamp, whoever signed it.
    ///
    /// # Errors
    /// [`ReaderError::Http`] if that cannot be said.
    pub fn is_published(&self) -> Result<bool, ReaderError> {
        let address = format!("{}/metadata/timestamp.json", self.url);
        Ok(self.http.get(&address, TIMESTAMP_BYTES_MAX)? != Answer::Missing)
    }

    /// Brings what is trusted up to date.
    ///
    /// # Errors
    /// [`ReaderError`] with the rule that is broken.
    pub fn refresh(&mut self, now: UnixSeconds) -> Result<Verifier, ReaderError> {
        let floor = Floor::default();
        let refreshed = refresh(self.store.load()?, Settings { now, floor }, self);
        refreshed.map_err(|error| self.named(error))
    }

    /// The file of a path, after a refresh; the metadata of the role that lists it are kept.
    ///
    /// # Errors
    /// [`ReaderError`] if nobody lists it, or the file is another.
    pub fn target(&mut self, verifier: &mut Verifier, path: TargetPath) -> Result<Vec<u8>, ReaderError> {
        let target = find(verifier, path.clone(), self).map_err(|error| self.named(error))?;
        let role = target.role.clone();
        let Answer::Bytes(bytes) = self.fetch(&verifier.request_of(&target))? else {
            let url = self.url.clone();
            return Err(ReaderError::Missing { url, role, path });
        };
        match target.file.check(&bytes) {
            Ok(()) => Ok(bytes),
            Err(source) => Err(ReaderError::File { role, path, source }),
        }
    }

    /// All that is trusted.
    ///
    /// # Errors
    /// [`ReaderError::Store`]
    pub fn stored(&self) -> Result<Stored, ReaderError> {
        Ok(self.store.load()?)
    }

    /// The version that follows the published one of a role that targets delegate to, after a refresh; none after the last there is.
    ///
    /// # Errors
    /// [`ReaderError`] if nothing was read yet.
    pub fn next_version(&self, role: &RoleName) -> Result<Option<Version>, ReaderError> {
        let stored = self.store.load()?;
        let Some(bytes) = stored.others.get(&RoleName::snapshot()) else {
            return Ok(Some(Version::FIRST));
        };
        let snapshot = kept::<Snapshot>(RoleName::snapshot(), bytes)?;
        match snapshot.entry(role) {
            Some(listed) => Ok(listed.version.next()),
            None => Ok(Some(Version::FIRST)),
        }
    }

    fn named(&self, error: ReaderError) -> ReaderError {
        match error {
            ReaderError::Rule(source) => {
                let url = self.url.clone();
                ReaderError::Update { url, source }
            }
            other => other,
        }
    }
}

/// A document that was checked before it was kept.
fn kept<T: Document + Clone>(role: RoleName, bytes: &[u8]) -> Result<T, ReaderError> {
    let signed = Signed::<T>::parse(bytes).map_err(|source| ReaderError::Kept { role, source })?;
    Ok(signed.unverified().clone())
}

impl World for Reader {
    type Error = ReaderError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, ReaderError> {
        let place = match request.place {
            Place::Metadata => "metadata",
            Place::Targets => "targets",
        };
        let address = format!("{}/{place}/{}", self.url, request.name);
        Ok(self.http.get(&address, request.bytes_max)?)
    }

    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), ReaderError> {
        Ok(self.store.keep(role, bytes)?)
    }

    fn forget(&mut self, role: &RoleName) -> Result<(), ReaderError> {
        Ok(self.store.forget(role)?)
    }
}
