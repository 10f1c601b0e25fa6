//! What members may ask for, and what of theirs is refused.

use ledger_notary::{
    desk::{Command, Draft, SUBMISSIONS_OPEN_MAX, Standing},
    records::Place,
};

use super::kit::{GROUP, House, Papers, STRANGER, listing, sha256, submit, text};
use crate::kit::{DAY, delegate, delegation};

/// Papers with something wrong, who signs them, and the words that refuse them.
type Case<'a> = (&'a dyn Fn(&mut Papers), u8, &'a str);

#[test]
fn a_first_submission_is_refused_for_what_would_not_be_published() {
    let mut house = House::new();
    let cases: &[Case<'_>] = &[
        (&|_| {}, STRANGER, "submit is for the member's own keys"),
        (&|_| {}, 11, "submit is for the member's own keys"),
        (
            &|papers| papers.key = 61,
            60,
            "need the signatures of 1 different keys, got 0",
        ),
        (&|papers| papers.version = 2, 60, "m-aurora version 1 is next, got 2"),
        (
            &|papers| papers.admission["chain_id"] = 1.into(),
            60,
            "the admission is for test (chain id 1)",
        ),
        (
            &|papers| papers.admission["state"] = "revoked".into(),
            60,
            "is Active for submit, got Revoked",
        ),
        (
            &|papers| papers.admission["max_validators"] = 1.into(),
            60,
            "2 nodes, the admission allows 1",
        ),
        (
            &|papers| papers.admission["max_validators"] = 33.into(),
            60,
            "max_validators is 1 to 32, got 33",
        ),
        (
            &|papers| papers.admission["not_after"] = "2026-11-26T00:00:00Z".into(),
            60,
            "ends at 2026-11-26T00:00:00Z",
        ),
        (
            &|papers| papers.admission["mail"] = "a@b.example".into(),
            60,
            "unknown field `mail`",
        ),
        (&|papers| papers.nodes = vec![100, 100], 60, "every key has one place"),
        (&|papers| papers.nodes_seq = 0, 60, "seq starts at 1, got 0"),
        (
            &|papers| {
                papers.nodes_seq = 2;
                papers.nodes_before = Some(String::new());
            },
            60,
            "m.aurora.nodes.json was never published: its seq is 1, got 2",
        ),
        (
            &|papers| {
                papers.admission["seq"] = 2.into();
                papers.admission["prev_sha256"] = "11".repeat(32).into();
            },
            60,
            "m.aurora.admission.json was never published: its seq is 1, got 2",
        ),
    ];
    for (edit, signer, words) in cases {
        let mut papers = Papers::new("aurora", 60, 100);
        papers.nodes.push(110);
        edit(&mut papers);
        house.refuse(papers.submit(), &[*signer], words);
    }
}

#[test]
fn a_role_speaks_of_its_own_record_alone_and_not_for_too_long() {
    let mut house = House::new();
    let papers = Papers::new("aurora", 60, 100);
    let good = papers.draft();
    let own = listing(&papers.place(), 1, &good.nodes);
    let mut refuse = |role: String, words: &str| house.refuse(submit(Draft { role, ..good.clone() }), &[60], words);

    let mut another = own.clone();
    another.targets.insert(
        crate::kit::path("m.borealis.nodes.json"),
        own.targets[&papers.place().path()].clone(),
    );
    refuse(text(another, &[60]), "m-aurora lists m.aurora.nodes.json alone");
    refuse(
        text(listing(&Place::Deny, 1, &good.nodes), &[60]),
        "m-aurora lists m.aurora.nodes.json alone",
    );
    refuse(
        text(listing(&papers.place(), 1, "{}"), &[60]),
        "as the record that is sent with it",
    );
    let mut delegates = own.clone();
    delegate(&mut delegates, delegation("m-x", 60, &["*"]), 60);
    refuse(text(delegates, &[60]), "delegates to nobody");
    let mut long = own.clone();
    long.expires = crate::kit::NOW.plus(184 * DAY);
    refuse(text(long, &[60]), "m-aurora version 1 may expire until");
    let mut over = own.clone();
    over.expires = crate::kit::NOW;
    refuse(text(over, &[60]), "m-aurora version 1 may expire until");
    refuse(text(own, &[61]), "need the signatures of 1 different keys, got 0");
    refuse("{}".to_owned(), "metadata of m-aurora");
    let padded = text(listing(&papers.place(), 1, &good.nodes), &[60]) + &" ".repeat(8 << 10);
    refuse(padded, "have at most 8192 bytes");
}

