//! Is everything that is published in the log, and does the log only grow? Reads all of it, from the first entry.
//!
//! The checkpoint that was seen last is kept: a log that does not start with it was changed, whoever signed the new one.

use std::collections::BTreeSet;

use parity_scale_codec::DecodeAll;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::reader::{Reader, ReaderError};
use crate::{
    desk::Leaf,
    http::{Http, HttpError, Patience},
    log::{
        Log, LogError, TreeHead,
        checkpoint::{self, CHECKPOINT_BYTES_MAX, CheckpointError},
        tiles::{BUNDLE_LEAVES_MAX, LEAF_BYTES_MAX},
    },
    records::Hex32,
    tuf::{Answer, RoleName},
};

/// Longest bundle: each leaf after its length.
const BUNDLE_BYTES_MAX: u64 = BUNDLE_LEAVES_MAX * (LEAF_BYTES_MAX as u64 + 2);

/// Why the log does not bear out what is published.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The server does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What is published is not believed.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The checkpoint is none of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file of the log is missing.
    #[error("the log has {size} entries by its checkpoint, but {path} is missing")]
    Missing {
        /// The file.
        path: String,
        /// What the checkpoint says.
        size: u64,
    },
    /// A bundle that is none.
    #[error("{path} is no bundle of {leaves} leaves")]
    Bundle {
        /// The file.
        path: String,
        /// What it should have.
        leaves: u64,
    },
    /// The leaves lead to another hash.
    #[error("the leaves of the log lead to {got}, its checkpoint says {expected}")]
    Hash {
        /// What the checkpoint says.
        expected: Hex32,
        /// What the leaves lead to.
        got: Hex32,
    },
    /// The log was cut or changed.
    #[error(
        "the log had {size} entries with the hash {expected} when it was read last, now it has {got}: something was changed or taken out"
    )]
    Changed {
        /// Entries then.
        size: u64,
        /// The hash then.
        expected: Hex32,
        /// The hash of as many entries now, or how many there are.
        got: String,
    },
    /// It was never so long.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Published, and not in the log.
    #[error("{name} with sha256 {sha256} is published, but no entry of the log released it")]
    Unlogged {
        /// What.
        name: String,
        /// Its hash.
        sha256: Hex32,
    },
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Length and hash of the log.
    pub head: TreeHead,
    /// Releases in it.
    pub releases: u64,
    /// The checkpoint, to keep.
    pub checkpoint: Vec<u8>,
}

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogName {
    /// What it is called.
    pub origin: String,
    /// The key of its checkpoints.
    pub key: Hex32,
}

/// Reads the log at `url`, and looks in it for all that `reader` trusts; `last` is the checkpoint of the last time.
///
/// # Errors
/// [`AuditError`] with the first thing that is not as it should be.
pub fn audit(url: &str, name: &LogName, last: Option<&[u8]>, reader: &Reader) -> Result<Audited, AuditError> {
    let http = Http::new(Patience::PERSON)?;
    let base = format!("{}/log", url.trim_end_matches('/'));
    let Answer::Bytes(note) = http.get(&format!("{base}/checkpoint"), CHECKPOINT_BYTES_MAX as u64)? else {
        let path = "checkpoint".to_owned();
        return Err(AuditError::Missing { path, size: 0 });
    };
    let head = checkpoint::open(&note, &name.origin, name.key)?;
    let (log, released) = read(&http, &base, head)?;
    let got = log.head(head.size)?.root;
    if got != head.root {
        let expected = head.root;
        return Err(AuditError::Hash { expected, got });
    }
    if let Some(last) = last {
        let last = checkpoint::open(last, &name.origin, name.key)?;
        let got = log
            .head(last.size)
            .map_or_else(|_| format!("{} entries", head.size), |head| head.root.to_string());
        if got != last.root.to_string() {
            let (size, expected) = (last.size, last.root);
            return Err(AuditError::Changed { size, expected, got });
        }
    }
    let stored = reader.stored()?;
    let root = [(RoleName::root(), stored.root)];
    for (role, bytes) in root.into_iter().chain(stored.others) {
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let name = role.to_string();
        if !released.files.contains(&(name.clone(), sha256)) {
            let sha256 = Hex32(sha256);
            return Err(AuditError::Unlogged { name, sha256 });
        }
    }
    Ok(Audited {
        head,
        releases: released.count,
        checkpoint: note,
    })
}

