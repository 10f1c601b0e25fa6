//! Who sent this, and is it whole? Envelopes of the Dead Simple Signing Envelope, version 1 (DSSE): a payload and signatures over its
//! bytes and its type, so that what is signed for one purpose is good for no other.
//!
//! Every signature must be good, by its own key, and every key stands once; a key is named by itself (64 hex characters), so that an
//! envelope can be opened without knowing anybody. Whether those keys may say what the payload says, the [desk](crate::desk) decides.
//! Pure; never makes a signature.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    records::Hex32,
    tuf::{Key, Signature, json::Json},
};

/// What a command's payload says that it is.
pub const PAYLOAD_TYPE: &str = "application/vnd.cloud-ledger.notary-command+json";

/// Longest envelope: the largest command founds a notary or brings a snapshot of thousands of roles, under 500 kB as text, and base64
/// makes a third more of it. Bounds what a stranger makes us read.
pub const ENVELOPE_BYTES_MAX: usize = 1 << 20;

/// Most signatures: a member's new keys and its old ones. Each of them costs a verification.
pub const ENVELOPE_SIGNATURES_MAX: usize = 16;

/// Why bytes are no envelope, or nobody's.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// Longer than any envelope.
    #[error("an envelope has at most {ENVELOPE_BYTES_MAX} bytes, got {bytes}")]
    TooLong {
        /// Bytes that came.
        bytes: usize,
    },
    /// No JSON, or not of an envelope's form.
    #[error("not an envelope (DSSE: payload, payloadType, signatures): {0}")]
    Malformed(#[from] serde_json::Error),
    /// Neither of the two alphabets.
    #[error("{field} is base64, got what is none: {source}")]
    Base64 {
        /// Which field.
        field: &'static str,
        /// Where it is not.
        source: base64::DecodeError,
    },
    /// It was meant for somebody else.
    #[error("the payload's type is {PAYLOAD_TYPE}, got {got:?}")]
    PayloadType {
        /// What it says, at most 128 characters of it.
        got: String,
    },
    /// Nobody signed, or more than may.
    #[error("an envelope has 1 to {ENVELOPE_SIGNATURES_MAX} signatures, got {got}")]
    Signatures {
        /// How many it has.
        got: usize,
    },
    /// One key looks like two.
    #[error("every key signs once, got two signatures by {key}")]
    Twice {
        /// The key.
        key: Hex32,
    },
    /// Not 64 bytes.
    #[error("a signature of ed25519 has 64 bytes, got {bytes} by {key}")]
    Length {
        /// Whose it should be.
        key: Hex32,
        /// Its bytes.
        bytes: usize,
    },
    /// Another key's, or over something else.
    #[error("{key} did not sign this payload (DSSE v1, ed25519)")]
    NotSigned {
        /// Whose it should be.
        key: Hex32,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    keyid: Hex32,
    sig: String,
}

/// The bytes that signatures are made over: DSSE's "pre-authentication encoding".
pub fn signable(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// An envelope that was read; nobody has looked at its signatures yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<(Hex32, [u8; 64])>,
}

/// A payload, and the keys that signed it, each of them once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    payload: Vec<u8>,
    signers: BTreeSet<Hex32>,
}

impl Envelope {
    /// An envelope of signatures that were made elsewhere, over [`signable`].
    pub fn new(payload: Vec<u8>, signatures: Vec<(Hex32, [u8; 64])>) -> Self {
        Self { payload, signatures }
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError`] for the first reason why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            let bytes = bytes.len();
            return Err(EnvelopeError::TooLong { bytes });
        }
        // What could be read in two ways is refused before it is read.
        Json::parse(bytes)?;
        let wire: Wire = serde_json::from_slice(bytes)?;
        if wire.payload_type != PAYLOAD_TYPE {
            let got = wire.payload_type.chars().take(128).collect();
            return Err(EnvelopeError::PayloadType { got });
        }
        let got = wire.signatures.len();
        if !(1..=ENVELOPE_SIGNATURES_MAX).contains(&got) {
            return Err(EnvelopeError::Signatures { got });
        }
        let payload = decoded("payload", &wire.payload)?;
        let mut keys = BTreeSet::new();
        let mut signatures = Vec::new();
        for WireSignature { keyid: key, sig } in wire.signatures {
            let bytes = decoded("sig", &sig)?;
            let signature = bytes.as_slice().try_into().map_err(|_| EnvelopeError::Length {
                key,
                bytes: bytes.len(),
            })?;
            if !keys.insert(key) {
                return Err(EnvelopeError::Twice { key });
            }
            signatures.push((key, signature));
        }
        Ok(Self { payload, signatures })
    }

    /// The envelope as JSON.
    ///
    /// # Panics
    /// Never: texts are JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signature = |(keyid, signature): &(Hex32, [u8; 64])| WireSignature {
            keyid: *keyid,
            sig: BASE64_STANDARD.encode(signature),
        };
        let wire = Wire {
            payload: BASE64_STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_vec(&wire).expect("texts are JSON")
    }

    /// The payload, whoever signed it.
    pub fn unverified(&self) -> &[u8] {
        &self.payload
    }

    /// Checks every signature.
    ///
    /// # Errors
    /// [`EnvelopeError::NotSigned`] for the first that is not good.
    pub fn open(self) -> Result<Opened, EnvelopeError> {
        let message = signable(&self.payload);
        for (key, signature) in &self.signatures {
            let signature = Signature::new(key.to_string(), signature).expect("64 characters are not too long");
            if !Key::Ed25519(key.0).verifies(&message, &signature) {
                return Err(EnvelopeError::NotSigned { key: *key });
            }
        }
        Ok(self.opened_before())
    }

    /// An envelope whose signatures were checked when it was taken down.
    pub(crate) fn opened_before(self) -> Opened {
        let signers = self.signatures.iter().map(|(key, _)| *key).collect();
        let payload = self.payload;
        Opened { payload, signers }
    }
}

impl Opened {
    /// What was signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Who signed it: one key at least.
    pub fn signers(&self) -> &BTreeSet<Hex32> {
        &self.signers
    }
}

/// Both alphabets are good, as DSSE has it.
fn decoded(field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    BASE64_STANDARD
        .decode(text)
        .or_else(|source| BASE64_URL_SAFE.decode(text).map_err(|_| source))
        .map_err(|source| EnvelopeError::Base64 { field, source })
}
