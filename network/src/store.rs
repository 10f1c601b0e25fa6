//! Who was a good peer before the restart, and where? A small file of addresses, so that a node comes back without its
//! bootnodes.
//!
//! ```text
//! magic "clpeers\x01" 8 | list of (peer id bytes, list of addresses' bytes, last seen u64 Unix seconds) | keccak256 of all that
//! ```
//! Written whole, beside the old one, and put in its place only when it is on the disk. A file that is damaged is started
//! afresh: it holds nothing that cannot be found again. Nothing in it is trusted: an address is a place to try.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::keccak256;
use libp2p::{Multiaddr, PeerId};
use parity_scale_codec::{Decode, Encode, Error as CodecError, Input, Output};
use thiserror::Error;

use crate::codec::{decode_bytes, decode_length, encode_bytes, encode_length};

/// First bytes of the file: what it is, which version.
const MAGIC: [u8; 8] = *b"clpeers\x01";
/// Most peers that are kept: some of them will have moved, and a few suffice.
pub const STORE_PEERS_MAX: usize = 512;
/// Most addresses of one.
pub const STORE_ADDRESSES_MAX: usize = 4;
/// Longest address that is kept: a name of 253 characters, and what is around it.
pub const ADDRESS_BYTES_MAX: usize = 300;
/// Longest peer id.
const PEER_ID_BYTES_MAX: usize = 64;
/// Longest file.
pub const STORE_BYTES_MAX: usize =
    64 + STORE_PEERS_MAX * (PEER_ID_BYTES_MAX + 16 + STORE_ADDRESSES_MAX * (ADDRESS_BYTES_MAX + 4));

/// A peer that is worth coming back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// Who it is.
    pub peer: PeerId,
    /// Where it was, the best first.
    pub addresses: Vec<Multiaddr>,
    /// When it last said who it is, Unix seconds.
    pub seen: u64,
}

/// Why a file is not one of known peers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Another kind of file, or another version.
    #[error("it does not start as a file of known peers of version 1")]
    Magic,
    /// Bytes were changed or cut off.
    #[error("its checksum is wrong: it was changed or cut short")]
    Checksum,
    /// Longer than any.
    #[error("it is longer than {STORE_BYTES_MAX} bytes")]
    TooLong,
    /// Not a list of peers.
    #[error("its list of peers cannot be read: {reason}")]
    Malformed {
        /// What the decoder met.
        reason: String,
    },
}

impl Encode for KnownPeer {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        encode_bytes(&self.peer.to_bytes(), output);
        encode_length(self.addresses.len(), output);
        for address in &self.addresses {
            encode_bytes(address.as_ref(), output);
        }
        self.seen.encode_to(output);
    }
}

impl Decode for KnownPeer {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let peer = decode_bytes(input, PEER_ID_BYTES_MAX)?;
        let peer = PeerId::from_bytes(&peer).map_err(|_| CodecError::from("bytes are no peer id"))?;
        let mut addresses = Vec::new();
        for _ in 0..decode_length(input, STORE_ADDRESSES_MAX)? {
            let address = decode_bytes(input, ADDRESS_BYTES_MAX)?;
            addresses.push(Multiaddr::try_from(address).map_err(|_| CodecError::from("bytes are no address"))?);
        }
        let seen = Decode::decode(input)?;
        Ok(Self { peer, addresses, seen })
    }
}

/// The bytes of a file of known peers.
#[must_use]
pub fn write_known_peers(peers: &[KnownPeer]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    peers.encode_to(&mut bytes);
    let checksum = keccak256(&bytes);
    bytes.extend_from_slice(checksum.as_slice());
    bytes
}

/// Reads what [`write_known_peers`] wrote.
///
/// # Errors
/// [`StoreError`] for anything else.
pub fn read_known_peers(bytes: &[u8]) -> Result<Vec<KnownPeer>, StoreError> {
    if bytes.len() > STORE_BYTES_MAX {
        return Err(StoreError::TooLong);
    }
    let (content, checksum) = bytes.split_last_chunk::<32>().ok_or(StoreError::Magic)?;
    let mut list = content.strip_prefix(&MAGIC[..]).ok_or(StoreError::Magic)?;
    if keccak256(content) != *checksum {
        return Err(StoreError::Checksum);
    }
    let malformed = |reason: String| StoreError::Malformed { reason };
    let length = decode_length(&mut list, STORE_PEERS_MAX).map_err(|error| malformed(error.to_string()))?;
    let mut peers = Vec::new();
    for _ in 0..length {
        peers.push(KnownPeer::decode(&mut list).map_err(|error| malformed(error.to_string()))?);
    }
    if list.is_empty() {
        Ok(peers)
    } else {
        Err(malformed(format!("{} bytes are left over", list.len())))
    }
}

/// The good peers of this node.
#[derive(Debug, Default)]
pub(crate) struct PeerStore {
    path: Option<PathBuf>,
    peers: HashMap<PeerId, KnownPeer>,
    is_changed: bool,
}

