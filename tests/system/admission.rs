//! A cloud joins by the notary's word, and goes by it: on real nodes, by the commands of the README.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use ledger_chainspec::{
    ChainSpec, ConsensusKey, NotaryParams, dev_keys, peer_id_of, peer_id_to_text, predeploys::BOOTSTRAP,
};
use ledger_contracts::Bootstrap;
use ledger_keys::{Password, account, consensus, secret_file};
use ledger_tests::harness::{
    Account, Node, NodeOptions, Rpc, built_binary, free_ports,
    notary::{FileServer, TestNotary},
    promo,
};
use serde_json::json;
use tempfile::TempDir;

/// Longest wait for what takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long nothing has to happen, to say that it does not: many looks at the notary.
const QUIET: Duration = Duration::from_secs(6);
/// The newcomer's account in the public test mnemonic.
const NEWCOMER: u32 = 12;
const PASSWORD: &str = "public";

/// Four validators that decide by a notary, and a fifth cloud's machine.
struct World {
    // End first.
    nodes: Vec<Node>,
    folder: TempDir,
    spec: ChainSpec,
    ports: u16,
}

fn words(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} did not come about");
        thread::sleep(Duration::from_millis(200));
    }
}

/// A notary of `spec`, a server of its files, and the specification that names both.
fn with_notary(spec: &mut ChainSpec) -> (TestNotary, FileServer) {
    let notary = TestNotary::new(&spec.name, spec.chain_id);
    let server = FileServer::start(notary.path());
    spec.notary = Some(NotaryParams {
        urls: vec![server.url()],
        root_version: 1,
        root_sha256: notary.root_sha256().into(),
    });
    (notary, server)
}

/// What the contract has seen of the notary: versions of root and of targets.
fn floor(rpc: &Rpc) -> (u64, u64) {
    let data = Bytes::from(Bootstrap::notaryFloorCall {}.abi_encode());
    let answer = rpc.call("eth_call", &json!([{ "to": BOOTSTRAP, "data": data }, "latest"]));
    let words: Bytes = answer.as_str().expect("a text").parse().expect("bytes in hex");
    let floor = Bootstrap::notaryFloorCall::abi_decode_returns(&words).expect("two versions");
    (floor.rootVersion, floor.targetsVersion)
}

/// The newest version of the targets in a notary's folder.
fn newest_targets(notary: &Path) -> u64 {
    let files = fs::read_dir(notary.join("metadata")).expect("a notary has metadata");
    let version = |name: &str| name.strip_suffix(".targets.json")?.parse().ok();
    let names = files.map(|file| file.expect("a folder can be listed").file_name());
    let versions = names.filter_map(|name| version(&name.to_string_lossy()));
    versions.max().expect("a notary has targets")
}

/// The testnet with a timelock of so many seconds.
fn testnet(timelock: u64) -> ChainSpec {
    let mut spec = ChainSpec::testnet();
    spec.governance.timelock_seconds = timelock;
    spec.governance.proposal_ttl_seconds = 3_600;
    spec
}

impl World {
    /// The validators of `spec`; the one with each number starts with further arguments.
    fn start(mut spec: ChainSpec, further: impl Fn(u16) -> Vec<String>) -> Self {
        let folder = TempDir::with_prefix("ledger-admission-").expect("a temporary folder can be made");
        let ports = free_ports(5);
        let peer = peer_id_to_text(&peer_id_of(&ConsensusKey::of(&dev_keys::peer_key(0))));
        spec.network.bootnodes = vec![format!("/ip4/127.0.0.1/tcp/{ports}/p2p/{peer}")];
        let mut world = Self {
            nodes: Vec::new(),
            folder,
            spec,
            ports,
        };
        fs::write(world.chain(), world.spec.to_toml()).expect("the specification can be written");
        secret_file::write_new(&world.password(), PASSWORD.as_bytes()).expect("a file can be written");
        for number in 0..4 {
            world.start_validator(number, further(number));
        }
        world
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.toml")
    }

