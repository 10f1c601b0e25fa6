//! What does a node have to be told before it can talk to others?

use std::{net::SocketAddr, path::PathBuf};

use ed25519_dalek::SigningKey;
use ledger_chainspec::GenesisHash;
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use thiserror::Error;

use crate::limits::NetworkLimits;

/// Most bootnodes, and most reserved peers, that are taken.
pub const NAMED_PEERS_MAX: usize = 64;

/// Everything that a [`Network`](crate::Network) is made from.
#[derive(Clone)]
pub struct NetworkOptions {
    /// The key whose public half is the node's peer id.
    pub identity: SigningKey,
    /// The chain; peers of another one are let go.
    pub genesis: GenesisHash,
    /// Where to listen: TCP and QUIC on each. Port 0 lets the system choose one for each of the two.
    pub listen: Vec<SocketAddr>,
    /// Addresses at which others reach this node, if they are not those it listens on.
    pub external: Vec<Multiaddr>,
    /// Where to start: addresses that end in `/p2p/<peer id>`.
    pub bootnodes: Vec<Multiaddr>,
    /// Peers to stay connected to: addresses that end in `/p2p/<peer id>`.
    pub reserved: Vec<Multiaddr>,
    /// Talk to reserved peers and to nobody else.
    pub reserved_only: bool,
    /// The file in which addresses of good peers are kept; `None` forgets them.
    pub peer_store: Option<PathBuf>,
    /// What this node says it is: name and version of the software.
    pub agent: String,
    /// Every bound.
    pub limits: NetworkLimits,
}

impl std::fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetworkOptions")
            .field("genesis", &self.genesis)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// Why a text is no address of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not a multiaddress.
    #[error("`{text}` is no multiaddress such as /ip4/192.0.2.1/tcp/30333/p2p/12D3KooW..: {reason}")]
    Malformed {
        /// What was found.
        text: String,
        /// What the parser met.
        reason: String,
    },
    /// It does not say who is there.
    #[error("`{address}` must end in /p2p/<peer id>, so that nobody else can answer in its place")]
    NoPeerId {
        /// What was found.
        address: Multiaddr,
    },
    /// No way to get there.
    #[error(
        "`{address}` names a peer, but no place; put /ip4/<address>/tcp/<port> or /dns/<name>/tcp/<port> before it"
    )]
    NoPlace {
        /// What was found.
        address: Multiaddr,
    },
}

/// Why a network cannot start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BindError {
    /// A port cannot be had.
    #[error("cannot listen for peers on {address}: {reason}; is another node running?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// A bootnode or a reserved peer cannot be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// More of them than are kept.
    #[error("{got} {what} are more than the {NAMED_PEERS_MAX} allowed")]
    TooMany {
        /// Bootnodes or reserved peers.
        what: &'static str,
        /// How many there are.
        got: usize,
    },
    /// Nobody to talk to.
    #[error("only reserved peers are wanted, but none is named")]
    NobodyReserved,
    /// A part of libp2p does not start.
    #[error("the peer-to-peer host does not start: {reason}")]
    Host {
        /// What it said.
        reason: String,
    },
}

/// Reads the address of a peer: a multiaddress that ends in `/p2p/<peer id>`.
///
/// # Errors
/// [`AddressError`] if it is none.
pub fn parse_peer_address(text: &str) -> Result<Multiaddr, AddressError> {
    let address: Multiaddr = text
        .parse()
        .map_err(|error: libp2p::multiaddr::Error| AddressError::Malformed {
            text: text.to_owned(),
            reason: error.to_string(),
        })?;
    split_peer_address(&address).map(|_| address)
}

/// Who is at `address`, and the way there without the name.
pub(crate) fn split_peer_address(address: &Multiaddr) -> Result<(PeerId, Multiaddr), AddressError> {
    let mut place = address.clone();
    let Some(Protocol::P2p(peer)) = place.pop() else {
        return Err(AddressError::NoPeerId {
            address: address.clone(),
        });
    };
    if place.is_empty() {
        return Err(AddressError::NoPlace {
            address: address.clone(),
        });
    }
    Ok((peer, place))
}

/// The peer id of the node whose identity is `key`.
///
/// # Panics
/// Never: every ed25519 key is an identity.
#[must_use]
pub fn peer_id_of(key: &SigningKey) -> PeerId {
    keypair(key).public().to_peer_id()
}

pub(crate) fn keypair(key: &SigningKey) -> libp2p::identity::Keypair {
    libp2p::identity::Keypair::ed25519_from_bytes(key.to_bytes()).expect("32 bytes are a secret key")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn an_address_says_where_and_who() {
        let text = format!("/ip4/127.0.0.1/tcp/1/p2p/{PEER}");
        let address = parse_peer_address(&text).unwrap();
        let (peer, place) = split_peer_address(&address).unwrap();
        assert_eq!(peer.to_string(), PEER);
        assert_eq!(place.to_string(), "/ip4/127.0.0.1/tcp/1");
    }

    #[test]
    fn other_texts_are_refused_with_what_is_missing() {
        for (text, words) in [
            ("localhost:30333", "no multiaddress"),
            ("/ip4/999.0.0.1/tcp/1", "no multiaddress"),
            ("", "must end in /p2p/"),
            ("/ip4/127.0.0.1/tcp/1", "must end in /p2p/"),
            (&format!("/p2p/{PEER}")[..], "no place"),
        ] {
            let error = parse_peer_address(text).unwrap_err();
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
    }
}
