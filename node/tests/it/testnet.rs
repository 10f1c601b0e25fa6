//! `ledger-node testnet` with real processes: folders, ports, restarts, crashes, and state files that are no longer true.
//!
//! One validator alone makes blocks, so one is enough for all of that.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::{
    node::{Ended, binary, run},
    ports::free_ports,
};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A network in a folder of its own, stopped when dropped.
struct Testnet {
    folder: TempDir,
    p2p: u16,
    rpc: u16,
}

impl Testnet {
    fn new() -> Self {
        Self {
            folder: tempdir().unwrap(),
            p2p: free_ports(4),
            rpc: free_ports(4),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("net")
    }

    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let mut arguments = vec!["testnet".to_owned()];
        arguments.extend(words.iter().map(ToString::to_string));
        arguments.extend(["--data-dir".to_owned(), self.path().display().to_string()]);
        arguments
    }

    fn ask(&self, words: &[&str]) -> Ended {
        let arguments = self.arguments(words);
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A command that works; gives its JSON.
    fn json(&self, words: &[&str]) -> Value {
        self.ask(&[words, &["--json"]].concat()).json()
    }

    fn up_arguments(&self) -> Vec<String> {
        let (p2p, rpc) = (self.p2p.to_string(), self.rpc.to_string());
        self.arguments(&[
            "up",
            "--no-notary",
            "--validators",
            "1",
            "--nodes",
            "0",
            "--p2p-port-base",
            &p2p,
            "--rpc-port-base",
            &rpc,
        ])
    }

    /// Starts one validator in the background.
    fn up(&self) -> Value {
        let ended = self.try_up();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        self.json(&["status"])
    }

    fn try_up(&self) -> Ended {
        let mut arguments = self.up_arguments();
        arguments.push("--detach".to_owned());
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn state(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path().join("testnet.json")).unwrap()).unwrap()
    }

    fn change_state(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        change(&mut state);
        fs::write(self.path().join("testnet.json"), state.to_string()).unwrap();
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        // It may be down already, or never have been up.
        let _ = binary().args(self.arguments(&["down"])).output();
    }
}

