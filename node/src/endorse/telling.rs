//! How do transactions get from this node to the others, and to the authority that endorses them?
//!
//! One task. What comes in over JSON-RPC is gathered for some milliseconds, told to all peers in one message, and handed to the authority
//! of the slot; where that is this node, it endorses by itself. What no block has taken by the next slot is handed to the next authority, so
//! that a message that was lost costs a slot. Transactions of the reserved lane have messages, queues and checks of their own, which no
//! flood of the others delays (R14). With nothing waiting it sleeps.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use ledger_network::{GossipMessage, Incoming};
use ledger_runtime::Lane;
use tokio::{
    sync::{
        broadcast::{
            self,
            error::{RecvError, TryRecvError},
        },
        mpsc,
    },
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::announcer::{Announcer, EndorseRequest};
use crate::{driver::now, txpool::PooledTransaction, until::until};

/// How long arrivals are gathered before they are told: little beside a slot, and enough to put hundreds into one message.
const GATHER: Duration = Duration::from_millis(8);
/// Most transactions that are gathered; a message and a request hold as many.
const GATHERED_MAX: usize = 128;
/// From so many bytes on, what was gathered is told at once; with the transaction that comes last a message still fits.
const GATHERED_BYTES_MAX: usize = 64 << 10;
/// Own transactions that are handed to one authority after the other while they wait, and those that have left the pool since
/// their turn came. Beyond it the pool's gossip has to do.
const OWN_MAX: usize = 16_384;
/// Transactions that are handed on again in one slot.
const AGAIN_PER_SLOT_MAX: usize = 1_024;
/// Batches of peers that are checked at once, of each lane.
const CHECKED_AT_ONCE_MAX: usize = 2;
/// Own requests for endorsements that are under way at once, of each lane.
const ASKED_AT_ONCE_MAX: usize = 32;
/// Requests of peers that are answered at once, apart from the own ones: no number of strangers keeps this node from asking.
const ANSWERED_AT_ONCE_MAX: usize = 16;

/// What comes in for the announcer.
#[derive(Debug)]
pub struct AnnouncerInputs {
    /// Batches of peers.
    pub transactions: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    /// Batches of peers that are said to be of the reserved lane.
    pub reserved: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    /// Requests of peers.
    pub requests: mpsc::Receiver<EndorseRequest>,
}

/// What was gathered and not told yet.
#[derive(Debug, Default)]
struct Gathered {
    transactions: Vec<Arc<PooledTransaction>>,
    bytes: usize,
}

impl Gathered {
    fn add(&mut self, transaction: Arc<PooledTransaction>) {
        self.bytes += transaction.bytes;
        self.transactions.push(transaction);
    }

    fn is_full(&self) -> bool {
        self.transactions.len() >= GATHERED_MAX || self.bytes >= GATHERED_BYTES_MAX
    }
}

/// The loop's own state.
struct Running {
    announcer: Arc<Announcer>,
    gathered: Gathered,
    /// The same, of the reserved lane.
    reserved: Gathered,
    /// When both have to be told.
    due: Option<Instant>,
    /// Own transactions, those whose turn comes next first; some have left the pool since they had theirs.
    own: VecDeque<B256>,
    /// The next moment to hand them on.
    again_at: Option<Instant>,
    checks: JoinSet<()>,
    reserved_checks: JoinSet<()>,
    asks: JoinSet<()>,
    reserved_asks: JoinSet<()>,
    answers: JoinSet<()>,
}

impl Announcer {
    /// Announces until `shutdown`.
    pub async fn run(self, inputs: AnnouncerInputs, shutdown: CancellationToken) {
        let AnnouncerInputs {
            mut transactions,
            mut reserved,
            mut requests,
        } = inputs;
        let mut arrivals = self.pool.subscribe_local();
        let mut running = Running::new(self);
        loop {
            let may_check = running.checks.len() < CHECKED_AT_ONCE_MAX;
            let may_check_reserved = running.reserved_checks.len() < CHECKED_AT_ONCE_MAX;
            let may_answer = running.answers.len() < ANSWERED_AT_ONCE_MAX;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = until(running.due) => {
                    running.gather_rest(&mut arrivals);
                    running.tell_all();
                }
                () = until(running.again_at) => running.hand_on_again(),
                Some(_) = running.checks.join_next() => {}
                Some(_) = running.reserved_checks.join_next() => {}
                Some(_) = running.asks.join_next() => {}
                Some(_) = running.reserved_asks.join_next() => {}
                Some(_) = running.answers.join_next() => {}
                // What comes while something is gathered is there when that is due: a crowd wakes this task once.
                arrival = arrivals.recv(), if running.due.is_none() => match arrival {
                    Ok(transaction) => running.gather(transaction),
                    Err(RecvError::Lagged(missed)) => warn_of(missed),
                    Err(RecvError::Closed) => return,
                },
                Some(incoming) = reserved.recv(), if may_check_reserved => running.check(Lane::Reserved, incoming),
                Some(incoming) = transactions.recv(), if may_check => running.check(Lane::Open, incoming),
                Some(request) = requests.recv(), if may_answer => running.endorse_for(request),
            }
        }
    }
}

