//! May this become the trusted root? (TUF 5.3)

use thiserror::Error;

use crate::tuf::{
    metadata::{Document, MetadataError, Root, Signed, ThresholdError, Verified},
    names::{Kind, Version},
    time::UnixSeconds,
};

/// Why the root role cannot be updated.
#[derive(Debug, Error)]
pub enum RootError {
    /// What was persisted, or shipped, as trusted root is none.
    #[error("the trusted root cannot be used (TUF 5.2): {0}; start again from a root file that you trust")]
    Trusted(MetadataError),
    /// What was persisted, or shipped, as trusted root is not signed by itself.
    #[error(
        "the trusted root is not signed by its own keys (TUF 5.2): {0}; start again from a root file that you trust"
    )]
    TrustedUnsigned(ThresholdError),
    /// The new root is no root metadata.
    #[error("TUF 5.3.3: {0}")]
    Metadata(#[from] MetadataError),
    /// The trusted root's keys did not sign the new one.
    #[error("TUF 5.3.4: by the keys of root version {trusted}, new {source}")]
    NotByOld {
        /// Version of the trusted root.
        trusted: Version,
        /// What is missing.
        source: ThresholdError,
    },
    /// The new root's own keys did not sign it.
    #[error("TUF 5.3.4: by its own keys, new {0}")]
    NotByNew(ThresholdError),
    /// An older root, or one that skips a version.
    #[error("TUF 5.3.5: root version {expected} was asked for, got version {got}")]
    Version {
        /// One more than the trusted root's.
        expected: Version,
        /// What came.
        got: Version,
    },
    /// No version follows the trusted one.
    #[error("TUF 5.3.5: root has the last version that there is, {0}")]
    LastVersion(Version),
    /// The newest root that is to be had has expired.
    #[error(
        "TUF 5.3.10: root version {version} expired at {expires}, and no newer one is to be had at {now}: a freeze attack?"
    )]
    Expired {
        /// Its version.
        version: Version,
        /// When it expired.
        expires: UnixSeconds,
        /// When the update began.
        now: UnixSeconds,
    },
}

/// The root that trust starts from.
pub(super) fn trusted(bytes: &[u8]) -> Result<Verified<Root>, RootError> {
    let signed = Signed::<Root>::parse(bytes).map_err(RootError::Trusted)?;
    let itself = signed.unverified().authority(Kind::Root);
    signed.verify(&itself).map_err(RootError::TrustedUnsigned)
}

/// The next root, or nothing if what came has the version that is trusted already.
pub(super) fn next(trusted: &Verified<Root>, bytes: &[u8]) -> Result<Option<Verified<Root>>, RootError> {
    let old = trusted.get();
    let signed = Signed::<Root>::parse(bytes)?;
    signed
        .check(&old.authority(Kind::Root))
        .map_err(|source| RootError::NotByOld {
            trusted: old.version,
            source,
        })?;
    let itself = signed.unverified().authority(Kind::Root);
    let new = signed.verify(&itself).map_err(RootError::NotByNew)?;
    let (expected, got) = (following(old)?, new.get().version);
    if got == old.version {
        return Ok(None);
    }
    if got != expected {
        return Err(RootError::Version { expected, got });
    }
    Ok(Some(new))
}

/// The version after a root's.
pub(super) fn following(root: &Root) -> Result<Version, RootError> {
    root.version.next().ok_or(RootError::LastVersion(root.version))
}

/// Whether the last root of the walk may be relied on.
pub(super) fn check_fresh(root: &Root, now: UnixSeconds) -> Result<(), RootError> {
    if !root.is_expired(now) {
        return Ok(());
    }
    let (version, expires) = (root.version, root.expires);
    Err(RootError::Expired { version, expires, now })
}
