//! Queues, turns, room and replacement, told as small stories on the pure pool.

use std::{collections::VecDeque, sync::Arc};

use alloy_consensus::TxEip1559;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use ledger_chainspec::{Hardfork, UnixMillis};
use ledger_node::txpool::{
    AccountFacts, Pool, PoolCounts, PoolError, PoolLimits, PooledTransaction, TransactionRules,
    limits::{EXPIRY_INTERVAL_MS, PENDING_LIFETIME_MS, QUEUED_LIFETIME_MS, REPLACEMENT_WAIT_MS, SLOT_BYTES},
};
use ledger_runtime::Lane;

use crate::world::{Person, blank};

const NOW: UnixMillis = UnixMillis::new(1_000_000_000);

fn later(ms: u64) -> UnixMillis {
    UnixMillis::new(NOW.get() + ms)
}

fn limits() -> PoolLimits {
    PoolLimits {
        slots: 10,
        reserved_slots: 2,
        queued_slots: 4,
        sender_slots: 6,
        block_transactions: 100,
        block_reserved: 2,
        block_sender_transactions: 50,
    }
}

fn account(nonce: u64, balance: u64) -> AccountFacts {
    AccountFacts {
        nonce,
        balance: U256::from(balance),
        lane: Lane::Open,
    }
}

fn reserved() -> AccountFacts {
    AccountFacts {
        lane: Lane::Reserved,
        ..account(0, 0)
    }
}

fn at(transaction: &alloy_consensus::TxEnvelope, received: UnixMillis) -> Arc<PooledTransaction> {
    let rules = TransactionRules {
        chain_id: 6300,
        gas_limit_max: 120_000_000,
        hardfork: Hardfork::Prague,
    };
    Arc::new(rules.check(&transaction.encoded_2718(), received).unwrap())
}

fn free(who: u32, nonce: u64) -> Arc<PooledTransaction> {
    at(&Person::number(who).pay(nonce, 0, 0), NOW)
}

fn counts(pending: usize, queued: usize) -> PoolCounts {
    PoolCounts { pending, queued }
}

/// Sender and nonce of the candidates, senders by their number.
fn order(pool: &Pool, people: std::ops::Range<u32>) -> Vec<(u32, u64)> {
    let known: Vec<_> = people.map(|index| (index, Person::number(index).address())).collect();
    let number = |address| known.iter().find(|(_, known)| *known == address).unwrap().0;
    pool.candidates(&[])
        .iter()
        .map(|candidate| (number(candidate.sender()), candidate.nonce()))
        .collect()
}

#[test]
fn transactions_wait_for_the_nonce_before_them() {
    let mut pool = Pool::new(limits());
    pool.insert(free(20, 2), account(0, 0), NOW).unwrap();
    pool.insert(free(20, 1), account(0, 0), NOW).unwrap();
    assert_eq!(pool.counts(), counts(0, 2));
    assert_eq!(pool.next_nonce(&Person::number(20).address()), Some(0));
    pool.insert(free(20, 0), account(0, 0), NOW).unwrap();
    assert_eq!(pool.counts(), counts(3, 0));
    assert_eq!(pool.next_nonce(&Person::number(20).address()), Some(3));
    assert_eq!(order(&pool, 20..21), [(20, 0), (20, 1), (20, 2)]);
}

#[test]
fn what_is_known_or_used_up_is_refused() {
    let mut pool = Pool::new(limits());
    let first = free(20, 4);
    pool.insert(Arc::clone(&first), account(4, 0), NOW).unwrap();
    let hash = first.hash();
    assert_eq!(
        pool.insert(first, account(4, 0), NOW),
        Err(PoolError::AlreadyKnown { hash })
    );
    let low = pool.insert(free(20, 3), account(4, 0), NOW);
    assert_eq!(low, Err(PoolError::NonceTooLow { got: 3, next: 4 }));
    assert_eq!(low.unwrap_err().to_string(), "nonce too low: next nonce 4, tx nonce 3");
}

