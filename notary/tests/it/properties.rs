//! Rules that hold for any value: the canonical form of JSON, and the way of a document from its writer to its reader.

use std::collections::BTreeSet;

use ledger_notary::tuf::{Signed, Targets, ThresholdError, json::Json};
use proptest::{collection, prelude::*};
use serde_json::Value;

use crate::kit::{DAY, NOW, Sim, path, role_keys, signed, version};

/// Any JSON without fractions.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The same fields in the opposite order, written by hand.
fn backwards(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[ {} ]", items.iter().map(backwards).collect::<Vec<_>>().join(" ,\n")),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| format!("{}\t: {}", Value::from(name.as_str()), backwards(value));
            format!("{{{}}}", fields.iter().rev().map(field).collect::<Vec<_>>().join(", "))
        }
        leaf => leaf.to_string(),
    }
}

proptest! {
    #[test]
    fn one_value_has_one_form_however_it_is_written(value in json()) {
        let form = Json::parse(value.to_string().as_bytes()).unwrap().canonical();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        for other in [pretty, backwards(&value)] {
            prop_assert_eq!(&Json::parse(other.as_bytes()).unwrap().canonical(), &form);
        }
    }

    #[test]
    fn two_values_have_two_forms(one in json(), other in json()) {
        let form = |value: &Value| Json::parse(value.to_string().as_bytes()).unwrap().canonical();
        prop_assert_eq!(form(&one) == form(&other), one == other);
    }

    #[test]
    fn the_form_of_the_form_is_the_form(value in json()) {
        // Control characters stand unescaped in the form, which JSON does not allow.
        let form = Json::parse(value.to_string().as_bytes()).unwrap().canonical();
        if let Ok(again) = Json::parse(&form) {
            prop_assert_eq!(again.canonical(), form);
        }
    }

    #[test]
    fn a_document_is_trusted_if_and_only_if_enough_different_keys_signed(
        signers in collection::vec(11_u8..=16, 0..8),
        threshold in 1_u32..=4,
        number in 1..=u64::MAX,
        paths in collection::btree_set("[a-zé ]{1,9}(/[a-z]{1,9}){0,2}", 0..4),
    ) {
        let mut sim = Sim::new();
        sim.hand_over(ledger_notary::tuf::Kind::Targets, &[11, 12, 13, 14], threshold);
        prop_assert_eq!(&sim.root.roles.targets, &role_keys(&[11, 12, 13, 14], threshold));
        let mut targets = Targets::new(version(number), NOW.plus(DAY));
        for at in &paths {
            targets.targets.insert(path(at), ledger_notary::tuf::TargetFile::of(at.as_bytes()));
        }
        let read = Signed::<Targets>::parse(&signed(targets.clone(), &signers)).unwrap();
        prop_assert_eq!(read.unverified(), &targets);
        let different: BTreeSet<_> = signers.iter().filter(|number| **number <= 14).collect();
        let authority = sim.root.authority(ledger_notary::tuf::Kind::Targets);
        match read.verify(&authority) {
            Ok(verified) => {
                prop_assert!(different.len() >= threshold as usize);
                prop_assert_eq!(verified.get(), &targets);
            }
            Err(ThresholdError { got, .. }) => {
                prop_assert!(different.len() < threshold as usize);
                prop_assert_eq!(got, different.len());
            }
        }
    }
}
