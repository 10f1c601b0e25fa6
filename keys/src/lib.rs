//! Keys on disk: how a secret is written, checked and read, and what is said when it cannot be.
//!
//! Called by `ledger-node` (its `keys` subcommands, and once per start) and by `passport wallet`. Consensus keys (ed25519) are encrypted
//! PKCS#8 in PEM, account keys are Web3 keystore files (version 3), the node's network identity is a plain PKCS#8 PEM of its own. Every
//! secret file has mode 0600 and a bounded size, and what it asks of memory and time to decrypt is checked before it is obeyed. Nothing
//! here logs or prints a secret. [`durable`] replaces files that are no secret.

pub mod account;
pub mod consensus;
pub mod cost;
pub mod durable;
pub mod password;
pub mod secret_file;

use std::{io, path::PathBuf};

pub use cost::Cost;
pub use password::Password;

/// Why a key could not be read, written or unlocked. Every sentence names the file and says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be opened or read.
    #[error("cannot read key file {path}: {source}")]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error("key file {path} has mode {mode:04o}, so others can reach it; run: chmod 600 {path}")]
    Insecure {
        /// The file asked for.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is no key of the kind asked for.
    #[error("{path} is not {expected}: {reason}")]
    Malformed {
        /// The file asked for.
        path: PathBuf,
        /// What should be in the file.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Decrypting would take more memory or time than a sane key file asks for.
    #[error(
        "{path} asks for {asked} to decrypt, more than the {allowed} allowed; import the key again to re-encrypt it"
    )]
    TooCostly {
        /// The file asked for.
        path: PathBuf,
        /// The cost that the file states.
        asked: String,
        /// The bound it breaks.
        allowed: String,
    },
    /// The password does not open the file.
    #[error("wrong password for {path} (or the file is damaged)")]
    WrongPassword {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file is there already; a key is never overwritten.
    #[error("{path} exists already and a key is never overwritten; choose another --out")]
    Exists {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Unwritable {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A password is needed and there is nobody to ask.
    #[error("{what} needs a password: give --password-file, or run in a terminal to be asked ({reason})")]
    NoPassword {
        /// What the password is for.
        what: String,
        /// Why it could not be asked for.
        reason: String,
    },
    /// The two passwords typed differ, or the password is empty.
    #[error("{0}")]
    BadNewPassword(&'static str),
    /// The operating system gave no randomness, or the encoder refused.
    #[error("cannot make a key: {0}")]
    Generate(String),
}
