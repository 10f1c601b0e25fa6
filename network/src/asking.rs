//! What does this node ask of its peers? The rest of the node's requests, and how each peer stands.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libp2p::{
    PeerId,
    request_response::{OutboundFailure, OutboundRequestId},
};
use tokio::{sync::oneshot, time::Instant};
use tracing::debug;

use crate::{
    codec::WireError,
    fault::RequestError,
    handle::OutgoingRequest,
    network::Network,
    request::{PeerStatus, Request, RequestKind},
    response::Response,
};

/// After this time without a new head anywhere, peers are asked how they stand less often.
const IDLE_AFTER: Duration = Duration::from_secs(15);

/// After this time a peer that could not say how it stands is asked again: a node that has just started says so while it opens its
/// database.
const NOT_YET_PAUSE: Duration = Duration::from_secs(1);

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Asked {
    kind: RequestKind,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// The rest of the node waits for it.
    Caller(oneshot::Sender<Result<Response, RequestError>>),
    /// The network itself asked, then, by both clocks.
    Status { sent: Instant, sent_ms: u64 },
}

impl Network {
    pub(crate) fn ask(&mut self, outgoing: OutgoingRequest) {
        let OutgoingRequest { to, request, answer } = outgoing;
        let refused = match self.links.get_mut(&to) {
            None => Some(RequestError::NotConnected),
            Some(link) if link.asked >= self.limits.requests_to_peer_max => {
                let under_way = link.asked;
                Some(RequestError::TooMany { under_way })
            }
            Some(_) => None,
        };
        match refused {
            // Whoever asked may have gone; then nobody needs to know.
            Some(error) => drop(answer.send(Err(error))),
            None => self.send_request(to, request, Purpose::Caller(answer)),
        }
    }

    fn send_request(&mut self, to: PeerId, request: Request, purpose: Purpose) {
        let kind = request.kind();
        if let Some(link) = self.links.get_mut(&to) {
            link.asked += 1;
        }
        let id = self.swarm.behaviour_mut().requests.send_request(&to, Ok(request));
        self.asked.insert(id, Asked { kind, purpose });
    }

    pub(crate) fn on_response(&mut self, peer: PeerId, id: OutboundRequestId, response: Result<Response, WireError>) {
        let Some(asked) = self.asked.remove(&id) else { return };
        let result = match response {
            Err(error) => Err(RequestError::Wire(error)),
            Ok(Response::Busy) => Err(RequestError::Busy),
            Ok(response) if response.answers(asked.kind) => Ok(response),
            Ok(response) => Err(RequestError::WrongKind {
                expected: asked.kind.name(),
                got: response.name(),
            }),
        };
        self.asked_and_answered(peer, asked, result);
    }

    pub(crate) fn on_request_failed(&mut self, peer: PeerId, id: OutboundRequestId, error: OutboundFailure) {
        let Some(asked) = self.asked.remove(&id) else { return };
        let error = match error {
            OutboundFailure::DialFailure => RequestError::NotConnected,
            OutboundFailure::Timeout => RequestError::Timeout {
                seconds: self.limits.request_timeout.as_secs(),
            },
            OutboundFailure::UnsupportedProtocols => RequestError::Unsupported,
            OutboundFailure::ConnectionClosed => RequestError::ConnectionLost {
                reason: "it closed".to_owned(),
            },
            OutboundFailure::Io(error) => RequestError::ConnectionLost {
                reason: error.to_string(),
            },
        };
        self.asked_and_answered(peer, asked, Err(error));
    }

    fn asked_and_answered(&mut self, peer: PeerId, asked: Asked, result: Result<Response, RequestError>) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.asked = link.asked.saturating_sub(1);
        }
        if let Err(error) = &result {
            debug!(target: "ledger::network", %peer, kind = asked.kind.name(), %error, "no response");
            if let Some(fault) = error.fault() {
                self.hold_against(peer, fault);
            }
        }
        match asked.purpose {
            // Whoever asked may have gone; then nobody needs to know.
            Purpose::Caller(answer) => drop(answer.send(result)),
            Purpose::Status { sent, sent_ms } => match result {
                Ok(Response::Status(status)) => self.on_status_response(peer, status, (sent, sent_ms)),
                Err(RequestError::Busy) => {
                    if let Some(link) = self.links.get_mut(&peer) {
                        link.next_status = Instant::now() + NOT_YET_PAUSE;
                    }
                }
                _ => {}
            },
        }
    }

    /// Asks every peer how it stands whose time has come.
    pub(crate) fn ask_statuses(&mut self, now: Instant) {
        let status = *self.ends.status.borrow_and_update();
        if status.map(|status| status.head) != self.own_status.map(|status| status.head) {
            self.moved = now;
        }
        self.own_status = status;
        let Some(status) = self.status_now() else { return };
        let is_idle = now.saturating_duration_since(self.moved) >= IDLE_AFTER;
        let interval = if is_idle {
            self.limits.status_interval_idle
        } else {
            self.limits.status_interval
        };
        let mut due = Vec::new();
        for (peer, link) in &mut self.links {
            // When blocks are made again, nobody waits for the end of a long pause.
            let next = link.next_status.min(now + interval);
            link.next_status = next;
            if link.agent.is_some() && next <= now {
                link.next_status = now + interval;
                due.push(*peer);
            }
        }
        for peer in due {
            let sent_ms = status.unix_ms;
            self.send_request(peer, Request::Status(status), Purpose::Status { sent: now, sent_ms });
        }
    }

    /// What this node tells of itself now.
    pub(crate) fn status_now(&self) -> Option<PeerStatus> {
        let status = (*self.ends.status.borrow())?;
        let unix_ms = unix_ms();
        Some(PeerStatus { unix_ms, ..status })
    }

    /// A peer told how it stands.
    pub(crate) fn on_status(&mut self, peer: PeerId, status: PeerStatus) {
        let Some(link) = self.links.get_mut(&peer) else { return };
        if link.status.map(|status| status.head) != Some(status.head) {
            self.moved = Instant::now();
        }
        link.status = Some(status);
        self.is_changed = true;
    }

    fn on_status_response(&mut self, peer: PeerId, status: PeerStatus, (sent, sent_ms): (Instant, u64)) {
        self.on_status(peer, status);
        let Some(link) = self.links.get_mut(&peer) else { return };
        let there_and_back = sent.elapsed();
        link.rtt = Some(link.rtt.map_or(there_and_back, |rtt| rtt.min(there_and_back)));
        // The peer's clock was read about half way.
        let half = u64::try_from(there_and_back.as_millis() / 2).unwrap_or(u64::MAX);
        link.measured(difference(status.unix_ms, sent_ms.saturating_add(half)));
    }
}

/// How far `one` is ahead of `other`.
fn difference(one: u64, other: u64) -> i64 {
    let ahead = i64::try_from(one.saturating_sub(other)).unwrap_or(i64::MAX);
    let behind = i64::try_from(other.saturating_sub(one)).unwrap_or(i64::MAX);
    ahead.saturating_sub(behind)
}

/// The clock, in milliseconds since the Unix epoch.
pub(crate) fn unix_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_no_end() {
        assert_eq!(difference(5, 3), 2);
        assert_eq!(difference(3, 5), -2);
        assert_eq!(difference(u64::MAX, 0), i64::MAX);
        assert_eq!(difference(0, u64::MAX), -i64::MAX);
    }
}
