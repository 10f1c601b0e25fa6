//! The whole life of a notary, from the first keys to a member that is none any more, by the commands of the binary; and what somebody
//! with stolen keys cannot do.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use ledger_notary::{client::papers, records::Nodes};
use serde_json::{Value, json};

use crate::{
    postgres::Postgres,
    town::{Town, approval, files, is_partial, node, nodes, now, public, suspension},
};

/// The whole life, on one kind of storage.
fn life(storage: Option<String>) {
    let mut town = Town::new(storage);
    town.start();
    assert_eq!(town.ok(&["status"])["entries"], 0);
    town.found();
    let audited = town.audit();
    assert_eq!(audited["log"]["entries"], 2, "the founding and its release");
    assert_eq!(town.sign()["signed"], Value::Null, "nothing is due");

    admit_and_change(&town);
    suspend_and_lift(&town);
    revoke(&town);
    readmit(&town);

    // What was said in the meantime survives a restart, and the folder can be made from nothing.
    let before = files(&town.published());
    let status = town.ok(&["status"]);
    let stopped = town.stop();
    assert!(stopped.status.success(), "{stopped:?}");
    let log_key = ["--log-key", "log.pem", "--root", "root.json"];
    let storage = town.storage().to_owned();
    let rebuild = ["rebuild", "--storage", &storage, "--folder", "again"];
    town.ok(&[&rebuild[..], &log_key].concat());
    let again = files(&town.path("again"));
    for (path, bytes) in &before {
        assert!(
            is_partial(path) || again.get(path) == Some(bytes),
            "{} differs",
            path.display()
        );
    }
    assert!(
        again.iter().all(|(path, bytes)| before.get(path) == Some(bytes)),
        "nothing else is written"
    );
    assert!(
        town.refused(&[&rebuild[..], &log_key].concat())
            .contains("empty folder")
    );
    town.start();
    assert_eq!(town.ok(&["status"]), status);
    town.audit();
}

fn admit_and_change(town: &Town) {
    let submission = town.submit("aurora", 41);
    assert_eq!(town.standing("aurora"), "submitted");
    town.signed(&["verify", &submission], &["group-1"]);
    assert_eq!(town.standing("aurora"), "verified");
    town.approve(&["group-1"]);
    assert_eq!(
        town.standing("aurora"),
        json!({ "approved": { "got": 1, "needed": 2 } })
    );
    assert_eq!(town.sign()["signed"], Value::Null, "one signature is not enough");
    town.approve(&["group-3"]);
    assert_eq!(town.sign()["signed"], "changes");
    assert_eq!(town.standing("aurora"), "published");
    let key = town.ok(&["status", "--member", "aurora"])["nodes"]["nodes"][0]["peer_id"].clone();
    let found = town.ok(&["status", "--validator", key.as_str().unwrap()]);
    assert_eq!(
        (&found["member"], &found["may_validate"]),
        (&json!("aurora"), &json!(true))
    );

    // The member changes its nodes by itself.
    let published = fs::read(town.path("aurora.nodes.json")).unwrap();
    town.write_nodes(
        "aurora",
        &nodes("aurora", Some(&published), vec![node("aurora", 41), node("aurora", 43)]),
    );
    let publish = ["publish", "--nodes", "aurora.nodes.json", "--trusted", "cloud"];
    town.signed(&publish, &["aurora"]);
    assert_eq!(town.sign()["signed"], "changes");
    assert_eq!(town.ok(&["status", "--member", "aurora"])["nodes"]["seq"], 2);

    // Another one is turned down, and takes the next one back by itself.
    let submission = town.submit("borealis", 42);
    town.signed(
        &["reject", &submission, "--reason", "not in the register"],
        &["group-2"],
    );
    assert_eq!(town.standing("borealis"), "rejected");
    let submission = town.submit("borealis", 42);
    town.signed(&["withdraw", &submission], &["borealis"]);
    assert_eq!(town.standing("borealis"), "withdrawn");
}

fn suspend_and_lift(town: &Town) {
    let trust = ["--trusted", "deny", "--root", "root.json"];
    town.signed(&suspension("aurora"), &["deny"]);
    assert_eq!(town.sign()["signed"], "changes");
    assert_eq!(town.standing("aurora"), "suspended");
    let again = town.signed_refused(&suspension("aurora"), &["deny"]);
    assert!(again.contains("suspended already"), "{again}");
    town.signed(&[&["suspend", "aurora", "--lift"], &trust[..]].concat(), &["deny"]);
    town.sign();
    assert_eq!(town.standing("aurora"), "published");
}

