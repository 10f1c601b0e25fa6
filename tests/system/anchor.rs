//! Altered history, staged for real: the same four validators' keys have certified two histories, and the mainchain has a checkpoint of
//! one. Who reads it follows that one, and who is on the other stops and says why.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use ledger_chainspec::{ChainSpec, Slot};
use ledger_tests::harness::{
    Account, MadeChain, Mainchain, Node, NodeOptions, Refused, Rpc, decoded, free_ports, promo, requests,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Blocks upon a believed checkpoint.
const SOFT: u64 = 3;

/// Longest wait for what takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long nothing has to happen that must not.
const STILL: Duration = Duration::from_secs(5);

/// Exit code of a node that the mainchain contradicts.
const CONTRADICTED: i32 = 7;

/// Two histories of one chain, a node that serves each, and the mainchain that has a checkpoint of the right one.
struct World {
    // Ends first.
    right: Node,
    wrong: Node,
    mainchain: Mainchain,
    folder: TempDir,
    /// The block at the last checkpoint's height, in the right history and in the wrong one.
    anchored: (B256, B256),
    bootnodes: [String; 2],
}

/// The length of both histories and the heights of the checkpoints.
#[derive(Clone, Copy)]
struct Shape {
    right: usize,
    wrong: usize,
    checkpoints: &'static [u64],
}

/// The wrong history is the longer one, so that it would be chosen.
const SHORT: Shape = Shape {
    right: 40,
    wrong: 60,
    checkpoints: &[10, 25],
};

/// Long enough for a state to be taken.
const LONG: Shape = Shape {
    right: 4_150,
    wrong: 4_200,
    checkpoints: &[4_000],
};

fn spec() -> ChainSpec {
    let mut spec = ChainSpec::testnet();
    spec.network.bootnodes.clear();
    spec.genesis_timestamp = 1_700_000_000;
    spec
}

fn options(chain: &Path, arguments: Vec<String>) -> NodeOptions {
    NodeOptions {
        chain: chain.display().to_string(),
        arguments,
        ..NodeOptions::default()
    }
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|word| (*word).to_owned()).collect()
}

/// Makes `count` blocks, the first of which have transactions that the other history has not.
fn grow(chain: &MadeChain, spec: &ChainSpec, count: usize) {
    let offer = Account::development(0, spec.chain_id).signed(0, &promo::set_offer(promo::SMALL, 1_000));
    let begin = Slot::new(1_700_000_100 * 1_000 / spec.consensus.slot_duration_ms);
    chain.block(begin, [decoded(&offer.0)].into_iter());
    for request in requests(5, spec.chain_id) {
        chain.block(begin, std::iter::once(request));
    }
    for _ in 6..count {
        chain.block(begin, std::iter::empty());
    }
    chain.sync();
}

impl World {
    /// None where anvil is not installed.
    fn make(shape: Shape) -> Option<Self> {
        let folder = TempDir::with_prefix("ledger-anchor-").expect("a folder");
        let spec = Arc::new(spec());
        let path = folder.path().join("chain.toml");
        std::fs::write(&path, spec.to_toml()).expect("the specification is written");
        let places = ["right", "wrong"].map(|name| folder.path().join(name));
        let [right, wrong] = [0, 1].map(|index| MadeChain::open(&places[index], &spec));
        grow(&right, &spec, shape.right);
        grow(&wrong, &spec, shape.wrong);
        let mut mainchain = Mainchain::start(right.block_at(0).0, right.set_id(), 4)?;
        for height in shape.checkpoints {
            mainchain.anchor(&right, *height);
        }
        mainchain.mine(SOFT);
        let last = shape.checkpoints[shape.checkpoints.len() - 1];
        let anchored = (right.block_at(last).0, wrong.block_at(last).0);
        assert_ne!(anchored.0, anchored.1);
        drop((right, wrong));
        let port = free_ports(2);
        let serve = |index: u16| {
            let port = port + index;
            let arguments = words(&["--p2p-port", &port.to_string()]);
            let node = Node::try_start_in(&places[usize::from(index)], options(&path, arguments));
            let node = node.unwrap_or_else(|refused| panic!("{refused}"));
            let peer_id = node.announced().json["peer_id"].as_str().expect("a peer id").to_owned();
            (node, format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer_id}"))
        };
        let ((right, one), (wrong, two)) = (serve(0), serve(1));
        Some(Self {
            right,
            wrong,
            mainchain,
            folder,
            anchored,
            bootnodes: [one, two],
        })
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.toml")
    }

