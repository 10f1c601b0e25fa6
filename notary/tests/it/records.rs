//! What is a record, what do its keys prove, and which records does the writer publish together?

use std::{collections::BTreeMap, fs};

use alloy_primitives::FixedBytes;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::Signer;
use jsonschema::{Draft, Validator};
use ledger_chainspec::{ConsensusKey, Signature64, peer_id_of, peer_id_to_text};
use ledger_notary::{
    records::{Admission, Hex32, KeyRole, Node, Nodes, ProofError, Proofs},
    repository::{Release, Repository},
    tuf::{DelegatedRole, RoleName, TargetFile, Targets, Version},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kit::{
    DAY, NOW, ROOT_KEYS, SNAPSHOT_KEY, Sim, TIMESTAMP_KEY, delegate, delegation, name, path, secret, signed, version,
};

/// The four secrets of a node, made of one number; peer and consensus keys are ed25519, the others secp256k1.
#[derive(Clone, Copy)]
pub struct Secrets {
    pub peer: u8,
    pub consensus: u8,
    pub account: u8,
    pub checkpoint: u8,
}

impl Secrets {
    pub const fn of(number: u8) -> Self {
        Self {
            peer: number,
            consensus: number + 1,
            account: number + 2,
            checkpoint: number + 3,
        }
    }
}

pub fn ethereum(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[number; 32].into()).unwrap()
}

fn public(number: u8) -> ConsensusKey {
    ConsensusKey::of(&secret(number))
}

/// A node with proofs by `signers`, which are its own keys unless somebody cheats.
pub fn node(member: &str, keys: Secrets, signers: Secrets) -> Node {
    let mut node = Node {
        peer_id: peer_id_to_text(&peer_id_of(&public(keys.peer))),
        consensus_key: public(keys.consensus),
        account: ethereum(keys.account).address(),
        checkpoint_key: ethereum(keys.checkpoint).address(),
        endpoints: vec!["/dns4/node.example/tcp/30303".to_owned()],
        region: "eu-west".to_owned().try_into().unwrap(),
        proofs: Proofs {
            expires: NOW.plus(180 * DAY),
            peer: Signature64::new([0; 64]),
            consensus: Signature64::new([0; 64]),
            account: FixedBytes::ZERO,
            checkpoint: FixedBytes::ZERO,
        },
    };
    let statement = nodes(member, 1, Vec::new()).statement(&node);
    let ed25519 = |number, role| Signature64::new(secret(number).sign(statement.text(role).as_bytes()).to_bytes());
    let secp256k1 = |number, role| {
        let signature = ethereum(number)
            .sign_message_sync(statement.text(role).as_bytes())
            .unwrap();
        FixedBytes::new(signature.as_bytes())
    };
    node.proofs.peer = ed25519(signers.peer, KeyRole::Peer);
    node.proofs.consensus = ed25519(signers.consensus, KeyRole::Consensus);
    node.proofs.account = secp256k1(signers.account, KeyRole::Account);
    node.proofs.checkpoint = secp256k1(signers.checkpoint, KeyRole::Checkpoint);
    node
}

pub fn own(member: &str, number: u8) -> Node {
    node(member, Secrets::of(number), Secrets::of(number))
}

pub fn nodes(member: &str, seq: u64, list: Vec<Node>) -> Nodes {
    Nodes {
        schema: "cloud-ledger-nodes/1".to_owned(),
        network_id: "test".to_owned().try_into().unwrap(),
        chain_id: 6301,
        member_id: member.to_owned().try_into().unwrap(),
        seq,
        prev_sha256: None,
        nodes: list,
    }
}