impl PeerStore {
    /// Reads the file at `path`, if there is one. Whatever is wrong with it is returned beside an empty store.
    pub(crate) fn open(path: Option<PathBuf>) -> (Self, Option<String>) {
        let mut store = Self {
            path,
            ..Self::default()
        };
        let Some(path) = &store.path else {
            return (store, None);
        };
        let read = match read_file(path) {
            Ok(bytes) => read_known_peers(&bytes).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(peers) => {
                store.peers = peers.into_iter().map(|known| (known.peer, known)).collect();
                (store, None)
            }
            Err(problem) => (store, Some(problem)),
        }
    }

    /// Everybody in it.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &KnownPeer> {
        self.peers.values()
    }

    /// A peer was good at these addresses. Whoever is `dear` gives way to nobody: strangers come in any number, and validators
    /// stay connected for so long that they are the longest unseen.
    pub(crate) fn remember(&mut self, known: KnownPeer, dear: impl Fn(&PeerId) -> bool) {
        let KnownPeer {
            peer,
            mut addresses,
            seen,
        } = known;
        addresses.retain(|address| address.as_ref().len() <= ADDRESS_BYTES_MAX);
        addresses.truncate(STORE_ADDRESSES_MAX);
        if addresses.is_empty() || peer.to_bytes().len() > PEER_ID_BYTES_MAX {
            return;
        }
        if !self.peers.contains_key(&peer) && self.peers.len() >= STORE_PEERS_MAX {
            let oldest = self
                .peers
                .values()
                .filter(|known| !dear(&known.peer))
                .min_by_key(|known| known.seen)
                .map(|known| known.peer);
            let Some(oldest) = oldest else { return };
            self.peers.remove(&oldest);
        }
        self.is_changed = true;
        self.peers.insert(peer, KnownPeer { peer, addresses, seen });
    }

    /// A peer was not good.
    pub(crate) fn forget(&mut self, peer: &PeerId) {
        self.is_changed |= self.peers.remove(peer).is_some();
    }

    /// What is to be written where, if anything changed since this was asked last.
    pub(crate) fn take_changes(&mut self) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.path.clone()?;
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let mut peers: Vec<_> = self.peers.values().cloned().collect();
        peers.sort_unstable_by_key(|known| (std::cmp::Reverse(known.seen), known.peer));
        Some((path, write_known_peers(&peers)))
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(STORE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts `bytes` in the place of the file at `path`, whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The name is on the disk when its folder is.
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(seen: u64) -> KnownPeer {
        KnownPeer {
            peer: PeerId::random(),
            addresses: vec!["/ip4/192.0.2.1/tcp/30333".parse().unwrap()],
            seen,
        }
    }

    #[test]
    fn what_was_written_is_read_again_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers");
        let (mut store, problem) = PeerStore::open(Some(path.clone()));
        assert_eq!((store.peers().count(), problem), (0, None));
        assert_eq!(store.take_changes(), None);
        let peer = known(7);
        store.remember(peer.clone(), |_| false);
        let (to, bytes) = store.take_changes().unwrap();
        write_file(&to, &bytes).unwrap();
        assert_eq!(store.take_changes(), None);
        let (again, problem) = PeerStore::open(Some(path.clone()));
        assert_eq!((again.peers().collect::<Vec<_>>(), problem), (vec![&peer], None));

        for (damage, words) in [
            (bytes[..bytes.len() - 1].to_vec(), "checksum"),
            (b"something else entirely, but long enough".to_vec(), "does not start"),
            (Vec::new(), "does not start"),
            (vec![0; STORE_BYTES_MAX + 1], "longer than"),
        ] {
            fs::write(&path, damage).unwrap();
            let (empty, problem) = PeerStore::open(Some(path.clone()));
            assert_eq!(empty.peers().count(), 0);
            assert!(
                problem.as_ref().is_some_and(|problem| problem.contains(words)),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn the_longest_unseen_make_room_unless_they_are_dear() {
        let (mut store, _) = PeerStore::open(Some("unused".into()));
        let (dear, oldest) = (known(1), known(2));
        let is_dear = |peer: &PeerId| *peer == dear.peer;
        store.remember(dear.clone(), is_dear);
        store.remember(oldest.clone(), is_dear);
        for seen in 3..=STORE_PEERS_MAX as u64 + 1 {
            store.remember(known(seen), is_dear);
        }
        assert_eq!(store.peers().count(), STORE_PEERS_MAX);
        assert!(!store.peers.contains_key(&oldest.peer));
        assert!(store.peers.contains_key(&dear.peer));
        assert!(store.take_changes().unwrap().1.len() <= STORE_BYTES_MAX);
    }

    #[test]
    fn the_file_has_these_bytes() {
        let peer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN".parse().unwrap();
        let addresses = vec!["/ip4/1.2.3.4/tcp/5".parse().unwrap()];
        let bytes = write_known_peers(&[KnownPeer {
            peer,
            addresses,
            seen: 9,
        }]);
        let (content, checksum) = bytes.split_last_chunk::<32>().unwrap();
        let id = hex::encode(peer.to_bytes());
        let expected = format!(
            "636c706565727301{:02x}{:02x}{id}{:02x}{:02x}04010203040600050900000000000000",
            1 << 2,
            38 << 2,
            1 << 2,
            8 << 2
        );
        assert_eq!(hex::encode(content), expected);
        assert_eq!(keccak256(content), *checksum);
    }
}