    /// A node with nothing in its folder, that knows these peers.
    fn follow(&self, name: &str, bootnodes: &[&str], more: &[String]) -> Node {
        let mut arguments = words(&["--p2p-port", "0", "--bootnode", &bootnodes.join(",")]);
        arguments.extend(more.iter().cloned());
        let place = self.folder.path().join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        Node::try_start_in(&place, options(&self.chain(), arguments)).unwrap_or_else(|refused| panic!("{refused}"))
    }

    fn with_mainchain(&self, more: &[&str]) -> Vec<String> {
        let mut flags = self.mainchain.flags(SOFT);
        flags.extend(words(more));
        flags
    }
}

fn head(rpc: &Rpc) -> Value {
    rpc.call("eth_getBlockByNumber", &json!(["latest", false]))["hash"].clone()
}

fn height(rpc: &Rpc) -> Value {
    rpc.call("eth_blockNumber", &json!([]))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn peer_id(bootnode: &str) -> &str {
    bootnode.rsplit('/').next().expect("it ends with one")
}

#[test]
fn a_new_node_follows_the_anchored_history_although_a_longer_one_is_certified_too() {
    let Some(world) = World::make(SHORT) else { return };
    let [right, wrong] = &world.bootnodes;

    // Who trusts peers alone is led astray: certificates of both histories are good.
    let astray = world.follow("astray", &[wrong], &words(&["--sync", "full"]));
    until("the wrong head", || head(astray.rpc()) == head(world.wrong.rpc()));

    // With nobody else to ask, no block of the wrong history is taken.
    let flags = world.with_mainchain(&["--sync", "full"]);
    let alone = world.follow("alone", &[wrong], &flags);
    until("the refusal", || {
        alone.log().contains("contradicts a checkpoint on the mainchain")
    });
    assert!(
        alone.log().contains(peer_id(wrong)),
        "the peer is named: {}",
        alone.log()
    );
    thread::sleep(STILL);
    assert_eq!(height(alone.rpc()), "0x0");

    let node = world.follow("node", &[wrong, right], &flags);
    until("the right head", || head(node.rpc()) == head(world.right.rpc()));
    let status = node.rpc().call("ledger_status", &json!([]));
    let anchor = &status["anchor"];
    assert_eq!(anchor["complete"], true, "{status}");
    assert_eq!(
        anchor["newest"],
        json!({ "index": "0x2", "height": "0x19", "standing": "soft" }),
        "{status}"
    );
    assert_eq!(anchor["believed"], anchor["newest"], "{status}");
    assert!(
        anchor["ageSeconds"].is_string() && anchor["contradiction"].is_null(),
        "{status}"
    );
    let block = node.rpc().call("eth_getBlockByNumber", &json!(["0x19", false]));
    assert_eq!(block["hash"], json!(world.anchored.0));
}

#[test]
fn a_new_node_takes_the_state_of_the_anchored_history_and_of_no_other() {
    let Some(world) = World::make(LONG) else { return };
    let [right, wrong] = &world.bootnodes;
    let flags = world.with_mainchain(&[]);
    let node = world.follow("node", &[wrong, right], &flags);
    until("the right head", || head(node.rpc()) == head(world.right.rpc()));
    let log = node.log();
    assert!(log.contains("state taken"), "it took a state: {log}");
    let taken_first = log
        .find("the state of this block is taken from peers")
        .expect("it began with one");
    if let Some(refused) = log.find("gave the state of a history that contradicts the mainchain") {
        assert!(
            taken_first < refused && log[refused..].contains(peer_id(wrong)),
            "{log}"
        );
        println!("the wrong history's state was taken first, and dropped");
    }
    assert_eq!(height(node.rpc()), height(world.right.rpc()));
}

/// The node ends as one does that the mainchain contradicts, and names both blocks.
fn assert_contradicted(ended: &Refused, (anchored, got): (B256, B256)) {
    assert_eq!(ended.status.code(), Some(CONTRADICTED), "{ended}");
    for word in [
        anchored.to_string(),
        got.to_string(),
        "move the data folder away".to_owned(),
    ] {
        assert!(ended.words.contains(&word), "`{word}` is missing: {ended}");
    }
}

/// The node makes nothing any more and says why.
fn assert_stopped(node: &Node, (anchored, got): (B256, B256)) {
    until("the contradiction", || {
        let status = node.rpc().call("ledger_status", &json!([]));
        status["anchor"]["contradiction"].is_object()
    });
    let status = node.rpc().call("ledger_status", &json!([]));
    let found = &status["anchor"]["contradiction"];
    assert_eq!(
        (&found["anchored"], &found["got"]),
        (&json!(anchored), &json!(got)),
        "{status}"
    );
    let report = node.rpc().call("ledger_whyStalled", &json!([]));
    assert_eq!(report["stalled"], true, "{report}");
    let reason = report["reasons"][0].as_str().unwrap_or_default();
    assert!(
        reason.contains(&anchored.to_string()) && reason.contains(&got.to_string()),
        "{report}"
    );
    let metrics = node.rpc().get("/metrics").expect("metrics are served");
    assert!(
        metrics.body.contains("ledger_anchor_alarm{name=\"contradiction\"} 1"),
        "{}",
        metrics.body
    );
    let ready = node.rpc().get("/ready").expect("it is served");
    assert!(
        ready.status == 503 && ready.body.contains("\"contradicted\":true"),
        "{ready:?}"
    );
    let refused = promo::verify(node.rpc(), "1:1", 1).expect_err("codes of that history are worth nothing");
    assert!(
        refused.to_string().contains("contradicted by the mainchain"),
        "{refused}"
    );
}

#[test]
fn a_node_on_the_wrong_history_stops_names_the_contradiction_and_does_so_again() {
    let Some(mut world) = World::make(SHORT) else { return };
    let blocks = |world: &World, height: &str| {
        let hash = |node: &Node| -> B256 {
            let block = node.rpc().call("eth_getBlockByNumber", &json!([height, false]));
            block["hash"]
                .as_str()
                .and_then(|hash| hash.parse().ok())
                .expect("a hash")
        };
        (hash(&world.right), hash(&world.wrong))
    };
    // The first checkpoint is what it meets first.
    let first = blocks(&world, "0xa");
    let port = world.bootnodes[1].split('/').nth(4).expect("a port").to_owned();
    let mut arguments = world.with_mainchain(&[]);
    arguments.extend(words(&["--p2p-port", &port]));
    world.wrong.set_arguments(arguments);
    world.wrong.restart();
    assert_stopped(&world.wrong, first);
    let before = height(world.wrong.rpc());
    world.wrong.signal("TERM");
    let ended = world.wrong.ended_within(PATIENCE).expect("it ends");
    assert_contradicted(&ended, first);

    // The mainchain is gone, and what it had confirmed is not.
    let World {
        mut wrong, mainchain, ..
    } = world;
    drop(mainchain);
    wrong.restart();
    assert_stopped(&wrong, first);
    wrong.kill();
    wrong.restart();
    assert_stopped(&wrong, first);
    assert_eq!(height(wrong.rpc()), before);
    wrong.signal("TERM");
    assert_contradicted(&wrong.ended_within(PATIENCE).expect("it ends"), first);
}

#[test]
fn a_validator_on_the_wrong_history_makes_no_block_any_more_and_one_without_a_mainchain_goes_on() {
    let mut spec = ChainSpec::dev();
    spec.checkpoint.mainchain_id = ledger_tests::harness::MAINCHAIN_ID;
    let spec = Arc::new(spec);
    let folder = TempDir::with_prefix("ledger-anchor-").expect("a folder");
    let path = folder.path().join("chain.toml");
    std::fs::write(&path, spec.to_toml()).expect("the specification is written");
    let other = MadeChain::open(&folder.path().join("other"), &spec);
    let begin = other.slot();
    for request in requests(3, spec.chain_id) {
        other.block(begin, std::iter::once(request));
    }
    let Some(mut mainchain) = Mainchain::start(other.block_at(0).0, other.set_id(), 1) else {
        return;
    };
    let place = folder.path().join("node");
    std::fs::create_dir_all(&place).expect("a folder");
    let node = Node::try_start_in(&place, options(&path, mainchain.flags(SOFT)));
    let mut node = node.unwrap_or_else(|refused| panic!("{refused}"));
    let owner = node.dev_account(0);
    let send = |node: &Node| owner.send(node.rpc(), &promo::set_offer(promo::SMALL, 5));
    for _ in 0..3 {
        send(&node).expect("it is taken");
    }
    let own = node.rpc().call("eth_getBlockByNumber", &json!(["0x2", false]))["hash"].clone();
    let own: B256 = own.as_str().and_then(|hash| hash.parse().ok()).expect("a hash");

    // While the checkpoint is not deep enough, it is seen and not believed.
    mainchain.anchor(&other, 2);
    until("the checkpoint", || {
        let status = node.rpc().call("ledger_status", &json!([]));
        status["anchor"]["newest"]["standing"] == "mined"
    });
    send(&node).expect("it is taken");
    mainchain.mine(SOFT);
    assert_stopped(&node, (other.block_at(2).0, own));
    let before = height(node.rpc());
    let (raw, _) = owner.signed(4, &promo::set_offer(promo::SMALL, 6));
    node.rpc().call("eth_sendRawTransaction", &json!([raw]));
    thread::sleep(STILL);
    assert_eq!(height(node.rpc()), before, "no block is made");

    // Its operator may decide otherwise.
    node.signal("TERM");
    assert_contradicted(
        &node.ended_within(PATIENCE).expect("it ends"),
        (other.block_at(2).0, own),
    );
    node.set_arguments(Vec::new());
    node.restart();
    until("a block", || height(node.rpc()) != before);
}

#[test]
fn a_mainchain_that_is_down_holds_up_nobody_but_who_has_nothing_yet() {
    let Some(world) = World::make(SHORT) else { return };
    let dead = |more: &[&str]| {
        let mut flags = words(&["--mainchain", "http://127.0.0.1:9", "--mainchain-poll", "1"]);
        flags.extend([
            "--mainchain-contract".to_owned(),
            world.mainchain.contract().to_string(),
        ]);
        flags.extend(words(more));
        flags
    };
    let [right, _] = &world.bootnodes;
    // Somebody with a chain goes on.
    let mut node = world.follow("node", &[right], &world.with_mainchain(&["--sync", "full"]));
    until("the head", || head(node.rpc()) == head(world.right.rpc()));
    assert!(node.terminate().0.success());
    let mut arguments = dead(&["--sync", "full", "--p2p-port", "0", "--bootnode", right]);
    node.set_arguments(std::mem::take(&mut arguments));
    node.restart();
    until("a peer", || node.rpc().call("net_peerCount", &json!([])) != "0x0");
    assert_eq!(head(node.rpc()), head(world.right.rpc()));
    assert!(
        node.log_since_start().contains("the mainchain does not answer"),
        "{}",
        node.log()
    );
    let status = node.rpc().call("ledger_status", &json!([]));
    assert_eq!(
        status["anchor"]["believed"]["index"], "0x2",
        "what was confirmed holds: {status}"
    );

    // Somebody with nothing does not choose a history by the peers' word.
    let new = world.follow("new", &[right], &dead(&["--sync", "full"]));
    until("a word", || {
        new.log()
            .contains("the mainchain has to be read before a history is chosen")
    });
    thread::sleep(STILL);
    assert_eq!(height(new.rpc()), "0x0");
}
