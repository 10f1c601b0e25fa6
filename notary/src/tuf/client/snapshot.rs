//! Is this the snapshot that the timestamp names, and does it take nothing back? (TUF 5.5)

use thiserror::Error;

use crate::tuf::{
    metadata::{Document, FileError, MetaFile, MetadataError, Root, Signed, Snapshot, ThresholdError, Verified},
    names::{Kind, RoleName, Version},
    time::UnixSeconds,
};

/// Why the snapshot role cannot be updated.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The repository has none.
    #[error("TUF 5.5.1: the repository has no snapshot version {0}, which its timestamp names")]
    Missing(Version),
    /// Not the file that the timestamp lists.
    #[error("TUF 5.5.2: the snapshot {0}: mixed from different moments?")]
    File(#[from] FileError),
    /// What came is no snapshot metadata.
    #[error("TUF 5.5.1: {0}")]
    Metadata(#[from] MetadataError),
    /// Root's snapshot keys did not sign it.
    #[error("TUF 5.5.3: {0}")]
    Unsigned(#[from] ThresholdError),
    /// Another version than the timestamp names.
    #[error("TUF 5.5.4: the timestamp names snapshot version {expected}, got {got}: mixed from different moments?")]
    Version {
        /// Version that the timestamp names.
        expected: Version,
        /// What came.
        got: Version,
    },
    /// Lists an older version of some role.
    #[error(
        "TUF 5.5.5: the trusted snapshot lists {document} version {trusted}, the new one {got}: a rollback attack?"
    )]
    Rollback {
        /// The role's document.
        document: String,
        /// Version in the trusted snapshot.
        trusted: Version,
        /// Version in the new one.
        got: Version,
    },
    /// Lists some role no longer.
    #[error("TUF 5.5.5: the trusted snapshot lists {document} version {trusted}, the new one does not list it")]
    Dropped {
        /// The role's document.
        document: String,
        /// Version in the trusted snapshot.
        trusted: Version,
    },
    /// Too old.
    #[error("TUF 5.5.6: snapshot version {version} expired at {expires}, and it is {now}: a freeze attack?")]
    Expired {
        /// Its version.
        version: Version,
        /// When it expired.
        expires: UnixSeconds,
        /// When the update began.
        now: UnixSeconds,
    },
    /// There is nothing to start from.
    #[error("TUF 4.4: snapshot version {0} does not list targets.json")]
    NoTargets(Version),
}

/// What was persisted, if root's keys of today still vouch for it. It may be old: it is compared with, not relied on.
pub(super) fn persisted(root: &Root, bytes: &[u8]) -> Option<Verified<Snapshot>> {
    Signed::parse(bytes).ok()?.verify(&root.authority(Kind::Snapshot)).ok()
}

/// Whether the persisted snapshot, of these bytes, is the one that the timestamp lists, and fresh.
pub(super) fn is_current(persisted: &Verified<Snapshot>, bytes: &[u8], listed: &MetaFile, now: UnixSeconds) -> bool {
    persisted.get().version == listed.version && listed.check(bytes).is_ok() && !persisted.get().is_expired(now)
}

/// The new snapshot.
pub(super) fn next(
    root: &Root,
    listed: &MetaFile,
    trusted: Option<&Verified<Snapshot>>,
    bytes: &[u8],
    now: UnixSeconds,
) -> Result<Verified<Snapshot>, SnapshotError> {
    listed.check(bytes)?;
    let verified = Signed::<Snapshot>::parse(bytes)?.verify(&root.authority(Kind::Snapshot))?;
    let new = verified.get();
    if new.version != listed.version {
        let (expected, got) = (listed.version, new.version);
        return Err(SnapshotError::Version { expected, got });
    }
    if let Some(trusted) = trusted {
        refuse_rollback(trusted.get(), new)?;
    }
    if new.is_expired(now) {
        let (version, expires) = (new.version, new.expires);
        return Err(SnapshotError::Expired { version, expires, now });
    }
    Ok(verified)
}

fn refuse_rollback(trusted: &Snapshot, new: &Snapshot) -> Result<(), SnapshotError> {
    for (document, old) in &trusted.meta {
        let (document, trusted) = (document.clone(), old.version);
        match new.meta.get(&document).map(|listed| listed.version) {
            Some(got) if got < trusted => return Err(SnapshotError::Rollback { document, trusted, got }),
            Some(_) => {}
            None => return Err(SnapshotError::Dropped { document, trusted }),
        }
    }
    Ok(())
}

/// How the snapshot lists the targets of the top.
pub(super) fn targets(snapshot: &Snapshot) -> Result<&MetaFile, SnapshotError> {
    snapshot
        .entry(&RoleName::targets())
        .ok_or(SnapshotError::NoTargets(snapshot.version))
}
