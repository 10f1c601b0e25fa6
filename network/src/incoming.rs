//! What becomes of what peers send? It is read, held against the peer's limits, and put into the queue of whoever judges or
//! answers it.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    PeerId,
    gossipsub::{self, MessageId},
    request_response::{Event, Message, ResponseChannel},
};
use tokio::{
    sync::{mpsc::error::TrySendError, oneshot},
    time::Instant,
};
use tracing::debug;

use crate::{
    codec::WireError,
    fault::{Misbehaviour, Verdict},
    gossip::acceptance,
    handle::{GossipId, Incoming, IncomingRequest},
    limits::NetworkLimits,
    message::{ConsensusMessage, GossipMessage, Topic},
    network::{Network, RequestEvent},
    request::{Request, RequestKind},
    response::Response,
    telemetry,
};

/// The requests of others that are being answered.
pub(crate) type Answering = FuturesUnordered<BoxFuture<'static, Answer>>;

type Channel = ResponseChannel<Result<Response, WireError>>;

/// An answer that is there.
#[derive(Debug)]
pub(crate) struct Answer {
    peer: PeerId,
    kind: RequestKind,
    channel: Channel,
    /// `None` if whoever should have answered let go of it.
    response: Option<Response>,
}

impl Network {
    /// What `peer` may do, relative to anybody.
    fn allowance(&self, peer: &PeerId) -> (Arc<NetworkLimits>, u32) {
        let is_trusted = self.swarm.behaviour().gate.slots.trust().is_trusted(peer);
        (
            Arc::clone(&self.limits),
            if is_trusted { self.limits.trusted_factor } else { 1 },
        )
    }

