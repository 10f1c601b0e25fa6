//! Envelopes and orders: what cannot be read, what nobody signed, what was meant for another chain or time, and what was done before.

use std::collections::BTreeSet;

use ledger_notary::{
    desk::{Body, Command, Entry, Hex64, Order, RefusalKind, SubmissionId},
    dsse::{ENVELOPE_BYTES_MAX, Envelope, PAYLOAD_TYPE, signable},
    records::{Hex32, Place},
    repository::Release,
    tuf::UnixSeconds,
};
use parity_scale_codec::Encode;
use serde_json::{Value, json};

use super::kit::{Founding, GROUP, House, Papers, STRANGER, deny_record, key, sealed};
use crate::kit::{DAY, HOUR, ROOT_KEYS};

/// The envelope of a command that would be taken.
fn good(house: &mut House) -> (Order<Command>, Value) {
    let order = house.order(Command::Renew {});
    let envelope = serde_json::from_slice(&sealed(&order, &[11])).unwrap();
    (order, envelope)
}

#[track_caller]
fn refuse(house: &House, envelope: &[u8], kind: RefusalKind, words: &str) {
    let refusal = house
        .desk
        .check(Body::Command(envelope.to_vec()), house.now)
        .unwrap_err();
    assert!(refusal.to_string().contains(words), "{words}: {refusal}");
    assert_eq!(refusal.kind(), kind, "{refusal}");
}

#[test]
fn the_signed_bytes_are_dsses() {
    // The example of the specification, with our type: DSSEv1 SP LEN(type) SP type SP LEN(body) SP body.
    let expected = format!("DSSEv1 {} {PAYLOAD_TYPE} 11 hello world", PAYLOAD_TYPE.len());
    assert_eq!(signable(b"hello world"), expected.as_bytes());
}

