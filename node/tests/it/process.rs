//! The built binary: starts, answers, stops, goes on after a crash, and refuses bad input with a sentence and a code.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use ledger_chainspec::{ChainSpec, NotaryParams};
use ledger_node::keys::{Password, consensus};
use serde_json::json;
use tempfile::tempdir;

use crate::node::{Node, dev_account, run, transfer};

/// Runs the binary to its end and checks how it ended: the code, that it says these words, and that it did not panic.
fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let ended = run(arguments);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say `{word}`: {said}");
    }
    assert!(
        !said.contains("panicked") && !said.contains("RUST_BACKTRACE"),
        "{arguments:?}: {said}"
    );
}

#[test]
fn dev_chain_starts_answers_and_stops_in_time() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    assert_eq!(node.call("eth_chainId", json!([])), json!("0x189c"));
    node.call("eth_blockNumber", json!([]));
    assert_eq!(node.announced["accounts"].as_array().unwrap().len(), 10);
    assert_eq!(
        fs::metadata(folder.path().join("data")).unwrap().permissions().mode() & 0o077,
        0
    );

    let asked = Instant::now();
    node.signal("TERM");
    assert_eq!(node.wait(), Some(0), "{}", node.log());
    assert!(asked.elapsed() < Duration::from_secs(5), "took {:?}", asked.elapsed());
}

/// A specification whose notary is at `address`, in `folder`.
fn with_notary(folder: &Path, address: &str) -> String {
    let mut spec = ChainSpec::dev();
    spec.notary = Some(NotaryParams {
        urls: vec![format!("http://{address}")],
        root_version: 1,
        root_sha256: [7; 32].into(),
    });
    let path = folder.join("chain.toml");
    fs::write(&path, spec.to_toml()).unwrap();
    path.display().to_string()
}

/// Stops a node that has logged `words`: it ends well, and in time.
fn stops_well_after(mut node: Node, words: &str) {
    node.wait_for_log(words, words.split_whitespace().next().unwrap());
    let asked = Instant::now();
    node.signal("TERM");
    assert_eq!(node.wait(), Some(0), "{}", node.log());
    assert!(asked.elapsed() < Duration::from_secs(5), "took {:?}", asked.elapsed());
    assert!(!node.log().contains("panicked"), "{}", node.log());
}

#[test]
fn node_with_a_notary_stops_well_between_two_looks_and_within_one() {
    let folder = tempdir().unwrap();
    // Nobody listens there: a look is over at once.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let chain = with_notary(folder.path(), &nobody.to_string());
    let node = Node::start_chain(&chain, &folder.path().join("between"), &[]);
    stops_well_after(node, "the notary says nothing that holds");

    // Whoever connects waits for an answer: a look is not over for long.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let chain = with_notary(folder.path(), &silent.local_addr().unwrap().to_string());
    let node = Node::start_chain(&chain, &folder.path().join("within"), &[]);
    let _asked = silent.accept().unwrap();
    stops_well_after(node, "node runs");
}

#[test]
fn transaction_without_coins_is_final_within_seconds_and_survives_a_kill() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let user = alloy_signer_local::PrivateKeySigner::random();
    let first = node.send(&transfer(&user, 0, Address::repeat_byte(1), U256::ZERO));
    let receipt = node.receipt(&first);
    assert_eq!(receipt["status"], json!("0x1"), "{receipt}");
    let block = node.call("eth_getBlockByNumber", json!([receipt["blockNumber"], false]));
    assert_eq!(block["transactions"], json!([first]));

    node.signal("KILL");
    node.wait();
    let mut node = Node::start(folder.path(), &[]);
    assert_eq!(
        node.call("eth_getBlockByNumber", json!([receipt["blockNumber"], false])),
        block
    );
    assert_eq!(node.receipt(&first), receipt);
    let second = node.send(&transfer(&user, 1, Address::repeat_byte(2), U256::ZERO));
    let parent =
        node.call("eth_getBlockByHash", json!([node.receipt(&second)["blockHash"], false]))["parentHash"].clone();
    assert_eq!(parent, block["hash"]);
    node.stop();
}

#[test]
fn funded_account_pays_another() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let to = Address::repeat_byte(9);
    let hash = node.send(&transfer(&dev_account(0), 0, to, U256::from(5)));
    node.receipt(&hash);
    assert_eq!(node.call("eth_getBalance", json!([to, "latest"])), json!("0x5"));
    node.stop();
}

#[test]
fn port_in_use_is_named_with_the_flag_that_moves_it() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for flag in ["--rpc-port", "--p2p-port", "--metrics-port"] {
        let rpc = if flag == "--rpc-port" {
            vec![]
        } else {
            vec!["--rpc-port", "0"]
        };
        let arguments = [vec!["--chain", "dev", "--data-dir", data, flag, &port], rpc].concat();
        refused(&arguments, 6, &[&port, flag]);
    }
}

