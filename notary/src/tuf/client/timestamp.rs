//! Is this the newest timestamp? (TUF 5.4)

use thiserror::Error;

use crate::tuf::{
    metadata::{Document, MetadataError, Root, Signed, ThresholdError, Timestamp, Verified},
    names::{Kind, Version},
    time::UnixSeconds,
};

/// Why the timestamp role cannot be updated.
#[derive(Debug, Error)]
pub enum TimestampError {
    /// The repository has none.
    #[error("TUF 5.4.1: the repository has no timestamp.json; is this the address of its metadata?")]
    Missing,
    /// What came is no timestamp metadata.
    #[error("TUF 5.4.1: {0}")]
    Metadata(#[from] MetadataError),
    /// Root's timestamp keys did not sign it.
    #[error("TUF 5.4.2: {0}")]
    Unsigned(#[from] ThresholdError),
    /// Older than the trusted one.
    #[error("TUF 5.4.3.1: timestamp version {trusted} is trusted, got {got}: a rollback attack?")]
    Rollback {
        /// Version of the trusted timestamp.
        trusted: Version,
        /// What came.
        got: Version,
    },
    /// Names an older snapshot than the trusted one.
    #[error(
        "TUF 5.4.3.2: the trusted timestamp names snapshot version {trusted}, the new one {got}: a rollback attack?"
    )]
    SnapshotRollback {
        /// Version of the snapshot that the trusted timestamp names.
        trusted: Version,
        /// Version that the new one names.
        got: Version,
    },
    /// The newest timestamp that is to be had has expired.
    #[error("TUF 5.4.4: timestamp version {version} expired at {expires}, and it is {now}: a freeze attack?")]
    Expired {
        /// Its version.
        version: Version,
        /// When it expired.
        expires: UnixSeconds,
        /// When the update began.
        now: UnixSeconds,
    },
}

/// What was persisted, if root's keys of today still vouch for it. It may have expired: it is compared with, not relied on.
pub(super) fn persisted(root: &Root, bytes: &[u8]) -> Option<Verified<Timestamp>> {
    Signed::parse(bytes).ok()?.verify(&root.authority(Kind::Timestamp)).ok()
}

/// The new timestamp, or nothing if it has the version of the trusted one, which then stays (TUF 5.4.3.1).
pub(super) fn next(
    root: &Root,
    trusted: Option<&Verified<Timestamp>>,
    bytes: &[u8],
    now: UnixSeconds,
) -> Result<Option<Verified<Timestamp>>, TimestampError> {
    let new = Signed::<Timestamp>::parse(bytes)?.verify(&root.authority(Kind::Timestamp))?;
    if let Some(trusted) = trusted.map(Verified::get) {
        let (old, got) = (trusted.version, new.get().version);
        if got < old {
            return Err(TimestampError::Rollback { trusted: old, got });
        }
        if got == old {
            check_fresh(trusted, now)?;
            return Ok(None);
        }
        let (old, got) = (trusted.meta.snapshot.version, new.get().meta.snapshot.version);
        if got < old {
            return Err(TimestampError::SnapshotRollback { trusted: old, got });
        }
    }
    check_fresh(new.get(), now)?;
    Ok(Some(new))
}

fn check_fresh(timestamp: &Timestamp, now: UnixSeconds) -> Result<(), TimestampError> {
    if !timestamp.is_expired(now) {
        return Ok(());
    }
    let (version, expires) = (timestamp.version, timestamp.expires);
    Err(TimestampError::Expired { version, expires, now })
}
