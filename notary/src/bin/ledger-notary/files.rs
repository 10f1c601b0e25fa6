//! Files that people give and get: read with a bound, never written over unless that is what was asked for.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use ed25519_dalek::SigningKey;
use eyre::WrapErr;
use ledger_keys::consensus;
use ledger_notary::{dsse::ENVELOPE_BYTES_MAX, store};

use crate::args::SecretArgs;

/// The bytes of a file.
pub fn read(path: &Path) -> eyre::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = ENVELOPE_BYTES_MAX as u64;
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    read.wrap_err_with(|| format!("cannot read {}", path.display()))?;
    eyre::ensure!(
        bytes.len() as u64 <= limit,
        "{} has more than {limit} bytes, too many for any command",
        path.display()
    );
    Ok(bytes)
}

/// The text of a file, as it goes into a command.
pub fn read_text(path: &Path) -> eyre::Result<String> {
    String::from_utf8(read(path)?).wrap_err_with(|| format!("{} is no text in UTF-8", path.display()))
}

/// Writes a new file.
pub fn write_new(path: &Path, bytes: &[u8]) -> eyre::Result<()> {
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().wrap_err_with(|| format!("cannot write {}; nothing is written over", path.display()))
}

/// Replaces a file, whole or not at all.
pub fn replace(path: &Path, bytes: &[u8]) -> eyre::Result<()> {
    let path = path
        .canonicalize()
        .wrap_err_with(|| format!("cannot find {}", path.display()))?;
    Ok(store::replace(&path, bytes)?)
}

/// The keys of the command line, opened.
pub fn secrets(args: &SecretArgs) -> eyre::Result<Vec<SigningKey>> {
    args.keys
        .iter()
        .map(|path| Ok(consensus::unlock(path, args.password_file.as_deref())?))
        .collect()
}
