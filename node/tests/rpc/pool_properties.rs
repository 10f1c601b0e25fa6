//! What holds of the pool whatever comes in, in whatever order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::{Hardfork, UnixMillis};
use ledger_node::txpool::{
    AccountFacts, Pool, PoolLimits, PooledTransaction, TransactionRules, limits::REPLACEMENT_WAIT_MS,
};
use ledger_runtime::Lane;
use proptest::prelude::*;

use crate::world::Person;

const LIMITS: PoolLimits = PoolLimits {
    slots: 12,
    reserved_slots: 3,
    queued_slots: 5,
    sender_slots: 5,
    block_transactions: 4,
    block_reserved: 1,
    block_sender_transactions: 3,
};

/// The last of the people is one of the accounts that run the chain.
const PEOPLE: u32 = 4;

#[derive(Clone, Debug)]
enum Step {
    Insert { who: u32, nonce: u64, price: u64 },
    Follow { who: u32, nonce: u64, balance: u64 },
    RemoveAny { pick: usize },
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let price = prop_oneof![Just(0_u64), 1_u64..4];
    let step = prop_oneof![
        6 => (0..PEOPLE, 0_u64..8, price).prop_map(|(who, nonce, price)| Step::Insert { who, nonce, price }),
        2 => (0..PEOPLE, 0_u64..8, 0_u64..200_000).prop_map(|(who, nonce, balance)| Step::Follow { who, nonce, balance }),
        1 => (0_usize..12).prop_map(|pick| Step::RemoveAny { pick }),
        1 => Just(Step::Wait),
    ];
    proptest::collection::vec(step, 0..60)
}

fn lane(who: u32) -> Lane {
    if who + 1 == PEOPLE { Lane::Reserved } else { Lane::Open }
}

/// A transaction that came at `now`. Signing is slow: each is signed once, for all cases.
pub(crate) fn made(who: u32, nonce: u64, price: u64, now: UnixMillis) -> Arc<PooledTransaction> {
    static KNOWN: Mutex<BTreeMap<(u32, u64, u64), PooledTransaction>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    let made = known.entry((who, nonce, price)).or_insert_with(|| {
        let rules = TransactionRules {
            chain_id: 6300,
            gas_limit_max: 120_000_000,
            hardfork: Hardfork::Prague,
        };
        rules
            .check(&person(who).pay(nonce, 0, price.into()).encoded_2718(), now)
            .unwrap()
    });
    Arc::new(PooledTransaction {
        received: now,
        ..made.clone()
    })
}

pub(crate) fn person(who: u32) -> Person {
    Person::number(20 + who)
}

fn check(pool: &Pool, accounts: &BTreeMap<Address, AccountFacts>) {
    let (mut pending, mut queued, mut slots, mut open_slots) = (0, 0, 0, 0);
    for (sender, content) in pool.content() {
        let account = accounts[&sender];
        let mut spent = U256::ZERO;
        for (expected, (nonce, waiting)) in (account.nonce..).zip(&content.pending) {
            assert_eq!(*nonce, expected, "pending nonces follow one another from the account's");
            spent += waiting.cost;
            assert!(
                waiting.cost.is_zero() || spent <= account.balance,
                "pending transactions are payable together"
            );
        }
        let after = content
            .pending
            .last_key_value()
            .map_or(account.nonce, |(nonce, _)| nonce + 1);
        assert!(
            content.queued.keys().all(|nonce| *nonce >= after),
            "queued ones come after them"
        );
        assert_eq!(pool.next_nonce(&sender), Some(after));
        if let Some(waiting) = content.queued.get(&after) {
            assert!(
                !waiting.cost.is_zero() && spent + waiting.cost > account.balance,
                "what follows the pending ones and is payable is pending too"
            );
        }
        let own: usize = content
            .pending
            .values()
            .chain(content.queued.values())
            .map(|waiting| waiting.slots())
            .sum();
        assert!(own > 0 && own <= LIMITS.sender_slots);
        slots += own;
        if account.lane == Lane::Open {
            open_slots += own;
        }
        pending += content.pending.len();
        queued += content.queued.len();
    }
    assert_eq!((pool.counts().pending, pool.counts().queued), (pending, queued));
    assert_eq!(pool.transactions().count(), pending + queued);
    assert!(slots <= LIMITS.slots && open_slots <= LIMITS.slots - LIMITS.reserved_slots);
    assert!(
        pool.transactions()
            .all(|waiting| pool.get(&waiting.hash()).as_ref() == Some(waiting))
    );
    check_order(pool, accounts);
}