    pub(crate) fn on_gossip(&mut self, topic: Topic, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source: from,
                message,
                ..
            } => self.on_gossip_message(topic, from, &message.data),
            gossipsub::Event::SlowPeer { peer_id, .. } => {
                telemetry::dropped(topic.name(), "slow peer");
                debug!(target: "ledger::network", peer = %peer_id, topic = topic.name(), "a peer takes messages slowly");
            }
            gossipsub::Event::Subscribed { .. }
            | gossipsub::Event::Unsubscribed { .. }
            | gossipsub::Event::GossipsubNotSupported { .. } => {}
        }
    }

    fn on_gossip_message(&mut self, topic: Topic, from: PeerId, payload: &[u8]) {
        telemetry::received(topic.name(), payload.len());
        let id = GossipId {
            topic,
            message: Topic::message_hash(payload),
            from,
        };
        if !self.may_send(topic, from, payload.len()) {
            return self.carry_out(id, Verdict::Ignore, "too much");
        }
        let is_taken = match GossipMessage::from_payload(topic, payload) {
            Err(error) => {
                debug!(target: "ledger::network", peer = %from, topic = topic.name(), %error, "gossip cannot be read");
                let verdict = Verdict::Reject(error.name());
                return self.carry_out(id, verdict, verdict.name());
            }
            Ok(GossipMessage::Consensus(message)) => self.hand_over(from, Some(id), message),
            Ok(GossipMessage::Transactions(message)) => {
                let id = Some(id);
                self.ends
                    .transactions_in
                    .try_send(Incoming { from, id, message })
                    .is_ok()
            }
            Ok(GossipMessage::Reserved(message)) => {
                let id = Some(id);
                self.ends.reserved_in.try_send(Incoming { from, id, message }).is_ok()
            }
        };
        if !is_taken {
            telemetry::dropped(topic.name(), "queue full");
            return self.carry_out(id, Verdict::Ignore, "queue full");
        }
        if let Some(oldest) = self.judgements.wait(id, Instant::now()) {
            self.carry_out(oldest, Verdict::Ignore, "not judged");
        }
    }

    pub(crate) fn hand_over(&self, from: PeerId, id: Option<GossipId>, message: ConsensusMessage) -> bool {
        self.ends.consensus_in.try_send(Incoming { from, id, message }).is_ok()
    }

    pub(crate) fn may_send(&mut self, topic: Topic, from: PeerId, bytes: usize) -> bool {
        let (limits, factor) = self.allowance(&from);
        // Somebody who has left already said this before.
        let may = self
            .links
            .get_mut(&from)
            .is_some_and(|link| link.may_send(topic, bytes, (&limits, factor)));
        if !may {
            self.blame_flood(from);
        }
        may
    }

    fn blame_flood(&mut self, peer: PeerId) {
        if self.links.get_mut(&peer).is_some_and(|link| link.blame(Instant::now())) {
            self.hold_against(peer, Misbehaviour::TooMuch);
        }
    }

    /// Tells gossipsub what a message is worth, and holds a wrong one against whoever passed it on.
    pub(crate) fn carry_out(&mut self, id: GossipId, verdict: Verdict, outcome: &'static str) {
        telemetry::message(id.topic.name(), outcome);
        let message = MessageId::new(id.message.as_slice());
        self.swarm
            .behaviour_mut()
            .gossip(id.topic)
            .report_message_validation_result(&message, &id.from, acceptance(verdict));
        if let Verdict::Reject(fault) = verdict {
            self.hold_against(id.from, Misbehaviour::Gossip(fault));
        }
    }

    pub(crate) fn on_request_event(&mut self, event: RequestEvent) {
        match event {
            Event::Message {
                peer,
                message: Message::Request { request, channel, .. },
                ..
            } => match request {
                Ok(request) => self.on_request(peer, request, channel),
                Err(error) => {
                    debug!(target: "ledger::network", %peer, %error, "a request cannot be read");
                    telemetry::request("unknown", error.name());
                    self.hold_against(peer, Misbehaviour::Payload(error.name()));
                    // The channel is dropped and the stream ends: there is nothing to answer.
                }
            },
            Event::Message {
                peer,
                message: Message::Response { request_id, response },
                ..
            } => self.on_response(peer, request_id, response),
            Event::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            } => self.on_request_failed(peer, request_id, error),
            Event::InboundFailure { peer, error, .. } => {
                debug!(target: "ledger::network", %peer, %error, "a response did not arrive");
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(&mut self, peer: PeerId, request: Request, channel: Channel) {
        let kind = request.kind();
        let (limits, factor) = self.allowance(&peer);
        let Some(link) = self.links.get_mut(&peer) else { return };
        if !link.may_ask(kind, (&limits, factor)) {
            self.refuse(kind, "too much", channel);
            return self.blame_flood(peer);
        }
        if let Request::Status(status) = request {
            self.on_status(peer, status);
            let response = self.status_now().map_or(Response::Busy, Response::Status);
            telemetry::request(kind.name(), response.name());
            return self.respond(channel, response);
        }
        if link.answering >= limits.requests_per_peer_max || self.answering.len() >= limits.requests_answered_max {
            return self.refuse(kind, "busy", channel);
        }
        let is_validator = self.validators.contains(&peer);
        let (answer, answered) = oneshot::channel();
        let incoming = IncomingRequest {
            from: peer,
            is_validator,
            request,
            answer,
        };
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = self.ends.requests_in.try_send(incoming) {
            return self.refuse(kind, "queue full", channel);
        }
        if let Some(link) = self.links.get_mut(&peer) {
            link.answering += 1;
        }
        let answer = async move {
            let response = answered.await.ok();
            Answer {
                peer,
                kind,
                channel,
                response,
            }
        };
        self.answering.push(answer.boxed());
    }

    fn refuse(&mut self, kind: RequestKind, outcome: &'static str, channel: Channel) {
        telemetry::request(kind.name(), outcome);
        self.respond(channel, Response::Busy);
    }

    fn respond(&mut self, channel: Channel, response: Response) {
        // An error means that the peer has left or the time is over.
        let _ = self.swarm.behaviour_mut().requests.send_response(channel, Ok(response));
    }

    pub(crate) fn on_answer(&mut self, answer: Answer) {
        let response = answer.response.unwrap_or(Response::Busy);
        let (limits, factor) = self.allowance(&answer.peer);
        if let Some(link) = self.links.get_mut(&answer.peer) {
            link.answering = link.answering.saturating_sub(1);
            let more = (response.weight() as u64).saturating_sub(answer.kind.cost_bytes());
            link.was_given(more, (&limits, factor));
        }
        telemetry::request(answer.kind.name(), response.name());
        self.respond(answer.channel, response);
    }
}