#[test]
fn an_envelope_is_whole_and_every_signature_in_it_is_good() {
    use RefusalKind::{Malformed, TooLong, Unsigned};
    let mut house = House::new();
    let (order, envelope) = good(&mut house);
    let taken = house
        .desk
        .check(Body::Command(envelope.to_string().into_bytes()), house.now);
    assert!(taken.is_ok());

    let signature = envelope["signatures"][0].clone();
    let mut by_other = signature.clone();
    by_other["keyid"] = key(12).to_string().into();
    let mut short = signature.clone();
    short["sig"] = "AAAA".into();
    let with = |name: &str, value: Value| {
        let mut changed = envelope.clone();
        changed[name] = value;
        changed
    };
    let mut unreadable = signature.clone();
    unreadable["sig"] = "*".into();
    for (changed, kind, words) in [
        (with("payload", "*".into()), Malformed, "payload is base64"),
        (with("payload", "e30=".into()), Unsigned, "did not sign this payload"),
        (with("payloadType", "text/plain".into()), Malformed, "payload's type is"),
        (with("signatures", json!([])), Unsigned, "1 to 16 signatures, got 0"),
        (
            with("signatures", json!([by_other])),
            Unsigned,
            "did not sign this payload",
        ),
        (
            with("signatures", json!([signature, by_other])),
            Unsigned,
            "did not sign this payload",
        ),
        (
            with("signatures", json!([signature, signature])),
            Malformed,
            "two signatures by",
        ),
        (with("signatures", json!([short])), Malformed, "64 bytes, got 3"),
        (with("signatures", json!([unreadable])), Malformed, "sig is base64"),
        (with("signatures", Value::Null), Malformed, "not an envelope"),
    ] {
        refuse(&house, changed.to_string().as_bytes(), kind, words);
    }
    refuse(&house, b"{}", Malformed, "not an envelope");
    refuse(&house, &vec![b' '; ENVELOPE_BYTES_MAX + 1], TooLong, "got 1048577");
    let twice = envelope.to_string().replacen('{', r#"{"payload":"e30=","#, 1);
    refuse(&house, twice.as_bytes(), Malformed, "occurs twice");
    let many: Vec<_> = (1..=17).collect();
    refuse(&house, &sealed(&order, &many), Unsigned, "1 to 16 signatures, got 17");
}

#[test]
fn the_other_alphabet_of_base64_is_good_and_unknown_fields_are_passed_over() {
    let mut house = House::new();
    let (_, mut envelope) = good(&mut house);
    envelope["note"] = "from elsewhere".into();
    let payload = envelope["payload"].as_str().unwrap();
    envelope["payload"] = payload.replace('+', "-").replace('/', "_").into();
    let sig = envelope["signatures"][0]["sig"].as_str().unwrap();
    envelope["signatures"][0]["sig"] = sig.replace('+', "-").replace('/', "_").into();
    house.send(envelope.to_string().into_bytes()).unwrap();
}

#[test]
fn an_order_is_for_one_chain_one_time_and_once() {
    use RefusalKind::{Conflict, Expired, Malformed, Rule};
    let mut house = House::new();
    let (order, _) = good(&mut house);
    let changed = |edit: &dyn Fn(&mut Order<Command>)| {
        let mut changed = order.clone();
        edit(&mut changed);
        sealed(&changed, &[11])
    };
    let (now, week) = (house.now, house.now.plus(7 * DAY));
    for (envelope, kind, words) in [
        (
            changed(&|order| order.chain_id = 1),
            Rule,
            "notary of test (chain id 6301), the order is for test (chain id 1)",
        ),
        (
            changed(&|order| order.network_id = "prod".to_owned().try_into().unwrap()),
            Rule,
            "the order is for prod",
        ),
        (
            changed(&|order| order.schema = "cloud-ledger-notary-order/2".to_owned()),
            Malformed,
            "order/2",
        ),
        (changed(&|order| order.expires = now), Expired, "sign it anew"),
        (
            changed(&|order| order.expires = UnixSeconds::new(week.get() + 1)),
            Rule,
            "may expire until",
        ),
    ] {
        refuse(&house, &envelope, kind, words);
    }
    let unknown = serde_json::to_value(&order).unwrap();
    let mut unknown_command = unknown.clone();
    unknown_command["command"] = json!({ "admit_everybody": {} });
    let mut unknown_field = unknown.clone();
    unknown_field["priority"] = 1.into();
    let mut inner = unknown;
    inner["command"] = json!({ "renew": { "twice": true } });
    for payload in [unknown_command, unknown_field, inner] {
        let payload = payload.to_string().into_bytes();
        let signature = ed25519_dalek::Signer::sign(&crate::kit::secret(11), &signable(&payload)).to_bytes();
        let envelope = Envelope::new(payload, vec![(key(11), signature)]).to_bytes();
        refuse(&house, &envelope, Malformed, "no order with a command that is known");
    }

    house.send(sealed(&order, &[11])).unwrap();
    refuse(&house, &sealed(&order, &[11]), Conflict, "sequence 3 already, got 3");
    refuse(&house, &sealed(&order, &[12]), Conflict, "was taken already");
    refuse(
        &house,
        &sealed(&order, &[12, 11]),
        Conflict,
        "sequence 3 already, got 3",
    );
    let mut lower = order.clone();
    (lower.sequence, lower.nonce) = (2, Hex32([1; 32]));
    refuse(&house, &sealed(&lower, &[11]), Conflict, "sequence 3 already, got 2");
    let mut higher = order.clone();
    higher.sequence = 4;
    refuse(&house, &sealed(&higher, &[11]), Conflict, "was taken already");
    higher.nonce = Hex32([1; 32]);
    house.send(sealed(&higher, &[11])).unwrap();
}

#[test]
fn a_notary_is_founded_once_with_its_own_root_and_a_deny_role() {
    let founding = Founding::new();
    let mut house = House::empty(&founding);
    house.refuse(Command::Renew {}, &[11], "founded first");
    house.refuse(
        founding.command(),
        &[STRANGER],
        "found is for the keys of the first root",
    );
    house.refuse(founding.command(), &GROUP, "found is for the keys of the first root");

    let mut other = Founding::new();
    other.root.expires = house.now.plus(DAY);
    other.root_text = super::kit::text(other.root.clone(), &ROOT_KEYS[..3]);
    house.refuse(other.command(), &[1], "first root has sha256");
    let mut no_deny = Founding::new();
    no_deny.roles.remove(&crate::kit::name("wg-deny"));
    house.refuse(no_deny.command(), &[1], "no wg-deny");
    let mut no_file = Founding::new();
    no_file.files.clear();
    house.refuse(no_file.command(), &[1], "no deny.json");
    let mut other_file = Founding::new();
    let suspends = deny_record(1, None, &["aurora"]);
    other_file.files.insert(Place::Deny.path(), suspends);
    house.refuse(
        other_file.command(),
        &[1],
        "wg-deny lists deny.json, but the file is neither published nor in",
    );
    let mut extra = Founding::new();
    extra.roles.insert(crate::kit::name("wg-allow"), "{}".to_owned());
    house.refuse(extra.command(), &[1], "got wg-allow");
    let mut file = Founding::new();
    file.files.insert(crate::kit::path("readme.txt"), String::new());
    house.refuse(file.command(), &[1], "got readme.txt");
    let mut by_few = Founding::new();
    let top: Value = serde_json::from_str(&by_few.roles[&ledger_notary::tuf::RoleName::targets()]).unwrap();
    let mut top_by_one = top;
    top_by_one["signatures"].as_array_mut().unwrap().truncate(1);
    by_few
        .roles
        .insert(ledger_notary::tuf::RoleName::targets(), top_by_one.to_string());
    house.refuse(by_few.command(), &[1], "need the signatures of 2 different keys, got 1");

    assert!(house.desk.due(house.now).is_none());
    house.take(founding.command(), &[1]).unwrap();
    house.refuse(founding.command(), &[1], "founded already");
    let mut late = house.clone();
    late.now = late.now.plus(90 * DAY);
    assert!(late.desk.due(late.now).is_none(), "what has expired founds nothing");
    house.refuse(Papers::new("aurora", 60, 100).submit(), &[60], "founded first");
    house.release().unwrap();
    house.refuse(founding.command(), &[1], "founded already");
}

#[test]
fn an_entry_has_one_form_and_its_leaf_names_every_file() {
    let command = Entry {
        seq: 7,
        at: UnixSeconds::new(1_795_651_200),
        body: Body::Command(b"envelope".to_vec()),
    };
    let golden = "07000000000000008076076b000000000020656e76656c6f7065";
    assert_eq!(hex::encode(command.encoded()), golden);
    let release = Entry {
        seq: 8,
        at: UnixSeconds::new(1_795_651_200),
        body: Body::Release(Release {
            roles: [(crate::kit::name("m-a"), b"role".to_vec())].into(),
            files: [(crate::kit::path("m.a.nodes.json"), b"nodes".to_vec())].into(),
            timestamp: b"time".to_vec(),
            ..Release::default()
        }),
    };
    for entry in [&command, &release] {
        let bytes = entry.encoded();
        assert_eq!(Entry::decode(&bytes).unwrap(), *entry);
        for cut in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Entry::decode(&[bytes, vec![0]].concat()).is_err());
    }
    let golden = "08000000000000008076076b00000000\
        01 00 04 0c6d2d61 10726f6c65 04 386d2e612e6e6f6465732e6a736f6e 146e6f646573 00 1074696d65";
    assert_eq!(hex::encode(release.encoded()), golden.replace(' ', ""));
    // A time that is none would be written as another.
    let mut never = command.encoded();
    never[8..16].fill(0xff);
    assert!(
        Entry::decode(&never)
            .unwrap_err()
            .to_string()
            .contains("it has other bytes")
    );
    let leaf = release.leaf();
    let bytes = leaf.encode();
    assert_eq!(bytes[..16], release.encoded()[..16]);
    assert_eq!(bytes[16..48], super::kit::sha256(&release.encoded()).0);
    assert_eq!(bytes[48..53], *b"\x0c\x0cm-a");
    assert_eq!(bytes.len(), 49 + (4 + 15 + 10) + 3 * 32);
    let names: Vec<_> = leaf.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["m-a", "m.a.nodes.json", "timestamp"]);
    assert_eq!(leaf.files[1].1, super::kit::sha256(b"nodes").0);
    assert_eq!(leaf.entry_sha256, super::kit::sha256(&release.encoded()).0);
    assert!(command.leaf().files.is_empty());
}

