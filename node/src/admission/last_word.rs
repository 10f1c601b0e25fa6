//! Whom did a mirror exclude when it last said anything in full? Kept in a file, so that a mirror that falls silent takes nothing back.
//!
//! Metadata only go forward, so a member that was suspended or revoked is that until the same mirror shows something newer. Who has been
//! told so once and then hears nothing, or something else from another mirror, knows enough to take a vote back, also after a restart.
//! Called by [`super::notary`], once for each mirror. The folder of what is trusted has metadata alone and no records, so it cannot say it
//! by itself. The file is JSON: what the chain calls each member, and why it is excluded; as many as the notary has members, at most. It goes by the mirror's place
//! among those that are configured.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use ledger_notary::store::{StoreError, replace};

/// Members that one mirror excludes, as of the last time that everything it has was verified.
#[derive(Debug)]
pub struct LastWord {
    path: PathBuf,
    excluded: BTreeMap<String, String>,
    is_written: bool,
}

impl LastWord {
    /// What was kept at `path`; nobody is excluded if that is nothing.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let kept = match fs::read(path) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.to_path_buf(),
            excluded: kept.unwrap_or_default(),
            is_written: true,
        })
    }

    /// The mirror excludes these now, each for a reason, and no others.
    ///
    /// # Errors
    /// If the disk refuses; it is known until the process ends, then, and written down the next time.
    ///
    /// # Panics
    /// Never: a map of texts is JSON.
    pub fn replace(&mut self, excluded: BTreeMap<String, String>) -> Result<(), StoreError> {
        self.is_written &= self.excluded == excluded;
        self.excluded = excluded;
        if !self.is_written {
            let bytes = serde_json::to_vec(&self.excluded).expect("a map of texts is JSON");
            replace(&self.path, &bytes)?;
            self.is_written = true;
        }
        Ok(())
    }

    /// Why the member that the chain calls so is excluded, if it is.
    #[must_use]
    pub fn reason(&self, member_name: &str) -> Option<&str> {
        self.excluded.get(member_name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), "revoked".to_owned())])
    }

    #[test]
    fn the_last_word_is_there_after_a_restart_until_there_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("word");
        let mut word = LastWord::open(&path).unwrap();
        word.replace(BTreeMap::new()).unwrap();
        assert!(!path.exists(), "there is nothing to keep");
        word.replace(one("a \"quoted\" name")).unwrap();
        let mut again = LastWord::open(&path).unwrap();
        assert_eq!(again.reason("a \"quoted\" name"), Some("revoked"));
        assert_eq!(again.reason("another"), None);
        again.replace(BTreeMap::new()).unwrap();
        let lifted = LastWord::open(&path).unwrap();
        assert_eq!(lifted.reason("a \"quoted\" name"), None);
        fs::write(&path, "[]").unwrap();
        assert_eq!(LastWord::open(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_cannot_be_written_down_holds_meanwhile_and_is_written_once_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("place");
        let path = place.join("word");
        let mut word = LastWord::open(&path).unwrap();
        word.replace(one("a")).unwrap_err();
        assert_eq!(word.reason("a"), Some("revoked"));
        fs::create_dir(&place).unwrap();
        word.replace(one("a")).unwrap();
        assert_eq!(LastWord::open(&path).unwrap().reason("a"), Some("revoked"));
    }
}