#[test]
fn what_is_offered_must_be_payable_together() {
    let mut pool = Pool::new(limits());
    let user = Person::number(20);
    let cost = 21_000 * 10;
    pool.insert(at(&user.pay(0, 0, 10), NOW), account(0, cost + 100), NOW)
        .unwrap();
    let refused = pool
        .insert(at(&user.pay(1, 101, 0), NOW), account(0, cost + 100), NOW)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("insufficient funds for gas * price + value: balance 210100, queued cost 210000, tx cost 101"),
        "{refused}"
    );
    pool.insert(at(&user.pay(1, 100, 0), NOW), account(0, cost + 100), NOW)
        .unwrap();
    pool.insert(at(&user.pay(2, 0, 0), NOW), account(0, cost + 100), NOW)
        .unwrap();
    assert_eq!(pool.counts(), counts(3, 0));
    // The balance shrinks: what it no longer covers waits, and what comes after it.
    pool.follow(user.address(), account(0, cost));
    assert_eq!(pool.counts(), counts(1, 2));
    pool.follow(user.address(), account(1, 100));
    assert_eq!(pool.counts(), counts(2, 0));
}

#[test]
fn a_block_takes_what_it_contains_out_of_the_pool() {
    let mut pool = Pool::new(limits());
    for nonce in 0..4 {
        pool.insert(free(20, nonce), account(0, 0), NOW).unwrap();
    }
    let gone = free(20, 0).hash();
    pool.follow(Person::number(20).address(), account(2, 0));
    assert_eq!(pool.counts(), counts(2, 0));
    assert!(pool.get(&gone).is_none());
    pool.follow(Person::number(20).address(), account(9, 0));
    assert_eq!((pool.counts(), pool.content().len()), (counts(0, 0), 0));
}

#[test]
fn a_higher_price_replaces_and_a_slightly_higher_one_does_not() {
    let mut pool = Pool::new(limits());
    let user = Person::number(20);
    let rich = account(0, u64::MAX);
    let old = at(&user.pay(0, 0, 100), NOW);
    pool.insert(Arc::clone(&old), rich, NOW).unwrap();
    let replaced = old.hash();
    let refused = pool.insert(at(&user.pay(0, 0, 109), NOW), rich, NOW);
    assert_eq!(refused, Err(PoolError::Underpriced { replaced }));
    let free = pool.insert(at(&user.pay(0, 0, 0), NOW), rich, later(REPLACEMENT_WAIT_MS));
    assert_eq!(
        free,
        Err(PoolError::Underpriced { replaced }),
        "a price is not undercut by waiting"
    );
    pool.insert(at(&user.pay(0, 0, 110), NOW), rich, NOW).unwrap();
    assert_eq!(pool.counts(), counts(1, 0));
    assert!(pool.get(&replaced).is_none());
}

#[test]
fn at_price_0_time_stands_in_for_the_price() {
    let mut pool = Pool::new(limits());
    let user = Person::number(20);
    let (old, new) = (
        at(&user.pay(0, 0, 0), NOW),
        at(&user.call(0, Address::ZERO, vec![1]), NOW),
    );
    pool.insert(Arc::clone(&old), account(0, 0), NOW).unwrap();
    let soon = pool.insert(Arc::clone(&new), account(0, 0), later(REPLACEMENT_WAIT_MS - 1));
    let age_ms = REPLACEMENT_WAIT_MS - 1;
    assert_eq!(
        soon,
        Err(PoolError::TooSoon {
            replaced: old.hash(),
            age_ms
        })
    );
    assert!(
        soon.unwrap_err()
            .to_string()
            .starts_with("replacement transaction underpriced")
    );
    pool.insert(Arc::clone(&new), account(0, 0), later(REPLACEMENT_WAIT_MS))
        .unwrap();
    assert!(pool.get(&old.hash()).is_none() && pool.get(&new.hash()).is_some());
}

#[test]
fn senders_take_turns_whoever_waited_longest_first() {
    let mut pool = Pool::new(limits());
    for (who, nonce) in [(20, 0), (20, 1), (20, 2), (21, 0), (22, 0), (21, 1)] {
        pool.insert(free(who, nonce), account(0, 0), NOW).unwrap();
    }
    assert_eq!(
        order(&pool, 20..23),
        [(20, 0), (21, 0), (22, 0), (20, 1), (21, 1), (20, 2)]
    );
}

