//! A backup becomes the database.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use ledger_runtime::store::{ChainIdentity, OpenError, Store, StoreOptions};

use super::{BackupError, CHAIN_NAME, Manifest, copy, io_error, parent, remove_folder, restoring_path, sync_folder};

/// Extension under which the database that was in the way is kept.
const REPLACED_EXTENSION: &str = "replaced";

/// What to restore, and where.
#[derive(Clone, Debug)]
pub struct Restore<'a> {
    /// The backup's folder.
    pub from: &'a Path,
    /// The database's folder.
    pub chain: &'a Path,
    /// The chain that both have to be of.
    pub identity: ChainIdentity,
    /// Whether a database that is there may be replaced.
    pub replace: bool,
}

/// Copies the backup beside the database's folder, checks every byte, opens the copy, and only then puts it into place. A
/// database that was there is kept until the next restore, and its folder given.
///
/// # Errors
/// [`BackupError`]; unless it comes from the last two renames, the old database is as it was.
pub fn restore(what: &Restore<'_>) -> Result<(Manifest, Option<PathBuf>), BackupError> {
    let manifest = Manifest::read(what.from)?;
    let (chain_id, genesis) = (what.identity.chain_id, what.identity.genesis.get());
    if (manifest.chain_id, manifest.genesis) != (chain_id, genesis) {
        return Err(BackupError::OtherChain {
            found_id: manifest.chain_id,
            found: manifest.genesis,
            chain_id,
            genesis,
        });
    }
    let is_there = fs::read_dir(what.chain).is_ok_and(|mut entries| entries.next().is_some());
    if is_there && !what.replace {
        return Err(BackupError::InTheWay {
            path: what.chain.to_owned(),
        });
    }
    refuse_in_use(what)?;
    let ready = restoring_path(what.chain);
    remove_folder(&ready)?;
    let filled = fill(&manifest, what, &ready);
    if filled.is_err() {
        // What is wrong is told already.
        let _ = fs::remove_dir_all(&ready);
    }
    filled?;
    let replaced = swap(&ready, what.chain)?;
    Ok((manifest, replaced))
}

/// A database in use must stay where it is. Its lock is tried by opening it, which may fail in any other way: that is what
/// backups are for.
fn refuse_in_use(what: &Restore<'_>) -> Result<(), BackupError> {
    if !what.chain.join("CURRENT").exists() {
        return Ok(());
    }
    match Store::open(&StoreOptions::new(what.chain), what.identity) {
        Err(OpenError::Locked { path }) => Err(BackupError::InUse { path }),
        _ => Ok(()),
    }
}

fn fill(manifest: &Manifest, what: &Restore<'_>, ready: &Path) -> Result<(), BackupError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(ready).map_err(io_error("make", ready))?;
    for file in &manifest.files {
        let from = what.from.join(CHAIN_NAME).join(&file.name);
        let damaged = |what: String| BackupError::Damaged {
            path: from.clone(),
            what,
        };
        // The manifest comes from outside: a name must not lead out of the folder.
        if Path::new(&file.name)
            .file_name()
            .is_none_or(|name| name != file.name.as_str())
        {
            return Err(damaged("is not the name of a file".to_owned()));
        }
        let copied = copy::copy(&from, &ready.join(&file.name)).map_err(io_error("copy", &from))?;
        if copied != *file {
            let (bytes, expected) = (copied.bytes, file.bytes);
            return Err(damaged(format!(
                "has {bytes} bytes with SHA-256 {}, but the manifest says {expected} with {}",
                copied.sha256, file.sha256
            )));
        }
    }
    sync_folder(ready)?;
    let head = Store::open_read_only(ready, what.identity)?.head();
    let opened = head.map(|head| (head.header.header.number, head.header.hash.get()));
    if opened != Some((manifest.head, manifest.head_hash)) {
        return Err(BackupError::Damaged {
            path: what.from.to_owned(),
            what: format!("opens at {opened:?}, but the manifest says block {}", manifest.head),
        });
    }
    Ok(())
}

/// Puts `ready` into the place of `chain`. A crash between the two renames leaves no database and `ready`, which
/// [`Store::open`] refuses to take for an empty folder.
fn swap(ready: &Path, chain: &Path) -> Result<Option<PathBuf>, BackupError> {
    let replaced = chain.with_extension(REPLACED_EXTENSION);
    let is_there = chain.exists();
    if is_there {
        remove_folder(&replaced)?;
        fs::rename(chain, &replaced).map_err(io_error("rename", chain))?;
    }
    fs::rename(ready, chain).map_err(io_error("rename", ready))?;
    sync_folder(parent(chain))?;
    Ok(is_there.then_some(replaced))
}