#[test]
fn data_of_another_chain_is_refused_and_untouched() {
    let folder = tempdir().unwrap();
    Node::start(folder.path(), &[]).stop();
    let other = folder.path().join("other.toml");
    let mut spec = ChainSpec::dev();
    spec.genesis_timestamp += 1;
    fs::write(&other, spec.to_toml()).unwrap();
    let data = folder.path().join("data");
    let arguments = [
        "--chain",
        other.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
        "--rpc-port",
        "0",
    ];
    refused(&arguments, 3, &["genesis", "--data-dir"]);
    Node::start(folder.path(), &[]).stop();
}

#[test]
fn second_node_in_one_data_folder_is_refused() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let data = folder.path().join("data");
    refused(
        &[
            "--chain",
            "dev",
            "--data-dir",
            data.to_str().unwrap(),
            "--rpc-port",
            "0",
        ],
        3,
        &["in use"],
    );
    node.call("eth_blockNumber", json!([]));
    node.stop();
}

#[test]
fn data_folder_that_is_a_file_is_refused() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    refused(
        &[
            "--chain",
            "dev",
            "--data-dir",
            file.to_str().unwrap(),
            "--rpc-port",
            "0",
        ],
        3,
        &["file"],
    );
}

fn write_key(path: &Path, password_path: &Path) {
    consensus::write_encrypted(
        path,
        &consensus::generate().unwrap(),
        &Password::new("secret".to_owned()),
    )
    .unwrap();
    fs::write(password_path, "secret\n").unwrap();
    fs::set_permissions(password_path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn key_that_cannot_be_used_is_refused_by_reason() {
    let folder = tempdir().unwrap();
    let (key, password) = (folder.path().join("key.pem"), folder.path().join("password"));
    write_key(&key, &password);
    let data = folder.path().join("data");
    let start = |key: &Path, words: &[&str]| {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (data, key, password) = (text(&data), text(key), text(&password));
        let arguments = [
            "--chain",
            "dev",
            "--data-dir",
            &data,
            "--rpc-port",
            "0",
            "--validator-key",
            &key,
            "--password-file",
            &password,
        ];
        refused(&arguments, 4, words);
    };
    start(&key, &["not one of this chain's validators"]);
    start(
        &folder.path().join("missing.pem"),
        &["cannot read key file", "missing.pem"],
    );
    fs::write(&password, "wrong\n").unwrap();
    start(&key, &["wrong password"]);
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    start(&key, &["chmod 600"]);
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    start(&key, &["0640", "chmod 600"]);
}

#[test]
fn specification_is_refused_with_the_key_it_does_not_know() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("chain.toml");
    fs::write(&path, format!("colour = \"blue\"\n{}", ChainSpec::dev().to_toml())).unwrap();
    let path = path.to_str().unwrap();
    refused(&["--chain", path, "--rpc-port", "0"], 5, &["colour"]);
    refused(&["spec", "check", path], 5, &["colour"]);
    refused(&["--chain", "no-such-chain", "--rpc-port", "0"], 5, &["no-such-chain"]);
}

#[test]
fn wrong_usage_has_code_two() {
    refused(&[], 2, &["--chain dev"]);
    refused(&["--chain", "dev", "--no-such-flag"], 2, &["--no-such-flag"]);
    refused(&["--chain", "dev", "--rpc-port", "70000"], 2, &["70000"]);
    refused(&["--chain", "dev", "--log-level", "ledger=loud"], 2, &["--log-level"]);
    refused(
        &["--chain", "dev", "--archive", "--history-blocks", "5"],
        2,
        &["--archive"],
    );
    let folder = tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let started = [
        "--chain",
        "dev",
        "--data-dir",
        data,
        "--rpc-port",
        "0",
        "--p2p-port",
        "0",
    ];
    refused(&[&started[..], &["--bootnode", "nonsense"]].concat(), 2, &["nonsense"]);
}

#[test]
fn lost_guard_needs_the_operators_word() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let user = alloy_signer_local::PrivateKeySigner::random();
    let hash = node.send(&transfer(&user, 0, Address::repeat_byte(1), U256::ZERO));
    node.receipt(&hash);
    node.stop();

    fs::remove_dir_all(folder.path().join("data/guard")).unwrap();
    let data = folder.path().join("data");
    let arguments = [
        "--chain",
        "dev",
        "--data-dir",
        data.to_str().unwrap(),
        "--rpc-port",
        "0",
    ];
    refused(&arguments, 3, &["--accept-lost-guard"]);
    let mut node = Node::start(folder.path(), &["--accept-lost-guard"]);
    let hash = node.send(&transfer(&user, 1, Address::repeat_byte(1), U256::ZERO));
    node.receipt(&hash);
    node.stop();
    // From here on there is a record again.
    Node::start(folder.path(), &[]).stop();
}

