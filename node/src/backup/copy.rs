//! Copies one file, synced, and says what it was.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use sha2::{Digest, Sha256};

use super::BackupFile;

/// Read and written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Copies `from` to `to`, which must not be there; when this returns, its bytes are on disk.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<BackupFile> {
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        let read = source.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        target.write_all(&chunk[..read])?;
        bytes += read as u64;
    }
    target.sync_all()?;
    let name = to.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(BackupFile {
        name: name.to_owned(),
        bytes,
        sha256: hex::encode(hasher.finalize()),
    })
}
