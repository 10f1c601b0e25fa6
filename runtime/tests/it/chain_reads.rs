//! Is what was committed found again: by number and hash, after a restart, and by its logs?

use std::{iter, thread};

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, U256, b256, hex};
use alloy_rpc_types_eth::Filter;
use ledger_chainspec::{BlockNumber, ChainSpec, Slot, predeploys};
use ledger_runtime::{BlockRef, LOG_BLOCKS_MAX, LOG_BYTES_MAX, LogsError, Runtime, RuntimeOptions, slot_timestamp};

use crate::world::{Person, World};

const TARGET: Address = Address::repeat_byte(0x77);

/// LOG2 of the first word, with the second and third as topics.
const LOGGER: [u8; 14] = hex!("5f355f5260403560203560205fa2");

fn logger(world: &World, person: &Person) -> Address {
    let init = [&hex!("600e8060095f395ff3")[..], &LOGGER].concat();
    world.succeed(person.create(0, init)).1.contract.unwrap()
}

fn words(words: [u64; 3]) -> Vec<u8> {
    words.map(|word| U256::from(word).to_be_bytes::<32>()).concat()
}

fn number(number: u64) -> BlockNumber {
    BlockNumber::new(number)
}

#[test]
fn blocks_transactions_and_receipts_are_found_after_a_restart() {
    let world = World::dev();
    let person = Person::number(5);
    let (first, _) = world.succeed(person.pay(0, TARGET, 1));
    let receipts = world.block(vec![person.pay(1, TARGET, 1), person.pay(2, TARGET, 1)]);
    let head = world.head();
    let world = world.restarted();
    assert_eq!(world.head(), head);
    assert_eq!(world.head().certificate, head.certificate);
    let by_hash = world.runtime.block(BlockRef::Hash(head.hash())).unwrap().unwrap();
    assert_eq!(
        world.runtime.block(BlockRef::Number(number(2))).unwrap(),
        Some(by_hash.clone())
    );
    assert_eq!(by_hash.transactions.len(), 2);
    assert_eq!(world.runtime.receipts(BlockRef::Head).unwrap(), Some(receipts.clone()));
    let found = world.runtime.transaction(&first).unwrap().unwrap();
    assert_eq!((found.location.block, found.location.index), (number(1), 0));
    assert_eq!(found.transaction.signer(), person.address());
    let second = world
        .runtime
        .transaction(by_hash.transactions[1].tx_hash())
        .unwrap()
        .unwrap();
    assert_eq!((second.location.index, &second.receipt), (1, &receipts[1]));
    assert_eq!(world.runtime.transaction(&B256::ZERO).unwrap(), None);
    assert_eq!(world.runtime.block(BlockRef::Number(number(3))).unwrap(), None);
    // And the chain goes on.
    world.succeed(person.pay(3, TARGET, 1));
    assert_eq!(world.head().number(), number(3));
    assert_eq!(world.head().header.header.parent_hash, head.hash().get());
    assert_eq!(world.runtime.certificate(number(2)).unwrap(), head.certificate);
}

