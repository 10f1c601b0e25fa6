//! Where do transactions wait until a block takes them?
//!
//! [`TxPool`] is the thin shell around the pure [`Pool`]: it checks bytes ([`TransactionRules`]), reads senders' accounts
//! from the runtime, writes the journal, and tells who listens. JSON-RPC and the network hand transactions in; the driver
//! takes candidates and says what was committed; nobody else changes the pool. It holds no timer: what is too old goes
//! when something else happens, so that a quiet chain stays quiet.

mod error;
mod journal;
pub mod limits;
mod look;
mod order;
mod pool;
mod room;
mod sender;
mod suspects;
mod validate;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256};
use ledger_chainspec::{Transaction, UnixMillis};
use ledger_runtime::{BlockRef, Lane, Runtime, Skipped, TransactionFault, gas_limit_max};
use metrics::gauge;
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};

use suspects::Suspects;

use crate::telemetry::metering::{POOL_PENDING, POOL_QUEUED};

pub use error::PoolError;
pub use journal::{JOURNAL_BYTES_MAX, JOURNAL_SLACK_BYTES, Journal, journal_record, read_journal};
pub use limits::PoolLimits;
pub use pool::{Pool, PoolCounts, SenderContent};
pub use sender::AccountFacts;
pub use suspects::FAILURES_MAX;
pub use validate::{PooledTransaction, TransactionRules};

/// Beside the journal, under this extension, is what this node failed on.
const SUSPECTS_EXTENSION: &str = "suspects";

/// Arrivals that a listener may lag behind before it misses some.
pub const ARRIVALS_LAG_MAX: usize = 4096;

/// The transaction pool of a node. Shared by `Arc`; its functions may block on the disk for a moment, so that async
/// callers run them on a blocking thread.
#[derive(Debug)]
pub struct TxPool {
    rules: TransactionRules,
    runtime: Arc<Runtime>,
    pool: Mutex<Pool>,
    journal: Option<Mutex<Journal>>,
    suspects: Suspects,
    arrivals: broadcast::Sender<Arc<PooledTransaction>>,
    local: broadcast::Sender<Arc<PooledTransaction>>,
    counts: watch::Sender<PoolCounts>,
    /// Whether the driver wants to be woken by the next change.
    news_wanted: AtomicBool,
}

impl TxPool {
    /// The pool of the runtime's chain, with what the journal at `journal` still holds; without a path, nothing is kept
    /// over a restart.
    ///
    /// # Errors
    /// If the journal cannot be read or written.
    pub fn open(runtime: Arc<Runtime>, journal: Option<&Path>) -> io::Result<Self> {
        let spec = Arc::clone(runtime.spec());
        let limits = &spec.limits;
        let bounds = PoolLimits::new(
            limits.transactions_per_slot,
            limits.transactions_per_sender_per_slot,
            limits.reserved_share_percent,
        );
        let suspects = journal
            .map(|path| Suspects::open(&path.with_extension(SUSPECTS_EXTENSION)))
            .transpose()?;
        let opened = journal.map(Journal::open).transpose()?;
        let (journal, kept) = opened.map_or((None, Vec::new()), |(journal, kept)| (Some(journal), kept));
        let mut pool = Self {
            rules: TransactionRules {
                chain_id: spec.chain_id,
                gas_limit_max: gas_limit_max(limits, Lane::Reserved),
                hardfork: spec.hardfork,
            },
            runtime,
            pool: Mutex::new(Pool::new(bounds)),
            journal: None,
            suspects: suspects.unwrap_or_default(),
            arrivals: broadcast::Sender::new(ARRIVALS_LAG_MAX),
            local: broadcast::Sender::new(ARRIVALS_LAG_MAX),
            counts: watch::Sender::new(PoolCounts::default()),
            news_wanted: AtomicBool::new(false),
        };
        let before = kept.len();
        let taken = pool.take_back(&kept);
        if before > 0 {
            tracing::info!(target: "ledger::pool", kept = taken, dropped = before - taken, "journal read");
        }
        if let Some(mut journal) = journal {
            if before > taken {
                journal.rewrite(pool.encoded().into_iter())?;
            }
            pool.journal = Some(Mutex::new(journal));
        }
        Ok(pool)
    }

    /// Takes a transaction in from somebody who uses this node, as its EIP-2718 bytes, and gives its hash. It is this node's to
    /// tell the peers.
    ///
    /// # Errors
    /// [`PoolError`] says why not.
    pub fn submit(&self, raw: &[u8]) -> Result<B256, PoolError> {
        let transaction = self.submit_from_peer(raw)?;
        let hash = transaction.hash();
        // Nobody listening is no error.
        let _ = self.local.send(transaction);
        Ok(hash)
    }

