//! Does a block get what waits in the order that `txpool/order.rs` promises, whatever waits and whatever was promised?
//!
//! Beside the pool a model keeps all that waits in one list, and takes out of it what comes next, one by one.

use alloy_primitives::{B256, U256};
use ledger_chainspec::UnixMillis;
use ledger_node::txpool::{AccountFacts, Pool, PoolLimits};
use ledger_runtime::{CANDIDATES_PER_TRANSACTION_MAX, Lane};
use proptest::prelude::*;

use crate::pool_properties::{made, person};

const PEOPLE: u32 = 5;
/// Those from this one on are accounts that run the chain.
const FIRST_RESERVED: u32 = 3;
/// Of one sender, in the pool.
const SENDER_MAX: u64 = 6;

const NOW: UnixMillis = UnixMillis::new(1_000_000_000);

/// What waits: whose it is, its nonce, which is its place among those of its sender, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    who: u32,
    nonce: u64,
    arrival: usize,
}

fn limits(block_transactions: usize, block_reserved: usize) -> PoolLimits {
    PoolLimits {
        slots: 60,
        reserved_slots: 20,
        queued_slots: 10,
        sender_slots: 10,
        block_transactions,
        block_reserved,
        block_sender_transactions: 3,
    }
}

fn is_reserved(waiting: &Waiting) -> bool {
    waiting.who >= FIRST_RESERVED
}

/// The order by the model. A promise of what does not wait is none.
fn expected(waiting: &[Waiting], promised: &[(u32, u64)], limits: &PoolLimits) -> Vec<Waiting> {
    let most = limits.block_transactions * CANDIDATES_PER_TRANSACTION_MAX;
    let per_sender = u64::try_from(limits.block_sender_transactions).unwrap();
    let mut left: Vec<_> = waiting.iter().copied().filter(|one| one.nonce < per_sender).collect();
    left.sort_by_key(|one| (one.nonce, one.arrival));
    let mut order = Vec::new();
    let mut take = |left: &mut Vec<Waiting>, wanted: &dyn Fn(&Waiting) -> bool| {
        let index = left.iter().position(wanted)?;
        order.push(left.remove(index));
        Some(())
    };
    for _ in 0..limits.block_reserved {
        take(&mut left, &is_reserved);
    }
    for (who, nonce) in promised {
        while take(&mut left, &|one| one.who == *who && one.nonce <= *nonce).is_some() {}
    }
    while take(&mut left, &|_| true).is_some() {}
    order.truncate(most);
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn candidates_come_as_the_model_takes_them(
        arrivals in proptest::collection::vec(0..PEOPLE, 0..30),
        promised in proptest::collection::vec((0..PEOPLE, 0..SENDER_MAX), 0..6),
        block_transactions in 1_usize..5,
        block_reserved in 0_usize..4,
    ) {
        let limits = limits(block_transactions, block_reserved);
        let mut pool = Pool::new(limits);
        let mut waiting: Vec<Waiting> = Vec::new();
        for (arrival, who) in arrivals.into_iter().enumerate() {
            let nonce = waiting.iter().filter(|one| one.who == who).count() as u64;
            if nonce < SENDER_MAX {
                let lane = if who >= FIRST_RESERVED { Lane::Reserved } else { Lane::Open };
                let account = AccountFacts { nonce: 0, balance: U256::ZERO, lane };
                pool.insert(made(who, nonce, 0, NOW), account, NOW).unwrap();
                waiting.push(Waiting { who, nonce, arrival });
            }
        }
        let known = |(who, nonce): &(u32, u64)| waiting.iter().any(|one| one.who == *who && one.nonce == *nonce);
        let (promised, unknown): (Vec<_>, Vec<_>) = promised.into_iter().partition(known);
        let hash = |(who, nonce): &(u32, u64)| made(*who, *nonce, 0, NOW).hash();
        let endorsed: Vec<B256> = unknown.iter().chain(&promised).map(hash).collect();
        let order: Vec<_> = pool.candidates(&endorsed).iter().map(|one| (one.sender(), one.nonce())).collect();
        let expected = expected(&waiting, &promised, &limits);
        prop_assert_eq!(order, expected.iter().map(|one| (person(one.who).address(), one.nonce)).collect::<Vec<_>>());
    }
}
