//! What is a code's id, and where does its record lie in state?
//!
//! For whoever reads codes from logs, from storage or from a storage proof. Knows the layout of Transact's slot 0 and of
//! a record's word; the contract's tests and this module's hold the two together.

use std::{fmt, str::FromStr};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

/// The id of a code: its spec, and its number among the spec's codes, from 1. On chain: `spec << 64 | sequence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeId {
    /// The spec, from 1.
    pub spec_id: u32,
    /// Number among the spec's codes, from 1.
    pub sequence: u64,
}

impl CodeId {
    /// The id as the contract has it.
    pub fn to_word(self) -> U256 {
        (U256::from(self.spec_id) << 64) | U256::from(self.sequence)
    }

    /// The id behind a word of the contract; `None` if the word is too large to be an id.
    pub fn from_word(word: U256) -> Option<Self> {
        Some(Self {
            spec_id: u32::try_from(word >> 64).ok()?,
            sequence: (word & U256::from(u64::MAX)).to(),
        })
    }

    /// The storage slot of Transact that holds the code's record, for `eth_getProof`.
    pub fn slot(self) -> B256 {
        keccak256((self.to_word(), U256::ZERO).abi_encode())
    }
}

/// A text that is no [`CodeId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACodeId;

impl fmt::Display for NotACodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code's id is its spec and its number (1:5), or both in one quantity (0x10000000000000005)")
    }
}

impl std::error::Error for NotACodeId {}

/// As a quantity or word, which is far below any transaction's hash, or as it is shown, `spec:sequence`.
impl FromStr for CodeId {
    type Err = NotACodeId;

    fn from_str(text: &str) -> Result<Self, NotACodeId> {
        if let Some((spec_id, sequence)) = text.split_once(':') {
            let (spec_id, sequence) = (spec_id.parse(), sequence.parse());
            return match (spec_id, sequence) {
                (Ok(spec_id), Ok(sequence)) => Ok(Self { spec_id, sequence }),
                _ => Err(NotACodeId),
            };
        }
        let digits = text.strip_prefix("0x").ok_or(NotACodeId)?;
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotACodeId);
        }
        let word = U256::from_str_radix(digits, 16).map_err(|_| NotACodeId)?;
        Self::from_word(word).ok_or(NotACodeId)
    }
}

impl fmt::Display for CodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.spec_id, self.sequence)
    }
}

/// What a record says of its code. Time is not part of it: a live code may have expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// Neither redeemed nor cancelled.
    Live,
    /// Used at a member.
    Redeemed,
    /// Given back.
    Cancelled,
}

/// A code's record, as one storage word holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// Who holds it, or held it when it ended.
    pub holder: Address,
    /// Seconds; redeemable before, not at or after.
    pub expires_at: u64,
    /// What the record says.
    pub state: CodeState,
    /// Who redeemed it; 0 if nobody.
    pub member_id: u32,
    /// Whether it counts against its holder's limit.
    pub counted: bool,
}

impl CodeRecord {
    /// The record in a storage word; `None` for an empty word (never issued, or deleted) and for what is no record.
    pub fn from_word(word: U256) -> Option<Self> {
        // From the low bits: holder 160, expiry 40, state 8, member 32, counted 8.
        let field = |shift: usize, bits: usize| -> u64 { ((word >> shift) & ((U256::ONE << bits) - U256::ONE)).to() };
        if word >> 248 != U256::ZERO || field(240, 8) > 1 {
            return None;
        }
        Some(Self {
            holder: Address::from_word(word.into()),
            expires_at: field(160, 40),
            state: match field(200, 8) {
                1 => CodeState::Live,
                2 => CodeState::Redeemed,
                3 => CodeState::Cancelled,
                _ => return None,
            },
            member_id: u32::try_from(field(208, 32)).expect("the field has 32 bits"),
            counted: field(240, 8) == 1,
        })
    }
}
