//! `ledger-node`: the node of a Cloud Ledger chain. The only crate that knows both consensus and runtime.

pub mod keys;
pub mod signer;
