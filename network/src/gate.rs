//! Who comes in? A libp2p behaviour that asks [`Slots`] about every connection and does as it says.
//!
//! It stands before all other behaviours, so that a refused connection costs nothing more.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};
use tokio::time::Instant;
use tracing::debug;

use crate::{
    slots::{Direction, Refusal, Slots},
    telemetry,
};

/// The gate.
#[derive(Debug)]
pub(crate) struct Gate {
    pub slots: Slots,
    leaving: VecDeque<PeerId>,
}

impl Gate {
    pub(crate) fn new(slots: Slots) -> Self {
        Self {
            slots,
            leaving: VecDeque::new(),
        }
    }

    fn admit(&mut self, peer: PeerId, address: &Multiaddr, direction: Direction) -> Result<(), ConnectionDenied> {
        match self.slots.admit(peer, ip_of(address), direction, Instant::now()) {
            Ok(evicted) => {
                if let Some(evicted) = evicted {
                    debug!(target: "ledger::network", peer = %evicted, "an anonymous peer gives way");
                    telemetry::refused("gave way");
                    self.leaving.push_back(evicted);
                }
                Ok(())
            }
            Err(refusal) => Err(denied(refusal)),
        }
    }
}

fn denied(refusal: Refusal) -> ConnectionDenied {
    telemetry::refused(refusal.name());
    ConnectionDenied::new(refusal)
}

/// The IP address in a multiaddress.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        // An IPv4 address in IPv6 clothes is the same neighbour.
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.slots.knock(id, ip_of(remote)).map_err(denied)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(peer, remote, Direction::Incoming)
            .map(|()| dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.slots
            .dial(id, peer, Instant::now())
            .map(|()| Vec::new())
            .map_err(denied)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(peer, address, Direction::Outgoing)
            .map(|()| dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(event) => {
                let direction = if event.endpoint.is_dialer() {
                    Direction::Outgoing
                } else {
                    Direction::Incoming
                };
                let ip = ip_of(event.endpoint.get_remote_address());
                self.slots
                    .established(event.connection_id, event.peer_id, ip, direction);
            }
            FromSwarm::ConnectionClosed(event) => self.slots.closed(event.connection_id),
            FromSwarm::DialFailure(event) => self.slots.no_longer_pending(event.connection_id),
            FromSwarm::ListenFailure(event) => self.slots.no_longer_pending(event.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        libp2p::core::util::unreachable(event)
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.leaving.pop_front() {
            Some(peer_id) => Poll::Ready(ToSwarm::CloseConnection {
                peer_id,
                connection: CloseConnection::All,
            }),
            None => Poll::Pending,
        }
    }
}
