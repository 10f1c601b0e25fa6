//! Is a bundle judged as the contract judges it?

use alloy_primitives::{Address, U256, b256};
use ledger_checkpoint::statement::{Anchor, BadBundle, Bundle};

use crate::support::validators::{History, genesis};

fn anchor() -> Anchor {
    Anchor {
        mainchain_id: 63,
        contract: Address::repeat_byte(0xCC),
    }
}

fn history(size: u64, count: usize) -> History {
    let mut history = History::new(anchor(), size);
    (0..count).for_each(|_| history.grow());
    history
}

#[test]
fn bundles_of_every_size_of_set_are_good_and_follow_each_other() {
    for size in [1, 2, 3, 4, 7, 21] {
        let bundles = history(size, 12).bundles;
        for bundle in &bundles {
            bundle.check(&anchor()).unwrap();
        }
        for pair in bundles.windows(2) {
            pair[1].check_after(&anchor(), &pair[0].checkpoint).unwrap();
        }
    }
}

#[test]
fn a_fingerprint_depends_on_the_chain_and_the_contract() {
    let checkpoint = history(4, 1).bundles[0].checkpoint.clone();
    let print = anchor().fingerprint(&checkpoint);
    assert_eq!(
        print,
        b256!("50a089f9f3fbfdde59f94bb1e1d5844b7603eb6b69458bb85218f196545f3857"),
        "golden: what validators sign never changes"
    );
    let elsewhere = Anchor {
        mainchain_id: 61,
        ..anchor()
    };
    assert_ne!(elsewhere.fingerprint(&checkpoint), print);
    let another = Anchor {
        contract: Address::ZERO,
        ..anchor()
    };
    assert_ne!(another.fingerprint(&checkpoint), print);
}

#[test]
fn what_the_contract_would_refuse_is_refused_and_named() {
    let good = history(4, 1).bundles.remove(0);
    let signatures = good.signatures.to_vec();
    let with = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        bundle.check(&anchor()).unwrap_err()
    };
    let last = |value: u8| {
        let mut changed = signatures.clone();
        *changed.last_mut().unwrap() = value;
        changed
    };
    assert_eq!(with(&|bundle| bundle.keys.clear()), BadBundle::Keys(0));
    assert_eq!(
        with(&|bundle| bundle.keys = vec![Address::ZERO; 257]),
        BadBundle::Keys(257)
    );
    assert_eq!(with(&|bundle| bundle.bitmap.set_bit(4, true)), BadBundle::Bitmap(4));
    assert_eq!(
        with(&|bundle| bundle.bitmap = U256::from(0b11)),
        BadBundle::Length {
            got: 195,
            expected: 130
        }
    );
    assert_eq!(
        with(&|bundle| {
            bundle.bitmap = U256::from(0b11);
            bundle.signatures = signatures[..130].to_vec().into();
        }),
        BadBundle::Quorum { got: 2, expected: 3 }
    );
    let is_signature = |error: BadBundle| matches!(error, BadBundle::Signature { .. });
    // Another statement, another recovery id than 27 and 28, and one of each in the place of the other.
    assert!(is_signature(with(&|bundle| bundle.checkpoint.epoch = 1)));
    assert!(is_signature(with(&|bundle| bundle.signatures = last(0).into())));
    assert!(is_signature(with(&|bundle| bundle.signatures = last(29).into())));
    assert!(is_signature(with(&|bundle| bundle.keys.reverse())));
}

#[test]
fn the_high_twin_of_a_signature_is_refused() {
    let mut bundle = history(1, 1).bundles.remove(0);
    let signature = alloy_primitives::Signature::from_raw(&bundle.signatures).unwrap();
    let order = U256::from_be_bytes(b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0);
    let twin = alloy_primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    let key = bundle.keys[0];
    assert_eq!(
        twin.recover_address_from_prehash(&anchor().fingerprint(&bundle.checkpoint))
            .unwrap(),
        key,
        "it is one, to whoever does not look at s"
    );
    bundle.signatures = twin.as_bytes().to_vec().into();
    assert_eq!(bundle.check(&anchor()), Err(BadBundle::Signature { key }));
}

#[test]
fn a_bundle_that_follows_another_history_is_refused() {
    let bundles = history(4, 7).bundles;
    assert!(matches!(
        bundles[2].check_after(&anchor(), &bundles[0].checkpoint),
        Err(BadBundle::Parent { .. })
    ));
    // The sixth is signed by the second set; the first set's keys do not do.
    let mut wrong = bundles[5].clone();
    wrong.keys = bundles[4].keys.clone();
    assert!(matches!(
        wrong.check_after(&anchor(), &bundles[4].checkpoint),
        Err(BadBundle::Set { .. })
    ));
    assert_eq!(bundles[0].checkpoint.parent, genesis());
}
