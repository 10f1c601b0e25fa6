//! Are the limits of a block kept (R13), and is a share of it kept for reserved senders (R14)?

use alloy_consensus::{TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, TxKind};
use ledger_chainspec::{BlockLimits, ChainSpec, Transaction};
use ledger_runtime::{ImportError, Lane, LimitError, TRANSACTION_GAS_MAX, TransactionFault, gas_limit_max};

use crate::world::{Person, World, chain_id, seal};

const TARGET: Address = Address::repeat_byte(0x77);

fn limits() -> BlockLimits {
    BlockLimits {
        gas_limit: 1_000_000,
        transactions_per_slot: 10,
        transactions_per_sender_per_slot: 4,
        reserved_share_percent: 20,
    }
}

fn world() -> World {
    World::of(ChainSpec {
        limits: limits(),
        ..ChainSpec::dev()
    })
}

/// `count` transfers of one sender without coins.
fn calls(sender: u32, count: u64) -> Vec<Recovered<Transaction>> {
    let person = Person::number(sender);
    (0..count).map(|nonce| person.pay(nonce, TARGET, 0)).collect()
}

fn with_gas(sender: u32, gas_limit: u64) -> Recovered<Transaction> {
    let call = TxEip1559 {
        chain_id: chain_id(),
        gas_limit,
        to: TxKind::Call(TARGET),
        ..TxEip1559::default()
    };
    Person::number(sender).sign(call)
}

fn faults(world: &World, candidates: Vec<Recovered<Transaction>>) -> (usize, Vec<TransactionFault>) {
    let produced = world.produce(candidates);
    let faults = produced.skipped.into_iter().map(|skipped| skipped.fault).collect();
    (produced.executed.transactions().len(), faults)
}

#[test]
fn the_authority_is_reserved_and_a_stranger_is_not() {
    let world = world();
    assert_eq!(world.runtime.lane(Person::number(0).address()).unwrap(), Lane::Reserved);
    assert_eq!(world.runtime.lane(Person::number(40).address()).unwrap(), Lane::Open);
}

#[test]
fn strangers_fill_the_open_lane_and_a_reserved_sender_still_gets_in() {
    let world = world();
    let crowd: Vec<_> = (40..50)
        .flat_map(|sender| calls(sender, 1))
        .chain(calls(0, 3))
        .collect();
    let (taken, faults) = faults(&world, crowd);
    // Eight of ten are open; then two of the authority; its third finds the block full.
    assert_eq!(taken, 10);
    assert_eq!(
        faults,
        vec![TransactionFault::Limit(LimitError::OpenTransactions { limit: 8 }); 2]
    );
}

#[test]
fn one_sender_has_its_own_limit() {
    let (taken, faults) = faults(&world(), calls(40, 6));
    assert_eq!(taken, 4);
    let fault = TransactionFault::Limit(LimitError::Sender {
        sender: Person::number(40).address(),
        limit: 4,
    });
    assert_eq!(faults, vec![fault; 2]);
}

#[test]
fn a_block_is_full_where_somebody_found_no_room() {
    let strangers = |count: u32| (40..40 + count).flat_map(|sender| calls(sender, 1)).collect::<Vec<_>>();
    for (candidates, is_full) in [(strangers(8), false), (strangers(9), true), (calls(40, 6), false)] {
        let asked = candidates.len();
        let produced = world().produce(candidates);
        assert_eq!(produced.is_full, is_full, "{asked} candidates: {:?}", produced.skipped);
    }
}

#[test]
fn gas_is_counted_as_used_and_asked_for_as_limit() {
    let world = world();
    assert_eq!(gas_limit_max(&limits(), Lane::Open), 800_000);
    let (taken, faults) = faults(
        &world,
        vec![with_gas(40, 800_000), with_gas(41, 779_001), with_gas(42, 779_000)],
    );
    assert_eq!(taken, 2);
    let fault = LimitError::OpenGas {
        gas_limit: 779_001,
        available: 779_000,
    };
    assert_eq!(faults, vec![TransactionFault::Limit(fault)]);
    let (taken, faults) = self::faults(&world, vec![with_gas(0, 1_000_001), with_gas(0, 1_000_000)]);
    assert_eq!(taken, 1);
    let fault = LimitError::Gas {
        gas_limit: 1_000_001,
        available: 1_000_000,
    };
    assert_eq!(faults, vec![TransactionFault::Limit(fault)]);
}

#[test]
fn no_transaction_asks_for_more_gas_than_the_cap() {
    let world = World::dev();
    let limits = &world.runtime.spec().limits;
    for lane in [Lane::Open, Lane::Reserved] {
        assert_eq!(gas_limit_max(limits, lane), TRANSACTION_GAS_MAX);
    }
    // The authority itself: not even the reserved lane takes it.
    for sender in [40, 0] {
        let (taken, faults) = faults(&world, vec![with_gas(sender, TRANSACTION_GAS_MAX + 1)]);
        assert_eq!(taken, 0);
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert!(!fault.may_pass_later(), "{fault}");
        let (taken, faults) = self::faults(&world, vec![with_gas(sender, TRANSACTION_GAS_MAX)]);
        assert_eq!((taken, faults), (1, vec![]));
    }
}

/// A block that a chain with wider limits made, with the narrow chain's gas limit and parent in its header.
fn import_of_wider(transactions: Vec<Recovered<Transaction>>) -> ImportError {
    let narrow = world();
    let wide = BlockLimits {
        transactions_per_slot: 100,
        transactions_per_sender_per_slot: 100,
        reserved_share_percent: 0,
        ..limits()
    };
    let wide = World::of(ChainSpec {
        limits: wide,
        ..ChainSpec::dev()
    });
    assert_ne!(
        wide.runtime.genesis_hash(),
        narrow.runtime.genesis_hash(),
        "other limits are another chain"
    );
    let produced = wide.produce(transactions);
    assert_eq!(produced.skipped, []);
    let mut block = seal(&wide.runtime, produced.executed).block();
    block.header.parent_hash = narrow.runtime.genesis_hash().get();
    narrow.runtime.import(block).unwrap_err()
}

#[test]
fn import_refuses_a_block_beyond_each_limit() {
    let too_many = (40..49).flat_map(|sender| calls(sender, 1)).collect();
    let cases: [(Vec<_>, usize, LimitError); 3] = [
        (
            calls(40, 5),
            4,
            LimitError::Sender {
                sender: Person::number(40).address(),
                limit: 4,
            },
        ),
        (too_many, 8, LimitError::OpenTransactions { limit: 8 }),
        (
            vec![with_gas(40, 800_001)],
            0,
            LimitError::OpenGas {
                gas_limit: 800_001,
                available: 800_000,
            },
        ),
    ];
    for (transactions, at, limit) in cases {
        let refused = import_of_wider(transactions);
        let ImportError::Transaction { index, fault, .. } = &refused else {
            panic!("{refused}")
        };
        assert_eq!((*index, fault), (at, &TransactionFault::Limit(limit)));
    }
}

#[test]
fn candidates_that_do_not_apply_are_looked_at_only_so_long() {
    let world = world();
    let never: Vec<_> = (0..100)
        .map(|nonce| Person::number(40).pay(nonce + 1, TARGET, 0))
        .collect();
    let produced = world.produce(never);
    assert_eq!(produced.skipped.len(), 40, "four for each of ten");
}
