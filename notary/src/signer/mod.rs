//! Who keeps the repository alive? The process that holds the online keys, and signs snapshots and timestamps with them.
//!
//! It believes nobody, the server least of all. What is published it verifies like any validator, and keeps what it believed. What it
//! is asked to sign for it reads first, with the same verifier, as it would be published: targets without the working group's signatures,
//! a member's file under another's role, a rolled back version, all of that ends there. It makes the two documents by itself, one
//! version above those that it verified, with lifetimes of its own; the server has no say in them.
//!
//! Whoever steals both of its keys can hide news for a day, and cannot admit anybody.

mod outlook;

use std::path::Path;

use ed25519_dalek::SigningKey;
use http::Method;
use thiserror::Error;

use crate::{
    client::{
        ClientError, papers,
        reader::{Reader, ReaderError},
        server::Server,
    },
    desk::Complete,
    records::Network,
    repository::{SNAPSHOT_LIFE_MAX, TIMESTAMP_LIFE_MAX, Unsigned},
    tuf::{
        Document, MetaFile, MetadataError, RoleName, Signed, Snapshot, Stored, TargetPath, Targets, Timestamp,
        UnixSeconds, UpdateError, Version,
    },
    wire::{DueAnswer, DueView, Receipt},
};

/// Why nothing was signed, or what was signed was not taken.
#[derive(Debug, Error)]
pub enum SignerError {
    /// What is published is not believed.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The server does not answer, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What would be published is not believed.
    #[error("not signed, since validators would refuse it: {0}")]
    Refused(#[from] UpdateError),
    /// A file is another than the one that its role lists.
    #[error("not signed: {path} {reason}")]
    File {
        /// Its path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Metadata that are none.
    #[error("not signed, metadata of {role}: {source}")]
    Metadata {
        /// Of which role.
        role: RoleName,
        /// Why not.
        source: MetadataError,
    },
    /// The repository was here and is gone.
    #[error("not signed: this signer has seen timestamp {seen}, and the server publishes nothing")]
    Gone {
        /// The version.
        seen: Version,
    },
    /// Nobody would ask for it.
    #[error("not signed: nobody delegates to {role}")]
    NotDelegated {
        /// The role.
        role: RoleName,
    },
    /// Readers would be told of it by somebody else.
    #[error("not signed: {role} lists {path}, but readers would be told of it by {by}")]
    Shadowed {
        /// The role.
        role: RoleName,
        /// The path.
        path: TargetPath,
        /// The role that comes before it.
        by: RoleName,
    },
    /// A hole, a way back, or the same once more.
    #[error("not signed: {role} version {expected} is next, got {got}")]
    Version {
        /// The role.
        role: RoleName,
        /// The version after the one that was verified.
        expected: Version,
        /// What came.
        got: Version,
    },
    /// No version follows.
    #[error("not signed: {role} has the last version that there is")]
    LastVersion {
        /// The role.
        role: RoleName,
    },
}

/// The keys of the two online roles.
pub struct OnlineKeys {
    /// Of snapshot.
    pub snapshot: SigningKey,
    /// Of timestamp.
    pub timestamp: SigningKey,
}

impl std::fmt::Debug for OnlineKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnlineKeys(..)")
    }
}

/// The signer of one notary.
#[derive(Debug)]
pub struct Signer {
    network: Network,
    server: Server,
    reader: Reader,
    keys: OnlineKeys,
}

/// The documents that the online keys sign next, as they stand among what they are checked with.
pub(crate) struct Signatures {
    pub(crate) snapshot: Option<(Version, Vec<u8>)>,
    pub(crate) timestamp: Vec<u8>,
}

impl Signer {
    /// A signer for the notary at `url`, which trusts what lies in `folder`, and `root` where that is new.
    ///
    /// # Errors
    /// [`SignerError`] if the folder cannot be used.
    pub fn new(
        network: Network,
        url: &str,
        (folder, root): (&Path, Option<&[u8]>),
        keys: OnlineKeys,
    ) -> Result<Self, SignerError> {
        let (server, reader) = (Server::new(url)?, Reader::open(url, folder, root)?);
        Ok(Self {
            network,
            server,
            reader,
            keys,
        })
    }

