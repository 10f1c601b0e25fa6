//! Is this folder one that a database can be opened or made in?
//!
//! Looked at before RocksDB is let in, which would begin anew over what is left of a database, and whose messages do not say
//! what to do.

use std::fs;
use std::path::Path;

use rocksdb::Options;

use super::manifest::ManifestMark;
use super::marker::{self, FinalRecord, MARKER_NAME};
use super::open::{RESTORING_EXTENSION, open_error};
use super::{Column, Database, OpenError};

/// Makes the folder and tries to write into it: RocksDB's own message would not say what to do.
pub(super) fn check_folder(path: &Path) -> Result<(), OpenError> {
    fs::create_dir_all(path).map_err(|source| OpenError::Create {
        path: path.to_owned(),
        source,
    })?;
    let probe = path.join("write-probe");
    fs::write(&probe, [])
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|source| OpenError::NotWritable {
            path: path.to_owned(),
            source,
        })
}

/// Refuses what is left of a damaged database, which RocksDB would take for an empty folder.
pub(super) fn check_files(path: &Path) -> Result<(), OpenError> {
    if path.join("CURRENT").exists() {
        return Ok(());
    }
    let unfinished = path.with_extension(RESTORING_EXTENSION);
    if unfinished.exists() {
        return Err(OpenError::RestoreInterrupted { path: path.to_owned() });
    }
    // A first opening that was cut short leaves a manifest alone, and nothing to lose.
    let is_content = |name: &str| name == MARKER_NAME || name.ends_with(".sst") || name.ends_with(".log");
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let lost = entries
        .map(|entry| entry.file_name())
        .any(|name| name.to_str().is_some_and(is_content));
    if lost {
        return Err(OpenError::FileLost {
            path: path.to_owned(),
            file: "CURRENT",
        });
    }
    Ok(())
}

/// Refuses a manifest that was longer when the newest block was committed, before RocksDB writes another in its place. What
/// cannot be read here is refused by those who need it.
pub(super) fn check_manifest(path: &Path) -> Result<(), OpenError> {
    let (Ok(Some(FinalRecord { manifest, .. })), Ok(today)) = (marker::read(path), ManifestMark::of(path)) else {
        return Ok(());
    };
    if manifest.is_within(today) {
        return Ok(());
    }
    Err(OpenError::ManifestCut {
        path: path.to_owned(),
        number: today.number,
        bytes: today.bytes,
        expected_number: manifest.number,
        expected_bytes: manifest.bytes,
    })
}

/// Refuses a RocksDB database that has column families other than ours.
pub(super) fn check_columns(path: &Path) -> Result<(), OpenError> {
    if !path.join("CURRENT").exists() {
        return Ok(());
    }
    let found = Database::list_cf(&Options::default(), path).map_err(|source| open_error(path, source))?;
    let known = |name: &String| name == "default" || Column::ALL.iter().any(|column| column.name() == name);
    match found.into_iter().find(|name| !known(name)) {
        Some(column) => Err(OpenError::ForeignDatabase {
            path: path.to_owned(),
            column,
        }),
        None => Ok(()),
    }
}
