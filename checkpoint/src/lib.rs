//! How do checkpoints of the sidechain come onto its mainchain, and does what is there agree with the sidechain?
//!
//! `ledger-relayer` is the program; anyone may run it, and it needs nothing but an account of the mainchain. [`plan`] decides and is
//! pure, [`journal`] remembers what was signed, [`mainchain`] and [`sidechain`] ask the two chains, [`relayer`] carries out, and
//! [`watch`] checks. Nodes of the sidechain read back what is there by [`reader`], of which [`reading`] is the pure part. What the contract promises is in the contracts' `ICheckpoint.sol`.

pub mod journal;
pub mod mainchain;
pub mod metering;
pub mod numbers;
pub mod outbox;
pub mod plan;
pub mod reader;
pub mod reading;
pub mod relayer;
pub mod sidechain;
pub mod statement;
pub mod watch;

pub use mainchain::signing;
