//! What is to be fetched, under which name, and how much of it at most?
//!
//! Names are parts of addresses, percent-encoded already. Whoever fetches reads no more than one byte beyond the bound.

use std::fmt;

use crate::tuf::{
    metadata::{MetaFile, TargetFile},
    names::{RoleName, TargetPath, Version, encoded},
};

/// Where a name belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Below the address of metadata.
    Metadata,
    /// Below the address of targets.
    Targets,
}

/// One file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub place: Place,
    /// What, relative to that.
    pub name: String,
    /// Bytes that it may have at most; more are refused, and never read.
    pub bytes_max: u64,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The file, or as much of it as shows that it is too long.
    Bytes(Vec<u8>),
    /// There is no such file.
    Missing,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Request {
    /// A role's document, by version where that is known.
    pub(super) fn metadata(role: &RoleName, version: Option<Version>, bytes_max: u64) -> Self {
        let name = match version {
            Some(version) => format!("{version}.{}.json", encoded(role.as_str())),
            None => format!("{}.json", encoded(role.as_str())),
        };
        Self {
            place: Place::Metadata,
            name,
            bytes_max,
        }
    }

    /// A role's document as it is listed; `bytes_max` where no length is.
    pub(super) fn listed(role: &RoleName, listed: &MetaFile, consistent: bool, bytes_max: u64) -> Self {
        let bytes_max = listed.length.map_or(bytes_max, |length| length.min(bytes_max));
        Self::metadata(role, consistent.then_some(listed.version), bytes_max)
    }

    /// A target file; its name starts with its hash where snapshots are consistent (TUF 5.7.3).
    pub(crate) fn target(path: &TargetPath, file: &TargetFile, consistent: bool) -> Self {
        let mut parts: Vec<String> = path.as_str().split('/').map(encoded).collect();
        if consistent && let Some(last) = parts.last_mut() {
            *last = format!("{}.{last}", file.hashes.prefix());
        }
        Self {
            place: Place::Targets,
            name: parts.join("/"),
            bytes_max: file.length,
        }
    }
}
