//! The attacks that The Update Framework is for, one test each, told as they happen: who has stolen or altered what, and which
//! rule stops it.

use ledger_notary::tuf::{Floor, FloorError, KeyId, Kind, MetaFile, RoleKeys, RoleName, UpdateError};

use crate::kit::{
    DAY, NOW, Reader, SNAPSHOT_KEY, Sim, TIMESTAMP_KEY, assert_refused, delegation, name, path, public, role_keys,
    signed, version,
};

/// Two members, a and b, each with its own role for its own record.
fn members() -> Sim {
    let mut sim = Sim::new();
    for (member, number) in [("a", 60), ("b", 61)] {
        let record = format!("m.{member}.nodes.json");
        let mut role = delegation(&format!("m-{member}"), number, &[&record]);
        role.terminating = true;
        sim.add_role("targets", role, number);
        sim.add_file(&format!("m-{member}"), &record, format!("nodes of {member}").as_bytes());
        sim.put_role(&format!("m-{member}"));
        sim.add_file(
            "targets",
            &format!("m.{member}.admission.json"),
            format!("admission of {member}").as_bytes(),
        );
    }
    sim.put_role("targets");
    sim.release();
    sim
}

#[test]
fn rollback_an_old_timestamp_is_shown_again() {
    let mut sim = members();
    let old = sim.files["timestamp.json"].clone();
    sim.release();
    let mut reader = Reader::of(&sim);
    sim.files.insert("timestamp.json".to_owned(), old);
    assert_refused(reader.refresh(&sim), "TUF 5.4.3.1");
}

#[test]
fn freeze_news_are_withheld_for_longer_than_a_timestamp_lives() {
    let sim = members();
    let mut reader = Reader::of(&sim);
    reader.now = NOW.plus(DAY - 1);
    reader.refresh(&sim).expect("it lives for a day");
    reader.now = NOW.plus(DAY);
    assert_refused(reader.refresh(&sim), "TUF 5.4.4");
}

#[test]
fn mix_and_match_genuine_files_of_different_moments() {
    let mut sim = members();
    let old = sim.files["1.m-a.json"].clone();
    sim.release_role("m-a");
    sim.files.insert("2.m-a.json".to_owned(), old);
    let mut reader = Reader::new(&sim);
    assert_refused(reader.find(&sim, "m.a.nodes.json"), "TUF 5.6.2");
    // Without hashes in the snapshot, the version tells.
    sim.snapshot.meta.insert(
        "m-a.json".to_owned(),
        MetaFile {
            version: version(2),
            length: None,
            hashes: None,
        },
    );
    sim.release();
    assert_refused(
        reader.find(&sim, "m.a.nodes.json"),
        "TUF 5.6.4: the snapshot lists m-a version 2, got 1",
    );
}

#[test]
fn threshold_one_of_two_signs_and_a_stranger_helps() {
    let mut sim = members();
    sim.signers.insert(RoleName::targets(), vec![11, 99]);
    sim.release_role("targets");
    assert_refused(
        Reader::new(&sim).refresh(&sim),
        "TUF 5.6.3: targets metadata version 2 need the signatures of 2",
    );
}

#[test]
fn one_key_under_two_ids_is_one_key() {
    let mut sim = members();
    // The working group was talked into listing key 11 once more, under an id of its own.
    let alias: KeyId = "ff".repeat(32).try_into().unwrap();
    let RoleKeys { mut keyids, threshold } = role_keys(&[11, 12], 2);
    keyids.push(alias.clone());
    sim.root.roles.targets = RoleKeys { keyids, threshold };
    sim.root.keys.insert(alias, public(11));
    sim.release_root();
    let targets = sim.targets();
    targets.version = version(2);
    let file = signed(targets.clone(), &[11, 11]);
    // The second of the two signatures, which are the same, says to be the alias's.
    let text = String::from_utf8(file).unwrap();
    let id = public(11).id();
    let place = text.rfind(id.as_str()).unwrap();
    let file = format!("{}{}{}", &text[..place], "ff".repeat(32), &text[place + 64..]).into_bytes();
    sim.snapshot
        .meta
        .insert("targets.json".to_owned(), MetaFile::of(version(2), &file));
    sim.files.insert("2.targets.json".to_owned(), file);
    sim.release();
    assert_refused(
        Reader::new(&sim).refresh(&sim),
        "need the signatures of 2 different keys, got 1",
    );
}

