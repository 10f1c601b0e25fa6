//! Replacing a file so that a loss of power leaves what was there before or what is there after, and never half of it.
//!
//! Called by whoever keeps small files that must not be lost: the notary's documents, a testnet's state. A file that nobody may replace
//! is written by [`secret_file`](crate::secret_file).

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What the name of a file ends in until it is whole.
const UNFINISHED: &str = ".new";

/// Puts `bytes` at `path`, whole or not at all, and for good.
///
/// # Errors
/// What the operating system says; what was there is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    // Before the name moves: otherwise the name could be there after a loss of power and the content not.
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_folder(match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    })
}

/// Makes sure that the names in a folder survive a loss of power.
///
/// # Errors
/// What the operating system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_what_a_crash_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(folder.path().join("state.json.new"), b"half of what was to be written").unwrap();
        replace(&path, b"first").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing lies beside it"
        );
    }

    #[test]
    fn what_was_there_stays_when_it_cannot_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        replace(&path, b"first").unwrap();
        fs::create_dir(folder.path().join("state.json.new")).unwrap();
        assert!(replace(&path, b"second").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }
}
