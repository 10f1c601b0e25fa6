//! What the pool does with the state and with its journal.

use std::{fs, sync::Arc};

use alloy_consensus::TxEip1559;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, TxKind, keccak256};
use ledger_node::txpool::{JOURNAL_SLACK_BYTES, Journal, PoolCounts, PoolError, TxPool};
use ledger_runtime::{Lane, gas_limit_max};

use crate::world::{Person, World, blank};

fn counts(pending: usize, queued: usize) -> PoolCounts {
    PoolCounts { pending, queued }
}

#[tokio::test]
async fn a_block_empties_the_pool_and_what_waits_survives_a_restart() {
    let world = World::start().await;
    let user = Person::number(20);
    for nonce in [0, 1, 3] {
        world.pool.submit(&user.pay(nonce, 0, 0).encoded_2718()).unwrap();
    }
    assert_eq!(world.pool.counts(), counts(2, 1));
    assert_eq!(world.mine(), []);
    assert_eq!(world.pool.counts(), counts(0, 1));
    let low = world.pool.submit(&user.pay(0, 0, 0).encoded_2718());
    assert_eq!(low, Err(PoolError::NonceTooLow { got: 0, next: 2 }));

    world.pool.submit(&user.pay(2, 0, 0).encoded_2718()).unwrap();
    let again = TxPool::open(Arc::clone(&world.runtime), Some(&world.journal())).unwrap();
    assert_eq!(
        again.counts(),
        counts(2, 0),
        "what blocks took is dropped, the rest is there"
    );
}

#[tokio::test]
async fn of_two_with_one_nonce_the_later_one_comes_back() {
    let world = World::start().await;
    let rich = Person::number(4);
    let (old, new) = (rich.pay(0, 1, 1), rich.pay(0, 2, 2));
    for transaction in [&old, &new] {
        world.pool.submit(&transaction.encoded_2718()).unwrap();
    }
    let again = TxPool::open(Arc::clone(&world.runtime), Some(&world.journal())).unwrap();
    assert!(again.get(old.tx_hash()).is_none() && again.get(new.tx_hash()).is_some());
}

#[tokio::test]
async fn a_transaction_that_the_node_failed_on_twice_is_set_aside() {
    let world = World::start().await;
    let (bad, good) = (Person::number(20).pay(0, 0, 0), Person::number(21).pay(0, 0, 0));
    for transaction in [&bad, &good] {
        world.pool.submit(&transaction.encoded_2718()).unwrap();
    }
    let open = || TxPool::open(Arc::clone(&world.runtime), Some(&world.journal())).unwrap();
    world.pool.report_panic(bad.tx_hash());
    let again = open();
    assert!(
        again.get(bad.tx_hash()).is_some(),
        "once may be the fault of something else"
    );
    again.report_panic(bad.tx_hash());
    let again = open();
    assert!(again.get(bad.tx_hash()).is_none() && again.get(good.tx_hash()).is_some());
    let refused = again.submit(&bad.encoded_2718()).unwrap_err();
    assert_eq!(refused, PoolError::SetAside { hash: *bad.tx_hash() });
}

#[tokio::test]
async fn a_torn_or_damaged_tail_costs_the_tail_alone() {
    let world = World::start().await;
    for nonce in 0..3 {
        world
            .pool
            .submit(&Person::number(20).pay(nonce, 0, 0).encoded_2718())
            .unwrap();
    }
    let whole = fs::read(world.journal()).unwrap();
    let record = whole.len() / 3;
    let mut damaged = whole.clone();
    damaged[2 * record + 20] ^= 1;
    let mut long = whole.clone();
    long[2 * record + 3] = 0xff;
    let torn = |length: usize| whole[..length].to_vec();
    let cases = [
        (whole.clone(), 3),
        (torn(whole.len() - 1), 2),
        (torn(2 * record + 5), 2),
        (damaged, 2),
        (long, 2),
        (torn(0), 0),
        (b"not a journal at all, but some other file".to_vec(), 0),
    ];
    for (contents, kept) in cases {
        fs::write(world.journal(), contents).unwrap();
        let (mut journal, transactions) = Journal::open(&world.journal()).unwrap();
        assert_eq!(transactions.len(), kept);
        append(&mut journal, b"after the damage");
        let (_, transactions) = Journal::open(&world.journal()).unwrap();
        assert_eq!(
            transactions.len(),
            kept + 1,
            "what comes after the damage is read again"
        );
    }
}

fn append(journal: &mut Journal, transaction: &[u8]) {
    journal.append(transaction, &keccak256(transaction)).unwrap();
}