#[test]
fn one_signature_repeated_is_one_signature() {
    let mut sim = members();
    sim.signers.insert(RoleName::targets(), vec![11, 11, 11]);
    sim.release_role("targets");
    assert_refused(
        Reader::new(&sim).refresh(&sim),
        "need the signatures of 2 different keys, got 1",
    );
}

#[test]
fn skipped_root_a_later_root_is_served_for_the_next_one() {
    let mut sim = members();
    sim.release_root();
    sim.release_root();
    sim.files
        .insert("2.root.json".to_owned(), sim.files["3.root.json"].clone());
    assert_refused(
        Reader::new(&sim).refresh(&sim),
        "TUF 5.3.5: root version 2 was asked for, got version 3",
    );
}

#[test]
fn a_member_writes_anothers_record() {
    let mut sim = members();
    sim.add_file("m-a", "m.b.nodes.json", b"nodes that a likes");
    sim.release_role("m-a");
    let mut reader = Reader::new(&sim);
    assert_eq!(reader.download(&sim, "m.b.nodes.json").unwrap(), b"nodes of b");
    assert_eq!(reader.find(&sim, "m.b.nodes.json").unwrap().role, name("m-b"));
    assert!(
        !reader.asked.iter().any(|asked| asked.contains("m-a")),
        "a is not even asked"
    );
}

#[test]
fn a_member_writes_out_of_its_path() {
    let mut sim = members();
    for record in ["m.a.admission.json", "m.c.nodes.json", "wg-deny.json"] {
        sim.add_file("m-a", record, b"whatever");
    }
    sim.release_role("m-a");
    let mut reader = Reader::new(&sim);
    assert_eq!(reader.download(&sim, "m.a.admission.json").unwrap(), b"admission of a");
    assert_refused(reader.find(&sim, "m.c.nodes.json"), "TUF 5.7.2");
    assert_refused(reader.find(&sim, "wg-deny.json"), "TUF 5.7.2");
}

#[test]
fn a_member_delegates_what_is_not_its_own() {
    let mut sim = members();
    sim.add_role("m-a", delegation("friend", 70, &["*"]), 70);
    sim.add_file("friend", "m.b.nodes.json", b"nodes that a's friend likes");
    sim.put_role("friend");
    sim.release_role("m-a");
    assert_eq!(
        Reader::new(&sim).download(&sim, "m.b.nodes.json").unwrap(),
        b"nodes of b"
    );
}

#[test]
fn a_revoked_members_key_speaks_for_nobody() {
    let mut sim = members();
    let mut reader = Reader::of(&sim);
    reader.find(&sim, "m.a.nodes.json").unwrap();
    sim.targets()
        .delegations
        .as_mut()
        .unwrap()
        .roles
        .retain(|role| role.name != name("m-a"));
    sim.targets().targets.remove(&path("m.a.admission.json"));
    sim.release_role("targets");
    sim.release_role("m-a");
    assert_refused(reader.find(&sim, "m.a.nodes.json"), "TUF 5.7.2");
}