fn revoke(town: &Town) {
    town.signed(
        &["revoke", "aurora", "--trusted", "group", "--root", "root.json"],
        &["group-2"],
    );
    town.approve(&["group-2", "group-3"]);
    town.sign();
    assert_eq!(town.standing("aurora"), "revoked");
    let refused = town.signed_refused(
        &["publish", "--nodes", "aurora.nodes.json", "--trusted", "cloud"],
        &["aurora"],
    );
    assert!(refused.contains("aurora"), "{refused}");
    let history = town.ok(&["status", "--member", "aurora"])["history"]["history"].clone();
    let standings: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["standing"].clone())
        .collect();
    let approved = |got: u32| json!({ "approved": { "got": got, "needed": 2 } });
    let mut expected = vec![json!("submitted"), json!("verified"), approved(1), approved(2)];
    expected.extend(["published", "suspended", "published", "revoked"].map(|standing| json!(standing)));
    assert_eq!(standings, expected);
}

/// What was revoked can come back: its records go on from those that are published.
fn readmit(town: &Town) {
    let targets = files(&town.published().join("targets"));
    let newest = |name: &str| {
        let of_it = targets
            .iter()
            .filter(|(path, _)| path.to_string_lossy().ends_with(name));
        of_it.map(|(_, bytes)| bytes).max_by_key(|bytes| seq(bytes)).unwrap()
    };
    let before = newest(".m.aurora.admission.json");
    let mut admission = crate::town::admission("aurora", 41);
    admission["seq"] = (seq(before) + 1).into();
    admission["prev_sha256"] = papers::sha256(before).to_string().into();
    fs::write(town.path("aurora.admission.json"), admission.to_string()).unwrap();
    let published = newest(".m.aurora.nodes.json");
    town.write_nodes("aurora", &nodes("aurora", Some(published), vec![node("aurora", 44)]));
    let submit = [
        "submit",
        "--admission",
        "aurora.admission.json",
        "--nodes",
        "aurora.nodes.json",
        "--trusted",
        "cloud",
    ];
    let submission = town.signed(&submit, &["aurora"])["submission"].to_string();
    town.signed(&["verify", &submission], &["group-3"]);
    town.approve(&["group-2", "group-3"]);
    assert_eq!(town.sign()["signed"], "changes");
    assert_eq!(town.standing("aurora"), "published");
}

fn seq(record: &[u8]) -> u64 {
    serde_json::from_slice::<Value>(record).unwrap()["seq"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_members_whole_life_on_sqlite() {
    life(None);
}

#[test]
fn a_members_whole_life_on_postgresql() {
    let Some(server) = Postgres::start() else {
        return;
    };
    life(Some(server.database("life")));
}

#[test]
fn tuf_client_reads_what_the_server_publishes() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    town.admit("aurora", 41);
    let client = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tuf-client"));
        command.arg("--metadata-dir").arg(town.path("client"));
        command.args(["--metadata-url", &format!("{}/metadata", town.url)]);
        command.args(["--target-base-url", &format!("{}/targets", town.url), "--target-dir"]);
        command.arg(town.path("got")).args(arguments).output().unwrap()
    };
    assert!(
        client(&["init", town.path("root.json").to_str().unwrap()])
            .status
            .success()
    );
    for path in ["m.aurora.admission.json", "m.aurora.nodes.json", "deny.json"] {
        let done = client(&["--target-name", path, "download"]);
        assert!(
            done.status.success(),
            "{path}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    let got = Nodes::parse(&fs::read(town.path("got/m.aurora.nodes.json")).unwrap()).unwrap();
    assert_eq!(got.check_proofs(now()), Ok(()));
}

#[test]
fn root_and_the_online_keys_are_rotated() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    // The thief's copies of both online keys are worth nothing after the next root.
    let new = ["root", "new", "--before", "root.json", "--out", "root-2.json"];
    let keys = ["--snapshot-key", &public(22), "--timestamp-key", &public(32)];
    town.ok(&[&new[..], &keys].concat());
    let said = town.signed_refused(&["root", "sign", "root-2.json", "--before", "root.json"], &["thief"]);
    assert!(said.contains("none of the keys"), "{said}");
    town.signed(&["root", "sign", "root-2.json", "--before", "root.json"], &["root-1"]);
    town.signed(&["rotate", "root-2.json"], &["root-1"]);
    assert_eq!(town.sign()["signed"], Value::Null, "one holder is not enough");
    town.signed(&["root", "sign", "root-2.json", "--before", "root.json"], &["root-2"]);
    town.signed(&["rotate", "root-2.json"], &["root-2"]);
    let said = town.refused(&town.sign_arguments());
    assert!(
        said.contains("validators would refuse it"),
        "the old keys cannot sign for the new root: {said}"
    );
    for (name, number) in [("snapshot-2", 22), ("timestamp-2", 32)] {
        let password = ledger_keys::Password::new("correct horse".to_owned());
        ledger_keys::consensus::write_encrypted(&town.key(name), &crate::kit::secret(number), &password).unwrap();
    }
    let keys = [
        "sign",
        "--once",
        "--snapshot-key",
        "snapshot-2.pem",
        "--timestamp-key",
        "timestamp-2.pem",
    ];
    let signed = town.ok(&[&keys[..], &["--trusted", "signer", "--root", "root.json"]].concat());
    assert_eq!(signed["signed"], "changes");
    assert_eq!(town.audit()["root_version"], 2);
}

#[test]
fn one_stolen_key_of_the_working_group_publishes_nothing() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    town.admit("aurora", 41);
    let before = files(&town.published().join("targets"));
    // It can put its friend on the list, and remove others from it.
    let submission = town.submit("borealis", 42);
    town.signed(&["verify", &submission], &["group-1"]);
    town.signed(
        &["revoke", "aurora", "--trusted", "group", "--root", "root.json"],
        &["group-1"],
    );
    // It signs, as often as it likes: one key is one signature.
    town.approve(&["group-1"]);
    let (version, sha256) = town.proposal();
    let approve = approval(&version, &sha256);
    let said = town.signed_refused(&approve, &["group-1"]);
    assert!(said.contains("so already"), "{said}");
    let said = town.signed_refused(&approve, &["thief"]);
    assert!(said.contains("refused (403"), "{said}");
    assert_eq!(town.sign()["signed"], Value::Null);
    assert_eq!(files(&town.published().join("targets")), before);
    assert_eq!(town.standing("aurora"), "published");
    // Nor may it suspend anybody, or speak for a member.
    let said = town.signed_refused(&suspension("aurora"), &["group-1"]);
    assert!(said.contains("refused (403"), "{said}");
    let published = fs::read(town.path("aurora.nodes.json")).unwrap();
    town.write_nodes("aurora", &nodes("aurora", Some(&published), vec![node("aurora", 77)]));
    let said = town.signed_refused(
        &["publish", "--nodes", "aurora.nodes.json", "--trusted", "cloud"],
        &["group-1"],
    );
    assert!(said.contains("refused (403"), "{said}");
    town.audit();
}

