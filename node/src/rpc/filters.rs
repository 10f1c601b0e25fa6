//! `eth_*`: logs, and filters that are asked again and again.
//!
//! A filter remembers how far its caller has read and nothing else, so it costs the same whatever it matches. Callers
//! forget filters: those that nobody asks for [`FILTER_IDLE_MAX`] end by themselves, the next time anybody uses one.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, FilterChanges, Log};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::EthFiltersServer;
use ledger_chainspec::BlockNumber;
use ledger_runtime::{BlockRef, Runtime};
use parking_lot::Mutex;
use tokio::sync::broadcast::{self, error::TryRecvError};

use super::{
    callers::CallerId,
    charge,
    context::{Api, number_of},
    convert,
    error::RpcFailure,
};
use crate::txpool::PooledTransaction;

/// Filters of all callers together.
pub const FILTERS_MAX: usize = 1024;

/// Filters of one caller that limits hold for, so that no single one takes them all.
pub const FILTERS_PER_CALLER_MAX: usize = 64;

/// A filter that nobody asks for so long ends: five minutes, as geth does.
pub const FILTER_IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// Addresses, or topics in one position, that a filter may name.
pub const FILTER_VALUES_MAX: usize = 1000;

/// As [`FILTER_VALUES_MAX`], for a filter that the node keeps: bounds the memory of all of them together.
pub const KEPT_FILTER_VALUES_MAX: usize = 64;

/// All filters, by their ids.
#[derive(Debug, Default)]
pub struct Filters {
    active: Mutex<HashMap<U256, Active>>,
}

#[derive(Debug)]
struct Active {
    asked: Instant,
    /// Whose it is, if that caller is limited.
    owner: Option<CallerId>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Logs of blocks from `next` on.
    Logs { filter: Arc<Filter>, next: u64 },
    /// Hashes of blocks from `next` on.
    Blocks { next: u64 },
    /// Transactions that come into the pool.
    Transactions(broadcast::Receiver<Arc<PooledTransaction>>),
}

/// What a filter's caller has not seen yet.
enum News {
    Logs { filter: Arc<Filter>, from: u64, to: u64 },
    Blocks { from: u64, to: u64 },
    Transactions(Vec<B256>),
    Nothing,
}

impl Filters {
    fn add(&self, kind: Kind, now: Instant) -> Result<U256, RpcFailure> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| RpcFailure::Internal(error.to_string()))?;
        let mut active = self.active.lock();
        end_idle(&mut active, now);
        let owner = charge::current()
            .filter(|caller| caller.is_limited())
            .map(|caller| caller.id());
        let owned = active
            .values()
            .filter(|filter| owner.is_some() && filter.owner == owner);
        if owned.count() >= FILTERS_PER_CALLER_MAX {
            let message = format!("this address has {FILTERS_PER_CALLER_MAX} filters already; uninstall some");
            return Err(RpcFailure::Limit(message));
        }
        if active.len() >= FILTERS_MAX {
            let message = format!("the node has {FILTERS_MAX} filters already; uninstall some, or ask eth_getLogs");
            return Err(RpcFailure::Limit(message));
        }
        // Random, so that callers cannot read one another's filters by counting.
        let id = U256::from(u128::from_be_bytes(id));
        active.insert(
            id,
            Active {
                asked: now,
                owner,
                kind,
            },
        );
        Ok(id)
    }

    fn remove(&self, id: U256) -> bool {
        self.active.lock().remove(&id).is_some()
    }

    /// What is new up to block `head`, of `most` blocks at once, and marks it as seen.
    fn take_news(&self, id: U256, head: u64, most: u64, now: Instant) -> Result<News, RpcFailure> {
        self.with(id, now, |kind| match kind {
            Kind::Logs { filter, next } => match take_blocks(next, head, most) {
                Some((from, to)) => News::Logs {
                    filter: Arc::clone(filter),
                    from,
                    to,
                },
                None => News::Nothing,
            },
            Kind::Blocks { next } => match take_blocks(next, head, most) {
                Some((from, to)) => News::Blocks { from, to },
                None => News::Nothing,
            },
            Kind::Transactions(arrivals) => News::Transactions(drain(arrivals)),
        })
    }

    /// Marks blocks from `from` on as unseen again, because they could not be read.
    fn give_back(&self, id: U256, from: u64) {
        if let Some(Active {
            kind: Kind::Logs { next, .. } | Kind::Blocks { next },
            ..
        }) = self.active.lock().get_mut(&id)
        {
            *next = (*next).min(from);
        }
    }

    fn log_filter(&self, id: U256, now: Instant) -> Result<Arc<Filter>, RpcFailure> {
        self.with(id, now, |kind| match kind {
            Kind::Logs { filter, .. } => Some(Arc::clone(filter)),
            Kind::Blocks { .. } | Kind::Transactions(_) => None,
        })?
        .ok_or_else(|| RpcFailure::Params("the filter is not one for logs".to_owned()))
    }

    fn with<T>(&self, id: U256, now: Instant, work: impl FnOnce(&mut Kind) -> T) -> Result<T, RpcFailure> {
        let mut active = self.active.lock();
        end_idle(&mut active, now);
        let filter = active
            .get_mut(&id)
            .ok_or_else(|| RpcFailure::NotFound("filter not found".to_owned()))?;
        filter.asked = now;
        Ok(work(&mut filter.kind))
    }
}