#[tokio::test]
async fn a_journal_is_replaced_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pool.journal");
    let (mut journal, _) = Journal::open(&path).unwrap();
    for transaction in [b"one".as_slice(), b"two", b"three"] {
        append(&mut journal, transaction);
    }
    journal.rewrite([b"two"].into_iter()).unwrap();
    append(&mut journal, b"four");
    let (_, transactions) = Journal::open(&path).unwrap();
    assert_eq!(transactions, [b"two".to_vec(), b"four".to_vec()]);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

#[tokio::test]
async fn a_journal_of_what_is_past_does_not_grow() {
    let world = World::start().await;
    let filler = vec![0; 100_000];
    let rich = Person::number(4);
    let mut nonce = 0;
    while nonce < 20 {
        for _ in 0..4 {
            let long = TxEip1559 {
                to: TxKind::Call(Address::ZERO),
                input: filler.clone().into(),
                gas_limit: 2_000_000,
                ..blank(nonce)
            };
            world.pool.submit(&rich.sign(long).encoded_2718()).unwrap();
            nonce += 1;
        }
        assert_eq!(world.mine(), []);
        let bytes = fs::metadata(world.journal()).unwrap().len();
        assert!(
            bytes < JOURNAL_SLACK_BYTES + 10 * 100_200,
            "{bytes} bytes after {nonce} transactions"
        );
    }
    let bytes = fs::metadata(world.journal()).unwrap().len();
    assert!(bytes < 20 * 100_000, "{bytes} bytes: never rewritten");
}

#[tokio::test]
async fn nobody_may_ask_for_more_gas_than_a_block_gives_to_one() {
    let world = World::start().await;
    let limits = &world.runtime.spec().limits;
    for (who, lane) in [(Person::number(20), Lane::Open), (Person::number(0), Lane::Reserved)] {
        let max = gas_limit_max(limits, lane);
        let ask = |gas_limit| {
            let transaction = TxEip1559 {
                to: TxKind::Call(Address::ZERO),
                gas_limit,
                ..blank(0)
            };
            world.pool.submit(&who.sign(transaction).encoded_2718())
        };
        assert_eq!(
            ask(max + 1),
            Err(PoolError::GasLimit {
                gas_limit: max + 1,
                max
            })
        );
        ask(max).unwrap();
    }
    assert_eq!(world.mine(), []);
}

#[tokio::test]
async fn what_can_never_stand_in_a_block_is_dropped_when_production_says_so() {
    let world = World::start().await;
    let user = Person::number(20);
    let hash = world.pool.submit(&user.pay(0, 0, 0).encoded_2718()).unwrap();
    let fault = ledger_runtime::TransactionFault::NonceTooHigh {
        transaction: 0,
        state: 0,
    };
    world.pool.report_skipped(&[ledger_runtime::Skipped {
        transaction: hash,
        fault,
    }]);
    assert_eq!(world.pool.counts(), counts(1, 0), "this may pass later");
    let fault = ledger_runtime::TransactionFault::Signature;
    world.pool.report_skipped(&[ledger_runtime::Skipped {
        transaction: hash,
        fault,
    }]);
    assert_eq!(world.pool.counts(), counts(0, 0));
}

#[tokio::test]
async fn listeners_hear_of_arrivals_and_counts() {
    let world = World::start().await;
    let (mut arrivals, mut counted) = (world.pool.subscribe(), world.pool.watch_counts());
    world.pool.want_news();
    let hash = world
        .pool
        .submit(&Person::number(20).pay(0, 0, 0).encoded_2718())
        .unwrap();
    assert_eq!(arrivals.recv().await.unwrap().hash(), hash);
    assert!(counted.has_changed().unwrap());
    assert_eq!(*counted.borrow_and_update(), counts(1, 0));
    world
        .pool
        .submit(&Person::number(20).pay(0, 0, 0).encoded_2718())
        .unwrap_err();
    assert!(!counted.has_changed().unwrap(), "a refusal wakes nobody");
    let submit = |nonce| {
        world
            .pool
            .submit(&Person::number(20).pay(nonce, 0, 0).encoded_2718())
            .unwrap()
    };
    submit(1);
    assert!(!counted.has_changed().unwrap(), "nobody asked for news");
    assert_eq!(world.pool.counts(), counts(2, 0));
    world.pool.want_news();
    submit(2);
    assert!(counted.has_changed().unwrap());
    counted.mark_unchanged();
    world.pool.want_news();
    world.pool.want_no_news();
    submit(3);
    assert!(!counted.has_changed().unwrap(), "nobody wants news any more");
}
