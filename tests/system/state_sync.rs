//! What does a node know, and what does it say, that began with the state of a late block? And what if it is killed while it takes it?

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::B256;
use ledger_chainspec::{ChainSpec, Month, Slot};
use ledger_tests::{
    harness::{
        Account, MadeChain, Node, NodeOptions, Rpc, RpcError, built_binary, decoded, free_ports,
        promo::{self, SMALL},
        requests,
    },
    random::Random,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Blocks whose codes have expired, and blocks since, long enough for a state to be taken (`STATE_BLOCKS_MIN`).
const OLD_BLOCKS: usize = 1_500;
const LIVE_BLOCKS: usize = 2_700;
/// Blocks that are made while a node is away.
const LATER_BLOCKS: usize = 1_500;
/// Codes of each block: together they make a state of several chunks, and more old blocks than one chunk holds.
const CODES_EACH: usize = 4;
/// How long ago the old blocks began, and those since, in seconds. A code lives for 30 days.
const OLD_AGO: u64 = 60 * 86_400;
const LIVE_AGO: u64 = 6 * 3_600;
/// Blocks behind the newest one of which a state is taken.
const BEHIND: usize = 16;

/// Longest wait for what takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// SIGTERM must be obeyed within this time.
const STOP_MAX: Duration = Duration::from_secs(5);
/// The cloud that asks.
const AURORA: u32 = 1;
/// JSON-RPC's code for what a node does not keep.
const UNAVAILABLE: i64 = -32002;

/// A chain that a node serves, and the transactions that asked for its codes.
struct World {
    // Ends first.
    server: Node,
    folder: TempDir,
    spec: Arc<ChainSpec>,
    bootnode: String,
    old: Vec<B256>,
    live: Vec<B256>,
    /// One that was redeemed.
    redeemed: B256,
}

fn spec() -> ChainSpec {
    let mut spec = ChainSpec::testnet();
    spec.network.bootnodes.clear();
    // Before the oldest block, whatever the time is.
    spec.genesis_timestamp = 1_700_000_000;
    spec
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

fn options(chain: &Path, arguments: &[&str]) -> NodeOptions {
    NodeOptions {
        chain: chain.display().to_string(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        ..NodeOptions::default()
    }
}

/// Makes `count` blocks from the time `since` on, and gives the transactions that asked for their codes.
fn grow(chain: &MadeChain, spec: &ChainSpec, since: u64, count: usize) -> Vec<B256> {
    let signed = requests(count * CODES_EACH, spec.chain_id);
    let hashes = signed.iter().map(|one| *one.tx_hash()).collect();
    let begin = Slot::new(since * 1_000 / spec.consensus.slot_duration_ms);
    let mut signed = signed.into_iter();
    for _ in 0..count {
        chain.block(begin, signed.by_ref().take(CODES_EACH));
    }
    hashes
}

impl World {
    fn make() -> Self {
        let folder = TempDir::with_prefix("ledger-state-").expect("a folder");
        let spec = Arc::new(spec());
        let path = folder.path().join("chain.toml");
        std::fs::write(&path, spec.to_toml()).expect("the specification is written");
        let server = folder.path().join("server");
        let chain = MadeChain::open(&server, &spec);
        let owner = Account::development(0, spec.chain_id);
        let offer = decoded(&owner.signed(0, &promo::set_offer(SMALL, 1_000_000)).0);
        let old_since = now() - OLD_AGO;
        chain.block(
            Slot::new(old_since * 1_000 / spec.consensus.slot_duration_ms),
            [offer].into_iter(),
        );
        let old = grow(&chain, &spec, old_since, OLD_BLOCKS);
        // One whose key is known, to be redeemed.
        let user = Account::random(spec.chain_id);
        let request = decoded(&user.signed(0, &promo::request_code(SMALL)).0);
        let redeemed = *request.tx_hash();
        let live_since = Slot::new((now() - LIVE_AGO) * 1_000 / spec.consensus.slot_duration_ms);
        chain.block(live_since, [request].into_iter());
        let consent = promo::consent(&user, spec.chain_id, chain.code(&redeemed), AURORA);
        let redeem = promo::redeem(chain.code(&redeemed), &consent);
        let redeem = decoded(&Account::development(1, spec.chain_id).signed(0, &redeem).0);
        chain.block(live_since, [redeem].into_iter());
        let live = grow(&chain, &spec, now() - LIVE_AGO, LIVE_BLOCKS);
        chain.sync();
        drop(chain);
        let port = free_ports(1);
        let server = Node::try_start_in(&server, options(&path, &["--p2p-port", &port.to_string()]))
            .unwrap_or_else(|refused| panic!("{refused}"));
        let peer_id = server.announced().json["peer_id"].as_str().expect("a peer id");
        let bootnode = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer_id}");
        Self {
            server,
            folder,
            spec,
            bootnode,
            old,
            live,
            redeemed,
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        let place = self.folder.path().join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        place
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.toml")
    }

    fn follower(&self) -> NodeOptions {
        let words = ["--p2p-port", "0", "--bootnode", &self.bootnode, "--log-format", "json"];
        options(&self.chain(), &words)
    }

    /// A node that has made a database and found nobody, and looks for the server when it is started again.
    fn alone(&self, name: &str) -> Node {
        let words = ["--p2p-port", "0", "--sync", "full"];
        let node = Node::try_start_in(&self.place(name), options(&self.chain(), &words));
        let mut node = node.unwrap_or_else(|refused| panic!("{refused}"));
        node.set_arguments(self.follower().arguments);
        node
    }

    fn follow(&self, name: &str) -> Node {
        Node::try_start_in(&self.place(name), self.follower()).unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// Runs `ledger-node db` on the data in the folder `name`; gives its exit code, its JSON, and its words.
    fn db(&self, name: &str, arguments: &[&str]) -> (Option<i32>, Value, String) {
        let output = Command::new(built_binary("ledger-node"))
            .args(["db", "--json", "--chain"])
            .arg(self.chain())
            .arg("--data-dir")
            .arg(self.place(name).join("data"))
            .args(arguments)
            .output()
            .expect("ledger-node starts");
        let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), json, words)
    }

    /// As [`Self::db`]: it has to work.
    fn db_does(&self, name: &str, arguments: &[&str]) -> Value {
        let (code, json, words) = self.db(name, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {words}");
        json
    }

    /// The three forms of the id of a code.
    fn ids(&self, transaction: &B256) -> [String; 3] {
        let code = self.server.rpc().call("ledger_code", &json!([transaction]));
        let text = |field: &str| code[field].as_str().unwrap_or_else(|| panic!("{code}")).to_owned();
        [transaction.to_string(), text("passportCode"), text("codeId")]
    }

    /// Asserts that `rpc` knows of these codes, by each of their ids, what the server knows that has all blocks.
    fn knows(&self, rpc: &Rpc, transactions: &[B256], verdict: &str) {
        for transaction in transactions {
            for id in self.ids(transaction) {
                let [here, there] = [rpc, self.server.rpc()].map(|rpc| verify(rpc, &id).expect("it answers"));
                assert_eq!(here["verdict"], verdict, "{id}: {here}");
                assert_eq!(
                    (&here["code"], &here["redeemable"]),
                    (&there["code"], &there["redeemable"]),
                    "{id}"
                );
            }
        }
    }

    /// Asserts that `rpc` says of these ids of a code what it has not, each with the words for it.
    fn lacks(&self, rpc: &Rpc, transaction: &B256, words: [&[&str]; 3]) {
        for (id, words) in self.ids(transaction).iter().zip(words) {
            unknown(verify(rpc, id), words);
        }
    }
}

/// Asserts that this says, with these words, that the node does not keep what would tell.
fn unknown(answer: Result<Value, RpcError>, words: &[&str]) {
    let Err(RpcError::Refused { code, message, .. }) = answer else {
        panic!("it cannot know: {answer:?}")
    };
    assert_eq!(code, UNAVAILABLE, "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is missing: {message}");
    }
}

fn verify(rpc: &Rpc, id: &str) -> Result<Value, RpcError> {
    promo::verify(rpc, id, AURORA)
}

fn head(rpc: &Rpc) -> Value {
    rpc.call("eth_getBlockByNumber", &json!(["latest", false]))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The lines about `ledger::sync` that the node logged since its last start, or since ever.
fn lines(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "ledger::sync").collect()
}

fn said(log: &str, message: &str) -> Vec<Value> {
    let mut lines = lines(log);
    lines.retain(|line| line["message"] == message);
    lines
}

const BEGUN: &str = "the state of this block is taken from peers";
const GONE_ON: &str = "the state that was begun is gone on with";
const TAKEN: &str = "state taken";
const RUNS: &str = "node runs";
const KNOWN: &str = "all live codes are known";

#[test]
fn a_node_that_took_a_state_knows_all_live_codes_and_says_what_it_has_not() {
    let mut world = World::make();
    let (first_live, newest) = (world.live[0], *world.live.last().expect("codes"));
    let before_state = world.live[world.live.len() - (BEHIND + 40) * CODES_EACH];
    let mut node = world.follow("node");
    // Held before the blocks that issued the older codes have come.
    world.server.signal("STOP");
    assert_eq!(said(&node.log(), TAKEN).len(), 1, "no state was taken: {}", node.log());
    let early = verify(node.rpc(), &first_live.to_string());
    world.server.signal("CONT");
    unknown(early, &["may be good", "ask again once this node has fetched them"]);
    until("the last block", || head(node.rpc()) == head(world.server.rpc()));
    until("older blocks", || !said(&node.log(), KNOWN).is_empty());

    let knows_all = |rpc: &Rpc| {
        world.knows(rpc, &[first_live, before_state, newest], "valid");
        world.knows(rpc, &[world.redeemed], "redeemed");
        let never = verify(rpc, "1:99999999").expect("it answers");
        assert_eq!(never["verdict"], "neverIssued", "{never}");
        let expired = "every code that an older block issued has expired";
        world.lacks(
            rpc,
            &world.old[0],
            [
                &["is in no block that this node keeps", expired],
                &["is the oldest that this node keeps", expired],
                &["and was issued before block", "keeps: ask a node that has all blocks"],
            ],
        );
    };
    knows_all(node.rpc());
    // Of codes by month, too, it says what all blocks would, or that it cannot know.
    let counted = |rpc: &Rpc, month: Month| rpc.try_call("ledger_usageReport", &json!([month]));
    let kept = ["is the oldest that this node keeps, and codes of month"];
    unknown(counted(node.rpc(), Month::of(now() - OLD_AGO)), &kept);
    let months = [Month::of(now() - LIVE_AGO), Month::of(now())];
    for month in months {
        match counted(node.rpc(), month) {
            Ok(report) => assert_eq!(report, counted(world.server.rpc(), month).expect("it has all blocks")),
            refused => unknown(refused, &kept),
        }
    }

    // The database, while the node runs.
    let report = world.db_does("node", &["verify"]);
    let oldest = report["report"]["oldest_block"].as_u64().expect("the oldest block");
    assert_eq!(report["sound"], true, "{report}");
    assert!((1..=OLD_BLOCKS as u64 + 1).contains(&oldest), "{oldest}");
    let stats = world.db_does("node", &["stats"]);
    assert!(stats.to_string().contains("oldest_block"), "{stats}");
    let (code, _, words) = world.db("node", &["verify", "--re-execute"]);
    assert_eq!(code, Some(2), "{words}");
    for word in [&*format!("block {oldest} is the oldest"), "leave out --re-execute"] {
        assert!(words.contains(word), "{words}");
    }
    let backup = world.place("backups").join("one").display().to_string();
    let made = world.db_does("node", &["backup", &backup]);
    let number = format!("0x{:x}", made["head"].as_u64().expect("a head"));
    assert_eq!(head(node.rpc())["number"], number.as_str(), "{made}");
    assert_eq!(world.db_does("node", &["verify", "--backup", &backup])["sound"], true);

    // And while it does not, in its place and in another one.
    assert!(node.terminate().0.success());
    assert_eq!(world.db_does("node", &["verify"])["sound"], true);
    world.db_does("copy", &["restore", &backup]);
    let (code, _, words) = world.db("node", &["restore", &backup]);
    assert!(code == Some(2) && words.contains("--replace"), "{code:?} {words}");
    let copy = world.follow("copy");
    knows_all(copy.rpc());
    assert_eq!(said(&copy.log(), BEGUN).len(), 0, "what is there is not taken again");

    // It goes on with the chain, as a node does that was away for longer than states are kept.
    assert!(world.server.terminate().0.success());
    let chain = MadeChain::open(&world.place("server"), &world.spec);
    let later = grow(&chain, &world.spec, now() - LIVE_AGO, LATER_BLOCKS);
    chain.sync();
    drop(chain);
    world.server.restart();
    until("the later blocks", || head(copy.rpc()) == head(world.server.rpc()));
    world.knows(copy.rpc(), &[first_live, later[0], later[later.len() - 1]], "valid");
    assert_eq!(
        said(&copy.log(), BEGUN).len(),
        0,
        "a chain that is there goes on block by block"
    );
}

/// Kills of a node that was putting in a state.
const KILLS: usize = 3;
/// Starts of one node: one that is always killed too soon says nothing either.
const STARTS_MAX: usize = 20;
/// Nodes that are tried: one that was quicker than all its kills says nothing.
const ROUNDS_MAX: usize = 20;

#[test]
fn a_state_is_taken_once_however_often_the_node_is_killed_meanwhile() {
    let seed = now();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut world = World::make();
    let undisturbed = world.follow("undisturbed");
    let takes = undisturbed.announced().after;
    drop(undisturbed);
    // Half of that goes by before the state comes.
    let millis = u64::try_from(takes.as_millis() / 2).expect("seconds");

    let mut kills = 0;
    for round in 0.. {
        assert!(
            round < ROUNDS_MAX,
            "only {kills} kills came while a state was put in; an undisturbed start takes {takes:?}"
        );
        let mut node = world.alone(&format!("killed-{round}"));
        for _ in 0..STARTS_MAX {
            if is_whole(&node.log()) {
                break;
            }
            let had = progress(&node.log());
            let pause = Duration::from_millis(random.below(millis));
            node.restart_and_kill_after(&[BEGUN, GONE_ON, RUNS], pause);
            let has = progress(&node.log());
            // What a start finds is what the one before had, or more: nothing of it is taken again.
            assert!(has >= had, "{has:?} after {had:?}: {}", node.log());
            // And if it was more, the one before was killed in the middle of it.
            kills += usize::from(has > had.max(Some((0, 0))));
            if kills >= KILLS && !is_whole(&node.log()) && waits_for_the_rest(&mut world, &mut node) {
                println!("{kills} kills in the middle of a state, the last ones in round {round}: {has:?}");
                return end(&mut world, &mut node);
            }
        }
    }
}

/// Whether the state was all there: a kill may come before that is said, and the next start then finds a chain.
fn is_whole(log: &str) -> bool {
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.any(|line| [TAKEN, RUNS].iter().any(|what| line["message"] == *what))
}

/// With how many accounts and slots the last start went on that found a state that was begun.
fn progress(log: &str) -> Option<(u64, u64)> {
    let line = said(log, GONE_ON).pop()?;
    let number = |name: &str| line[name].as_u64().unwrap_or_else(|| panic!("{line}"));
    Some((number("accounts"), number("slots")))
}

/// Starts the node while nobody gives it anything, and ends it: did it lack something?
fn waits_for_the_rest(world: &mut World, node: &mut Node) -> bool {
    world.server.signal("STOP");
    let (status, took) = node.restart_and_terminate(Duration::from_secs(2));
    assert!(
        status.success() && took < STOP_MAX,
        "{status} after {took:?}: {}",
        node.log()
    );
    world.server.signal("CONT");
    !is_whole(&node.log())
}

/// The rest of the way, with nobody to give the state at first.
fn end(world: &mut World, node: &mut Node) {
    assert!(world.server.terminate().0.success());
    thread::scope(|scope| {
        let starting = scope.spawn(|| node.restart());
        // Longer than five rounds of all peers, after which a state that none of them has is given up.
        thread::sleep(Duration::from_secs(14));
        assert!(!starting.is_finished(), "it did not wait for a peer");
        world.server.restart();
        starting.join().expect("the node starts");
    });
    let log = node.log();
    assert_eq!(said(&log, BEGUN).len(), 1, "it was begun once, and gone on with: {log}");
    assert_eq!(said(&log, TAKEN).len(), 1, "{log}");
    until("the last block", || {
        head(node.rpc())["hash"] == head(world.server.rpc())["hash"]
    });
    assert_eq!(head(node.rpc())["stateRoot"], head(world.server.rpc())["stateRoot"]);
    until("older blocks", || !said(&node.log(), KNOWN).is_empty());
    let name = node
        .data_dir()
        .parent()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let report = world.db_does(&name.expect("the node has a folder"), &["verify"]);
    assert_eq!(report["sound"], true, "{report}");
    world.knows(node.rpc(), &world.live[..1], "valid");
    world.knows(node.rpc(), &[world.redeemed], "redeemed");
    assert!(!node.log().contains("panicked"), "{}", node.log());
}
