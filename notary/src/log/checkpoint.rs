//! Who says how long the log is? A checkpoint: name, size and hash of the log as three lines of text, signed as a note (C2SP
//! tlog-checkpoint and signed-note).
//!
//! Other keys may sign beside the notary's, such as witnesses' who compared it with the one before; lines of keys that nobody asked
//! for are passed over. Never makes a signature.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tlog_tiles::{Checkpoint, Hash};

use super::TreeHead;
use crate::{
    records::Hex32,
    tuf::{Key, Signature},
};

/// Longest checkpoint: three lines, and a hundred bytes for each signature.
pub const CHECKPOINT_BYTES_MAX: usize = 16 << 10;

/// The kind of a key in a note: ed25519.
const ED25519: u8 = 1;

/// Why a text is no checkpoint of the log that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Longer than any.
    #[error("a checkpoint has at most {CHECKPOINT_BYTES_MAX} bytes, got {bytes}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// Not of a note's form.
    #[error("not a checkpoint (C2SP tlog-checkpoint: name, size, hash, an empty line, signatures)")]
    Malformed,
    /// A name that no note can have.
    #[error("a log's name has no space, no + and no line break, got {got:?}")]
    Origin {
        /// What came.
        got: String,
    },
    /// Of another log.
    #[error("a checkpoint of the log {expected} was asked for, got one of {got}")]
    OtherLog {
        /// The name that was asked for.
        expected: String,
        /// The name in it.
        got: String,
    },
    /// The key has not signed it.
    #[error("the checkpoint is not signed by {key}")]
    NotSigned {
        /// Whose signature it should have.
        key: Hex32,
    },
}

/// The text to sign.
///
/// # Errors
/// [`CheckpointError::Origin`] if the log cannot be called that.
pub fn text(origin: &str, head: TreeHead) -> Result<String, CheckpointError> {
    let is_bad = |character: char| character.is_whitespace() || character.is_control() || character == '+';
    if origin.is_empty() || origin.chars().any(is_bad) {
        let got = origin.chars().take(128).collect();
        return Err(CheckpointError::Origin { got });
    }
    let checkpoint =
        Checkpoint::new(origin, head.size, Hash(head.root.0), "").map_err(|_| CheckpointError::Malformed)?;
    String::from_utf8(checkpoint.to_bytes()).map_err(|_| CheckpointError::Malformed)
}

/// The text with a signature over it.
///
/// # Errors
/// As [`text`].
pub fn signed(origin: &str, head: TreeHead, key: Hex32, signature: &[u8; 64]) -> Result<String, CheckpointError> {
    let text = text(origin, head)?;
    let line = [&key_id(origin, key)[..], signature].concat();
    Ok(format!("{text}\n\u{2014} {origin} {}\n", BASE64_STANDARD.encode(line)))
}

/// What a checkpoint says, if this key signed it.
///
/// # Errors
/// [`CheckpointError`] for the first reason why not.
pub fn open(note: &[u8], origin: &str, key: Hex32) -> Result<TreeHead, CheckpointError> {
    let bytes = note.len();
    if bytes > CHECKPOINT_BYTES_MAX {
        return Err(CheckpointError::TooLong { bytes });
    }
    let note = str::from_utf8(note).map_err(|_| CheckpointError::Malformed)?;
    let at = note.rfind("\n\n").ok_or(CheckpointError::Malformed)?;
    let (text, lines) = note.split_at(at + 1);
    let checkpoint = Checkpoint::from_bytes(text.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
    if checkpoint.origin() != origin {
        let (expected, got) = (origin.to_owned(), checkpoint.origin().chars().take(128).collect());
        return Err(CheckpointError::OtherLog { expected, got });
    }
    let is_good = |line: &str| signature_of(line, origin, key).is_some_and(|signature| verifies(key, text, &signature));
    if !lines.lines().any(is_good) {
        return Err(CheckpointError::NotSigned { key });
    }
    Ok(TreeHead {
        size: checkpoint.size(),
        root: Hex32(checkpoint.hash().0),
    })
}

/// The signature in a line, if the line says that it is this key's.
fn signature_of(line: &str, origin: &str, key: Hex32) -> Option<[u8; 64]> {
    let line = line
        .strip_prefix("\u{2014} ")?
        .strip_prefix(origin)?
        .strip_prefix(' ')?;
    let bytes = BASE64_STANDARD.decode(line).ok()?;
    bytes.strip_prefix(&key_id(origin, key))?.try_into().ok()
}

fn verifies(key: Hex32, text: &str, signature: &[u8; 64]) -> bool {
    let signature = Signature::new(key.to_string(), signature).expect("64 characters are not too long");
    Key::Ed25519(key.0).verifies(text.as_bytes(), &signature)
}

/// What a note calls a key: the beginning of a hash over the log's name and the key.
fn key_id(origin: &str, key: Hex32) -> [u8; 4] {
    let hash = Sha256::digest([origin.as_bytes(), &[b'\n', ED25519], &key.0].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_id_that_notes_of_go_give_it() {
        // The example of golang.org/x/mod/sumdb/note: PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW.
        let key = BASE64_STANDARD
            .decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
            .unwrap();
        assert_eq!(key[0], ED25519);
        let key = Hex32(key[1..].try_into().unwrap());
        assert_eq!(hex::encode(key_id("PeterNeumann", key)), "c74f20a3");
    }
}
