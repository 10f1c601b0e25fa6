//! Which versions belong together, and which set of them is the newest? Snapshot and timestamp metadata (TUF 4.4 and 4.6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MetaFile, SpecVersion, document};
use crate::tuf::{
    limits::{SNAPSHOT_BYTES_MAX, TIMESTAMP_BYTES_MAX},
    names::{Kind, RoleName, Version},
    time::UnixSeconds,
};

/// Snapshot metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(rename = "_type")]
    pub(super) kind: Kind,
    /// The edition it keeps to.
    pub spec_version: SpecVersion,
    /// Its version.
    pub version: Version,
    /// When it stops being trusted.
    pub expires: UnixSeconds,
    /// Every targets document by name (`targets.json`, `m-aurora.json`); one that was ever here stays.
    pub meta: BTreeMap<String, MetaFile>,
}

document!(Snapshot, Kind::Snapshot, SNAPSHOT_BYTES_MAX);

impl Snapshot {
    /// Snapshot metadata of these documents.
    pub fn new(version: Version, expires: UnixSeconds, meta: BTreeMap<String, MetaFile>) -> Self {
        Self {
            kind: Kind::Snapshot,
            spec_version: SpecVersion::default(),
            version,
            expires,
            meta,
        }
    }

    /// What is listed of a role.
    pub fn entry(&self, role: &RoleName) -> Option<&MetaFile> {
        self.meta.get(&role.document())
    }
}

/// Timestamp metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    #[serde(rename = "_type")]
    pub(super) kind: Kind,
    /// The edition it keeps to.
    pub spec_version: SpecVersion,
    /// Its version.
    pub version: Version,
    /// When it stops being trusted.
    pub expires: UnixSeconds,
    /// The one document that it lists.
    pub meta: SnapshotFile,
}

document!(Timestamp, Kind::Timestamp, TIMESTAMP_BYTES_MAX);

/// The one document that timestamp metadata list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotFile {
    /// The newest snapshot.
    #[serde(rename = "snapshot.json")]
    pub snapshot: MetaFile,
}

impl Timestamp {
    /// Timestamp metadata that name this snapshot.
    pub fn new(version: Version, expires: UnixSeconds, snapshot: MetaFile) -> Self {
        Self {
            kind: Kind::Timestamp,
            spec_version: SpecVersion::default(),
            version,
            expires,
            meta: SnapshotFile { snapshot },
        }
    }
}