/// Ends the filters that nobody has asked for [`FILTER_IDLE_MAX`].
fn end_idle(active: &mut HashMap<U256, Active>, now: Instant) {
    active.retain(|_, filter| now.saturating_duration_since(filter.asked) < FILTER_IDLE_MAX);
}

/// The blocks from `next` to `head`, at most `most`; the rest comes with the next question.
fn take_blocks(next: &mut u64, head: u64, most: u64) -> Option<(u64, u64)> {
    let from = *next;
    if from > head {
        return None;
    }
    let to = head.min(from.saturating_add(most.saturating_sub(1)));
    *next = to.saturating_add(1);
    Some((from, to))
}

fn drain(arrivals: &mut broadcast::Receiver<Arc<PooledTransaction>>) -> Vec<B256> {
    let mut hashes = Vec::new();
    loop {
        match arrivals.try_recv() {
            Ok(arrival) => hashes.push(arrival.hash()),
            // What was missed is gone; what came after it is still there.
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return hashes,
        }
    }
}

#[async_trait]
impl EthFiltersServer for Api {
    async fn logs(&self, filter: Filter) -> RpcResult<Vec<Log>> {
        check(&filter, FILTER_VALUES_MAX)?;
        let runtime = self.runtime();
        self.turns.read(move || matching(&runtime, &filter)).await
    }

    fn new_filter(&self, filter: Filter) -> RpcResult<U256> {
        check(&filter, KEPT_FILTER_VALUES_MAX)?;
        let next = self.head().number().get().saturating_add(1);
        let filter = Arc::new(filter);
        Ok(self.filters.add(Kind::Logs { filter, next }, Instant::now())?)
    }

    fn new_block_filter(&self) -> RpcResult<U256> {
        let next = self.head().number().get().saturating_add(1);
        Ok(self.filters.add(Kind::Blocks { next }, Instant::now())?)
    }

    fn new_pending_transaction_filter(&self) -> RpcResult<U256> {
        let arrivals = self.context.pool.subscribe();
        Ok(self.filters.add(Kind::Transactions(arrivals), Instant::now())?)
    }

    async fn filter_changes(&self, filter_id: U256) -> RpcResult<FilterChanges> {
        let runtime = self.runtime();
        let (head, most) = (self.head().number().get(), runtime.read_limits().log_blocks);
        let (work, from): (Box<dyn FnOnce() -> _ + Send>, u64) =
            match self.filters.take_news(filter_id, head, most, Instant::now())? {
                News::Nothing => return Ok(FilterChanges::Hashes(Vec::new())),
                News::Transactions(hashes) => return Ok(FilterChanges::Hashes(hashes)),
                News::Logs { filter, from, to } => (
                    Box::new(move || {
                        let Some((from, to)) = within(&runtime, &filter, from, to)? else {
                            return Ok(FilterChanges::Logs(Vec::new()));
                        };
                        Ok(FilterChanges::Logs(runtime.logs(from, to, &filter)?))
                    }),
                    from,
                ),
                News::Blocks { from, to } => (Box::new(move || block_hashes(&runtime, from, to)), from),
            };
        let changes = self.turns.read(work).await;
        if changes.is_err() {
            self.filters.give_back(filter_id, from);
        }
        changes
    }