#[test]
fn those_who_may_suspend_are_replaced_and_two_of_them_must_sign() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    town.admit("aurora", 41);
    let trust = ["--trusted", "deny", "--root", "root.json"];
    let (two, three) = (public(16), public(17));
    let keys = ["--deny-key", &two, "--deny-key", &three, "--deny-threshold", "2"];

    // The new ones sign the list as it is, and the working group takes them.
    town.ok(&[
        &["deny", "next", "--out", "role.json", "--list-out", "list.json"],
        &trust[..],
    ]
    .concat());
    let signed = town.signed(
        &[&["deny", "sign", "role.json"], &keys[..]].concat(),
        &["deny-2", "deny-3"],
    );
    assert_eq!(signed["signed"], "2 of 2: enough");
    let replace = [&["deny", "replace", "role.json"], &keys[..]].concat();
    town.signed(&replace, &["group-1"]);
    town.signed(&["clear"], &["group-2"]);
    assert_eq!(town.ok(&["status"])["proposal"], Value::Null);
    town.signed(&replace, &["group-1"]);
    town.approve(&["group-1", "group-3"]);
    assert_eq!(town.sign()["signed"], "changes");
    let old = town.signed_refused(&suspension("aurora"), &["deny"]);
    assert!(old.contains("refused (403"), "{old}");

    // From now on a suspension goes from one to the other.
    let suspend = [
        "deny",
        "next",
        "--suspend",
        "aurora",
        "--reason",
        "reason",
        "--out",
        "next.json",
        "--list-out",
        "next-list.json",
    ];
    town.ok(&[&suspend[..], &trust].concat());
    let sign = ["deny", "sign", "next.json", "--targets", "deny/targets.json"];
    assert_eq!(town.signed(&sign, &["deny-2"])["signed"], "1 of 2: 1 missing");
    let send = ["deny", "send", "next.json", "--list", "next-list.json"];
    let early = town.signed_refused(&send, &["deny-2"]);
    assert!(early.contains("need the signatures of 2 different keys"), "{early}");
    town.signed(&sign, &["deny-3"]);
    town.signed(&send, &["deny-3"]);
    town.sign();
    assert_eq!(town.standing("aurora"), "suspended");
}

#[test]
fn whoever_approves_is_shown_what_changes_and_asked() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    let submission = town.submit("aurora", 41);
    town.signed(&["verify", &submission], &["group-1"]);
    let (version, sha256) = town.proposal();
    let key = town.key("group-1").display().to_string();
    let arguments = [
        "approve",
        &version,
        "--trusted",
        "group",
        "--root",
        "root.json",
        "--key",
        &key,
    ];
    let answered = |answer: &str| {
        let mut command = town.command(&arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let asked = answered("no\n");
    let said = String::from_utf8(asked.stderr).unwrap();
    assert_eq!(asked.status.code(), Some(1));
    for line in [
        "m.aurora.admission.json: new",
        "role m-aurora: new",
        "admit aurora",
        "nothing was signed",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(town.standing("aurora"), "verified");
    assert!(answered("yes\n").status.success());
    assert_eq!(
        town.standing("aurora"),
        json!({ "approved": { "got": 1, "needed": 2 } })
    );
    // Who names the bytes is not asked, and signs no others.
    let others = ["approve", &version, "--sha256", &"00".repeat(32), "--trusted", "group"];
    let said = town.signed_refused(&others, &["group-2"]);
    assert!(said.contains(&sha256) && said.contains("look at it again"), "{said}");
}
