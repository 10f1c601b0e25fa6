//! Who are the validators of a simulation, and how do they sign?
//!
//! Most runs use an ideal signature: a hash over the signer's secret, which the check computes again. It can be forged by nobody
//! who keeps to [`sign`], costs a hundredth of ed25519, and lets many thousand runs pass in the time of some hundred. Others
//! use ed25519 itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use alloy_primitives::{Address, keccak256};
use ed25519_dalek::SigningKey;
use ledger_chainspec::{ConsensusKey, MemberId, SetId, Signature64, Statement, Validator, ValidatorSet};
use ledger_mutants::rules::Rules;

/// Most validators of a simulation.
pub const IDENTITIES_MAX: usize = 24;

/// How statements are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// By a hash that only the signer and the check can compute.
    Ideal,
    /// By ed25519.
    Ed25519,
}

struct Identity {
    key: SigningKey,
    validator: Validator,
}

struct Identities {
    all: Vec<Identity>,
    by_key: BTreeMap<ConsensusKey, usize>,
}

fn identities() -> &'static Identities {
    static IDENTITIES: OnceLock<Identities> = OnceLock::new();
    IDENTITIES.get_or_init(|| {
        let all: Vec<Identity> = (0..IDENTITIES_MAX).map(identity).collect();
        let by_key = all.iter().map(|one| one.validator.consensus_key).zip(0..).collect();
        Identities { all, by_key }
    })
}

fn identity(index: usize) -> Identity {
    let key = SigningKey::from_bytes(&keccak256(format!("simulated validator {index}")).0);
    let consensus_key = ConsensusKey::of(&key);
    let account = Address::from_slice(&keccak256(consensus_key.get())[12..]);
    let member = u32::try_from(index + 1).expect("there are few identities");
    let validator = Validator {
        consensus_key,
        account,
        checkpoint_key: account,
        peer_id: consensus_key.get().to_vec(),
        member_id: MemberId::new(member),
    };
    Identity { key, validator }
}

/// The public key of the validator `index`.
pub fn public(index: usize) -> ConsensusKey {
    identities().all[index].validator.consensus_key
}

/// Whose key this is.
pub fn index_of(key: &ConsensusKey) -> Option<usize> {
    identities().by_key.get(key).copied()
}

/// The set number `id` of these validators, in this order.
///
/// # Panics
/// If the list is empty or names somebody twice.
pub fn set_of(id: SetId, indices: &[usize]) -> Arc<ValidatorSet> {
    let validators = indices.iter().map(|index| identities().all[*index].validator.clone());
    Arc::new(ValidatorSet::new(id, validators.collect()).expect("a simulated set names each of its members once"))
}

/// The signature of the validator `index`.
pub fn sign(signatures: Signatures, index: usize, statement: &Statement) -> Signature64 {
    let key = &identities().all[index].key;
    match signatures {
        Signatures::Ideal => ideal(key, statement),
        Signatures::Ed25519 => statement.sign(key),
    }
}

/// Did `key` sign the statement?
pub fn is_signed(signatures: Signatures, key: &ConsensusKey, statement: &Statement, signature: &Signature64) -> bool {
    match signatures {
        Signatures::Ideal => is_ideal(key, statement, signature),
        Signatures::Ed25519 => statement.verify(key, signature),
    }
}

/// The engine's rules under these signatures.
pub fn rules(signatures: Signatures) -> Rules {
    Rules {
        mutant: None,
        signature_check: match signatures {
            Signatures::Ideal => Some(is_ideal),
            Signatures::Ed25519 => None,
        },
    }
}

fn ideal(key: &SigningKey, statement: &Statement) -> Signature64 {
    let mut message = statement.encode();
    message.extend_from_slice(key.as_bytes());
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&keccak256(message).0);
    Signature64::new(bytes)
}

fn is_ideal(key: &ConsensusKey, statement: &Statement, signature: &Signature64) -> bool {
    index_of(key).is_some_and(|index| ideal(&identities().all[index].key, statement) == *signature)
}

#[cfg(test)]
mod tests {
    use ledger_chainspec::{BlockHash, BlockNumber, GenesisHash, Slot, StatementKind};

    use super::*;

    #[test]
    fn only_the_signer_signs_and_only_what_was_signed() {
        let statement = Statement {
            genesis: GenesisHash::new(keccak256("chain")),
            set_id: SetId::new(0),
            height: BlockNumber::new(1),
            slot: Slot::new(2),
            kind: StatementKind::Prevote,
            hash: BlockHash::new(keccak256("block")),
            valid_slot: None,
        };
        let other = Statement {
            slot: Slot::new(3),
            ..statement
        };
        for signatures in [Signatures::Ideal, Signatures::Ed25519] {
            let signature = sign(signatures, 1, &statement);
            assert!(is_signed(signatures, &public(1), &statement, &signature));
            assert!(!is_signed(signatures, &public(2), &statement, &signature));
            assert!(!is_signed(signatures, &public(1), &other, &signature));
        }
    }
}
