//! Altered history, and the way back: four validators' keys have certified a second history, and the mainchain has anchored the first one.
//! The validators stop, vote to go back to the last checkpoint that both have, and do so; killed in the middle, they come to the same; a
//! new node executes it all from genesis; and who is on the history that was given up learns so and comes over.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use ledger_chainspec::{
    ChainSpec, dev_keys,
    predeploys::{PASSPORT_TOKEN, TRANSACT},
};
use ledger_keys::{Password, consensus, secret_file};
use ledger_tests::harness::{
    Account, MadeChain, Mainchain, Node, NodeOptions, Rpc, built_binary, free_ports, promo, requests,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Validators, whose keys everybody knows.
const VALIDATORS: u16 = 4;

/// Accounts of the first three validators, which are a quorum, in the test mnemonic.
const QUORUM: [u32; 3] = [0, 2, 4];

/// The cloud that redeems.
const AURORA: u32 = 1;

/// Blocks upon a believed checkpoint.
const SOFT: u64 = 3;

/// Blocks of the first history after the last that both have.
const AHEAD: u64 = 8;

/// Longest wait for what takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Exit code of a node that the mainchain contradicts.
const CONTRADICTED: i32 = 7;

/// What operators are told to do, which is what happens here.
const RUNBOOK: &str = include_str!("../../docs/src/operators/going-back.md");

const PASSWORD: &str = "a password of a test";

/// Four validators and a full node in folders of their own.
struct Network {
    // End first.
    nodes: Vec<Node>,
    folder: TempDir,
    spec: Arc<ChainSpec>,
    ports: u16,
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|word| (*word).to_owned()).collect()
}

impl Network {
    /// Brings it up; a block comes in every slot.
    fn start() -> Self {
        let folder = TempDir::with_prefix("ledger-recovery-").expect("a folder");
        let mut spec = ChainSpec::testnet();
        spec.network.bootnodes.clear();
        spec.consensus.heartbeat_slots = 1;
        let chain = folder.path().join("chain.toml");
        std::fs::write(&chain, spec.to_toml()).expect("the specification is written");
        let mut network = Self {
            nodes: Vec::new(),
            folder,
            spec: Arc::new(spec),
            ports: free_ports(VALIDATORS + 1),
        };
        for index in 0..=VALIDATORS {
            network.make_folder(index);
            let mut arguments = network.arguments(index);
            if index < VALIDATORS {
                arguments.push("--fresh-guard".to_owned());
            }
            let node = Node::try_start_in(&network.place(index), network.options(arguments));
            network.nodes.push(node.unwrap_or_else(|refused| panic!("{refused}")));
        }
        network
    }

    fn place(&self, index: u16) -> PathBuf {
        self.folder.path().join(format!("node-{index}"))
    }

    fn options(&self, arguments: Vec<String>) -> NodeOptions {
        NodeOptions {
            chain: self.folder.path().join("chain.toml").display().to_string(),
            arguments,
            ..NodeOptions::default()
        }
    }

    fn make_folder(&self, index: u16) {
        let place = self.place(index);
        std::fs::create_dir_all(place.join("data")).expect("a folder");
        if index == VALIDATORS {
            return;
        }
        let number = u32::from(index);
        consensus::write_identity(&place.join("data/identity.pem"), &dev_keys::peer_key(number)).expect("a new file");
        secret_file::write_new(&place.join("password"), PASSWORD.as_bytes()).expect("a new file");
        let (key, password) = (place.join("validator.pem"), Password::new(PASSWORD.to_owned()));
        consensus::write_encrypted(&key, &dev_keys::validator_key(number), &password).expect("a new file");
    }

    fn bootnode(&self, index: u16) -> String {
        let key = ledger_chainspec::ConsensusKey::of(&dev_keys::peer_key(index.into()));
        let peer = ledger_chainspec::peer_id_to_text(&ledger_chainspec::peer_id_of(&key));
        format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", self.ports + index)
    }

