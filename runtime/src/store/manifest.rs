//! Does RocksDB's manifest still say as much as it did?
//!
//! The manifest lists the tables, an addition to it for each new one, and whoever reads it takes the first incomplete addition
//! for its end: cut short, it opens without a word on fewer tables. So `FINAL` remembers how long it was.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How far a manifest reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ManifestMark {
    /// Number in the file's name; RocksDB makes a new one with every opening, and counts up. 0 if there is none.
    pub(super) number: u64,
    /// Its length.
    pub(super) bytes: u64,
}

impl ManifestMark {
    /// That of the database in `folder`, as it is now.
    ///
    /// # Errors
    /// What the operating system said.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let current = match fs::read_to_string(folder.join("CURRENT")) {
            Ok(current) => current,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let number = current
            .trim_end()
            .strip_prefix("MANIFEST-")
            .and_then(|number| number.parse().ok());
        let what = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("CURRENT names no manifest, but {current:?}"),
            )
        };
        let number = number.ok_or_else(what)?;
        let bytes = fs::metadata(path(folder, number))?.len();
        Ok(Self { number, bytes })
    }

    /// Makes it durable so far.
    ///
    /// # Errors
    /// What the operating system said.
    pub(super) fn sync(self, folder: &Path) -> io::Result<()> {
        if self == Self::default() {
            return Ok(());
        }
        File::open(path(folder, self.number))?.sync_data()
    }

    /// Whether the manifest of today holds what this one did.
    pub(super) const fn is_within(self, today: Self) -> bool {
        today.number > self.number || today.number == self.number && today.bytes >= self.bytes
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("MANIFEST-{number:06}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_found_by_its_name_and_holds_what_it_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = || ManifestMark::of(folder.path());
        assert_eq!(of().expect("no database is no error"), ManifestMark::default());
        fs::write(folder.path().join("CURRENT"), "MANIFEST-000012\n").expect("written");
        of().expect_err("it names what is not there");
        fs::write(folder.path().join("MANIFEST-000012"), [1; 30]).expect("written");
        let mark = of().expect("readable");
        assert_eq!((mark.number, mark.bytes), (12, 30));
        mark.sync(folder.path()).expect("synced");
        fs::write(folder.path().join("CURRENT"), "elsewhere\n").expect("written");
        of().expect_err("it names no manifest");

        let at = |number, bytes| ManifestMark { number, bytes };
        for (today, is_within) in [
            (at(12, 30), true),
            (at(12, 29), false),
            (at(11, 90), false),
            (at(13, 1), true),
        ] {
            assert_eq!(mark.is_within(today), is_within, "{today:?}");
        }
    }
}