pub fn admission(member: &str, key: u8) -> Value {
    json!({
        "schema": "cloud-ledger-admission/1",
        "network_id": "test",
        "chain_id": 6301,
        "member_id": member,
        "member_name": format!("{}{} Cloud", member[..1].to_uppercase(), &member[1..]),
        "legal_name": "Aurora Cloud Hosting GmbH",
        "registration_no": "HRB 12345",
        "jurisdiction": "DE",
        "passport": {
            "scheme": "cloud-passport",
            "cert_id": "CP-7",
            "evidence_sha256": "11".repeat(32),
            "issuer_keyids": ["22".repeat(32)],
        },
        "member_keys": [hex::encode(secret(key).verifying_key().to_bytes())],
        "max_validators": 2,
        "not_before": "2026-11-01T00:00:00Z",
        "not_after": "2027-11-01T00:00:00Z",
        "state": "active",
        "seq": 1,
    })
}

pub fn bytes<T: serde::Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).unwrap()
}

/// The schema that whoever writes records with other tools goes by.
pub fn schema(record: &str) -> Validator {
    let file = format!("{}/schemas/{record}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .build(&schema)
        .unwrap()
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let record = nodes("aurora", 1, vec![own("aurora", 100), own("aurora", 110)]);
    let read = Nodes::parse(&bytes(&record)).unwrap();
    assert_eq!(read, record);
    assert_eq!(read.check_proofs(NOW), Ok(()));
    assert!(schema("nodes").is_valid(&serde_json::to_value(&record).unwrap()));
    let text = bytes(&admission("aurora", 60));
    let read = Admission::parse(&text).unwrap();
    assert_eq!(Admission::parse(&bytes(&read)).unwrap(), read);
    assert!(schema("admission").is_valid(&serde_json::to_value(&read).unwrap()));
    assert_eq!(read.network().to_string(), "test (chain id 6301)");
}

#[test]
fn what_keys_sign_is_a_text_that_says_what_it_is_for() {
    let record = nodes("aurora", 1, vec![own("aurora", 100)]);
    let expected = "Cloud Ledger: proof of possession, version 1\n\
        signer: account key\n\
        network: test\n\
        chain id: 6301\n\
        member: aurora\n\
        peer id: PEER\n\
        consensus key: 0xCONSENSUS\n\
        account: ACCOUNT\n\
        checkpoint key: CHECKPOINT\n\
        expires: 2027-05-25T00:00:00Z";
    let node = &record.nodes[0];
    let expected = expected
        .replace("PEER", &node.peer_id)
        .replace("CONSENSUS", &hex::encode(secret(101).verifying_key().to_bytes()))
        .replace("ACCOUNT", &ethereum(102).address().to_string())
        .replace("CHECKPOINT", &ethereum(103).address().to_string());
    assert_eq!(record.statement(node).text(KeyRole::Account), expected);
}

/// What somebody does to proofs.
type Change = fn(&mut Proofs);

#[test]
fn each_key_must_give_its_own_word_for_all_the_others() {
    let good = nodes("aurora", 1, vec![own("aurora", 100)]);
    let refused = |change: &dyn Fn(&mut Nodes)| {
        let mut record = good.clone();
        change(&mut record);
        record.check_proofs(NOW)
    };
    let by = |outcome: Result<(), ProofError>| match outcome {
        Err(ProofError::NotSigned { role, .. }) => role,
        other => panic!("{other:?}"),
    };
    // Another member, network, chain or key: no signature fits any more.
    let others: [&dyn Fn(&mut Nodes); 7] = [
        &|record| record.member_id = "borealis".to_owned().try_into().unwrap(),
        &|record| record.network_id = "other".to_owned().try_into().unwrap(),
        &|record| record.chain_id = 1,
        &|record| record.nodes[0].consensus_key = public(9),
        &|record| record.nodes[0].account = ethereum(9).address(),
        &|record| record.nodes[0].checkpoint_key = ethereum(9).address(),
        &|record| record.nodes[0].proofs.expires = NOW.plus(DAY),
    ];
    for change in others {
        assert_eq!(by(refused(change)), KeyRole::Peer);
    }
    // One word is another's, or that of another place.
    let words: [(Change, KeyRole); 6] = [
        (|proofs| proofs.peer = proofs.consensus, KeyRole::Peer),
        (|proofs| proofs.consensus = proofs.peer, KeyRole::Consensus),
        (|proofs| proofs.account = proofs.checkpoint, KeyRole::Account),
        (|proofs| proofs.checkpoint = proofs.account, KeyRole::Checkpoint),
        (|proofs| proofs.account.0[64] -= 27, KeyRole::Account),
        (|proofs| proofs.account.0[64] ^= 7, KeyRole::Account),
    ];
    for (change, role) in words {
        assert_eq!(by(refused(&|record| change(&mut record.nodes[0].proofs))), role);
    }
    assert!(matches!(
        good.check_proofs(NOW.plus(180 * DAY)),
        Err(ProofError::Expired { .. })
    ));
}

#[test]
fn a_proof_has_one_encoding() {
    // The other s of an ECDSA signature, with the other parity, is a signature too; not here.
    let mut record = nodes("aurora", 1, vec![own("aurora", 100)]);
    let account = &mut record.nodes[0].proofs.account;
    let order =
        alloy_primitives::U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);
    let s = alloy_primitives::U256::from_be_slice(&account[32..64]);
    account.0[32..64].copy_from_slice(&(order.unwrap() - s).to_be_bytes::<32>());
    account.0[64] = 55 - account.0[64];
    assert!(matches!(
        record.check_proofs(NOW),
        Err(ProofError::NotSigned {
            role: KeyRole::Account,
            ..
        })
    ));
}

