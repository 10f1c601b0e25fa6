//! The `net_*`, `web3_*`, `txpool_*` and `rpc_*` methods: about the node itself rather than the chain.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rpc_types_txpool::{TxpoolContent, TxpoolContentFrom, TxpoolInspect, TxpoolStatus};
#[cfg(feature = "server")]
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde_json::Value;

/// The peer-to-peer network.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "net"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "net"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "net"))]
pub trait Net {
    /// The chain id as a decimal string, as Ethereum's clients expect.
    #[method(name = "version")]
    fn version(&self) -> RpcResult<String>;

    /// Number of connected peers.
    #[method(name = "peerCount")]
    fn peer_count(&self) -> RpcResult<U64>;

    /// Whether the node listens for peers.
    #[method(name = "listening")]
    fn listening(&self) -> RpcResult<bool>;
}

/// The software.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "web3"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "web3"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "web3"))]
pub trait Web3 {
    /// Name, version and platform of the node.
    #[method(name = "clientVersion")]
    fn client_version(&self) -> RpcResult<String>;

    /// Keccak-256 of some bytes.
    #[method(name = "sha3")]
    fn sha3(&self, data: Bytes) -> RpcResult<B256>;
}

/// The transaction pool, as geth shows it.
#[cfg_attr(
    all(feature = "server", feature = "client"),
    rpc(server, client, namespace = "txpool")
)]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "txpool"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "txpool"))]
pub trait Pool {
    /// Numbers of pending and queued transactions.
    #[method(name = "status")]
    fn status(&self) -> RpcResult<TxpoolStatus>;

    /// All transactions, by sender and nonce.
    #[method(name = "content")]
    async fn content(&self) -> RpcResult<TxpoolContent>;

    /// The transactions of one sender, by nonce.
    #[method(name = "contentFrom")]
    fn content_from(&self, address: Address) -> RpcResult<TxpoolContentFrom>;

    /// All transactions in one line each, by sender and nonce.
    #[method(name = "inspect")]
    async fn inspect(&self) -> RpcResult<TxpoolInspect>;
}

/// What can be asked.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client))]
pub trait Discovery {
    /// The OpenRPC document that describes every method.
    #[method(name = "rpc.discover")]
    fn discover(&self) -> RpcResult<Value>;

    /// The namespaces and their versions.
    #[method(name = "rpc_modules")]
    fn modules(&self) -> RpcResult<BTreeMap<String, String>>;
}
