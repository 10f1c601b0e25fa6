//! What happened, in order? One entry for each command that was taken and for each release, as the database keeps it and as the log
//! commits to it.
//!
//! An entry's encoding is what is stored; its leaf is what the [log](crate::log) hashes: short, without what the command says, so that
//! the log can be public when a draft is not, and with the hash of every file that a release publishes.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the codec's derive casts the index of a variant to a byte"
)]

use std::collections::BTreeMap;

use parity_scale_codec::{Decode, DecodeAll, Encode};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    repository::Release,
    tuf::{RoleName, TargetPath, UnixSeconds},
};

/// Most files of a release, beside snapshot and timestamp: so that its leaf, a hundred bytes for each, fits the 65,535 bytes that an
/// entry of a log may have (C2SP tlog-tiles). What is more waits for the release after.
pub const RELEASE_FILES_MAX: usize = 512;

/// Longest name of a file in a leaf: role names of this house have at most 34 bytes, paths of records 50.
const LEAF_NAME_BYTES_MAX: usize = 64;

const _: () = assert!((RELEASE_FILES_MAX + 2) * (LEAF_NAME_BYTES_MAX + 2 + 32) + 64 < 1 << 16);

/// Why bytes are no entry.
#[derive(Debug, Error)]
pub enum EntryError {
    /// Not of an entry's form.
    #[error("not an entry of the notary's log: {0}")]
    Malformed(#[from] parity_scale_codec::Error),
    /// A name that is none.
    #[error("not an entry of the notary's log: {0}")]
    Name(#[from] crate::tuf::NameError),
    /// It can be written in another way.
    #[error("not an entry of the notary's log: written again, it has other bytes")]
    Encoding,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// When it was taken down.
    pub at: UnixSeconds,
    /// What it was.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Somebody asked for something and was heard: the envelope, byte for byte.
    Command(Vec<u8>),
    /// Something was published.
    Release(Release),
}

#[derive(Encode, Decode)]
struct Wire {
    seq: u64,
    at: u64,
    body: WireBody,
}

#[derive(Encode, Decode)]
enum WireBody {
    #[codec(index = 0)]
    Command(Vec<u8>),
    #[codec(index = 1)]
    Release(WireRelease),
}

#[derive(Encode, Decode)]
struct WireRelease {
    root: Option<Vec<u8>>,
    roles: Vec<(String, Vec<u8>)>,
    files: Vec<(String, Vec<u8>)>,
    snapshot: Option<Vec<u8>>,
    timestamp: Vec<u8>,
}

/// What the log hashes of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Leaf {
    /// The entry's place.
    pub seq: u64,
    /// When it was taken down, in seconds since 1970.
    pub at: u64,
    /// sha256 of the entry's encoding.
    pub entry_sha256: [u8; 32],
    /// For a release, name and sha256 of every file: metadata under their role's name, records under their path.
    pub files: Vec<(String, [u8; 32])>,
}

impl Entry {
    /// What is stored.
    pub fn encoded(&self) -> Vec<u8> {
        let body = match &self.body {
            Body::Command(envelope) => WireBody::Command(envelope.clone()),
            Body::Release(release) => WireBody::Release(WireRelease {
                root: release.root.clone(),
                roles: named(&release.roles),
                files: named(&release.files),
                snapshot: release.snapshot.clone(),
                timestamp: release.timestamp.clone(),
            }),
        };
        let (seq, at) = (self.seq, self.at.get());
        Wire { seq, at, body }.encode()
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// [`EntryError`] if it is no entry, or not in the one form that an entry has.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let Wire { seq, at, body } = Wire::decode_all(&mut &*bytes)?;
        let body = match body {
            WireBody::Command(envelope) => Body::Command(envelope),
            WireBody::Release(wire) => Body::Release(Release {
                root: wire.root,
                roles: read::<RoleName>(wire.roles)?,
                files: read::<TargetPath>(wire.files)?,
                snapshot: wire.snapshot,
                timestamp: wire.timestamp,
            }),
        };
        let at = UnixSeconds::new(at);
        let entry = Self { seq, at, body };
        if entry.encoded() == bytes {
            Ok(entry)
        } else {
            Err(EntryError::Encoding)
        }
    }

    /// What the log hashes.
    pub fn leaf(&self) -> Leaf {
        let sha256 = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
        let files = match &self.body {
            Body::Command(_) => Vec::new(),
            Body::Release(release) => {
                let roles = release.roles.iter().map(|(role, bytes)| (role.as_str(), bytes));
                let root = release.root.iter().map(|bytes| ("root", bytes));
                let online = release.snapshot.iter().map(|bytes| ("snapshot", bytes));
                let online = online.chain([("timestamp", &release.timestamp)]);
                let files = release.files.iter().map(|(path, bytes)| (path.as_str(), bytes));
                let all = root.chain(roles).chain(files).chain(online);
                all.map(|(name, bytes)| (name.to_owned(), sha256(bytes))).collect()
            }
        };
        Leaf {
            seq: self.seq,
            at: self.at.get(),
            entry_sha256: sha256(&self.encoded()),
            files,
        }
    }
}

fn named<N: Clone + Into<String>>(files: &BTreeMap<N, Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    let file = |(name, bytes): (&N, &Vec<u8>)| (name.clone().into(), bytes.clone());
    files.iter().map(file).collect()
}

fn read<N: TryFrom<String> + Ord>(files: Vec<(String, Vec<u8>)>) -> Result<BTreeMap<N, Vec<u8>>, N::Error> {
    files
        .into_iter()
        .map(|(name, bytes)| Ok((N::try_from(name)?, bytes)))
        .collect()
}