#[test]
fn a_record_is_no_longer_than_any_reader_takes() {
    let mut house = House::new();
    let mut draft = Papers::new("aurora", 60, 100).draft();
    draft.nodes += &" ".repeat(64 << 10);
    house.refuse(submit(draft), &[60], "a record has at most 65536 bytes");
}

#[test]
fn nobody_names_a_key_that_another_member_has() {
    let mut house = House::with(&Papers::new("aurora", 60, 100));
    house.refuse(
        Papers::new("borealis", 61, 100).submit(),
        &[61],
        "which aurora has already",
    );
    // Nor one that somebody else's verified submission has.
    house.take(Papers::new("borealis", 61, 110).submit(), &[61]).unwrap();
    house.take(Papers::new("corona", 62, 110).submit(), &[62]).unwrap();
    let (_, second) = (house.submission(), house.verify());
    let first = house
        .desk
        .submissions()
        .find(|one| one.member.to_string() == "borealis")
        .unwrap();
    let verify_first = Command::Verify {
        submission: first.id,
        draft_sha256: first.draft_sha256,
    };
    house.take(verify_first, &GROUP[..1]).unwrap();
    house.refuse(second, &GROUP[..1], "every key has one place");
    house.pass();
    assert_eq!(house.standing("corona"), Standing::Submitted);
}

#[test]
fn a_submission_is_a_draft_until_every_key_has_signed_it() {
    let mut house = House::new();
    let mut papers = Papers::new("aurora", 60, 100);
    let two = [60, 61].map(|number| super::kit::key(number).to_string());
    papers.admission["member_keys"] = two.to_vec().into();
    house.take(papers.submit(), &[60]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Draft);
    house.refuse(
        house.verify(),
        &GROUP[..1],
        "is Draft, verify is for one that is submitted",
    );
    house.refuse(papers.submit(), &[60], "is so already");
    house.take(papers.submit(), &[61]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Submitted);
    assert_eq!(house.desk.submissions().count(), 1);
}

#[test]
fn another_draft_is_for_the_same_keys_and_takes_the_first_out_of_the_proposal() {
    let mut house = House::new();
    let mut papers = Papers::new("aurora", 60, 100);
    house.take(papers.submit(), &[60]).unwrap();
    house.refuse(
        Papers::new("aurora", 61, 110).submit(),
        &[61],
        "another draft is for the keys of the first one",
    );
    house.take(Papers::new("borealis", 61, 110).submit(), &[61]).unwrap();
    house.take(house.verify(), &GROUP[..1]).unwrap();
    let first = house.desk.submissions().next().unwrap();
    let stale = Command::Verify {
        submission: first.id,
        draft_sha256: first.draft_sha256,
    };
    house.take(stale.clone(), &GROUP[..1]).unwrap();
    house.take(house.approve(11), &[11]).unwrap();
    assert_eq!(house.standing("borealis"), Standing::Approved { got: 1, needed: 2 });
    let approval = house.approve(12);

    papers.admission["max_validators"] = 3.into();
    house.take(papers.submit(), &[60]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Submitted);
    assert_eq!(
        house.standing("borealis"),
        Standing::Verified,
        "the document changed: its signatures are void"
    );
    house.refuse(approval, &[12], "it changed, look at it again");
    house.refuse(stale, &GROUP[..1], "it changed, look at it again");
    house.pass();
    assert!(!house.read().contains_key("m.aurora.admission.json"));
    assert_eq!(house.standing("borealis"), Standing::Published);
}

#[test]
fn nobody_speaks_for_a_member_that_has_keys() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    let mut stolen = papers.next();
    stolen.key = 61;
    stolen.admission["member_keys"] = vec![super::kit::key(61).to_string()].into();
    house.refuse(
        stolen.submit(),
        &[61],
        "a key that the member has already, and all new ones",
    );
    house.refuse(stolen.submit(), &[61, STRANGER], "submit is for the member's own keys");
    // The old key hands over to the new one.
    house.take(stolen.submit(), &[60]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Published, "what is published stays");
    house.refuse(house.verify(), &GROUP[..1], "is Draft");
    house.take(stolen.submit(), &[60, 61]).unwrap();
    house.take(house.verify(), &GROUP[..1]).unwrap();
    house.pass();
    let mut later = stolen.next();
    later.nodes.push(110);
    house.refuse(
        later.update_nodes(),
        &[60],
        "update_nodes is for the keys in the member's admission",
    );
    house.take(later.update_nodes(), &[61]).unwrap();
    house.release().unwrap();
}

