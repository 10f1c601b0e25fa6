//! How do transactions get from this node to the others, and to the authority that endorses them?
//!
//! One task. What comes in over JSON-RPC is gathered for some milliseconds, told to all peers in one message, and handed to the authority
//! of the slot; where that is this node, it endorses by itself. What no block has taken by the next slot is handed to the next authority, so
//! that a message that was lost costs a slot. Batches of peers are checked on blocking threads. With nothing waiting it sleeps.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use ledger_chainspec::{ENDORSED_TRANSACTIONS_MAX, Endorsement, GenesisHash, Slot};
use ledger_consensus::{
    Schedule,
    limits::{Candidate, EndorsementBook},
};
use ledger_network::{
    ConsensusMessage, GossipId, GossipMessage, Incoming, IncomingRequest, NetworkHandle, PeerId, Request, Response,
    Verdict,
};
use ledger_runtime::{Head, Runtime};
use parking_lot::Mutex;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, watch},
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::book::Endorsements;
use crate::{
    driver::now,
    signer::ConsensusSigner,
    txpool::{PoolError, PooledTransaction, TxPool},
};

/// How long arrivals are gathered before they are told: little beside a slot, and enough to put hundreds into one message.
const GATHER: Duration = Duration::from_millis(8);
/// Most transactions that are gathered; a message and a request hold as many.
const GATHERED_MAX: usize = 128;
/// Most bytes that are gathered, unless one transaction alone has more.
const GATHERED_BYTES_MAX: usize = 64 << 10;
/// Own transactions that are handed to one authority after the other until a block takes them. Beyond it the pool's gossip has
/// to do.
const OWN_MAX: usize = 8_192;
/// Transactions that are handed on again in one slot.
const AGAIN_PER_SLOT_MAX: usize = 1_024;
/// Batches of peers that are checked at once.
const CHECKED_AT_ONCE_MAX: usize = 2;
/// Own requests for endorsements that are under way at once.
const ASKED_AT_ONCE_MAX: usize = 32;
/// Requests of peers that are answered at once, apart from the own ones: no number of strangers keeps this node from asking.
const ANSWERED_AT_ONCE_MAX: usize = 16;

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
    /// The key that promises, if this node is a validator.
    pub signer: Option<Arc<ConsensusSigner>>,
    /// What this node has promised in its newest slot.
    pub book: Mutex<EndorsementBook>,
    /// The network, if there is one.
    pub network: Option<NetworkHandle>,
    /// The division of time into slots.
    pub schedule: Schedule,
}

/// What comes in for the announcer.
#[derive(Debug)]
pub struct AnnouncerInputs {
    /// Batches of peers.
    pub transactions: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    /// Requests of peers.
    pub requests: mpsc::Receiver<EndorseRequest>,
    /// The newest final block.
    pub heads: watch::Receiver<Arc<Head>>,
}

/// What was gathered and not told yet.
#[derive(Debug, Default)]
struct Gathered {
    transactions: Vec<Arc<PooledTransaction>>,
    bytes: usize,
    /// When it has to be told.
    due: Option<Instant>,
}

impl Gathered {
    fn add(&mut self, transaction: Arc<PooledTransaction>) {
        self.bytes += transaction.bytes;
        self.transactions.push(transaction);
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
    }

    fn is_full(&self) -> bool {
        self.transactions.len() >= GATHERED_MAX || self.bytes >= GATHERED_BYTES_MAX
    }
}

/// The loop's own state.
struct Running {
    announcer: Arc<Announcer>,
    gathered: Gathered,
    /// Own transactions that no block has taken yet.
    own: BTreeSet<B256>,
    /// The next moment to hand them on.
    again_at: Option<Instant>,
    checks: JoinSet<()>,
    asks: JoinSet<()>,
    answers: JoinSet<()>,
}

