//! What does a key file ask for before it opens? Memory and time, stated by the file and looked at before any of it is paid.
//!
//! Called by both key formats. Never derives a key.

use std::{fmt, path::Path};

use crate::KeyError;

/// Most memory that opening a key file may take, in bytes (scrypt needs a table of `128 * N * r`). The files written here need a
/// sixteenth of it.
pub const SCRYPT_MEMORY_BYTES_MAX: u64 = 256 << 20;

/// Most memory for the `p` blocks of `128 * r` bytes that scrypt keeps beside its table; usual files need a kilobyte.
pub const SCRYPT_BLOCKS_BYTES_MAX: u64 = 1 << 20;

/// Largest scrypt parallelization that is accepted: time grows with it while memory does not.
pub const SCRYPT_PARALLELIZATION_MAX: u64 = 16;

/// Most PBKDF2 rounds that a key file may ask for (files written by other tools): a few seconds of work.
pub const PBKDF2_ROUNDS_MAX: u64 = 10_000_000;

/// How the key that opens a file is derived from its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// scrypt (RFC 7914).
    Scrypt {
        /// N: entries of the table.
        n: u64,
        /// r: size of a block.
        r: u64,
        /// p: blocks that are mixed, one after another.
        p: u64,
    },
    /// PBKDF2 (RFC 8018).
    Pbkdf2 {
        /// Rounds of the hash.
        rounds: u64,
    },
}

impl Cost {
    /// Whether it keeps to the bounds above.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        match *self {
            Self::Scrypt { n, r, p } => {
                let bytes = |blocks: u64| blocks.checked_mul(r).and_then(|blocks| blocks.checked_mul(128));
                bytes(n).is_some_and(|table| table <= SCRYPT_MEMORY_BYTES_MAX)
                    && bytes(p).is_some_and(|blocks| blocks <= SCRYPT_BLOCKS_BYTES_MAX)
                    && p <= SCRYPT_PARALLELIZATION_MAX
            }
            Self::Pbkdf2 { rounds } => rounds <= PBKDF2_ROUNDS_MAX,
        }
    }

    /// Whether it is a cost at all: the libraries that pay compute with these numbers before they look at them.
    fn is_possible(&self) -> bool {
        match *self {
            // RFC 7914, section 2: N is a power of two, larger than 1 and less than 2^(16 r).
            Self::Scrypt { n, r, p } => {
                n > 1 && n.is_power_of_two() && u64::from(n.ilog2()) < r.saturating_mul(16) && p > 0
            }
            Self::Pbkdf2 { rounds } => rounds > 0,
        }
    }

    /// Refuses what makes no sense or is out of bounds; `path` is the file that asks for it, which should be `expected`.
    pub(crate) fn check(&self, path: &Path, expected: &'static str) -> Result<(), KeyError> {
        if !self.is_possible() {
            return Err(KeyError::Malformed {
                path: path.to_owned(),
                expected,
                reason: format!("{self} makes no sense"),
            });
        }
        if self.is_bounded() {
            return Ok(());
        }
        let allowed = match self {
            Self::Scrypt { .. } => format!(
                "{} MiB and p={SCRYPT_PARALLELIZATION_MAX}",
                SCRYPT_MEMORY_BYTES_MAX >> 20
            ),
            Self::Pbkdf2 { .. } => format!("{PBKDF2_ROUNDS_MAX} rounds"),
        };
        Err(KeyError::TooCostly {
            path: path.to_owned(),
            asked: self.to_string(),
            allowed,
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scrypt { n, r, p } => write!(f, "scrypt with N={n} r={r} p={p}"),
            Self::Pbkdf2 { rounds } => write!(f, "{rounds} rounds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_files_are_within_the_bounds_and_hostile_ones_are_not() {
        let scrypt = |n, r, p| Cost::Scrypt { n, r, p }.is_bounded();
        for (n, r, p, bounded) in [
            (1 << 13, 8, 1, true),
            (1 << 14, 8, 1, true),
            (1 << 18, 8, 1, true), // geth's
            (1 << 18, 8, 16, true),
            (1 << 18, 8, 17, false),
            (1 << 19, 8, 1, false),
            (2, 1 << 20, 16, false),
            (u64::MAX, 1, 1, false),
            (2, u64::MAX, 1, false),
        ] {
            assert_eq!(scrypt(n, r, p), bounded, "N={n} r={r} p={p}");
        }
        assert!(Cost::Pbkdf2 { rounds: 262_144 }.is_bounded());
        assert!(!Cost::Pbkdf2 { rounds: 1 << 32 }.is_bounded());
    }

    #[test]
    fn what_scrypt_does_not_define_makes_no_sense() {
        let scrypt = |n, r, p| Cost::Scrypt { n, r, p }.is_possible();
        assert!(scrypt(1 << 18, 8, 1) && scrypt(1 << 15, 1, 1) && scrypt(2, u64::MAX, 1));
        assert!(!scrypt(1 << 16, 1, 1), "N has to be less than 2^(16 r)");
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (1 << 18, 0, 1), (1 << 18, 8, 0)] {
            assert!(!scrypt(n, r, p), "N={n} r={r} p={p}");
        }
    }
}
