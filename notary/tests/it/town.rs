//! A notary with everybody around it, all of them real processes: holders of root, the working group, those who may suspend, the
//! signer, the server, and clouds that want to be members. Each key lies in a file of its own, encrypted.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::FixedBytes;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::{Signer, SigningKey};
use http::Method;
use ledger_chainspec::{ConsensusKey, Signature64, peer_id_of, peer_id_to_text};
use ledger_keys::{Password, consensus};
use ledger_notary::{
    http::{Http, Patience, Reply},
    records::{KeyRole, Node, Nodes, Proofs},
    tuf::UnixSeconds,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kit::{DAY, secret};

/// The network of the town.
pub const NETWORK: &str = "test-net/6301";

/// Longest answer that a test reads.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Everybody with a key of their own, and the number that it is made of.
const PEOPLE: [(&str, u8); 14] = [
    ("root-1", 1),
    ("root-2", 2),
    ("root-3", 3),
    ("group-1", 11),
    ("group-2", 12),
    ("group-3", 13),
    ("deny", 15),
    ("deny-2", 16),
    ("deny-3", 17),
    ("snapshot", 21),
    ("timestamp", 31),
    ("aurora", 41),
    ("borealis", 42),
    ("thief", 99),
];

pub fn now() -> UnixSeconds {
    UnixSeconds::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub fn public(number: u8) -> String {
    hex::encode(secret(number).verifying_key().to_bytes())
}

/// Where cargo put the binary: it tells tests, and an example lies in a folder beside it.
fn binary() -> PathBuf {
    let told = option_env!("CARGO_BIN_EXE_ledger-notary").map(PathBuf::from);
    told.unwrap_or_else(|| {
        let example = std::env::current_exe().unwrap();
        let folder = example
            .ancestors()
            .nth(2)
            .expect("an example lies in a folder of its own");
        folder.join("ledger-notary")
    })
}

/// A folder with everybody's files.
pub struct Town {
    folder: tempfile::TempDir,
    storage: String,
    server: Option<Child>,
    pub url: String,
    pub log_key: String,
}

impl Town {
    /// Keys and the documents of the ceremony; no server yet.
    pub fn new(storage: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = storage.unwrap_or_else(|| format!("sqlite:{}/notary.db", folder.path().display()));
        let town = Self {
            folder,
            storage,
            server: None,
            url: String::new(),
            log_key: String::new(),
        };
        fs::write(town.path("password"), "correct horse\n").unwrap();
        fs::set_permissions(town.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(town.path("reason"), "its nodes equivocate").unwrap();
        let password = Password::new("correct horse".to_owned());
        for (name, number) in PEOPLE {
            consensus::write_encrypted(&town.key(name), &secret(number), &password).unwrap();
        }
        town.ceremony();
        town
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.pem"))
    }

    fn ceremony(&self) {
        let keys = |role: &str, numbers: &[u8]| {
            let pairs = numbers
                .iter()
                .flat_map(|number| [format!("--{role}-key"), public(*number)]);
            pairs.collect::<Vec<_>>()
        };
        let [root, targets, deny] = [("root", &[1, 2, 3][..]), ("targets", &[11, 12, 13]), ("deny", &[15])]
            .map(|(role, numbers)| keys(role, numbers));
        let online = [keys("snapshot", &[21]), keys("timestamp", &[31])].concat();
        let all: Vec<String> = [root, targets, online].concat();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        self.ok(&[
            &["root", "new", "--out", "root.json", "--root-threshold", "2"],
            &all[..],
        ]
        .concat());
        for holder in ["root-1", "root-3"] {
            self.signed(&["root", "sign", "root.json"], &[holder]);
        }
        self.ok(&["targets", "new", "--out", "targets.json", &deny[0], &deny[1]]);
        self.signed(
            &["targets", "sign", "targets.json", "--root", "root.json"],
            &["group-1", "group-2"],
        );
        let new = [
            "deny",
            "new",
            "--out",
            "deny-role.json",
            "--list-out",
            "deny.json",
            "--network",
            NETWORK,
        ];
        self.ok(&new);
        self.signed(
            &["deny", "sign", "deny-role.json", "--targets", "targets.json"],
            &["deny"],
        );
    }

    /// The binary, in the town's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.folder.path()).arg("--json").args(arguments);
        command
            .env("LEDGER_NOTARY_PASSWORD_FILE", self.path("password"))
            .env("LEDGER_NOTARY_NETWORK", NETWORK);
        command.env("LEDGER_NOTARY_SERVER", &self.url);
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that must work answers.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> Value {
        let done = self.run(arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// What a command says that must not work.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: {done:?}");
        String::from_utf8(done.stderr).unwrap()
    }

    /// The same with keys.
    #[track_caller]
    pub fn signed(&self, arguments: &[&str], people: &[&str]) -> Value {
        let keys = self.keys(people);
        let keys = keys.iter().flat_map(|key| ["--key", key.as_str()]);
        self.ok(&arguments.iter().copied().chain(keys).collect::<Vec<_>>())
    }

    pub fn keys(&self, people: &[&str]) -> Vec<String> {
        people.iter().map(|name| self.key(name).display().to_string()).collect()
    }

    /// The same with keys, and must not work.
    #[track_caller]
    pub fn signed_refused(&self, arguments: &[&str], people: &[&str]) -> String {
        let keys = self.keys(people);
        let keys = keys.iter().flat_map(|key| ["--key", key.as_str()]);
        self.refused(&arguments.iter().copied().chain(keys).collect::<Vec<_>>())
    }

    /// Starts the server and waits until it listens.
    pub fn start(&mut self) {
        self.start_at("127.0.0.1:0");
    }

    /// Starts the server at an address that it had before.
    pub fn start_at(&mut self, address: &str) {
        let many = [
            "--reads-per-second",
            "--reads-burst",
            "--writes-per-second",
            "--writes-burst",
        ]
        .map(|bound| [bound, "100000"]);
        self.start_with(&[&["--listen", address], many.as_flattened()].concat());
    }

    /// Starts the server with bounds of its own.
    pub fn start_with(&mut self, bounds: &[&str]) {
        let arguments = [
            "serve",
            "--storage",
            &self.storage,
            "--folder",
            "published",
            "--root",
            "root.json",
        ];
        let listen: &[&str] = if bounds.contains(&"--listen") {
            &[]
        } else {
            &["--listen", "127.0.0.1:0"]
        };
        let mut command = self.command(&[&arguments[..], &["--log-key", "log.pem"], listen, bounds].concat());
        let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        // One JSON object over several lines; then the server is silent.
        while let Some(line) = lines.next().map(Result::unwrap) {
            told += &line;
            if line == "}" {
                break;
            }
        }
        self.server = Some(server);
        let told: Value =
            serde_json::from_str(&told).expect("the server says where it listens, or on standard error why not");
        self.url = format!("http://{}", told["address"].as_str().unwrap());
        self.log_key = told["log_key"].as_str().unwrap().to_owned();
    }

    /// Ends the server at once, as a loss of power would.
    pub fn kill(&mut self) {
        let mut server = self.server.take().expect("the server runs");
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Ends the server as an operator does.
    pub fn stop(&mut self) -> Output {
        let server = self.server.take().expect("the server runs");
        let pid = rustix::process::Pid::from_child(&server);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        server.wait_with_output().unwrap()
    }

    /// Waits until the server has ended by itself.
    pub fn wait(&mut self) -> Output {
        self.server.take().expect("the server runs").wait_with_output().unwrap()
    }

    /// What the server answers over plain HTTP.
    pub fn ask(&self, method: Method, at: &str, body: Vec<u8>) -> Reply {
        let http = Http::new(Patience::PERSON).unwrap();
        http.send(method, &format!("{}{at}", self.url), body, ANSWER_BYTES_MAX)
            .unwrap()
    }

    /// Hands the first release in, which the online keys have not signed then.
    pub fn hand_in_founding(&self) {
        let files = [
            "--root",
            "root.json",
            "--targets",
            "targets.json",
            "--deny",
            "deny-role.json",
            "--deny-list",
            "deny.json",
        ];
        self.signed(&[&["found"], &files[..]].concat(), &["root-1"]);
    }

    /// Founds the notary, and lets the online keys sign.
    pub fn found(&self) {
        self.hand_in_founding();
        assert_eq!(self.sign()["signed"], "changes");
    }

    /// Lets the online keys sign what is due.
    #[track_caller]
    pub fn sign(&self) -> Value {
        self.ok(&self.sign_arguments())
    }

    pub fn sign_arguments(&self) -> Vec<&'static str> {
        let keys = [
            "sign",
            "--once",
            "--snapshot-key",
            "snapshot.pem",
            "--timestamp-key",
            "timestamp.pem",
        ];
        [&keys[..], &["--trusted", "signer", "--root", "root.json"]].concat()
    }

    /// A reader's check of all that is published, log included.
    #[track_caller]
    pub fn audit(&self) -> Value {
        let log_key = self.log_key.clone();
        self.ok(&[
            "audit",
            "--trusted",
            "auditor",
            "--root",
            "root.json",
            "--log-key",
            &log_key,
        ])
    }

    /// Asks for the admission of a member with one node; gives the submission's number.
    #[track_caller]
    pub fn submit(&self, member: &str, key: u8) -> String {
        let admission = admission(member, key);
        fs::write(self.path(&format!("{member}.admission.json")), admission.to_string()).unwrap();
        self.write_nodes(member, &nodes(member, None, vec![node(member, key)]));
        let [admission, nodes] = ["admission", "nodes"].map(|kind| format!("{member}.{kind}.json"));
        let files = [
            "submit",
            "--admission",
            &admission,
            "--nodes",
            &nodes,
            "--trusted",
            "cloud",
            "--root",
            "root.json",
        ];
        let answer = self.signed(&files, &[member]);
        assert_eq!(answer["standing"], "submitted");
        answer["submission"].to_string()
    }

    pub fn write_nodes(&self, member: &str, record: &Nodes) {
        fs::write(
            self.path(&format!("{member}.nodes.json")),
            serde_json::to_vec(record).unwrap(),
        )
        .unwrap();
    }

    /// The open proposal's version and the hash of its bytes.
    pub fn proposal(&self) -> (String, String) {
        let version = self.ok(&["status"])["proposal"].to_string();
        let view = self.ok(&["status", "--proposal", &version]);
        (version, view["signable_sha256"].as_str().unwrap().to_owned())
    }

    /// Approves the open proposal.
    #[track_caller]
    pub fn approve(&self, people: &[&str]) {
        let (version, sha256) = self.proposal();
        self.signed(&approval(&version, &sha256), people);
    }

    /// Takes a member in, from its submission to the release.
    #[track_caller]
    pub fn admit(&self, member: &str, key: u8) {
        let submission = self.submit(member, key);
        self.signed(&["verify", &submission], &["group-1"]);
        self.approve(&["group-1", "group-2"]);
        assert_eq!(self.sign()["signed"], "changes");
        assert_eq!(self.standing(member), "published");
    }

    pub fn standing(&self, member: &str) -> Value {
        self.ok(&["status", "--member", member])["standing"].clone()
    }

    pub fn published(&self) -> PathBuf {
        self.path("published")
    }

    pub fn storage(&self) -> &str {
        &self.storage
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
        }
    }
}

/// The command that approves a proposal of these bytes.
pub fn approval<'a>(version: &'a str, sha256: &'a str) -> [&'a str; 8] {
    [
        "approve",
        version,
        "--sha256",
        sha256,
        "--trusted",
        "group",
        "--root",
        "root.json",
    ]
}

/// The command that suspends a member.
pub fn suspension(member: &str) -> [&str; 8] {
    [
        "suspend",
        member,
        "--reason",
        "reason",
        "--trusted",
        "deny",
        "--root",
        "root.json",
    ]
}

/// Whether a published file is one of the lengths that the log's last tile had: the last one is enough.
pub fn is_partial(path: &Path) -> bool {
    path.to_string_lossy().contains(".p/")
}

/// Copies every file below a folder.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let place = to.join(path);
        fs::create_dir_all(place.parent().expect("a file has a folder")).unwrap();
        fs::write(place, bytes).unwrap();
    }
}

