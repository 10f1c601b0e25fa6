//! Did enough of those who may sign this document sign it? Reading, and the count of signatures.
//!
//! What is counted are different public keys, never ids: one key under two ids is one signature.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Document;
use crate::tuf::{
    json::Json,
    key::{Key, Signature},
    limits::SIGNATURES_MAX,
    names::{KeyId, Kind, RoleName, Version},
};

/// Why bytes are no document.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// Longer than any document of its kind.
    #[error("{kind} metadata have at most {bytes_max} bytes, got {bytes}")]
    TooLong {
        /// What it should have been.
        kind: Kind,
        /// Bytes that came.
        bytes: usize,
        /// The bound.
        bytes_max: u64,
    },
    /// No JSON, or not of the form of its kind.
    #[error("{kind} metadata cannot be read: {source}")]
    Malformed {
        /// What it should have been.
        kind: Kind,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A document of another kind.
    #[error("{expected} metadata were expected, got {got} metadata")]
    Kind {
        /// What it should have been.
        expected: Kind,
        /// What `_type` says.
        got: Kind,
    },
    /// More signatures than anybody needs.
    #[error("{kind} metadata have at most {SIGNATURES_MAX} signatures, got {got}")]
    TooManySignatures {
        /// What it is.
        kind: Kind,
        /// Signatures found.
        got: usize,
    },
}

/// Too few of those who may sign have signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{role} metadata version {version} need the signatures of {needed} different keys, got {got}")]
pub struct ThresholdError {
    /// The role that should have signed.
    pub role: RoleName,
    /// The version at hand.
    pub version: Version,
    /// Different keys that must sign.
    pub needed: NonZeroU32,
    /// Different keys that did.
    pub got: usize,
}

/// Whose signatures make a document a role's.
#[derive(Clone, Debug)]
pub struct Authority {
    role: RoleName,
    keys: BTreeMap<KeyId, Key>,
    threshold: NonZeroU32,
}

impl Authority {
    pub(super) fn new(role: RoleName, ids: &[KeyId], threshold: NonZeroU32, keys: &BTreeMap<KeyId, Key>) -> Self {
        let known = ids.iter().filter_map(|id| Some((id.clone(), keys.get(id)?.clone())));
        let keys = known.collect();
        Self { role, keys, threshold }
    }

    /// The role that signs.
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// Whether a key that could sign here cannot sign there any more: the mark of a rotation after a theft (TUF 5.3.11).
    pub fn lost_a_key(&self, later: &Self) -> bool {
        let has = |key: &Key| later.keys.values().any(|other| other == key);
        self.keys.values().any(|key| !has(key))
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    signed: T,
    signatures: Vec<Signature>,
}

/// A document that was read; nobody has looked at its signatures yet.
#[derive(Clone, Debug)]
pub struct Signed<T> {
    document: T,
    signatures: Vec<Signature>,
    canonical: Vec<u8>,
}

impl<T: Document> Signed<T> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`MetadataError`] for the first reason why it is none of its kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let kind = T::KIND;
        if bytes.len() as u64 > T::BYTES_MAX {
            let (bytes, bytes_max) = (bytes.len(), T::BYTES_MAX);
            return Err(MetadataError::TooLong { kind, bytes, bytes_max });
        }
        let malformed = |source| MetadataError::Malformed { kind, source };
        // Twice over the same bytes: once for what was signed, once for what it means. Both read the same, since the first
        // reading refuses whatever could be read in two ways.
        let raw = Json::parse(bytes).map_err(malformed)?;
        let Envelope { signed, signatures } = serde_json::from_slice::<Envelope<T>>(bytes).map_err(malformed)?;
        if signed.kind() != kind {
            let (expected, got) = (kind, signed.kind());
            return Err(MetadataError::Kind { expected, got });
        }
        if signatures.len() > SIGNATURES_MAX {
            let got = signatures.len();
            return Err(MetadataError::TooManySignatures { kind, got });
        }
        Ok(Self {
            document: signed,
            signatures,
            canonical: raw.get("signed").map(Json::canonical).expect("the envelope has it"),
        })
    }

    /// What it says, whether or not it is signed.
    pub fn unverified(&self) -> &T {
        &self.document
    }

    /// The bytes that signatures are made over.
    pub fn signable(&self) -> &[u8] {
        &self.canonical
    }

    /// The signatures that stand under it, good or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Whether enough of `authority` signed.
    ///
    /// # Errors
    /// [`ThresholdError`] with the count if not.
    pub fn check(&self, authority: &Authority) -> Result<(), ThresholdError> {
        let mut signers = BTreeSet::new();
        for signature in &self.signatures {
            if let Some(key @ Key::Ed25519(public)) = authority.keys.get(&signature.keyid)
                && !signers.contains(public)
                && key.verifies(&self.canonical, signature)
            {
                signers.insert(*public);
            }
        }
        let needed = authority.threshold;
        if signers.len() >= needed.get() as usize {
            return Ok(());
        }
        Err(ThresholdError {
            role: authority.role.clone(),
            version: self.document.version(),
            needed,
            got: signers.len(),
        })
    }

    /// The document as one that `authority` signed.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn verify(self, authority: &Authority) -> Result<Verified<T>, ThresholdError> {
        self.check(authority)?;
        Ok(Verified(self))
    }
}

/// A document that enough of those who may sign it signed.
#[derive(Clone, Debug)]
pub struct Verified<T>(Signed<T>);

impl<T> Verified<T> {
    /// What it says.
    pub fn get(&self) -> &T {
        &self.0.document
    }

    /// sha256 of what was signed, in its canonical form: the same whichever of those who may have signed it.
    pub fn signed_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0.canonical).into()
    }
}

/// A file of metadata: what is signed, as text, and its signatures.
///
/// # Panics
/// Never: texts and lists of texts are JSON.
pub fn assemble(signed: &str, signatures: &[Signature]) -> Vec<u8> {
    let signatures = serde_json::to_string(signatures).expect("signatures are JSON");
    format!("{{\"signed\":{signed},\"signatures\":{signatures}}}\n").into_bytes()
}
