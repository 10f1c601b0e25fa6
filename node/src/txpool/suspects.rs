//! Which transactions made this node fail, so that it does not try them for ever?
//!
//! A panic while a block is built ends the node, and the journal would hand the same transaction to the next start. So the
//! driver writes down which one was under way, and a transaction that is written down [`FAILURES_MAX`] times is set aside:
//! neither taken back from the journal nor taken in again. A bug that is fixed forgives it: delete the file.
//!
//! Records of 32 bytes, appended and synced: a node that panics writes one, no other ever does.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::B256;

/// Panics during a transaction's execution after which it is set aside. One may be the fault of something else.
pub const FAILURES_MAX: usize = 2;

/// More than any file of them has: as many restarts after a panic as anybody would stand.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The hashes that were written down, and where.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    path: Option<PathBuf>,
    failures: BTreeMap<B256, usize>,
}

impl Suspects {
    /// Reads the file at `path`; none is no error.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut failures = BTreeMap::new();
        for hash in bytes.chunks_exact(32) {
            *failures.entry(B256::from_slice(hash)).or_default() += 1;
        }
        Ok(Self {
            path: Some(path.to_owned()),
            failures,
        })
    }

    /// Whether the transaction with this hash is set aside.
    pub(super) fn contains(&self, hash: &B256) -> bool {
        self.failures
            .get(hash)
            .is_some_and(|failures| *failures >= FAILURES_MAX)
    }

    /// Writes down that the node panicked while it executed `hash`.
    pub(super) fn add(&self, hash: &B256) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(hash.as_slice())?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_set_aside_after_two_failures_and_over_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pool.suspects");
        let (bad, good) = (B256::repeat_byte(1), B256::repeat_byte(2));
        for failures in 0..3 {
            let suspects = Suspects::open(&path).expect("readable");
            assert_eq!(suspects.contains(&bad), failures >= FAILURES_MAX);
            assert!(!suspects.contains(&good));
            suspects.add(&bad).expect("writable");
            if failures == 0 {
                suspects.add(&good).expect("writable");
            }
        }
    }

    #[test]
    fn half_a_record_is_no_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pool.suspects");
        std::fs::write(&path, [[7; 32].as_slice(), &[7; 31]].concat()).expect("writable");
        let suspects = Suspects::open(&path).expect("readable");
        assert_eq!(suspects.failures, BTreeMap::from([(B256::repeat_byte(7), 1)]));
    }
}