impl Running {
    fn new(announcer: Announcer) -> Self {
        Self {
            announcer: Arc::new(announcer),
            gathered: Gathered::default(),
            reserved: Gathered::default(),
            due: None,
            own: VecDeque::new(),
            again_at: None,
            checks: JoinSet::new(),
            reserved_checks: JoinSet::new(),
            asks: JoinSet::new(),
            reserved_asks: JoinSet::new(),
            answers: JoinSet::new(),
        }
    }

    /// Gathers all that has come by now, and not what comes meanwhile.
    fn gather_rest(&mut self, arrivals: &mut broadcast::Receiver<Arc<PooledTransaction>>) {
        for _ in 0..arrivals.len() {
            match arrivals.try_recv() {
                Ok(transaction) => self.gather(transaction),
                Err(TryRecvError::Lagged(missed)) => warn_of(missed),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn gather(&mut self, transaction: Arc<PooledTransaction>) {
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
        if self.own.len() < OWN_MAX {
            self.own.push_back(transaction.hash());
            if self.again_at.is_none() {
                self.again_at = Some(self.next_slot());
            }
        }
        // What a block has taken meanwhile is of no lane, and needs no haste.
        let lane = self.announcer.pool.lane(&transaction.sender()).unwrap_or(Lane::Open);
        let gathered = self.gathered_of(lane);
        gathered.add(transaction);
        if gathered.is_full() {
            self.tell(lane);
        }
    }

    const fn gathered_of(&mut self, lane: Lane) -> &mut Gathered {
        match lane {
            Lane::Open => &mut self.gathered,
            Lane::Reserved => &mut self.reserved,
        }
    }

    /// Tells everything that was gathered.
    fn tell_all(&mut self) {
        self.due = None;
        self.tell(Lane::Reserved);
        self.tell(Lane::Open);
    }

    /// Tells the peers what was gathered of a lane, and the authority.
    fn tell(&mut self, lane: Lane) {
        let gathered = std::mem::take(self.gathered_of(lane));
        if gathered.transactions.is_empty() {
            return;
        }
        if let Some(network) = &self.announcer.network {
            let transactions = encoded(&gathered.transactions);
            network.publish(match lane {
                Lane::Open => GossipMessage::Transactions(transactions),
                Lane::Reserved => GossipMessage::Reserved(transactions),
            });
        }
        self.hand_on(lane, gathered.transactions);
    }

    fn hand_on(&mut self, lane: Lane, transactions: Vec<Arc<PooledTransaction>>) {
        let announcer = Arc::clone(&self.announcer);
        let asks = match lane {
            Lane::Open => &mut self.asks,
            Lane::Reserved => &mut self.reserved_asks,
        };
        while asks.try_join_next().is_some() {}
        if asks.len() >= ASKED_AT_ONCE_MAX || transactions.is_empty() {
            return;
        }
        asks.spawn(async move {
            if announcer.endorse(announcer.slot(), &transactions).is_empty() {
                announcer.ask(encoded(&transactions)).await;
            }
        });
    }

    /// Hands what no block has taken to the authority of the slot that has begun.
    fn hand_on_again(&mut self) {
        let mut gathered = Gathered::default();
        for waiting in self.announcer.pool.next_waiting(&mut self.own, AGAIN_PER_SLOT_MAX) {
            gathered.add(waiting);
            if gathered.is_full() {
                self.hand_on(Lane::Open, std::mem::take(&mut gathered).transactions);
            }
        }
        self.hand_on(Lane::Open, gathered.transactions);
        self.again_at = (!self.own.is_empty()).then(|| self.next_slot());
    }

    fn check(&mut self, lane: Lane, incoming: Incoming<Vec<Bytes>>) {
        let announcer = Arc::clone(&self.announcer);
        let Incoming { from, id, message } = incoming;
        let check = move || announcer.check_batch((from, id), lane, &message);
        match lane {
            Lane::Open => self.checks.spawn_blocking_on(check, &self.announcer.ingress),
            Lane::Reserved => self.reserved_checks.spawn_blocking(check),
        };
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

fn warn_of(missed: u64) {
    warn!(target: "ledger::endorse", missed, "too many transactions at once: some wait here and are not told to peers");
}

pub(super) fn encoded(transactions: &[Arc<PooledTransaction>]) -> Vec<Bytes> {
    let bytes = |waiting: &Arc<PooledTransaction>| waiting.transaction.encoded_2718().into();
    transactions.iter().map(bytes).collect()
}
