//! Statements, votes and endorsements: their exact bytes, and what does not verify.

use alloy_primitives::B256;
use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, Endorsement, GenesisHash, SetId, Signature64, Slot, Statement, StatementKind,
    Vote, VoteError,
    endorsement::ENDORSED_TRANSACTIONS_MAX,
    verify_strict,
    vote::{STATEMENT_BYTES_MAX, STATEMENT_BYTES_MIN},
};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use proptest::prelude::*;

use crate::support::{BLOCK, GENESIS, OTHER_GENESIS, any_hash, key};

fn statement(kind: StatementKind, valid_slot: Option<u64>) -> Statement {
    Statement {
        genesis: GENESIS,
        set_id: SetId::new(0x0102),
        height: BlockNumber::new(0x0304),
        slot: Slot::new(0x0506),
        kind,
        hash: BLOCK,
        valid_slot: valid_slot.map(Slot::new),
    }
}

#[test]
fn the_layout_of_a_statement_is_fixed() {
    let head = format!(
        "636c6f75642d6c65646765722f763100{}020100000000000004030000000000000605000000000000",
        "11".repeat(32)
    );
    let hash = "22".repeat(32);
    let cases = [
        (StatementKind::Seal, None, format!("{head}00{hash}00")),
        (StatementKind::Prevote, None, format!("{head}01{hash}00")),
        (
            StatementKind::Prevote,
            Some(0x0405),
            format!("{head}01{hash}010504000000000000"),
        ),
        (StatementKind::Precommit, None, format!("{head}02{hash}00")),
    ];
    for (kind, valid_slot, golden) in cases {
        let statement = statement(kind, valid_slot);
        let bytes = statement.encode();
        assert_eq!(hex::encode(&bytes), golden, "{kind:?} {valid_slot:?}");
        let length = if valid_slot.is_some() {
            STATEMENT_BYTES_MAX
        } else {
            STATEMENT_BYTES_MIN
        };
        assert_eq!(bytes.len(), length);
        assert_eq!(Statement::decode_all(&mut &bytes[..]), Ok(statement));
    }
    assert_eq!((STATEMENT_BYTES_MIN, STATEMENT_BYTES_MAX), (106, 114));
}

#[test]
fn a_signature_over_a_statement_is_fixed() {
    // Deterministic (RFC 8032): the bytes that Bootstrap checks must never move.
    let signature = statement(StatementKind::Prevote, Some(0x0405)).sign(&key(0));
    assert_eq!(
        hex::encode(signature.get()),
        include_str!("golden/prevote_signature.hex").trim()
    );
}

#[test]
fn a_statement_of_another_protocol_is_not_read() {
    let mut bytes = statement(StatementKind::Seal, None).encode();
    bytes[0] ^= 1;
    assert!(Statement::decode(&mut &bytes[..]).is_err());
    bytes[0] ^= 1;
    bytes[72] = 3;
    assert!(Statement::decode(&mut &bytes[..]).is_err(), "there is no kind 3");
}

#[test]
fn a_signature_holds_for_its_statement_and_key_alone() {
    let said = statement(StatementKind::Prevote, None);
    let signature = said.sign(&key(0));
    let signer = ConsensusKey::of(&key(0));
    assert!(said.verify(&signer, &signature));
    assert!(!said.verify(&ConsensusKey::of(&key(1)), &signature));
    let others = [
        Statement {
            genesis: OTHER_GENESIS,
            ..said
        },
        Statement {
            set_id: SetId::new(0x0103),
            ..said
        },
        Statement {
            height: BlockNumber::new(0x0305),
            ..said
        },
        Statement {
            slot: Slot::new(0x0507),
            ..said
        },
        Statement {
            kind: StatementKind::Precommit,
            ..said
        },
        Statement {
            hash: BlockHash::new(B256::ZERO),
            ..said
        },
        Statement {
            valid_slot: Some(Slot::new(0)),
            ..said
        },
    ];
    for other in others {
        assert!(!other.verify(&signer, &signature), "{other:?}");
    }
}

#[test]
fn weak_and_malleable_signatures_are_refused() {
    // The identity point as key and as R with s = 0 fits every message under the lax rule.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut forged = [0; 64];
    forged[0] = 1;
    assert!(!verify_strict(
        &ConsensusKey::new(identity),
        b"anything",
        &Signature64::new(forged)
    ));
    // s + group order signs the same message under a rule that does not look.
    let said = statement(StatementKind::Seal, None);
    let mut bytes = said.sign(&key(0)).get();
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0;
    for (byte, add) in bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert!(!said.verify(&ConsensusKey::of(&key(0)), &Signature64::new(bytes)));
    assert!(
        !said.verify(&ConsensusKey::new([0xff; 32]), &said.sign(&key(0))),
        "no point of the curve"
    );
}

