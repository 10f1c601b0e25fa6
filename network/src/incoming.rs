//! What becomes of what peers send? It is read, held against the peer's limits, and put into the queue of whoever judges or
//! answers it.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    PeerId,
    gossipsub::{self, MessageId},
    request_response::{Event, InboundFailure, InboundRequestId, Message, ResponseChannel},
};
use tokio::{
    sync::{mpsc::Sender, oneshot},
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

/// The way back to whoever asked.
#[derive(Debug)]
struct Channel {
    id: InboundRequestId,
    stream: ResponseChannel<Result<Response, WireError>>,
}

/// An answer that is there.
#[derive(Debug)]
pub(crate) struct Answer {
    peer: PeerId,
    kind: RequestKind,
    channel: Channel,
    /// `None` if whoever should have answered let go of it.
    response: Option<Response>,
}

/// Puts `message` into a queue. Half of each is for trusted peers alone, so that a crowd of strangers cannot fill it up before
/// them.
fn put<T>(queue: &Sender<T>, message: T, is_trusted: bool) -> bool {
    let has_room = is_trusted || queue.capacity() > queue.max_capacity() / 2;
    has_room && queue.try_send(message).is_ok()
}

impl Network {
    fn is_trusted(&self, peer: &PeerId) -> bool {
        self.swarm.behaviour().gate.slots.trust().is_trusted(peer)
    }

    /// What `peer` may do, relative to anybody.
    fn allowance(&self, peer: &PeerId) -> (Arc<NetworkLimits>, u32) {
        let factor = match self.is_trusted(peer) {
            true => self.limits.trusted_factor,
            false => 1,
        };
        (Arc::clone(&self.limits), factor)
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
                let incoming = Incoming { from, id, message };
                put(&self.ends.transactions_in, incoming, self.is_trusted(&from))
            }
            Ok(GossipMessage::Reserved(message)) => {
                let id = Some(id);
                let incoming = Incoming { from, id, message };
                put(&self.ends.reserved_in, incoming, self.is_trusted(&from))
            }
            Ok(GossipMessage::Checkpoint(message)) => {
                let id = Some(id);
                let incoming = Incoming { from, id, message };
                put(&self.ends.checkpoints_in, incoming, self.is_trusted(&from))
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
        let incoming = Incoming { from, id, message };
        put(&self.ends.consensus_in, incoming, self.is_trusted(&from))
    }

    pub(crate) fn may_send(&mut self, topic: Topic, from: PeerId, bytes: usize) -> bool {
        let (limits, factor) = self.allowance(&from);
        // Somebody who has left already said this before.
        let may = self
            .links
            .get_mut(&from)
            .is_some_and(|link| link.may_send(topic, bytes, (&limits, factor), Instant::now()));
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
                message:
                    Message::Request {
                        request_id: id,
                        request,
                        channel: stream,
                    },
                ..
            } => match request {
                Ok(request) => self.on_request(peer, request, Channel { id, stream }),
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
            Event::InboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                debug!(target: "ledger::network", %peer, %error, "a response did not arrive");
                self.unsent.remove(&request_id);
                if matches!(error, InboundFailure::Io(_)) {
                    self.count_abandoned(peer);
                }
            }
            Event::ResponseSent { request_id, .. } => self.unsent.remove(&request_id),
        }
    }

    /// A question of which nothing came is no fault, but counts as one that was asked.
    fn count_abandoned(&mut self, peer: PeerId) {
        let (limits, factor) = self.allowance(&peer);
        let may = self
            .links
            .get_mut(&peer)
            .is_none_or(|link| link.may_ask(RequestKind::Status, (&limits, factor), Instant::now()));
        if !may {
            self.blame_flood(peer);
        }
    }

    fn on_request(&mut self, peer: PeerId, request: Request, channel: Channel) {
        let kind = request.kind();
        let (limits, factor) = self.allowance(&peer);
        let Some(link) = self.links.get_mut(&peer) else { return };
        if !link.may_ask(kind, (&limits, factor), Instant::now()) {
            self.refuse(kind, "too much", channel);
            return self.blame_flood(peer);
        }
        if let Request::Status(status) = request {
            self.on_status(peer, status);
            let response = self.status_now().map_or(Response::Busy, Response::Status);
            telemetry::request(kind.name(), response.name());
            self.respond(channel, response);
            return;
        }
        let is_trusted = self.swarm.behaviour().gate.slots.trust().is_trusted(&peer);
        let answered_max = match is_trusted {
            true => limits.requests_answered_max,
            false => limits.requests_answered_max.div_ceil(2),
        };
        if link.answering >= limits.requests_per_peer_max || self.answering.len() >= answered_max {
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
        if !put(&self.ends.requests_in, incoming, is_trusted) {
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

    /// Answers; tells whether the answer is on its way, for an error means that the peer has left or the time is over.
    fn respond(&mut self, channel: Channel, response: Response) -> bool {
        let requests = &mut self.swarm.behaviour_mut().requests;
        requests.send_response(channel.stream, Ok(response)).is_ok()
    }

    pub(crate) fn on_answer(&mut self, answer: Answer) {
        let Answer {
            peer,
            kind,
            channel,
            response,
        } = answer;
        let response = response.unwrap_or(Response::Busy);
        let (limits, factor) = self.allowance(&peer);
        let bytes = response.weight();
        if let Some(link) = self.links.get_mut(&peer) {
            link.answering = link.answering.saturating_sub(1);
            let more = (bytes as u64).saturating_sub(kind.cost_bytes());
            link.was_given(more, (&limits, factor), Instant::now());
        }
        let is_trusted = self.is_trusted(&peer);
        if !is_trusted && !self.unsent.has_room(bytes, limits.anonymous_unsent_bytes_max) {
            return self.refuse(kind, "too much unsent", channel);
        }
        telemetry::request(kind.name(), response.name());
        let id = channel.id;
        if self.respond(channel, response) && !is_trusted {
            self.unsent.add(id, bytes);
        }
    }
}
