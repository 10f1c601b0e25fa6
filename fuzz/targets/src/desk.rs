//! Does the notary's desk refuse in words whatever is sent to it, and keep what it took in one encoding?
//!
//! Envelopes come from strangers; orders are what somebody with a good key puts into one; entries lie on the disk.

use std::num::NonZeroU32;

use ed25519_dalek::Signer;
use ledger_notary::{
    desk::{Body, Command, Desk, Entry, Order, SubmissionId},
    dsse::{Envelope, signable},
    log::checkpoint,
    records::{DENY_SCHEMA, Deny, Hex32, Network, Place},
    repository::{Release, Unsigned},
    tuf::{
        DelegatedRole, Delegations, Document, Key, PathPattern, Paths, RoleKeys, RoleName, Roles, Root, Signature,
        TargetFile, Targets, UnixSeconds, Version,
    },
};

use crate::{
    Heap, Target,
    seeds::{Seed, key},
};

/// JSON is read twice, base64 makes bytes of it, and those are JSON again, which is read twice.
const HEAP: Heap = Heap {
    base: 512 << 10,
    per_byte: 800,
};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target {
        name: "notary_envelope",
        run: notary_envelope,
        input_bytes_max: 16 << 10,
        heap: HEAP,
    },
    Target {
        name: "notary_order",
        run: notary_order,
        input_bytes_max: 16 << 10,
        heap: HEAP,
    },
    Target::small("notary_entry", notary_entry, 4 << 10),
];

const NOW: UnixSeconds = UnixSeconds::new(1_795_651_200);
const ORIGIN: &str = "notary.example/test";