#[test]
fn logs_are_found_by_address_and_topics_with_their_place() {
    let world = World::dev();
    let person = Person::number(5);
    let logger = logger(&world, &person);
    world.block(vec![
        person.call(1, logger, words([1, 10, 20])),
        person.call(2, logger, words([2, 10, 21])),
    ]);
    world.succeed(person.pay(3, TARGET, 1));
    world.succeed(person.call(4, logger, words([3, 11, 20])));
    let topic = |value: u64| B256::from(U256::from(value));
    let found = |filter: Filter| {
        let logs = world.runtime.logs(number(0), number(100), &filter).unwrap();
        logs.iter()
            .map(|log| U256::from_be_slice(&log.inner.data.data).to::<u64>())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Filter::new()), [1, 2, 3]);
    assert_eq!(found(Filter::new().address(logger)), [1, 2, 3]);
    assert_eq!(found(Filter::new().address(TARGET)), [0_u64; 0]);
    assert_eq!(found(Filter::new().event_signature(topic(10))), [1, 2]);
    assert_eq!(found(Filter::new().topic1(topic(20))), [1, 3]);
    assert_eq!(
        found(
            Filter::new()
                .event_signature(vec![topic(10), topic(11)])
                .topic1(topic(21))
        ),
        [2]
    );
    let logs = world.runtime.logs(number(2), number(2), &Filter::new()).unwrap();
    let block = world.runtime.block(BlockRef::Number(number(2))).unwrap().unwrap();
    assert_eq!(logs[1].log_index, Some(1));
    assert_eq!(logs[1].transaction_index, Some(1));
    assert_eq!(logs[1].transaction_hash, Some(*block.transactions[1].tx_hash()));
    assert_eq!(logs[1].block_hash, Some(block.header.hash.get()));
    assert_eq!(logs[1].block_timestamp, Some(block.header.header.timestamp));
}

#[test]
fn a_range_of_logs_has_bounds() {
    let world = World::dev();
    let ask = |from, to| world.runtime.logs(number(from), number(to), &Filter::new());
    assert!(matches!(ask(2, 1), Err(LogsError::Backwards { .. })));
    assert!(ask(0, LOG_BLOCKS_MAX - 1).unwrap().is_empty());
    assert!(matches!(ask(0, LOG_BLOCKS_MAX), Err(LogsError::TooManyBlocks { .. })));
    assert!(matches!(ask(0, u64::MAX), Err(LogsError::TooManyBlocks { .. })));
}

#[test]
fn an_answer_with_logs_has_a_bound_in_bytes() {
    let world = World::dev();
    let person = Person::number(5);
    // LOG0 of 192 KiB of zeros.
    let init = hex!("6006806009""5f395ff3""620300005fa0");
    let logger = world.succeed(person.create(0, init)).1.contract.unwrap();
    for block in 0..11 {
        let calls = (0..8).map(|index| person.call(1 + 8 * block + index, logger, vec![]));
        world.block(calls.collect());
    }
    let ask = |to| {
        world
            .runtime
            .logs(number(0), number(to), &Filter::new().address(logger))
    };
    assert_eq!(ask(11).unwrap().len(), 80);
    // 88 of them are more than 16 MiB; what does not match is not given, so that it does not count.
    assert!(matches!(
        ask(12),
        Err(LogsError::TooManyBytes { max: LOG_BYTES_MAX, .. })
    ));
    let nobody = world
        .runtime
        .logs(number(0), number(100), &Filter::new().address(TARGET));
    assert_eq!(nobody.unwrap(), []);
}

#[test]
fn the_forks_system_contracts_work_as_on_ethereum() {
    let world = World::dev();
    let genesis = world.head().hash();
    world.block(vec![]);
    let kept = world
        .runtime
        .storage(&eip2935::HISTORY_STORAGE_ADDRESS, &U256::ZERO, BlockRef::Head)
        .unwrap();
    assert_eq!(B256::from(kept), genesis.get(), "EIP-2935 keeps the parent's hash");
    let timestamp = U256::from(world.head().header.header.timestamp);
    let slot = timestamp % U256::from(8191);
    let kept = world
        .runtime
        .storage(&eip4788::BEACON_ROOTS_ADDRESS, &slot, BlockRef::Head)
        .unwrap();
    assert_eq!(kept, timestamp, "EIP-4788 keeps the timestamp");
}

#[test]
fn a_header_says_when_and_by_whom_its_slot_was() {
    let world = World::dev();
    let slot = Slot::new(world.head().slot.get() + 17);
    world.block_in(slot, vec![]);
    let head = world.head();
    assert_eq!(head.slot, slot);
    assert_eq!(head.header.header.timestamp, slot_timestamp(world.runtime.spec(), slot));
    assert_eq!(head.header.header.beneficiary, head.set.authority(slot).account);
    assert_eq!(head.signers, head.set);
}

