//! Who signed? Public keys and signatures as metadata hold them, and the one check of a signature.
//!
//! Ed25519 alone is verified (`verify_strict`: no second encoding, no weak key); keys of other kinds are kept, so that metadata with
//! such keys can be read, and never count. Never makes a signature.

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    json::Json,
    names::{KeyId, NameError},
};

const ED25519: &str = "ed25519";

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum Key {
    /// A key that signatures are checked with.
    Ed25519([u8; 32]),
    /// A key of a kind that nothing here verifies.
    Other {
        /// `keytype`
        kind: String,
        /// `scheme`
        scheme: String,
        /// `keyval.public`
        public: String,
    },
}

/// Why an ed25519 key is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not 32 bytes in hex.
    #[error("an ed25519 public key is 64 hex characters (TUF 4.2), got {got:?}")]
    Hex {
        /// What was found, at most 70 characters of it.
        got: String,
    },
    /// A point that no signature can be checked with.
    #[error("{public} is no point of the curve that a signature could be verified with")]
    Point {
        /// What was found.
        public: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire {
    keytype: String,
    keyval: Value,
    scheme: String,
}

#[derive(Serialize, Deserialize)]
struct Value {
    public: String,
}

impl TryFrom<Wire> for Key {
    type Error = KeyError;

    fn try_from(wire: Wire) -> Result<Self, KeyError> {
        let Wire {
            keytype,
            keyval,
            scheme,
        } = wire;
        if keytype != ED25519 || scheme != ED25519 {
            let (kind, public) = (keytype, keyval.public);
            return Ok(Self::Other { kind, scheme, public });
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(&keyval.public, &mut bytes).map_err(|_| KeyError::Hex {
            got: keyval.public.chars().take(70).collect(),
        })?;
        match VerifyingKey::from_bytes(&bytes) {
            Ok(point) if !point.is_weak() => Ok(Self::Ed25519(bytes)),
            _ => Err(KeyError::Point { public: keyval.public }),
        }
    }
}

impl From<Key> for Wire {
    fn from(key: Key) -> Self {
        let (keytype, scheme, public) = match key {
            Key::Ed25519(bytes) => (ED25519.to_owned(), ED25519.to_owned(), hex::encode(bytes)),
            Key::Other { kind, scheme, public } => (kind, scheme, public),
        };
        Self {
            keytype,
            keyval: Value { public },
            scheme,
        }
    }
}

impl Key {
    /// What writers call this key: sha256 of its canonical JSON, in hex.
    pub fn id(&self) -> KeyId {
        let json = serde_json::to_vec(self).expect("three texts are JSON");
        let canonical = Json::parse(&json).expect("read as it was written").canonical();
        let id = hex::encode(Sha256::digest(canonical));
        KeyId::try_from(id).expect("64 characters are not too long")
    }

    /// Whether `signature` is this key's over `message`. Never for keys of other kinds.
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let Self::Ed25519(public) = self else {
            return false;
        };
        let mut bytes = [0; 64];
        if hex::decode_to_slice(&signature.sig, &mut bytes).is_err() {
            return false;
        }
        VerifyingKey::from_bytes(public).is_ok_and(|key| {
            key.verify_strict(message, &Ed25519Signature::from_bytes(&bytes))
                .is_ok()
        })
    }
}

/// A signature as metadata hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Whose it says to be.
    pub keyid: KeyId,
    /// The signature in hex; whether it is one, the key decides.
    pub sig: String,
}

impl Signature {
    /// A signature that was made elsewhere.
    ///
    /// # Errors
    /// If the key id is none.
    pub fn new(keyid: String, signature: &[u8; 64]) -> Result<Self, NameError> {
        Ok(Self {
            keyid: keyid.try_into()?,
            sig: hex::encode(signature),
        })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn parse(json: &str) -> Result<Key, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn ed25519(public: &str) -> Result<Key, String> {
        parse(&format!(
            r#"{{"keytype":"ed25519","scheme":"ed25519","keyval":{{"public":"{public}"}}}}"#
        ))
    }

    #[test]
    fn a_key_has_the_id_that_python_tuf_gives_it() {
        // securesystemslib's `SSlibKey.from_crypto` of RFC 8032's first test key.
        let key = ed25519("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap();
        assert_eq!(
            key.id().as_str(),
            "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916"
        );
    }

    #[test]
    fn keys_that_are_none_are_named() {
        assert!(ed25519("d75a98").unwrap_err().contains("64 hex characters"));
        assert!(ed25519(&"g".repeat(64)).unwrap_err().contains("64 hex characters"));
        // No point has this y; and the point of order one verifies anything.
        assert!(
            ed25519(&format!("02{}", "00".repeat(31)))
                .unwrap_err()
                .contains("no point")
        );
        assert!(
            ed25519(&format!("01{}", "00".repeat(31)))
                .unwrap_err()
                .contains("no point")
        );
        assert!(
            parse(r#"{"keytype":"ed25519","keyval":{"public":""}}"#)
                .unwrap_err()
                .contains("scheme")
        );
    }

    #[test]
    fn other_kinds_are_kept_and_never_verify() {
        let text = r#"{"keytype":"ecdsa","keyval":{"public":"PEM"},"scheme":"ecdsa-sha2-nistp256"}"#;
        let key = parse(text).unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), text);
        let signature = Signature::new("x".to_owned(), &[0; 64]).unwrap();
        assert!(!key.verifies(b"", &signature));
    }

    #[test]
    fn only_the_keys_own_signature_over_the_message_verifies() {
        let secret = SigningKey::from_bytes(&[7; 32]);
        let key = Key::Ed25519(secret.verifying_key().to_bytes());
        let mut signature = Signature::new("x".to_owned(), &secret.sign(b"message").to_bytes()).unwrap();
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"another", &signature));
        assert!(
            !Key::Ed25519(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes()).verifies(b"message", &signature)
        );
        signature.sig.push_str("00");
        assert!(!key.verifies(b"message", &signature), "one byte too many");
    }
}
