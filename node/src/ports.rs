//! Which ports does the node take? The ones it was told, or else the usual ones, or free ones where those are taken.
//!
//! Called by the assembly before anything runs, so that a port in use is known at once.

use std::{io::ErrorKind, net::SocketAddr};

use ledger_network::Network;
use tracing::warn;

use crate::{
    config::{NodeConfig, RpcConfig},
    error::NodeError,
    keys::consensus,
    network::{self, Chain, NetworkEnds, validator_peers},
    rpc::{RpcBindError, RpcContext, RpcOptions, RpcServer},
};

/// Takes the port of JSON-RPC.
///
/// # Errors
/// [`NodeError::Listen`] if it cannot be had, [`NodeError::Usage`] for web origins that are none.
pub fn bind_rpc(config: &RpcConfig, context: RpcContext) -> Result<RpcServer, NodeError> {
    let options = config.options.clone();
    let free = RpcOptions {
        address: SocketAddr::new(options.address.ip(), 0),
        ..options.clone()
    };
    let bound = match RpcServer::bind(options, context.clone()) {
        Err(RpcBindError::Listen { address, source })
            if config.any_port_will_do && source.kind() == ErrorKind::AddrInUse =>
        {
            let bound = RpcServer::bind(free, context);
            if let Ok(server) = &bound {
                let instead = server.address();
                warn!(
                    target: "ledger::rpc", taken = %address, %instead,
                    "the usual port for JSON-RPC is taken: serving on a free one; name one with --rpc-port"
                );
            }
            bound
        }
        bound => bound,
    };
    bound.map_err(|error| match error {
        RpcBindError::Listen { address, source } => NodeError::Listen {
            service: "JSON-RPC",
            address,
            flag: "--rpc-port",
            reason: source.to_string(),
        },
        RpcBindError::Origin { .. } => NodeError::Usage(format!("--rpc-cors: {error}")),
    })
}

/// Takes the ports for peers, if the node is to have any.
///
/// # Errors
/// [`NodeError`] if they cannot be had, or the node's identity cannot be read or made.
pub fn open_network(config: &NodeConfig, chain: Chain<'_>) -> Result<Option<(Network, NetworkEnds)>, NodeError> {
    let Some(network) = &config.network else {
        return Ok(None);
    };
    let identity = consensus::read_or_create_identity(&config.paths.identity)?;
    let (network, ends) = match network::open(network, identity.clone(), chain) {
        Err(NodeError::Listen { address, .. }) if network.any_port_will_do => {
            warn!(target: "ledger::network", taken = %address, "the usual port for peers is taken: listening on a free one");
            let mut free = network.clone();
            free.listen.iter_mut().for_each(|address| address.set_port(0));
            network::open(&free, identity, chain)
        }
        opened => opened,
    }?;
    // Until the chain is open and says who governs, those are known whom the specification names: validators that meet as
    // strangers would gossip by rules that both drop a moment later.
    ends.handle
        .set_validators(validator_peers(&config.spec.validator_set()));
    Ok(Some((network, ends)))
}