/// An envelope or a checkpoint of anybody. What was read is read again as it was written; who signed it, signed it still.
pub fn notary_envelope(bytes: &[u8]) {
    match Envelope::parse(bytes) {
        Ok(envelope) => {
            let again = Envelope::parse(&envelope.to_bytes()).expect("what was written can be read");
            assert_eq!(again, envelope);
            if let Ok(opened) = envelope.clone().open() {
                assert_eq!(opened.payload(), envelope.unverified());
                assert!(!opened.signers().is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(head) = checkpoint::open(bytes, ORIGIN, public()) {
        let text = checkpoint::text(ORIGIN, head).expect("a name that was read is one");
        assert!(bytes.starts_with(text.as_bytes()), "a checkpoint has one text");
    }
}

/// What somebody with a good key signed. The desk takes it or says why not, and what it would store is the envelope.
pub fn notary_order(bytes: &[u8]) {
    let signature = key(0).sign(&signable(bytes)).to_bytes();
    let envelope = Envelope::new(bytes.to_vec(), vec![(public(), signature)]);
    let opened = envelope.clone().open().expect("signed a moment ago");
    if let Ok(order) = Order::<Command>::parse(&opened) {
        let again: Order<Command> = serde_json::from_slice(&order.payload()).expect("what was written can be read");
        assert_eq!(again, order);
        assert!(!order.command.name().is_empty());
    }
    let envelope = envelope.to_bytes();
    let desk = Desk::new(network(), root_sha256());
    match desk.check(Body::Command(envelope.clone()), NOW) {
        Ok(checked) => {
            assert_eq!(checked.entry().body, Body::Command(envelope));
            let mut desk = desk;
            desk.apply(checked);
            assert!(desk.due(NOW).is_some(), "what founds a notary can be published");
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty(), "{:?}", refusal.kind()),
    }
}

/// An entry has one encoding, and its leaf fits the log.
pub fn notary_entry(bytes: &[u8]) {
    match Entry::decode(bytes) {
        Ok(entry) => {
            assert_eq!(entry.encoded(), bytes);
            assert_eq!(entry.leaf().seq, entry.seq);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn public() -> Hex32 {
    Hex32(key(0).verifying_key().to_bytes())
}

fn network() -> Network {
    Network {
        network_id: "test".to_owned().try_into().expect("an id"),
        chain_id: 6301,
    }
}

fn signed<T: Document>(document: T) -> String {
    let unsigned = Unsigned::new(document);
    let signature = key(0).sign(unsigned.signable()).to_bytes();
    let signature = Signature::new(Key::Ed25519(public().0).id().into(), &signature).expect("a key id is one");
    String::from_utf8(unsigned.file(&[signature])).expect("JSON is text")
}

fn role_keys() -> RoleKeys {
    RoleKeys {
        keyids: vec![Key::Ed25519(public().0).id()],
        threshold: NonZeroU32::MIN,
    }
}

fn root() -> String {
    let roles = Roles {
        root: role_keys(),
        snapshot: role_keys(),
        targets: role_keys(),
        timestamp: role_keys(),
    };
    let keys = [(Key::Ed25519(public().0).id(), Key::Ed25519(public().0))].into();
    signed(Root::new(Version::FIRST, NOW.plus(86_400), keys, roles))
}

/// sha256 of the root, as metadata would list it.
fn root_sha256() -> Hex32 {
    let listed = TargetFile::of(root().as_bytes());
    Hex32::try_from(listed.hashes.prefix()).expect("a sha256 is 32 bytes")
}

fn order<C>(command: C) -> Order<C> {
    Order {
        schema: "cloud-ledger-notary-order/1".to_owned(),
        network_id: network().network_id,
        chain_id: network().chain_id,
        nonce: Hex32([5; 32]),
        expires: NOW.plus(3_600),
        sequence: 1,
        command,
    }
}

fn found() -> Command {
    let deny = Deny {
        schema: DENY_SCHEMA.to_owned(),
        network_id: network().network_id,
        chain_id: network().chain_id,
        seq: 1,
        prev_sha256: None,
        suspended: Vec::new(),
    };
    let deny = serde_json::to_string(&deny).expect("a record is JSON");
    let RoleKeys { keyids, threshold } = role_keys();
    let mut top = Targets::new(Version::FIRST, NOW.plus(86_400));
    top.delegations = Some(Delegations {
        keys: [(Key::Ed25519(public().0).id(), Key::Ed25519(public().0))].into(),
        roles: vec![DelegatedRole {
            name: Place::Deny.role(),
            keyids,
            threshold,
            terminating: true,
            paths: Paths::Patterns(vec![
                PathPattern::try_from("deny.json".to_owned()).expect("a short pattern"),
            ]),
        }],
    });
    let mut role = Targets::new(Version::FIRST, NOW.plus(86_400));
    role.targets.insert(Place::Deny.path(), TargetFile::of(deny.as_bytes()));
    Command::Found {
        root: root(),
        roles: [(RoleName::targets(), signed(top)), (Place::Deny.role(), signed(role))].into(),
        files: [(Place::Deny.path(), deny)].into(),
    }
}

/// The seeds of this page.
pub fn seeds() -> Vec<Seed> {
    let withdraw = order(Command::Withdraw {
        submission: SubmissionId(7),
    });
    let reject = order(Command::Reject {
        submission: SubmissionId(7),
        draft_sha256: Hex32([6; 32]),
        reason: "not so".to_owned().try_into().expect("a plain text"),
    });
    let signature = key(0).sign(&signable(&reject.payload())).to_bytes();
    let envelope = Envelope::new(reject.payload(), vec![(public(), signature)]).to_bytes();
    let head = ledger_notary::log::Log::default()
        .head(0)
        .expect("an empty log has a head");
    let note = checkpoint::text(ORIGIN, head).expect("a name");
    let signature = key(0).sign(note.as_bytes()).to_bytes();
    let note = checkpoint::signed(ORIGIN, head, public(), &signature).expect("a name");
    let release = Release {
        roles: [(Place::Deny.role(), b"role".to_vec())].into(),
        files: [(Place::Deny.path(), b"file".to_vec())].into(),
        timestamp: b"timestamp".to_vec(),
        ..Release::default()
    };
    let entry = |body| Entry { seq: 3, at: NOW, body }.encoded();
    vec![
        ("notary_envelope", "reject", envelope.clone()),
        ("notary_envelope", "checkpoint", note.into_bytes()),
        ("notary_order", "found", order(found()).payload()),
        ("notary_order", "withdraw", withdraw.payload()),
        ("notary_order", "reject", reject.payload()),
        ("notary_entry", "command", entry(Body::Command(envelope))),
        ("notary_entry", "release", entry(Body::Release(release))),
    ]
}
