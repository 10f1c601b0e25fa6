//! What may a node be told when it asks?
//!
//! Responses with their SCALE bytes. Every kind has its longest form, so that an answer cannot cost more than its question. State travels
//! as bytes that nobody here looks into.

use alloy_primitives::{B256, Bytes};
use alloy_rlp::Encodable as _;
use ledger_chainspec::{Block, CheckpointBundle, Endorsement, FinalityCertificate, TRANSACTION_BYTES_MAX};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use crate::{
    checkpoint::CHECKPOINTS_PER_REQUEST_MAX,
    codec::{
        WireError, decode_bytes, decode_hashes, decode_length, decode_list, decode_optional, decode_string,
        encode_hashes, encode_length, encode_optional, from_payload, to_payload,
    },
    request::{
        BLOCKS_PER_REQUEST_MAX, ENDORSE_TRANSACTIONS_MAX, HASHES_PER_REQUEST_MAX, PeerStatus, RequestKind,
        STATE_BYTES_MAX, TRANSACTIONS_PER_REQUEST_MAX, to_usize,
    },
};

/// The answer to a [`Request`](crate::Request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// 0: to `Status`.
    Status(PeerStatus),
    /// 1: to `Blocks`.
    Blocks {
        /// Blocks from the first one on, without a gap; none if the node has not got it.
        blocks: Vec<Block>,
        /// What made the last one final.
        certificate: Option<FinalityCertificate>,
    },
    /// 2: to `Block`.
    Block(Option<Box<Block>>),
    /// 3: to `Transactions`: EIP-2718 bytes for each hash, in the order of the hashes.
    Transactions(Vec<Option<Bytes>>),
    /// 4: to `StateManifest` and `StateChunk`; bytes that this crate does not look into, at most [`STATE_BYTES_MAX`].
    State(Option<Bytes>),
    /// 5: to `Endorse`: the promises about as many of the transactions as the authority had room for, none of them empty.
    Endorsements(Vec<Endorsement>),
    /// 6: to anything: too much to do, ask somebody else.
    Busy,
    /// 7: to `Checkpoints`: as many as are known from the first one on, without a gap.
    Checkpoints(Vec<CheckpointBundle>),
    /// 8: to `Hashes`: from the first one on, without a gap; none if the node has not got it.
    Hashes(Vec<B256>),
}

impl Response {
    /// Whether this is an answer to a request of `kind`. [`Response::Busy`] answers every kind.
    #[must_use]
    pub const fn answers(&self, kind: RequestKind) -> bool {
        matches!(
            (self, kind),
            (Self::Status(_), RequestKind::Status)
                | (Self::Blocks { .. }, RequestKind::Blocks)
                | (Self::Block(_), RequestKind::Block)
                | (Self::Transactions(_), RequestKind::Transactions)
                | (Self::State(_), RequestKind::State)
                | (Self::Endorsements(_), RequestKind::Endorse)
                | (Self::Checkpoints(_), RequestKind::Checkpoints)
                | (Self::Hashes(_), RequestKind::Hashes)
                | (Self::Busy, _)
        )
    }

    /// Its kind, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Blocks { .. } => "blocks",
            Self::Block(_) => "block",
            Self::Transactions(_) => "transactions",
            Self::State(_) => "state",
            Self::Endorsements(_) => "endorsements",
            Self::Busy => "busy",
            Self::Checkpoints(_) => "checkpoints",
            Self::Hashes(_) => "hashes",
        }
    }

    /// About how many bytes it has, found without writing them.
    #[must_use]
    pub fn weight(&self) -> usize {
        let block = |block: &Block| block.header.length() + alloy_rlp::list_length(&block.transactions);
        match self {
            Self::Status(_) | Self::Busy => 64,
            Self::Blocks { blocks, .. } => blocks.iter().map(block).sum(),
            Self::Block(one) => one.as_deref().map_or(0, block),
            Self::Transactions(transactions) => transactions.iter().flatten().map(|one| one.len()).sum(),
            Self::State(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len()),
            Self::Hashes(hashes) => hashes.len() * 32,
            Self::Endorsements(promises) => promises.iter().map(Encode::encoded_size).sum(),
            Self::Checkpoints(checkpoints) => checkpoints.iter().map(Encode::size_hint).sum(),
        }
    }

    /// The payload: version and SCALE bytes.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        to_payload(self)
    }

    /// Reads what [`Response::to_payload`] wrote, as an answer to a request of `kind`.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one response of this version, no longer than an answer to `kind` may be.
    pub fn from_payload(kind: RequestKind, bytes: &[u8]) -> Result<Self, WireError> {
        from_payload("response", bytes, kind.response_bytes_max())
    }
}

impl Encode for Response {
    fn size_hint(&self) -> usize {
        match self {
            Self::State(Some(bytes)) => bytes.len() + 8,
            _ => 256,
        }
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        match self {
            Self::Status(status) => (0_u8, status).encode_to(output),
            Self::Blocks { blocks, certificate } => (1_u8, blocks, certificate).encode_to(output),
            Self::Block(block) => (2_u8, block).encode_to(output),
            Self::Transactions(transactions) => {
                output.push_byte(3);
                encode_length(transactions.len(), output);
                for transaction in transactions {
                    encode_optional(transaction.as_ref(), output);
                }
            }
            Self::State(bytes) => {
                output.push_byte(4);
                encode_optional(bytes.as_ref(), output);
            }
            Self::Endorsements(endorsements) => (5_u8, endorsements).encode_to(output),
            Self::Busy => output.push_byte(6),
            Self::Checkpoints(checkpoints) => (7_u8, checkpoints).encode_to(output),
            Self::Hashes(hashes) => {
                output.push_byte(8);
                encode_hashes(hashes, output);
            }
        }
    }
}

impl Decode for Response {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(match input.read_byte()? {
            0 => Self::Status(Decode::decode(input)?),
            1 => Self::Blocks {
                blocks: decode_list(input, to_usize(BLOCKS_PER_REQUEST_MAX))?,
                certificate: Decode::decode(input)?,
            },
            2 => Self::Block(Decode::decode(input)?),
            3 => {
                let length = decode_length(input, TRANSACTIONS_PER_REQUEST_MAX)?;
                let mut transactions = Vec::new();
                for _ in 0..length {
                    transactions.push(decode_optional(input, |input| {
                        decode_string(input, TRANSACTION_BYTES_MAX)
                    })?);
                }
                Self::Transactions(transactions)
            }
            4 => Self::State(decode_optional(input, |input| {
                decode_bytes(input, STATE_BYTES_MAX).map(Bytes::from)
            })?),
            5 => Self::Endorsements(decode_list(input, ENDORSE_TRANSACTIONS_MAX)?),
            6 => Self::Busy,
            7 => Self::Checkpoints(decode_list(input, to_usize(CHECKPOINTS_PER_REQUEST_MAX))?),
            8 => Self::Hashes(decode_hashes(input, to_usize(HASHES_PER_REQUEST_MAX))?),
            _ => return Err("a response of an unknown kind".into()),
        })
    }
}
