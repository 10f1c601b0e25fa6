//! Does the notary's library believe what it should, refuse what it should, and publish nothing that it would refuse?
//!
//! `kit` is a repository that can be made to lie; every refusal is asserted by the rule that it names.

#![allow(clippy::unwrap_used, reason = "a test's panic is its message")]

mod attacks;
mod bounds;
mod delegations;
mod deny;
mod desk;
mod judge;
mod kills;
mod kit;
mod liar;
mod life;
mod log;
mod mirror;
mod openapi;
mod postgres;
mod process;
mod properties;
mod publish;
mod records;
mod restart;
mod roots;
mod stolen;
mod storage;
mod strangers;
mod town;
mod workflow;
