//! The whole life of a member, as the commands and readers see it.

use ledger_notary::desk::{Command, Desk, Entry, Standing};

use super::kit::{DENY, Founding, GROUP, House, Papers, network, sha256};
use crate::kit::{DAY, HOUR};

fn history(house: &House, member: &str) -> Vec<Standing> {
    let id = member.to_owned().try_into().unwrap();
    let view = house.desk.member(&id, house.now).unwrap();
    view.history.history.iter().map(|event| event.standing).collect()
}

#[test]
fn a_member_is_admitted_suspended_taken_back_revoked_and_admitted_again() {
    let mut house = House::new();
    let papers = Papers::new("aurora", 60, 100);
    assert_eq!(house.read().into_keys().collect::<Vec<_>>(), ["deny.json"]);

    house.take(papers.submit(), &[60]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Submitted);
    house.take(house.verify(), &GROUP[..1]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Verified);
    house.take(house.approve(11), &[11]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Approved { got: 1, needed: 2 });
    assert!(
        house.desk.due(house.now).is_none(),
        "one key of the working group publishes nothing"
    );
    house.take(house.approve(13), &[13]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Approved { got: 2, needed: 2 });
    house.release().unwrap();
    assert_eq!(house.standing("aurora"), Standing::Published);
    let records = house.read();
    assert_eq!(
        records["m.aurora.admission.json"],
        papers.draft().admission.into_bytes()
    );
    assert_eq!(records["m.aurora.nodes.json"], papers.draft().nodes.into_bytes());

    let (role, deny) = house.suspend(2, &["aurora"]);
    house.take(Command::Suspend { role, deny }, &DENY[..1]).unwrap();
    house.release().unwrap();
    assert_eq!(house.standing("aurora"), Standing::Suspended);
    let (role, deny) = house.suspend(3, &[]);
    house.take(Command::Suspend { role, deny }, &DENY[..1]).unwrap();
    house.release().unwrap();
    assert_eq!(house.standing("aurora"), Standing::Published);

    house.take(papers.revoke(), &[12]).unwrap();
    house.pass();
    assert_eq!(house.standing("aurora"), Standing::Revoked);
    assert!(!house.read().contains_key("m.aurora.nodes.json"));

    // Readmitted: admission 3 follows the revocation, nodes and metadata follow those of before, with another key.
    let mut again = papers.next().next();
    again.nodes_seq = 2;
    again.nodes_before = Some(papers.draft().nodes);
    again.key = 61;
    again.admission["member_keys"] = vec![hex::encode(super::kit::key(61).0)].into();
    let Command::Revoke { admission } = papers.revoke() else {
        unreachable!("revoke() makes a revocation");
    };
    again.admission["prev_sha256"] = sha256(admission.as_bytes()).to_string().into();
    again.version = 1;
    house.refuse(again.submit(), &[61], "m-aurora version 2 is next, got 1");
    again.version = 2;
    house.admit(&again);
    assert_eq!(house.standing("aurora"), Standing::Published);
    assert_eq!(
        history(&house, "aurora"),
        [
            Standing::Submitted,
            Standing::Verified,
            Standing::Approved { got: 1, needed: 2 },
            Standing::Approved { got: 2, needed: 2 },
            Standing::Published,
            Standing::Suspended,
            Standing::Published,
            Standing::Revoked,
            Standing::Submitted,
            Standing::Verified,
            Standing::Approved { got: 1, needed: 2 },
            Standing::Approved { got: 2, needed: 2 },
            Standing::Published,
        ]
    );
}

#[test]
fn an_admission_that_is_over_is_expired_and_can_be_renewed() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    let mut next = papers.next();
    next.admission["not_after"] = "2026-12-15T00:00:00Z".into();
    house.admit(&next);
    house.now = house.now.plus(20 * DAY);
    assert_eq!(house.standing("aurora"), Standing::Expired);
    assert_eq!(house.desk.status(house.now).members.expired, 1);
    let mut last = next.next();
    last.admission["not_after"] = "2027-12-15T00:00:00Z".into();
    house.admit(&last);
    assert_eq!(house.standing("aurora"), Standing::Published);
}

#[test]
fn one_proposal_carries_all_that_was_verified() {
    let mut house = House::new();
    for (member, key, node) in [("aurora", 60, 100), ("borealis", 61, 110)] {
        house.take(Papers::new(member, key, node).submit(), &[key]).unwrap();
        house.take(house.verify(), &GROUP[..1]).unwrap();
    }
    let lines = house.desk.proposal().unwrap().difference().join("\n");
    for line in [
        "admit aurora",
        "admit borealis",
        "m.borealis.admission.json.max_validators: 2",
        "targets.expires",
    ] {
        assert!(lines.contains(line), "{line}: {lines}");
    }
    house.pass();
    assert_eq!(house.desk.status(house.now).members.published, 2);

    let mut next = Papers::new("aurora", 60, 100).next();
    next.admission["max_validators"] = 5.into();
    house.take(next.submit(), &[60]).unwrap();
    house.take(house.verify(), &GROUP[..1]).unwrap();
    let lines = house.desk.proposal().unwrap().difference().join("\n");
    assert!(
        lines.contains("m.aurora.admission.json.max_validators: 2 -> 5"),
        "{lines}"
    );
    assert!(!lines.contains("legal_name"), "what stays is not told: {lines}");
}

#[test]
fn stored_entries_make_the_same_desk() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    house.take(papers.revoke(), &[12]).unwrap();
    house.now = house.now.plus(HOUR);
    house.release().unwrap();

    let mut again = Desk::new(network(), sha256(Founding::new().root_text.as_bytes()));
    for entry in &house.entries {
        let stored = Entry::decode(&entry.encoded()).unwrap();
        assert_eq!(stored, *entry);
        again.replay(&stored).unwrap();
    }
    assert!(again == house.desk);

    let mut missing = Desk::new(network(), sha256(Founding::new().root_text.as_bytes()));
    missing.replay(&house.entries[0]).unwrap();
    let error = missing.replay(&house.entries[2]).unwrap_err().to_string();
    assert!(error.contains("entry 1 is next, got 2"), "{error}");
    let mut other = Desk::new(network(), sha256(b"another root"));
    let error = other.replay(&house.entries[0]).unwrap_err().to_string();
    assert!(error.contains("another notary"), "{error}");
}

#[test]
fn a_node_is_found_by_each_of_its_keys_with_the_hashes_that_vouch_for_it() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    let node = crate::records::own("aurora", 100);
    let keys = [
        node.peer_id.clone(),
        node.consensus_key.to_string(),
        node.account.to_string().to_lowercase(),
        node.checkpoint_key.to_string(),
    ];
    for key in &keys {
        let found = house.desk.validator(key, house.now).unwrap();
        assert_eq!(
            (found.node.peer_id.as_str(), found.may_validate),
            (node.peer_id.as_str(), true)
        );
        assert_eq!(found.targets_sha256, sha256(&house.files["2.targets.json"]));
        assert_eq!(found.admission_sha256, sha256(papers.draft().admission.as_bytes()));
        assert_eq!(found.nodes_sha256, sha256(papers.draft().nodes.as_bytes()));
        assert_eq!(found.root_sha256, sha256(&house.files["1.root.json"]));
    }
    assert!(house.desk.validator("0x00", house.now).is_none());
    let (role, deny) = house.suspend(2, &["aurora"]);
    house.take(Command::Suspend { role, deny }, &DENY[..1]).unwrap();
    house.release().unwrap();
    assert!(!house.desk.validator(&keys[0], house.now).unwrap().may_validate);
}
