//! Does import refuse a block whose header, body or place is not what execution makes of it?

use alloy_consensus::{Header, SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, Signature, TxKind, U256};
use ledger_chainspec::{AuthorityDigest, Block, BlockHash, Slot, ValidatorSetHash, digest_of, with_digest};
use ledger_runtime::{HeaderField, ImportError, IncomingBlock, PlaceError, TransactionFault};

use crate::world::{Person, World, certify, chain_id, seal};

const TARGET: Address = Address::repeat_byte(0x77);

/// A chain with one block, and a good second block of two transactions.
fn world_and_block() -> (World, Block) {
    let world = World::dev();
    let (a, b) = (Person::number(5), Person::number(6));
    world.succeed(a.pay(0, TARGET, 1));
    let produced = world.produce(vec![a.pay(1, TARGET, 1), b.pay(0, TARGET, 2)]);
    let block = seal(&world.runtime, produced.executed).block();
    (world, block)
}

type Edit = fn(&mut Header);

/// For every field a change of it alone. Extra data has tests of its own below.
fn edits() -> Vec<(HeaderField, Edit)> {
    let one = |field, edit: Edit| (field, edit);
    vec![
        one(HeaderField::ParentHash, |header| {
            header.parent_hash = B256::repeat_byte(1)
        }),
        one(HeaderField::OmmersHash, |header| {
            header.ommers_hash = B256::repeat_byte(1)
        }),
        one(HeaderField::Beneficiary, |header| header.beneficiary = TARGET),
        one(HeaderField::StateRoot, |header| {
            header.state_root = B256::repeat_byte(1)
        }),
        one(HeaderField::TransactionsRoot, |header| {
            header.transactions_root = B256::repeat_byte(1)
        }),
        one(HeaderField::ReceiptsRoot, |header| {
            header.receipts_root = B256::repeat_byte(1)
        }),
        one(HeaderField::LogsBloom, |header| {
            header.logs_bloom = Bloom::repeat_byte(1)
        }),
        one(HeaderField::Difficulty, |header| header.difficulty = U256::from(1)),
        one(HeaderField::Number, |header| header.number += 1),
        one(HeaderField::GasLimit, |header| header.gas_limit += 1),
        one(HeaderField::GasUsed, |header| header.gas_used += 1),
        one(HeaderField::Timestamp, |header| header.timestamp += 1),
        one(HeaderField::MixHash, |header| header.mix_hash = B256::repeat_byte(1)),
        one(HeaderField::Nonce, |header| header.nonce = B64::repeat_byte(1)),
        one(HeaderField::BaseFee, |header| header.base_fee_per_gas = Some(1)),
        one(HeaderField::WithdrawalsRoot, |header| header.withdrawals_root = None),
        one(HeaderField::BlobGasUsed, |header| header.blob_gas_used = Some(131_072)),
        one(HeaderField::ExcessBlobGas, |header| header.excess_blob_gas = Some(1)),
        one(HeaderField::ParentBeaconRoot, |header| {
            header.parent_beacon_block_root = Some(B256::repeat_byte(1))
        }),
        one(HeaderField::RequestsHash, |header| {
            header.requests_hash = Some(B256::repeat_byte(1))
        }),
        one(HeaderField::BlockAccessListHash, |header| {
            header.block_access_list_hash = Some(B256::ZERO)
        }),
        one(HeaderField::SlotNumber, |header| header.slot_number = Some(7)),
    ]
}

#[test]
fn every_tampered_field_is_refused_by_its_name_with_both_sides() {
    let (world, good) = world_and_block();
    let edits = edits();
    for field in HeaderField::ALL {
        let covered = edits.iter().filter(|(edited, _)| edited == field).count();
        assert_eq!(covered, usize::from(*field != HeaderField::ExtraData), "{field}");
    }
    for (field, edit) in edits {
        let mut bad = good.clone();
        edit(&mut bad.header);
        let refused = world.runtime.import(bad).unwrap_err();
        let ImportError::Header(mismatch) = &refused else {
            panic!("{field}: {refused}")
        };
        assert_eq!(mismatch.field, field);
        assert_ne!(mismatch.got, mismatch.expected);
        assert!(refused.to_string().contains(&field.to_string()));
        assert!(refused.blames_block());
    }
    let executed = world.runtime.import(good.clone()).unwrap();
    assert_eq!(executed.hash(), good.hash());
}

fn with_edited_digest(block: &Block, edit: impl FnOnce(&mut AuthorityDigest)) -> Block {
    let mut digest = digest_of(&block.header).unwrap();
    edit(&mut digest);
    Block {
        header: with_digest(block.header.clone(), &digest),
        transactions: block.transactions.clone(),
    }
}

#[test]
fn a_wrong_next_set_is_refused_with_both_hashes() {
    let (world, good) = world_and_block();
    let wrong = ValidatorSetHash::new(B256::repeat_byte(1));
    let bad = with_edited_digest(&good, |digest| digest.next_set_hash = wrong);
    let refused = world.runtime.import(bad).unwrap_err();
    let ImportError::NextSet { got, expected } = refused else {
        panic!("{refused}")
    };
    assert_eq!((got, expected), (wrong, world.head().set.hash()));
}

