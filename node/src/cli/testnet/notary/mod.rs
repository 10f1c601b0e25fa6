//! The notary of a local network: a working group whose keys all lie in one folder, the server, and the process with the online
//! keys.
//!
//! [`make()`] is the ceremony, [`start`] runs what anybody would run, by its command line, and founds the notary once. Everywhere
//! else the keys lie with different people; here one command plays all of them.

mod ceremony;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ledger_chainspec::ChainSpec;
use serde_json::Value;

pub use ceremony::{GROUP, GROUP_THRESHOLD, make};

use super::{
    ask::get,
    error::TestnetError,
    folder::{Folder, State},
    interrupt::Interrupt,
    network::{ANSWER_WITHIN, Children, Network, POLL, say},
    processes::{self, ProcessId},
    status::chain_argument,
};

/// The program, beside this one.
const PROGRAM: &str = "ledger-notary";
/// Where the server tells how it stands.
pub const STATUS_PATH: &str = "/v1/status";
/// Seconds between two questions of the signer.
const SIGNER_EVERY: &str = "1";

/// The files of a notary.
#[derive(Clone, Debug)]
pub struct NotaryFiles(PathBuf);

impl NotaryFiles {
    /// The notary's files in the folder of a network.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self(folder.join("notary"))
    }

    /// Where they all are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The key of one holder: `group-1`, `snapshot`.
    #[must_use]
    pub fn key(&self, holder: &str) -> PathBuf {
        self.0.join(format!("{holder}.pem"))
    }

    /// The password of all keys.
    #[must_use]
    pub fn password(&self) -> PathBuf {
        self.0.join("password")
    }

    /// The first root: what trust starts from.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.0.join("1.root.json")
    }

    /// What `trusted` means to one who reads: a folder of its own.
    #[must_use]
    pub fn trusted(&self, reader: &str) -> PathBuf {
        self.0.join("trusted").join(reader)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// The network as the notary's orders name it.
#[must_use]
pub fn network_argument(spec: &ChainSpec) -> String {
    format!("{}/{}", spec.name, spec.chain_id)
}

/// The program.
///
/// # Errors
/// [`TestnetError::Notary`] if it is not there.
pub fn program(files: &NotaryFiles) -> Result<PathBuf, TestnetError> {
    let path = processes::beside(PROGRAM).map_err(spawn_failed)?;
    match path.exists() {
        true => Ok(path),
        false => Err(TestnetError::Notary {
            reason: format!(
                "there is no {}; build it (make build), or start the network without it: --no-notary",
                path.display()
            ),
            folder: files.folder().to_owned(),
        }),
    }
}

fn spawn_failed(source: std::io::Error) -> TestnetError {
    let node = "the notary".to_owned();
    TestnetError::Spawn { node, source }
}

/// The command line of the server. What tells whose process it is comes first.
fn server_line(files: &NotaryFiles, network: &str, port: u16) -> Vec<OsString> {
    let storage = format!("sqlite:{}", files.file("notary.db").display());
    vec![
        "serve".into(),
        "--storage".into(),
        storage.into(),
        "--folder".into(),
        files.file("published").into(),
        "--network".into(),
        network.into(),
        "--root".into(),
        files.root().into(),
        "--log-key".into(),
        files.file("log.pem").into(),
        "--listen".into(),
        format!("127.0.0.1:{port}").into(),
    ]
}

/// The command line of the process with the online keys.
fn signer_line(files: &NotaryFiles, network: &str, port: u16) -> Vec<OsString> {
    vec![
        "sign".into(),
        "--trusted".into(),
        files.trusted("signer").into(),
        "--root".into(),
        files.root().into(),
        "--network".into(),
        network.into(),
        "--server".into(),
        format!("http://127.0.0.1:{port}").into(),
        "--snapshot-key".into(),
        files.key(ceremony::SNAPSHOT).into(),
        "--timestamp-key".into(),
        files.key(ceremony::TIMESTAMP).into(),
        "--password-file".into(),
        files.password().into(),
        "--every".into(),
        SIGNER_EVERY.into(),
    ]
}

/// Starts what of the notary is down, founds it if nobody has, and waits until it has published.
///
/// # Errors
/// [`TestnetError`] if a process cannot be started, ends, or does not answer, or a signal comes.
pub fn start(network: &mut Network, children: &mut Children, interrupt: &mut Interrupt) -> Result<(), TestnetError> {
    let Some(port) = network.state.shape.notary_port else {
        return Ok(());
    };
    let files = network.folder.notary();
    let spec = ChainSpec::load(&chain_argument(&network.folder, &network.state))?;
    let name = network_argument(&spec);
    let program = program(&files)?;
    network.state.notary.forget_dead();
    network.state.notary.wanted = true;
    network.save()?;
    let mut run = |line: &[OsString], log: &str, known: &Option<ProcessId>| {
        if known.is_some() {
            return Ok(known.clone());
        }
        let child = processes::spawn(&program, line, &files.file(log)).map_err(spawn_failed)?;
        Ok::<_, TestnetError>(ProcessId::of(children.add(child)))
    };
    let server = run(
        &server_line(&files, &name, port),
        "server.log",
        &network.state.notary.server,
    )?;
    network.state.notary.server = server;
    network.save()?;
    let status = await_status(network, port, interrupt, |_| true)?;
    if status.get("entries").and_then(Value::as_u64) == Some(0) {
        ceremony::found(&files, &spec, port)?;
    }
    let signer = run(
        &signer_line(&files, &name, port),
        "signer.log",
        &network.state.notary.signer,
    )?;
    network.state.notary.signer = signer;
    network.save()?;
    await_status(network, port, interrupt, |status| {
        status.pointer("/metadata/timestamp").is_some()
    })?;
    say(&format!(
        "{:<14} http://127.0.0.1:{port}, logs and keys in {}",
        "notary",
        files.folder().display()
    ));
    Ok(())
}

/// Waits until the server says of itself what `is_it` looks for.
fn await_status(
    network: &Network,
    port: u16,
    interrupt: &mut Interrupt,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Value, TestnetError> {
    let files = network.folder.notary();
    let failed = |reason: &str| TestnetError::Notary {
        reason: reason.to_owned(),
        folder: files.folder().to_owned(),
    };
    let deadline = Instant::now() + ANSWER_WITHIN;
    loop {
        if let Some(status) = get(port, STATUS_PATH).filter(&is_it) {
            return Ok(status);
        }
        if let Some(ended) = network.state.notary.processes().find(|process| !process.is_alive()) {
            return Err(failed(&format!("process {} has ended", ended.pid)));
        }
        if Instant::now() > deadline {
            return Err(failed(&format!("no answer within {} s", ANSWER_WITHIN.as_secs())));
        }
        if interrupt.within(POLL.min(Duration::from_millis(100))) {
            return Err(TestnetError::Interrupted);
        }
    }
}

/// Finds processes that were started and not written down, because the command was cut off in between.
pub fn find_strays(folder: &Folder, state: &mut State) {
    let Some(port) = state.shape.notary_port else { return };
    let files = folder.notary();
    // The network's name is not what tells whose they are.
    let lines = [server_line(&files, "", port), signer_line(&files, "", port)];
    let known = [&mut state.notary.server, &mut state.notary.signer];
    for (known, found) in known.into_iter().zip(processes::find(&lines)) {
        if !known.as_ref().is_some_and(ProcessId::is_alive) && found.is_some() {
            *known = found;
        }
    }
}
