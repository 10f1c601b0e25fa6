//! A checkpoint becomes a backup.

use std::{
    fs::{self, DirBuilder, File},
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use ledger_runtime::store::{ChainIdentity, Store};

use super::{
    BACKUP_FORMAT, BackupError, CHAIN_NAME, MANIFEST_NAME, Manifest, copy, io_error, parent, remove_folder, sync_folder,
};

/// Added to the backup's name until it is whole.
const PARTIAL_SUFFIX: &str = ".partial";

/// Copies the checkpoint in `from`, of the chain `identity`, into a new folder `to`, and opens the copy to see that it is
/// whole. The folder gets its name when everything is on disk.
///
/// # Errors
/// [`BackupError`]; then there is no folder `to`.
pub fn make(from: &Path, to: &Path, identity: ChainIdentity) -> Result<Manifest, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(PARTIAL_SUFFIX);
    let partial = PathBuf::from(partial);
    remove_folder(&partial)?;
    let made = fill(from, &partial, identity).and_then(|manifest| {
        fs::rename(&partial, to).map_err(io_error("rename", &partial))?;
        sync_folder(parent(to))?;
        Ok(manifest)
    });
    if made.is_err() {
        // What is wrong is told already.
        let _ = fs::remove_dir_all(&partial);
    }
    made
}

fn fill(from: &Path, partial: &Path, identity: ChainIdentity) -> Result<Manifest, BackupError> {
    let chain = partial.join(CHAIN_NAME);
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(&chain).map_err(io_error("make", &chain))?;
    let mut files = Vec::new();
    for entry in fs::read_dir(from).map_err(io_error("read", from))? {
        let path = entry.map_err(io_error("read", from))?.path();
        // A checkpoint is flat; RocksDB's own log and lock say nothing about the chain.
        let name = path.file_name().unwrap_or_default();
        if path.is_file() && name != "LOG" && name != "LOCK" {
            files.push(copy::copy(&path, &chain.join(name)).map_err(io_error("copy", &path))?);
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    sync_folder(&chain)?;

    let store = Store::open_read_only(&chain, identity)?;
    let head = store.head().ok_or_else(|| BackupError::NoBackup {
        path: from.to_owned(),
        reason: "the database holds no block yet".to_owned(),
    })?;
    let manifest = Manifest {
        format: BACKUP_FORMAT,
        made_by: format!("ledger-node {}", env!("CARGO_PKG_VERSION")),
        chain_id: identity.chain_id,
        genesis: identity.genesis.get(),
        head: head.header.header.number,
        head_hash: head.header.hash.get(),
        has_guard: false,
        files,
    };
    let path = partial.join(MANIFEST_NAME);
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is JSON");
    File::create_new(&path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(io_error("write", &path))?;
    sync_folder(partial)?;
    Ok(manifest)
}
