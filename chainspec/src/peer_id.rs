//! Which libp2p peer id belongs to an ed25519 key, and which bytes does a peer id's text stand for?
//!
//! Called by the specification and by whoever registers a validator, so that they need no network code. Only ids that
//! hold an ed25519 key are known here; nodes of this chain have no others.

use thiserror::Error;

use crate::ids::ConsensusKey;

/// What comes before the key: the identity multihash (0x00) of 36 bytes, which are the protobuf message "key type 1
/// (ed25519), 32 bytes of data".
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Longest base58 text that is looked at: twice what a peer id needs. Decoding costs the square of the length.
const TEXT_CHARS_MAX: usize = 104;

/// Why a text is no peer id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeerIdError {
    /// Not base58 (Bitcoin's alphabet), or longer than any peer id.
    #[error("{text:?} is not base58 of a peer id's length")]
    Base58 {
        /// What was found, at most 104 characters of it.
        text: String,
    },
    /// A multihash, but not one that holds an ed25519 key.
    #[error("{text:?} is no peer id of an ed25519 key; those start with 12D3KooW")]
    NotEd25519 {
        /// What was found.
        text: String,
    },
}

/// The peer id of the node whose ed25519 public key is `key`: the bytes of its multihash.
pub fn peer_id_of(key: &ConsensusKey) -> Vec<u8> {
    [&PREFIX[..], key.as_ref()].concat()
}

/// A peer id as people see it: base58btc of its bytes.
pub fn peer_id_to_text(peer_id: &[u8]) -> String {
    bs58::encode(peer_id).into_string()
}

/// The bytes of a peer id that is written in base58btc.
///
/// # Errors
/// [`PeerIdError`] if it is none, or holds no ed25519 key.
pub fn peer_id_from_text(text: &str) -> Result<Vec<u8>, PeerIdError> {
    let shown = || text.chars().take(TEXT_CHARS_MAX).collect();
    if text.len() > TEXT_CHARS_MAX {
        return Err(PeerIdError::Base58 { text: shown() });
    }
    let bytes = bs58::decode(text)
        .into_vec()
        .map_err(|_| PeerIdError::Base58 { text: shown() })?;
    if bytes.len() == PREFIX.len() + 32 && bytes.starts_with(&PREFIX) {
        Ok(bytes)
    } else {
        Err(PeerIdError::NotEd25519 { text: shown() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_id_of_a_key_is_libp2ps() {
        // The example of libp2p's peer id specification: key and id are given there.
        let key = hex::decode("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e").unwrap();
        let peer_id = peer_id_of(&ConsensusKey::new(key.try_into().unwrap()));
        let text = peer_id_to_text(&peer_id);
        assert_eq!(text, "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq");
        assert_eq!(peer_id_from_text(&text), Ok(peer_id));
    }

    #[test]
    fn other_texts_are_named() {
        for text in ["", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "2"] {
            assert_eq!(
                peer_id_from_text(text),
                Err(PeerIdError::NotEd25519 { text: text.to_owned() })
            );
        }
        for text in ["0OIl", "12D3KooW!", "käse"] {
            assert_eq!(
                peer_id_from_text(text),
                Err(PeerIdError::Base58 { text: text.to_owned() })
            );
        }
        assert!(
            matches!(peer_id_from_text(&"1".repeat(10_000)), Err(PeerIdError::Base58 { text }) if text.len() == 104)
        );
    }
}
