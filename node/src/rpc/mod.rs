//! How does the world talk to a node? JSON-RPC over HTTP and WebSocket on one port, the pages for people, and a few for monitoring.
//!
//! [`RpcServer`] takes the port and runs; [`Api`] implements every method of [`ledger_api`], a file per group, over what
//! the assembly hands over in [`RpcContext`]. Handlers read the store and run short calls on the threads that ask, and whatever
//! may take long on blocking threads, all in bounded numbers ([`turns`]); before them, every request passes the gate, which knows
//! its caller and what that caller may still ask for ([`callers`], [`limits`]). Nothing here signs anything or decides anything,
//! and the only thing that it changes is the pool.

mod blocks;
mod body;
pub mod callers;
mod charge;
mod clock;
mod context;
mod convert;
mod costs;
mod cpu;
mod debug;
pub mod error;
mod filters;
mod gate;
mod http;
mod ledger;
pub mod limits;
mod meter;
mod node;
mod rules;
mod server;
mod service;
mod simulate;
mod socket;
mod state;
mod subscribe;
mod transactions;
pub mod turns;
mod web;

use jsonrpsee::Methods;
use ledger_api::{
    DebugServer, DiscoveryServer, EthBlocksServer, EthFiltersServer, EthPubSubServer, EthRulesServer, EthStateServer,
    EthTransactionsServer, LedgerPubSubServer, LedgerServer, NetServer, PoolServer, Web3Server,
};

pub(crate) use clock::unix_seconds;

pub use blocks::{FEE_HISTORY_BLOCKS_MAX, FEE_PERCENTILES_MAX};
pub use context::{Api, ConsensusPort, NetworkStatus, RpcContext, SyncProgress};
pub use filters::{FILTER_IDLE_MAX, FILTER_VALUES_MAX, FILTERS_MAX, FILTERS_PER_CALLER_MAX, KEPT_FILTER_VALUES_MAX};
pub use limits::RpcLimits;
pub use server::{RpcBindError, RpcOptions, RpcServer, STOP_WAIT_MAX};
pub use service::InProcess;
pub use state::STORAGE_VALUES_MAX;

/// Every method, ready to be served.
#[must_use]
pub fn methods(api: Api) -> Methods {
    let groups: [Methods; 13] = [
        EthBlocksServer::into_rpc(api.clone()).into(),
        EthRulesServer::into_rpc(api.clone()).into(),
        EthTransactionsServer::into_rpc(api.clone()).into(),
        EthStateServer::into_rpc(api.clone()).into(),
        EthFiltersServer::into_rpc(api.clone()).into(),
        EthPubSubServer::into_rpc(api.clone()).into(),
        NetServer::into_rpc(api.clone()).into(),
        Web3Server::into_rpc(api.clone()).into(),
        PoolServer::into_rpc(api.clone()).into(),
        DebugServer::into_rpc(api.clone()).into(),
        DiscoveryServer::into_rpc(api.clone()).into(),
        LedgerPubSubServer::into_rpc(api.clone()).into(),
        LedgerServer::into_rpc(api).into(),
    ];
    let mut methods = Methods::new();
    for group in groups {
        methods
            .merge(group)
            .expect("a test registers all groups: no two name the same method");
    }
    methods
}
