//! The program: what it is given, how it is started, and how it is ended from outside.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use alloy_signer_local::PrivateKeySigner;
use ledger_keys::{Password, account};
use tempfile::TempDir;

use crate::{chains::Chains, side::SideServer};

/// Time between two blocks of the mainchain.
pub const BLOCK: Duration = Duration::from_millis(150);

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

/// cargo says it to tests; beside it, the program lies one folder above.
fn binary() -> PathBuf {
    match option_env!("CARGO_BIN_EXE_ledger-relayer") {
        Some(path) => path.into(),
        None => {
            let own = std::env::current_exe().expect("this program has a path");
            let folder = own.ancestors().nth(2).expect("it lies two folders deep");
            folder.join("ledger-relayer")
        }
    }
}

/// The program, not started yet.
pub fn program() -> Command {
    let mut command = Command::new(binary());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn chain_arguments(chains: &Chains, side: &SideServer) -> Vec<String> {
    [
        "--mainchain",
        &chains.node.url,
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
pub fn kill(mut child: Child) -> Output {
    child.kill().expect("it was started here");
    child.wait_with_output().expect("it was started here")
}
