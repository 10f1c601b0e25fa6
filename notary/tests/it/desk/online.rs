//! What the online keys must sign, when, and what of theirs is refused.

use ledger_notary::{
    desk::{Body, Command, Complete, Refusal, SIGNING_SECONDS_MAX, Why},
    repository::SNAPSHOT_LIFE_MAX,
    tuf::UnixSeconds,
};

use super::kit::{DENY, GROUP, House, Papers, STRANGER, sealed};
use crate::kit::{DAY, HOUR, NOW, SNAPSHOT_KEY, TIMESTAMP_KEY};

fn why(house: &House) -> Option<Why> {
    house.desk.due(house.now).map(|due| due.why)
}

#[test]
fn a_sign_of_life_is_due_every_hour_and_a_snapshot_before_it_ends() {
    let mut house = House::new();
    assert_eq!(why(&house), None);
    house.now = NOW.plus(HOUR - 1);
    assert_eq!(why(&house), None);
    house.now = NOW.plus(HOUR);
    assert_eq!(why(&house), Some(Why::Timestamp));
    house.release().unwrap();
    assert_eq!(why(&house), None);
    house.now = NOW.plus(5 * DAY - 1);
    assert_eq!(why(&house), Some(Why::Timestamp));
    house.now = NOW.plus(5 * DAY);
    assert_eq!(why(&house), Some(Why::Snapshot));
    house.release().unwrap();
    assert_eq!(why(&house), None);
    let snapshot = house.desk.shelf().snapshot().unwrap();
    assert_eq!(
        (snapshot.version.get(), snapshot.expires),
        (2, house.now.plus(SNAPSHOT_LIFE_MAX))
    );
    house.take(Command::Renew {}, &[11]).unwrap();
    assert_eq!(why(&house), None, "what is proposed is not due");
}

#[test]
fn nothing_is_due_while_readers_would_refuse_it() {
    let mut house = House::new();
    house.now = NOW.plus(90 * DAY);
    assert_eq!(why(&house), None);
    let blocked = house.desk.status(house.now).blocked.unwrap();
    assert!(blocked.contains("targets version 1 expired"), "{blocked}");
    house.take(Command::Renew {}, &[11]).unwrap();
    house.pass();
    assert_eq!(house.desk.status(house.now).blocked, None);
    house.now = NOW.plus(365 * DAY);
    assert_eq!(why(&house), None);
    let blocked = house.desk.status(house.now).blocked.unwrap();
    assert!(blocked.contains("root version 1 expired"), "{blocked}");
}

#[test]
fn the_online_keys_complete_what_is_due_and_nothing_else() {
    let mut house = House::new();
    house.take(Papers::new("aurora", 60, 100).submit(), &[60]).unwrap();
    house.take(house.verify(), &GROUP[..1]).unwrap();
    for number in &GROUP[1..] {
        house.take(house.approve(*number), &[*number]).unwrap();
    }
    let before = house.desk.clone();
    let order = house.completion().unwrap();
    let refuse = |house: &House, envelope: &[u8], words: &str| {
        let refusal = house.desk.complete(envelope, house.now).unwrap_err().to_string();
        assert!(refusal.contains(words), "{words}: {refusal}");
    };
    for signers in [&GROUP[..], &DENY, &[60], &[STRANGER], &[1, 2, 3]] {
        refuse(&house, &sealed(&order, signers), "complete is for the online keys");
    }
    let edited = |edit: &dyn Fn(&mut Complete)| {
        let mut edited = order.clone();
        edit(&mut edited.command);
        sealed(&edited, &[SNAPSHOT_KEY])
    };
    for (envelope, words) in [
        (edited(&|complete| complete.snapshot = None), "one too few"),
        (
            edited(&|complete| complete.timestamp = "{}".to_owned()),
            "timestamp metadata cannot be read",
        ),
        (
            edited(&|complete| complete.snapshot = Some(complete.timestamp.clone())),
            "snapshot metadata",
        ),
    ] {
        refuse(&house, &envelope, words);
    }
    // Stolen online keys sign what they like: what the working group has not approved is no release.
    let by_stranger = {
        let mut other = order.clone();
        let timestamp = house.desk.shelf().newest().timestamp_after(
            order.command.snapshot.as_deref().map(str::as_bytes),
            house.now.plus(DAY),
        );
        other.command.timestamp = super::kit::text(timestamp.unwrap().document().clone(), &[STRANGER]);
        sealed(&other, &[TIMESTAMP_KEY])
    };
    refuse(
        &house,
        &by_stranger,
        "timestamp metadata version 2 need the signatures of 1 different keys, got 0",
    );
    let long = {
        let mut other = order.clone();
        let timestamp = house.desk.shelf().newest().timestamp_after(
            order.command.snapshot.as_deref().map(str::as_bytes),
            house.now.plus(DAY + 1),
        );
        other.command.timestamp = super::kit::text(timestamp.unwrap().document().clone(), &[TIMESTAMP_KEY]);
        sealed(&other, &[TIMESTAMP_KEY])
    };
    refuse(&house, &long, "timestamp version 2 may expire until");
    let mut late = order.clone();
    late.expires = house.now;
    refuse(&house, &sealed(&late, &[TIMESTAMP_KEY]), "sign it anew");
    assert!(house.desk == before);

    // Somebody was quicker: the same signatures are good for nothing more.
    house.release().unwrap();
    refuse(&house, &sealed(&order, &[TIMESTAMP_KEY]), "nothing is");
}