#[test]
fn votes_of_the_wrong_form_are_named() {
    let slot = Slot::new(0x0506);
    let sign = |kind, valid_slot| Vote::sign(&statement(kind, valid_slot), &key(0)).verify(GENESIS);
    assert_eq!(sign(StatementKind::Prevote, None), Ok(()));
    assert_eq!(sign(StatementKind::Prevote, Some(0x0505)), Ok(()));
    assert_eq!(sign(StatementKind::Precommit, None), Ok(()));
    assert_eq!(sign(StatementKind::Seal, None), Err(VoteError::Seal { slot }));
    let valid_slot = Slot::new(1);
    assert_eq!(
        sign(StatementKind::Precommit, Some(1)),
        Err(VoteError::PrecommitWithValidSlot { slot, valid_slot })
    );
    assert_eq!(
        sign(StatementKind::Prevote, Some(0x0506)),
        Err(VoteError::ValidSlotNotEarlier { slot, valid_slot: slot })
    );
    let vote = Vote::sign(&statement(StatementKind::Prevote, None), &key(0));
    assert_eq!(
        vote.verify(OTHER_GENESIS),
        Err(VoteError::Signature {
            slot,
            voter: ConsensusKey::of(&key(0))
        })
    );
    assert_eq!(Vote::decode_all(&mut &Encode::encode(&vote)[..]), Ok(vote));
}

#[test]
fn an_endorsement_binds_chain_slot_and_transactions() {
    let transactions = vec![B256::repeat_byte(0x33), B256::repeat_byte(0x44)];
    let promise = Endorsement::sign(GENESIS, Slot::new(5), transactions.clone(), &key(0));
    assert_eq!(promise.transactions, transactions);
    assert!(promise.verify(GENESIS));
    assert!(!promise.verify(OTHER_GENESIS));
    let changed = [
        Endorsement {
            slot: Slot::new(6),
            ..promise.clone()
        },
        Endorsement {
            transactions: transactions.iter().rev().copied().collect(),
            ..promise.clone()
        },
        Endorsement {
            transactions: vec![transactions[0]],
            ..promise.clone()
        },
    ];
    assert!(changed.iter().all(|other| !other.verify(GENESIS)));
    let message = [
        &b"cloud-endorse/v1"[..],
        &[0x11; 32],
        &[5, 0, 0, 0, 0, 0, 0, 0],
        &[2 << 2],
        &[0x33; 32],
        &[0x44; 32],
    ]
    .concat();
    assert!(verify_strict(&promise.authority, &message, &promise.signature));
    assert_eq!(promise.encode().len(), 8 + 1 + 2 * 32 + 32 + 64);
    assert_eq!(Endorsement::decode_all(&mut &promise.encode()[..]), Ok(promise));
}

#[test]
fn an_endorsement_of_too_many_transactions_is_none() {
    for (count, is_read) in [
        (ENDORSED_TRANSACTIONS_MAX, true),
        (ENDORSED_TRANSACTIONS_MAX + 1, false),
    ] {
        let promise = Endorsement::sign(GENESIS, Slot::new(5), vec![B256::ZERO; count], &key(0));
        assert_eq!(
            Endorsement::decode_all(&mut &promise.encode()[..]).is_ok(),
            is_read,
            "{count}"
        );
    }
}

proptest! {
    #[test]
    fn statements_survive_their_encoding(
        (genesis, hash) in (any_hash(), any_hash()),
        numbers in any::<[u64; 3]>(),
        kind in prop::sample::select(vec![StatementKind::Seal, StatementKind::Prevote, StatementKind::Precommit]),
        valid_slot in any::<Option<u64>>(),
    ) {
        let said = Statement {
            genesis: GenesisHash::new(genesis),
            set_id: SetId::new(numbers[0]),
            height: BlockNumber::new(numbers[1]),
            slot: Slot::new(numbers[2]),
            kind,
            hash: BlockHash::new(hash),
            valid_slot: valid_slot.map(Slot::new),
        };
        prop_assert_eq!(Statement::decode_all(&mut &said.encode()[..]), Ok(said));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Statement::decode_all(&mut &bytes[..]);
        let _ = Vote::decode_all(&mut &bytes[..]);
        let _ = Endorsement::decode_all(&mut &bytes[..]);
    }
}
