//! The driver's talk with peers: messages in, with a verdict for each; messages out; blocks and bodies that are missing.
//!
//! Called by the driver alone, whose engine judges what comes. A node without a network has no [`Talk`] and talks to nobody.

use std::{sync::Arc, time::Duration};

use ledger_chainspec::{BlockHash, BlockNumber, block_hash, digest_of};
use ledger_consensus::{Effect, Fault, Input, Message, Origin, Rejection};
use ledger_network::{
    CompactProposal, ConsensusMessage, GossipId, GossipMessage, Incoming, NetworkHandle, PeerId, PeerStatus, Peers,
    Verdict,
};
use ledger_runtime::Head;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tracing::{debug, trace};

use super::{Driver, DriverError, now};
use crate::{
    network::{
        fetch::{self, Fetched},
        origins::Origins,
        proposals::{Assembly, RecentBlock, RecentBlocks, compact},
        validator_peers,
    },
    sync::Hint,
    telemetry::metering,
};

/// Fetches of blocks and bodies that are under way at once. A peer that names transactions which nobody has wastes one of
/// them for a slot or two, and only the authority of a slot can.
const FETCHES_MAX: usize = 16;

/// Parts of a slot, one of which a peer has to give the bodies that a proposal lacks: one that is silent or drips must not use up
/// the slot.
const BODIES_SLOT_PARTS: u64 = 2;

/// What the driver gets of the network.
#[derive(Debug)]
pub struct DriverNetwork {
    /// The way to it.
    pub handle: NetworkHandle,
    /// Messages of the consensus.
    pub consensus: mpsc::Receiver<Incoming<ConsensusMessage>>,
    /// Where blocks that are not final are kept for peers.
    pub recent: Arc<RecentBlocks>,
    /// Where the sync is told of blocks that somebody claims.
    pub hints: mpsc::Sender<Hint>,
}

/// The driver's side of the talk.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) handle: NetworkHandle,
    pub(super) recent: Arc<RecentBlocks>,
    origins: Origins,
    fetches: JoinSet<Fetched>,
    hints: mpsc::Sender<Hint>,
    heads: watch::Receiver<Arc<Head>>,
}

impl Talk {
    pub(super) fn new(network: DriverNetwork, heads: watch::Receiver<Arc<Head>>) -> (Self, Ears) {
        let ears = Ears {
            consensus: network.consensus,
            peers: network.handle.peers(),
        };
        let talk = Self {
            handle: network.handle,
            recent: network.recent,
            origins: Origins::default(),
            fetches: JoinSet::new(),
            hints: network.hints,
            heads,
        };
        (talk, ears)
    }

    /// Tells all validators.
    pub(super) fn broadcast(&self, message: Message) {
        if let Message::Proposal(proposal) = &message {
            self.recent.keep(RecentBlock {
                hash: proposal.block.hash(),
                block: Arc::clone(&proposal.block),
                senders: Vec::new(),
            });
        }
        self.handle.publish(GossipMessage::Consensus(on_the_wire(message)));
    }

    /// Tells one peer.
    pub(super) fn send(&self, to: Origin, message: Message) {
        if let Some(peer) = self.origins.peer(to) {
            self.handle.send(peer, on_the_wire(message));
        }
    }

    /// Has the sync look for blocks up to `through`, of which `from` spoke.
    pub(super) fn catch_up(&self, through: BlockNumber, from: Origin) {
        let from = self.origins.peer(from);
        // A full queue holds hints that are as good.
        let _ = self.hints.try_send(Hint { through, from });
    }

    /// Has a block fetched.
    pub(super) fn fetch_block(&mut self, number: BlockNumber, hash: BlockHash) {
        let (handle, heads) = (self.handle.clone(), self.heads.clone());
        self.fetches.spawn(fetch::block(handle, heads, (number, hash)));
    }

    /// Has the bodies fetched that an assembly lacks.
    fn fetch_bodies(&mut self, (from, id): (PeerId, Option<GossipId>), assembly: Assembly, within: Duration) {
        if self.fetches.len() >= FETCHES_MAX {
            debug!(target: "ledger::network", "too many proposals lack transactions");
            return;
        }
        let handle = self.handle.clone();
        self.fetches
            .spawn(fetch::bodies(handle, (from, id), Box::new(assembly), within));
    }

