//! A node as a process: with the keys of a development validator or without, started, killed and asked.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use jsonrpsee::http_client::HttpClient;
use ledger_api::{CheckpointInfo, CheckpointsQuery, LedgerClient};
use ledger_chainspec::dev_keys::{self, DEV_MNEMONIC};
use ledger_node::keys::{Password, account, consensus, secret_file};
use tokio::time::sleep;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The test mnemonic's account whose key is the checkpoint key of the first development validator.
const FIRST_CHECKPOINT_KEY: u32 = 10;

/// The checkpoint key of development validator `k`.
pub fn checkpoint_signer(k: u32) -> PrivateKeySigner {
    let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
    builder.index(FIRST_CHECKPOINT_KEY + k).unwrap().build().unwrap()
}

/// A node, killed when dropped.
pub struct Member {
    arguments: Vec<String>,
    pub folder: PathBuf,
    pub url: String,
    process: Option<Child>,
}

impl Member {
    /// Writes the keys of development validator `k`, or of a node that only follows, and says how it is started.
    pub fn new((k, is_validator): (u32, bool), [p2p, rpc]: [u16; 2], chain: &Path, folder: &Path) -> Self {
        let folder = folder.join(format!("node-{k}"));
        fs::create_dir(&folder).unwrap();
        let mut arguments = vec![
            "--chain".to_owned(),
            chain.display().to_string(),
            "--data-dir".to_owned(),
            folder.join("data").display().to_string(),
            "--p2p-port".to_owned(),
            p2p.to_string(),
            "--rpc-port".to_owned(),
            rpc.to_string(),
        ];
        if is_validator {
            fs::create_dir(folder.join("data")).unwrap();
            consensus::write_identity(&folder.join("data").join("identity.pem"), &dev_keys::peer_key(k)).unwrap();
            let (key, checkpoint, password) = (
                folder.join("key.pem"),
                folder.join("checkpoint.json"),
                folder.join("password"),
            );
            secret_file::write_new(&password, b"a password for tests\n").unwrap();
            let secret = Password::from_file(&password).unwrap();
            consensus::write_encrypted(&key, &dev_keys::validator_key(k), &secret).unwrap();
            account::write_keystore(&checkpoint, &checkpoint_signer(k), &secret).unwrap();
            for (flag, path) in [
                ("--validator-key", &key),
                ("--checkpoint-key", &checkpoint),
                ("--password-file", &password),
            ] {
                arguments.extend([flag.to_owned(), path.display().to_string()]);
            }
            arguments.push("--fresh-guard".to_owned());
        }
        Self {
            url: format!("http://127.0.0.1:{rpc}"),
            arguments,
            folder,
            process: None,
        }
    }

    pub fn start(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_ledger-node"))
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// What it has logged since it was first started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn rpc(&self) -> HttpClient {
        HttpClient::builder().build(&self.url).unwrap()
    }

    pub async fn checkpoints(&self, from: u64) -> Vec<CheckpointInfo> {
        let query = CheckpointsQuery { from, count: 64 };
        self.rpc().checkpoints(query).await.unwrap_or_default()
    }

    /// Waits until a quorum has signed the checkpoint at `index`, as this node knows.
    pub async fn until_signed(&self, index: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.checkpoints(index).await;
            if found
                .first()
                .is_some_and(|first| first.bundle.checkpoint.index == index && first.signed >= first.quorum)
            {
                return;
            }
            let log = self.log();
            let end: Vec<_> = log.lines().rev().take(30).collect();
            assert!(
                Instant::now() < deadline,
                "checkpoint {index} is not signed: {found:?}\n{end:#?}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}