#[test]
fn reserved_senders_go_first_up_to_their_share() {
    let mut pool = Pool::new(limits());
    pool.insert(free(20, 0), account(0, 0), NOW).unwrap();
    for nonce in 0..3 {
        pool.insert(free(0, nonce), reserved(), NOW).unwrap();
    }
    // Two places are kept for them; the third waits its turn like everybody's.
    assert_eq!(order(&pool, 0..21), [(0, 0), (0, 1), (20, 0), (0, 2)]);
}

#[test]
fn one_sender_fills_no_more_than_its_share_of_a_block_or_of_the_pool() {
    let mut pool = Pool::new(PoolLimits {
        block_sender_transactions: 2,
        ..limits()
    });
    for nonce in 0..6 {
        pool.insert(free(20, nonce), account(0, 0), NOW).unwrap();
    }
    let full = pool.insert(free(20, 6), account(0, 0), NOW);
    assert_eq!(
        full,
        Err(PoolError::SenderFull {
            sender: Person::number(20).address()
        })
    );
    assert_eq!(order(&pool, 20..21), [(20, 0), (20, 1)]);
}

#[test]
fn a_full_pool_takes_room_from_who_has_the_most() {
    let mut pool = Pool::new(limits());
    for nonce in 0..5 {
        pool.insert(free(20, nonce), account(0, 0), NOW).unwrap();
    }
    for nonce in 0..3 {
        pool.insert(free(21, nonce), account(0, 0), NOW).unwrap();
    }
    // Eight open slots are taken. A newcomer takes the last transaction of the sender with five.
    pool.insert(free(22, 0), account(0, 0), NOW).unwrap();
    assert_eq!(pool.content_of(&Person::number(20).address()).pending.len(), 4);
    // Who has most itself gets no more.
    assert_eq!(pool.insert(free(20, 4), account(0, 0), NOW), Err(PoolError::Full));
    // The reserved slots are free still, for those they are kept for.
    for nonce in 0..2 {
        pool.insert(free(0, nonce), reserved(), NOW).unwrap();
    }
    assert_eq!(pool.counts(), counts(10, 0));
    // Beyond that, a reserved sender takes room from the open ones and never the other way round.
    pool.insert(free(0, 2), reserved(), NOW).unwrap();
    assert_eq!(pool.content_of(&Person::number(0).address()).pending.len(), 3);
    assert_eq!(pool.counts(), counts(10, 0));
}

#[test]
fn what_cannot_go_gives_way_first_and_takes_no_room_from_what_can() {
    let mut pool = Pool::new(limits());
    for nonce in 5..8 {
        pool.insert(free(20, nonce), account(0, 0), NOW).unwrap();
    }
    for nonce in 0..5 {
        pool.insert(free(21, nonce), account(0, 0), NOW).unwrap();
    }
    pool.insert(free(22, 0), account(0, 0), NOW).unwrap();
    assert_eq!(
        pool.counts(),
        counts(6, 2),
        "the last of the queued gave way, though its sender has fewer"
    );
    assert_eq!(
        pool.insert(free(23, 1), account(0, 0), NOW).err(),
        None,
        "fewer queued than the one that gives way"
    );
    assert_eq!(pool.insert(free(24, 1), account(0, 0), NOW), Err(PoolError::Full));
}

#[test]
fn the_queue_has_a_bound_of_its_own() {
    let mut pool = Pool::new(limits());
    for who in 20..24 {
        pool.insert(free(who, 9), account(0, 0), NOW).unwrap();
    }
    assert_eq!(pool.insert(free(24, 9), account(0, 0), NOW), Err(PoolError::Full));
    pool.insert(free(24, 0), account(0, 0), NOW).unwrap();
}

#[test]
fn long_transactions_take_more_slots() {
    let mut pool = Pool::new(limits());
    let long = TxEip1559 {
        to: TxKind::Call(Address::ZERO),
        input: Bytes::from(vec![0; 3 * SLOT_BYTES]),
        gas_limit: 10_000_000,
        ..blank(0)
    };
    let long = at(&Person::number(20).sign(long), NOW);
    assert_eq!(long.slots(), 4);
    pool.insert(long, account(0, 0), NOW).unwrap();
    for nonce in 0..4 {
        pool.insert(free(21, nonce), account(0, 0), NOW).unwrap();
    }
    assert_eq!(
        pool.insert(free(22, 0), account(0, 0), NOW).err(),
        None,
        "one with four slots gives way"
    );
}