fn check_order(pool: &Pool, accounts: &BTreeMap<Address, AccountFacts>) {
    let candidates = pool.candidates(&[]);
    let mut next: BTreeMap<Address, u64> = accounts
        .iter()
        .map(|(sender, account)| (*sender, account.nonce))
        .collect();
    for candidate in &candidates {
        let expected = next.get_mut(&candidate.sender()).unwrap();
        assert_eq!(
            candidate.nonce(),
            *expected,
            "a sender's candidates come in the order of their nonces"
        );
        *expected += 1;
    }
    let turns = |sender: &Address| next[sender] - accounts[sender].nonce;
    for (sender, content) in pool.content() {
        let most = content.pending.len().min(LIMITS.block_sender_transactions);
        assert_eq!(
            turns(&sender),
            u64::try_from(most).unwrap(),
            "nobody's pending transactions are left out"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn bounds_order_and_indexes_hold_after_every_step(steps in steps()) {
        let mut accounts: BTreeMap<Address, AccountFacts> = BTreeMap::new();
        for who in 0..PEOPLE {
            let facts = AccountFacts { nonce: 0, balance: U256::from(100_000), lane: lane(who) };
            accounts.insert(person(who).address(), facts);
        }
        let mut pool = Pool::new(LIMITS);
        let mut now = UnixMillis::new(1_000_000_000);
        for step in steps {
            match step {
                Step::Insert { who, nonce, price } => {
                    let transaction = made(who, nonce, price, now);
                    let account = accounts[&transaction.sender()];
                    let before: Vec<B256> = pool.transactions().map(|waiting| waiting.hash()).collect();
                    match pool.insert(Arc::clone(&transaction), account, now) {
                        Ok(()) => prop_assert_eq!(pool.get(&transaction.hash()), Some(transaction)),
                        Err(_) => prop_assert_eq!(pool.get(&transaction.hash()).is_some(), before.contains(&transaction.hash())),
                    }
                }
                Step::Follow { who, nonce, balance } => {
                    let sender = person(who).address();
                    let account = accounts.get_mut(&sender).unwrap();
                    account.nonce = account.nonce.max(nonce);
                    account.balance = U256::from(balance);
                    pool.follow(sender, *account);
                }
                Step::RemoveAny { pick } => {
                    let picked = pool.transactions().map(|waiting| waiting.hash()).nth(pick);
                    if let Some(hash) = picked {
                        prop_assert!(pool.remove(&hash).is_some());
                        prop_assert!(pool.get(&hash).is_none());
                    }
                }
                Step::Wait => now = UnixMillis::new(now.get() + REPLACEMENT_WAIT_MS),
            }
            check(&pool, &accounts);
        }
    }
}

#[test]
fn an_account_is_believed_until_the_next_block() {
    let facts = AccountFacts {
        nonce: 0,
        balance: U256::ZERO,
        lane: Lane::Open,
    };
    let sender = person(0).address();
    let mut pool = Pool::new(LIMITS);
    assert_eq!(pool.account(&sender), None);
    pool.insert(made(0, 0, 0, UnixMillis::new(1)), facts, UnixMillis::new(1))
        .unwrap();
    assert_eq!(pool.account(&sender), Some(facts));
    pool.block_committed();
    assert_eq!(pool.account(&sender), None);
    pool.follow(sender, facts);
    assert_eq!(pool.account(&sender), Some(facts));
    let later = AccountFacts { nonce: 1, ..facts };
    pool.block_committed();
    pool.follow(sender, later);
    assert_eq!(pool.account(&sender), None, "nothing waits");
}
