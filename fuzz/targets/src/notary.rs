//! Do the readers of the notary's metadata and records refuse in words, and read what they accept in one way only?
//!
//! Whoever serves a repository chooses these bytes; signatures are looked at only after they were read.

use std::collections::BTreeMap;

use alloy_primitives::FixedBytes;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::Signer;
use ledger_chainspec::{ConsensusKey, Signature64, peer_id_of, peer_id_to_text};
use ledger_notary::{
    records::{Admission, DENY_SCHEMA, Deny, Hex32, KeyRole, NODES_SCHEMA, Node, Nodes, Proofs, Suspension},
    repository::Unsigned,
    tuf::{
        DelegatedRole, Delegations, Document, Key, Kind, MetaFile, PathPattern, Paths, RoleKeys, RoleName, Roles, Root,
        Signature, Signed, Snapshot, TargetFile, TargetPath, Targets, Timestamp, UnixSeconds, Version,
        json::Json,
        names::{decoded, encoded},
    },
};

use crate::{
    Heap, Target,
    seeds::{Seed, key},
};

/// A map's node for each name, twice: once for what was signed and once for what it means.
const HEAP: Heap = Heap {
    base: 512 << 10,
    per_byte: 400,
};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target {
        name: "tuf_metadata",
        run: tuf_metadata,
        input_bytes_max: 8 << 10,
        heap: HEAP,
    },
    Target {
        name: "notary_record",
        run: notary_record,
        input_bytes_max: 8 << 10,
        heap: HEAP,
    },
];

/// Metadata of any kind. What was accepted has one signed form, and is read again as it was written.
pub fn tuf_metadata(bytes: &[u8]) {
    if let Ok(json) = Json::parse(bytes) {
        let canonical = json.canonical();
        // The canonical form leaves control characters as they are, which JSON does not.
        if let Ok(again) = Json::parse(&canonical) {
            assert_eq!(again, json, "the canonical form means something else");
        }
    }
    document::<Root>(bytes);
    document::<Snapshot>(bytes);
    document::<Timestamp>(bytes);
    document::<Targets>(bytes);
    if let Ok(root) = Signed::<Root>::parse(bytes) {
        for kind in [Kind::Root, Kind::Targets, Kind::Snapshot, Kind::Timestamp] {
            if let Err(error) = root.check(&root.unverified().authority(kind)) {
                assert!(error.got < error.needed.get() as usize);
            }
        }
    }
    if let Ok(targets) = Signed::<Targets>::parse(bytes) {
        for path in targets.unverified().targets.keys() {
            assert_eq!(decoded(&encoded(path.as_str())).as_deref(), Some(path.as_str()));
            for (_, role) in targets.unverified().delegated() {
                let _ = role.paths.cover(path);
            }
        }
    }
}