    /// Takes a transaction in from a peer, who has told others too.
    ///
    /// # Errors
    /// [`PoolError`] says why not, and [`PoolError::blames_sender`] whether the peer should have known.
    pub fn submit_from_peer(&self, raw: &[u8]) -> Result<Arc<PooledTransaction>, PoolError> {
        let now = now();
        let transaction = Arc::new(self.rules.check_new(raw, now, |hash| self.pool.lock().contains(hash))?);
        self.admit(&transaction, now)?;
        self.write_down(raw, &transaction.hash());
        let _ = self.arrivals.send(Arc::clone(&transaction));
        Ok(transaction)
    }

    /// Takes a checked transaction in, if it fits the state.
    fn admit(&self, transaction: &Arc<PooledTransaction>, now: UnixMillis) -> Result<(), PoolError> {
        let hash = transaction.hash();
        if self.suspects.contains(&hash) {
            tracing::warn!(target: "ledger::pool", transaction = %hash, "this node failed on it before: set aside");
            return Err(PoolError::SetAside { hash });
        }
        let sender = transaction.sender();
        // Asking the contract for the lane costs more than all the rest, so it is asked once per sender, and not under
        // the lock. A lane that governance changes meanwhile matters to the order, and to what a peer's batch
        // is worth: blocks have their own meter.
        let known = self.pool.lock().lane(&sender);
        let lane = match known {
            Some(lane) => lane,
            None => self.runtime.lane(sender).map_err(unreadable)?,
        };
        let max = gas_limit_max(&self.runtime.spec().limits, lane);
        let gas_limit = transaction.transaction.gas_limit();
        if gas_limit > max {
            return Err(PoolError::GasLimit { gas_limit, max });
        }
        // The account is read under the lock: a block that is committed meanwhile is followed after this.
        let mut pool = self.pool.lock();
        let account = match pool.account(&sender) {
            Some(account) => account,
            None => self.account(sender, lane)?,
        };
        pool.insert(Arc::clone(transaction), account, now)?;
        self.publish(&pool);
        Ok(())
    }

    /// Takes in what the journal held, and gives how many still fit. Of two with one sender and nonce, the later one had
    /// replaced the other.
    fn take_back(&self, kept: &[Vec<u8>]) -> usize {
        let now = now();
        let checked: Vec<_> = kept
            .iter()
            .filter_map(|raw| self.rules.check(raw, now).ok())
            .map(Arc::new)
            .collect();
        let key = |transaction: &PooledTransaction| (transaction.sender(), transaction.nonce());
        let latest: BTreeMap<_, _> = checked
            .iter()
            .map(|transaction| (key(transaction), transaction.hash()))
            .collect();
        let current = checked
            .iter()
            .filter(|transaction| latest.get(&key(transaction)) == Some(&transaction.hash()));
        current
            .filter(|transaction| self.admit(transaction, now).is_ok())
            .count()
    }

    /// Follows a committed block: its transactions go, and so does what no longer fits the state.
    pub fn block_committed(&self, transactions: &[Recovered<Transaction>]) {
        let mut senders: BTreeSet<Address> = transactions.iter().map(Recovered::signer).collect();
        let authorizations = transactions
            .iter()
            .filter_map(|transaction| transaction.authorization_list())
            .flatten();
        senders.extend(authorizations.filter_map(|authorization| authorization.recover_authority().ok()));
        let mut pool = self.pool.lock();
        pool.block_committed();
        senders.extend(pool.priced_senders());
        for sender in senders {
            let Some(lane) = pool.lane(&sender) else { continue };
            match self.account(sender, lane) {
                Ok(account) => pool.follow(sender, account),
                Err(error) => tracing::error!(target: "ledger::pool", %sender, %error, "account not read"),
            }
        }
        pool.expire(now());
        self.publish(&pool);
    }

    /// Drops what production skipped and no later block could take either.
    pub fn report_skipped(&self, skipped: &[Skipped]) {
        let mut pool = self.pool.lock();
        for Skipped { transaction, fault } in skipped {
            if fault.may_pass_later() {
                continue;
            }
            if let Some(removed) = pool.remove(transaction) {
                let sender = removed.sender();
                tracing::debug!(target: "ledger::pool", %transaction, %sender, %fault, "transaction dropped");
                if matches!(fault, TransactionFault::NonceTooLow { .. })
                    && let Some(lane) = pool.lane(&sender)
                    && let Ok(account) = self.account(sender, lane)
                {
                    pool.follow(sender, account);
                }
            }
        }
        self.publish(&pool);
    }

