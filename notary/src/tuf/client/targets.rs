//! Are these the targets that the snapshot lists, of the top or of a delegated role? (TUF 5.6.1 to 5.6.6)

use thiserror::Error;

use crate::tuf::{
    metadata::{Authority, Document, FileError, MetaFile, MetadataError, Signed, Targets, ThresholdError, Verified},
    names::{RoleName, Version},
    time::UnixSeconds,
};

/// Why a role's targets metadata cannot be used.
#[derive(Debug, Error)]
pub enum TargetsError {
    /// The repository has none.
    #[error("TUF 5.6.1: the repository has no {role} version {version}, which its snapshot lists")]
    Missing {
        /// The role.
        role: RoleName,
        /// Version that the snapshot lists.
        version: Version,
    },
    /// Not the file that the snapshot lists.
    #[error("TUF 5.6.2: the metadata of {role} {source}: mixed from different moments?")]
    File {
        /// The role.
        role: RoleName,
        /// The difference.
        source: FileError,
    },
    /// What came is no targets metadata.
    #[error("TUF 5.6.1: of {role}: {source}")]
    Metadata {
        /// The role.
        role: RoleName,
        /// What is wrong with it.
        source: MetadataError,
    },
    /// Those who may sign for the role did not.
    #[error("TUF 5.6.3: {0}")]
    Unsigned(#[from] ThresholdError),
    /// Another version than the snapshot lists.
    #[error("TUF 5.6.4: the snapshot lists {role} version {expected}, got {got}: mixed from different moments?")]
    Version {
        /// The role.
        role: RoleName,
        /// Version that the snapshot lists.
        expected: Version,
        /// What came.
        got: Version,
    },
    /// Too old.
    #[error(
        "TUF 5.6.5: {role} version {version} expired at {expires}, and it is {now}: whoever signs for it must renew it"
    )]
    Expired {
        /// The role.
        role: RoleName,
        /// Its version.
        version: Version,
        /// When it expired.
        expires: UnixSeconds,
        /// When the update began.
        now: UnixSeconds,
    },
}

/// The targets metadata that `authority` signed and the snapshot lists.
pub(super) fn check(
    authority: &Authority,
    listed: &MetaFile,
    bytes: &[u8],
    now: UnixSeconds,
) -> Result<Verified<Targets>, TargetsError> {
    let role = || authority.role().clone();
    listed
        .check(bytes)
        .map_err(|source| TargetsError::File { role: role(), source })?;
    let signed = Signed::<Targets>::parse(bytes).map_err(|source| TargetsError::Metadata { role: role(), source })?;
    let verified = signed.verify(authority)?;
    let targets = verified.get();
    if targets.version != listed.version {
        return Err(TargetsError::Version {
            role: role(),
            expected: listed.version,
            got: targets.version,
        });
    }
    if targets.is_expired(now) {
        return Err(TargetsError::Expired {
            role: role(),
            version: targets.version,
            expires: targets.expires,
            now,
        });
    }
    Ok(verified)
}