#[test]
fn tampered_target_a_mirror_alters_a_file() {
    let mut sim = members();
    let file = sim.roles[&name("m-a")].targets[&path("m.a.nodes.json")].clone();
    let place = format!("{}.m.a.nodes.json", file.hashes.prefix());
    let mut reader = Reader::new(&sim);
    for (content, reason) in [
        (&b"nodes of x"[..], "has sha256"),
        (b"short", "has 5 bytes where 10 are listed"),
    ] {
        sim.files.insert(place.clone(), content.to_vec());
        let error = reader.download(&sim, "m.a.nodes.json").unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn stolen_online_keys_cannot_change_targets() {
    let mut sim = members();
    let mut reader = Reader::of(&sim);
    let honest = sim.clone();
    // The thief has the keys of snapshot and timestamp, and signs whatever those can.
    sim.signers
        .insert(RoleName::targets(), vec![SNAPSHOT_KEY, TIMESTAMP_KEY]);
    sim.signers.insert(name("m-a"), vec![SNAPSHOT_KEY]);
    sim.release_role("targets");
    assert_refused(reader.clone().refresh(&sim), "TUF 5.6.3: targets metadata version 2");
    let mut sim = honest.clone();
    sim.signers.insert(name("m-a"), vec![SNAPSHOT_KEY]);
    sim.add_file("m-a", "m.a.nodes.json", b"the thief's nodes");
    sim.release_role("m-a");
    assert_refused(
        reader.clone().find(&sim, "m.a.nodes.json"),
        "TUF 5.6.3: m-a metadata version 2",
    );
    // Nor can they make a root, or bring revoked metadata back to those who saw newer ones.
    let mut sim = honest;
    sim.signers.insert(RoleName::root(), vec![SNAPSHOT_KEY, TIMESTAMP_KEY]);
    sim.release_root();
    assert_refused(reader.refresh(&sim), "TUF 5.3.4");
}

#[test]
fn one_stolen_key_of_the_working_group_is_not_enough() {
    let mut sim = members();
    let mut reader = Reader::of(&sim);
    sim.signers.insert(RoleName::targets(), vec![13]);
    sim.add_file("targets", "m.thief.admission.json", b"welcome");
    sim.release_role("targets");
    assert_refused(
        reader.refresh(&sim),
        "TUF 5.6.3: targets metadata version 2 need the signatures of 2 different keys, got 1",
    );
    // With the online keys besides, neither.
    sim.signers
        .insert(RoleName::targets(), vec![13, SNAPSHOT_KEY, TIMESTAMP_KEY]);
    sim.release_role("targets");
    assert_refused(reader.refresh(&sim), "TUF 5.6.3");
}

#[test]
fn a_replay_of_the_time_before_a_revocation_is_seen_by_the_floor() {
    let mut sim = members();
    let before = sim.clone();
    sim.targets().targets.remove(&path("m.a.admission.json"));
    sim.release_role("targets");
    let revoked = Reader::of(&sim);
    let sha256 = revoked
        .clone()
        .refresh(&sim)
        .unwrap()
        .targets()
        .unwrap()
        .signed_sha256();

    // Whoever was here sees it; whoever comes for the first time cannot, as long as nothing has expired.
    assert_refused(revoked.clone().refresh(&before), "TUF 5.4.3.1");
    let mut newcomer = Reader::new(&before);
    assert!(newcomer.find(&before, "m.a.admission.json").is_ok());

    // The chain has seen targets version 2 (and which ones).
    let mut newcomer = Reader::new(&before);
    newcomer.floor = Floor {
        root_version: 1,
        targets_version: 2,
        targets_sha256: Some(sha256),
    };
    assert_refused(
        newcomer.refresh(&before),
        "the chain has seen targets version 2, the repository offers 1",
    );
    newcomer.refresh(&sim).expect("what the chain has seen is good");
    newcomer.floor.root_version = 2;
    assert_refused(
        newcomer.refresh(&sim),
        "the chain has seen root version 2, the repository offers 1",
    );
}

#[test]
fn another_version_two_than_the_chain_has_seen_is_a_split_view() {
    let mut sim = members();
    let mut other = sim.clone();
    sim.release_role("targets");
    other.targets().expires = NOW.plus(89 * DAY);
    other.release_role("targets");
    let sha256 = Reader::of(&sim)
        .refresh(&sim)
        .unwrap()
        .targets()
        .unwrap()
        .signed_sha256();
    let mut newcomer = Reader::new(&other);
    newcomer.floor = Floor {
        root_version: 0,
        targets_version: 2,
        targets_sha256: Some(sha256),
    };
    let refused = newcomer.refresh(&other);
    assert!(
        matches!(refused, Err(UpdateError::Floor(FloorError::Hash { .. }))),
        "{refused:?}"
    );
    other.release_role("targets");
    newcomer.refresh(&other).expect("version 3 is above the floor");
}

#[test]
fn stolen_keys_of_a_role_end_with_the_next_root() {
    let mut sim = members();
    let mut reader = Reader::of(&sim);
    sim.hand_over(Kind::Targets, &[14, 15, 16], 2);
    sim.release_root();
    // Metadata signed by the old working group is good no longer, though it was kept.
    assert_refused(reader.refresh(&sim), "TUF 5.6.3: targets metadata version 1");
    sim.release_role("targets");
    reader.refresh(&sim).unwrap();
}
