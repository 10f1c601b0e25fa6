//! The program itself, killed at any moment.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use alloy_signer_local::PrivateKeySigner;
use ledger_keys::{Password, account};
use tempfile::TempDir;

use crate::{
    chains::{Chains, purse, senders},
    random::Random,
    side::SideServer,
};

/// Time between two blocks of the mainchain.
const BLOCK: Duration = Duration::from_millis(150);

/// Everything that the program is given.
pub struct Setting {
    pub folder: TempDir,
    pub key: PathBuf,
    pub password: PathBuf,
}

impl Setting {
    pub fn new(signer: &PrivateKeySigner) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (key, password) = (folder.path().join("key.json"), folder.path().join("password"));
        account::write_keystore(&key, signer, &Password::new("secret".to_owned())).expect("the key can be written");
        ledger_keys::secret_file::write_new(&password, b"secret\n").expect("the password can be written");
        Self { folder, key, password }
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub fn key_arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        vec![
            "--key".into(),
            text(&self.key),
            "--password-file".into(),
            text(&self.password),
        ]
    }
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger-relayer"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn chain_arguments(chains: &Chains, side: &SideServer) -> Vec<String> {
    [
        "--mainchain",
        &chains.anvil.url,
        "--contract",
        &chains.anchor.contract.to_string(),
        "--sidechain",
        &side.url,
    ]
    .map(str::to_owned)
    .to_vec()
}

pub fn run_command(chains: &Chains, side: &SideServer, setting: &Setting) -> Command {
    let mut command = program();
    command
        .arg("run")
        .args(chain_arguments(chains, side))
        .args(setting.key_arguments())
        .arg("--journal")
        .arg(setting.journal())
        .args(["--poll", "1", "--soft-blocks", "12", "--final-blocks", "40"]);
    command
}

/// Ends the program from outside, whatever it does.
fn kill(mut child: Child) -> Output {
    child.kill().expect("it was started here");
    child.wait_with_output().expect("it was started here")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_that_is_killed_again_and_again_brings_each_checkpoint_once() {
    let Some(chains) = Chains::start().await else { return };
    let side = SideServer::start(&chains.history).await;
    let setting = Setting::new(&Chains::signer(0));
    chains.anvil.fund(Chains::signer(0).address(), purse()).await;
    chains.anvil.mine(1).await;
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut logs = String::new();
    for life in 0..14 {
        chains.grow(1);
        let child = run_command(&chains, &side, &setting).spawn().expect("it starts");
        let end = Instant::now() + Duration::from_millis(150 + random.below(1_500));
        while Instant::now() < end {
            chains.anvil.mine(1).await;
            tokio::time::sleep(BLOCK).await;
        }
        if life == 7 {
            chains.anvil.reorganise(5).await;
        }
        logs += &String::from_utf8_lossy(&kill(child).stderr);
    }
    let child = run_command(&chains, &side, &setting).spawn().expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while chains.made().await.len() < 14 && Instant::now() < deadline {
        chains.anvil.mine(1).await;
        tokio::time::sleep(BLOCK).await;
    }
    logs += &String::from_utf8_lossy(&kill(child).stderr);
    assert_eq!(chains.made().await.len(), 14, "{logs}");
    chains.check_all_made().await;
    assert_eq!(senders(&chains).await.len(), 14, "nothing was paid for twice: {logs}");
}
