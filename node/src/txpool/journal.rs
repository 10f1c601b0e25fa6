//! Does a waiting transaction survive a restart? It does: every one that comes in is written down.
//!
//! An append-only file of records: length (4 bytes, little-endian), the first 4 bytes of the keccak-256 of the
//! transaction, and its EIP-2718 bytes. Nothing is written when a transaction leaves; at start, those that no longer fit
//! the state are dropped. The file is rewritten with what waits when [`JOURNAL_SLACK_BYTES`] of it and more may be past,
//! so that a start has little to read that it then drops.
//!
//! Records are written at once and not synced: a killed process loses nothing, a machine that loses power may lose what
//! came in the last seconds, whose senders can hand it in again. A torn or damaged tail is cut off and the rest kept.
//! Never synced to keep the promise that matters: that is what blocks are for.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, keccak256};
use ledger_chainspec::TRANSACTION_BYTES_MAX;

/// What the journal may grow by, beyond twice what it held when it was last rewritten, before it is rewritten again: some
/// eight thousand transactions, whose senders a start recovers in a fraction of a second.
pub const JOURNAL_SLACK_BYTES: u64 = 1 << 20;

/// More than any journal has: twice a full pool, its records' heads and the slack. Of a longer file the rest is not read.
pub const JOURNAL_BYTES_MAX: u64 = 160 << 20;

const HEAD_BYTES: usize = 8;

/// The pool's journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Its length when it was opened or last rewritten.
    bytes_then: u64,
}

impl Journal {
    /// Opens the journal, or makes it, and gives the transactions in it, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read or written. What is damaged is no error.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Vec<u8>>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut contents = Vec::new();
        Read::by_ref(&mut file)
            .take(JOURNAL_BYTES_MAX)
            .read_to_end(&mut contents)?;
        let (transactions, whole) = read_journal(&contents);
        let bytes = u64::try_from(whole).unwrap_or(u64::MAX);
        if file.metadata()?.len() != bytes {
            file.set_len(bytes)?;
        }
        Ok((
            Self {
                path: path.to_path_buf(),
                file,
                bytes,
                bytes_then: bytes,
            },
            transactions,
        ))
    }

    /// Writes a transaction with this hash down.
    ///
    /// # Errors
    /// If the disk refuses. Then the journal is cut back to what it held, so that later records can be read.
    pub fn append(&mut self, transaction: &[u8], hash: &B256) -> io::Result<()> {
        let record = journal_record(transaction, hash);
        if let Err(error) = self.file.write_all(&record) {
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(record.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Whether it is time to [`Self::rewrite`].
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.bytes > self.bytes_then.saturating_mul(2).saturating_add(JOURNAL_SLACK_BYTES)
    }

    /// Replaces the contents, in one step: a crash leaves the old journal or the new one.
    ///
    /// # Errors
    /// If the disk refuses; then the old journal stays.
    pub fn rewrite<T: AsRef<[u8]>>(&mut self, transactions: impl Iterator<Item = T>) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut contents = Vec::new();
        transactions.for_each(|transaction| {
            let transaction = transaction.as_ref();
            contents.extend(journal_record(transaction, &keccak256(transaction)));
        });
        let mut file = File::create(&fresh)?;
        file.write_all(&contents)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.bytes = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        self.bytes_then = self.bytes;
        Ok(())
    }
}

/// The record of a transaction, whose hash is the keccak-256 of its bytes.
///
/// # Panics
/// For a transaction longer than the pool takes.
#[must_use]
pub fn journal_record(transaction: &[u8], hash: &B256) -> Vec<u8> {
    let length = u32::try_from(transaction.len()).expect("the pool takes no transaction above TRANSACTION_BYTES_MAX");
    let mut record = Vec::with_capacity(HEAD_BYTES + transaction.len());
    record.extend(length.to_le_bytes());
    record.extend(&hash[..4]);
    record.extend(transaction);
    record
}

/// The transactions in `contents` up to the first damage, and the length of what is whole.
#[must_use]
pub fn read_journal(contents: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut transactions = Vec::new();
    let mut rest = contents;
    while let Some((transaction, after)) = first_record(rest) {
        transactions.push(transaction.to_vec());
        rest = after;
    }
    (transactions, contents.len() - rest.len())
}

fn first_record(contents: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = contents.split_first_chunk::<HEAD_BYTES>()?;
    let [l0, l1, l2, l3, check @ ..] = *head;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    if length > TRANSACTION_BYTES_MAX {
        return None;
    }
    let (transaction, rest) = rest.split_at_checked(length)?;
    (keccak256(transaction)[..4] == check).then_some((transaction, rest))
}
