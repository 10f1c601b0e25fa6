//! The mainchain of a local network: anvil as Ethereum Classic, the checkpoint contract on it, and the accounts of the relayers.
//!
//! [`start`] runs what anybody would run, by its command line: anvil, which keeps its chain in a file, and `ledger-relayer deploy`, which
//! makes the contract once, at the address that the built-in chain names from its genesis on: the first contract of the first account
//! of the test mnemonic.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, Bytes, U64};
use alloy_sol_types::SolCall;
use ledger_chainspec::ChainSpec;
use ledger_contracts::CheckpointContract::headIndexCall;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    assembly::genesis_hash,
    keys::{Password, account, secret_file},
};

use super::{
    ask::call,
    error::TestnetError,
    files::{clear, new_password},
    folder::{Folder, State, failed},
    interrupt::Interrupt,
    network::{ANSWER_WITHIN, Children, Network, POLL, say},
    plan::NodeFiles,
    processes::{self, ProcessId},
    spec::dev_signer_at,
    status::chain_argument,
};

/// Chain id of the mainchain: that of Ethereum Classic's test network.
const CHAIN_ID: u64 = 63;
/// Seconds from one block to the next; Ethereum Classic takes 13.
const BLOCK_SECONDS: &str = "1";
/// Gas of a block, as on Ethereum Classic.
const BLOCK_GAS: &str = "8000000";
/// Seconds from one writing of the chain to the next. What a kill takes back is a reorganisation to the relayers.
const KEPT_EVERY_SECONDS: &str = "60";
/// Accounts of the test mnemonic that anvil gives coins to.
const FUNDED_ACCOUNTS: &str = "10";
/// The account of the test mnemonic that makes the contract, as its first.
const DEPLOYER: u32 = 0;
/// The account of the first relayer; the others have those behind it.
const RELAYERS_FROM: u32 = 8;
/// Number of a chain's first validator set.
const FIRST_SET: &str = "0";
/// Seconds until a deployment is given up: many blocks.
const DEPLOYED_WITHIN_SECONDS: &str = "60";
/// Where npm puts anvil, from the repository's root.
const FROM_NPM: &str = "tests/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
/// The program that deploys, beside this one.
const RELAYER: &str = "ledger-relayer";

/// What is known about the mainchain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MainchainState {
    /// Whether it should run.
    pub wanted: bool,
    /// The program.
    pub anvil: Option<PathBuf>,
    /// Its newest process.
    pub process: Option<ProcessId>,
}

/// The files of a mainchain.
#[derive(Clone, Debug)]
pub struct MainchainFiles(PathBuf);