    fn password(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// A development validator, with the keystore of its account.
    fn start_validator(&mut self, number: u16, further: Vec<String>) {
        let place = self.folder.path().join(format!("validator-{number}"));
        let data = place.join("data");
        fs::create_dir_all(&data).expect("a folder can be made");
        let password = Password::new(PASSWORD.to_owned());
        let keys = u32::from(number);
        consensus::write_identity(&data.join("identity.pem"), &dev_keys::peer_key(keys)).expect("a new file");
        let (key, keystore) = (place.join("key.pem"), place.join("account.json"));
        consensus::write_encrypted(&key, &dev_keys::validator_key(keys), &password).expect("a new file");
        // Validators have every second account of the mnemonic.
        let signer = Account::development(keys * 2, self.spec.chain_id).signer().clone();
        account::write_keystore(&keystore, &signer, &password).expect("a new file");
        let mut arguments = self.validator_arguments(self.ports + number, &key);
        arguments.extend(["--fresh-guard".to_owned(), "--validator-account".to_owned()]);
        arguments.push(keystore.display().to_string());
        arguments.extend([
            "--account-password-file".to_owned(),
            self.password().display().to_string(),
        ]);
        arguments.extend(further);
        self.start_node(&place, arguments);
    }

    fn validator_arguments(&self, port: u16, key: &Path) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let (port, key, password) = (port.to_string(), text(key), text(&self.password()));
        let words = [
            "--p2p-port",
            &port,
            "--validator-key",
            &key,
            "--password-file",
            &password,
        ];
        let words = words.into_iter().chain(["--notary-refresh", "1"]);
        words.map(str::to_owned).collect()
    }

    fn start_node(&mut self, place: &Path, arguments: Vec<String>) {
        let options = NodeOptions {
            chain: self.chain().display().to_string(),
            arguments,
            ..NodeOptions::default()
        };
        let node = Node::try_start_in(place, options).unwrap_or_else(|refused| panic!("{refused}"));
        self.nodes.push(node);
    }

    fn rpc(&self) -> &Rpc {
        self.nodes[0].rpc()
    }

