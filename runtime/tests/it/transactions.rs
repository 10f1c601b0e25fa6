//! Which transactions does a block take, and what becomes of the others?

use alloy_consensus::{
    SignableTransaction, Transaction as _, TxEip1559, TxEip2930, TxEip4844, TxEip4844Variant, TxEip7702, TxLegacy,
    transaction::Recovered,
};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, TxKind, U256, hex};
use alloy_signer::SignerSync;
use ledger_chainspec::Transaction;
use ledger_runtime::{BlockRef, TransactionFault};

use crate::world::{Person, World, chain_id};

const TARGET: Address = Address::repeat_byte(0x77);

fn fault_of(world: &World, transaction: Recovered<Transaction>) -> TransactionFault {
    let produced = world.produce(vec![transaction]);
    assert!(produced.executed.transactions().is_empty());
    produced.skipped.into_iter().next().unwrap().fault
}

fn balance(world: &World, address: Address) -> U256 {
    world
        .runtime
        .account(&address, BlockRef::Head)
        .unwrap()
        .map_or(U256::ZERO, |account| account.balance)
}

#[test]
fn types_0_1_2_and_4_are_executed() {
    let world = World::dev();
    let rich = Person::number(5);
    let value = U256::from(3);
    let to = TxKind::Call(TARGET);
    let legacy = TxLegacy {
        chain_id: Some(chain_id()),
        nonce: 0,
        gas_limit: 21_000,
        to,
        value,
        ..TxLegacy::default()
    };
    let with_list = TxEip2930 {
        chain_id: chain_id(),
        nonce: 1,
        gas_limit: 21_000,
        to,
        value,
        ..TxEip2930::default()
    };
    let dynamic = TxEip1559 {
        chain_id: chain_id(),
        nonce: 2,
        gas_limit: 21_000,
        to,
        value,
        ..TxEip1559::default()
    };
    // Somebody without coins delegates to a contract; the rich one carries it.
    let poor = Person::number(20);
    let authorization = Authorization {
        chain_id: U256::from(chain_id()),
        address: TARGET,
        nonce: 0,
    };
    let signature = poor.0.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let delegating = TxEip7702 {
        chain_id: chain_id(),
        nonce: 3,
        gas_limit: 100_000,
        to: TARGET,
        value,
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    let receipts = world.block(vec![
        rich.sign(legacy),
        rich.sign(with_list),
        rich.sign(dynamic),
        rich.sign(delegating),
    ]);
    let types: Vec<u8> = receipts.iter().map(|receipt| receipt.receipt.tx_type.into()).collect();
    assert_eq!(types, [0, 1, 2, 4]);
    assert!(receipts.iter().all(|receipt| receipt.receipt.success));
    assert_eq!(balance(&world, TARGET), U256::from(12));
    let code = world.runtime.code(&poor.address(), BlockRef::Head).unwrap();
    assert_eq!(code[..], [hex!("ef0100").as_slice(), TARGET.as_slice()].concat());
}

#[test]
fn a_blob_transaction_is_refused_with_words() {
    let world = World::dev();
    let blob = TxEip4844 {
        chain_id: chain_id(),
        gas_limit: 21_000,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    };
    let fault = fault_of(
        &world,
        Person::number(5).sign::<TxEip4844Variant>(TxEip4844Variant::TxEip4844(blob)),
    );
    assert_eq!(fault, TransactionFault::Blob);
    assert!(fault.to_string().contains("blobs"));
    assert!(!fault.may_pass_later());
}

#[test]
fn a_sender_without_coins_needs_none_at_price_0() {
    let world = World::dev();
    let poor = Person::number(30);
    let (_, receipt) = world.succeed(poor.call(0, TARGET, []));
    assert_eq!(receipt.gas_used, 21_000);
    assert_eq!(balance(&world, poor.address()), U256::ZERO);
}

#[test]
fn a_price_or_a_value_that_cannot_be_paid_is_refused_with_both_sides() {
    let world = World::dev();
    let poor = Person::number(30);
    let priced = TxEip1559 {
        chain_id: chain_id(),
        gas_limit: 21_000,
        max_fee_per_gas: 7,
        to: TxKind::Call(TARGET),
        ..TxEip1559::default()
    };
    let fault = fault_of(&world, poor.sign(priced));
    let (cost, balance) = (U256::from(147_000), U256::ZERO);
    assert_eq!(fault, TransactionFault::InsufficientFunds { cost, balance });
    let fault = fault_of(&world, poor.pay(0, TARGET, 1));
    assert_eq!(
        fault,
        TransactionFault::InsufficientFunds {
            cost: U256::from(1),
            balance
        }
    );
}

#[test]
fn a_price_that_is_offered_goes_to_the_authority() {
    let world = World::dev();
    let authority = world.head().set.authority(world.next_slot()).account;
    let before = balance(&world, authority);
    let priced = TxEip1559 {
        chain_id: chain_id(),
        gas_limit: 21_000,
        max_fee_per_gas: 7,
        max_priority_fee_per_gas: 7,
        to: TxKind::Call(TARGET),
        ..TxEip1559::default()
    };
    world.succeed(Person::number(5).sign(priced));
    assert_eq!(balance(&world, authority) - before, U256::from(147_000));
}

#[test]
fn nonces_must_follow() {
    let world = World::dev();
    let person = Person::number(5);
    world.succeed(person.pay(0, TARGET, 1));
    let low = fault_of(&world, person.pay(0, TARGET, 1));
    assert_eq!(
        low,
        TransactionFault::NonceTooLow {
            transaction: 0,
            state: 1
        }
    );
    assert!(!low.may_pass_later());
    let high = fault_of(&world, person.pay(3, TARGET, 1));
    assert_eq!(
        high,
        TransactionFault::NonceTooHigh {
            transaction: 3,
            state: 1
        }
    );
    assert!(high.may_pass_later());
}

#[test]
fn another_chains_transaction_and_one_with_too_little_gas_are_refused() {
    let world = World::dev();
    let person = Person::number(5);
    let foreign = TxLegacy {
        chain_id: Some(1),
        gas_limit: 21_000,
        to: TxKind::Call(TARGET),
        ..TxLegacy::default()
    };
    let fault = fault_of(&world, person.sign(foreign));
    assert!(matches!(fault, TransactionFault::Refused(_)), "{fault}");
    let meagre = TxLegacy {
        chain_id: Some(chain_id()),
        gas_limit: 20_999,
        to: TxKind::Call(TARGET),
        ..TxLegacy::default()
    };
    let fault = fault_of(&world, person.sign(meagre));
    assert!(
        matches!(&fault, TransactionFault::Refused(refusal) if refusal.is_too_little_gas()),
        "{fault}"
    );
}

#[test]
fn a_refused_candidate_leaves_no_trace_and_the_rest_goes_on() {
    let world = World::dev();
    let (a, b) = (Person::number(5), Person::number(6));
    let produced = world.produce(vec![
        a.pay(0, TARGET, 1),
        a.pay(5, TARGET, 1),
        b.pay(0, TARGET, 2),
        a.pay(1, TARGET, 4),
    ]);
    assert_eq!(produced.skipped.len(), 1);
    assert_eq!(produced.executed.transactions().len(), 3);
    let without = world.produce(vec![a.pay(0, TARGET, 1), b.pay(0, TARGET, 2), a.pay(1, TARGET, 4)]);
    assert_eq!(produced.executed.header(), without.executed.header());
}

#[test]
fn a_reverted_transaction_keeps_its_place_without_logs() {
    let world = World::dev();
    let person = Person::number(5);
    // Runtime code: LOG0 of nothing, then REVERT of nothing.
    let initcode = hex!("6960006000a060006000fd600052600a6016f3");
    let (_, made) = world.succeed(person.create(0, initcode));
    let contract = made.contract.unwrap();
    assert_eq!(
        world.runtime.code(&contract, BlockRef::Head).unwrap()[..],
        hex!("60006000a060006000fd")
    );
    let receipts = world.block(vec![person.call(1, contract, []), person.pay(2, TARGET, 1)]);
    assert!(!receipts[0].receipt.success);
    assert!(receipts[0].receipt.logs.is_empty());
    assert!(receipts[1].receipt.success);
    assert_eq!(receipts[1].gas_used, 21_000);
    assert_eq!(receipts[1].receipt.cumulative_gas_used, receipts[0].gas_used + 21_000);
}

#[test]
fn a_high_s_signature_is_refused_at_import() {
    let world = World::dev();
    let good = Person::number(5).pay(0, TARGET, 1);
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let Transaction::Legacy(signed) = good.inner().clone() else {
        unreachable!()
    };
    let (transaction, signature, _) = signed.into_parts();
    let mirrored = alloy_primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    let forged: Transaction = transaction.into_signed(mirrored).into();
    let mut block = world.produce(vec![good]).executed.block();
    block.transactions = vec![forged];
    block.header.transactions_root = alloy_consensus::proofs::calculate_transaction_root(&block.transactions);
    let refused = world.runtime.import(block).unwrap_err();
    assert!(refused.to_string().contains("signature is not valid"), "{refused}");
    assert!(refused.blames_block());
}

#[test]
fn a_created_contracts_address_is_in_its_receipt() {
    let world = World::dev();
    let person = Person::number(5);
    let transaction = person.create(0, hex!("60006000f3"));
    let expected = person.address().create(transaction.nonce());
    assert_eq!(world.succeed(transaction).1.contract, Some(expected));
}
