//! What a network's nodes need on disk before they start: keys, identities, accounts, and the specification of a chain of their own.
//!
//! Called by `up` and `admit`, which hold the lock. It overwrites no key of a node that was ever started.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    ChainSpec, ConsensusKey, dev_keys,
    peer_id::{peer_id_of, peer_id_to_text},
};

use crate::keys::{KeyError, Password, account, consensus, secret_file};

use super::{
    error::TestnetError,
    folder::{Folder, Lock, NodeState, State, failed, replace},
    plan::{Planned, Role},
    spec::{Identity, dev_signer, own_chain},
};

/// Random bytes of a key file's password.
const PASSWORD_BYTES: usize = 16;

/// Makes the nodes and the notary of `state`, which has none: their folders and keys, and their chain. The state file knows that they are
/// being made, and lists them when all is there; what an interrupted attempt has left is made anew.
///
/// # Errors
/// [`TestnetError`] if a file cannot be written.
pub fn prepare(folder: &Folder, lock: &Lock, state: &mut State) -> Result<(), TestnetError> {
    folder.write(lock, state)?;
    let mut nodes = Vec::new();
    let mut validators = Vec::new();
    for planned in state.shape.plan() {
        clear(&folder.files(&planned.name).folder)?;
        let identity = write_keys(folder, &planned, state.shape.has_built_in_validators())?;
        nodes.push(NodeState::new(planned.name, identity.peer_id.clone()));
        if planned.role == Role::Validator {
            validators.push(identity);
        }
    }
    let spec = match state.shape.has_built_in_validators() {
        true => ChainSpec::testnet(),
        false => {
            let spec = own_chain(&validators);
            write_spec(folder, &spec)?;
            spec
        }
    };
    // A chain with other keys needs another contract.
    clear(folder.mainchain().folder())?;
    write_checkpoint_keys(folder, state, &spec)?;
    if state.shape.notary_port.is_some() {
        write_accounts(folder, state, &spec)?;
        clear(folder.notary().folder())?;
        super::notary::make(&folder.notary(), &spec)?;
    }
    state.nodes = nodes;
    folder.write(lock, state)
}

/// Makes `spec.toml` name the addresses of the validators, which move with the ports. The built-in chain at its own address
/// needs no file.
///
/// # Errors
/// [`TestnetError`] if the file cannot be used.
pub fn address_spec(folder: &Folder, state: &State) -> Result<(), TestnetError> {
    if state.shape.is_built_in() {
        return Ok(());
    }
    let mut spec = match state.shape.has_built_in_validators() {
        true => ChainSpec::testnet(),
        false => ChainSpec::load(&folder.spec_path().to_string_lossy())?,
    };
    spec.network.bootnodes = state.validator_addresses("");
    write_spec(folder, &spec)
}

/// Makes the keys of a node of `cloud`, which joins later.
///
/// # Errors
/// [`TestnetError`] if a file cannot be written.
pub fn prepare_joined(folder: &Folder, node: &Planned, cloud: &str) -> Result<NodeState, TestnetError> {
    let files = folder.files(&node.name);
    clear(&files.folder)?;
    let identity = write_keys(folder, node, false)?;
    make_folder(&files.wallets)?;
    let password = Password::from_file(&files.password)?;
    for path in [&files.account, &files.checkpoint] {
        account::write_keystore(path, &PrivateKeySigner::random(), &password)?;
    }
    Ok(NodeState {
        cloud: Some(cloud.to_owned()),
        ..NodeState::new(node.name.clone(), identity.peer_id)
    })
}

/// Writes the keys with which the validators sign checkpoints.
fn write_checkpoint_keys(folder: &Folder, state: &State, spec: &ChainSpec) -> Result<(), TestnetError> {
    for (planned, validator) in state.shape.plan().iter().zip(&spec.validators) {
        let files = folder.files(&planned.name);
        make_folder(&files.wallets)?;
        let signer = dev_signer(&validator.checkpoint_key);
        account::write_keystore(&files.checkpoint, &signer, &Password::from_file(&files.password)?)?;
    }
    Ok(())
}

/// Writes the accounts with which the validators vote.
fn write_accounts(folder: &Folder, state: &State, spec: &ChainSpec) -> Result<(), TestnetError> {
    for (planned, validator) in state.shape.plan().iter().zip(&spec.validators) {
        let files = folder.files(&planned.name);
        let signer = dev_signer(&validator.account);
        account::write_keystore(&files.account, &signer, &Password::from_file(&files.password)?)?;
    }
    Ok(())
}

/// An empty folder in place of what is there.
///
/// # Errors
/// [`TestnetError::File`] if it cannot be cleared or made.
pub fn clear(path: &Path) -> Result<(), TestnetError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("clear", path, error)),
        _ => {}
    }
    make_folder(path)
}

fn make_folder(path: &Path) -> Result<(), TestnetError> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(|source| failed("make the folder", path, source))
}

fn write_spec(folder: &Folder, spec: &ChainSpec) -> Result<(), TestnetError> {
    replace(&folder.spec_path(), spec.to_toml().as_bytes())
}

/// Writes the keys of one node: a validator of the built-in chain has the public ones, everybody else gets new ones.
fn write_keys(folder: &Folder, node: &Planned, is_built_in: bool) -> Result<Identity, TestnetError> {
    let files = folder.files(&node.name);
    let is_public = is_built_in && node.role == Role::Validator;
    let key_of = |public: fn(u32) -> SigningKey| match is_public {
        true => Ok(public(node.number.into())),
        false => consensus::generate(),
    };
    let identity = key_of(dev_keys::peer_key)?;
    consensus::write_identity(&crate::config::identity_path(&files.folder), &identity)?;
    let key = key_of(dev_keys::validator_key)?;
    if node.role != Role::FullNode {
        let password = new_password()?;
        secret_file::write_new(&files.password, password.as_bytes())?;
        consensus::write_encrypted(&files.key, &key, &Password::from_file(&files.password)?)?;
    }
    Ok(Identity {
        consensus_key: ConsensusKey::of(&key),
        peer_id: peer_id_to_text(&peer_id_of(&ConsensusKey::of(&identity))),
    })
}

/// A new password, and the end of its line.
pub(super) fn new_password() -> Result<String, KeyError> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::Generate(error.to_string()))?;
    Ok(format!("{}\n", hex::encode(bytes)))
}
