//! How do records name things? Bounded texts, one type per idea.

use std::fmt;

use ledger_chainspec::ChainSpec;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::tuf::{RoleName, TargetPath};

/// Longest id of a member or name of a network.
pub const ID_BYTES_MAX: usize = 32;

/// Longest text of a record, in bytes.
pub const TEXT_BYTES_MAX: usize = 128;

/// Why a text cannot stand in a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not of the form of an id.
    #[error("an id has 1 to {ID_BYTES_MAX} small letters, digits and single dashes between them, got {got:?}")]
    Id {
        /// What was found.
        got: String,
    },
    /// Empty, too long, or with what cannot be seen.
    #[error("a text has 1 to {TEXT_BYTES_MAX} bytes, no control characters and no space at its ends, got {got:?}")]
    Plain {
        /// What was found.
        got: String,
    },
    /// Not 32 bytes in hex.
    #[error("64 small hex characters were expected, got {got:?}")]
    Hex {
        /// What was found.
        got: String,
    },
}

fn shown(text: &str) -> String {
    text.chars().take(TEXT_BYTES_MAX).collect()
}

fn check_id(text: &str) -> Result<(), TextError> {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if text.len() <= ID_BYTES_MAX && text.split('-').all(is_part) {
        return Ok(());
    }
    Err(TextError::Id { got: shown(text) })
}

fn check_plain(text: &str) -> Result<(), TextError> {
    let is_plain = text == text.trim() && !text.chars().any(char::is_control);
    if is_plain && (1..=TEXT_BYTES_MAX).contains(&text.len()) {
        return Ok(());
    }
    Err(TextError::Plain { got: shown(text) })
}

macro_rules! text {
    ($(#[doc = $doc:literal])+ $name:ident, $check:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// What the notary calls a member, before the chain has a number for it: small letters, digits and dashes.
    NotaryId, check_id
}
text! {
    /// The name of a network: that of its chain specification.
    NetworkId, check_id
}
text! {
    /// A text for people.
    PlainText, check_plain
}

/// 32 bytes, written as 64 small hex characters without `0x`, as metadata write keys and hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex32(pub [u8; 32]);

impl TryFrom<String> for Hex32 {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(&text, &mut bytes) {
            Ok(()) if hex::encode(bytes) == text => Ok(Self(bytes)),
            _ => Err(TextError::Hex { got: shown(&text) }),
        }
    }
}

impl From<Hex32> for String {
    fn from(bytes: Hex32) -> Self {
        hex::encode(bytes.0)
    }
}

impl fmt::Display for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Which chain a record is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The chain specification's name.
    pub network_id: NetworkId,
    /// The chain id that transactions are signed for (EIP-155).
    pub chain_id: u64,
}

/// The network of a chain, which has to have a name that records can hold.
impl TryFrom<&ChainSpec> for Network {
    type Error = TextError;

    fn try_from(spec: &ChainSpec) -> Result<Self, TextError> {
        Ok(Self {
            network_id: spec.name.clone().try_into()?,
            chain_id: spec.chain_id,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (chain id {})", self.network_id, self.chain_id)
    }
}

/// Path of the deny record.
const DENY_PATH: &str = "deny.json";

/// The role that suspends. No member's role can have its name: those start with `m-`.
const DENY_ROLE: &str = "wg-deny";

/// Where a record lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `m.<id>.admission.json`, in the targets of the top.
    Admission(NotaryId),
    /// `m.<id>.nodes.json`, in the targets of `m-<id>`.
    Nodes(NotaryId),
    /// `deny.json`, in the targets of `wg-deny`.
    Deny,
}

impl Place {
    /// The record of a path; `None` if no record lies there.
    pub fn of(path: &TargetPath) -> Option<Self> {
        if path.as_str() == DENY_PATH {
            return Some(Self::Deny);
        }
        let (id, kind) = path.as_str().strip_prefix("m.")?.split_once('.')?;
        let id = NotaryId::try_from(id.to_owned()).ok()?;
        match kind {
            "admission.json" => Some(Self::Admission(id)),
            "nodes.json" => Some(Self::Nodes(id)),
            _ => None,
        }
    }

    /// Its path.
    ///
    /// # Panics
    /// Never: an id is short and has no slash.
    pub fn path(&self) -> TargetPath {
        let text = match self {
            Self::Admission(id) => format!("m.{id}.admission.json"),
            Self::Nodes(id) => format!("m.{id}.nodes.json"),
            Self::Deny => DENY_PATH.to_owned(),
        };
        text.try_into().expect("an id is short and has no slash")
    }

    /// The role that lists it.
    ///
    /// # Panics
    /// Never: an id is short.
    pub fn role(&self) -> RoleName {
        match self {
            Self::Admission(_) => RoleName::targets(),
            Self::Nodes(id) => format!("m-{id}").try_into().expect("an id is short"),
            Self::Deny => DENY_ROLE.to_owned().try_into().expect("a short name"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain() {
        for id in ["aurora", "aurora-cloud", "a1", "6301"] {
            assert_eq!(NotaryId::try_from(id.to_owned()).unwrap().to_string(), id);
        }
        for id in ["", "Aurora", "a.b", "a b", "-a", "a-", "a--b", "ä", &"a".repeat(33)] {
            assert!(NotaryId::try_from(id.to_owned()).is_err(), "{id}");
        }
        for text in ["", " a", "a ", "a\nb", &"a".repeat(129)] {
            assert!(PlainText::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_chain_is_a_network_if_records_can_hold_its_name() {
        let mut spec = ChainSpec::testnet();
        let network = Network::try_from(&spec).unwrap();
        assert_eq!(network.to_string(), format!("testnet (chain id {})", spec.chain_id));
        spec.name = "Two words".to_owned();
        let reason = Network::try_from(&spec).unwrap_err().to_string();
        assert!(reason.contains("got \"Two words\""), "{reason}");
    }

    #[test]
    fn records_lie_where_their_role_may_put_them() {
        let id = NotaryId::try_from("aurora".to_owned()).unwrap();
        for (place, path, role) in [
            (Place::Admission(id.clone()), "m.aurora.admission.json", "targets"),
            (Place::Nodes(id), "m.aurora.nodes.json", "m-aurora"),
            (Place::Deny, "deny.json", "wg-deny"),
        ] {
            assert_eq!(place.path().as_str(), path);
            assert_eq!(place.role().as_str(), role);
            assert_eq!(Place::of(&place.path()), Some(place));
        }
        for path in [
            "m.a.b.nodes.json",
            "m.A.nodes.json",
            "m.a.nodes.txt",
            "wg-deny.json",
            "m.deny.json",
            "m.nodes.json",
        ] {
            assert_eq!(Place::of(&path.to_owned().try_into().unwrap()), None, "{path}");
        }
    }
}
