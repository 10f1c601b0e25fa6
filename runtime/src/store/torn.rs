//! Does RocksDB come to the end of its own logs?
//!
//! Not always. After a loss of power the tail of a log, and of a manifest, which is written the same way, may hold anything. Where the header of
//! a record should be and the byte for its type happens to be one of those that a recycled log has, RocksDB 11.8 (`log_reader.cc`) takes the
//! record for a bad one and does not step over it: it reads the same header again, for ever. Our logs are never recycled
//! (`recycle_log_file_num` is 0), so such a byte is damage wherever it stands. [`mend`] sets it to 0, and RocksDB finds what it knows how to deal
//! with: a record whose checksum is wrong, at which its recovery stops as it does at any other damage.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::OpenError;

/// A log is written in blocks of this size, and no record spans two.
const BLOCK_BYTES: usize = 32 << 10;

/// Checksum (4 bytes), length (2, little-endian) and type.
const HEADER_BYTES: usize = 7;

/// Where the type stands in a header.
const TYPE_AT: usize = 6;

/// Types of records of recycled logs (RocksDB's `log_format.h`).
const RECYCLED_TYPES: [u8; 6] = [5, 6, 7, 8, 11, 131];

/// Mends every log of the database in `path` that RocksDB would not come to the end of. What cannot be read is left to RocksDB.
///
/// # Errors
/// [`OpenError::NotWritable`] if a log cannot be mended.
pub(super) fn mend(path: &Path) -> Result<(), OpenError> {
    for file in logs(path) {
        let places = endless(&file).unwrap_or_default();
        if places.is_empty() {
            continue;
        }
        tracing::warn!(target: "ledger::store", file = %file.display(), ?places, "a log has a torn end: RocksDB is made to stop there");
        write_zeros(&file, &places).map_err(|source| OpenError::NotWritable {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Refuses what would have to be mended, for who only reads.
///
/// # Errors
/// [`OpenError::LogTorn`]
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    for file in logs(path) {
        if let Some(offset) = endless(&file).unwrap_or_default().first() {
            return Err(OpenError::LogTorn { file, offset: *offset });
        }
    }
    Ok(())
}

/// The write-ahead logs and manifests in the folder.
fn logs(path: &Path) -> impl Iterator<Item = PathBuf> {
    let is_log = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("MANIFEST-") || name.ends_with(".log")
    };
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_log)
}

/// Where in the log the bytes are that RocksDB would not step over.
fn endless(file: &Path) -> io::Result<Vec<u64>> {
    let mut log = File::open(file)?;
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    let mut start = 0;
    let mut places = Vec::new();
    loop {
        block.clear();
        let read = Read::by_ref(&mut log)
            .take(BLOCK_BYTES as u64)
            .read_to_end(&mut block)?;
        places.extend(endless_in(&block).into_iter().map(|at| start + at as u64));
        if read < BLOCK_BYTES {
            return Ok(places);
        }
        start += BLOCK_BYTES as u64;
    }
}

/// The same in one block. Behind the first damage of a block RocksDB looks at nothing more of it; looking further does no harm.
fn endless_in(block: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(header) = block.get(at..at + HEADER_BYTES) {
        if RECYCLED_TYPES.contains(&header[TYPE_AT]) {
            places.push(at + TYPE_AT);
        }
        let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
        at += HEADER_BYTES + length;
    }
    places
}

fn write_zeros(file: &Path, places: &[u64]) -> io::Result<()> {
    let log = OpenOptions::new().write(true).open(file)?;
    for place in places {
        log.write_all_at(&[0], *place)?;
    }
    log.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u16) -> Vec<u8> {
        let [low, high] = length.to_le_bytes();
        let mut record = vec![1, 2, 3, 4, low, high, kind];
        record.resize(HEADER_BYTES + usize::from(length), 5);
        record
    }

    #[test]
    fn bytes_within_records_are_no_types_and_a_recycled_type_is_one_wherever_a_header_stands() {
        let sound = [record(1, 300), record(2, 20_000)].concat();
        assert_eq!(endless_in(&sound), [0_usize; 0]);
        for kind in RECYCLED_TYPES {
            let torn = [sound.clone(), record(kind, 60_000)].concat();
            assert_eq!(endless_in(&torn), [sound.len() + TYPE_AT]);
        }
        // Too short for a header.
        assert_eq!(endless_in(&[sound.clone(), vec![11; TYPE_AT]].concat()), [0_usize; 0]);
    }

    #[test]
    fn each_block_begins_with_a_header() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("000007.log");
        let mut log = record(9, u16::MAX);
        log.resize(BLOCK_BYTES, 0);
        log.extend(record(131, 12));
        fs::write(&file, &log).expect("written");
        let place = (BLOCK_BYTES + TYPE_AT) as u64;
        assert_eq!(endless(&file).expect("read"), [place]);
        let refused = check(folder.path()).expect_err("torn").to_string();
        assert!(
            refused.contains("000007.log") && refused.contains(&place.to_string()),
            "{refused}"
        );
        mend(folder.path()).expect("mended");
        assert_eq!(endless(&file).expect("read"), [0_u64; 0]);
        let mended = fs::read(&file).expect("read");
        let differing = log.iter().zip(&mended).filter(|(before, after)| before != after);
        assert_eq!((mended.len(), differing.count()), (log.len(), 1));
    }
}