    /// Writes down that this node panicked while it executed the transaction with this hash. Called on the way out.
    pub fn report_panic(&self, hash: &B256) {
        tracing::error!(target: "ledger::pool", transaction = %hash, "this node failed while it executed it");
        if let Err(error) = self.suspects.add(hash) {
            tracing::error!(target: "ledger::pool", %error, "that cannot be written down");
        }
    }

    /// Drops a transaction that by itself takes longer to execute than a slot leaves on this machine.
    pub fn drop_slow(&self, hash: &B256) {
        let mut pool = self.pool.lock();
        if let Some(removed) = pool.remove(hash) {
            let sender = removed.sender();
            tracing::warn!(target: "ledger::pool", transaction = %hash, %sender, "transaction too slow, dropped");
            self.publish(&pool);
        }
    }

    /// How many transactions have come in since the start, whatever became of them.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.pool.lock().arrivals()
    }

    /// What a block should try, in order, for [`ledger_runtime::ProduceInputs`]; the `endorsed` ones before what is not reserved.
    pub fn candidates(&self, endorsed: &[B256]) -> impl Iterator<Item = Recovered<Transaction>> + Send + 'static {
        let candidates = self.pool.lock().candidates(endorsed);
        candidates.into_iter().map(|candidate| candidate.transaction.clone())
    }

    /// Follows how many wait. The driver sleeps on it, and is woken once for each time that it said so by
    /// [`Self::want_news`]: a crowd of transactions is one piece of news, and not a wake-up each.
    #[must_use]
    pub fn watch_counts(&self) -> watch::Receiver<PoolCounts> {
        self.counts.subscribe()
    }

    /// Asks for a wake-up at the next change of how many wait. Who asks looks at [`Self::counts`] afterwards, so that no change
    /// falls between.
    pub fn want_news(&self) {
        self.news_wanted.store(true, Ordering::SeqCst);
    }

    /// Takes that back: who knows that there is work needs no wake-up for more of it.
    pub fn want_no_news(&self) {
        self.news_wanted.store(false, Ordering::SeqCst);
    }

    /// Every transaction that comes in from now on. A listener that lags more than [`ARRIVALS_LAG_MAX`] misses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<PooledTransaction>> {
        self.arrivals.subscribe()
    }

    /// Every transaction that [`Self::submit`] takes in from now on. A listener that lags more than [`ARRIVALS_LAG_MAX`] misses
    /// some.
    #[must_use]
    pub fn subscribe_local(&self) -> broadcast::Receiver<Arc<PooledTransaction>> {
        self.local.subscribe()
    }

    fn account(&self, sender: Address, lane: Lane) -> Result<AccountFacts, PoolError> {
        let account = self
            .runtime
            .account(&sender, BlockRef::Head)
            .map_err(unreadable)?
            .unwrap_or_default();
        Ok(AccountFacts {
            nonce: account.nonce,
            balance: account.balance,
            lane,
        })
    }

    fn publish(&self, pool: &Pool) {
        let counts = pool.counts();
        for (name, count) in [(POOL_PENDING, counts.pending), (POOL_QUEUED, counts.queued)] {
            gauge!(name).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
        self.counts.send_if_modified(|published| {
            let is_news = std::mem::replace(published, counts) != counts;
            is_news && self.news_wanted.swap(false, Ordering::SeqCst)
        });
    }

    fn encoded(&self) -> Vec<Vec<u8>> {
        self.pool
            .lock()
            .transactions()
            .map(|waiting| waiting.transaction.encoded_2718())
            .collect()
    }

    /// Writes a transaction into the journal. A disk that refuses costs durability over a restart, not the transaction.
    fn write_down(&self, raw: &[u8], hash: &B256) {
        let Some(journal) = &self.journal else { return };
        let mut journal = journal.lock();
        let mut written = journal.append(raw, hash);
        if written.is_ok() && journal.is_full() {
            written = journal.rewrite(self.encoded().into_iter());
        }
        if let Err(error) = written {
            tracing::error!(target: "ledger::pool", %error, "journal not written");
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> PoolError {
    PoolError::State {
        reason: error.to_string(),
    }
}

/// The machine's clock.
fn now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