#[test]
fn who_finds_too_little_room_has_taken_none() {
    let mut pool = Pool::new(limits());
    for nonce in 0..4 {
        pool.insert(free(20, nonce), account(0, 0), NOW).unwrap();
        pool.insert(free(21, nonce), account(0, 0), NOW).unwrap();
    }
    // Three slots: both could give one and have as many as the newcomer then, and nobody a third.
    let long = TxEip1559 {
        to: TxKind::Call(Address::ZERO),
        input: Bytes::from(vec![0; 2 * SLOT_BYTES]),
        gas_limit: 10_000_000,
        ..blank(0)
    };
    let long = at(&Person::number(22).sign(long), NOW);
    assert_eq!(long.slots(), 3);
    assert_eq!(pool.insert(long, account(0, 0), NOW), Err(PoolError::Full));
    assert_eq!(pool.counts(), counts(8, 0));
    assert_eq!(pool.content_of(&Person::number(20).address()).pending.len(), 4);
}

#[test]
fn what_waits_is_looked_at_in_turns() {
    let mut pool = Pool::new(limits());
    let all: Vec<_> = (0..6).map(|who| free(who, 0)).collect();
    for transaction in &all {
        pool.insert(Arc::clone(transaction), account(0, 0), NOW).unwrap();
    }
    let mut hashes: VecDeque<_> = all.iter().map(|transaction| transaction.hash()).collect();
    let mut next = |pool: &Pool, most| {
        let found = pool.next_waiting(&mut hashes, most);
        let number = |found: &Arc<PooledTransaction>| all.iter().position(|known| known == found).unwrap();
        (found.iter().map(number).collect::<Vec<_>>(), hashes.len())
    };
    assert_eq!(next(&pool, 4), (vec![0, 1, 2, 3], 6));
    for gone in [5, 0] {
        pool.remove(&all[gone].hash());
    }
    assert_eq!(next(&pool, 2), (vec![4, 1], 4));
    assert_eq!(next(&pool, 0), (vec![], 4));
    assert_eq!(next(&pool, 9), (vec![2, 3, 4, 1], 4));
    let mut twice = VecDeque::from([1, 2, 1].map(|who: usize| all[who].hash()));
    let found = pool.next_waiting(&mut twice, 9);
    assert_eq!(found, [1, 2].map(|who: usize| Arc::clone(&all[who])));
    assert_eq!(twice, [1, 2].map(|who: usize| all[who].hash()));
}

#[test]
fn what_waits_too_long_goes() {
    let mut pool = Pool::new(limits());
    pool.insert(free(20, 0), account(0, 0), NOW).unwrap();
    pool.insert(free(21, 1), account(0, 0), NOW).unwrap();
    pool.expire(later(QUEUED_LIFETIME_MS));
    assert_eq!(pool.counts(), counts(1, 1));
    pool.expire(later(QUEUED_LIFETIME_MS + EXPIRY_INTERVAL_MS));
    assert_eq!(pool.counts(), counts(1, 0));
    pool.expire(later(PENDING_LIFETIME_MS + EXPIRY_INTERVAL_MS));
    assert_eq!(pool.counts(), counts(0, 0));
}

#[test]
fn promised_transactions_come_before_others_and_are_turns_of_their_senders() {
    let mut pool = Pool::new(limits());
    for (who, nonce) in [(20, 0), (20, 1), (20, 2), (21, 0), (22, 0), (22, 1)] {
        pool.insert(free(who, nonce), account(0, 0), NOW).unwrap();
    }
    let (later, earlier) = (free(20, 1).hash(), free(22, 0).hash());
    let order: Vec<_> = pool
        .candidates(&[later, earlier, B256::ZERO])
        .iter()
        .map(|candidate| (candidate.sender(), candidate.nonce()))
        .collect();
    let expected = [(20, 0), (20, 1), (22, 0), (21, 0), (22, 1), (20, 2)];
    assert_eq!(
        order,
        expected.map(|(who, nonce)| (Person::number(who).address(), nonce))
    );
}