impl MainchainFiles {
    /// The mainchain's files in the folder of a network.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self(folder.join("mainchain"))
    }

    /// Where they all are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where anvil puts past states that it has no memory for. An ended anvil's are of no use.
    fn states(&self) -> PathBuf {
        self.file("states")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// JSON-RPC of a mainchain at this port.
#[must_use]
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The program: the one that was named, or the one that npm has brought to the repository of this program or of the current folder.
///
/// # Errors
/// [`TestnetError::Mainchain`] if there is none.
pub fn program(folder: &Folder, named: Option<&Path>) -> Result<PathBuf, TestnetError> {
    let roots = [std::env::current_exe(), std::env::current_dir()];
    let roots: Vec<_> = roots.into_iter().flatten().collect();
    let by_npm = roots
        .iter()
        .flat_map(|root| root.ancestors())
        .map(|root| root.join(FROM_NPM));
    let mut candidates = named.map(Path::to_owned).into_iter().chain(by_npm);
    let found = match named {
        Some(_) => candidates.next().filter(|path| path.is_file()),
        None => candidates.find(|path| path.is_file()),
    };
    let reason = match named {
        Some(path) => format!("there is no program {}", path.display()),
        None => "anvil is not here; npm brings it: run `npm ci` in tests/js of the repository, or name the program with --anvil".to_owned(),
    };
    let path = found.ok_or_else(|| broken(folder, &reason))?;
    std::path::absolute(&path).map_err(|source| failed("use", &path, source))
}

fn broken(folder: &Folder, reason: &str) -> TestnetError {
    TestnetError::Mainchain {
        reason: reason.to_owned(),
        folder: folder.mainchain().folder().to_owned(),
    }
}

/// The command line of anvil. What tells whose process it is comes first.
fn line(files: &MainchainFiles, port: u16) -> Vec<OsString> {
    vec![
        "--chain-id".into(),
        CHAIN_ID.to_string().into(),
        "--state".into(),
        files.file("chain.json").into(),
        "--state-interval".into(),
        KEPT_EVERY_SECONDS.into(),
        "--host".into(),
        "127.0.0.1".into(),
        "--port".into(),
        port.to_string().into(),
        "--accounts".into(),
        FUNDED_ACCOUNTS.into(),
        "--block-time".into(),
        BLOCK_SECONDS.into(),
        "--gas-limit".into(),
        BLOCK_GAS.into(),
        "--order".into(),
        "fees".into(),
        "--silent".into(),
        "--cache-path".into(),
        files.states().into(),
        // The EVM of Ethereum Classic's Spiral: the contract needs it. A base fee that begins at 0 stays there while blocks are half empty.
        "--hardfork".into(),
        "shanghai".into(),
        "--base-fee".into(),
        "0".into(),
    ]
}

/// Starts the mainchain if it is down, makes the contract if it is not there, and the relayers' keys.
///
/// # Errors
/// [`TestnetError`] if a process cannot be started, ends, or does not answer, or a signal comes.
pub fn start(network: &mut Network, children: &mut Children, interrupt: &mut Interrupt) -> Result<(), TestnetError> {
    let Some(port) = network.state.shape.mainchain_port else {
        return Ok(());
    };
    let files = network.folder.mainchain();
    make_folder(files.folder())?;
    if !is_alive(&network.state) {
        let program = network.state.mainchain.anvil.clone();
        let program = program.ok_or_else(|| broken(&network.folder, "nobody has named the program"))?;
        network.state.mainchain.wanted = true;
        network.save()?;
        clear(&files.states())?;
        let spawned = processes::spawn(&program, &line(&files, port), &files.file("anvil.log"));
        let child = spawned.map_err(|source| TestnetError::Spawn {
            node: "the mainchain".to_owned(),
            source,
        })?;
        network.state.mainchain.process = ProcessId::of(children.add(child));
        network.save()?;
    }
    await_answer(network, port, interrupt)?;
    let contract = deploy(network, port)?;
    write_relayer_keys(network)?;
    say(&format!(
        "{:<14} {}, chain id {CHAIN_ID}, checkpoint contract {contract}, data in {}",
        "mainchain",
        url(port),
        files.folder().display()
    ));
    Ok(())
}

/// Whether its process is alive.
#[must_use]
pub fn is_alive(state: &State) -> bool {
    state.mainchain.process.as_ref().is_some_and(ProcessId::is_alive)
}

/// Number of its newest block; none if it does not answer.
#[must_use]
pub fn height(port: u16) -> Option<u64> {
    let height: U64 = serde_json::from_value(call(port, "eth_blockNumber", &json!([]))?).ok()?;
    Some(height.to())
}

/// Number of checkpoints that the contract has; none if it does not answer.
#[must_use]
pub fn checkpoints(port: u16) -> Option<u64> {
    let contract = dev_signer_at(DEPLOYER).address().create(0);
    let asked = json!({ "to": contract, "data": Bytes::from(headIndexCall {}.abi_encode()) });
    let answer: Bytes = serde_json::from_value(call(port, "eth_call", &json!([asked, "latest"]))?).ok()?;
    headIndexCall::abi_decode_returns_validate(&answer).ok()
}

fn await_answer(network: &Network, port: u16, interrupt: &mut Interrupt) -> Result<(), TestnetError> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    while height(port).is_none() {
        if !is_alive(&network.state) {
            let log = network.folder.mainchain().file("anvil.log");
            let reason = format!(
                "anvil has ended; see {}. If it cannot read its chain, delete chain.json beside that: the contract and the checkpoints are \
                 brought to a new one",
                log.display()
            );
            return Err(broken(&network.folder, &reason));
        }
        if Instant::now() > deadline {
            let reason = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
            return Err(broken(&network.folder, &reason));
        }
        if interrupt.within(POLL.min(Duration::from_millis(100))) {
            return Err(TestnetError::Interrupted);
        }
    }
    Ok(())
}

