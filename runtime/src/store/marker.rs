//! Which block was final here last, by a witness that a damaged write-ahead log cannot take along?
//!
//! RocksDB recovers its log up to the first damage and opens, silently, at an older block. The file `FINAL` beside its
//! files says how far the chain had come: [`Store::commit`](super::Store::commit) moves it on, synced, after each batch, so
//! that it never names a block that was not durable before. At opening, a head behind it is refused rather than built on.
//! It remembers the manifest's length too, for the same reason. It travels with the folder it is in; a backup has none, and
//! the first opening makes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, keccak256};
use ledger_chainspec::{BlockHash, BlockNumber};

use super::manifest::ManifestMark;

/// The file's name, in the database's folder; RocksDB leaves alone what it has not named itself.
pub(super) const MARKER_NAME: &str = "FINAL";
const NEW_MARKER_NAME: &str = "FINAL.new";
const MAGIC: [u8; 8] = *b"ldgfin/2";
const CHECK_BYTES: usize = 16;
const RECORD_BYTES: usize = MAGIC.len() + 8 + 32 + 8 + 8 + CHECK_BYTES;
/// Each record lies in a sector of its own, so that a torn write harms one of the two alone.
const SECTOR_BYTES: usize = 512;
const FILE_BYTES: usize = 2 * SECTOR_BYTES;

/// A block that was final here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FinalBlock {
    pub(super) number: BlockNumber,
    pub(super) hash: BlockHash,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FinalRecord {
    pub(super) block: FinalBlock,
    /// The manifest when the block was committed.
    pub(super) manifest: ManifestMark,
}

/// The file, written by the one commit that may run.
#[derive(Debug)]
pub(super) struct FinalMarker {
    /// `None` for a database that nobody relies on.
    folder: Option<PathBuf>,
    /// Opened with the first block.
    file: Option<File>,
    /// Where the next record goes: over the older one.
    next: u64,
    /// The manifest as it was when it was synced last.
    manifest: ManifestMark,
}

impl FinalMarker {
    /// The marker of the database in `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            file: None,
            next: 0,
            manifest: ManifestMark::default(),
        }
    }

    /// No marker at all.
    pub(super) const fn none() -> Self {
        Self {
            folder: None,
            file: None,
            next: 0,
            manifest: ManifestMark { number: 0, bytes: 0 },
        }
    }

    /// Says that `block` is final. When this returns, it is so after a crash too.
    ///
    /// # Errors
    /// What the operating system said; then nothing may be committed any more.
    pub(super) fn set(&mut self, block: FinalBlock) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let manifest = ManifestMark::of(folder)?;
        if manifest != self.manifest {
            // RocksDB may not have synced its last addition yet, and a loss of power would make a liar of the record.
            manifest.sync(folder)?;
            self.manifest = manifest;
        }
        let record = FinalRecord { block, manifest };
        match &self.file {
            None => {
                self.next = offset(block.number);
                self.file = Some(open(folder, record)?);
            }
            Some(file) => {
                file.write_all_at(&to_bytes(record), self.next)?;
                file.sync_data()?;
            }
        }
        // They take turns: while one is written, the other one stands.
        self.next = SECTOR_BYTES as u64 - self.next;
        Ok(())
    }
}

