//! What the pool says of a transaction without looking at the state.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use ledger_chainspec::{Hardfork, TRANSACTION_BYTES_MAX, UnixMillis};
use ledger_node::txpool::{PoolError, TransactionRules};
use ledger_runtime::INIT_CODE_BYTES_MAX;

use crate::world::{Person, blank};

const NOW: UnixMillis = UnixMillis::new(1);

fn rules() -> TransactionRules {
    TransactionRules {
        chain_id: 6300,
        gas_limit_max: 120_000_000,
        hardfork: Hardfork::Prague,
    }
}

fn check(transaction: &TxEnvelope) -> Result<(), PoolError> {
    rules().check(&transaction.encoded_2718(), NOW).map(|_| ())
}

#[test]
fn a_plain_transaction_is_taken_with_its_sender_and_cost() {
    let user = Person::number(20);
    let transaction = user.pay(3, 5, 7);
    let checked = rules().check(&transaction.encoded_2718(), NOW).unwrap();
    assert_eq!(checked.sender(), user.address());
    assert_eq!((checked.nonce(), checked.cost), (3, U256::from(21_000 * 7 + 5)));
    assert_eq!(checked.hash(), *transaction.tx_hash());
    assert_eq!((checked.slots(), checked.received), (1, NOW));
}

#[test]
fn each_broken_rule_is_named_in_geths_words() {
    let user = Person::number(20);
    let zeros = |length: usize| Bytes::from(vec![0; length]);
    let list = AccessList(vec![AccessListItem {
        address: Address::ZERO,
        storage_keys: vec![B256::ZERO],
    }]);
    let authorization = Authorization {
        chain_id: U256::from(6300),
        address: Address::ZERO,
        nonce: 0,
    };
    let signature = user.0.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let type4 = |list| TxEip7702 {
        chain_id: 6300,
        gas_limit: 40_000,
        authorization_list: list,
        ..Default::default()
    };
    let cases: Vec<(TxEnvelope, &str)> = vec![
        (
            user.sign(TxEip1559 {
                chain_id: 1,
                ..blank(0)
            }),
            "invalid chain id for signer: have 1, want 6300",
        ),
        (
            user.sign(TxLegacy {
                gas_limit: 21_000,
                ..TxLegacy::default()
            }),
            "only replay-protected",
        ),
        (user.sign(blank(u64::MAX)), "nonce has max value"),
        (
            user.sign(TxEip1559 {
                gas_limit: 20_999,
                ..blank(0)
            }),
            "intrinsic gas too low: gas 20999, minimum needed 53000",
        ),
        (
            user.sign(TxEip1559 {
                gas_limit: 120_000_001,
                ..blank(0)
            }),
            "exceeds block gas limit",
        ),
        (
            user.sign(TxEip1559 {
                max_fee_per_gas: 1,
                max_priority_fee_per_gas: 2,
                ..blank(0)
            }),
            "max priority fee per gas higher than max fee per gas",
        ),
        (
            user.sign(TxEip1559 {
                input: zeros(INIT_CODE_BYTES_MAX + 1),
                gas_limit: 9_000_000,
                ..blank(0)
            }),
            "max initcode size exceeded: code size 49153, limit 49152",
        ),
        (
            user.sign(TxEip1559 {
                to: TxKind::Call(Address::ZERO),
                access_list: list,
                gas_limit: 25_299,
                ..blank(0)
            }),
            "intrinsic gas too low: gas 25299, minimum needed 25300",
        ),
        // 21,000 + 10 for each of 1,000 zero bytes: the floor of EIP-7623, above the 25,000 of the plain rule.
        (
            user.sign(TxEip1559 {
                to: TxKind::Call(Address::ZERO),
                input: zeros(1000),
                gas_limit: 30_999,
                ..blank(0)
            }),
            "intrinsic gas too low: gas 30999, minimum needed 31000",
        ),
        (
            user.sign(type4(Vec::new())),
            "EIP-7702 transaction with empty auth list",
        ),
        (
            user.sign(type4(vec![authorization.into_signed(signature)])),
            "minimum needed 46000",
        ),
    ];
    for (transaction, words) in cases {
        let error = check(&transaction).unwrap_err().to_string();
        assert!(error.contains(words), "{words:?} is not in {error:?}");
    }
}

