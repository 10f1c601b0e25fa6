//! A sidechain's node over JSON-RPC, as far as the relayer asks it: the bundles that real keys signed, and the blocks.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use alloy_rpc_types_eth::{Block, Header};
use jsonrpsee::{
    RpcModule,
    server::{Server, ServerHandle},
};
use ledger_api::CheckpointsQuery;
use ledger_chainspec::CheckpointBundle;
use ledger_checkpoint::{
    numbers::Index,
    sidechain::{BUNDLES_METHOD, Sidechain},
};

use crate::validators::{History, SideNode};

pub struct SideServer {
    pub url: String,
    _handle: ServerHandle,
}

impl SideServer {
    pub async fn start(history: &Arc<Mutex<History>>) -> Self {
        let mut module = RpcModule::new(SideNode(history.clone()));
        let bundles = module.register_async_method(BUNDLES_METHOD, |params, node, _| async move {
            let query: CheckpointsQuery = params.one().expect("the relayer asks well");
            let bundles = node
                .bundles(Index::new(query.from), query.count)
                .await
                .expect("it has them");
            bundles.into_iter().map(CheckpointBundle::from).collect::<Vec<_>>()
        });
        bundles.expect("the name is free");
        let blocks = module.register_async_method("eth_getBlockByNumber", |params, node, _| async move {
            let (height, _): (alloy_primitives::U64, bool) = params.parse().expect("the relayer asks well");
            let block = node.block(height.to()).await.expect("it has them");
            block.map(|block| {
                let mut header: Header = Header {
                    hash: block.hash,
                    ..Header::default()
                };
                header.inner.number = height.to();
                header.inner.state_root = block.state_root;
                <Block>::empty(header)
            })
        });
        blocks.expect("the name is free");
        let server = Server::builder().build(SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let server = server.expect("a port is free");
        let url = format!("http://{}", server.local_addr().expect("it has an address"));
        Self {
            url,
            _handle: server.start(module),
        }
    }
}
