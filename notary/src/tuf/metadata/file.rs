//! Is this the file that was meant? Lengths and hashes, as snapshot, timestamp and targets metadata list them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};
use thiserror::Error;

use crate::tuf::{limits::TARGET_BYTES_MAX, names::Version};

const SHA256: &str = "sha256";
const SHA512: &str = "sha512";

/// Why a file is not the one that was meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// Another length.
    #[error("has {got} bytes where {expected} are listed")]
    Length {
        /// Bytes listed.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },
    /// Another content.
    #[error("has {algorithm} {got} where {expected} is listed")]
    Hash {
        /// The hash function.
        algorithm: &'static str,
        /// The hash listed.
        expected: String,
        /// The hash of what came.
        got: String,
    },
}

/// Hashes of a file: one at least of those that are known here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Hashes {
    sha256: Option<[u8; 32]>,
    sha512: Option<[u8; 64]>,
}

impl TryFrom<BTreeMap<String, String>> for Hashes {
    type Error = String;

    fn try_from(listed: BTreeMap<String, String>) -> Result<Self, String> {
        let sha256 = listed.get(SHA256).map(|hash| hash_of(SHA256, hash)).transpose()?;
        let sha512 = listed.get(SHA512).map(|hash| hash_of(SHA512, hash)).transpose()?;
        if sha256.is_none() && sha512.is_none() {
            return Err("hashes name sha256 or sha512 (TUF 4.4), got neither".to_owned());
        }
        Ok(Self { sha256, sha512 })
    }
}

fn hash_of<const BYTES: usize>(algorithm: &str, text: &str) -> Result<[u8; BYTES], String> {
    let mut bytes = [0; BYTES];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| {
        format!(
            "{algorithm} is {} hex characters, got {}",
            2 * BYTES,
            text.chars().count()
        )
    })?;
    Ok(bytes)
}

impl From<Hashes> for BTreeMap<String, String> {
    fn from(hashes: Hashes) -> Self {
        let sha256 = hashes.sha256.map(|hash| (SHA256.to_owned(), hex::encode(hash)));
        let sha512 = hashes.sha512.map(|hash| (SHA512.to_owned(), hex::encode(hash)));
        sha256.into_iter().chain(sha512).collect()
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(BTreeMap::from(self.clone())).finish()
    }
}

impl Hashes {
    /// The sha256 of a file that is being written.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: Some(Sha256::digest(bytes).into()),
            sha512: None,
        }
    }

    /// The hash that the file's name starts with where snapshots are consistent (TUF 6.2): any of them is good.
    pub fn prefix(&self) -> String {
        self.sha256
            .map(hex::encode)
            .or_else(|| self.sha512.map(hex::encode))
            .expect("one hash at least is there")
    }

    /// Whether every listed hash is that of `bytes`.
    ///
    /// # Errors
    /// [`FileError::Hash`] for the first that is not.
    pub fn check(&self, bytes: &[u8]) -> Result<(), FileError> {
        if let Some(expected) = self.sha256 {
            compare(SHA256, &expected, &Sha256::digest(bytes))?;
        }
        if let Some(expected) = self.sha512 {
            compare(SHA512, &expected, &Sha512::digest(bytes))?;
        }
        Ok(())
    }
}

fn compare(algorithm: &'static str, expected: &[u8], got: &[u8]) -> Result<(), FileError> {
    if expected == got {
        return Ok(());
    }
    Err(FileError::Hash {
        algorithm,
        expected: hex::encode(expected),
        got: hex::encode(got),
    })
}

fn check_length(expected: u64, bytes: &[u8]) -> Result<(), FileError> {
    let got = bytes.len() as u64;
    if got == expected {
        Ok(())
    } else {
        Err(FileError::Length { expected, got })
    }
}

/// A document as snapshot and timestamp list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaFile {
    /// Its version.
    pub version: Version,
    /// Its length in bytes, if listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Its hashes, if listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<Hashes>,
}

impl MetaFile {
    /// How a document that is being written is listed: with length and hash.
    pub fn of(version: Version, bytes: &[u8]) -> Self {
        Self {
            version,
            length: Some(bytes.len() as u64),
            hashes: Some(Hashes::of(bytes)),
        }
    }

    /// Whether `bytes` are the document that is listed, as far as it says.
    ///
    /// # Errors
    /// [`FileError`] for the first difference.
    pub fn check(&self, bytes: &[u8]) -> Result<(), FileError> {
        self.length.map_or(Ok(()), |length| check_length(length, bytes))?;
        self.hashes.as_ref().map_or(Ok(()), |hashes| hashes.check(bytes))
    }
}

impl fmt::Display for MetaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}", self.version)?;
        self.length.map_or(Ok(()), |length| write!(f, ", {length} bytes"))?;
        self.hashes
            .as_ref()
            .map_or(Ok(()), |hashes| write!(f, ", hash {}", hashes.prefix()))
    }
}

/// A target as targets metadata list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFile {
    /// Its length in bytes.
    #[serde(deserialize_with = "target_length")]
    pub length: u64,
    /// Its hashes.
    pub hashes: Hashes,
}

fn target_length<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let length = u64::deserialize(deserializer)?;
    if length > TARGET_BYTES_MAX {
        let what = format!("a target has at most {TARGET_BYTES_MAX} bytes, got {length}");
        return Err(serde::de::Error::custom(what));
    }
    Ok(length)
}

impl TargetFile {
    /// How a file that is being written is listed.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            hashes: Hashes::of(bytes),
        }
    }

    /// Whether `bytes` are the file that is listed (TUF 5.7.3).
    ///
    /// # Errors
    /// [`FileError`] for the first difference.
    pub fn check(&self, bytes: &[u8]) -> Result<(), FileError> {
        check_length(self.length, bytes)?;
        self.hashes.check(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_one_listed_or_the_difference_is_named() {
        let listed = TargetFile::of(b"content");
        assert_eq!(listed.check(b"content"), Ok(()));
        assert_eq!(
            listed.check(b"contents"),
            Err(FileError::Length { expected: 7, got: 8 })
        );
        assert!(matches!(
            listed.check(b"c0ntent"),
            Err(FileError::Hash {
                algorithm: "sha256",
                ..
            })
        ));
        let both = format!(
            r#"{{"sha256":"{}","sha512":"{}"}}"#,
            listed.hashes.prefix(),
            "00".repeat(64)
        );
        let hashes: Hashes = serde_json::from_str(&both).unwrap();
        assert!(matches!(
            hashes.check(b"content"),
            Err(FileError::Hash {
                algorithm: "sha512",
                ..
            })
        ));
    }

    #[test]
    fn hashes_of_unknown_functions_alone_are_refused() {
        for (text, reason) in [
            (r#"{"md5":"00"}"#, "got neither"),
            ("{}", "got neither"),
            (r#"{"sha256":"00"}"#, "64 hex characters, got 2"),
        ] {
            let error = serde_json::from_str::<Hashes>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let endless = format!(
            r#"{{"length":{},"hashes":{{"sha256":"{}"}}}}"#,
            u64::MAX,
            "00".repeat(32)
        );
        assert!(
            serde_json::from_str::<TargetFile>(&endless)
                .unwrap_err()
                .to_string()
                .contains("at most")
        );
    }
}
