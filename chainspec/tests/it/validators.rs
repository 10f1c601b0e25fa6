//! Validator sets: arithmetic, schedule, hash, and lists that are no sets.

use ledger_chainspec::{
    ConsensusKey, PEER_ID_BYTES_MAX, SetError, SetId, Slot, VALIDATORS_MAX, Validator, ValidatorSet,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use proptest::prelude::*;

use crate::support::{key, set, validator};

#[test]
fn quorums_are_those_of_the_rules() {
    for (n, quorum, faults) in [
        (1, 1, 0),
        (2, 2, 0),
        (3, 3, 0),
        (4, 3, 1),
        (5, 4, 1),
        (6, 5, 1),
        (7, 5, 2),
        (10, 7, 3),
    ] {
        let set = set(n);
        assert_eq!(
            (set.len(), set.quorum(), set.faults()),
            (usize::from(n), quorum, faults),
            "n = {n}"
        );
    }
}

#[test]
fn two_quorums_share_an_honest_validator_in_every_set() {
    for n in 1..=128_u8 {
        let set = set(n);
        assert!(2 * set.quorum() - set.len() > set.faults(), "n = {n}");
        assert!(
            set.len() - set.faults() >= set.quorum(),
            "n = {n}: the honest ones are a quorum"
        );
    }
}

#[test]
fn slots_go_around() {
    let set = set(3);
    for (slot, index) in [(0, 0), (1, 1), (2, 2), (3, 0), (u64::MAX, 0)] {
        assert_eq!(set.authority_index(Slot::new(slot)), index, "slot {slot}");
        assert_eq!(set.authority(Slot::new(slot)), set.get(index).unwrap());
    }
    assert_eq!(set.get(3), None);
    assert_eq!(set.index_of(&ConsensusKey::of(&key(2))), Some(2));
    assert_eq!(set.index_of(&ConsensusKey::of(&key(3))), None);
}

#[test]
fn the_encoding_and_hash_of_a_set_are_fixed() {
    let set = ValidatorSet::new(SetId::new(3), vec![validator(1), validator(2)]).unwrap();
    let mut golden = "0300000000000000".to_owned() + "08";
    for k in [1, 2] {
        golden += &hex::encode(ConsensusKey::of(&key(k)).get());
        golden += &(hex::encode([k]).repeat(20) + &hex::encode([k ^ 0x80]).repeat(20));
        golden += &format!("0c0001{k:02x}{:02x}000000", k + 1);
    }
    assert_eq!(hex::encode(set.encode()), golden);
    assert_eq!(set.hash().to_string(), include_str!("golden/set_hash.hex").trim());
    assert_ne!(
        ValidatorSet::new(SetId::new(4), vec![validator(1), validator(2)])
            .unwrap()
            .hash(),
        set.hash()
    );
    assert_ne!(
        ValidatorSet::new(SetId::new(3), vec![validator(2), validator(1)])
            .unwrap()
            .hash(),
        set.hash()
    );
}

#[test]
fn lists_that_are_no_sets_are_named() {
    let id = SetId::new(0);
    assert_eq!(ValidatorSet::new(id, vec![]), Err(SetError::Empty));
    let many: Vec<_> = (0..129).map(validator).collect();
    assert_eq!(
        ValidatorSet::new(id, many),
        Err(SetError::TooMany {
            count: VALIDATORS_MAX + 1
        })
    );
    for bytes in [0, PEER_ID_BYTES_MAX + 1] {
        let odd = Validator {
            peer_id: vec![1; bytes],
            ..validator(1)
        };
        assert_eq!(
            ValidatorSet::new(id, vec![validator(0), odd]),
            Err(SetError::PeerId { index: 1, bytes })
        );
    }
    let shared = validator(0);
    let cases = [
        (
            "consensus key",
            Validator {
                consensus_key: shared.consensus_key,
                ..validator(2)
            },
        ),
        (
            "account",
            Validator {
                account: shared.account,
                ..validator(2)
            },
        ),
        (
            "checkpoint key",
            Validator {
                checkpoint_key: shared.checkpoint_key,
                ..validator(2)
            },
        ),
        (
            "peer id",
            Validator {
                peer_id: shared.peer_id.clone(),
                ..validator(2)
            },
        ),
    ];
    for (field, other) in cases {
        let list = vec![shared.clone(), validator(1), other];
        assert_eq!(
            ValidatorSet::new(id, list),
            Err(SetError::Duplicate {
                first: 0,
                second: 2,
                field
            })
        );
    }
}

#[test]
fn one_member_may_run_several_validators() {
    let second = Validator {
        member_id: validator(0).member_id,
        ..validator(1)
    };
    assert!(ValidatorSet::new(SetId::new(0), vec![validator(0), second]).is_ok());
}

#[test]
fn bytes_that_are_no_set_are_not_read() {
    assert!(
        ValidatorSet::decode(&mut &(7_u64, Vec::<Validator>::new()).encode()[..]).is_err(),
        "empty"
    );
    assert!(
        ValidatorSet::decode(&mut &(7_u64, vec![validator(0), validator(0)]).encode()[..]).is_err(),
        "twice"
    );
    let long = Validator {
        peer_id: vec![1; PEER_ID_BYTES_MAX + 1],
        ..validator(0)
    };
    assert!(
        ValidatorSet::decode(&mut &(7_u64, vec![long]).encode()[..]).is_err(),
        "peer id"
    );
}

proptest! {
    #[test]
    fn sets_survive_their_encoding(n in 1..=128_u8) {
        let set = set(n);
        prop_assert_eq!(ValidatorSet::decode_all(&mut &set.encode()[..]), Ok(set));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = ValidatorSet::decode_all(&mut &bytes[..]);
    }
}
