//! Which target paths may a delegated role speak of? Shell patterns of paths, or prefixes of their hashes (TUF 4.5).
//!
//! `*` and `?` stand for anything but a slash. A pattern costs its length times the path's, however many stars it has.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{limits::PATH_BYTES_MAX, names::TargetPath};

/// Why a text is no pattern or no prefix of a hash.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Empty or too long.
    #[error("a path pattern has 1 to {PATH_BYTES_MAX} bytes, got {bytes}")]
    Length {
        /// Bytes found.
        bytes: usize,
    },
    /// Shells differ in what brackets mean.
    #[error("path patterns know * and ? only (TUF 4.5), got the bracket in {pattern:?}")]
    Bracket {
        /// What was found.
        pattern: String,
    },
    /// Not the beginning of a sha256 in hex.
    #[error("a prefix of a path's hash is 1 to 64 small hex characters (TUF 4.5), got {got:?}")]
    Prefix {
        /// What was found, at most 70 characters of it.
        got: String,
    },
}

/// A shell pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

impl TryFrom<String> for PathPattern {
    type Error = PatternError;

    fn try_from(pattern: String) -> Result<Self, PatternError> {
        let bytes = pattern.len();
        if !(1..=PATH_BYTES_MAX).contains(&bytes) {
            return Err(PatternError::Length { bytes });
        }
        if pattern.contains('[') {
            return Err(PatternError::Bracket { pattern });
        }
        Ok(Self(pattern))
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl PathPattern {
    /// Whether a path is one of those that the pattern stands for.
    pub fn matches(&self, path: &TargetPath) -> bool {
        // Most patterns name one file; a repository asks each of them for each of its files.
        if !self.0.contains(['*', '?']) {
            return self.0 == path.as_str();
        }
        let pattern: Vec<&str> = self.0.split('/').collect();
        let parts: Vec<&str> = path.as_str().split('/').collect();
        pattern.len() == parts.len()
            && pattern
                .iter()
                .zip(parts)
                .all(|(pattern, part)| part_matches(pattern, part))
    }
}

/// One part of a path. Goes back to the last star alone: what an earlier star could take, the last one can take as well.
fn part_matches(pattern: &str, part: &str) -> bool {
    let (pattern, part): (Vec<char>, Vec<char>) = (pattern.chars().collect(), part.chars().collect());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < part.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, place));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == part[place] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((after, taken)) = star else {
                    return false;
                };
                star = Some((after, taken + 1));
                at = after;
                place = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// The beginning of a path's sha256 in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HashPrefix(String);

impl TryFrom<String> for HashPrefix {
    type Error = PatternError;

    fn try_from(prefix: String) -> Result<Self, PatternError> {
        let is_hex = prefix
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if is_hex && (1..=64).contains(&prefix.len()) {
            Ok(Self(prefix))
        } else {
            let got = prefix.chars().take(70).collect();
            Err(PatternError::Prefix { got })
        }
    }
}

impl From<HashPrefix> for String {
    fn from(prefix: HashPrefix) -> Self {
        prefix.0
    }
}

impl HashPrefix {
    /// Whether the hash of a path starts like this.
    pub fn matches(&self, path: &TargetPath) -> bool {
        hex::encode(Sha256::digest(path.as_str())).starts_with(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let path = TargetPath::try_from(path.to_owned()).unwrap();
        PathPattern::try_from(pattern.to_owned()).unwrap().matches(&path)
    }

    #[test]
    fn patterns_match_as_the_specification_says() {
        for (pattern, path, expected) in [
            ("targets/*.tgz", "targets/foo.tgz", true),
            ("targets/*.tgz", "targets/foo.txt", false),
            ("foo-version-?.tgz", "foo-version-2.tgz", true),
            ("foo-version-?.tgz", "foo-version-alpha.tgz", false),
            ("*.tgz", "foo.tgz", true),
            ("*.tgz", "targets/foo.tgz", false),
            ("foo.tgz", "foo.tgz", true),
            ("foo.tgz", "foo.tgz2", false),
            ("*", "a/b", false),
            ("*/*", "a/b", true),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyybzz", false),
            ("?", "é", true),
            ("**", "a", true),
            ("a?", "a", false),
            ("m.a.nodes.json", "m.b.nodes.json", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        assert!(!matches(&format!("{}b", "a*".repeat(200)), &"a".repeat(PATH_BYTES_MAX)));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for pattern in ["", "a[bc]", &"a".repeat(PATH_BYTES_MAX + 1)] {
            assert!(PathPattern::try_from(pattern.to_owned()).is_err(), "{pattern}");
        }
        for prefix in ["", "A", "g", &"0".repeat(65)] {
            assert!(HashPrefix::try_from(prefix.to_owned()).is_err(), "{prefix}");
        }
    }

    #[test]
    fn a_prefix_of_the_hash_stands_for_the_path() {
        // sha256("abc") = ba7816bf...
        let path = TargetPath::try_from("abc".to_owned()).unwrap();
        for (prefix, expected) in [("b", true), ("ba7816bf", true), ("bb", false), ("a7", false)] {
            assert_eq!(
                HashPrefix::try_from(prefix.to_owned()).unwrap().matches(&path),
                expected,
                "{prefix}"
            );
        }
    }
}