#[test]
fn nonces_are_forgotten_when_their_orders_have_expired() {
    let mut house = House::new();
    let (order, _) = good(&mut house);
    house.send(sealed(&order, &[11])).unwrap();
    house.now = house.now.plus(2 * HOUR);
    refuse(&house, &sealed(&order, &[12]), RefusalKind::Expired, "sign it anew");
    let mut again = house.order(Command::Renew {});
    house.take(Command::Renew {}, &[13]).unwrap();
    (again.nonce, again.sequence) = (order.nonce, 100);
    house.send(sealed(&again, &[12])).unwrap();
}

/// One of each command, whatever it says.
fn every_command() -> Vec<Command> {
    let (file, hash) = (|| "{}".to_owned(), Hex32([6; 32]));
    let submission = SubmissionId(7);
    vec![
        Founding::new().command(),
        Papers::new("aurora", 60, 100).submit(),
        Command::Withdraw { submission },
        Command::Verify {
            submission,
            draft_sha256: hash,
        },
        Command::Reject {
            submission,
            draft_sha256: hash,
            reason: "no".to_owned().try_into().unwrap(),
        },
        Command::Revoke { admission: file() },
        Command::ReplaceDenyKeys {
            keys: vec![hash],
            threshold: 1.try_into().unwrap(),
            role: file(),
        },
        Command::Renew {},
        Command::ClearProposal {},
        Command::Approve {
            version: 2.try_into().unwrap(),
            signable_sha256: hash,
            signature: Hex64([8; 64]),
        },
        Command::UpdateNodes {
            role: file(),
            nodes: file(),
        },
        Command::Suspend {
            role: file(),
            deny: file(),
        },
        Command::SignRoot { root: file() },
    ]
}

