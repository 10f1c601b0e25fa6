//! What does the repository say today, and can it be believed? The client workflow of The Update Framework 1.0 (section 5).
//!
//! Facts in, effects out: a [`Verifier`] starts from what was persisted, is told the time once, says which file it needs next,
//! is fed what came, and says what to keep. It has no clock, no disk and no network, so that every attack is a table of bytes.
//! A failed step leaves what was kept before untouched, and a new verifier can start from it at any time.
//!
//! Read in this order: `request` (what is fetched), `root`, `timestamp`, `snapshot`, `targets` (one decision each), `search`
//! (the walk through delegations), `kept` (what stays), `state` (the sequence), `drive` (the loop around it).

mod drive;
mod error;
mod facts;
mod floor;
mod kept;
mod request;
mod root;
mod search;
mod snapshot;
mod state;
mod targets;
mod timestamp;

pub use drive::{World, find, find_only, forget_undelegated, refresh};
pub use error::UpdateError;
pub use facts::{Effect, Next, Outcome, Settings, Stored};
pub use floor::{Floor, FloorError};
pub use request::{Answer, Place, Request};
pub use root::RootError;
pub use search::{Only, SearchError, Target};
pub use snapshot::SnapshotError;
pub use state::Verifier;
pub use targets::TargetsError;
pub use timestamp::TimestampError;
