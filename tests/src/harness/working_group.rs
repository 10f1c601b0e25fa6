//! A notary with everybody around it, as real processes: its server and signer, and people who speak to it by `ledger-notary`.
//!
//! One holder each of root, of the working group, of the deny role and of every member's key: how many must agree is the notary's own
//! tests' business.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use ledger_keys::secret_file;
use serde_json::{Value, json};
use sha2::Digest;
use tempfile::TempDir;

use super::built_binary;

/// Longest wait for the signer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The notary of a network.
#[derive(Debug)]
pub struct WorkingGroup {
    // Ends first.
    processes: Vec<Child>,
    folder: TempDir,
    network: String,
    url: String,
}

impl WorkingGroup {
    /// Makes all keys, founds the notary of the chain of this name and id, and has its server and its signer run.
    ///
    /// # Panics
    /// If that does not work, with the words of whoever refused.
    pub fn found(chain: &str, chain_id: u64) -> Self {
        let folder = TempDir::with_prefix("ledger-working-group-").expect("a temporary folder can be made");
        secret_file::write_new(&folder.path().join("password"), b"public").expect("a new file");
        let mut group = Self {
            processes: Vec::new(),
            folder,
            network: format!("{chain}/{chain_id}"),
            url: String::new(),
        };
        let [root, targets, deny, snapshot, timestamp] =
            ["root", "targets", "deny", "snapshot", "timestamp"].map(|name| group.make_key(name));
        let online = ["--snapshot-key", &snapshot, "--timestamp-key", &timestamp];
        let keys = ["--root-key", &root, "--targets-key", &targets];
        let one = ["--root-threshold", "1", "--targets-threshold", "1"];
        group.does(&[&["root", "new", "--out", "root.json"], &keys[..], &one, &online].concat());
        group.does(&["root", "sign", "root.json", "--key", "root.pem"]);
        group.does(&["targets", "new", "--out", "targets.json", "--deny-key", &deny]);
        group.does(&[
            "targets",
            "sign",
            "targets.json",
            "--root",
            "root.json",
            "--key",
            "targets.pem",
        ]);
        group.does(&["deny", "new", "--out", "deny-role.json", "--list-out", "deny.json"]);
        group.does(&[
            "deny",
            "sign",
            "deny-role.json",
            "--targets",
            "targets.json",
            "--key",
            "deny.pem",
        ]);
        group.serve();
        let files = [
            "--root",
            "root.json",
            "--targets",
            "targets.json",
            "--deny",
            "deny-role.json",
        ];
        group.does(
            &[
                &["found"],
                &files[..],
                &["--deny-list", "deny.json", "--key", "root.pem"],
            ]
            .concat(),
        );
        group.sign();
        group.await_standing(None);
        group
    }