impl Announcer {
    /// Announces until `shutdown`.
    pub async fn run(self, inputs: AnnouncerInputs, shutdown: CancellationToken) {
        let AnnouncerInputs {
            mut transactions,
            mut requests,
            mut heads,
        } = inputs;
        let mut arrivals = self.pool.subscribe_local();
        let mut running = Running::new(self);
        loop {
            let may_check = running.checks.len() < CHECKED_AT_ONCE_MAX;
            let may_answer = running.answers.len() < ANSWERED_AT_ONCE_MAX;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = until(running.gathered.due) => running.tell(),
                () = until(running.again_at) => running.hand_on_again(),
                Some(_) = running.checks.join_next() => {}
                Some(_) = running.asks.join_next() => {}
                Some(_) = running.answers.join_next() => {}
                arrival = arrivals.recv() => match arrival {
                    Ok(transaction) => running.gather(transaction),
                    Err(RecvError::Lagged(missed)) => {
                        warn!(target: "ledger::endorse", missed, "too many transactions at once: some are told to peers late");
                    }
                    Err(RecvError::Closed) => return,
                },
                Some(incoming) = transactions.recv(), if may_check => running.check(incoming),
                Some(request) = requests.recv(), if may_answer => running.endorse_for(request),
                Ok(()) = heads.changed() => running.forget_included(),
            }
        }
    }

    fn slot(&self) -> Slot {
        self.schedule.slot_at(now())
    }

    fn genesis(&self) -> GenesisHash {
        self.runtime.genesis_hash()
    }

    /// Checks a batch of a peer and says what it is worth as a gossip message.
    fn check_batch(&self, from: PeerId, id: Option<GossipId>, batch: &[Bytes]) {
        let mut verdict = Verdict::Ignore;
        for raw in batch {
            match self.pool.submit_from_peer(raw) {
                Ok(_) if verdict == Verdict::Ignore => verdict = Verdict::Accept,
                Ok(_) => {}
                Err(error) if error.blames_sender() => {
                    debug!(target: "ledger::endorse", %from, %error, "a peer passed on a transaction that can never be valid");
                    verdict = Verdict::Reject("invalid transaction");
                }
                // It came another way first; those who have it not should get it.
                Err(PoolError::AlreadyKnown { .. }) if verdict == Verdict::Ignore => verdict = Verdict::Accept,
                Err(_) => {}
            }
        }
        if let (Some(id), Some(network)) = (id, &self.network) {
            network.judge(id, verdict);
        }
    }

    /// Endorses what this node's book admits for `slot`, if that is its own, and tells everybody.
    fn endorse(&self, slot: Slot, transactions: &[Arc<PooledTransaction>]) -> Vec<Endorsement> {
        let head = self.runtime.head();
        let Some(signer) = &self.signer else { return Vec::new() };
        if head.set.authority(slot).consensus_key != signer.public() {
            return Vec::new();
        }
        let mut admitted = Vec::new();
        let mut book = self.book.lock();
        for transaction in transactions {
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
    async fn ask(&self, raw: Vec<Bytes>) -> Vec<Endorsement> {
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
    async fn answer(self: Arc<Self>, request: EndorseRequest) {
        let EndorseRequest { incoming, transactions } = request;
        let slot = self.slot();
        let is_authority = self
            .signer
            .as_ref()
            .is_some_and(|signer| self.runtime.head().set.authority(slot).consensus_key == signer.public());
        let announcer = Arc::clone(&self);
        let endorsed = spawn_blocking(move || {
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

impl Running {
    fn new(announcer: Announcer) -> Self {
        Self {
            announcer: Arc::new(announcer),
            gathered: Gathered::default(),
            own: BTreeSet::new(),
            again_at: None,
            checks: JoinSet::new(),
            asks: JoinSet::new(),
            answers: JoinSet::new(),
        }
    }

    fn gather(&mut self, transaction: Arc<PooledTransaction>) {
        if self.own.len() < OWN_MAX {
            self.own.insert(transaction.hash());
            if self.again_at.is_none() {
                self.again_at = Some(self.next_slot());
            }
        }
        self.gathered.add(transaction);
        if self.gathered.is_full() {
            self.tell();
        }
    }

    /// Tells the peers what was gathered, and the authority.
    fn tell(&mut self) {
        let gathered = std::mem::take(&mut self.gathered);
        if let Some(network) = &self.announcer.network {
            network.publish(GossipMessage::Transactions(encoded(&gathered.transactions)));
        }
        self.hand_on(gathered.transactions);
    }

    fn hand_on(&mut self, transactions: Vec<Arc<PooledTransaction>>) {
        let announcer = Arc::clone(&self.announcer);
        if self.asks.len() >= ASKED_AT_ONCE_MAX || transactions.is_empty() {
            return;
        }
        self.asks.spawn(async move {
            if announcer.endorse(announcer.slot(), &transactions).is_empty() {
                announcer.ask(encoded(&transactions)).await;
            }
        });
    }

    /// Hands what no block has taken to the authority of the slot that has begun.
    fn hand_on_again(&mut self) {
        self.forget_included();
        let hashes: Vec<_> = self.own.iter().take(AGAIN_PER_SLOT_MAX).copied().collect();
        let mut gathered = Gathered::default();
        for waiting in self.announcer.pool.get_all(&hashes).into_iter().flatten() {
            gathered.add(waiting);
            if gathered.is_full() {
                self.hand_on(std::mem::take(&mut gathered).transactions);
            }
        }
        self.hand_on(gathered.transactions);
        self.again_at = (!self.own.is_empty()).then(|| self.next_slot());
    }

    /// Forgets own transactions that the pool has no more.
    fn forget_included(&mut self) {
        let hashes: Vec<_> = self.own.iter().copied().collect();
        let waiting = self.announcer.pool.get_all(&hashes);
        for (hash, waiting) in hashes.iter().zip(waiting) {
            if waiting.is_none() {
                self.own.remove(hash);
            }
        }
        if self.own.is_empty() {
            self.again_at = None;
        }
    }

    fn check(&mut self, incoming: Incoming<Vec<Bytes>>) {
        let announcer = Arc::clone(&self.announcer);
        let Incoming { from, id, message } = incoming;
        self.checks
            .spawn_blocking(move || announcer.check_batch(from, id, &message));
    }

    fn endorse_for(&mut self, request: EndorseRequest) {
        self.answers.spawn(Arc::clone(&self.announcer).answer(request));
    }

    /// The start of the next slot.
    fn next_slot(&self) -> Instant {
        let schedule = &self.announcer.schedule;
        let moment = now();
        let next = schedule
            .slot_at(moment)
            .next()
            .map_or(moment, |slot| schedule.start_of(slot));
        Instant::now() + Duration::from_millis(next.get().saturating_sub(moment.get()).max(1))
    }
}

fn encoded(transactions: &[Arc<PooledTransaction>]) -> Vec<Bytes> {
    let bytes = |waiting: &Arc<PooledTransaction>| waiting.transaction.encoded_2718().into();
    transactions.iter().map(bytes).collect()
}

/// Sleeps until `moment`, or for ever without one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
