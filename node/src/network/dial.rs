//! When to dial which bootnode: at once, then less and less often while it does not answer, never while it is connected.
//!
//! Called by the network task. With every bootnode connected, or none configured, nothing is scheduled.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId, Swarm, multiaddr::Protocol, swarm::dial_opts::DialOpts};
use tokio::time::Instant;
use tracing::debug;

use super::Behaviour;
use crate::error::NodeError;

/// First pause between two attempts to reach a bootnode.
const DIAL_PAUSE_MIN: Duration = Duration::from_secs(2);
/// Longest pause between two attempts.
const DIAL_PAUSE_MAX: Duration = Duration::from_secs(300);
/// Most bootnodes that are kept.
pub(super) const BOOTNODES_MAX: usize = 32;

/// The bootnodes and when each is to be dialled next.
#[derive(Debug)]
pub(super) struct Bootnodes(Vec<Bootnode>);

#[derive(Debug)]
struct Bootnode {
    peer: PeerId,
    address: Multiaddr,
    /// `None` while it is connected.
    next: Option<Instant>,
    pause: Duration,
}

impl Bootnodes {
    /// Reads `/../p2p/<peer id>` addresses.
    ///
    /// # Errors
    /// [`NodeError::Usage`] for what is none, lacks the peer id, or exceeds [`BOOTNODES_MAX`].
    pub(super) fn parse(addresses: &[String]) -> Result<Self, NodeError> {
        if addresses.len() > BOOTNODES_MAX {
            let message = format!(
                "{} bootnodes are more than the {BOOTNODES_MAX} allowed",
                addresses.len()
            );
            return Err(NodeError::Usage(message));
        }
        addresses
            .iter()
            .map(|address| Bootnode::parse(address))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// When [`Bootnodes::dial_due`] has something to do.
    pub(super) fn next_dial(&self) -> Option<Instant> {
        self.0.iter().filter_map(|bootnode| bootnode.next).min()
    }

    /// Dials every bootnode whose time has come.
    pub(super) fn dial_due(&mut self, swarm: &mut Swarm<Behaviour>) {
        let now = Instant::now();
        let own = *swarm.local_peer_id();
        for bootnode in &mut self.0 {
            if bootnode.peer == own {
                bootnode.next = None;
            }
            if bootnode.next.is_none_or(|next| next > now) {
                continue;
            }
            bootnode.next = Some(now + bootnode.pause);
            bootnode.pause = (bootnode.pause * 2).min(DIAL_PAUSE_MAX);
            let options = DialOpts::peer_id(bootnode.peer)
                .addresses(vec![bootnode.address.clone()])
                .build();
            if let Err(error) = swarm.dial(options) {
                debug!(target: "ledger::network", peer_id = %bootnode.peer, %error, "cannot dial a bootnode");
            }
        }
    }

    /// Stops dialling `peer`.
    pub(super) fn on_connected(&mut self, peer: PeerId) {
        for bootnode in self.0.iter_mut().filter(|bootnode| bootnode.peer == peer) {
            bootnode.next = None;
        }
    }

    /// Starts dialling `peer` again.
    pub(super) fn on_disconnected(&mut self, peer: PeerId) {
        for bootnode in self.0.iter_mut().filter(|bootnode| bootnode.peer == peer) {
            // The pause is not reset: a bootnode that closes at once (another chain's, a full one) is not hammered.
            bootnode.next = Some(Instant::now() + bootnode.pause);
        }
    }
}

impl Bootnode {
    fn parse(text: &str) -> Result<Self, NodeError> {
        let wrong = |reason: String| NodeError::Usage(format!("bootnode `{text}`: {reason}"));
        let address: Multiaddr = text.parse().map_err(|error| wrong(format!("{error}")))?;
        match address.iter().last() {
            Some(Protocol::P2p(peer)) => Ok(Self {
                peer,
                address,
                next: Some(Instant::now()),
                pause: DIAL_PAUSE_MIN,
            }),
            _ => Err(wrong(
                "it must end in /p2p/<peer id>, so that nobody else can answer in its place".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn bootnode_without_a_peer_id_is_refused() {
        for wrong in ["/ip4/127.0.0.1/tcp/1", "localhost:30333", "", "/ip4/999.0.0.1/tcp/1"] {
            let error = Bootnodes::parse(&[wrong.to_owned()]).unwrap_err();
            assert_eq!(error.code(), 2, "{wrong}");
            assert!(error.to_string().contains("bootnode"), "{error}");
        }
    }

    #[test]
    fn connected_bootnode_is_not_dialled_until_it_leaves() {
        let mut bootnodes = Bootnodes::parse(&[format!("/ip4/127.0.0.1/tcp/1/p2p/{PEER}")]).unwrap();
        let peer = PEER.parse().unwrap();
        assert!(bootnodes.next_dial().is_some());
        bootnodes.on_connected(peer);
        assert!(bootnodes.next_dial().is_none());
        bootnodes.on_disconnected(peer);
        assert!(bootnodes.next_dial().is_some_and(|at| at > Instant::now()));
    }
}
