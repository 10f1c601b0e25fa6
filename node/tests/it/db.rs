//! `ledger-node db` as an operator uses it: on a running node, on a stopped one, and on one that is damaged.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
};

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::node::{Ended, Node, dev_account, run, transfer};

/// `ledger-node db` on the dev chain in `folder`.
fn db(folder: &Path, arguments: &[&str]) -> Ended {
    let data = folder.join("data");
    let place = ["--chain", "dev", "--data-dir", data.to_str().unwrap()];
    run(&[&["db"], arguments, &place].concat())
}

fn refused(ended: &Ended, code: i32, words: &[&str]) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing: {said}");
    }
}

/// Makes two blocks.
fn grow(node: &Node) -> Value {
    for nonce in 0..2 {
        let hash = node.send(&transfer(
            &dev_account(0),
            nonce,
            Address::repeat_byte(9),
            U256::from(5),
        ));
        node.receipt(&hash);
    }
    node.call("eth_getBlockByNumber", json!(["latest", false]))
}

#[test]
fn a_running_node_is_verified_measured_and_backed_up_without_stopping() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let head = grow(&node);
    let report = db(folder.path(), &["verify", "--re-execute", "--json"]).json();
    assert_eq!(
        (&report["sound"], &report["report"]["problems"]),
        (&json!(true), &json!([])),
        "{report}"
    );
    assert_eq!(report["report"]["executed_blocks"], report["report"]["head"]);
    assert!(
        report["database"].as_str().unwrap().ends_with("data/checkpoint"),
        "{report}"
    );
    let stats = db(folder.path(), &["stats", "--json"]).json();
    assert_eq!(
        (&stats["transactions"], &stats["stats"]["codes_issued"]),
        (&json!(2), &json!(0)),
        "{stats}"
    );
    let backup = folder.path().join("backup");
    let made = db(folder.path(), &["backup", backup.to_str().unwrap(), "--json"]).json();
    assert_eq!(
        (&made["head_hash"], &made["has_guard"]),
        (&head["hash"], &json!(false)),
        "{made}"
    );
    assert!(!backup.join("guard").exists() && !backup.join("chain/guard").exists());
    refused(
        &db(folder.path(), &["backup", backup.to_str().unwrap()]),
        2,
        &["is there already"],
    );
    refused(
        &db(folder.path(), &["prune", "--keep-blocks", "1"]),
        2,
        &["in use by another process"],
    );
    refused(
        &db(folder.path(), &["restore", backup.to_str().unwrap(), "--replace"]),
        2,
        &["a node uses the database", "stop it first"],
    );
    assert!(
        !folder.path().join("data/checkpoint").exists(),
        "the checkpoint stays behind"
    );

    node.signal("TERM");
    assert_eq!(node.wait(), Some(0), "{}", node.log());
    assert!(!folder.path().join("data/admin.sock").exists());
    let text = db(folder.path(), &["verify"]);
    refused(&text, 0, &["nothing is wrong", head["hash"].as_str().unwrap()]);
    let of_backup = db(
        folder.path(),
        &["verify", "--backup", backup.to_str().unwrap(), "--re-execute"],
    );
    refused(&of_backup, 0, &["nothing is wrong", "executed"]);
}

#[test]
fn a_backup_takes_the_place_of_what_is_lost_and_the_guard_stays() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let head = grow(&node);
    node.signal("KILL");
    node.wait();
    let (backup, chain) = (folder.path().join("backup"), folder.path().join("data/chain"));
    let backup = backup.to_str().unwrap();
    assert_eq!(
        db(folder.path(), &["backup", backup, "--json"]).json()["head_hash"],
        head["hash"]
    );
    let guard = fs::read(folder.path().join("data/guard/guard.log")).unwrap();

    fs::remove_file(chain.join("CURRENT")).unwrap();
    refused(
        &db(folder.path(), &["verify"]),
        1,
        &["has lost its file CURRENT", "db restore"],
    );
    refused(
        &db(folder.path(), &["restore", backup]),
        2,
        &["there is a database in", "--replace"],
    );
    refused(
        &db(folder.path(), &["restore", backup, "--replace"]),
        0,
        &["chain.replaced", "guard store was left alone"],
    );
    assert_eq!(fs::read(folder.path().join("data/guard/guard.log")).unwrap(), guard);
    let mut node = Node::start(folder.path(), &[]);
    assert_eq!(node.call("eth_getBlockByNumber", json!(["latest", false])), head);
    node.stop();
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_touched() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    grow(&node);
    node.signal("KILL");
    node.wait();
    let backup = folder.path().join("backup");
    assert_eq!(db(folder.path(), &["backup", backup.to_str().unwrap()]).code, Some(0));
    let table = fs::read_dir(backup.join("chain"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let table = table
        .filter(|path| path.extension().is_some_and(|end| end == "sst"))
        .min()
        .unwrap();
    let mut bytes = fs::read(&table).unwrap();
    bytes[10] ^= 1;
    fs::write(&table, bytes).unwrap();
    let ended = db(folder.path(), &["restore", backup.to_str().unwrap(), "--replace"]);
    refused(
        &ended,
        1,
        &["the backup is damaged", "Nothing was changed", table.to_str().unwrap()],
    );
    refused(&db(folder.path(), &["verify"]), 0, &["nothing is wrong"]);

    fs::remove_file(backup.join("backup.json")).unwrap();
    let ended = db(folder.path(), &["restore", backup.to_str().unwrap(), "--replace"]);
    refused(&ended, 2, &["there is no backup in", "backup.json"]);
}

#[test]
fn lost_blocks_are_refused_until_the_operator_gives_them_up() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let head = grow(&node);
    node.signal("KILL");
    node.wait();
    let logs = fs::read_dir(folder.path().join("data/chain"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let log = logs
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .max()
        .unwrap();
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(file.metadata().unwrap().len() - 7).unwrap();
    let data = folder.path().join("data");
    let start = [
        "--chain",
        "dev",
        "--rpc-port",
        "0",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    refused(
        &run(&start),
        3,
        &[
            "was final here",
            head["hash"].as_str().unwrap(),
            "--accept-lost-blocks",
            "db restore",
        ],
    );

    // The guard still has the block that it signed: the chain does not get another one at that height.
    let mut node = Node::start(folder.path(), &["--accept-lost-blocks"]);
    let hash = node.send(&transfer(&dev_account(3), 0, Address::repeat_byte(8), U256::from(1)));
    node.receipt(&hash);
    assert_eq!(node.call("eth_getBlockByNumber", json!([head["number"], false])), head);
    node.stop();
}

#[test]
fn the_admin_socket_is_the_owners_and_takes_only_what_it_knows() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let socket = folder.path().join("data/admin.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    for (line, word) in [
        ("{\"method\":\"shutdown\"}\n", "not a request of this version"),
        (
            "{\"method\":\"checkpoint\",\"path\":\"/etc\"}\n",
            "not a request of this version",
        ),
        ("\u{0}\n", "not a request of this version"),
    ] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(word), "{line:?}: {answer}");
    }
    let mut flood = UnixStream::connect(&socket).unwrap();
    // The node stops reading at its bound, so that the end of this may not be taken.
    let _ = flood.write_all(&vec![b'x'; 1 << 20]);
    let mut answer = String::new();
    let _ = flood.read_to_string(&mut answer);
    assert!(!folder.path().join("data/checkpoint").exists());
    node.call("eth_blockNumber", json!([]));
    node.stop();
}
