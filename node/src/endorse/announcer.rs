//! What is a peer's batch of transactions worth, and which of them does this node promise to include?
//!
//! What the task that tells transactions ([`telling`](super::telling)) does with them. Batches are checked on blocking threads: those of
//! the reserved lane on the threads that make blocks, all others on those of what comes from outside.

use std::{sync::Arc, time::Instant};

use alloy_consensus::Transaction as _;
use alloy_primitives::Bytes;
use ledger_chainspec::{ENDORSED_TRANSACTIONS_MAX, Endorsement, GenesisHash, Slot};
use ledger_consensus::{
    Schedule,
    limits::{Candidate, EndorsementBook},
};
use ledger_network::{
    ConsensusMessage, GossipId, GossipMessage, IncomingRequest, NetworkHandle, PeerId, Request, Response, Verdict,
};
use ledger_runtime::{Head, Lane, Runtime};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tracing::debug;

use super::{book::Endorsements, strays::Strays, telling::encoded};
use crate::{
    driver::now,
    recovery::Targets,
    signer::ConsensusSigner,
    txpool::{PoolError, PooledTransaction, TxPool},
};

/// Transactions of a batch of the reserved lane that may not fit before the rest of it is left: a block that was faster than the batch
/// has some of them.
const REFUSED_MAX: usize = 8;

/// A peer asks for endorsements.
#[derive(Debug)]
pub struct EndorseRequest {
    /// The request, to be answered.
    pub incoming: IncomingRequest,
    /// The transactions, as EIP-2718 bytes.
    pub transactions: Vec<Bytes>,
}

/// What the announcer works with.
#[derive(Debug)]
pub struct Announcer {
    /// The chain.
    pub runtime: Arc<Runtime>,
    /// Where transactions wait.
    pub pool: Arc<TxPool>,
    /// All promises.
    pub endorsements: Arc<Endorsements>,
    /// What may be promised while the chain waits for a recovery (R16).
    pub targets: Targets,
    /// The key that promises, if this node is a validator.
    pub signer: Option<Arc<ConsensusSigner>>,
    /// What this node has promised in its newest slot.
    pub book: Mutex<EndorsementBook>,
    /// Peers' messages of the open lane that came as reserved.
    pub strays: Mutex<Strays>,
    /// The network, if there is one.
    pub network: Option<NetworkHandle>,
    /// The division of time into slots.
    pub schedule: Schedule,
    /// The threads of what comes from outside in any number.
    pub ingress: Handle,
}

impl Announcer {
    pub(super) fn slot(&self) -> Slot {
        self.schedule.slot_at(now())
    }

    fn genesis(&self) -> GenesisHash {
        self.runtime.genesis_hash()
    }

    /// Checks a batch of a peer, of which each transaction is said to be of `lane`, and says what it is worth as a gossip message.
    pub(super) fn check_batch(&self, (from, id): (PeerId, Option<GossipId>), lane: Lane, batch: &[Bytes]) {
        let mut verdict = Verdict::Ignore;
        let mut refused = 0;
        for raw in batch {
            let (taken, sender) = match self.pool.submit_from_peer(raw) {
                Ok(transaction) => (Ok(()), Some(transaction.sender())),
                // It came another way first; those who have it not should get it.
                Err(PoolError::AlreadyKnown { hash }) => (Ok(()), self.pool.get(&hash).map(|known| known.sender())),
                Err(error) => (Err(error), None),
            };
            refused += usize::from(taken.is_err());
            match taken {
                Ok(()) if verdict == Verdict::Ignore => verdict = Verdict::Accept,
                Ok(()) => {}
                Err(error) if error.blames_sender() => {
                    debug!(target: "ledger::endorse", %from, %error, "a peer passed on a transaction that can never be valid");
                    verdict = Verdict::Reject("invalid transaction");
                }
                Err(_) => {}
            }
            let is_open = sender.is_some_and(|sender| self.pool.lane(&sender) == Some(Lane::Open));
            if lane == Lane::Reserved && is_open {
                // Members may have come in blocks that this node lacks.
                let is_forgiven = self.is_behind() || self.strays.lock().forgives(from, Instant::now());
                debug!(target: "ledger::endorse", %from, ?sender, is_forgiven, "a transaction told as reserved is of the open lane here");
                if !is_forgiven {
                    verdict = Verdict::Reject("not of the reserved lane");
                } else if verdict == Verdict::Accept {
                    verdict = Verdict::Ignore;
                }
            }
            // What comes after it would be checked before the transactions of honest peers.
            if lane == Lane::Reserved && (is_open || refused > REFUSED_MAX) {
                break;
            }
        }
        if let (Some(id), Some(network)) = (id, &self.network) {
            network.judge(id, verdict);
        }
    }

