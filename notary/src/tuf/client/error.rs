//! Why did an update stop? One of the decisions' own errors.

use thiserror::Error;

use super::{FloorError, RootError, SearchError, SnapshotError, TargetsError, TimestampError};
use crate::tuf::names::NameError;

/// Why an update or a search stopped. What was kept before stays good.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// The root role (TUF 5.2 and 5.3).
    #[error(transparent)]
    Root(#[from] RootError),
    /// The timestamp role (TUF 5.4).
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// The snapshot role (TUF 5.5).
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Targets of the top or of a delegated role (TUF 5.6).
    #[error(transparent)]
    Targets(#[from] TargetsError),
    /// The walk through delegations (TUF 5.6.7).
    #[error(transparent)]
    Search(#[from] SearchError),
    /// What the chain knows already.
    #[error(transparent)]
    Floor(#[from] FloorError),
    /// A name that cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More came than was asked for.
    #[error("{name} has more than {bytes_max} bytes: endless data?")]
    TooLong {
        /// The file.
        name: String,
        /// Bytes that it may have.
        bytes_max: u64,
    },
    /// Nothing was asked for, or the refresh is not over.
    #[error("nothing was asked for: a refresh that failed starts again with a new verifier")]
    NotAsked,
}
