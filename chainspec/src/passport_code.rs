//! How do people write down a promo code?
//!
//! A promo code is the id of the transaction that issued it: 64 hexadecimal digits. Blocks are final, so a block number and
//! a position in the block say the same for good, and fit into 8 or 12 characters that can be read over a telephone: the
//! *passport code*. Called by the RPC and the command line. Never looks whether such a transaction exists.
//!
//! ```text
//! block number: 3, 7, 11 or 15 symbols | position: 3 symbols | check: 2 symbols      e.g. 03A0-0ADE
//! ```
//!
//! Symbols are Crockford's base 32 (digits and capitals without I, L, O, U), in groups of four. The check symbols make
//! the code a Reed-Solomon word over GF(32): read as the coefficients of a polynomial, last symbol first, it is 0 at 1 and
//! at the field's generator 2. Two different words differ in three symbols at least, so one or two wrong symbols,
//! and any two symbols that changed places, are always noticed.

use std::{fmt, str::FromStr};

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::BlockNumber;

/// Most transactions that a block can have for each of them to have a passport code: three symbols of five bits.
pub const CODE_INDEX_MAX: u32 = (1 << 15) - 1;

/// Longest text that is looked at, in bytes; the longest code has 20 symbols and 4 dashes.
const TEXT_BYTES_MAX: usize = 96;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP_SYMBOLS: usize = 4;
const INDEX_SYMBOLS: usize = 3;
const CHECK_SYMBOLS: usize = 2;
const SYMBOLS_MAX: usize = 20;

/// A passport code: the place of a transaction in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PassportCode {
    block: BlockNumber,
    index: u32,
}

/// A promo code in any of its forms: a link that leads to one, as in a QR code, is read as the code in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeRef {
    /// The id of the transaction that issued it.
    Transaction(B256),
    /// The place of that transaction.
    Passport(PassportCode),
}

/// Why a text is no promo code.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodeError {
    /// Too short, too long, or not in whole groups.
    #[error("a passport code has 8, 12, 16 or 20 letters and digits in groups of four, but this has {symbols}")]
    Length {
        /// Letters and digits found.
        symbols: usize,
    },
    /// A character that no code has.
    #[error("character {position} of the passport code is {found:?}; codes have digits and letters except U")]
    Symbol {
        /// Which character, counting from 1 and dashes too.
        position: usize,
        /// What it is.
        found: char,
    },
    /// The check symbols do not fit: something was misread or mistyped.
    #[error(
        "the passport code {text} has a typing error in it: its check symbols do not fit; compare it with the original"
    )]
    Check {
        /// The code as it was understood.
        text: String,
    },
    /// The check symbols fit, but codes are not written with leading zeros, or the block number is beyond all blocks.
    #[error("{text} is not how a passport code is written: it was altered")]
    NotCanonical {
        /// The code as it was understood.
        text: String,
    },
    /// Begins like a transaction id, or has the length of one, but is none.
    #[error("a transaction id is 0x and 64 hexadecimal digits; this has {digits} characters, or others than those")]
    TransactionId {
        /// Characters found after "0x".
        digits: usize,
    },
}

impl PassportCode {
    /// The code of the transaction at position `index` (from 0) of a block; `None` if `index` is beyond
    /// [`CODE_INDEX_MAX`].
    pub const fn new(block: BlockNumber, index: u32) -> Option<Self> {
        if index > CODE_INDEX_MAX {
            None
        } else {
            Some(Self { block, index })
        }
    }

    /// The block's number.
    pub const fn block(&self) -> BlockNumber {
        self.block
    }

    /// The transaction's position in the block, from 0.
    pub const fn index(&self) -> u32 {
        self.index
    }

    fn symbols(&self) -> Vec<u8> {
        let number = u128::from(self.block.get()) << (5 * INDEX_SYMBOLS) | u128::from(self.index);
        let mut length = 2 * GROUP_SYMBOLS;
        while number >> (5 * (length - CHECK_SYMBOLS)) != 0 {
            length += GROUP_SYMBOLS;
        }
        let mut symbols: Vec<u8> = (0..length - CHECK_SYMBOLS)
            .rev()
            .map(|place| u8::try_from(number >> (5 * place) & 31).expect("five bits fit"))
            .collect();
        symbols.extend([0; CHECK_SYMBOLS]);
        let (at_one, at_two) = syndromes(&symbols);
        // Two equations: c0 + c1 = at_one and c0 + 2 c1 = at_two, so 3 c1 = at_one + at_two.
        let c1 = multiply(at_one ^ at_two, INVERSE_OF_3);
        symbols[length - 2] = c1;
        symbols[length - 1] = at_one ^ c1;
        symbols
    }