/// Makes the contract, or finds the one that was made.
fn deploy(network: &Network, port: u16) -> Result<Address, TestnetError> {
    let files = network.folder.mainchain();
    let spec = ChainSpec::load(&chain_argument(&network.folder, &network.state))?;
    let genesis = genesis_hash(&spec).map_err(|error| broken(&network.folder, &error.to_string()))?;
    let (key, password) = (files.file("deployer.json"), files.file("password"));
    if !key.exists() {
        let text = new_password()?;
        let _ = fs::remove_file(&password);
        secret_file::write_new(&password, text.as_bytes())?;
        account::write_keystore(&key, &dev_signer_at(DEPLOYER), &Password::from_file(&password)?)?;
    }
    let keys: Vec<_> = spec
        .validators
        .iter()
        .map(|validator| validator.checkpoint_key.to_string())
        .collect();
    let arguments: Vec<OsString> = vec![
        "deploy".into(),
        "--json".into(),
        "--mainchain".into(),
        url(port).into(),
        "--key".into(),
        key.into(),
        "--password-file".into(),
        password.into(),
        "--journal".into(),
        files.folder().into(),
        "--genesis".into(),
        genesis.to_string().into(),
        "--set-id".into(),
        FIRST_SET.into(),
        "--checkpoint-key".into(),
        keys.join(",").into(),
        "--timeout".into(),
        DEPLOYED_WITHIN_SECONDS.into(),
    ];
    let answer = run_relayer(&network.folder, &arguments)?;
    let contract = answer.get("contract").cloned().unwrap_or_default();
    match serde_json::from_value(contract) {
        Ok(contract) if contract == spec.checkpoint.contract => Ok(contract),
        other => Err(broken(
            &network.folder,
            &format!(
                "the contract is at {other:?}, and the chain names {}: delete the folder of the mainchain and start it again",
                spec.checkpoint.contract
            ),
        )),
    }
}

fn run_relayer(folder: &Folder, arguments: &[OsString]) -> Result<Value, TestnetError> {
    let program = processes::beside(RELAYER).map_err(|source| failed("find", Path::new(RELAYER), source))?;
    if !program.exists() {
        return Err(broken(
            folder,
            &format!("there is no {}; build it (make build)", program.display()),
        ));
    }
    let mut command = Command::new(&program);
    processes::forget_own_variables(command.args(arguments));
    let ended = command.output();
    let ended = ended.map_err(|source| TestnetError::Spawn {
        node: RELAYER.to_owned(),
        source,
    })?;
    let answer = serde_json::from_slice(&ended.stdout)
        .ok()
        .filter(|_| ended.status.success());
    answer.ok_or_else(|| TestnetError::Step {
        command: format!("{RELAYER} deploy"),
        words: String::from_utf8_lossy(&ended.stderr).trim_end().to_owned(),
    })
}

/// Writes the keys of the accounts that pay for checkpoints, where they are not yet.
fn write_relayer_keys(network: &Network) -> Result<(), TestnetError> {
    let relaying = network.state.shape.plan().into_iter().filter(|node| node.relays);
    for (account, node) in (RELAYERS_FROM..).zip(relaying) {
        let files: NodeFiles = network.folder.files(&node.name);
        if !files.relayer.exists() {
            make_folder(&files.wallets)?;
            account::write_keystore(
                &files.relayer,
                &dev_signer_at(account),
                &Password::from_file(&files.password)?,
            )?;
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), TestnetError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("make the folder", path, error)),
        _ => Ok(()),
    }
}

/// Finds the process that was started and not written down, because the command was cut off in between.
pub fn find_strays(folder: &Folder, state: &mut State) {
    let Some(port) = state.shape.mainchain_port else { return };
    if is_alive(state) {
        return;
    }
    if let Some(found) = processes::find(&[line(&folder.mainchain(), port)]).pop().flatten() {
        state.mainchain.process = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_chain_names_the_contract_that_is_deployed() {
        let spec = ChainSpec::testnet();
        assert_eq!(spec.checkpoint.contract, dev_signer_at(DEPLOYER).address().create(0));
        assert_eq!(spec.checkpoint.mainchain_id, CHAIN_ID);
    }

    #[test]
    fn anvil_is_told_apart_by_its_folder() {
        let line = line(&MainchainFiles::of(Path::new("/x")), 8655);
        let telling: Vec<_> = line.iter().map(|word| word.to_string_lossy()).take(5).collect();
        assert_eq!(
            telling,
            [
                "--chain-id",
                "63",
                "--state",
                "/x/mainchain/chain.json",
                "--state-interval"
            ]
        );
    }
}
