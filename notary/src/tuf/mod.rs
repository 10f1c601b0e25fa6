//! What is true metadata? The Update Framework 1.0: its documents, its signatures, and what a client may believe.
//!
//! Pure: bytes and the time come in, decisions come out. Called by whoever reads a repository (`tuf-client`) and by the
//! [repository's writer](crate::repository), which publishes nothing that this would refuse. Section numbers in errors are those of
//! the specification.
//!
//! Read in this order: [`names`], [`json`] and [`key`] (what is signed, and by whom), [`metadata`] (the four documents), [`pattern`]
//! (who may speak of what), [`client`] (the workflow). [`limits`] has every bound.

pub mod client;
pub mod json;
pub mod key;
pub mod limits;
pub mod metadata;
pub mod names;
pub mod pattern;
pub mod time;

pub use self::time::UnixSeconds;
pub use client::{
    Answer, Effect, Floor, FloorError, Next, Only, Outcome, Place, Request, RootError, SearchError, Settings,
    SnapshotError, Stored, Target, TargetsError, TimestampError, UpdateError, Verifier, World, find, find_only,
    forget_undelegated, refresh,
};
pub use key::{Key, Signature};
pub use metadata::{
    Authority, DelegatedRole, Delegations, Document, FileError, Hashes, MetaFile, MetadataError, Paths, RoleKeys,
    Roles, Root, Signed, Snapshot, TargetFile, Targets, ThresholdError, Timestamp, Verified,
};
pub use names::{KeyId, Kind, NameError, RoleName, TargetPath, Version};
pub use pattern::{HashPrefix, PathPattern};
