//! The exact JSON of what clouds read and write.

use ledger_api::{Authorization, CloudRef, OfferInfo, Verdict, VerifyRequest};
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
