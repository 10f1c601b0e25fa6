//! Which fixture files does a path mean? A file itself, every `.json` below a folder, what is in an archive.
//!
//! Archives (`.tar`, `.tar.gz`, `.tar.xz`) are unpacked by the system's `tar` into a temporary folder, which lives as long as the
//! [`FixtureFiles`].

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use thiserror::Error;

/// Endings of archives that can be unpacked.
const ARCHIVE_ENDINGS: [&str; 3] = [".tar", ".tar.gz", ".tar.xz"];

/// One file of fixtures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixtureFile {
    /// Where it is.
    pub path: PathBuf,
    /// How it is called in a report: the path below what was asked for.
    pub name: String,
}

/// Fixture files, and the folders that archives were unpacked into.
#[derive(Debug, Default)]
pub struct FixtureFiles {
    /// The files, sorted by name.
    pub files: Vec<FixtureFile>,
    unpacked: Vec<TempDir>,
}

/// Why fixtures cannot be read.
#[derive(Debug, Error)]
pub enum FilesError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An archive cannot be unpacked.
    #[error("cannot unpack {path} with the system's tar: {reason}; unpack it yourself and name the folder")]
    Unpack {
        /// The archive.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

impl FixtureFiles {
    /// Everything that `paths` mean.
    ///
    /// # Errors
    /// [`FilesError`] if one cannot be read.
    pub fn find(paths: &[PathBuf]) -> Result<Self, FilesError> {
        let mut found = Self::default();
        for path in paths {
            let name = path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            if path.is_dir() {
                found.add_folder(path, "")?;
            } else {
                found.add_file(path, name)?;
            }
        }
        found.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn add_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), FilesError> {
        let failed = |source| FilesError::Read {
            path: folder.to_owned(),
            source,
        };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let last = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{prefix}{last}");
            if path.is_dir() {
                self.add_folder(&path, &format!("{name}/"))?;
            } else if is_archive(&path) || last.ends_with(".json") {
                self.add_file(&path, name)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, name: String) -> Result<(), FilesError> {
        if !is_archive(path) {
            let path = path.to_owned();
            self.files.push(FixtureFile { path, name });
            return Ok(());
        }
        let folder = unpack(path)?;
        self.add_folder(folder.path(), "")?;
        self.unpacked.push(folder);
        Ok(())
    }
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ARCHIVE_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn unpack(path: &Path) -> Result<TempDir, FilesError> {
    let failed = |reason: String| FilesError::Unpack {
        path: path.to_owned(),
        reason,
    };
    let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let done = Command::new("tar")
        .arg("-xf")
        .arg(path)
        .arg("-C")
        .arg(folder.path())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if done.status.success() {
        return Ok(folder);
    }
    Err(failed(String::from_utf8_lossy(&done.stderr).trim().to_owned()))
}