#[test]
fn genesis_holds_the_contracts_and_balances_and_is_always_the_same() {
    let world = World::dev();
    for address in predeploys::PREDEPLOYS {
        let account = world.runtime.account(&address, BlockRef::Head).unwrap().unwrap();
        assert_eq!(account.nonce, 1);
        assert!(
            !world.runtime.code(&address, BlockRef::Head).unwrap().is_empty(),
            "{address} has no code"
        );
    }
    let rich = world
        .runtime
        .account(&Person::number(9).address(), BlockRef::Head)
        .unwrap()
        .unwrap();
    assert_eq!(rich.balance, U256::from(10_000) * U256::from(10).pow(U256::from(18)));
    for nobody in [Address::ZERO, eip4788::SYSTEM_ADDRESS] {
        assert_eq!(world.runtime.account(&nobody, BlockRef::Head).unwrap(), None);
    }
    assert_eq!(
        Runtime::genesis_of(world.runtime.spec()).unwrap(),
        world.runtime.genesis_hash()
    );
    assert_eq!(world.head().slot, world.runtime.spec().genesis_slot());
}

#[test]
fn another_chains_folder_is_refused() {
    let world = World::dev();
    let mut spec = world.runtime.spec().as_ref().clone();
    spec.chain_id += 1;
    let path = world.path().to_owned();
    let World { runtime, .. } = &world;
    let same = Runtime::open(RuntimeOptions::new(&path, runtime.spec().clone())).unwrap_err();
    assert!(same.to_string().contains("in use"), "{same}");
    let opened = world.reopened_with(spec).unwrap_err();
    assert!(opened.to_string().contains("of chain"), "{opened}");
}

/// The built-in chains by the hash of their block 0. Another hash is another chain: it changes with the contracts'
/// bytecode, the specification and the fork, and on purpose only.
const GENESIS: [(&str, B256); 2] = [
    (
        "dev",
        b256!("0x6c35bed0d7549ca1905d49b8484f0974028b3667f6a99b01829daa8cac46d968"),
    ),
    (
        "testnet",
        b256!("0xda15bd02ee4c45d86f684cbef6bd1742d4618a863f3e577dec0a5ecf44272e93"),
    ),
];

#[test]
fn the_built_in_chains_have_the_genesis_that_everybody_knows() {
    let specs = [ChainSpec::dev(), ChainSpec::testnet()];
    let made = specs
        .each_ref()
        .map(|spec| (spec.name.as_str(), Runtime::genesis_of(spec).unwrap().get()));
    assert_eq!(made, GENESIS);
}

/// Between the write of a block and its being the head lies the wait for the disk. Whoever is told of a transaction must then
/// find it in the newest state, in the block's header and under the head.
#[test]
fn a_transaction_is_told_of_when_the_newest_state_has_it_and_not_before() {
    const BLOCKS: u64 = 100;
    let world = World::dev();
    let person = Person::number(5);
    let payments: Vec<_> = (0..BLOCKS).map(|nonce| person.pay(nonce, TARGET, 1)).collect();
    let hashes: Vec<B256> = payments.iter().map(|payment| *payment.tx_hash()).collect();
    let runtime = &world.runtime;
    thread::scope(|scope| {
        scope.spawn(|| {
            for (nonce, hash) in (0_u64..).zip(&hashes) {
                let found = iter::repeat_with(|| runtime.transaction(hash).unwrap())
                    .find_map(|found| found)
                    .unwrap();
                let paid = runtime
                    .account(&TARGET, BlockRef::Head)
                    .unwrap()
                    .map(|account| account.balance);
                assert!(
                    paid >= Some(U256::from(nonce + 1)),
                    "payment {nonce} is told of, and {paid:?} were paid"
                );
                assert!(runtime.head().number() >= found.location.block);
                assert_eq!(
                    runtime.block_number(&found.header.hash).unwrap(),
                    Some(found.location.block)
                );
            }
        });
        for payment in payments {
            world.succeed(payment);
        }
    });
}