    fn make_key(&self, name: &str) -> String {
        let made = self.does(&["key", "new", &format!("{name}.pem")]);
        made["public_key"].as_str().expect("a key has a public half").to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built_binary("ledger-notary"));
        command.current_dir(self.folder.path()).arg("--json").args(arguments);
        let password = self.folder.path().join("password");
        command.env("LEDGER_NOTARY_PASSWORD_FILE", password);
        command.env("LEDGER_NOTARY_NETWORK", &self.network);
        command.env("LEDGER_NOTARY_SERVER", &self.url).stdin(Stdio::null());
        command
    }

    fn does(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).output().expect("ledger-notary can be run");
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    fn serve(&mut self) {
        let words = ["serve", "--root", "root.json", "--storage", "sqlite:notary.db"];
        let more = [
            "--folder",
            "published",
            "--log-key",
            "log.pem",
            "--listen",
            "127.0.0.1:0",
        ];
        let mut server = self.command(&[&words[..], &more].concat());
        let mut server = server.stdout(Stdio::piped()).spawn().expect("ledger-notary can be run");
        let lines = BufReader::new(server.stdout.take().expect("it was asked for")).lines();
        self.processes.push(server);
        // One object over several lines; then it is silent.
        let mut told = String::new();
        for line in lines.map_while(Result::ok) {
            told += &line;
            if line == "}" {
                break;
            }
        }
        let told: Value = serde_json::from_str(&told).expect("it says where it listens");
        self.url = format!("http://{}", told["address"].as_str().expect("an address"));
    }

    /// Has the online keys sign what is due, every second.
    fn sign(&mut self) {
        let keys = ["--snapshot-key", "snapshot.pem", "--timestamp-key", "timestamp.pem"];
        let words = [
            &["sign", "--every", "1", "--trusted", "signer", "--root", "root.json"],
            &keys[..],
        ]
        .concat();
        let signer = self.command(&words).stdout(Stdio::null()).spawn();
        self.processes.push(signer.expect("ledger-notary can be run"));
    }

    /// Where its files are served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The root file that trust starts from.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.json")
    }

    /// The member `id`, which the chain calls `called`, asks with its record of nodes, and the working group admits it.
    ///
    /// # Panics
    /// If somebody refuses.
    pub fn admits(&self, id: &str, called: &str, nodes: &[u8]) {
        let own = format!("{id}.pem");
        let key = match self.folder.path().join(&own).exists() {
            true => self.does(&["key", "show", &own])["public_key"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            false => self.make_key(id),
        };
        let (network, chain_id) = self.network.split_once('/').expect("name and id");
        let mut admission = json!({
            "schema": "cloud-ledger-admission/1",
            "network_id": network,
            "chain_id": chain_id.parse::<u64>().expect("a number"),
            "member_id": id,
            "member_name": called,
            "legal_name": called,
            "registration_no": "1",
            "jurisdiction": "DE",
            "passport": {
                "scheme": "test",
                "cert_id": "1",
                "evidence_sha256": "11".repeat(32),
                "issuer_keyids": ["22".repeat(32)],
            },
            "member_keys": [key],
            "max_validators": 1,
            "not_before": "2020-01-01T00:00:00Z",
            "not_after": "2090-01-01T00:00:00Z",
            "state": "active",
            "seq": 1,
        });
        if let Some(before) = self.published(&format!(".m.{id}.admission.json")) {
            let before = fs::read(before).expect("it was found");
            admission["seq"] = (seq(&before) + 1).into();
            admission["prev_sha256"] = alloy_primitives::hex::encode(sha2::Sha256::digest(&before)).into();
        }
        let write =
            |name: &str, bytes: &[u8]| fs::write(self.folder.path().join(name), bytes).expect("it can be written");
        write("admission.json", admission.to_string().as_bytes());
        write("nodes.json", nodes);
        let trust = ["--trusted", "member", "--root", "root.json"];
        let submit = [
            "submit",
            "--admission",
            "admission.json",
            "--nodes",
            "nodes.json",
            "--key",
            &own,
        ];
        let submission = self.does(&[&submit[..], &trust].concat())["submission"].to_string();
        self.does(&["verify", &submission, "--key", "targets.pem"]);
        self.approve();
        self.await_standing(Some((id, "published")));
    }

    /// The newest published file whose name ends so.
    ///
    /// # Panics
    /// If the published folder cannot be listed.
    pub fn published(&self, ending: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("published/targets")).expect("it is published");
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        files
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .max_by_key(|path| seq(&fs::read(path).unwrap_or_default()))
    }

    /// The deny role suspends the member at once, or lifts that.
    ///
    /// # Panics
    /// If it is refused.
    pub fn suspends(&self, id: &str, is_suspended: bool) {
        fs::write(self.folder.path().join("reason"), "a test").expect("it can be written");
        let change: &[&str] = match is_suspended {
            true => &["--reason", "reason"],
            false => &["--lift"],
        };
        let trust = ["--trusted", "deny", "--root", "root.json", "--key", "deny.pem"];
        self.does(&[&["suspend", id], change, &trust].concat());
        self.await_standing(Some((id, if is_suspended { "suspended" } else { "published" })));
    }

    /// The working group revokes the member.
    ///
    /// # Panics
    /// If it is refused.
    pub fn revokes(&self, id: &str) {
        self.does(&[
            "revoke",
            id,
            "--trusted",
            "group",
            "--root",
            "root.json",
            "--key",
            "targets.pem",
        ]);
        self.approve();
        self.await_standing(Some((id, "revoked")));
    }

    /// Signs the open proposal, whatever it says.
    fn approve(&self) {
        let version = self.does(&["status"])["proposal"].to_string();
        let proposal = self.does(&["status", "--proposal", &version]);
        let sha256 = proposal["signable_sha256"].as_str().expect("a hash");
        let trust = ["--trusted", "group", "--root", "root.json", "--key", "targets.pem"];
        self.does(&[&["approve", &version, "--sha256", sha256], &trust[..]].concat());
    }

    /// Waits until the member stands so at the notary; without one, until the first release is out.
    fn await_standing(&self, wanted: Option<(&str, &str)>) {
        let started = Instant::now();
        loop {
            let is_so = match wanted {
                Some((id, standing)) => self.does(&["status", "--member", id])["standing"] == standing,
                None => self.folder.path().join("published/metadata/timestamp.json").exists(),
            };
            if is_so {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{wanted:?} did not come about");
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn seq(record: &[u8]) -> u64 {
    let record: Value = serde_json::from_slice(record).unwrap_or_default();
    record["seq"].as_u64().unwrap_or_default()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Drop for WorkingGroup {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
