//! How do checkpoints of the sidechain come onto its mainchain, and does what is there agree with the sidechain?
//!
//! `ledger-relayer` is the program; anyone may run it, and it needs nothing but an account of the mainchain. [`plan`] decides and is
//! pure, [`journal`] remembers what was signed, [`mainchain`] and [`sidechain`] ask the two chains, [`relayer`] carries out, and
//! [`watch`] checks. [`connection`] and [`service`] are what `ledger-relayer run` and a node with a relayer in it have in common;
//! [`deployment`] remembers how the contract was made. Nodes of the sidechain read back what is there by [`reader`], of which [`reading`]
//! is the pure part. Whoever wants to prove something of the sidechain by its checkpoints finds them by [`lookup`], and [`proof`] judges
//! the proof of a promo code; the `passport` command uses both. What the contract promises is in the contracts' `ICheckpoint.sol`.

pub mod connection;
pub mod deployment;
pub mod journal;
pub mod lookup;
pub mod mainchain;
pub mod metering;
pub mod numbers;
pub mod outbox;
pub mod plan;
pub mod proof;
pub mod reader;
pub mod reading;
pub mod relayer;
pub mod service;
pub mod sidechain;
pub mod statement;
pub mod watch;

pub use mainchain::signing;
