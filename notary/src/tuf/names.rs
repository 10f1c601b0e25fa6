//! What are roles, keys, versions and targets called? One bounded type per idea, checked once, where it is read.
//!
//! Names become addresses and file names: [`encoded`] is the one way there, and it leaves nothing that a file system or a
//! server would read as a path.

use std::{fmt, num::NonZeroU64};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limits::{KEY_ID_BYTES_MAX, PATH_BYTES_MAX, ROLE_NAME_BYTES_MAX};

/// Why a text is no name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Empty, or longer than its kind may be.
    #[error("a {kind} has 1 to {bytes_max} bytes, got {bytes}")]
    Length {
        /// What it should have been.
        kind: &'static str,
        /// Bytes found.
        bytes: usize,
        /// Most there may be.
        bytes_max: usize,
    },
    /// A target's path that a reader could take for another.
    #[error("the parts of a target path between slashes are not empty, not . and not .., got {path:?}")]
    Path {
        /// What was found.
        path: String,
    },
    /// Versions start at 1.
    #[error("a version is a whole number from 1 on, got 0")]
    VersionZero,
}

fn bounded(kind: &'static str, bytes_max: usize, text: &str) -> Result<(), NameError> {
    let bytes = text.len();
    if (1..=bytes_max).contains(&bytes) {
        Ok(())
    } else {
        Err(NameError::Length { kind, bytes, bytes_max })
    }
}

macro_rules! name {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The plain text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name! {
    /// The name of a role: one of the four that root names, or one that targets delegate to.
    RoleName
}
name! {
    /// What metadata call a key. It is a name and no more (TAP 12): two ids of one key are one key.
    KeyId
}
name! {
    /// The path of a target file, relative to where targets lie.
    TargetPath
}

impl TryFrom<String> for RoleName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        bounded("role name", ROLE_NAME_BYTES_MAX, &text)?;
        Ok(Self(text))
    }
}

impl TryFrom<String> for KeyId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        bounded("key id", KEY_ID_BYTES_MAX, &text)?;
        Ok(Self(text))
    }
}

impl TryFrom<String> for TargetPath {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        bounded("target path", PATH_BYTES_MAX, &text)?;
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(NameError::Path { path: text });
        }
        Ok(Self(text))
    }
}

impl RoleName {
    /// The role of a document's kind: `root`, `targets`, `snapshot` or `timestamp`.
    pub(super) fn top_level(kind: Kind) -> Self {
        Self(kind.as_str().to_owned())
    }

    /// The role that trust starts from.
    pub fn root() -> Self {
        Self::top_level(Kind::Root)
    }

    /// The role whose delegations lead to all others.
    pub fn targets() -> Self {
        Self::top_level(Kind::Targets)
    }

    /// The role that says which versions belong together.
    pub fn snapshot() -> Self {
        Self::top_level(Kind::Snapshot)
    }

    /// The role that says which snapshot is the newest.
    pub fn timestamp() -> Self {
        Self::top_level(Kind::Timestamp)
    }

    /// Whether root names this role, so that nobody can delegate to it.
    pub fn is_top_level(&self) -> bool {
        Kind::ALL.iter().any(|kind| kind.as_str() == self.0)
    }

    /// The name of this role's document in snapshot and timestamp metadata.
    pub fn document(&self) -> String {
        format!("{self}.json")
    }
}

/// What a document is: its `_type`. Delegated roles are [`Kind::Targets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Who may sign for the four roles of the top.
    Root,
    /// Which files there are, and who may say so of others.
    Targets,
    /// Which versions belong together.
    Snapshot,
    /// Which snapshot is the newest.
    Timestamp,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Root, Self::Targets, Self::Snapshot, Self::Timestamp];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The version of a document, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Version(NonZeroU64);

impl Version {
    /// Where every role starts.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The plain number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The one after this; `None` after the last that exists.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl TryFrom<u64> for Version {
    type Error = NameError;

    fn try_from(number: u64) -> Result<Self, NameError> {
        NonZeroU64::new(number).map(Self).ok_or(NameError::VersionZero)
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> Self {
        version.get()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A name with every byte percent-encoded that is no letter, digit, `-`, `.`, `_` or `~`: safe as one part of an address and as
/// a file name with an ending.
pub fn encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// The inverse of [`encoded`]; `None` for what it never makes.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.extend(hex::decode(digits).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|name| encoded(name) == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a"] {
            assert!(TargetPath::try_from(path.to_owned()).is_err(), "{path}");
        }
        for path in ["a", "a/b.json", "...", "m.aurora.nodes.json", "a b?#"] {
            assert_eq!(TargetPath::try_from(path.to_owned()).unwrap().as_str(), path);
        }
        assert!(TargetPath::try_from("a".repeat(PATH_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn no_name_becomes_a_path() {
        for (name, expected) in [
            ("../delegated", "..%2Fdelegated"),
            ("?", "%3F"),
            ("#", "%23"),
            ("a%2F", "a%252F"),
            ("é", "%C3%A9"),
            ("m-1.x_~", "m-1.x_~"),
        ] {
            assert_eq!(encoded(name), expected);
        }
        for text in ["%", "%2", "%zz", "%2f", "%41", "a/b", "%FF"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_four_are_top_level() {
        assert!(RoleName::root().is_top_level());
        assert!(!RoleName::try_from("m-1".to_owned()).unwrap().is_top_level());
        assert_eq!(RoleName::timestamp().document(), "timestamp.json");
        assert!(Version::try_from(0).is_err());
        assert_eq!(Version::try_from(u64::MAX).unwrap().next(), None);
    }

    proptest! {
        #[test]
        fn a_name_survives_encoding(name in "\\PC{0,40}") {
            prop_assert_eq!(decoded(&encoded(&name)), Some(name));
        }
    }
}
