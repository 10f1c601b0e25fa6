//! What does the mainchain confirm of this chain, and does this chain contradict it (R15)?
//!
//! [`AnchorTask`] reads the contract on the mainchain by `ledger-checkpoint`; [`Confirmed`] is what came of it, for everybody in the
//! node: the driver refuses and halts by it, the sync chooses a history by it, JSON-RPC shows it. The mainchain is never waited for,
//! except by a node that has nothing yet.

mod args;
mod confirmed;
mod contradiction;
mod held;
mod start;
mod target;
mod task;
mod telling;

pub use args::{AnchorArgs, AnchorConfig, resolve};
pub use confirmed::{AnchoredBlock, Confirmed, Point, Reading, Seen, Span};
pub use contradiction::Contradiction;
pub use start::Anchoring;
use target::ChainSide;
pub use task::AnchorTask;
pub use telling::tell_contradiction;
