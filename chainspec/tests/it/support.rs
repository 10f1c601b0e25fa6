//! Fixed keys, sets and certificates that the tests build on.

use alloy_primitives::{Address, B256};
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, FinalityCertificate, GenesisHash, MemberId, SetId, Signature64, Slot,
    Validator, ValidatorSet,
};
use proptest::prelude::*;

pub const GENESIS: GenesisHash = GenesisHash::new(B256::repeat_byte(0x11));
pub const OTHER_GENESIS: GenesisHash = GenesisHash::new(B256::repeat_byte(0x12));
pub const BLOCK: BlockHash = BlockHash::new(B256::repeat_byte(0x22));

/// The consensus key of test validator `k`.
pub fn key(k: u8) -> SigningKey {
    SigningKey::from_bytes(&[k + 1; 32])
}

/// Test validator `k`, unlike all others in every field.
pub fn validator(k: u8) -> Validator {
    Validator {
        consensus_key: ConsensusKey::of(&key(k)),
        account: Address::repeat_byte(k),
        checkpoint_key: Address::repeat_byte(k ^ 0x80),
        peer_id: vec![0, 1, k],
        member_id: MemberId::new(u32::from(k) + 1),
    }
}

/// A set of `n` test validators.
pub fn set(n: u8) -> ValidatorSet {
    ValidatorSet::new(SetId::new(3), (0..n).map(validator).collect()).expect("test validators differ")
}

/// The certificate that `signers` of a test set give block 9 in slot 70.
pub fn finality(signers: &[u8]) -> FinalityCertificate {
    let mut certificate = FinalityCertificate {
        set_id: SetId::new(3),
        height: BlockNumber::new(9),
        slot: Slot::new(70),
        hash: BLOCK,
        signatures: Vec::new(),
    };
    let statement = certificate.statement(GENESIS);
    certificate.signatures = signers
        .iter()
        .map(|&k| (u16::from(k), statement.sign(&key(k))))
        .collect();
    certificate
}

/// Any hash.
pub fn any_hash() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::new)
}

/// Any signature bytes.
pub fn any_signature() -> impl Strategy<Value = Signature64> {
    any::<([u8; 32], [u8; 32])>().prop_map(|(r, s)| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&r);
        bytes[32..].copy_from_slice(&s);
        Signature64::new(bytes)
    })
}

/// Any certificate that fits its bound, true or not.
pub fn any_finality() -> impl Strategy<Value = FinalityCertificate> {
    let signatures = prop::collection::vec((any::<u16>(), any_signature()), 0..=128);
    (any::<[u64; 3]>(), any_hash(), signatures).prop_map(|([set_id, height, slot], hash, signatures)| {
        FinalityCertificate {
            set_id: SetId::new(set_id),
            height: BlockNumber::new(height),
            slot: Slot::new(slot),
            hash: BlockHash::new(hash),
            signatures,
        }
    })
}