#[test]
fn admissions_that_are_none_are_named() {
    let good = admission("aurora", 60);
    let schema = schema("admission");
    for (field, value, reason) in [
        ("schema", json!("cloud-ledger-admission/2"), "schema is"),
        ("network_id", json!("Test"), "small letters"),
        ("chain_id", json!(1.5), "whole numbers"),
        ("chain_id", json!(-1), "invalid value"),
        ("member_id", json!("a/../b"), "small letters"),
        ("member_name", json!("x".repeat(65)), "at most 64 bytes"),
        ("legal_name", json!(" Aurora"), "no space at its ends"),
        ("registration_no", json!("a\u{202e}\nb"), "control"),
        ("jurisdiction", json!("Germany"), "two capital letters"),
        ("passport", json!({}), "missing field"),
        ("member_keys", json!([]), "1 to 8 entries"),
        ("member_keys", json!(["AA".repeat(32)]), "small hex"),
        (
            "member_keys",
            json!(["aa".repeat(32), "aa".repeat(32)]),
            "one key twice",
        ),
        ("max_validators", json!(0), "1 to 32"),
        ("max_validators", json!(33), "1 to 32"),
        ("not_after", json!("2026-11-01T00:00:00Z"), "comes before"),
        ("not_after", json!("2027-11-01"), "whole seconds"),
        ("state", json!("published"), "unknown variant"),
        ("seq", json!(0), "starts at 1"),
        ("seq", json!(2), "needs prev_sha256"),
        ("prev_sha256", json!("11".repeat(32)), "no prev_sha256"),
        ("e_mail", json!("a@b"), "unknown field"),
    ] {
        let mut record = good.clone();
        record[field] = value;
        let error = Admission::parse(&bytes(&record)).unwrap_err().to_string();
        assert!(error.contains(reason), "{field}: {error}");
        // What one field says of another, a schema cannot tell.
        let is_between_fields = matches!(reason, "comes before" | "needs prev_sha256" | "no prev_sha256");
        assert_eq!(schema.is_valid(&record), is_between_fields, "{field}: {error}");
    }
    let twice = String::from_utf8(bytes(&good)).unwrap().replacen('{', "{\"seq\":1,", 1);
    assert!(
        Admission::parse(twice.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("occurs twice")
    );
    assert!(
        Admission::parse(&b" ".repeat(65_537))
            .unwrap_err()
            .to_string()
            .contains("65536 bytes")
    );
}

#[test]
fn nodes_that_are_none_are_named() {
    let good = serde_json::to_value(nodes("aurora", 1, vec![own("aurora", 100)])).unwrap();
    let schema = schema("nodes");
    for (pointer, value, reason) in [
        ("/schema", json!("x"), "schema is"),
        (
            "/nodes/0/peer_id",
            json!("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"),
            "no peer id of an ed25519 key",
        ),
        ("/nodes/0/consensus_key", json!("0x00"), "invalid"),
        (
            "/nodes/0/account",
            json!(format!("0x{}", "00".repeat(20))),
            "account is the zero address",
        ),
        ("/nodes/0/endpoints", json!([]), "1 to 8 entries"),
        ("/nodes/0/endpoints/0", json!("https://node.example"), "an endpoint is"),
        ("/nodes/0/proofs/peer", json!("0x"), "invalid"),
        ("/seq", json!(0), "starts at 1"),
    ] {
        let mut record = good.clone();
        *record.pointer_mut(pointer).unwrap() = value;
        let error = Nodes::parse(&bytes(&record)).unwrap_err().to_string();
        assert!(error.contains(reason), "{pointer}: {error}");
        assert!(!schema.is_valid(&record), "{pointer}: {error}");
    }
    let many = nodes("aurora", 1, vec![own("aurora", 100); 33]);
    assert!(
        Nodes::parse(&bytes(&many))
            .unwrap_err()
            .to_string()
            .contains("0 to 32 entries")
    );
}

/// A repository with the members aurora (role key 60) and borealis (61), each with one node.
pub struct House {
    repository: Repository,
    folder: tempfile::TempDir,
    targets: Targets,
    /// Versions of what is published.
    versions: BTreeMap<RoleName, u64>,
}

/// What a release changes: role, path and content. Without a path, the role's metadata alone.
pub type Files = Vec<(&'static str, &'static str, Vec<u8>)>;

impl House {
    pub fn first() -> Files {
        vec![
            ("targets", "m.aurora.admission.json", bytes(&admission("aurora", 60))),
            (
                "targets",
                "m.borealis.admission.json",
                bytes(&admission("borealis", 61)),
            ),
            (
                "m-aurora",
                "m.aurora.nodes.json",
                bytes(&nodes("aurora", 1, vec![own("aurora", 100)])),
            ),
            (
                "m-borealis",
                "m.borealis.nodes.json",
                bytes(&nodes("borealis", 1, vec![own("borealis", 110)])),
            ),
        ]
    }

    pub fn member_role(member: &str, number: u8) -> DelegatedRole {
        let mut role = delegation(&format!("m-{member}"), number, &[&format!("m.{member}.nodes.json")]);
        role.terminating = true;
        role
    }

    /// The house, with this as its first release.
    pub fn with(files: Files, delegations: &[(DelegatedRole, u8)]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut targets = Targets::new(Version::FIRST, NOW.plus(90 * DAY));
        for (role, number) in delegations {
            delegate(&mut targets, role.clone(), *number);
        }
        let mut house = Self {
            repository: Repository::open(folder.path()).unwrap(),
            folder,
            targets,
            versions: BTreeMap::new(),
        };
        house.publish(files)?;
        Ok(house)
    }

    pub fn new() -> Self {
        Self::with(Self::first(), &Self::delegations()).unwrap()
    }

    pub fn delegations() -> [(DelegatedRole, u8); 2] {
        [
            (Self::member_role("aurora", 60), 60),
            (Self::member_role("borealis", 61), 61),
        ]
    }

    /// Publishes files, with new metadata of every role that lists them.
    pub fn publish(&mut self, files: Files) -> Result<(), String> {
        let mut changed: BTreeMap<RoleName, Targets> = [(RoleName::targets(), self.targets.clone())].into();
        let mut release = Release::default();
        if self.versions.is_empty() {
            release.root = Some(signed(Sim::new().root, &ROOT_KEYS[..3]));
        }
        for (role, at, content) in files {
            let empty = || Targets::new(Version::FIRST, NOW.plus(180 * DAY));
            let targets = changed.entry(name(role)).or_insert_with(empty);
            if !at.is_empty() {
                targets.targets.insert(path(at), TargetFile::of(&content));
                release.files.insert(path(at), content);
            }
        }
        let mut versions = self.versions.clone();
        for (role, targets) in &mut changed {
            let number = versions.entry(role.clone()).or_default();
            *number += 1;
            targets.version = version(*number);
            let signers: &[u8] = match role.as_str() {
                "targets" => &[11, 12],
                "m-borealis" => &[61],
                "wg-deny" => &[70],
                _ => &[60],
            };
            release.roles.insert(role.clone(), signed(targets.clone(), signers));
        }
        let snapshot = self
            .repository
            .newest()
            .snapshot_after(&release.roles, NOW.plus(7 * DAY))
            .unwrap();
        let snapshot = signed(snapshot.document().clone(), &[SNAPSHOT_KEY]);
        let timestamp = self
            .repository
            .newest()
            .timestamp_after(Some(&snapshot), NOW.plus(DAY))
            .unwrap();
        release.timestamp = signed(timestamp.document().clone(), &[TIMESTAMP_KEY]);
        release.snapshot = Some(snapshot);
        self.repository
            .publish(&release, NOW)
            .map_err(|error| error.to_string())?;
        self.versions = versions;
        self.targets = changed.remove(&RoleName::targets()).unwrap();
        Ok(())
    }

    /// The sha256 of a published file.
    pub fn sha256(&self, at: &str) -> Hex32 {
        let folder = self.folder.path().join("targets");
        let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let file = entries.find(|file| file.to_string_lossy().ends_with(at)).unwrap();
        Hex32(Sha256::digest(fs::read(file).unwrap()).into())
    }
}

#[track_caller]
fn refuse(files: Files, reason: &str) {
    let mut all = House::first();
    for (role, at, content) in files {
        all.retain(|(_, other, _)| *other != at);
        all.push((role, at, content));
    }
    let error = House::with(all, &House::delegations()).err().expect(reason);
    assert!(
        error.starts_with("not published, because of a record: ") && error.contains(reason),
        "{error}"
    );
}

#[test]
fn a_candidate_with_somebody_elses_keys_is_not_published() {
    // Aurora names borealis's consensus key, and signs for it with what keys it has.
    let mut stolen = Secrets::of(100);
    stolen.consensus = 111;
    let cheat = node("aurora", stolen, Secrets::of(100));
    let record = bytes(&nodes("aurora", 1, vec![cheat]));
    refuse(vec![("m-aurora", "m.aurora.nodes.json", record)], "the consensus key");
    // It copies borealis's node with all its proofs.
    let record = bytes(&nodes("aurora", 1, vec![own("borealis", 110)]));
    refuse(vec![("m-aurora", "m.aurora.nodes.json", record)], "the peer key");
}

#[test]
fn two_candidates_with_one_key_are_not_published() {
    for (shared, role) in [
        (
            Secrets {
                peer: 100,
                ..Secrets::of(110)
            },
            "peer",
        ),
        (
            Secrets {
                consensus: 101,
                ..Secrets::of(110)
            },
            "consensus",
        ),
        (
            Secrets {
                account: 102,
                ..Secrets::of(110)
            },
            "account",
        ),
        (
            Secrets {
                checkpoint: 103,
                ..Secrets::of(110)
            },
            "checkpoint",
        ),
        // Whatever it is used for.
        (
            Secrets {
                consensus: 100,
                ..Secrets::of(110)
            },
            "consensus",
        ),
        (
            Secrets {
                account: 103,
                ..Secrets::of(110)
            },
            "account",
        ),
    ] {
        let record = bytes(&nodes("borealis", 1, vec![node("borealis", shared, shared)]));
        refuse(
            vec![("m-borealis", "m.borealis.nodes.json", record)],
            &format!("borealis has the {role} key"),
        );
    }
    let twice = bytes(&nodes("aurora", 1, vec![own("aurora", 100), own("aurora", 100)]));
    refuse(
        vec![("m-aurora", "m.aurora.nodes.json", twice)],
        "which aurora has already",
    );
}

#[test]
fn records_that_contradict_each_other_are_not_published() {
    let mut other = admission("borealis", 61);
    other["chain_id"] = 1.into();
    refuse(
        vec![("targets", "m.borealis.admission.json", bytes(&other))],
        "is for network test (chain id 1)",
    );
    let mut named = admission("borealis", 61);
    named["member_name"] = "Aurora Cloud".into();
    refuse(
        vec![("targets", "m.borealis.admission.json", bytes(&named))],
        "borealis is called \"Aurora Cloud\", as aurora is already",
    );
    let stranger = bytes(&admission("aurora", 61));
    refuse(
        vec![("targets", "m.borealis.admission.json", stranger)],
        "speaks of member aurora",
    );
    let three = vec![own("aurora", 100), own("aurora", 120), own("aurora", 130)];
    refuse(
        vec![("m-aurora", "m.aurora.nodes.json", bytes(&nodes("aurora", 1, three)))],
        "has 3 nodes, the admission allows 2",
    );
    refuse(
        vec![("targets", "m.aurora.admission.json", bytes(&admission("aurora", 62)))],
        "exactly the member_keys",
    );
    let mut suspended = admission("aurora", 60);
    suspended["state"] = "suspended".into();
    refuse(
        vec![("targets", "m.aurora.admission.json", bytes(&suspended))],
        "the member is Suspended",
    );
    refuse(
        vec![("targets", "m.cirrus.nodes.json", b"{}".to_vec())],
        "such a record is listed by m-cirrus",
    );
    refuse(
        vec![("targets", "m.aurora.admission.json", b"{}".to_vec())],
        "missing field",
    );

    let mut nobody = House::first();
    nobody.remove(0);
    let error = House::with(nobody, &House::delegations()).err().unwrap();
    assert!(error.contains("is of a member that has no admission"), "{error}");
    for change in [
        |role: &mut DelegatedRole| role.terminating = false,
        |role: &mut DelegatedRole| role.paths = delegation("x", 60, &["m.aurora.nodes.json", "x"]).paths,
    ] {
        let mut delegations = House::delegations();
        change(&mut delegations[0].0);
        let error = House::with(House::first(), &delegations).err().unwrap();
        assert!(error.contains("m-aurora must be terminating"), "{error}");
    }
}

#[test]
fn a_record_follows_the_one_before_it() {
    let mut house = House::new();
    let mut next = nodes("aurora", 2, vec![own("aurora", 120)]);
    let publish =
        |house: &mut House, record: &Nodes| house.publish(vec![("m-aurora", "m.aurora.nodes.json", bytes(record))]);
    next.prev_sha256 = Some(Hex32([1; 32]));
    assert!(
        publish(&mut house, &next)
            .unwrap_err()
            .contains("has seq 2 and prev_sha256 0101")
    );
    let prev = house.sha256("m.aurora.nodes.json");
    (next.seq, next.prev_sha256) = (3, Some(prev));
    assert!(publish(&mut house, &next).unwrap_err().contains("has seq 3"));
    let unchanged = nodes("aurora", 1, vec![own("aurora", 120)]);
    assert!(
        publish(&mut house, &unchanged)
            .unwrap_err()
            .contains("has seq 1 and prev_sha256 none, after seq 1")
    );
    next.seq = 2;
    publish(&mut house, &next).unwrap();
}

#[test]
fn a_suspended_members_record_stays_as_it_is() {
    let mut house = House::new();
    let mut suspended = admission("aurora", 60);
    suspended["state"] = "suspended".into();
    suspended["seq"] = 2.into();
    suspended["prev_sha256"] = String::from(house.sha256("m.aurora.admission.json")).into();
    house
        .publish(vec![("targets", "m.aurora.admission.json", bytes(&suspended))])
        .unwrap();
    let mut next = nodes("aurora", 2, Vec::new());
    next.prev_sha256 = Some(house.sha256("m.aurora.nodes.json"));
    let record = bytes(&next);
    let error = house
        .publish(vec![("m-aurora", "m.aurora.nodes.json", record)])
        .unwrap_err();
    assert!(error.contains("the member is Suspended"), "{error}");
}