    fn newcomer(&self) -> Newcomer<'_> {
        Newcomer {
            place: self.folder.path().join("newcomer"),
            chain: self.chain(),
            password: self.password(),
            rpc: self.rpc(),
        }
    }

    /// The newcomer's machine, with its keys and nothing that runs; gives its record of nodes.
    fn equip(&self) -> Vec<u8> {
        let newcomer = self.newcomer();
        newcomer.make_keys();
        newcomer.record(self.ports + 4, None)
    }

    fn start_newcomer(&mut self) {
        let place = self.folder.path().join("newcomer");
        let arguments = self.validator_arguments(self.ports + 4, &place.join("key.pem"));
        self.start_node(&place, arguments);
    }

    fn await_validators(&self, count: usize) {
        until(&format!("a set of {count}"), || validators(self.rpc()).len() == count);
    }

    /// Votes on the newest request, and how many of them count together.
    fn votes(&self) -> (usize, String) {
        let open = self.rpc().call("ledger_proposals", &json!([]));
        let all = open[0]["votes"].as_array().map_or(0, Vec::len);
        (all, open[0]["votesFor"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until every validator has found this about the newest request. One of them speaks for itself alone: another may not have
    /// looked at the notary yet.
    fn await_verdict(&self, state: &str, words: &str) {
        for (number, node) in self.nodes[..4].iter().enumerate() {
            let what = format!("validator-{number}: the verdict {state} with {words:?}");
            until(&what, || {
                let open = node.rpc().call("ledger_proposals", &json!([]));
                let verdict = &open[0]["notary"];
                verdict["state"] == state && verdict["words"].as_str().is_some_and(|told| told.contains(words))
            });
        }
    }

    /// Blocks still come, of whatever somebody sends.
    fn makes_blocks(&self) {
        let nobody = Account::random(self.spec.chain_id);
        nobody
            .send(self.rpc(), &promo::request_code(1))
            .expect("a block takes it");
    }
}

fn validators(rpc: &Rpc) -> Vec<String> {
    let set = rpc.call("ledger_validators", &json!([]));
    let accounts = set["validators"].as_array().into_iter().flatten();
    accounts
        .filter_map(|validator| Some(validator["account"].as_str()?.to_owned()))
        .collect()
}

/// The fifth cloud's machine, at its command line.
struct Newcomer<'a> {
    place: PathBuf,
    chain: PathBuf,
    password: PathBuf,
    rpc: &'a Rpc,
}

impl Newcomer<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(built_binary("ledger-node"))
            .arg("--chain")
            .arg(&self.chain)
            .arg("--data-dir")
            .arg(self.place.join("data"))
            .arg("--password-file")
            .arg(&self.password)
            .args(arguments)
            .output()
            .expect("ledger-node can be run")
    }

    fn does(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output).1);
        output.stdout
    }

    fn make_keys(&self) {
        fs::create_dir_all(self.place.join("data")).expect("a folder can be made");
        let path = |name: &str| self.place.join(name).display().to_string();
        self.does(&["keys", "generate", "--out", &path("key.pem")]);
        self.does(&["keys", "account", "new", "--out", &path("checkpoint.json")]);
        self.does(&["keys", "peer-id"]);
    }

    /// Its record of nodes, after the one that is published.
    fn record(&self, port: u16, after: Option<&Path>) -> Vec<u8> {
        let (account, endpoint) = (NEWCOMER.to_string(), format!("/ip4/127.0.0.1/tcp/{port}"));
        let path = |name: &str| self.place.join(name).display().to_string();
        let (key, checkpoint) = (path("key.pem"), path("checkpoint.json"));
        let after = after.map(|path| path.display().to_string());
        let after: Vec<_> = after.iter().flat_map(|path| ["--after", path]).collect();
        let words = [
            "validator",
            "--dev-account",
            &account,
            "record",
            "--member-id",
            "fifth",
            "--consensus-key",
            &key,
            "--checkpoint-key",
            &checkpoint,
            "--endpoint",
            &endpoint,
            "--region",
            "eu-west",
        ];
        self.does(&[&words[..], &after].concat())
    }

    fn ask(&self, more: &[&str]) -> Output {
        let (url, account) = (self.rpc.url(), NEWCOMER.to_string());
        let words = ["validator", "--rpc", &url, "--dev-account", &account, "request"];
        self.run(&[&words, more].concat())
    }

    /// Asks for admission: it works.
    fn asks(&self, more: &[&str]) {
        let (out, err) = words(&self.ask(more));
        assert!(out.contains("your request is proposal"), "{out}{err}");
    }

    /// Asks for admission: it does not work, for this reason.
    fn is_told(&self, more: &[&str], reason: &str) {
        let output = self.ask(more);
        let (_, err) = words(&output);
        assert!(!output.status.success() && err.contains(reason), "{reason}: {err}");
    }
}