    /// The end of a fetch; never without one under way.
    pub(super) async fn next_fetched(&mut self) -> Fetched {
        match self.fetches.join_next().await {
            Some(Ok(fetched)) => fetched,
            Some(Err(error)) => {
                debug!(target: "ledger::network", %error, "a fetch failed");
                Fetched::Obsolete
            }
            None => std::future::pending().await,
        }
    }

    /// Tells the network who governs, and what this node has.
    pub(super) fn follow(&self, head: &Head, oldest: BlockNumber) {
        self.handle.set_validators(validator_peers(&head.set));
        self.handle.set_status(PeerStatus {
            head: head.number(),
            head_hash: head.hash(),
            oldest,
            unix_ms: 0,
        });
    }

    fn judge(&self, id: Option<GossipId>, verdict: Verdict) {
        if let Some(id) = id {
            self.handle.judge(id, verdict);
        }
    }
}

/// What the driver listens to.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) consensus: mpsc::Receiver<Incoming<ConsensusMessage>>,
    pub(super) peers: watch::Receiver<Arc<Peers>>,
}

impl Driver {
    /// A message of a peer.
    pub(super) async fn on_message(&mut self, incoming: Incoming<ConsensusMessage>) -> Result<(), DriverError> {
        let Incoming { from, id, message } = incoming;
        let message = match message {
            ConsensusMessage::Proposal(proposal) => return self.on_compact(from, id, *proposal).await,
            ConsensusMessage::Vote(vote) => Message::Vote(vote),
            ConsensusMessage::Justification(certificates) => Message::Justification(certificates),
            ConsensusMessage::Finality(certificate) => Message::Finality(certificate),
            ConsensusMessage::Endorsement(endorsement) => {
                let head = self.parts.runtime.head();
                let slot = self.schedule.slot_at(now());
                let verdict = self.parts.endorsements.take(endorsement, &head, slot);
                if let Some(talk) = &self.talk {
                    talk.judge(id, verdict);
                }
                return Ok(());
            }
        };
        self.hear(from, id, message).await
    }

    /// Hands a message to the engine, and its verdict to the network.
    async fn hear(&mut self, from: PeerId, id: Option<GossipId>, message: Message) -> Result<(), DriverError> {
        let Some(talk) = &mut self.talk else { return Ok(()) };
        let origin = talk.origins.of(from);
        let kind = kind_of(&message);
        let effects = self.engine.handle(now(), Input::Message { from: origin, message });
        let rejection = effects.iter().find_map(|effect| match effect {
            Effect::Reject { from, rejection } if *from == origin => Some(rejection),
            _ => None,
        });
        trace!(target: "ledger::consensus", peer = %from, kind, ?rejection, "heard");
        talk.judge(
            id,
            rejection.map_or(Verdict::Accept, |rejection| verdict_of(kind, rejection)),
        );
        self.carry_out(effects).await
    }

    /// A proposal without its transactions: made whole from the pool, or fetched if its authority stands behind it.
    async fn on_compact(
        &mut self,
        from: PeerId,
        id: Option<GossipId>,
        proposal: CompactProposal,
    ) -> Result<(), DriverError> {
        let Some(talk) = &mut self.talk else { return Ok(()) };
        let limit = self.parts.runtime.spec().limits.transactions_per_slot;
        if u32::try_from(proposal.transactions.len()).map_or(true, |count| count > limit) {
            talk.judge(id, Verdict::Reject("proposal of too many transactions"));
            return Ok(());
        }
        let checked = self
            .engine
            .check_proposer(now(), &proposal.header, proposal.again.as_ref());
        if let Err(rejection) = checked {
            let height = proposal.header.number;
            debug!(target: "ledger::consensus", peer = %from, height, %rejection, "proposal not taken");
            talk.judge(id, verdict_of("proposal", &rejection));
            // What a header of a later height proves of its parent is worth knowing all the same.
            if let (Rejection::HeightAhead { .. }, Ok(digest)) = (&rejection, digest_of(&proposal.header))
                && let Some(certificate) = digest.parent_certificate
            {
                return self.hear(from, None, Message::Finality(certificate)).await;
            }
            return Ok(());
        }
        let hash = block_hash(&proposal.header);
        let assembly = Assembly::begin(proposal, hash, &self.parts.pool, &talk.recent);
        match assembly.finish() {
            Ok((proposal, recent)) => {
                talk.recent.keep(recent);
                self.hear(from, id, Message::Proposal(proposal)).await
            }
            Err(assembly) => {
                trace!(target: "ledger::network", block = %hash, missing = assembly.missing().len(), "bodies are missing");
                let slot_ms = self.parts.runtime.spec().consensus.slot_duration_ms;
                let within = Duration::from_millis(slot_ms / BODIES_SLOT_PARTS);
                talk.fetch_bodies((from, id), *assembly, within);
                Ok(())
            }
        }
    }