    /// Have peers blocks that this node lacks?
    fn is_behind(&self) -> bool {
        let best = self
            .network
            .as_ref()
            .and_then(|network| network.peers().borrow().best_head());
        best > Some(self.runtime.head().number())
    }

    /// Endorses what this node's book admits for `slot`, if that is its own, and tells everybody.
    pub(super) fn endorse(&self, slot: Slot, transactions: &[Arc<PooledTransaction>]) -> Vec<Endorsement> {
        let head = self.runtime.head();
        let Some(signer) = &self.signer else { return Vec::new() };
        if head.set.authority(slot).consensus_key != signer.public() {
            return Vec::new();
        }
        let mut admitted = Vec::new();
        let mut book = self.book.lock();
        let may_come = |one: &&Arc<PooledTransaction>| self.targets.may_propose(one.transaction.inner());
        for transaction in transactions.iter().filter(may_come) {
            let candidate = Candidate {
                transaction: transaction.hash(),
                sender: transaction.sender(),
                gas: transaction.transaction.gas_limit(),
            };
            match book.admit(slot, &candidate) {
                Ok(()) => admitted.push(candidate.transaction),
                Err(refusal) => {
                    debug!(target: "ledger::endorse", transaction = %candidate.transaction, %refusal, "not endorsed");
                }
            }
        }
        drop(book);
        let endorsements: Vec<_> = admitted
            .chunks(ENDORSED_TRANSACTIONS_MAX)
            .map(|hashes| signer.endorse(self.genesis(), slot, hashes.to_vec()))
            .collect();
        for endorsement in &endorsements {
            self.endorsements.take(endorsement.clone(), &head, slot);
            if let Some(network) = &self.network {
                network.publish(GossipMessage::Consensus(ConsensusMessage::Endorsement(
                    endorsement.clone(),
                )));
            }
        }
        endorsements
    }

    /// Hands transactions to the authority of the current slot, and takes its promises.
    pub(super) async fn ask(&self, raw: Vec<Bytes>) -> Vec<Endorsement> {
        let head = self.runtime.head();
        let slot = self.slot();
        let (Some(network), Some(to)) = (&self.network, self.authority_peer(&head, slot)) else {
            return Vec::new();
        };
        let request = Request::Endorse { transactions: raw };
        match network.request(to, request).await {
            Ok(Response::Endorsements(endorsements)) => {
                let is_right = |endorsement: &Endorsement| {
                    self.endorsements.take(endorsement.clone(), &head, slot) == Verdict::Accept
                };
                endorsements.into_iter().filter(is_right).collect()
            }
            Ok(_) => Vec::new(),
            Err(error) => {
                debug!(target: "ledger::endorse", peer = %to, %error, "no endorsement from the authority");
                Vec::new()
            }
        }
    }

    /// The peer to ask for an endorsement in `slot`: its authority, or any validator, which hands the request on.
    fn authority_peer(&self, head: &Head, slot: Slot) -> Option<PeerId> {
        let peers = Arc::clone(&self.network.as_ref()?.peers().borrow());
        let authority = PeerId::from_bytes(&head.set.authority(slot).peer_id).ok();
        let direct = authority.filter(|authority| peers.get(*authority).is_some());
        direct.or_else(|| Some(peers.connected.iter().find(|peer| peer.is_validator)?.id))
    }

    /// Takes a peer's transactions in and endorses them, or hands those that are good to the authority if the peer is not a
    /// validator, which could have done that by itself.
    pub(super) async fn answer(self: Arc<Self>, request: EndorseRequest) {
        let EndorseRequest { incoming, transactions } = request;
        let slot = self.slot();
        let is_authority = self
            .signer
            .as_ref()
            .is_some_and(|signer| self.runtime.head().set.authority(slot).consensus_key == signer.public());
        let announcer = Arc::clone(&self);
        let endorsed = self.ingress.spawn_blocking(move || {
            let mut taken = Vec::new();
            for bytes in &transactions {
                match announcer.pool.submit_from_peer(bytes) {
                    Ok(transaction) => taken.push(transaction),
                    Err(PoolError::AlreadyKnown { hash }) => taken.extend(announcer.pool.get(&hash)),
                    Err(error) => debug!(target: "ledger::endorse", %error, "not endorsed"),
                }
            }
            let endorsements = match is_authority {
                true => announcer.endorse(slot, &taken),
                false => Vec::new(),
            };
            (taken, endorsements)
        });
        let Ok((taken, mut endorsements)) = endorsed.await else {
            return;
        };
        if !is_authority && !incoming.is_validator && !taken.is_empty() {
            endorsements = self.ask(encoded(&taken)).await;
        }
        incoming.answer(Response::Endorsements(endorsements));
    }
}
