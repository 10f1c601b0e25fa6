//! `ledger-node`: the node of a Cloud Ledger chain. The only crate that knows both consensus and runtime.

pub use ledger_keys as keys;

pub mod rpc;
pub mod signer;
pub mod txpool;
