//! Does this peer answer under its peer id? A handshake, and nothing else.
//!
//! For those who are about to admit somebody: noise proves that whoever answers holds the key of the peer id. It is made with a
//! throwaway identity and connections of its own, so that it takes no place among the node's peers. Says nothing about the chain
//! that the peer is on.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, SwarmBuilder, noise,
    swarm::{SwarmEvent, dial_opts::DialOpts, dummy},
    tcp, yamux,
};
use thiserror::Error;
use tokio::time::timeout;

/// Most addresses of one peer that are tried.
pub const PROBE_ADDRESSES_MAX: usize = 8;

/// Longest time for all of them.
pub const PROBE_TIME_MAX: Duration = Duration::from_secs(10);

/// Why a peer does not answer under its peer id.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Not an address.
    #[error("`{text}` is no address such as /dns4/host/tcp/30333: {reason}")]
    Address {
        /// What was found.
        text: String,
        /// What the parser met.
        reason: String,
    },
    /// The peer-to-peer host does not start.
    #[error("cannot dial: {reason}")]
    Start {
        /// What it said.
        reason: String,
    },
    /// Nobody answers, or somebody else does.
    #[error("{peer} does not answer at {addresses}: {reason}")]
    NoAnswer {
        /// Who was asked for.
        peer: String,
        /// Where.
        addresses: String,
        /// What happened.
        reason: String,
    },
}

/// Shakes hands with `peer` at one of these places.
///
/// # Errors
/// [`ProbeError`] if that does not come about within [`PROBE_TIME_MAX`].
pub async fn probe(peer: PeerId, places: &[String]) -> Result<(), ProbeError> {
    let places = &places[..places.len().min(PROBE_ADDRESSES_MAX)];
    let addresses = places
        .iter()
        .map(|text| {
            text.parse::<Multiaddr>().map_err(|error| ProbeError::Address {
                text: text.clone(),
                reason: error.to_string(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let answered = timeout(PROBE_TIME_MAX, shake_hands(peer, addresses)).await;
    let reason = match answered {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(reason)) => reason?,
        Err(_) => format!("not within {} s", PROBE_TIME_MAX.as_secs()),
    };
    let (peer, addresses) = (peer.to_string(), places.join(", "));
    Err(ProbeError::NoAnswer {
        peer,
        addresses,
        reason,
    })
}

/// The inner error says that nothing can be dialled at all.
async fn shake_hands(peer: PeerId, addresses: Vec<Multiaddr>) -> Result<(), Result<String, ProbeError>> {
    let start = |reason: String| Err(ProbeError::Start { reason });
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|error| start(error.to_string()))?
        .with_quic()
        .with_dns()
        .map_err(|error| start(error.to_string()))?
        .with_behaviour(|_| dummy::Behaviour)
        .map_err(|error| start(error.to_string()))?
        .build();
    let dial = DialOpts::peer_id(peer).addresses(addresses).build();
    swarm.dial(dial).map_err(|error| Ok(error.to_string()))?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } if peer_id == peer => return Ok(()),
            SwarmEvent::OutgoingConnectionError { error, .. } => return Err(Ok(error.to_string())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use ledger_chainspec::GenesisHash;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{Network, NetworkLimits, NetworkOptions, peer_id_of};

    #[tokio::test]
    async fn a_peer_answers_under_its_own_id_and_no_other() {
        let identity = SigningKey::from_bytes(&[7; 32]);
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let options = NetworkOptions {
            identity: identity.clone(),
            genesis: GenesisHash::new([1; 32].into()),
            listen: vec![([127, 0, 0, 1], port).into()],
            external: Vec::new(),
            bootnodes: Vec::new(),
            reserved: Vec::new(),
            reserved_only: false,
            peer_store: None,
            agent: "test".to_owned(),
            limits: NetworkLimits::default(),
        };
        let (network, handle, _events) = Network::bind(options).unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(network.run(shutdown.clone()));
        let places = [
            format!("/ip4/127.0.0.1/tcp/{port}"),
            format!("/ip4/127.0.0.1/udp/{port}/quic-v1"),
        ];
        for place in &places {
            probe(peer_id_of(&identity), std::slice::from_ref(place)).await.unwrap();
        }
        let other = peer_id_of(&SigningKey::from_bytes(&[8; 32]));
        let error = probe(other, &places[..1]).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{other} does not answer at /ip4/127.0.0.1/tcp/")),
            "{error}"
        );
        drop(handle);
        shutdown.cancel();
        task.await.unwrap();
        let error = probe(peer_id_of(&identity), &places[..1]).await.unwrap_err();
        assert!(matches!(error, ProbeError::NoAnswer { .. }), "{error}");
        let nowhere = ["host:1".to_owned()];
        assert!(matches!(probe(other, &nowhere).await, Err(ProbeError::Address { .. })));
    }
}
