//! `ledger-node keys`: make, show and import keys. Prints public parts alone.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;
use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    error::NodeError,
    keys::{KeyError, Password, account, consensus, secret_file},
};

use super::{Cli, output};

/// `ledger-node keys`
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a validator's consensus key (ed25519, encrypted PKCS#8 in PEM)
    Generate {
        /// File to write; never overwritten
        #[arg(long, value_name = "PEM")]
        out: PathBuf,
    },
    /// Show the public part of a consensus key
    Show {
        /// The key file
        #[arg(value_name = "PEM")]
        file: PathBuf,
    },
    /// Encrypt a consensus key that another tool made
    Import {
        /// File with the 32-byte seed in hexadecimal (mode 0600); delete it afterwards
        #[arg(long, value_name = "FILE")]
        seed: PathBuf,
        /// File to write; never overwritten
        #[arg(long, value_name = "PEM")]
        out: PathBuf,
    },
    /// Show the network identity of the node with this data folder, made if there is none yet
    PeerId,
    /// Ethereum accounts (Web3 keystore files)
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Make an account
    New {
        /// File to write; never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show the address of an account
    Show {
        /// The keystore file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Encrypt a private key that another tool made
    Import {
        /// File with the 32-byte private key in hexadecimal (mode 0600); delete it afterwards
        #[arg(long, value_name = "FILE")]
        secret: PathBuf,
        /// File to write; never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Does what `keys` asks for.
///
/// # Errors
/// [`NodeError::Key`], or [`NodeError::Environment`] if nothing can be printed.
pub fn run(cli: &Cli, args: &KeysArgs) -> Result<(), NodeError> {
    let password_file = cli.validator.password_file.as_deref();
    match &args.command {
        KeysCommand::Generate { out } => write_consensus(cli, &consensus::generate()?, out),
        KeysCommand::Import { seed, out } => {
            let seed = read_hex(seed, "a 32-byte seed in hexadecimal")?;
            write_consensus(cli, &SigningKey::from_bytes(&seed), out)
        }
        KeysCommand::Show { file } => show_consensus(cli, &consensus::unlock(file, password_file)?, file),
        KeysCommand::PeerId => {
            let path = crate::config::identity_path(&crate::config::data_folder(cli)?);
            let peer_id = ledger_network::peer_id_of(&consensus::read_or_create_identity(&path)?);
            output(
                cli.telemetry.json,
                &json!({ "peer_id": peer_id.to_string(), "file": path }),
                || format!("peer id  {peer_id}\nfile     {}", path.display()),
            )
        }
        KeysCommand::Account { command } => run_account(cli, command),
    }
}

fn run_account(cli: &Cli, command: &AccountCommand) -> Result<(), NodeError> {
    let password_file = cli.validator.password_file.as_deref();
    match command {
        AccountCommand::New { out } => write_account(cli, &PrivateKeySigner::random(), out),
        AccountCommand::Import { secret, out } => {
            const EXPECTED: &str = "a 32-byte private key in hexadecimal";
            let bytes = read_hex(secret, EXPECTED)?;
            let signer = PrivateKeySigner::from_bytes(&B256::from(*bytes)).map_err(|_| KeyError::Malformed {
                path: secret.clone(),
                expected: EXPECTED,
                reason: "it is zero or not below the curve's order".to_owned(),
            })?;
            write_account(cli, &signer, out)
        }
        AccountCommand::Show { file } => show_account(cli, &account::unlock(file, password_file)?, file),
    }
}

fn write_consensus(cli: &Cli, key: &SigningKey, out: &Path) -> Result<(), NodeError> {
    let password = Password::choosing(&out.display().to_string(), cli.validator.password_file.as_deref())?;
    consensus::write_encrypted(out, key, &password)?;
    show_consensus(cli, key, out)
}

fn show_consensus(cli: &Cli, key: &SigningKey, file: &Path) -> Result<(), NodeError> {
    let public = B256::from(key.verifying_key().to_bytes());
    output(
        cli.telemetry.json,
        &json!({ "consensus_key": public, "file": file }),
        || format!("consensus key  {public}\nfile           {}", file.display()),
    )
}

fn write_account(cli: &Cli, signer: &PrivateKeySigner, out: &Path) -> Result<(), NodeError> {
    let password = Password::choosing(&out.display().to_string(), cli.validator.password_file.as_deref())?;
    account::write_keystore(out, signer, &password)?;
    show_account(cli, signer, out)
}

fn show_account(cli: &Cli, signer: &PrivateKeySigner, file: &Path) -> Result<(), NodeError> {
    let address = signer.address();
    output(cli.telemetry.json, &json!({ "address": address, "file": file }), || {
        format!("address  {address}\nfile     {}", file.display())
    })
}

fn read_hex(path: &Path, expected: &'static str) -> Result<Zeroizing<[u8; 32]>, NodeError> {
    let text = secret_file::read(path, expected)?;
    let digits = text.trim();
    let mut bytes = Zeroizing::new([0u8; 32]);
    // The library's own error would quote a character of the secret.
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), bytes.as_mut()).map_err(|_| {
        KeyError::Malformed {
            path: path.to_owned(),
            expected,
            reason: "it is not 64 hexadecimal digits".to_owned(),
        }
    })?;
    Ok(bytes)
}