#[test]
fn a_fifth_cloud_is_admitted_suspended_revoked_and_readmitted_by_the_notarys_word() {
    let mut spec = testnet(2);
    let (mut notary, _server) = with_notary(&mut spec);
    let mut world = World::start(spec, |_| Vec::new());
    let name = ["--name", "Fifth Cloud"];
    let record = world.equip();
    world.newcomer().is_told(
        &name,
        "the working group has admitted no member that the chain calls \"Fifth Cloud\"",
    );
    notary.admit("fifth", "Fifth Cloud", "active");
    world
        .newcomer()
        .is_told(&name, "no role that may speak of m.fifth.nodes.json lists it");
    notary.put_nodes("fifth", record);
    notary.admit("fifth", "Fifth Cloud", "suspended");
    world.newcomer().is_told(&name, "the admission of fifth is Suspended");
    notary.admit("fifth", "Fifth Cloud", "active");
    let before = notary.copy();
    notary.admit("sixth", "Sixth Cloud", "active");

    world.start_newcomer();
    world.newcomer().asks(&name);
    world.await_validators(5);
    let account = Account::development(NEWCOMER, world.spec.chain_id)
        .address()
        .to_string();
    until("a block of the newcomer", || {
        world.makes_blocks();
        let block = world.rpc().call("eth_getBlockByNumber", &json!(["latest", false]));
        block["miner"]
            .as_str()
            .is_some_and(|miner| miner.eq_ignore_ascii_case(&account))
    });

    // At once, and without the working group.
    notary.deny(&["fifth"]);
    world.await_validators(4);
    assert!(
        !validators(world.rpc())
            .iter()
            .any(|one| one.eq_ignore_ascii_case(&account))
    );
    world.makes_blocks();
    // One of five is out, and that is all that they can lose: the notary's word alone takes out nobody after it.
    let second = world.rpc().call("ledger_validators", &json!([]))["validators"][1]["cloud"].clone();
    let second = second.as_str().expect("a validator's cloud has a name").to_owned();
    notary.admit("second", &second, "suspended");
    thread::sleep(QUIET);
    assert_eq!(validators(world.rpc()).len(), 4, "people decide");
    notary.admit("second", &second, "active");
    world.newcomer().is_told(&[], "deny.json suspends fifth");
    notary.deny(&[]);
    world.newcomer().asks(&[]);
    world.await_validators(5);
    notary.admit("fifth", "Fifth Cloud", "revoked");
    world.await_validators(4);
    notary.admit("fifth", "Fifth Cloud", "active");
    world.newcomer().asks(&[]);
    world.await_validators(5);

    // A replay of the time before: the chain has seen more, and so a first visit is warned.
    let replay = FileServer::start(before.path());
    let fresh = Newcomer {
        place: world.folder.path().join("fresh"),
        ..world.newcomer()
    };
    fresh.is_told(&["--notary-url", &replay.url()], "the chain has seen targets version");
}

#[test]
fn a_notary_that_is_down_or_lies_admits_nobody_and_stops_nothing() {
    let mut spec = testnet(2);
    let (mut notary, server) = with_notary(&mut spec);
    let mut world = World::start(spec, |_| Vec::new());
    let record = world.equip();
    let name = ["--name", "Fifth Cloud"];
    notary.admit("fifth", "Fifth Cloud", "active");
    notary.put_nodes("fifth", record);
    let before = notary.copy();
    notary.admit("sixth", "Sixth Cloud", "active");

    // Two mirrors, two stories.
    let late = FileServer::start(before.path());
    let both = format!("{},{}", server.url(), late.url());
    let asked = [&name[..], &["--notary-url", &both]].concat();
    world
        .newcomer()
        .is_told(&asked, "disagree, a split view or a late one: targets version");

    // Nobody answers at the candidate's address.
    world.newcomer().asks(&name);
    world.await_verdict("unknown", "does not answer at /ip4/127.0.0.1/tcp/");
    // The notary is down; then it shows what was before.
    server.serve(None);
    world.await_verdict("unknown", "does not answer: ");
    world.makes_blocks();
    server.serve(Some(before.path()));
    world.await_verdict("unknown", "a rollback attack?");
    world.start_newcomer();
    thread::sleep(QUIET);
    world.makes_blocks();
    assert_eq!(world.votes(), (0, "0x0".to_owned()), "nobody votes by what is old");
    assert_eq!(validators(world.rpc()).len(), 4);
    // It comes back, and says what it said.
    server.serve(Some(notary.path()));
    world.await_validators(5);
}

