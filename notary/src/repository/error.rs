//! Why was nothing published? The writer's errors.

use std::path::PathBuf;

use thiserror::Error;

use super::{RehearsalError, RuleError};
use crate::{
    records::RegisterError,
    store::StoreError,
    tuf::{UpdateError, metadata::MetadataError},
};

/// Why the folder is no repository of ours.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] StoreError),
    /// A file that others name is missing.
    #[error("{path} is missing, which the repository's own files name: restore the folder from a copy of it")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file is not what its name says.
    #[error("{path} is damaged: {source}; restore the folder from a copy of it")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: MetadataError,
    },
}

/// Why a release may not be published.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// It breaks a rule of the house.
    #[error("of a rule: {0}")]
    Rule(#[from] RuleError),
    /// Readers would refuse it.
    #[error("readers would refuse it: {0}")]
    Rehearsal(#[from] RehearsalError),
    /// Its records contradict each other, or those that are published.
    #[error("of a record: {0}")]
    Records(#[from] RegisterError),
}

impl From<MetadataError> for ReleaseError {
    fn from(error: MetadataError) -> Self {
        Self::Rule(error.into())
    }
}

impl From<UpdateError> for ReleaseError {
    fn from(error: UpdateError) -> Self {
        Self::Rehearsal(error.into())
    }
}

/// Why a release was not published; readers see what they saw before.
#[derive(Debug, Error)]
pub enum PublishError {
    /// It may not be.
    #[error("not published, because {0}")]
    Release(#[from] ReleaseError),
    /// The disk refused.
    #[error("not published: {0}")]
    Disk(#[from] StoreError),
    /// What was written could not be read back.
    #[error("published, but it cannot be read back: {0}")]
    ReadBack(#[from] ReadError),
}