/// Every file below a folder, by its path in it.
pub fn files(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut ahead = vec![folder.to_path_buf()];
    while let Some(next) = ahead.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_path_buf(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

pub fn admission(member: &str, key: u8) -> Value {
    json!({
        "schema": "cloud-ledger-admission/1",
        "network_id": "test-net",
        "chain_id": 6301,
        "member_id": member,
        "member_name": format!("{member} cloud"),
        "legal_name": format!("{member} hosting"),
        "registration_no": "HRB 12345",
        "jurisdiction": "DE",
        "passport": {
            "scheme": "cloud-passport",
            "cert_id": "CP-7",
            "evidence_sha256": "11".repeat(32),
            "issuer_keyids": ["22".repeat(32)],
        },
        "member_keys": [public(key)],
        "max_validators": 2,
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": now().plus(300 * DAY),
        "state": "active",
        "seq": 1,
    })
}

/// A record of nodes that follows another one, given as the bytes that were published.
pub fn nodes(member: &str, before: Option<&[u8]>, list: Vec<Node>) -> Nodes {
    let seq = before.map_or(0, |before| Nodes::parse(before).unwrap().seq);
    Nodes {
        schema: "cloud-ledger-nodes/1".to_owned(),
        network_id: "test-net".to_owned().try_into().unwrap(),
        chain_id: 6301,
        member_id: member.to_owned().try_into().unwrap(),
        seq: seq + 1,
        prev_sha256: before.map(|before| ledger_notary::records::Hex32(Sha256::digest(before).into())),
        nodes: list,
    }
}

/// A node whose four keys are made of a number, and have all given their word.
pub fn node(member: &str, number: u8) -> Node {
    let key = |role: u8| SigningKey::from_bytes(&[number.wrapping_mul(4).wrapping_add(role); 32]);
    let ethereum = |role: u8| PrivateKeySigner::from_bytes(&key(role).to_bytes().into()).unwrap();
    let mut node = Node {
        peer_id: peer_id_to_text(&peer_id_of(&ConsensusKey::of(&key(0)))),
        consensus_key: ConsensusKey::of(&key(1)),
        account: ethereum(2).address(),
        checkpoint_key: ethereum(3).address(),
        endpoints: vec!["/dns4/node.example/tcp/30303".to_owned()],
        region: "eu-west".to_owned().try_into().unwrap(),
        proofs: Proofs {
            expires: now().plus(180 * DAY),
            peer: Signature64::new([0; 64]),
            consensus: Signature64::new([0; 64]),
            account: FixedBytes::ZERO,
            checkpoint: FixedBytes::ZERO,
        },
    };
    let statement = nodes(member, None, Vec::new()).statement(&node);
    let text = |role| statement.text(role).into_bytes();
    let secp256k1 = |number, role| FixedBytes::new(ethereum(number).sign_message_sync(&text(role)).unwrap().as_bytes());
    node.proofs.peer = Signature64::new(key(0).sign(&text(KeyRole::Peer)).to_bytes());
    node.proofs.consensus = Signature64::new(key(1).sign(&text(KeyRole::Consensus)).to_bytes());
    node.proofs.account = secp256k1(2, KeyRole::Account);
    node.proofs.checkpoint = secp256k1(3, KeyRole::Checkpoint);
    node
}
