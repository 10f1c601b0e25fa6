//! What does the repository say today, and can it be believed? The client workflow of The Update Framework 1.0 (section 5).
//!
//! Facts in, effects out: a [`Verifier`] starts from what was persisted, is told the time once, says which file it needs next,
//! is fed what came, and says what to keep. It has no clock, no disk and no network, so that every attack is a table of bytes.
//! A failed step leaves what was kept before untouched, and a new verifier can start from it at any time.
//!
//! Read in this order: `request` (what is fetched), `root`, `timestamp`, `snapshot`, `targets` (one decision each), `search`
//! (the walk through delegations), `state` (the sequence), `drive` (the loop around it).

mod drive;
mod error;
mod floor;
mod request;
mod root;
mod search;
mod snapshot;
mod state;
mod targets;
mod timestamp;

pub use drive::{World, find, refresh};
pub use error::UpdateError;
pub use floor::{Floor, FloorError};
pub use request::{Answer, Place, Request};
pub use root::RootError;
pub use search::{SearchError, Target};
pub use snapshot::SnapshotError;
pub use state::{Effect, Next, Outcome, Settings, Stored, Verifier};
pub use targets::TargetsError;
pub use timestamp::TimestampError;
