//! What did we believe last time? One folder with the document of each role, replaced whole or not at all.
//!
//! A file is written beside its place, synced, and moved there; then the folder is synced. A loss of power at any moment leaves the
//! document of before or the one of after, and since each is checked again at the next start, any mixture of them is good.
//! Called by whoever drives a [`Verifier`](crate::tuf::Verifier).

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use ledger_keys::durable;
use thiserror::Error;

use crate::tuf::{
    RoleName, Stored,
    limits::{
        DELEGATED_BYTES_MAX, DELEGATED_MAX, ROOT_BYTES_MAX, SNAPSHOT_BYTES_MAX, TARGETS_BYTES_MAX, TIMESTAMP_BYTES_MAX,
    },
    names::{decoded, encoded},
};

const DOCUMENT: &str = ".json";

/// Why the folder cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There is no trusted root.
    #[error("{path} is missing: put a root file that you trust there first (tuf-client init)")]
    NoRoot {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file is longer than it was written.
    #[error("{path} has more than {bytes_max} bytes, so it is not ours; remove it")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The bound.
        bytes_max: u64,
    },
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`]
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|source| io_error("make the folder", folder, source))?;
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    /// All that was kept. Of delegated roles, what is beyond their bounds is removed: it is fetched again when it is needed.
    ///
    /// # Errors
    /// [`StoreError`] if there is no root, or a file cannot be read.
    pub fn load(&self) -> Result<Stored, StoreError> {
        let root = self.path_of(&RoleName::root());
        if !root.exists() {
            return Err(StoreError::NoRoot { path: root });
        }
        let mut others = self.load_delegated()?;
        for (role, bytes_max) in [
            (RoleName::timestamp(), TIMESTAMP_BYTES_MAX),
            (RoleName::snapshot(), SNAPSHOT_BYTES_MAX),
            (RoleName::targets(), TARGETS_BYTES_MAX),
        ] {
            let path = self.path_of(&role);
            if path.exists() {
                others.insert(role, read(&path, bytes_max)?);
            }
        }
        let root = read(&root, ROOT_BYTES_MAX)?;
        Ok(Stored { root, others })
    }

    fn load_delegated(&self) -> Result<BTreeMap<RoleName, Vec<u8>>, StoreError> {
        let list_error = |source| io_error("list", &self.folder, source);
        let (mut loaded, mut left) = (BTreeMap::new(), DELEGATED_BYTES_MAX);
        for entry in fs::read_dir(&self.folder).map_err(list_error)? {
            let entry = entry.map_err(list_error)?;
            let role = role_of(&entry.file_name().to_string_lossy());
            let Some(role) = role.filter(|role| !role.is_top_level()) else {
                continue;
            };
            let bytes = entry.metadata().map_err(list_error)?.len();
            if loaded.len() == DELEGATED_MAX || bytes > left {
                self.forget(&role)?;
                continue;
            }
            let document = read(&entry.path(), TARGETS_BYTES_MAX.min(left))?;
            left -= document.len() as u64;
            loaded.insert(role, document);
        }
        Ok(loaded)
    }

    /// Keeps the document of a role, in place of the one before.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the one before is still there.
    pub fn keep(&self, role: &RoleName, bytes: &[u8]) -> Result<(), StoreError> {
        replace(&self.path_of(role), bytes)
    }

    /// Forgets the document of a role.
    ///
    /// # Errors
    /// [`StoreError::Io`]
    pub fn forget(&self, role: &RoleName) -> Result<(), StoreError> {
        let path = self.path_of(role);
        match fs::remove_file(&path) {
            Ok(()) => sync_folder(&self.folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(io_error("remove", &path, source)),
        }
    }

    fn path_of(&self, role: &RoleName) -> PathBuf {
        self.folder.join(encoded(role.as_str()) + DOCUMENT)
    }
}

/// The role whose document a file of this name is.
fn role_of(name: &str) -> Option<RoleName> {
    decoded(name.strip_suffix(DOCUMENT)?)?.try_into().ok()
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    let path = path.to_path_buf();
    StoreError::Io { what, path, source }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
        .map_err(|source| io_error("read", path, source))?;
    if bytes.len() as u64 > bytes_max {
        let path = path.to_path_buf();
        return Err(StoreError::TooLong { path, bytes_max });
    }
    Ok(bytes)
}

/// Puts `bytes` at `path`, whole or not at all, and for good.
///
/// # Errors
/// [`StoreError::Io`]; what was there is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    durable::replace(path, bytes).map_err(|source| io_error("replace", path, source))
}

/// Makes sure that the names in a folder survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    durable::sync_folder(folder).map_err(|source| io_error("sync the folder", folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> RoleName {
        name.to_owned().try_into().unwrap()
    }

    #[test]
    fn what_was_kept_is_loaded_and_what_was_forgotten_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(matches!(store.load(), Err(StoreError::NoRoot { .. })));
        store.keep(&RoleName::root(), b"root").unwrap();
        for name in ["timestamp", "../out", "é/?#"] {
            store.keep(&role(name), name.as_bytes()).unwrap();
        }
        store.keep(&role("timestamp"), b"newer").unwrap();
        store.forget(&role("é/?#")).unwrap();
        store.forget(&role("never")).unwrap();
        let stored = store.load().unwrap();
        assert_eq!(stored.root, b"root");
        let expected = [
            (role("../out"), b"../out".to_vec()),
            (role("timestamp"), b"newer".to_vec()),
        ];
        assert_eq!(stored.others, expected.into());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            3,
            "nothing lies outside or beside"
        );
    }

    #[test]
    fn what_a_crash_left_unfinished_is_no_document() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep(&RoleName::root(), b"before").unwrap();
        fs::write(folder.path().join("root.json.new"), b"half").unwrap();
        assert_eq!(store.load().unwrap().root, b"before");
        assert!(store.load().unwrap().others.is_empty());
        store.keep(&RoleName::root(), b"after").unwrap();
        assert_eq!(store.load().unwrap().root, b"after");
    }

    #[test]
    fn a_file_that_is_not_ours_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        fs::write(folder.path().join("root.json"), b" ".repeat(512_001)).unwrap();
        assert!(matches!(store.load(), Err(StoreError::TooLong { .. })));
    }

    #[test]
    fn delegated_roles_beyond_their_bounds_are_neither_read_nor_left_on_the_disk() {
        let file = |size: u64| vec![b' '; usize::try_from(size).unwrap()];
        let surplus = usize::try_from(DELEGATED_BYTES_MAX / TARGETS_BYTES_MAX).unwrap() + 1;
        for (count, size) in [(surplus, TARGETS_BYTES_MAX), (DELEGATED_MAX + 3, 1)] {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            store.keep(&RoleName::root(), b"root").unwrap();
            store.keep(&RoleName::snapshot(), b"snapshot").unwrap();
            for number in 0..count {
                fs::write(folder.path().join(format!("r{number}.json")), file(size)).unwrap();
            }
            let stored = store.load().unwrap();
            assert_eq!(stored.others[&RoleName::snapshot()], b"snapshot");
            let delegated = stored.others.len() - 1;
            assert!(delegated < count && delegated <= DELEGATED_MAX);
            assert!(delegated as u64 * size <= DELEGATED_BYTES_MAX);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), delegated + 2);
            assert_eq!(store.load().unwrap(), stored, "what was good is there still");
        }
    }
}
