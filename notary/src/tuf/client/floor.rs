//! Is this at least as new as what the chain has seen? A client that never was here cannot tell yesterday's metadata from
//! today's as long as they have not expired; the chain can, because admissions name the versions that they rest on.

use thiserror::Error;

use crate::tuf::names::Version;

/// Versions below which nothing is believed, as the Bootstrap contract tallied them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    /// Lowest version of root; 0 while the chain has seen none.
    pub root_version: u64,
    /// Lowest version of the top's targets; 0 while the chain has seen none.
    pub targets_version: u64,
    /// sha256 of what was signed of the targets metadata that have exactly that version, where it is known.
    pub targets_sha256: Option<[u8; 32]>,
}

/// Why metadata are older than what the chain has seen, or other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FloorError {
    /// An older root.
    #[error("the chain has seen root version {floor}, the repository offers {got}: a replay of old metadata?")]
    Root {
        /// Lowest version that is believed.
        floor: u64,
        /// What came.
        got: Version,
    },
    /// Older targets.
    #[error("the chain has seen targets version {floor}, the repository offers {got}: a replay of old metadata?")]
    Targets {
        /// Lowest version that is believed.
        floor: u64,
        /// What came.
        got: Version,
    },
    /// Other targets of the same version.
    #[error(
        "the chain has seen targets version {version} with sha256 {expected}, the repository offers {got}: a split view?"
    )]
    Hash {
        /// The version.
        version: Version,
        /// The hash that the chain has seen.
        expected: String,
        /// The hash of what came.
        got: String,
    },
}

impl Floor {
    /// Whether documents are at least as new as what the chain has seen; `targets` by version and hash.
    ///
    /// # Errors
    /// [`FloorError`]
    pub fn check(&self, root: Version, (targets, sha256): (Version, [u8; 32])) -> Result<(), FloorError> {
        self.check_root(root)?;
        self.check_targets(targets, sha256)
    }

    pub(super) fn check_root(&self, got: Version) -> Result<(), FloorError> {
        let floor = self.root_version;
        if got.get() < floor {
            Err(FloorError::Root { floor, got })
        } else {
            Ok(())
        }
    }

    pub(super) fn check_targets(&self, got: Version, sha256: [u8; 32]) -> Result<(), FloorError> {
        let floor = self.targets_version;
        if got.get() < floor {
            return Err(FloorError::Targets { floor, got });
        }
        match self.targets_sha256 {
            Some(expected) if got.get() == floor && expected != sha256 => Err(FloorError::Hash {
                version: got,
                expected: hex::encode(expected),
                got: hex::encode(sha256),
            }),
            _ => Ok(()),
        }
    }
}