    async fn filter_logs(&self, filter_id: U256) -> RpcResult<Vec<Log>> {
        let filter = self.filters.log_filter(filter_id, Instant::now())?;
        let runtime = self.runtime();
        self.turns.read(move || matching(&runtime, &filter)).await
    }

    fn uninstall_filter(&self, filter_id: U256) -> RpcResult<bool> {
        Ok(self.filters.remove(filter_id))
    }
}

/// Bounds what keeping the filter, and matching one block against it, costs: `most` values in each position.
pub(super) fn check(filter: &Filter, most: usize) -> Result<(), RpcFailure> {
    let named = filter
        .topics
        .iter()
        .map(|topics| topics.len())
        .chain([filter.address.len()])
        .max();
    if named > Some(most) {
        let message = format!("this filter names at most {most} addresses, and as many topics per position");
        return Err(RpcFailure::Limit(message));
    }
    Ok(())
}

/// The logs of the filter's own range. Blocks that do not exist yet have none.
fn matching(runtime: &Runtime, filter: &Filter) -> Result<Vec<Log>, RpcFailure> {
    let (from, to) = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = number_of(runtime, convert::by_hash(hash))?;
            let number = number.ok_or_else(|| RpcFailure::NotFound(format!("unknown block {hash}")))?;
            (number, number)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let head = runtime.head().number();
            let number = |tag: Option<_>| match tag.map_or(BlockRef::Head, convert::block_by_tag) {
                BlockRef::Number(number) => number,
                BlockRef::Head | BlockRef::Hash(_) => head,
            };
            let (from, to) = (number(from_block), number(to_block));
            if from > to {
                return Err(RpcFailure::Params(format!(
                    "invalid block range params: from {from} to {to}"
                )));
            }
            if from > head {
                return Ok(Vec::new());
            }
            (from, to.min(head))
        }
    };
    Ok(runtime.logs(from, to, filter)?)
}

/// The blocks of `from` to `to` that the filter's own range covers too.
pub(super) fn within(
    runtime: &Runtime,
    filter: &Filter,
    from: u64,
    to: u64,
) -> Result<Option<(BlockNumber, BlockNumber)>, RpcFailure> {
    let (least, most) = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => match number_of(runtime, convert::by_hash(hash))? {
            Some(number) => (number.get(), number.get()),
            None => return Ok(None),
        },
        FilterBlockOption::Range { from_block, to_block } => (
            from_block.and_then(|tag| tag.as_number()).unwrap_or(0),
            to_block.and_then(|tag| tag.as_number()).unwrap_or(u64::MAX),
        ),
    };
    let (from, to) = (from.max(least), to.min(most));
    Ok((from <= to).then_some((BlockNumber::new(from), BlockNumber::new(to))))
}

fn block_hashes(runtime: &Runtime, from: u64, to: u64) -> Result<FilterChanges, RpcFailure> {
    let mut hashes = Vec::new();
    for number in from..=to {
        let hash = runtime.store().block_hash(BlockNumber::new(number))?;
        hashes.extend(hash.map(|hash| hash.get()));
    }
    Ok(FilterChanges::Hashes(hashes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lives_while_it_is_asked_for_and_ends_when_it_is_not() {
        let (filters, start) = (Filters::default(), Instant::now());
        let add = || filters.add(Kind::Blocks { next: 1 }, start).unwrap();
        let (asked, forgotten) = (add(), add());
        let almost = FILTER_IDLE_MAX - Duration::from_millis(1);
        for (head, now) in [(1, start + almost), (2, start + 2 * almost)] {
            let news = filters.take_news(asked, head, 100, now).unwrap();
            assert!(matches!(news, News::Blocks { from, to } if (from, to) == (head, head)));
        }
        assert!(!filters.remove(forgotten), "it takes no room any more");
        let gone = filters.take_news(asked, 3, 100, start + 2 * almost + FILTER_IDLE_MAX);
        assert_eq!(gone.map(|_| ()).unwrap_err().to_string(), "filter not found");
    }
}