    /// What every start of this node is told.
    fn arguments(&self, index: u16) -> Vec<String> {
        let others: Vec<_> = (0..VALIDATORS)
            .filter(|other| *other != index)
            .map(|other| self.bootnode(other))
            .collect();
        let port = (self.ports + index).to_string();
        let mut arguments = words(&["--p2p-port", &port, "--sync", "full", "--bootnode", &others.join(",")]);
        if index < VALIDATORS {
            let place = self.place(index);
            let path = |name: &str| place.join(name).display().to_string();
            arguments.extend(["--validator-key".to_owned(), path("validator.pem")]);
            arguments.extend(["--password-file".to_owned(), path("password")]);
        }
        arguments
    }

    fn restart(&mut self, more: &[String]) {
        for index in 0..=VALIDATORS {
            let mut arguments = self.arguments(index);
            arguments.extend(more.iter().cloned());
            let node = &mut self.nodes[usize::from(index)];
            node.set_arguments(arguments);
            node.restart();
        }
    }

    fn rpc(&self) -> &Rpc {
        self.nodes[0].rpc()
    }

    fn account(&self, index: u32) -> Account {
        Account::development(index, self.spec.chain_id)
    }

    /// `ledger-node` with these arguments, asking the first validator; what it prints.
    fn command(&self, arguments: &[&str]) -> Value {
        let step = format!("ledger-node {} {}", arguments[0], arguments[1]);
        assert!(
            commands().any(|line| line.starts_with(&step)),
            "the runbook has no `{step}`"
        );
        let url = self.rpc().url();
        let output = Command::new(built_binary("ledger-node"))
            .args(arguments)
            .args(["--rpc", &url, "--json"])
            // Nodes that were just killed find each other again when they do.
            .args(["--timeout", "180"])
            .output()
            .expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    fn new_node(&self, name: &str, more: &[String]) -> Node {
        let place = self.folder.path().join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        let all: Vec<_> = (0..VALIDATORS).map(|index| self.bootnode(index)).collect();
        let mut arguments = words(&["--p2p-port", "0", "--sync", "full", "--bootnode", &all.join(",")]);
        arguments.extend(more.iter().cloned());
        Node::try_start_in(&place, self.options(arguments)).unwrap_or_else(|refused| panic!("{refused}"))
    }
}

fn height(rpc: &Rpc) -> u64 {
    number(&rpc.call("eth_blockNumber", &json!([])))
}

fn number(quantity: &Value) -> u64 {
    let text = quantity.as_str().unwrap_or_else(|| panic!("{quantity} is no quantity"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a quantity")
}

fn block(rpc: &Rpc, height: u64) -> Value {
    rpc.call("eth_getBlockByNumber", &json!([format!("{height:#x}"), false]))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The roots of the storage that promo codes and rewards lie in, after a block.
fn storage_roots(rpc: &Rpc, height: u64) -> [Value; 2] {
    [TRANSACT, PASSPORT_TOKEN].map(|contract| {
        let proof = rpc.call("eth_getProof", &json!([contract, [], format!("{height:#x}")]));
        proof["storageHash"].clone()
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "{from:?} is copied");
}

/// The commands of the runbook.
fn commands() -> impl Iterator<Item = &'static str> {
    RUNBOOK
        .lines()
        .filter_map(|line| line.trim().strip_prefix("$ "))
        .filter(|command| command.starts_with("ledger-node "))
}

#[test]
fn every_command_of_the_runbook_is_one() {
    assert!(commands().count() >= 6);
    for line in commands() {
        // Help is given once everything before it was understood.
        let words = line.split_whitespace().skip(1).chain(["--help"]);
        let output = Command::new(built_binary("ledger-node")).args(words).output();
        let output = output.expect("it can be run");
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The code of a new account, with what the chain said of it.
fn request(rpc: &Rpc, holder: &Account) -> (B256, U256) {
    let receipt = holder
        .send(rpc, &promo::request_code(promo::SMALL))
        .expect("it is taken");
    let transaction = receipt["transactionHash"].as_str().and_then(|hash| hash.parse().ok());
    (transaction.expect("a hash"), promo::code_of(&receipt))
}

#[test]
fn validators_on_a_history_that_the_mainchain_contradicts_vote_their_way_back_and_all_come_to_the_same() {
    let mut network = Network::start();
    let chain_id = network.spec.chain_id;
    let (owner, kept, late) = (network.account(0), Account::random(chain_id), Account::random(chain_id));
    owner
        .send(network.rpc(), &promo::set_offer(promo::SMALL, 50))
        .expect("it is taken");
    let (kept_in, kept_code) = request(network.rpc(), &kept);
    let common = height(network.rpc());

    // The first history: what the full node has so far, and then blocks that nobody else sees.
    let full = usize::from(VALIDATORS);
    until("the full node", || height(network.nodes[full].rpc()) >= common);
    assert!(network.nodes[full].terminate().0.success());
    let first_place = network.folder.path().join("first");
    copy(&network.nodes[full].data_dir().join("chain"), &first_place.join("data"));
    network.nodes[full].restart();
    let first = MadeChain::open(&first_place, &network.spec);
    let mut requested = requests(2, chain_id).into_iter();
    for _ in 0..AHEAD {
        first.block(first.slot(), requested.next().into_iter());
    }
    first.sync();
    let forked = common + 1;
    let Some(mut mainchain) = Mainchain::start(first.block_at(0).0, first.set_id(), VALIDATORS.into()) else {
        return;
    };
    mainchain.anchor(&first, common);
    mainchain.anchor(&first, forked + AHEAD - 2);
    mainchain.mine(SOFT);
    let (target_hash, target_root) = first.block_at(common);
    drop(first);

    // The second one, which the validators have made final meanwhile.
    let receipt = owner.send(
        network.rpc(),
        &promo::redeem(kept_code, &promo::consent(&kept, chain_id, kept_code, AURORA)),
    );
    assert!(promo::succeeded(&receipt.expect("it is taken")));
    let (late_in, _) = request(network.rpc(), &late);
    until("the second history", || height(network.rpc()) > forked + AHEAD);
    let flags = mainchain.flags(SOFT);
    network.restart(&flags);
    for node in &network.nodes {
        until("the contradiction", || {
            let status = node.rpc().call("ledger_status", &json!([]));
            status["anchor"]["contradiction"]["index"] == "0x2"
        });
    }

    // What going back would leave behind, for the clouds.
    let plan = network.command(&["recover", "plan"]);
    assert_eq!((&plan["checkpoint"], number(&plan["first"])), (&json!("0x1"), forked));
    assert_eq!(plan["stateRoot"], json!(target_root), "{plan}");
    let redeemed = plan["redemptions"].as_array().expect("a list");
    assert_eq!(redeemed.len(), 1, "{plan}");
    assert_eq!(redeemed[0]["codeId"], json!(kept_code));
    assert_eq!(redeemed[0]["cloud"]["memberId"], format!("{AURORA:#x}"));
    for node in &mut network.nodes {
        node.signal("TERM");
        let ended = node.ended_within(PATIENCE).expect("it ends");
        assert_eq!(ended.status.code(), Some(CONTRADICTED), "{ended}");
    }

    // Governance alone goes on.
    let mut recovering = flags.clone();
    recovering.extend(words(&["--recover-from", "1"]));
    network.restart(&recovering);
    let out = Account::random(chain_id);
    let (raw, out_in) = out.signed(0, &promo::request_code(promo::SMALL));
    network.rpc().call("eth_sendRawTransaction", &json!([raw]));
    let proposed = network.command(&["recover", "propose", "1", "--dev-account", "0"]);
    assert!(proposed.is_object(), "{proposed}");
    let proposals = network.command(&["recover", "status"])["proposals"].clone();
    assert_eq!(proposals[0]["kind"], "recover", "{proposals}");
    let id = number(&proposals[0]["proposalId"]).to_string();
    for (voted, account) in QUORUM.into_iter().enumerate() {
        let account = account.to_string();
        network.command(&["validator", "vote", &id, "--dev-account", &account]);
        // Whoever dies in between comes back to where it was.
        let victim = &mut network.nodes[voted + 1];
        victim.kill();
        victim.restart();
    }
    let waiting = network.rpc().call("eth_getTransactionReceipt", &json!([out_in]));
    assert!(waiting.is_null(), "nothing but governance is taken: {waiting}");
    network.command(&["validator", "execute", &id, "--dev-account", "6"]);
    for node in &mut network.nodes[1..3] {
        node.kill();
        node.restart();
    }

    let span = |rpc: &Rpc| rpc.try_call("ledger_recoveredSpan", &json!([{}]));
    for node in &network.nodes {
        until("the recovery", || span(node.rpc()).is_ok());
    }
    let recovered = span(network.rpc()).expect("it was there");
    let number_of = number(&recovered["recovery"]["number"]);
    assert_eq!(recovered["stateRoot"], json!(target_root), "{recovered}");
    assert_eq!(recovered["target"]["hash"], json!(target_hash), "{recovered}");
    assert_eq!(number(&recovered["last"]), number_of - 1);
    assert_eq!(recovered["redemptions"], plan["redemptions"]);
    let roots = |rpc: &Rpc| {
        let found = block(rpc, number_of);
        (
            found["hash"].clone(),
            found["stateRoot"].clone(),
            storage_roots(rpc, number_of),
        )
    };
    let expected = roots(network.rpc());
    for node in &network.nodes {
        assert_eq!(span(node.rpc()).expect("it was there"), recovered);
        assert_eq!(roots(node.rpc()), expected);
        assert_eq!(block(node.rpc(), common)["stateRoot"], json!(target_root));
        assert_eq!(
            storage_roots(node.rpc(), common),
            expected.2,
            "codes and rewards are those of the checkpoint"
        );
    }

    // The chain goes on for everybody, and what the span did is undone.
    until("what was kept out", || {
        !network
            .rpc()
            .call("eth_getTransactionReceipt", &json!([out_in]))
            .is_null()
    });
    let verified = |id: B256| promo::verify(network.rpc(), &id.to_string(), AURORA).expect("it is answered");
    assert_eq!(verified(kept_in)["verdict"], "valid");
    let gone = verified(late_in);
    assert_eq!(gone["verdict"], "neverIssued", "{gone}");
    assert!(
        gone["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("left behind")),
        "{gone}"
    );

    // The mainchain gets a checkpoint of the recovered chain, and from then on nobody needs a word of the operator.
    let anchored_at = height(network.rpc());
    until("the full node", || height(network.nodes[full].rpc()) >= anchored_at);
    assert!(network.nodes[full].terminate().0.success());
    let recovered_place = network.folder.path().join("recovered");
    copy(
        &network.nodes[full].data_dir().join("chain"),
        &recovered_place.join("data"),
    );
    let chain = MadeChain::open(&recovered_place, &network.spec);
    mainchain.recovered();
    mainchain.anchor(&chain, anchored_at);
    mainchain.mine(SOFT);
    drop(chain);
    network.restart(&flags);
    let before = height(network.rpc());
    until("blocks", || height(network.rpc()) > before + 2);
    let new = network.new_node("new", &flags);
    until("the new node", || height(new.rpc()) > before);
    assert_eq!(roots(new.rpc()), expected);
    assert_eq!(span(new.rpc()).expect("it executed it"), recovered);

    // Who is on the history that was given up learns so, and comes over with an empty folder.
    let mut stray = network.new_node("first", &flags);
    let ended = stray.ended_within(Duration::from_secs(1));
    assert!(ended.is_none(), "{ended:?}");
    until("the contradiction", || {
        let status = stray.rpc().call("ledger_status", &json!([]));
        status["anchor"]["contradiction"]["index"] == "0x3"
    });
    assert!(height(stray.rpc()) < anchored_at);
    stray.signal("TERM");
    assert_eq!(
        stray.ended_within(PATIENCE).and_then(|ended| ended.status.code()),
        Some(CONTRADICTED)
    );
    std::fs::rename(first_place.join("data"), first_place.join("left")).expect("it is moved away");
    stray.restart();
    until("the stray", || height(stray.rpc()) > before);
    assert_eq!(roots(stray.rpc()), expected);
}
