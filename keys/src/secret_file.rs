//! Reading and writing one small file that holds a secret: mode 0600, never overwritten, synced.
//!
//! Called by the key formats beside it. It never interprets what it carries.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use zeroize::Zeroizing;

use crate::KeyError;

/// Largest secret file that is read, in bytes: an encrypted PEM has under 400, a keystore under 700.
pub const SECRET_FILE_BYTES_MAX: u64 = 16 * 1024;

/// Permission bits of a secret file: its owner reads and writes, nobody else does anything.
pub const SECRET_FILE_MODE: u32 = 0o600;

/// The text of the secret file at `path`, wiped from memory when dropped.
///
/// # Errors
/// [`KeyError::Unreadable`], [`KeyError::Insecure`] if group or others have any right on it, [`KeyError::Malformed`] if
/// it is larger than [`SECRET_FILE_BYTES_MAX`], no regular file, or no UTF-8.
pub fn read(path: &Path, expected: &'static str) -> Result<Zeroizing<String>, KeyError> {
    let unreadable = |source| KeyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let malformed = |reason: &str| KeyError::Malformed {
        path: path.to_owned(),
        expected,
        reason: reason.to_owned(),
    };
    // The checks look at the opened file, so that nobody can swap it between the look and the reading.
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(malformed("it is not a regular file"));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Insecure {
            path: path.to_owned(),
            mode,
        });
    }
    if metadata.len() > SECRET_FILE_BYTES_MAX {
        return Err(malformed("it is far too large"));
    }
    // Room for the whole file at once: growing would leave copies of the secret behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(SECRET_FILE_BYTES_MAX + 1).unwrap_or(0),
    ));
    file.take(SECRET_FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed("it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes `contents` to a new file at `path` with mode 0600 and syncs file and folder.
///
/// # Errors
/// [`KeyError::Exists`] rather than overwrite, [`KeyError::Unwritable`] for everything else.
pub fn write_new(path: &Path, contents: &[u8]) -> Result<(), KeyError> {
    let unwritable = |source| KeyError::Unwritable {
        path: path.to_owned(),
        source,
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let mut file = match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(SECRET_FILE_MODE)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyError::Exists { path: path.to_owned() });
        }
        Err(error) => return Err(unwritable(error)),
    };
    file.write_all(contents).map_err(unwritable)?;
    file.sync_all().map_err(unwritable)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(unwritable)
}
