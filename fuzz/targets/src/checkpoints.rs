//! Do the records of checkpoints on disk keep to one encoding per value?

use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::{ChainSpec, Slot};
use ledger_node::checkpoints::{
    chain::Position,
    facts::CheckpointConfig,
    log::BundleRecord,
    record::{Permit, Signed, SignedRecord},
    wire::anchor_of_wire,
};

use crate::{Target, network::checkpoint_bundle, seeds::Seed};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target::small("signed_record", signed_record, 32 << 10),
    Target::small("bundle_record", bundle_record, 32 << 10),
    Target::small("checkpoint_position", checkpoint_position, 1 << 10),
];

/// What a checkpoint key has signed: whatever is read forbids a second statement where it has one.
pub fn signed_record(bytes: &[u8]) {
    let Ok(record) = SignedRecord::from_bytes(bytes) else {
        return;
    };
    assert_eq!(record.to_bytes(), bytes, "a second encoding of {record:?}");
    let anchor = anchor_of_wire(&crate::network::ANCHOR);
    if let Some(newest) = record.newest(&anchor) {
        let other = Signed {
            fingerprint: !newest.fingerprint,
            ..newest
        };
        assert_eq!(record.permit(&anchor, newest, Slot::new(0)), Ok(Permit::Again));
        assert!(record.permit(&anchor, other, Slot::new(u64::MAX)).is_err());
    }
}

/// A bundle that is kept.
pub fn bundle_record(bytes: &[u8]) {
    if let Ok(record) = BundleRecord::from_bytes(bytes) {
        assert_eq!(record.to_bytes(), bytes, "a second encoding of {record:?}");
    }
}

/// Where a node stands in the chain.
pub fn checkpoint_position(bytes: &[u8]) {
    if let Some(position) = Position::from_bytes(bytes) {
        assert_eq!(position.to_bytes(), bytes, "a second encoding of {position:?}");
    }
}

/// Seeds of these targets.
///
/// # Panics
/// If what they are made of is refused.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let anchor = anchor_of_wire(&crate::network::ANCHOR);
    let begun = SignedRecord::begin(Address::repeat_byte(1), Slot::new(5));
    let record = (1..=3).fold(begun.clone(), |record, index| {
        let signed = Signed {
            epoch: index / 3,
            index,
            fingerprint: B256::repeat_byte(9),
        };
        match record.permit(&anchor, signed, Slot::new(6)) {
            Ok(Permit::Record(record)) => record,
            other => panic!("{other:?}"),
        }
    });
    let bundle = BundleRecord {
        bundle: checkpoint_bundle(U256::from(0b101)).into(),
        config: CheckpointConfig {
            interval_blocks: 100,
            mainchain_id: anchor.mainchain_id,
            contract: anchor.contract,
        },
        recoveries: 1,
        set_id: 4,
    };
    vec![
        ("signed_record", "begun", begun.to_bytes()),
        ("signed_record", "three", record.to_bytes()),
        ("bundle_record", "bundle", bundle.to_bytes()),
        (
            "checkpoint_position",
            "genesis",
            Position::genesis(&ChainSpec::dev()).to_bytes(),
        ),
    ]
}
