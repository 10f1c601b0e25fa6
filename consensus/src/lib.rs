//! How do validators agree on one block after the other? Round-robin authority with deterministic finality, as a pure state
//! machine.
//!
//! `PROTOCOL.md` beside this crate gives the rules R1 to R15 and why each exists. The node's driver owns an [`Engine`],
//! hands it every fact as an [`Input`] with the time at which it holds, and carries out the [`Effect`]s it returns, in order.
//! Nothing here has a clock, a random number, a disk, a socket, a task or a log, and nothing here ever sees a key.
//!
//! Reading order: [`Schedule`] (time), [`message`] (what is said), [`signing_guard`] (what may be signed), [`engine`]
//! (what happens), [`equivocation`] (who broke the rules).

pub mod certified;
mod checkpoint_rule;
mod early;
pub mod effect;
pub mod engine;
pub mod equivocation;
pub mod error;
mod finality;
pub mod guard_record;
mod header_rules;
pub mod input;
pub mod limits;
pub mod message;
#[cfg(feature = "mutants")]
mod mutants;
pub mod rejection;
#[cfg(not(feature = "mutants"))]
mod rules;
#[cfg(feature = "mutants")]
pub mod rules;
mod schedule;
pub mod signing_guard;

pub use certified::{CertifiedError, check_certified};
pub use checkpoint_rule::CHECKPOINTS_PENDING_MAX;
pub use early::{EARLY_PROPOSALS_MAX, EARLY_VOTES_MAX};
pub use effect::{Alarm, BuildRequest, Effect};
pub use engine::{CANDIDATES_MAX, Engine, EngineConfig, EngineStart, Silence, Status};
pub use equivocation::{Evidence, EvidenceKind};
pub use error::{Fault, GuardRecordError, HeadError, Refusal, StartError};
pub use finality::{CERTIFICATES_HELD_MAX, VOTE_RETENTION_SLOTS};
pub use guard_record::{GUARD_RECORD_VERSION, GuardRecord, Lock};
pub use header_rules::ChainParams;
pub use input::{BuildOutcome, FinalHead, Input, Origin, ValidationOutcome};
pub use message::{Message, Proposal, Reproposal, SignedStatement};
pub use rejection::{HeaderError, Rejection};
pub use schedule::Schedule;
pub use signing_guard::{GuardReceipt, GuardStart, GuardWrite, Permission, Signed};