#[test]
fn chain_restored_from_a_backup_is_not_signed_on_again() {
    let folder = tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let user = alloy_signer_local::PrivateKeySigner::random();
    for nonce in 0..2 {
        let hash = node.send(&transfer(&user, nonce, Address::repeat_byte(1), U256::ZERO));
        node.receipt(&hash);
    }
    node.stop();
    fs::remove_dir_all(folder.path().join("data/chain")).unwrap();
    let data = folder.path().join("data");
    refused(
        &[
            "--chain",
            "dev",
            "--data-dir",
            data.to_str().unwrap(),
            "--rpc-port",
            "0",
        ],
        3,
        &["backup"],
    );
}

#[test]
fn metrics_are_served_on_their_own_port_with_units() {
    let folder = tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut node = Node::start(folder.path(), &["--metrics-port", &free.port().to_string()]);
    let hash = node.send(&transfer(&dev_account(1), 0, Address::repeat_byte(1), U256::ZERO));
    node.receipt(&hash);
    for address in [free.to_string(), node.address().to_owned()] {
        let text = crate::node::get(&address, "/metrics");
        for name in [
            "ledger_head_block ",
            "ledger_transactions_total 1\n",
            "ledger_block_commit_seconds_bucket",
        ] {
            assert!(text.contains(name), "{address} does not say {name}: {text}");
        }
    }
    node.stop();
}

#[test]
fn testnet_without_a_key_follows_and_meets_its_peers() {
    let folder = tempdir().unwrap();
    let common = ["--p2p-port", "0"];
    let first = Node::start_chain("testnet", &folder.path().join("a"), &common);
    let address = first.wait_for_log("listening for peers", "/tcp/");
    let bootnode = format!("{address}/p2p/{}", first.announced["peer_id"].as_str().unwrap());
    assert!(first.announced["validator"].is_null());
    let mut second = Node::start_chain(
        "testnet",
        &folder.path().join("b"),
        &["--p2p-port", "0", "--bootnode", &bootnode],
    );
    let mut first = first;
    for node in [&first, &second] {
        node.wait_for("net_peerCount", &json!("0x1"));
        assert_eq!(node.call("net_listening", json!([])), json!(true));
    }
    // A peer of another chain is let go as soon as it says which one it is on.
    let mut stranger = Node::start(&folder.path().join("c"), &["--p2p-port", "0", "--bootnode", &bootnode]);
    std::thread::sleep(Duration::from_secs(1));
    stranger.wait_for("net_peerCount", &json!("0x0"));
    assert_eq!(first.call("net_peerCount", json!([])), json!("0x1"));
    for node in [&mut first, &mut second, &mut stranger] {
        node.stop();
    }
}

#[test]
fn keys_and_specs_speak_json() {
    let folder = tempdir().unwrap();
    let (key, password) = (folder.path().join("key.pem"), folder.path().join("password"));
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let (key, password) = (key.to_str().unwrap(), password.to_str().unwrap());
    let made = run(&["--json", "keys", "generate", "--out", key, "--password-file", password]).json();
    let shown = run(&["--json", "keys", "show", key, "--password-file", password]).json();
    assert_eq!(made, shown);
    assert_eq!(made["consensus_key"].as_str().unwrap().len(), 66);
    refused(
        &["keys", "generate", "--out", key, "--password-file", password],
        4,
        &["exists"],
    );

    let account = folder.path().join("account.json");
    let account = account.to_str().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("{}\n", dev_account(0).to_bytes())).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let secret = secret.to_str().unwrap();
    let imported = run(&[
        "--json",
        "keys",
        "account",
        "import",
        "--secret",
        secret,
        "--out",
        account,
        "--password-file",
        password,
    ])
    .json();
    assert_eq!(imported["address"], json!(dev_account(0).address()));
    assert_eq!(
        run(&[
            "--json",
            "keys",
            "account",
            "show",
            account,
            "--password-file",
            password
        ])
        .json(),
        imported
    );

    let toml = run(&["spec", "show", "dev"]);
    assert_eq!(toml.code, Some(0));
    ChainSpec::from_toml(&toml.stdout).unwrap();
    let hash = run(&["spec", "hash", "testnet"]);
    assert_eq!(hash.stdout.trim().len(), 66, "{}", hash.stdout);
}