/// What the marker in `folder` says.
///
/// # Errors
/// If it cannot be read, or is there and says nothing.
pub(super) fn read(folder: &Path) -> io::Result<Option<FinalRecord>> {
    let mut bytes = Vec::new();
    match File::open(folder.join(MARKER_NAME)) {
        Ok(file) => file.take(FILE_BYTES as u64).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let records = [0, SECTOR_BYTES].map(|from| bytes.get(from..).and_then(parse));
    let newest = records.into_iter().flatten().max_by_key(|record| record.block.number);
    newest.map(Some).ok_or_else(|| {
        let what =
            "neither of its two records is whole; if `ledger-node db verify` finds nothing wrong, delete this file";
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// Opens the file to go on from `record`, making it whole and synced before it gets its name.
fn open(folder: &Path, record: FinalRecord) -> io::Result<File> {
    let (path, new) = (folder.join(MARKER_NAME), folder.join(NEW_MARKER_NAME));
    let mut bytes = vec![0; FILE_BYTES];
    let from = usize::try_from(offset(record.block.number)).expect("one of two sectors");
    bytes[from..from + RECORD_BYTES].copy_from_slice(&to_bytes(record));
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

/// Where the first record goes.
const fn offset(number: BlockNumber) -> u64 {
    number.get() % 2 * SECTOR_BYTES as u64
}

fn to_bytes(FinalRecord { block, manifest }: FinalRecord) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(block.number.get().to_le_bytes());
    bytes.extend(block.hash.get());
    bytes.extend(manifest.number.to_le_bytes());
    bytes.extend(manifest.bytes.to_le_bytes());
    let check = keccak256(&bytes);
    bytes.extend(&check[..CHECK_BYTES]);
    bytes
}

fn parse(bytes: &[u8]) -> Option<FinalRecord> {
    let (stated, check) = bytes.get(..RECORD_BYTES)?.split_at(RECORD_BYTES - CHECK_BYTES);
    let (magic, rest) = stated.split_first_chunk::<8>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (hash, rest) = rest.split_first_chunk::<32>()?;
    let (manifest, rest) = rest.split_first_chunk::<8>()?;
    let (manifest_bytes, _) = rest.split_first_chunk::<8>()?;
    (*magic == MAGIC && keccak256(stated)[..CHECK_BYTES] == *check).then(|| FinalRecord {
        block: FinalBlock {
            number: BlockNumber::new(u64::from_le_bytes(*number)),
            hash: BlockHash::new(B256::from(*hash)),
        },
        manifest: ManifestMark {
            number: u64::from_le_bytes(*manifest),
            bytes: u64::from_le_bytes(*manifest_bytes),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> FinalBlock {
        FinalBlock {
            number: BlockNumber::new(number),
            hash: BlockHash::new(keccak256(number.to_le_bytes())),
        }
    }

    fn said(folder: &Path) -> Option<FinalBlock> {
        read(folder).expect("readable").map(|record| record.block)
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder can be made")
    }

    #[test]
    fn the_newest_block_is_read_back_and_the_one_before_if_its_record_is_torn() {
        let folder = folder();
        assert_eq!(read(folder.path()).expect("no file is no error"), None);
        let mut marker = FinalMarker::of(folder.path());
        for number in 5..=8 {
            marker.set(block(number)).expect("the disk takes it");
            assert_eq!(said(folder.path()), Some(block(number)));
        }
        let path = folder.path().join(MARKER_NAME);
        let mut bytes = fs::read(&path).expect("readable");
        bytes[20] ^= 1;
        fs::write(&path, &bytes).expect("writable");
        assert_eq!(said(folder.path()), Some(block(7)));
        bytes[SECTOR_BYTES + 20] ^= 1;
        fs::write(&path, &bytes).expect("writable");
        let error = read(folder.path()).expect_err("nothing whole is left").to_string();
        assert!(error.contains("db verify"), "{error}");
    }

    #[test]
    fn records_take_turns_also_where_blocks_are_left_out() {
        let folder = folder();
        let mut marker = FinalMarker::of(folder.path());
        let path = folder.path().join(MARKER_NAME);
        let mut before = None;
        for number in [4, 8, 12, 13, 15, 22] {
            marker.set(block(number)).expect("the disk takes it");
            assert_eq!(said(folder.path()), Some(block(number)));
            // Whichever record is torn, the other one stands.
            let whole = fs::read(&path).expect("readable");
            let left = [0, SECTOR_BYTES].map(|sector| {
                let mut torn = whole.clone();
                torn[sector + 20] ^= 1;
                fs::write(&path, &torn).expect("writable");
                read(folder.path()).ok().flatten().map(|record| record.block)
            });
            fs::write(&path, &whole).expect("writable");
            assert!(left.contains(&Some(block(number))), "{left:?}");
            assert!(left.contains(&before), "{left:?}");
            before = Some(block(number));
        }
    }

    #[test]
    fn a_marker_of_nobody_writes_nothing() {
        let mut marker = FinalMarker::none();
        marker.set(block(1)).expect("nothing to do");
        assert!(marker.file.is_none());
    }

    #[test]
    fn bytes_of_a_record_are_pinned() {
        let block = FinalBlock {
            number: BlockNumber::new(258),
            hash: BlockHash::new(B256::repeat_byte(7)),
        };
        let manifest = ManifestMark { number: 3, bytes: 260 };
        let bytes = to_bytes(FinalRecord { block, manifest });
        assert_eq!(bytes.len(), RECORD_BYTES);
        assert_eq!(bytes[..8], *b"ldgfin/2");
        assert_eq!(bytes[8..16], [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[16..48], [7; 32]);
        assert_eq!(bytes[48..64], [3, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[64..], keccak256(&bytes[..64])[..16]);
        assert_eq!(parse(&bytes), Some(FinalRecord { block, manifest }));
    }
}
