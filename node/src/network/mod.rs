//! The node's side of the network: what it tells peers, what it asks them, and what it answers.
//!
//! The network itself is the crate `ledger_network`. The assembly opens it here and starts [`serve::Server`]; the driver uses the
//! rest. Never decides anything about blocks.

pub mod alone;
pub mod fetch;
pub mod origins;
pub mod proposals;
pub mod serve;

use ed25519_dalek::SigningKey;
use ledger_chainspec::{GenesisHash, ValidatorSet};
use ledger_network::{BindError, Network, NetworkEvents, NetworkHandle, NetworkOptions, PeerId};
use tracing::warn;

use self::alone::Wanted;
use crate::{config::NetworkConfig, error::NodeError};

/// The two ends of a network.
#[derive(Debug)]
pub struct NetworkEnds {
    /// The way to it.
    pub handle: NetworkHandle,
    /// What comes from it.
    pub events: NetworkEvents,
    /// Whom it looks for.
    pub wanted: Wanted,
}

/// The chain that a network is of.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// Its identity, for peers.
    pub genesis: GenesisHash,
}

/// Takes the ports. Gives the part that has to be run, and its ends.
///
/// # Errors
/// [`NodeError::Listen`] if a port is taken, [`NodeError::Usage`] for addresses that are none.
pub fn open(
    config: &NetworkConfig,
    identity: SigningKey,
    chain: Chain<'_>,
) -> Result<(Network, NetworkEnds), NodeError> {
    let Chain { name, genesis } = chain;
    let options = NetworkOptions {
        identity,
        genesis,
        listen: config.listen.clone(),
        external: config.external.clone(),
        bootnodes: config.bootnodes.clone(),
        reserved: config.reserved.clone(),
        reserved_only: config.reserved_only,
        peer_store: Some(config.peer_store.clone()),
        agent: format!("ledger-node/{}", env!("CARGO_PKG_VERSION")),
        limits: config.limits.clone(),
    };
    let (network, handle, events) = Network::bind(options).map_err(|error| match error {
        BindError::Listen { address, reason } => NodeError::Listen {
            service: "peers",
            address,
            flag: "--p2p-port",
            reason,
        },
        other => NodeError::Usage(other.to_string()),
    })?;
    let ends = NetworkEnds {
        handle,
        events,
        wanted: Wanted::new(name, config),
    };
    Ok((network, ends))
}

/// The peers that the validators of `set` are registered with. One whose registered id is none has no direct link.
#[must_use]
pub fn validator_peers(set: &ValidatorSet) -> Vec<PeerId> {
    let peers = set.iter().filter_map(|validator| {
        let peer = PeerId::from_bytes(&validator.peer_id);
        if let Err(error) = &peer {
            warn!(target: "ledger::network", validator = %validator.consensus_key, %error, "the registered peer id is none");
        }
        peer.ok()
    });
    peers.collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use ledger_chainspec::{BlockHash, BlockNumber};
    use ledger_network::{Peer, PeerStatus};

    use super::*;

    /// A peer that says that it has `head`, if it says anything.
    pub(crate) fn peer(is_validator: bool, head: Option<u64>) -> Peer {
        Peer {
            id: PeerId::random(),
            address: "/ip4/127.0.0.1/tcp/1".parse().unwrap(),
            is_validator,
            is_reserved: false,
            is_incoming: false,
            agent: String::new(),
            status: head.map(|head| PeerStatus {
                head: BlockNumber::new(head),
                head_hash: BlockHash::new([1; 32].into()),
                oldest: BlockNumber::new(0),
                unix_ms: 0,
            }),
            clock_offset_ms: None,
            rtt: None,
            score: 100,
            connected_since: tokio::time::Instant::now(),
        }
    }
}
