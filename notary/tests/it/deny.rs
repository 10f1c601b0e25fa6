//! Who may not validate for now, and who may say so?

use ledger_notary::{
    records::{Deny, Hex32, Suspension},
    tuf::DelegatedRole,
};
use serde_json::{Value, json};

use crate::{
    kit::{NOW, delegation},
    records::{House, bytes, schema},
};

/// The number of the deny role's key.
pub const DENY_KEY: u8 = 70;

pub fn deny(seq: u64, members: &[&str]) -> Deny {
    let suspension = |member: &&str| Suspension {
        member_id: (*member).to_owned().try_into().unwrap(),
        since: NOW,
        reason_sha256: Hex32([3; 32]),
    };
    Deny {
        schema: "cloud-ledger-deny/1".to_owned(),
        network_id: "test".to_owned().try_into().unwrap(),
        chain_id: 6301,
        seq,
        prev_sha256: None,
        suspended: members.iter().map(suspension).collect(),
    }
}

pub fn deny_role() -> DelegatedRole {
    let mut role = delegation("wg-deny", DENY_KEY, &["deny.json"]);
    role.terminating = true;
    role
}

/// A house whose deny role is `role` and says `record`.
fn house(role: DelegatedRole, record: Option<&Deny>) -> Result<House, String> {
    let mut files = House::first();
    let (path, content) = record.map_or_else(Default::default, |record| ("deny.json", bytes(record)));
    files.push(("wg-deny", path, content));
    let mut delegations = House::delegations().to_vec();
    delegations.push((role, DENY_KEY));
    House::with(files, &delegations)
}

#[test]
fn a_suspension_is_found_by_its_member() {
    let record = deny(1, &["aurora", "borealis"]);
    let read = Deny::parse(&bytes(&record)).unwrap();
    assert_eq!(read, record);
    assert!(schema("deny").is_valid(&serde_json::to_value(&record).unwrap()));
    let suspended = |member: &str| read.suspension(&member.to_owned().try_into().unwrap()).is_some();
    assert!(suspended("aurora") && suspended("borealis"));
    assert!(!suspended("cirrus") && !suspended("a"));
    assert_eq!(read.network().to_string(), "test (chain id 6301)");
}

#[test]
fn deny_records_that_are_none_are_named() {
    let good = serde_json::to_value(deny(1, &["aurora", "borealis"])).unwrap();
    let schema = schema("deny");
    let entry = |member: &str| json!({ "member_id": member, "since": NOW, "reason_sha256": "11".repeat(32) });
    let many: Vec<Value> = (0..257).map(|number| entry(&format!("m{number:03}"))).collect();
    for (pointer, value, reason, is_for_the_schema) in [
        ("/schema", json!("cloud-ledger-deny/2"), "schema is", true),
        ("/network_id", json!("Test"), "small letters", true),
        ("/seq", json!(0), "starts at 1", true),
        ("/seq", json!(2), "needs prev_sha256", false),
        ("/suspended", json!([entry("b"), entry("a")]), "got a after b", false),
        ("/suspended", json!([entry("a"), entry("a")]), "got a after a", true),
        ("/suspended", json!(many), "0 to 256 entries", true),
        ("/suspended/0/since", json!("today"), "whole seconds", true),
        ("/suspended/0/reason_sha256", json!("he lied"), "small hex", true),
        // It suspends; it says nothing else.
        (
            "/suspended/0",
            json!({ "member_id": "a", "state": "active" }),
            "unknown field",
            true,
        ),
    ] {
        let mut record = good.clone();
        *record.pointer_mut(pointer).unwrap() = value;
        let error = Deny::parse(&bytes(&record)).unwrap_err().to_string();
        assert!(error.contains(reason), "{pointer}: {error}");
        assert_ne!(schema.is_valid(&record), is_for_the_schema, "{pointer}: {error}");
    }
    let most: Vec<Value> = many[1..].to_vec();
    let mut record = good;
    record["suspended"] = json!(most);
    Deny::parse(&bytes(&record)).expect("the most that may be suspended fit a record");
}

#[test]
fn the_deny_role_suspends_and_does_nothing_else() {
    house(deny_role(), Some(&deny(1, &[]))).unwrap();
    house(deny_role(), Some(&deny(1, &["aurora", "nobody"]))).unwrap();
    let mut passing = deny_role();
    passing.terminating = false;
    let mut wide = deny_role();
    wide.paths = delegation("x", DENY_KEY, &["deny.json", "m.*.admission.json"]).paths;
    for role in [passing, wide] {
        let error = house(role, Some(&deny(1, &[]))).err().unwrap();
        assert!(
            error.contains("wg-deny must be terminating and for deny.json alone"),
            "{error}"
        );
    }
    let mut other = deny(1, &[]);
    other.chain_id = 1;
    let error = house(deny_role(), Some(&other)).err().unwrap();
    assert!(error.contains("is for network test (chain id"), "{error}");
    let mut files = House::first();
    files.push(("targets", "deny.json", bytes(&deny(1, &[]))));
    let error = House::with(files, &House::delegations()).err().unwrap();
    assert!(error.contains("such a record is listed by wg-deny"), "{error}");
}

#[test]
fn a_deny_role_without_a_record_is_not_published() {
    let error = house(deny_role(), None).err().unwrap();
    assert!(
        error.contains("wg-deny lists no deny.json, without which readers admit nobody"),
        "{error}"
    );
}

#[test]
fn a_deny_record_follows_the_one_before_it() {
    let mut house = house(deny_role(), Some(&deny(1, &[]))).unwrap();
    let mut next = deny(1, &["aurora"]);
    let publish = |house: &mut House, record: &Deny| house.publish(vec![("wg-deny", "deny.json", bytes(record))]);
    let error = publish(&mut house, &next).unwrap_err();
    assert!(
        error.contains("deny.json has seq 1 and prev_sha256 none, after seq 1"),
        "{error}"
    );
    (next.seq, next.prev_sha256) = (2, Some(house.sha256("deny.json")));
    publish(&mut house, &next).unwrap();
}