#[test]
fn a_release_of_other_files_than_those_that_wait_is_refused() {
    let mut house = House::new();
    house.now = NOW.plus(HOUR);
    let order = house.completion().unwrap();
    let release = |house: &House| {
        let checked = house
            .desk
            .complete(&sealed(&order, &[TIMESTAMP_KEY]), house.now)
            .unwrap();
        let Body::Release(release) = checked.entry().body.clone() else {
            panic!("a completion is a release");
        };
        release
    };
    let mut more = release(&house);
    more.files.insert(crate::kit::path("readme.txt"), b"hello".to_vec());
    let refusal = house.desk.check(Body::Release(more), house.now).unwrap_err();
    assert!(matches!(refusal, Refusal::NotDue { .. }), "{refusal}");
    let early = house
        .desk
        .check(Body::Release(release(&house)), UnixSeconds::new(NOW.get() + 1));
    assert!(matches!(early, Err(Refusal::NotDue { .. })));
}

#[test]
fn a_member_that_changes_its_nodes_while_others_are_signed_for_keeps_nothing_back() {
    let (aurora, borealis) = (Papers::new("aurora", 60, 100), Papers::new("borealis", 61, 110));
    let mut house = House::with(&aurora);
    house.admit(&borealis);
    let update = |papers: &Papers, node| {
        let mut next = papers.next();
        next.nodes = vec![node];
        next.update_nodes()
    };
    // Only a sign of life was due when the signer asked; then somebody was quicker than its answer.
    house.now = house.now.plus(HOUR);
    let order = house.completion().unwrap();
    assert!(order.command.snapshot.is_none());
    house.take(update(&aurora, 120), &[60]).unwrap();
    let checked = house
        .desk
        .complete(&sealed(&order, &[TIMESTAMP_KEY]), house.now)
        .unwrap();
    house.apply(checked);
    // The same with news: what was signed goes out, what came later waits.
    let order = house.completion().unwrap();
    house.take(update(&borealis, 130), &[61]).unwrap();
    let checked = house
        .desk
        .complete(&sealed(&order, &[TIMESTAMP_KEY]), house.now)
        .unwrap();
    house.apply(checked);
    let node_of = |house: &House, member: &str| {
        let record = &house.read()[&format!("m.{member}.nodes.json")];
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        record["nodes"][0]["peer_id"].as_str().unwrap().to_owned()
    };
    let peer = |member, node| crate::records::own(member, node).peer_id;
    assert_eq!(node_of(&house, "aurora"), peer("aurora", 120));
    assert_eq!(node_of(&house, "borealis"), peer("borealis", 110));
    assert_eq!(why(&house), Some(Why::Changes));
    // But nobody keeps a member waiting for good.
    let complete = {
        let timestamp = house
            .desk
            .shelf()
            .newest()
            .timestamp_after(None, house.now.plus(DAY))
            .unwrap();
        Complete {
            snapshot: None,
            timestamp: super::kit::text(timestamp.document().clone(), &[TIMESTAMP_KEY]),
        }
    };
    let order = house.order(complete);
    let envelope = sealed(&order, &[TIMESTAMP_KEY]);
    assert!(house.desk.complete(&envelope, house.now).is_ok());
    let refusal = house
        .desk
        .complete(&envelope, house.now.plus(SIGNING_SECONDS_MAX))
        .unwrap_err();
    assert!(matches!(refusal, Refusal::NotDue { .. }), "{refusal}");
    house.release().unwrap();
    assert_eq!(node_of(&house, "borealis"), peer("borealis", 130));
}
