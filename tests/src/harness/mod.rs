//! A real node for a test: the built `ledger-node` in a folder of its own, its JSON-RPC, and accounts that sign for themselves.
//!
//! Used by every whole-system test and by the benchmark. Talks to the node as anybody would: by its command line, its port and
//! its signals.

mod account;
mod made_chain;
mod mainchain;
mod node;
pub mod notary;
pub mod promo;
mod rpc;
mod testnet;
mod visitor;

pub use account::{Account, Call};
pub use made_chain::{MadeChain, decoded, requests};
pub use mainchain::{MAINCHAIN_ID, Mainchain};
pub use node::{
    Announced, Node, NodeOptions, Refused, built_binary, process_cpu_ticks, process_io_written, resident_bytes,
};
pub use rpc::{HttpAnswer, Rpc, RpcError};
pub use testnet::{Testnet, free_ports};
pub use visitor::{Answered, Visitor};
