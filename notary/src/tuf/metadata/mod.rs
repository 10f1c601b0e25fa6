//! What does a document say, and who signed it? The four kinds of metadata, read strictly and kept in the form that was signed.
//!
//! The order of work is in the types: bytes become [`Signed`] when they are read, and [`Verified`] only by a check against the
//! keys of whoever may sign them. Fields that nobody here knows are let pass and are covered by the signature, because it is
//! checked over the raw value. Called by the client and by the writer; never touches a disk, a clock or a network.

mod file;
mod root;
mod signed;
mod snapshot;
mod targets;

pub use file::{FileError, Hashes, MetaFile, TargetFile};
pub use root::{RoleKeys, Roles, Root};
pub use signed::{Authority, MetadataError, Signed, ThresholdError, Verified, assemble};
pub use snapshot::{Snapshot, SnapshotFile, Timestamp};
pub use targets::{DelegatedRole, Delegations, Paths, Targets};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    names::{Kind, Version},
    time::UnixSeconds,
};

/// The part of a document that is signed.
pub trait Document: DeserializeOwned + Serialize {
    /// What `_type` must say.
    const KIND: Kind;
    /// Longest document of this kind, signatures included.
    const BYTES_MAX: u64;
    /// What `_type` says.
    fn kind(&self) -> Kind;
    /// Its version.
    fn version(&self) -> Version;
    /// When it stops being trusted.
    fn expires(&self) -> UnixSeconds;

    /// Whether it is not to be trusted any more: it must live longer than `now`.
    fn is_expired(&self, now: UnixSeconds) -> bool {
        self.expires() <= now
    }
}

macro_rules! document {
    ($name:ident, $kind:expr, $bytes_max:expr) => {
        impl super::Document for $name {
            const KIND: crate::tuf::names::Kind = $kind;
            const BYTES_MAX: u64 = $bytes_max;

            fn kind(&self) -> crate::tuf::names::Kind {
                self.kind
            }

            fn version(&self) -> crate::tuf::names::Version {
                self.version
            }

            fn expires(&self) -> crate::tuf::time::UnixSeconds {
                self.expires
            }
        }
    };
}
use document;

/// Which edition of The Update Framework a document keeps to: 1.x.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpecVersion(String);

impl Default for SpecVersion {
    /// What writers write.
    fn default() -> Self {
        Self("1.0.31".to_owned())
    }
}

impl TryFrom<String> for SpecVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<_> = text.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if parts.first() == Some(&"1") && (2..=3).contains(&parts.len()) && parts.iter().all(is_number) {
            Ok(Self(text))
        } else {
            let got: String = text.chars().take(20).collect();
            Err(format!("spec_version is 1.x (TUF 4.3), got {got:?}"))
        }
    }
}

impl From<SpecVersion> for String {
    fn from(version: SpecVersion) -> Self {
        version.0
    }
}