#[test]
fn the_schema_of_orders_takes_each_command_and_no_other_form_of_it() {
    let schema = crate::records::schema("order");
    let mut house = House::new();
    let mut names = BTreeSet::new();
    for command in every_command() {
        let name = command.name();
        names.insert(name.to_owned());
        let order = house.order(command);
        let good: Value = serde_json::from_slice(&order.payload()).unwrap();
        assert!(schema.is_valid(&good), "{name}");
        assert!(
            good["command"][name].is_object(),
            "{name} is called so on the wire as well"
        );
        assert_eq!(serde_json::from_value::<Order<Command>>(good.clone()).unwrap(), order);
        let mut more = good.clone();
        more["command"][name]["more"] = 1.into();
        let mut two = good.clone();
        two["command"]["admit"] = json!({});
        let fields = good["command"][name].as_object().unwrap().keys();
        let fewer = fields.map(|field| {
            let mut fewer = good.clone();
            fewer["command"][name].as_object_mut().unwrap().remove(field);
            fewer
        });
        for bad in fewer.chain([more, two]) {
            assert!(!schema.is_valid(&bad), "{bad}");
            assert!(serde_json::from_value::<Order<Command>>(bad).is_err());
        }
    }
    let file = format!("{}/schemas/order.schema.json", env!("CARGO_MANIFEST_DIR"));
    let written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let known = written["properties"]["command"]["properties"].as_object().unwrap();
    assert_eq!(known.keys().cloned().collect::<BTreeSet<_>>(), names);
}