#[test]
fn a_member_changes_its_nodes_without_the_working_group() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    let mut next = papers.next();
    next.nodes = vec![110];
    house.refuse(
        next.update_nodes(),
        &[61],
        "update_nodes is for the keys in the member's admission",
    );
    house.refuse(
        next.update_nodes(),
        &GROUP,
        "update_nodes is for the keys in the member's admission",
    );
    house.refuse(
        Papers::new("corona", 62, 120).update_nodes(),
        &[62],
        "no member corona that is admitted",
    );
    let mut skips = next.clone();
    skips.version = 3;
    house.refuse(skips.update_nodes(), &[60], "m-aurora version 2 is next, got 3");
    let mut forgets = next.clone();
    forgets.nodes_seq = 3;
    house.refuse(forgets.update_nodes(), &[60], "has seq 3");
    let mut many = next.clone();
    many.nodes = vec![110, 120, 130];
    house.refuse(many.update_nodes(), &[60], "3 nodes, the admission allows 2");

    house.take(next.update_nodes(), &[60]).unwrap();
    let mut other = next.clone();
    other.nodes = vec![120];
    house.refuse(
        other.update_nodes(),
        &[60],
        "metadata of m-aurora wait for the online keys already",
    );
    house.refuse(
        papers.next().submit(),
        &[60],
        "metadata of m-aurora wait for the online keys already",
    );
    house.release().unwrap();
    assert_eq!(house.read()["m.aurora.nodes.json"], next.nodes_text().into_bytes());

    // The same record for another term.
    let mut renewed = next.clone();
    renewed.version = 3;
    house.take(renewed.update_nodes(), &[60]).unwrap();
    house.release().unwrap();

    let mut change = next.next();
    change.version = 4;
    change.admission = papers.next().admission;
    house.take(change.submit(), &[60]).unwrap();
    let mut late = change.clone();
    late.nodes = vec![130];
    house.refuse(late.update_nodes(), &[60], "change or withdraw it");
    let (submission, _) = house.submission();
    house.refuse(Command::Withdraw { submission }, &[61], "withdraw is for");
    house.take(Command::Withdraw { submission }, &[60]).unwrap();
    house.refuse(Command::Withdraw { submission }, &[60], "no open submission");
    house.take(late.update_nodes(), &[60]).unwrap();
    house.release().unwrap();
    assert_eq!(house.desk.submission(submission).unwrap().standing, Standing::Withdrawn);
}

#[test]
fn a_member_that_is_none_any_more_changes_nothing() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    let mut next = papers.next();
    next.nodes = vec![110];
    // Its last words come too late: the revocation is published with them or without.
    house.take(next.update_nodes(), &[60]).unwrap();
    house.take(papers.revoke(), &[11]).unwrap();
    house.pass();
    house.refuse(next.update_nodes(), &[60], "no member aurora that is admitted");
    assert!(house.desk.due(house.now).is_none(), "nothing of it waits");
    assert!(!house.read().contains_key("m.aurora.nodes.json"));
}

#[test]
fn strangers_fill_no_memory_and_keep_no_member_out() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    for number in 0..SUBMISSIONS_OPEN_MAX {
        house
            .take(Papers::new(&format!("s-{number}"), 61, 110).submit(), &[61])
            .unwrap();
    }
    house.refuse(
        Papers::new("s-more", 61, 110).submit(),
        &[61],
        "at most 256 submissions are open",
    );
    house.take(papers.next().submit(), &[60]).unwrap();
    let id = house.desk.submissions().next().unwrap().id;
    assert_eq!(house.desk.submission(id).unwrap().standing, Standing::Published);
}

#[test]
fn a_draft_is_named_by_the_hash_of_its_files() {
    let draft = Draft {
        admission: "a".to_owned(),
        role: "b".to_owned(),
        nodes: "c".to_owned(),
    };
    let hashes = ["a", "b", "c"].map(|file| sha256(file.as_bytes()).0).concat();
    assert_eq!(draft.sha256(), sha256(&hashes));
}
