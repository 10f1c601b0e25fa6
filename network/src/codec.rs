//! When are bytes from a peer a message? If they are exactly one value of the version that this node knows, within every bound.
//!
//! Used by the pages that define messages. Never allocates for a length that a peer merely claims, and accepts one encoding
//! of each value only. Every payload on the wire starts with [`WIRE_VERSION`].

use alloy_primitives::Bytes;
pub(crate) use ledger_chainspec::codec::{
    decode_array, decode_bytes, decode_hashes, decode_length, decode_list, encode_bytes, encode_hashes, encode_length,
};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};
use thiserror::Error;

/// First byte of every payload: the layout of what follows.
pub const WIRE_VERSION: u8 = 1;

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Nothing was sent.
    #[error("{what} of no bytes; a payload starts with version {WIRE_VERSION}")]
    Empty {
        /// What was expected.
        what: &'static str,
    },
    /// Another layout.
    #[error("{what} of version {got}; this node knows version {WIRE_VERSION}")]
    Version {
        /// What was expected.
        what: &'static str,
        /// Version found.
        got: u8,
    },
    /// More bytes than such a message has.
    #[error("{what} of {bytes} bytes or more is longer than {max}")]
    TooLong {
        /// What was expected.
        what: &'static str,
        /// Length found, as far as it was read.
        bytes: usize,
        /// Longest possible.
        max: usize,
    },
    /// Not the bytes of such a message.
    #[error("{bytes} bytes are no {what}: {reason}")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// Length found.
        bytes: usize,
        /// What the decoder met.
        reason: String,
    },
    /// A message, and then something else.
    #[error("{left} bytes are left over after {what}")]
    Trailing {
        /// What was read.
        what: &'static str,
        /// Bytes after it.
        left: usize,
    },
}

impl WireError {
    /// The fault's name, for scores and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty payload",
            Self::Version { .. } => "unknown version",
            Self::TooLong { .. } => "oversize payload",
            Self::Malformed { .. } => "malformed payload",
            Self::Trailing { .. } => "trailing bytes",
        }
    }
}

/// `value` as a payload: the version, then its SCALE bytes.
pub(crate) fn to_payload(value: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + value.size_hint());
    bytes.push(WIRE_VERSION);
    value.encode_to(&mut bytes);
    bytes
}

/// Reads what [`to_payload`] wrote: a `what` of at most `max` bytes.
pub(crate) fn from_payload<T: Decode>(what: &'static str, bytes: &[u8], max: usize) -> Result<T, WireError> {
    let whole = bytes.len();
    if whole > max {
        return Err(WireError::TooLong {
            what,
            bytes: whole,
            max,
        });
    }
    let (&got, mut rest) = bytes.split_first().ok_or(WireError::Empty { what })?;
    if got != WIRE_VERSION {
        return Err(WireError::Version { what, got });
    }
    let value = T::decode(&mut rest).map_err(|error| WireError::Malformed {
        what,
        bytes: whole,
        reason: error.to_string(),
    })?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(WireError::Trailing { what, left: rest.len() })
    }
}

/// Writes a list of byte strings.
pub(crate) fn encode_strings<O: Output + ?Sized>(strings: &[Bytes], output: &mut O) {
    encode_length(strings.len(), output);
    for string in strings {
        encode_bytes(string, output);
    }
}

/// Reads a list of at most `max` byte strings, each of 1 to `each` bytes.
pub(crate) fn decode_strings<I: Input>(input: &mut I, max: usize, each: usize) -> Result<Vec<Bytes>, Error> {
    let length = decode_length(input, max)?;
    let mut strings = Vec::new();
    for _ in 0..length {
        strings.push(decode_string(input, each)?);
    }
    Ok(strings)
}

/// Reads a byte string of 1 to `max` bytes.
pub(crate) fn decode_string<I: Input>(input: &mut I, max: usize) -> Result<Bytes, Error> {
    let string = decode_bytes(input, max)?;
    if string.is_empty() {
        return Err("an empty byte string".into());
    }
    Ok(string.into())
}

/// Writes an optional byte string.
pub(crate) fn encode_optional<O: Output + ?Sized>(string: Option<&Bytes>, output: &mut O) {
    match string {
        None => output.push_byte(0),
        Some(string) => {
            output.push_byte(1);
            encode_bytes(string, output);
        }
    }
}

/// Reads an optional value, as SCALE writes it.
pub(crate) fn decode_optional<T, I: Input>(
    input: &mut I,
    read: impl FnOnce(&mut I) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    match input.read_byte()? {
        0 => Ok(None),
        1 => read(input).map(Some),
        _ => Err("an option that is neither absent nor present".into()),
    }
}
