//! What does a `ledger-node` answer over JSON-RPC? The methods as traits and their values as types, once for both sides.
//!
//! The node implements the `*Server` traits (feature `server`); the `passport` command and a cloud's back end call the
//! `*Client` traits (feature `client`). Methods of Ethereum keep Ethereum's shapes, by alloy's types; those of `ledger_*`
//! are ours. Every number is a hexadecimal quantity (`"0x1f"`), whoever's method it is; every name is camel case.
//! Nothing here opens a socket or knows the chain's rules.

pub mod amount;
pub mod openrpc;
pub mod types;

#[cfg(any(feature = "server", feature = "client"))]
pub mod debug;
#[cfg(any(feature = "server", feature = "client"))]
pub mod eth;
#[cfg(any(feature = "server", feature = "client"))]
pub mod ledger;
#[cfg(any(feature = "server", feature = "client"))]
pub mod node;

pub use amount::whole;
pub use types::*;

#[cfg(feature = "client")]
pub use {
    debug::DebugClient,
    eth::{EthBlocksClient, EthFiltersClient, EthPubSubClient, EthRulesClient, EthStateClient, EthTransactionsClient},
    ledger::{LedgerClient, LedgerPubSubClient},
    node::{DiscoveryClient, NetClient, PoolClient, Web3Client},
};
#[cfg(feature = "server")]
pub use {
    debug::DebugServer,
    eth::{EthBlocksServer, EthFiltersServer, EthPubSubServer, EthRulesServer, EthStateServer, EthTransactionsServer},
    ledger::{LedgerPubSubServer, LedgerServer},
    node::{DiscoveryServer, NetServer, PoolServer, Web3Server},
};
