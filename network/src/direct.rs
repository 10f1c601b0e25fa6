//! How does a message reach one peer alone? Over a stream of its own, a few at a time, the others waiting in order.

use libp2p::{
    PeerId,
    request_response::{Event, Message},
};
use tracing::debug;

use crate::{
    codec::WireError,
    fault::Misbehaviour,
    frame::{DIRECT, Direct},
    host::DIRECT_STREAMS_MAX,
    message::{ConsensusMessage, Topic},
    network::{DirectEvent, Network},
    telemetry,
};

/// Messages that wait for one peer: what a slot has to say to it, many times over.
const OUTBOX_MAX: usize = 256;

impl Network {
    pub(crate) fn on_direct_event(&mut self, event: DirectEvent) {
        match event {
            Event::Message {
                peer,
                message: Message::Request { request, channel, .. },
                ..
            } => {
                if let Direct::In(message, bytes) = request {
                    self.on_direct(peer, message, bytes);
                }
                // An error means that the peer has left.
                let _ = self.swarm.behaviour_mut().direct.send_response(channel, ());
            }
            Event::Message {
                peer,
                message: Message::Response { .. },
                ..
            } => self.direct_done(peer),
            Event::OutboundFailure { peer, error, .. } => {
                debug!(target: "ledger::network", %peer, %error, "a message did not arrive");
                telemetry::dropped(DIRECT, "not arrived");
                self.direct_done(peer);
            }
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    /// Sends a message to one peer, after those that are on their way to it.
    pub(crate) fn send(&mut self, to: PeerId, payload: Vec<u8>) {
        match self.links.get_mut(&to) {
            None => telemetry::dropped(DIRECT, "not connected"),
            Some(link) if link.outbox.len() >= OUTBOX_MAX => telemetry::dropped(DIRECT, "too many wait"),
            Some(link) => link.outbox.push_back(payload),
        }
        self.empty_outbox(to);
    }

    fn empty_outbox(&mut self, to: PeerId) {
        let Some(link) = self.links.get_mut(&to) else { return };
        // The other half is for what the peer sends.
        while link.direct < DIRECT_STREAMS_MAX / 2
            && let Some(payload) = link.outbox.pop_front()
        {
            link.direct += 1;
            self.swarm
                .behaviour_mut()
                .direct
                .send_request(&to, Direct::Out(payload));
        }
    }

    fn direct_done(&mut self, peer: PeerId) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.direct = link.direct.saturating_sub(1);
        }
        self.empty_outbox(peer);
    }

    fn on_direct(&mut self, from: PeerId, message: Result<Box<ConsensusMessage>, WireError>, bytes: usize) {
        if !self.may_send(Topic::Consensus, from, bytes) {
            return telemetry::message(DIRECT, "too much");
        }
        match message {
            Err(error) => {
                debug!(target: "ledger::network", peer = %from, %error, "a message cannot be read");
                self.hold_against(from, Misbehaviour::Payload(error.name()));
            }
            Ok(message) => {
                if self.hand_over(from, None, *message) {
                    telemetry::message(DIRECT, "taken");
                } else {
                    telemetry::dropped(DIRECT, "queue full");
                }
            }
        }
    }
}