fn pid(status: &Value) -> u32 {
    u32::try_from(
        status["nodes"][0]["pid"]
            .as_u64()
            .unwrap_or_else(|| panic!("no process: {status}")),
    )
    .unwrap()
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn kill(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn said(ended: &Ended, code: i32, words: &[&str]) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_network_in_the_background_runs_until_it_is_taken_down_and_goes_on_afterwards() {
    let net = Testnet::new();
    let status = net.up();
    let first = pid(&status);
    assert_eq!(
        (&status["good"], &status["running"], &status["wanted"]),
        (&json!(true), &json!(1), &json!(1))
    );
    assert_eq!(
        status["nodes"][0]["rpc"],
        json!(format!("http://127.0.0.1:{}", net.rpc))
    );
    assert_eq!(status["nodes"][0]["condition"], json!("ready"));
    let head = status["nodes"][0]["head"].clone();
    assert!(status["height"].as_u64() >= Some(1), "{status}");
    assert!(is_alive(first));

    said(&net.try_up(), 0, &["run already"]);
    assert_eq!(pid(&net.json(&["status"])), first);

    let down = net.json(&["down"]);
    assert_eq!(
        down,
        json!({ "stopped": [{ "node": "validator-0", "how": "stopped" }] })
    );
    assert!(!is_alive(first));
    said(&net.ask(&["status"]), 1, &["is stopped", "testnet up"]);
    assert_eq!(net.json(&["down"]), json!({ "stopped": [] }));

    said(
        &net.ask(&["up", "--detach"]),
        0,
        &["starting all of them again", "1 of 1 nodes run"],
    );
    let again = net.json(&["status"]);
    assert_ne!(pid(&again), first);
    assert_eq!(again["nodes"][0]["head"], head, "the chain of before goes on");
}

#[test]
fn keys_are_private_and_stay_what_they_are() {
    let net = Testnet::new();
    net.up();
    let files = ["validator.pem", "password", "identity.pem"].map(|name| net.path().join("validator-0").join(name));
    let read = || files.each_ref().map(|file| fs::read(file).unwrap());
    let before = read();
    for file in &files {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    assert_eq!(fs::metadata(net.path()).unwrap().permissions().mode() & 0o077, 0);
    net.ask(&["down"]);
    net.up();
    assert!(before == read(), "a key was written anew");
    let spec = fs::read_to_string(net.path().join("spec.toml")).unwrap();
    assert!(
        spec.contains(&format!("/ip4/127.0.0.1/tcp/{}/p2p/12D3KooW", net.p2p)),
        "{spec}"
    );
}

#[test]
fn a_node_that_was_killed_is_named_with_its_last_words_and_started_again_by_up() {
    let net = Testnet::new();
    let first = pid(&net.up());
    kill(first, "KILL");
    wait_until("the node is gone", || !is_alive(first));
    said(
        &net.ask(&["status"]),
        1,
        &[
            "ENDED",
            "validator-0 has ended",
            "node.log",
            "node runs",
            "0 of 1 nodes that should run do",
        ],
    );
    let status = net.up();
    assert_ne!(pid(&status), first);
    let log = net.json(&["logs", "validator-0", "-n", "3"]);
    assert_eq!(log["logs"][0]["lines"].as_array().unwrap().len(), 3, "{log}");
}

#[test]
fn one_node_is_stopped_and_started_by_number_and_by_name() {
    let net = Testnet::new();
    let first = pid(&net.up());
    said(
        &net.ask(&["stop-node", "0"]),
        0,
        &["validator-0 has stopped", "stands still"],
    );
    assert!(!is_alive(first));
    said(&net.ask(&["stop-node", "0"]), 0, &["was down already"]);
    assert_eq!(
        net.json(&["start-node", "validator-0"]),
        json!({ "started": [{ "node": "validator-0" }] })
    );
    let second = pid(&net.json(&["status"]));
    said(&net.ask(&["start-node", "0"]), 0, &["runs already"]);
    said(&net.ask(&["restart"]), 0, &["validator-0 answers again"]);
    assert_ne!(pid(&net.json(&["status"])), second);
    said(&net.ask(&["stop-node", "node-7"]), 2, &["node-7", "validator-0"]);
}

#[test]
fn a_state_file_that_is_no_longer_true_harms_no_other_process() {
    let net = Testnet::new();
    let first = pid(&net.up());
    // A number that another process has by now.
    let mut bystander = Command::new("sleep").arg("600").spawn().unwrap();
    net.change_state(|state| state["nodes"][0]["process"]["pid"] = json!(bystander.id()));
    said(&net.ask(&["down"]), 0, &["has stopped"]);
    assert!(bystander.try_wait().unwrap().is_none(), "another process was ended");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert!(!is_alive(first), "the node was found by its folder");
}

#[test]
fn a_node_whose_start_was_never_written_down_is_found_again() {
    let net = Testnet::new();
    let first = pid(&net.up());
    net.change_state(|state| state["nodes"][0]["process"] = Value::Null);
    said(&net.try_up(), 0, &["run already"]);
    assert_eq!(pid(&net.json(&["status"])), first);
}

#[test]
fn two_commands_that_bring_it_up_at_once_start_it_once() {
    let net = Testnet::new();
    let spawn = || {
        let command = binary()
            .args(net.up_arguments())
            .arg("--detach")
            .stderr(Stdio::piped())
            .spawn();
        command.unwrap().wait_with_output().unwrap()
    };
    thread::scope(|scope| {
        let both = [scope.spawn(spawn), scope.spawn(spawn)];
        for output in both.map(|thread| thread.join().unwrap()) {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    });
    let log = fs::read_to_string(net.path().join("validator-0/node.log")).unwrap();
    assert_eq!(log.matches("the node is started").count(), 1, "{log}");
}

#[test]
fn taken_ports_are_all_named_before_anything_starts() {
    let net = Testnet::new();
    let _rpc = TcpListener::bind(("127.0.0.1", net.rpc)).unwrap();
    let _quic = UdpSocket::bind(("127.0.0.1", net.p2p)).unwrap();
    let refused = net.try_up();
    let words = [
        &*format!(
            "port {} is taken by another program; validator-0 needs it for JSON-RPC",
            net.rpc
        ),
        &*format!(
            "port {} is taken by another program; validator-0 needs it for peers",
            net.p2p
        ),
        "Nothing was started",
        "--rpc-port-base",
    ];
    said(&refused, 6, &words);
    assert!(!net.path().join("testnet.json").exists());
}

#[test]
fn ports_move_while_it_is_down() {
    let mut net = Testnet::new();
    net.up();
    let old = net.rpc;
    net.rpc = free_ports(4);
    said(&net.try_up(), 2, &["run at other ports", "testnet down"]);
    net.ask(&["down"]);
    let status = net.up();
    assert_eq!(
        status["nodes"][0]["rpc"],
        json!(format!("http://127.0.0.1:{}", net.rpc))
    );
    assert!(TcpListener::bind(("127.0.0.1", old)).is_ok());
    said(
        &net.ask(&["up", "--validators", "2"]),
        3,
        &["1 validators and 0 full nodes", "--data-dir"],
    );
}

#[test]
fn folders_that_hold_something_else_are_refused() {
    let net = Testnet::new();
    said(&net.ask(&["status"]), 3, &["there is no testnet", "testnet up"]);
    for command in ["down", "logs", "restart"] {
        said(&net.ask(&[command]), 3, &["there is no testnet"]);
    }
    assert!(!net.path().exists(), "looking made a folder");
    fs::create_dir(net.path()).unwrap();
    fs::write(net.path().join("letters"), "dear").unwrap();
    said(&net.try_up(), 3, &["not empty", "--data-dir"]);
    for (text, word) in [
        ("{", "EOF"),
        (r#"{"version":1}"#, "missing field"),
        (&future(), "version 9"),
    ] {
        fs::write(net.path().join("testnet.json"), text).unwrap();
        said(&net.ask(&["status"]), 3, &["testnet.json", word]);
        said(&net.try_up(), 3, &["testnet.json", word]);
    }
    assert_eq!(fs::read_to_string(net.path().join("letters")).unwrap(), "dear");
    fs::remove_file(net.path().join("testnet.json")).unwrap();
}

fn future() -> String {
    let shape = json!({ "validators": 1, "nodes": 0, "p2p_port_base": 21000, "rpc_port_base": 22000 });
    json!({ "version": 9, "shape": shape, "nodes": [] }).to_string()
}

/// `up` in the foreground: what it prints on standard output, line by line.
fn foreground(net: &Testnet) -> (Child, BufReader<impl Read>) {
    let mut child = binary()
        .args(net.up_arguments())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn read_until(lines: &mut impl BufRead, word: &str) -> String {
    let mut text = String::new();
    while !text.contains(word) {
        assert!(lines.read_line(&mut text).unwrap() > 0, "never said `{word}`: {text}");
    }
    text
}

#[test]
fn in_the_foreground_it_is_shown_until_ctrl_c_and_then_stopped() {
    let net = Testnet::new();
    let (mut child, mut lines) = foreground(&net);
    read_until(&mut lines, "validator-0: ready");
    let first = pid(&net.json(&["status"]));
    kill(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!is_alive(first), "the node outlived the command");
    said(&net.ask(&["status"]), 1, &["is stopped"]);
}

#[test]
fn in_the_foreground_a_node_that_dies_is_shown_with_its_last_words() {
    let net = Testnet::new();
    let (mut child, mut lines) = foreground(&net);
    read_until(&mut lines, "validator-0: ready");
    kill(pid(&net.json(&["status"])), "KILL");
    let shown = read_until(&mut lines, "node runs");
    assert!(shown.contains("validator-0: ENDED"), "{shown}");
    // It was the only one: there is nothing left to show.
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn in_the_foreground_it_ends_when_another_command_takes_the_network_down() {
    let net = Testnet::new();
    let (mut child, mut lines) = foreground(&net);
    read_until(&mut lines, "validator-0: ready");
    net.ask(&["down"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn arguments_of_the_command_are_not_inherited_by_the_nodes() {
    let net = Testnet::new();
    let guard = net.folder.path().join("guard-of-another");
    let output = binary()
        .args(net.up_arguments())
        .arg("--detach")
        .env("LEDGER_GUARD_DIR", &guard)
        .env("LEDGER_RPC_PORT", "1")
        .env("LEDGER_ARCHIVE", "true")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!guard.exists());
    assert!(net.path().join("validator-0/guard").is_dir());
    let environment = fs::read(format!("/proc/{}/environ", pid(&net.json(&["status"])))).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("LEDGER_"));
}
