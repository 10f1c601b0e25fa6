//! Do manifests and chunks of a state keep to one encoding, and to their memory?

use ledger_chainspec::{BlockNumber, Handover, SealedHeader};
use ledger_runtime::transfer::{StateChunk, StateCursor, StateManifest};
use parity_scale_codec::Encode;

use crate::{
    Target,
    seeds::{self, GENESIS, Seed},
};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target::lists("state_manifest", state_manifest, 64 << 10),
    Target::lists("state_chunk", state_chunk, 64 << 10),
];

/// What leads to a state: nothing that was not signed passes.
pub fn state_manifest(bytes: &[u8]) {
    match StateManifest::decode(bytes) {
        Ok(manifest) => {
            assert_eq!(manifest.encode(), bytes, "a second encoding of {manifest:?}");
            let spec = ledger_chainspec::ChainSpec::dev();
            manifest
                .check(&spec, GENESIS)
                .expect_err("nobody of this chain signed it");
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// A part of a state, or blocks: it has one form, and the next one begins behind it.
pub fn state_chunk(bytes: &[u8]) {
    let pivot = BlockNumber::new(9);
    match StateChunk::decode(bytes) {
        Ok(chunk) => {
            assert_eq!(StateChunk::rewrite(bytes).as_deref(), Ok(bytes), "a second encoding");
            let slots = StateCursor::Slots {
                account: [1; 32],
                from: [2; 32],
            };
            for cursor in [StateCursor::START, slots, StateCursor::Blocks { newest: pivot }] {
                if let Err(fault) = chunk.next(&cursor, pivot) {
                    assert!(!fault.to_string().is_empty());
                }
            }
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// Seeds of these targets.
///
/// # Panics
/// If a chunk has another form by now.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let header = SealedHeader::new(seeds::header());
    let handover = Handover {
        header: header.clone(),
        certificate: seeds::finality(),
        set: seeds::set(2),
    };
    let manifest = |handovers| StateManifest {
        header: header.clone(),
        certificate: seeds::finality(),
        handovers,
    };
    let mut all: Vec<Seed> = vec![
        ("state_manifest", "first-set", manifest(Vec::new()).encode()),
        ("state_manifest", "handover", manifest(vec![handover]).encode()),
    ];
    // Version, kind, then what STORAGE.md's records are made of; an absent part is a zero, one that is there a one before it.
    let leaf = |key: u8, value: &[u8]| ([key; 32], value.to_vec());
    let proof = vec![vec![0xc0_u8], vec![0x80]];
    let slots = ([5_u8; 32], vec![leaf(3, &[7]), leaf(4, &[0x81, 0xff])], proof.clone());
    let accounts = vec![(leaf(1, &[0xc0]), vec![leaf(2, &[5])]), (leaf(6, &[0xc0]), vec![])];
    let codes = vec![vec![0x60_u8, 0]];
    let whole = (
        1_u8,
        0_u8,
        0_u8,
        1_u8,
        [6_u8; 32],
        accounts.clone(),
        (&proof, &codes),
        0_u8,
    );
    let open = (
        1_u8,
        0_u8,
        0_u8,
        1_u8,
        [6_u8; 32],
        accounts,
        (&proof, &codes),
        (1_u8, &slots),
    );
    let middle = (1_u8, 0_u8, 1_u8, &slots, 0_u8);
    let blocks = vec![(alloy_rlp::encode(seeds::header()), vec![vec![1_u8, 2, 3], vec![]])];
    for (name, bytes) in [
        ("accounts", whole.encode()),
        ("accounts-and-open-slots", open.encode()),
        ("slots", middle.encode()),
        ("blocks", (1_u8, 1_u8, blocks).encode()),
    ] {
        assert_eq!(
            StateChunk::rewrite(&bytes).as_deref(),
            Ok(bytes.as_slice()),
            "{name} has another form by now"
        );
        all.push(("state_chunk", name, bytes));
    }
    all
}
