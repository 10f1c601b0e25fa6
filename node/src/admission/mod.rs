//! May this candidate run a validator, and may those who do still? What this node checks at the notary, and what its account votes.
//!
//! [`AdmissionTask`] looks at the open proposals whenever the head moves, holds each request against what the notary's mirrors say
//! ([`notary`]), against the chain ([`chain`]) and against the candidate's peer, which has to answer a handshake, and does what
//! [`plan`] decides: votes that name what was verified, votes that are taken back, proposals to remove a validator whose member is
//! suspended or revoked, and executions. With `--admission manual`, or without the account's key, it says what it found and waits for
//! a person. Everything runs beside the chain: a notary that is down or late keeps newcomers out and does nothing else, and one that lies
//! takes out no more validators than the chain can lose ([`removal`]).
//!
//! Read in this order: [`config`], [`notary`], [`last_word`], [`trouble`], [`following`], `former`, [`chain`], [`records`], [`handshakes`],
//! [`judging`], [`plan`], [`removal`], [`proposers`], [`verdicts`], [`sender`], [`own_votes`], [`voting`], [`telling`], [`task`].

pub mod chain;
pub mod config;
pub mod following;
mod former;
pub mod handshakes;
pub mod judging;
pub mod last_word;
pub mod notary;
pub mod own_votes;
pub mod plan;
pub mod proposers;
pub mod records;
pub mod removal;
pub mod sender;
pub mod task;
pub mod telling;
pub mod trouble;
pub mod verdicts;
pub mod voting;

pub use config::{AccountSource, AdmissionArgs, AdmissionConfig, AdmissionMode, NotaryConfig, RootPin};
pub use task::AdmissionTask;
pub use verdicts::Verdicts;