#[test]
fn the_least_gas_is_enough() {
    let user = Person::number(20);
    for (transaction, gas_limit) in [
        (
            TxEip1559 {
                to: TxKind::Call(Address::ZERO),
                ..blank(0)
            },
            21_000,
        ),
        (
            TxEip1559 {
                to: TxKind::Call(Address::ZERO),
                input: vec![0; 1000].into(),
                ..blank(0)
            },
            31_000,
        ),
        // Creation: 53,000, 16 for the byte, 2 for its word of code.
        (
            TxEip1559 {
                input: vec![1].into(),
                ..blank(0)
            },
            53_018,
        ),
    ] {
        check(&user.sign(TxEip1559 {
            gas_limit,
            ..transaction.clone()
        }))
        .unwrap();
        let less = check(&user.sign(TxEip1559 {
            gas_limit: gas_limit - 1,
            ..transaction
        }));
        assert!(
            matches!(less, Err(PoolError::IntrinsicGas { needed, .. }) if needed == gas_limit),
            "{less:?}"
        );
    }
}

#[test]
fn a_signature_with_a_high_s_is_nobodys() {
    let user = Person::number(20);
    let transaction = TxEip1559 {
        to: TxKind::Call(Address::ZERO),
        ..blank(0)
    };
    let signature = user.0.sign_hash_sync(&transaction.signature_hash()).unwrap();
    let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        .parse()
        .unwrap();
    let high = Signature::new(signature.r(), order - signature.s(), !signature.v());
    let refused = check(&transaction.clone().into_signed(high).into());
    assert_eq!(refused, Err(PoolError::Signature));
    let nobody = Signature::new(U256::MAX, U256::from(1), false);
    assert_eq!(
        check(&transaction.into_signed(nobody).into()),
        Err(PoolError::Signature)
    );
}

#[test]
fn blobs_and_what_is_too_long_are_refused_before_they_are_read() {
    assert_eq!(rules().check(&[3; 100], NOW), Err(PoolError::Blob));
    let bytes = TRANSACTION_BYTES_MAX + 1;
    assert_eq!(rules().check(&vec![2; bytes], NOW), Err(PoolError::Oversized { bytes }));
}

#[test]
fn before_prague_there_are_no_delegations() {
    let rules = TransactionRules {
        hardfork: Hardfork::Cancun,
        ..rules()
    };
    let delegation = TxEip7702 {
        chain_id: 6300,
        gas_limit: 100_000,
        ..TxEip7702::default()
    };
    let refused = rules.check(&Person::number(20).sign(delegation).encoded_2718(), NOW);
    assert_eq!(refused, Err(PoolError::TypeNotSupported { got: 4 }));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = rules().check(&bytes, NOW);
    }

    #[test]
    fn no_damage_of_a_transaction_panics_or_passes_as_another(at in 0_usize..110, bit in 0_u8..8) {
        let original = Person::number(20).pay(3, 5, 7);
        let mut bytes = original.encoded_2718();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(checked) = rules().check(&bytes, NOW) {
            // A damaged transaction is another one, of somebody else.
            proptest::prop_assert_ne!(checked.hash(), *original.tx_hash());
            proptest::prop_assert_ne!(checked.sender(), Person::number(20).address());
        }
    }
}

#[test]
fn what_waits_already_is_told_by_its_hash_before_its_sender_is_recovered() {
    let transaction = Person::number(20).pay(3, 5, 7);
    let (raw, hash) = (transaction.encoded_2718(), *transaction.tx_hash());
    let known = rules().check_new(&raw, NOW, |asked| *asked == hash);
    assert_eq!(known, Err(PoolError::AlreadyKnown { hash }));
    assert_eq!(rules().check_new(&raw, NOW, |_| false), rules().check(&raw, NOW));
}
