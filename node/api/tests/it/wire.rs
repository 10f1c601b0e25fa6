//! The exact JSON of what clouds read and write.

use alloy_primitives::{Address, B256, Bytes, U256};
use ledger_api::{Authorization, CheckpointInfo, CheckpointState, CloudRef, OfferInfo, Verdict, VerifyRequest};
use ledger_chainspec::{CheckpointBundle, CheckpointFields};
use serde_json::json;

#[test]
fn numbers_are_quantities_and_names_are_camel_case() {
    let offer = OfferInfo {
        member_id: 1,
        cloud: "Aurora Cloud".to_owned(),
        left: 31,
        paused: false,
    };
    let wire = json!({ "memberId": "0x1", "cloud": "Aurora Cloud", "left": "0x1f", "paused": false });
    assert_eq!(serde_json::to_value(&offer).unwrap(), wire);
    assert_eq!(serde_json::from_value::<OfferInfo>(wire).unwrap(), offer);
}

#[test]
fn a_cloud_is_named_by_number_or_name() {
    for (wire, cloud) in [
        (json!({ "cloud": 2 }), CloudRef::Id(2)),
        (json!({ "cloud": "0x2" }), CloudRef::Name("0x2".to_owned())),
        (
            json!({ "cloud": "Borealis Cloud" }),
            CloudRef::Name("Borealis Cloud".to_owned()),
        ),
    ] {
        let request: VerifyRequest = serde_json::from_value(wire).unwrap();
        assert_eq!(
            request,
            VerifyRequest {
                cloud,
                authorization: None
            }
        );
    }
}

#[test]
fn unknown_fields_of_a_request_are_refused() {
    let error = serde_json::from_value::<VerifyRequest>(json!({ "cloud": 2, "autorization": null })).unwrap_err();
    assert!(error.to_string().contains("autorization"), "{error}");
    let short = json!({ "signupRef": format!("0x{:064x}", 7), "deadline": "0x10" });
    assert!(
        serde_json::from_value::<Authorization>(short).is_err(),
        "an authorization without signature"
    );
}

#[test]
fn only_valid_and_transferred_codes_are_good_for_something() {
    let verdicts = [
        (Verdict::Valid, "valid", true),
        (Verdict::Transferred, "transferred", true),
        (Verdict::Expired, "expired", false),
        (Verdict::Cancelled, "cancelled", false),
        (Verdict::Redeemed, "redeemed", false),
        (Verdict::NeverIssued, "neverIssued", false),
        (Verdict::Pending, "pending", false),
        (Verdict::Failed, "failed", false),
        (Verdict::NotARequest, "notARequest", false),
    ];
    for (verdict, name, live) in verdicts {
        assert_eq!(serde_json::to_value(verdict).unwrap(), json!(name));
        assert_eq!(verdict.is_live(), live, "{name}");
    }
}

#[test]
fn a_checkpoint_is_one_flat_object_to_which_a_newer_node_may_add() {
    let info = CheckpointInfo {
        bundle: CheckpointBundle {
            checkpoint: CheckpointFields {
                index: 1,
                epoch: 0,
                set_id: 2,
                height: 600,
                block_hash: B256::repeat_byte(1),
                state_root: B256::repeat_byte(2),
                history_root: B256::repeat_byte(3),
                parent: B256::repeat_byte(4),
                next_set_hash: B256::repeat_byte(5),
            },
            keys: vec![Address::repeat_byte(6)],
            bitmap: U256::ONE,
            signatures: Bytes::from(vec![7; 65]),
        },
        fingerprint: B256::repeat_byte(8),
        signed: 1,
        quorum: 1,
        state: CheckpointState::Signed,
        transaction: None,
    };
    let hash = |byte: &str| format!("0x{}", byte.repeat(32));
    let mut wire = json!({
        "index": "0x1",
        "epoch": "0x0",
        "setId": "0x2",
        "height": "0x258",
        "blockHash": hash("01"),
        "stateRoot": hash("02"),
        "historyRoot": hash("03"),
        "parent": hash("04"),
        "nextSetHash": hash("05"),
        "keys": [format!("0x{}", "06".repeat(20))],
        "bitmap": "0x1",
        "signatures": format!("0x{}", "07".repeat(65)),
        "fingerprint": hash("08"),
        "signed": "0x1",
        "quorum": "0x1",
        "state": "signed",
    });
    assert_eq!(serde_json::to_value(&info).unwrap(), wire);
    wire["more"] = json!(true);
    assert_eq!(serde_json::from_value::<CheckpointInfo>(wire.clone()).unwrap(), info);
    // A relayer reads the bundle in it.
    assert_eq!(serde_json::from_value::<CheckpointBundle>(wire).unwrap(), info.bundle);
    // Alone, as in a proof, a checkpoint has its own fields and no others.
    let mut fields = serde_json::to_value(info.bundle.checkpoint).unwrap();
    assert_eq!(
        serde_json::from_value::<CheckpointFields>(fields.clone()).unwrap(),
        info.bundle.checkpoint
    );
    fields["more"] = json!(true);
    assert!(serde_json::from_value::<CheckpointFields>(fields).is_err());
}
