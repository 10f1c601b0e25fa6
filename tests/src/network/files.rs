//! What the nodes of a cluster need on disk before they start: the chain's specification with their addresses, and keys.
//!
//! The chain is the built-in testnet with its four development validators, whose keys are public.

use std::{fs, path::Path};

use ledger_chainspec::{ChainSpec, ConsensusKey, dev_keys, peer_id};
use ledger_keys::{KeyError, Password, consensus, secret_file};

use super::wiring::Seat;

/// Of key files that protect nothing.
const PASSWORD: &str = "public";
const KEY_NAME: &str = "validator.pem";
const PASSWORD_NAME: &str = "password";

/// The multiaddress of development validator `k` at `seat`.
pub fn address(k: usize, seat: &Seat) -> String {
    let key = dev_keys::peer_key(u32::try_from(k).expect("a handful of validators"));
    let id = peer_id::peer_id_to_text(&peer_id::peer_id_of(&ConsensusKey::of(&key)));
    format!("/ip4/{}/tcp/{}/p2p/{id}", seat.peers.ip(), seat.peers.port())
}

/// The testnet whose validators sit in the first of `seats`, as a file.
///
/// # Errors
/// If it cannot be written.
pub fn write_spec(path: &Path, spec: &mut ChainSpec, seats: &[Seat]) -> Result<(), String> {
    let validators = seats.iter().enumerate().take(spec.validators.len());
    spec.network.bootnodes = validators.map(|(k, seat)| address(k, seat)).collect();
    fs::write(path, spec.to_toml()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes the keys of development validator `k` into the node's folder.
///
/// # Errors
/// If they cannot be written.
pub fn write_keys(folder: &Path, k: usize) -> Result<(), String> {
    let data = folder.join("data");
    fs::create_dir_all(&data).map_err(|error| error.to_string())?;
    let number = u32::try_from(k).map_err(|error| error.to_string())?;
    let written = || -> Result<(), KeyError> {
        consensus::write_identity(&data.join("identity.pem"), &dev_keys::peer_key(number))?;
        secret_file::write_new(&folder.join(PASSWORD_NAME), PASSWORD.as_bytes())?;
        let password = Password::new(PASSWORD.to_owned());
        consensus::write_encrypted(&folder.join(KEY_NAME), &dev_keys::validator_key(number), &password)
    };
    written().map_err(|error| error.to_string())
}

/// The arguments that name what [`write_keys`] wrote.
pub fn key_arguments(folder: &Path) -> Vec<String> {
    let text = |name| folder.join(name).display().to_string();
    vec![
        "--validator-key".to_owned(),
        text(KEY_NAME),
        "--password-file".to_owned(),
        text(PASSWORD_NAME),
    ]
}