#[test]
fn extra_data_that_is_no_digest_is_refused() {
    let (world, good) = world_and_block();
    for bytes in [
        Bytes::new(),
        Bytes::from(vec![1]),
        Bytes::from(vec![9; 100]),
        Bytes::from(vec![0; 1 << 20]),
    ] {
        let mut bad = good.clone();
        bad.header.extra_data = bytes;
        let refused = world.runtime.import(bad).unwrap_err();
        assert!(matches!(refused, ImportError::Digest(_)), "{refused}");
    }
    let mut longer = good.clone();
    longer.header.extra_data = [&good.header.extra_data[..], &[0]].concat().into();
    assert!(matches!(
        world.runtime.import(longer).unwrap_err(),
        ImportError::Digest(_)
    ));
}

#[test]
fn a_block_in_no_later_slot_is_refused() {
    let (world, good) = world_and_block();
    let head = world.head().slot;
    for slot in [head, Slot::new(head.get() - 1), Slot::new(0)] {
        let bad = with_edited_digest(&good, |digest| digest.slot = slot);
        let refused = world.runtime.import(bad).unwrap_err();
        let expected = PlaceError::SlotNotLater { slot, head };
        assert!(
            matches!(&refused, ImportError::Place(place) if *place == expected),
            "{refused}"
        );
    }
}

#[test]
fn the_parents_certificate_must_be_there_and_of_the_parent() {
    let (world, good) = world_and_block();
    let missing = with_edited_digest(&good, |digest| digest.parent_certificate = None);
    let refused = world.runtime.import(missing).unwrap_err();
    assert!(
        matches!(refused, ImportError::Place(PlaceError::CertificateMissing { .. })),
        "{refused}"
    );
    let of_other = with_edited_digest(&good, |digest| {
        digest.parent_certificate.as_mut().unwrap().hash = BlockHash::new(B256::repeat_byte(1));
    });
    let refused = world.runtime.import(of_other).unwrap_err();
    assert!(
        matches!(refused, ImportError::Place(PlaceError::CertificateOfOther { .. })),
        "{refused}"
    );
}

#[test]
fn genesis_is_given_no_certificate() {
    let (world, later) = world_and_block();
    let certificate = digest_of(&later.header).unwrap().parent_certificate;
    let fresh = World::dev();
    let first = fresh.produce(vec![]).executed.block();
    let bad = with_edited_digest(&first, |digest| digest.parent_certificate = certificate);
    let refused = fresh.runtime.import(bad).unwrap_err();
    assert!(
        matches!(refused, ImportError::Place(PlaceError::CertificateOfGenesis)),
        "{refused}"
    );
    drop(world);
}

#[test]
fn transactions_swapped_dropped_or_added_are_refused() {
    let (world, good) = world_and_block();
    let mut swapped = good.clone();
    swapped.transactions.reverse();
    let mut dropped = good.clone();
    dropped.transactions.pop();
    let mut doubled = good.clone();
    doubled.transactions.push(good.transactions[1].clone());
    for bad in [swapped, dropped, doubled.clone()] {
        let ImportError::Header(mismatch) = world.runtime.import(bad).unwrap_err() else {
            panic!()
        };
        assert_eq!(mismatch.field, HeaderField::TransactionsRoot);
    }
    // The same with the root made to fit: then execution finds it.
    let root = alloy_consensus::proofs::calculate_transaction_root(&doubled.transactions);
    doubled.header.transactions_root = root;
    let ImportError::Transaction { index, fault, .. } = world.runtime.import(doubled).unwrap_err() else {
        panic!()
    };
    assert_eq!(index, 2);
    assert_eq!(
        fault,
        TransactionFault::NonceTooLow {
            transaction: 0,
            state: 1
        }
    );
}

#[test]
fn an_announced_block_is_looked_at_as_closely() {
    let (world, good) = world_and_block();
    drop(IncomingBlock::announce(good.clone()));
    let mut unsigned = good.clone();
    let by_nobody = TxEip1559 {
        chain_id: chain_id(),
        gas_limit: 21_000,
        to: TxKind::Call(TARGET),
        ..TxEip1559::default()
    };
    let no_signature = Signature::new(U256::ZERO, U256::from(1), false);
    unsigned.transactions[1] = by_nobody.into_signed(no_signature).into();
    unsigned.header.transactions_root = alloy_consensus::proofs::calculate_transaction_root(&unsigned.transactions);
    let refused = world.runtime.import(IncomingBlock::announce(unsigned)).unwrap_err();
    let ImportError::Transaction { index, fault, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!((index, fault), (1, TransactionFault::Signature));

    let (once, again) = (IncomingBlock::announce(good.clone()), IncomingBlock::announce(good));
    let executed = world.runtime.import(once).unwrap();
    let certificate = certify(&world.runtime, &executed);
    world.runtime.commit(executed, certificate).unwrap();
    assert!(world.runtime.import(again).is_err(), "imported on itself");
}

#[test]
fn only_the_head_is_built_on_and_only_with_its_certificate() {
    let (world, good) = world_and_block();
    let executed = world.runtime.import(good.clone()).unwrap();
    let certificate = certify(&world.runtime, &executed);
    let mut of_other = certificate.clone();
    of_other.hash = BlockHash::new(B256::repeat_byte(1));
    assert!(world.runtime.commit(executed.clone(), of_other).is_err());
    world.runtime.commit(executed.clone(), certificate.clone()).unwrap();
    assert_eq!(world.head().hash(), good.hash());
    assert!(world.runtime.commit(executed, certificate).is_err(), "committed twice");
    assert!(world.runtime.import(good).is_err(), "imported on itself");
}