#[test]
fn validators_that_are_shown_different_metadata_do_not_sum_to_an_admission() {
    let mut spec = testnet(1_800);
    let (mut notary, _server) = with_notary(&mut spec);
    // Half of the validators know two other mirrors, which have the same for now.
    let (other, third) = (FileServer::start(notary.path()), FileServer::start(notary.path()));
    let others = format!("{},{}", other.url(), third.url());
    let mut world = World::start(spec, |number| match number {
        0 | 1 => Vec::new(),
        _ => vec!["--notary-url".to_owned(), others.clone()],
    });
    let record = world.equip();
    notary.admit("fifth", "Fifth Cloud", "active");
    notary.put_nodes("fifth", record);
    let before = notary.copy();
    other.serve(Some(before.path()));
    third.serve(Some(before.path()));
    notary.admit("sixth", "Sixth Cloud", "active");
    world.start_newcomer();
    world.newcomer().asks(&["--name", "Fifth Cloud"]);
    until("everybody's vote", || world.votes().0 == 4);
    assert_eq!(world.votes().1, "0x2", "two and two are not four");
    thread::sleep(QUIET);
    assert_eq!(world.votes(), (4, "0x2".to_owned()));
    // Where the mirrors say the same again, the votes follow.
    other.serve(Some(notary.path()));
    third.serve(Some(notary.path()));
    until("four equal votes", || world.votes() == (4, "0x4".to_owned()));
    // It has passed, and its timelock runs. What turns out meanwhile takes every vote back, and one mirror of two is enough for that.
    other.serve(None);
    notary.deny(&["fifth"]);
    until("nobody's vote", || world.votes().0 == 0);
    assert_eq!(validators(world.rpc()).len(), 4);
}

#[test]
fn with_manual_a_node_reports_and_a_person_votes_what_the_command_verifies() {
    let folder = TempDir::with_prefix("ledger-admission-").expect("a temporary folder can be made");
    let mut spec = ChainSpec::dev();
    let (mut notary, _server) = with_notary(&mut spec);
    let chain = folder.path().join("chain.toml");
    fs::write(&chain, spec.to_toml()).expect("the specification can be written");
    let password = folder.path().join("password");
    secret_file::write_new(&password, PASSWORD.as_bytes()).expect("a file can be written");
    let node = Node::start_with(NodeOptions {
        chain: chain.display().to_string(),
        arguments: ["--admission", "manual", "--notary-refresh", "1"]
            .map(str::to_owned)
            .to_vec(),
        ..NodeOptions::default()
    });
    let newcomer = Newcomer {
        place: folder.path().join("newcomer"),
        chain,
        password,
        rpc: node.rpc(),
    };
    newcomer.make_keys();
    let record = newcomer.record(1, None);
    notary.admit("fifth", "Fifth Cloud", "active");
    notary.put_nodes("fifth", record);
    newcomer.asks(&["--name", "Fifth Cloud"]);
    until("a word about the request", || {
        node.log().contains("a person, by: ledger-node validator vote 1")
    });
    let url = node.rpc().url();
    let vote = ["validator", "--rpc", &url, "--dev-account", "0", "vote", "1"];
    notary.deny(&["fifth"]);
    let output = newcomer.run(&vote);
    assert!(words(&output).1.contains("deny.json suspends fifth"), "{output:?}");
    notary.deny(&[]);
    assert_eq!(floor(node.rpc()), (0, 0), "nothing has passed");
    let (out, err) = words(&newcomer.run(&vote));
    assert!(out.contains("passed, with 1 of 1 votes that it needs"), "{out}{err}");
    assert!(
        err.contains("from here it does not") && err.contains("does not answer at /ip4/127.0.0.1/tcp/1"),
        "{err}"
    );
    let open = node.rpc().call("ledger_proposals", &json!([]));
    assert_eq!(open[0]["votesFor"], "0x1", "{open}");
    // What has passed is the floor from now on.
    assert_eq!(floor(node.rpc()), (1, newest_targets(notary.path())));
}
