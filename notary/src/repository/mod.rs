//! How does metadata get to those who read it? The writer of a repository: a folder of static files that any server or mirror can
//! serve.
//!
//! Keys are elsewhere. Whoever changes something builds the documents, has [`Unsigned::signable`] signed by those who may, and hands
//! the [`Release`] to [`Repository::publish`]. That holds it against the house's own [`rules`](RuleError), lets the real
//! [`Verifier`](crate::tuf::Verifier) read the outcome, as a reader who comes for the first time and as one who was here before, and
//! holds all [records](crate::records) against each other, and only then lets the timestamp move. Every file is written whole and synced, under a name that carries its version or hash;
//! what a crash leaves behind before the timestamp, nobody looks at.
//!
//! Read in this order: `unsigned` (what is signed), `release` (what is published together), `rules`, `rehearsal`, `contents` (the records),
//! `plan` (all three), `preview` (as much of them as can be said before the online keys have signed), `shelf` (a repository in memory),
//! `folder` (one on the disk), `copy` (one on the disk that follows the one in memory).

mod contents;
mod copy;
mod error;
mod folder;
mod plan;
mod preview;
mod rehearsal;
mod release;
mod rules;
mod shelf;
mod unsigned;

pub use copy::FolderCopy;
pub use error::{PublishError, ReadError, ReleaseError};
pub use folder::Repository;
pub use preview::TopSigned;
pub use rehearsal::RehearsalError;
pub use release::{Newest, Release, Write};
pub use rules::{
    DELEGATED_LIFE_MAX, ROOT_LIFE_MAX, RuleError, SNAPSHOT_LIFE_MAX, TARGETS_LIFE_MAX, TIMESTAMP_LIFE_MAX,
};
pub use shelf::Shelf;
pub use unsigned::Unsigned;