    fn from_symbols(symbols: &[u8]) -> Result<Self, CodeError> {
        if !symbols.len().is_multiple_of(GROUP_SYMBOLS) || !(2 * GROUP_SYMBOLS..=SYMBOLS_MAX).contains(&symbols.len()) {
            return Err(CodeError::Length { symbols: symbols.len() });
        }
        if syndromes(symbols) != (0, 0) {
            return Err(CodeError::Check { text: grouped(symbols) });
        }
        let data = &symbols[..symbols.len() - CHECK_SYMBOLS];
        let number = data
            .iter()
            .fold(0_u128, |number, symbol| number << 5 | u128::from(*symbol));
        let index = u32::try_from(number & u128::from(CODE_INDEX_MAX)).expect("masked to 15 bits");
        let code = u64::try_from(number >> (5 * INDEX_SYMBOLS))
            .map(|block| Self {
                block: BlockNumber::new(block),
                index,
            })
            .ok()
            .filter(|code| code.symbols() == symbols);
        code.ok_or_else(|| CodeError::NotCanonical { text: grouped(symbols) })
    }
}

impl fmt::Display for PassportCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&grouped(&self.symbols()))
    }
}

impl FromStr for PassportCode {
    type Err = CodeError;

    /// Case, dashes and blanks do not matter; I and L are read as 1, O as 0.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(CodeError::Length {
                symbols: text.chars().count(),
            });
        }
        let mut symbols = Vec::new();
        for (place, found) in text.chars().enumerate() {
            match found.to_ascii_uppercase() {
                '-' | ' ' => {}
                'I' | 'L' => symbols.push(1),
                'O' => symbols.push(0),
                letter => {
                    let value = ALPHABET
                        .iter()
                        .zip(0_u8..)
                        .find(|(symbol, _)| char::from(**symbol) == letter);
                    let (_, value) = value.ok_or(CodeError::Symbol {
                        position: place + 1,
                        found,
                    })?;
                    symbols.push(value);
                }
            }
        }
        Self::from_symbols(&symbols)
    }
}

impl TryFrom<String> for PassportCode {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, CodeError> {
        text.parse()
    }
}

impl From<PassportCode> for String {
    fn from(code: PassportCode) -> Self {
        code.to_string()
    }
}

impl FromStr for CodeRef {
    type Err = CodeError;

    /// 64 hexadecimal digits, after 0x or not, are a transaction id; everything else is a passport code. A passport code may
    /// begin with 0X, too. Of a link, the code is what the parameter `code` says, or else the last part of it that is no
    /// parameter.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let text = if text.contains("://") { code_in_link(text) } else { text };
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let id = digits.unwrap_or(text);
        if id.len() == 64 {
            return B256::from_str(id)
                .map(Self::Transaction)
                .map_err(|_| CodeError::TransactionId { digits: 64 });
        }
        match (text.parse(), digits) {
            (Ok(code), _) => Ok(Self::Passport(code)),
            (Err(_), Some(digits)) if !digits.contains('-') => Err(CodeError::TransactionId {
                digits: digits.chars().count(),
            }),
            (Err(error), _) => Err(error),
        }
    }
}

/// The code in a link, as the pages and clouds make them: `https://cloud.example/sign-up?code=…&lang=en`, `http://…/#/code/…`.
fn code_in_link(link: &str) -> &str {
    let mut parameters = link.split(['?', '&']).skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split('#').next()?.split_once('=')?;
        name.eq_ignore_ascii_case("code").then_some(value)
    });
    // A fragment may come after the parameters: the pages' own links have the code in it.
    let mut parts = link.split('#').flat_map(|part| {
        let path = part.split(['?', '&']).next().unwrap_or_default();
        path.split(['/', '='])
    });
    let last = || parts.rfind(|part| !part.is_empty());
    parameters.next().or_else(last).unwrap_or_default()
}

impl fmt::Display for CodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction(id) => fmt::Display::fmt(id, f),
            Self::Passport(code) => fmt::Display::fmt(code, f),
        }
    }
}

fn grouped(symbols: &[u8]) -> String {
    let letters = |group: &[u8]| {
        group
            .iter()
            .map(|s| char::from(ALPHABET[usize::from(*s)]))
            .collect::<String>()
    };
    symbols.chunks(GROUP_SYMBOLS).map(letters).collect::<Vec<_>>().join("-")
}

/// 1 / 3 in the field: 3 * 28 = 28 + 56, and 56 = 29 modulo x^5 + x^2 + 1.
const INVERSE_OF_3: u8 = 28;

/// The word as a polynomial (last symbol first) at 1 and at 2.
fn syndromes(symbols: &[u8]) -> (u8, u8) {
    symbols.iter().fold((0, 0), |(at_one, at_two), symbol| {
        (at_one ^ symbol, multiply(at_two, 2) ^ symbol)
    })
}

/// The product in GF(32), of polynomials modulo x^5 + x^2 + 1.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b > 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & 32 != 0 {
            a ^= 0b10_0101;
        }
        b >>= 1;
    }
    product
}
