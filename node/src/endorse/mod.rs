//! Who has promised to include a transaction, and who is told?
//!
//! Transactions that come in here go to the peers and to the authority of the slot, which endorses them: a signed promise that they go
//! first (R13). [`Announcer`] is the task that does it; [`Endorsements`] holds the promises of all authorities for the builder and
//! for JSON-RPC. Which promises may be made is decided by `ledger_consensus::limits`.

mod announcer;
mod book;
mod strays;
mod telling;

pub use announcer::{Announcer, EndorseRequest};
pub use book::{ENDORSEMENT_WAIT, Endorsements, RECEIPTS_MAX};
pub use strays::Strays;
pub use telling::AnnouncerInputs;