    /// Something that was fetched has come.
    pub(super) async fn on_fetched(&mut self, fetched: Fetched) -> Result<(), DriverError> {
        let Some(talk) = &mut self.talk else { return Ok(()) };
        match fetched {
            Fetched::Proposal { from, id, assembly } => match assembly.finish() {
                Ok((proposal, recent)) => {
                    talk.recent.keep(recent);
                    self.hear(from, id, Message::Proposal(proposal)).await
                }
                Err(_) => {
                    talk.judge(id, Verdict::Ignore);
                    Ok(())
                }
            },
            Fetched::Block { from, block } => {
                let from = talk.origins.of(from);
                self.feed(Input::Fetched { from, block }).await
            }
            Fetched::Obsolete => Ok(()),
        }
    }

    /// The peers' clocks were measured: the engine hears of the offset to their median (R9).
    pub(super) async fn on_peers(&mut self, peers: &Peers) -> Result<(), DriverError> {
        let Some(offset_ms) = peers.clock_offset_ms() else {
            return Ok(());
        };
        if self.clock_offset_ms == Some(offset_ms) {
            return Ok(());
        }
        self.clock_offset_ms = Some(offset_ms);
        self.feed(Input::ClockOffset { offset_ms }).await
    }
}

fn on_the_wire(message: Message) -> ConsensusMessage {
    match message {
        Message::Proposal(proposal) => ConsensusMessage::Proposal(Box::new(compact(&proposal))),
        Message::Vote(vote) => ConsensusMessage::Vote(vote),
        Message::Justification(certificates) => ConsensusMessage::Justification(certificates),
        Message::Finality(certificate) => ConsensusMessage::Finality(certificate),
    }
}

const fn kind_of(message: &Message) -> &'static str {
    match message {
        Message::Proposal(_) => "proposal",
        Message::Vote(_) => "vote",
        Message::Justification(_) => "justification",
        Message::Finality(_) => "finality",
    }
}

/// What a message that the engine did not take is worth, with the fault by name. It is counted.
fn verdict_of(kind: &'static str, rejection: &Rejection) -> Verdict {
    let fault = rejection.fault();
    let name = match fault {
        Fault::Timing => "timing",
        Fault::Local => "local",
        Fault::Sender => "sender",
    };
    metrics::counter!(metering::NOT_TAKEN, "kind" => kind, "fault" => name).increment(1);
    match fault {
        Fault::Timing | Fault::Local => Verdict::Ignore,
        Fault::Sender => Verdict::Reject(match kind {
            "proposal" => "invalid proposal",
            "vote" => "invalid vote",
            "justification" => "invalid prevote certificate",
            _ => "invalid finality certificate",
        }),
    }
}

/// The next message of a peer; none once the network has ended, and never without one.
pub(super) async fn next_message(
    consensus: &mut Option<mpsc::Receiver<Incoming<ConsensusMessage>>>,
) -> Option<Incoming<ConsensusMessage>> {
    match consensus {
        Some(consensus) => consensus.recv().await,
        None => std::future::pending().await,
    }
}

/// What is new of the peers; never without a network.
pub(super) async fn news_of(peers: &mut Option<watch::Receiver<Arc<Peers>>>) -> Option<Arc<Peers>> {
    match peers {
        Some(peers) => {
            peers.changed().await.ok()?;
            Some(Arc::clone(&peers.borrow_and_update()))
        }
        None => std::future::pending().await,
    }
}

/// The end of a fetch; never without a network.
pub(super) async fn next_fetched(talk: &mut Option<Talk>) -> Fetched {
    match talk {
        Some(talk) => talk.next_fetched().await,
        None => std::future::pending().await,
    }
}