fn document<T: Document + Clone + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    match Signed::<T>::parse(bytes) {
        Ok(signed) => {
            let written = Unsigned::new(signed.unverified().clone());
            let again = Signed::<T>::parse(&written.file(&[])).expect("what was written can be read");
            assert_eq!(again.unverified(), signed.unverified());
            assert_eq!(again.signable(), written.signable());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A record of any kind. What was accepted is read again as it was written, and its proofs are judged.
pub fn notary_record(bytes: &[u8]) {
    let write = |record: serde_json::Result<Vec<u8>>| record.expect("a record is JSON");
    if let Ok(record) = Admission::parse(bytes) {
        let again = Admission::parse(&write(serde_json::to_vec(&record)));
        assert_eq!(again.expect("what was written can be read"), record);
    }
    if let Ok(record) = Nodes::parse(bytes) {
        let again = Nodes::parse(&write(serde_json::to_vec(&record)));
        assert_eq!(again.expect("what was written can be read"), record);
        if let Err(error) = record.check_proofs(NOW) {
            assert!(!error.to_string().is_empty());
        }
    }
    if let Ok(record) = Deny::parse(bytes) {
        let again = Deny::parse(&write(serde_json::to_vec(&record)));
        assert_eq!(again.expect("what was written can be read"), record);
        for entry in &record.suspended {
            assert_eq!(record.suspension(&entry.member_id), Some(entry));
        }
    }
}

const NOW: UnixSeconds = UnixSeconds::new(1_795_651_200);

fn expires() -> UnixSeconds {
    NOW.plus(86_400)
}

fn signed<T: Document>(document: T) -> Vec<u8> {
    let unsigned = Unsigned::new(document);
    let signature = key(0).sign(unsigned.signable()).to_bytes();
    let signature = Signature::new(public().id().into(), &signature).expect("a key id is one");
    unsigned.file(&[signature])
}

fn public() -> Key {
    Key::Ed25519(key(0).verifying_key().to_bytes())
}

fn path(text: &str) -> TargetPath {
    text.to_owned().try_into().expect("a short path")
}

fn role_keys() -> RoleKeys {
    RoleKeys {
        keyids: vec![public().id()],
        threshold: std::num::NonZeroU32::MIN,
    }
}

fn targets() -> Targets {
    let RoleKeys { keyids, threshold } = role_keys();
    let mut targets = Targets::new(Version::FIRST, expires());
    targets
        .targets
        .insert(path("m.a.admission.json"), TargetFile::of(b"admission"));
    targets.delegations = Some(Delegations {
        keys: [(public().id(), public())].into(),
        roles: vec![DelegatedRole {
            name: RoleName::try_from("m-a".to_owned()).expect("a short name"),
            keyids,
            threshold,
            terminating: true,
            paths: Paths::Patterns(vec![
                PathPattern::try_from("m.a.*".to_owned()).expect("a short pattern"),
            ]),
        }],
    });
    targets
}

fn nodes() -> Nodes {
    let text = |text: &str| text.to_owned();
    let ethereum = |number: u8| PrivateKeySigner::from_bytes(&[number; 32].into()).expect("a small number is a key");
    let public = |index: u8| ConsensusKey::of(&key(index));
    let proofs = Proofs {
        expires: expires(),
        peer: Signature64::new([0; 64]),
        consensus: Signature64::new([0; 64]),
        account: FixedBytes::ZERO,
        checkpoint: FixedBytes::ZERO,
    };
    let mut nodes = Nodes {
        schema: text(NODES_SCHEMA),
        network_id: text("test").try_into().expect("an id"),
        chain_id: 6301,
        member_id: text("a").try_into().expect("an id"),
        seq: 1,
        prev_sha256: None,
        nodes: vec![Node {
            peer_id: peer_id_to_text(&peer_id_of(&public(1))),
            consensus_key: public(2),
            account: ethereum(3).address(),
            checkpoint_key: ethereum(4).address(),
            endpoints: vec![text("/dns4/node.example/tcp/30303")],
            region: text("eu-west").try_into().expect("a plain text"),
            proofs,
        }],
    };
    let statement = nodes.statement(&nodes.nodes[0]);
    let ed25519 = |index, role| Signature64::new(key(index).sign(statement.text(role).as_bytes()).to_bytes());
    let secp256k1 = |number, role| {
        let signature = ethereum(number).sign_message_sync(statement.text(role).as_bytes());
        FixedBytes::new(signature.expect("a key in memory signs").as_bytes())
    };
    let proofs = &mut nodes.nodes[0].proofs;
    proofs.peer = ed25519(1, KeyRole::Peer);
    proofs.consensus = ed25519(2, KeyRole::Consensus);
    proofs.account = secp256k1(3, KeyRole::Account);
    proofs.checkpoint = secp256k1(4, KeyRole::Checkpoint);
    nodes
}

fn admission() -> Vec<u8> {
    let hash = "11".repeat(32);
    let key = hex(&key(0).verifying_key().to_bytes());
    format!(
        r#"{{"schema":"cloud-ledger-admission/1","network_id":"test","chain_id":6301,"member_id":"a","member_name":"A",
"legal_name":"A","registration_no":"1","jurisdiction":"DE","passport":{{"scheme":"s","cert_id":"1","evidence_sha256":"{hash}",
"issuer_keyids":["{hash}"]}},"member_keys":["{key}"],"max_validators":1,"not_before":"2026-11-01T00:00:00Z",
"not_after":"2027-11-01T00:00:00Z","state":"active","seq":2,"prev_sha256":"{hash}"}}"#
    )
    .into_bytes()
}

fn deny() -> Deny {
    let text = |text: &str| text.to_owned();
    let suspension = |member: &str| Suspension {
        member_id: text(member).try_into().expect("an id"),
        since: NOW,
        reason_sha256: Hex32([7; 32]),
    };
    Deny {
        schema: text(DENY_SCHEMA),
        network_id: text("test").try_into().expect("an id"),
        chain_id: 6301,
        seq: 2,
        prev_sha256: Some(Hex32([1; 32])),
        suspended: vec![suspension("a"), suspension("b")],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The seeds of this page.
pub fn seeds() -> Vec<Seed> {
    let roles = Roles {
        root: role_keys(),
        snapshot: role_keys(),
        targets: role_keys(),
        timestamp: role_keys(),
    };
    let root = Root::new(Version::FIRST, expires(), [(public().id(), public())].into(), roles);
    let listed = MetaFile::of(Version::FIRST, b"targets");
    let meta = BTreeMap::from([(RoleName::targets().document(), listed.clone())]);
    assert_eq!(nodes().check_proofs(NOW), Ok(()), "the seed's proofs are good");
    vec![
        ("tuf_metadata", "root", signed(root)),
        ("tuf_metadata", "targets", signed(targets())),
        (
            "tuf_metadata",
            "snapshot",
            signed(Snapshot::new(Version::FIRST, expires(), meta)),
        ),
        (
            "tuf_metadata",
            "timestamp",
            signed(Timestamp::new(Version::FIRST, expires(), listed)),
        ),
        ("notary_record", "admission", admission()),
        (
            "notary_record",
            "nodes",
            serde_json::to_vec(&nodes()).expect("a record is JSON"),
        ),
        (
            "notary_record",
            "deny",
            serde_json::to_vec(&deny()).expect("a record is JSON"),
        ),
    ]
}