#[derive(Default)]
struct Released {
    count: u64,
    files: BTreeSet<(String, [u8; 32])>,
}

fn read(http: &Http, base: &str, head: TreeHead) -> Result<(Log, Released), AuditError> {
    let (mut log, mut released) = (Log::default(), Released::default());
    for index in 0..head.size.div_ceil(BUNDLE_LEAVES_MAX) {
        let leaves = BUNDLE_LEAVES_MAX.min(head.size - index * BUNDLE_LEAVES_MAX);
        let (path, bytes) = bundle(http, base, index, leaves, head.size)?;
        let found = unbundled(&bytes, leaves);
        for leaf in found.ok_or_else(|| refuse(&path, leaves))? {
            log.append(leaf);
            let leaf = Leaf::decode_all(&mut &*leaf).map_err(|_| refuse(&path, leaves))?;
            released.count += u64::from(!leaf.files.is_empty());
            released.files.extend(leaf.files);
        }
    }
    Ok((log, released))
}

fn refuse(path: &str, leaves: u64) -> AuditError {
    let path = path.to_owned();
    AuditError::Bundle { path, leaves }
}

/// The first leaves of a bundle, each of them after its length; nothing if there are fewer.
pub fn unbundled(mut bytes: &[u8], leaves: u64) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    for _ in 0..leaves {
        let (length, rest) = bytes.split_first_chunk()?;
        let (leaf, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        found.push(leaf);
        bytes = rest;
    }
    Some(found)
}

/// A bundle as it was with so many leaves, or the full one that came after it.
fn bundle(http: &Http, base: &str, index: u64, leaves: u64, size: u64) -> Result<(String, Vec<u8>), AuditError> {
    let full = format!("tile/entries/{}", numbered(index));
    let partial = (leaves < BUNDLE_LEAVES_MAX).then(|| format!("{full}.p/{leaves}"));
    for path in partial.iter().chain([&full]) {
        if let Answer::Bytes(bytes) = http.get(&format!("{base}/{path}"), BUNDLE_BYTES_MAX)? {
            return Ok((path.clone(), bytes));
        }
    }
    let path = partial.unwrap_or(full);
    Err(AuditError::Missing { path, size })
}

/// How tiles are numbered in paths: in groups of three digits, all but the last with an x.
fn numbered(index: u64) -> String {
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::log::tiles::bundled;

    #[test]
    fn tiles_are_numbered_as_c2sp_has_it() {
        for (index, path) in [
            (0, "000"),
            (67, "067"),
            (1_234_067, "x001/x234/067"),
            (1_000, "x001/000"),
        ] {
            assert_eq!(numbered(index), path);
        }
    }

    proptest! {
        #[test]
        fn leaves_are_read_as_they_were_bundled(leaves in vec(vec(any::<u8>(), 0..400), 0..9), cut in 0_usize..4_000) {
            let bundle = bundled(leaves.iter().map(Vec::as_slice)).unwrap();
            let count = leaves.len() as u64;
            prop_assert_eq!(unbundled(&bundle, count), Some(leaves.iter().map(Vec::as_slice).collect()));
            prop_assert_eq!(unbundled(&bundle, count + 1), None);
            if cut < bundle.len() {
                prop_assert_eq!(unbundled(&bundle[..cut], count), None);
            }
        }

        #[test]
        fn whatever_comes_is_read_or_refused(bytes in vec(any::<u8>(), 0..600), leaves in any::<u64>()) {
            if let Some(found) = unbundled(&bytes, leaves) {
                prop_assert_eq!(found.len() as u64, leaves);
            }
        }
    }
}