    /// Signs what is due, if anything is; says what was taken down.
    ///
    /// # Errors
    /// [`SignerError`] if it is not believed, or not taken; nothing is lost, and the next try starts anew.
    pub fn step(&mut self, now: UnixSeconds) -> Result<Option<(DueView, Receipt)>, SignerError> {
        let DueAnswer { due } = self.server.ask("/v1/due")?;
        let Some(due) = due else {
            return Ok(None);
        };
        let trusted = self.trusted(now)?;
        let signatures = self.sign(&trusted, &due, now)?;
        outlook::verify(&mut self.reader, &due, &signatures, now)?;
        let text = |bytes| String::from_utf8(bytes).expect("our own metadata are text");
        let complete = Complete {
            snapshot: signatures.snapshot.map(|(_, bytes)| text(bytes)),
            timestamp: text(signatures.timestamp),
        };
        let keys = std::slice::from_ref(&self.keys.timestamp);
        let receipt = self
            .server
            .send((Method::POST, "/v1/due/signatures"), &self.network, complete, keys)?;
        Ok(Some((due, receipt)))
    }

    /// What is published and was verified, of now; nothing but a root before the first release.
    fn trusted(&mut self, now: UnixSeconds) -> Result<Stored, SignerError> {
        let is_published = self.reader.is_published()?;
        if is_published {
            self.reader.refresh(now)?;
        }
        let stored = self.reader.stored()?;
        match stored.others.get(&RoleName::timestamp()) {
            Some(bytes) if !is_published => {
                let seen = document::<Timestamp>(RoleName::timestamp(), bytes)?.version;
                Err(SignerError::Gone { seen })
            }
            _ => Ok(stored),
        }
    }

    /// The two documents, one version above those that are trusted.
    fn sign(&self, trusted: &Stored, due: &DueView, now: UnixSeconds) -> Result<Signatures, SignerError> {
        let old = |role: RoleName| trusted.others.get(&role);
        let before = old(RoleName::snapshot()).map(|bytes| document::<Snapshot>(RoleName::snapshot(), bytes));
        let before = before.transpose()?;
        let snapshot = if due.snapshot {
            let mut meta = before.as_ref().map(|before| before.meta.clone()).unwrap_or_default();
            for (role, text) in &due.roles {
                let version = document::<Targets>(role.clone(), text.as_bytes())?.version;
                let last = before.as_ref().and_then(|before| before.entry(role));
                check_next(role, last.map(|listed| listed.version), version)?;
                meta.insert(role.document(), MetaFile::of(version, text.as_bytes()));
            }
            let version = following(RoleName::snapshot(), before.as_ref().map(|before| before.version))?;
            let unsigned = Unsigned::new(Snapshot::new(version, now.plus(SNAPSHOT_LIFE_MAX), meta));
            Some((version, file(&unsigned, &self.keys.snapshot)))
        } else {
            None
        };
        let listed = match (&snapshot, old(RoleName::snapshot()), before) {
            (Some((version, bytes)), ..) => MetaFile::of(*version, bytes),
            (None, Some(bytes), Some(before)) => MetaFile::of(before.version, bytes),
            (None, ..) => return Err(UpdateError::NotAsked.into()),
        };
        let last = old(RoleName::timestamp()).map(|bytes| document::<Timestamp>(RoleName::timestamp(), bytes));
        let version = following(RoleName::timestamp(), last.transpose()?.map(|last| last.version))?;
        let unsigned = Unsigned::new(Timestamp::new(version, now.plus(TIMESTAMP_LIFE_MAX), listed));
        let timestamp = file(&unsigned, &self.keys.timestamp);
        Ok(Signatures { snapshot, timestamp })
    }
}

fn check_next(role: &RoleName, last: Option<Version>, got: Version) -> Result<(), SignerError> {
    let expected = following(role.clone(), last)?;
    if expected == got {
        return Ok(());
    }
    let role = role.clone();
    Err(SignerError::Version { role, expected, got })
}

fn following(role: RoleName, last: Option<Version>) -> Result<Version, SignerError> {
    match last {
        None => Ok(Version::FIRST),
        Some(last) => last.next().ok_or(SignerError::LastVersion { role }),
    }
}

fn document<T: Document + Clone>(role: RoleName, bytes: &[u8]) -> Result<T, SignerError> {
    let signed = Signed::<T>::parse(bytes).map_err(|source| SignerError::Metadata { role, source })?;
    Ok(signed.unverified().clone())
}

fn file<T: Document>(unsigned: &Unsigned<T>, key: &SigningKey) -> Vec<u8> {
    unsigned.file(&[papers::signature(key, unsigned.signable())])
}
