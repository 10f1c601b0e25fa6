//! What may one node ask another?
//!
//! Requests with their SCALE bytes; every list has a bound. The network itself answers those for a status, and hands all
//! others to [`NetworkEvents`](crate::NetworkEvents).

use alloy_primitives::{B256, Bytes};
use ledger_chainspec::{BLOCK_BYTES_MAX, BlockHash, BlockNumber, CHECKPOINT_BUNDLE_BYTES_MAX, TRANSACTION_BYTES_MAX};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use crate::{
    checkpoint::{CHECKPOINTS_PER_REQUEST_MAX, CheckpointAnchor},
    codec::{
        WireError, decode_bytes, decode_hashes, decode_strings, encode_bytes, encode_hashes, encode_strings,
        from_payload, to_payload,
    },
    fault::RequestError,
};

/// Most blocks that one request may ask for: a minute's worth of half-second slots.
pub const BLOCKS_PER_REQUEST_MAX: u32 = 128;

/// Most hashes of blocks that one request may ask for.
pub const HASHES_PER_REQUEST_MAX: u32 = 8_192;

/// Bytes of blocks after which whoever answers adds no further block. A response holds one block at least, however long.
pub const BLOCKS_BYTES_TARGET: usize = 2 << 20;

/// Longest response: the longest block, or as much in small parts, and what frames it.
pub const RESPONSE_BYTES_MAX: usize = BLOCK_BYTES_MAX + (256 << 10);

/// Longest piece of state in one response. Whoever answers aims at far less; but a block with its receipts, which comes with a
/// state, cannot be cut.
pub const STATE_BYTES_MAX: usize = BLOCK_BYTES_MAX;

/// Longest cursor of a state request.
pub const STATE_CURSOR_BYTES_MAX: usize = 256;

/// Most transactions that one request may ask to be endorsed.
pub const ENDORSE_TRANSACTIONS_MAX: usize = 256;

/// Most transactions of a block that one request may ask for. Whoever misses more asks several times, or for the block.
pub const TRANSACTIONS_PER_REQUEST_MAX: usize = 4_096;

/// Longest request: the longest transaction to be endorsed and as much again for others beside it. A stranger can make this
/// node hold as many of these as it may have streams.
pub const REQUEST_BYTES_MAX: usize = 64 + 2 * TRANSACTION_BYTES_MAX;

const _: () = assert!(REQUEST_BYTES_MAX > 64 + 32 * TRANSACTIONS_PER_REQUEST_MAX);

/// Bytes that any small response fits into.
const SMALL_RESPONSE_BYTES_MAX: usize = 1 << 10;

/// What a node tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PeerStatus {
    /// Number of its newest final block.
    pub head: BlockNumber,
    /// That block's hash.
    pub head_hash: BlockHash,
    /// Number of the oldest block that it can give.
    pub oldest: BlockNumber,
    /// Its clock when it said so, in milliseconds since the Unix epoch. Filled in by the network as the status leaves.
    pub unix_ms: u64,
}

/// Something that a node asks another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// 0: this is how I stand; how do you?
    Status(PeerStatus),
    /// 1: final blocks, ascending.
    Blocks {
        /// The first.
        from: BlockNumber,
        /// How many at most: 1 to [`BLOCKS_PER_REQUEST_MAX`].
        count: u32,
    },
    /// 2: a block that is proposed at the open height, or final.
    Block {
        /// Its number.
        number: BlockNumber,
        /// Its hash.
        hash: BlockHash,
    },
    /// 3: transactions of a proposed block.
    Transactions {
        /// The block that they are of.
        block: BlockHash,
        /// Their hashes; at most [`TRANSACTIONS_PER_REQUEST_MAX`].
        hashes: Vec<B256>,
    },
    /// 4: what the state of a block consists of.
    StateManifest {
        /// The block.
        block: BlockNumber,
    },
    /// 5: a piece of that state.
    StateChunk {
        /// The block.
        block: BlockHash,
        /// Where the piece begins; at most [`STATE_CURSOR_BYTES_MAX`] bytes.
        cursor: Vec<u8>,
    },
    /// 6: please promise to include these (R13); EIP-2718 bytes, at most [`ENDORSE_TRANSACTIONS_MAX`].
    Endorse {
        /// The transactions.
        transactions: Vec<Bytes>,
    },
    /// 7: checkpoints and the signatures under them that you know, ascending.
    Checkpoints {
        /// Of which sequence.
        anchor: CheckpointAnchor,
        /// Index of the first; 0 asks for the newest ones that a quorum has signed.
        from: u64,
        /// How many at most: 1 to [`CHECKPOINTS_PER_REQUEST_MAX`].
        count: u32,
    },
    /// 8: hashes of final blocks, ascending: which history is yours?
    Hashes {
        /// Of this block first.
        from: BlockNumber,
        /// How many at most: 1 to [`HASHES_PER_REQUEST_MAX`].
        count: u32,
    },
}

/// The kinds of requests, for limits and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// [`Request::Status`].
    Status,
    /// [`Request::Blocks`].
    Blocks,
    /// [`Request::Block`].
    Block,
    /// [`Request::Transactions`].
    Transactions,
    /// [`Request::StateManifest`] and [`Request::StateChunk`].
    State,
    /// [`Request::Endorse`].
    Endorse,
    /// [`Request::Checkpoints`].
    Checkpoints,
    /// [`Request::Hashes`].
    Hashes,
}

impl RequestKind {
    /// Its name, in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Blocks => "blocks",
            Self::Block => "block",
            Self::Transactions => "transactions",
            Self::State => "state",
            Self::Endorse => "endorse",
            Self::Checkpoints => "checkpoints",
            Self::Hashes => "hashes",
        }
    }

    /// Longest response to such a request.
    #[must_use]
    pub const fn response_bytes_max(self) -> usize {
        match self {
            Self::Status => SMALL_RESPONSE_BYTES_MAX,
            Self::Blocks | Self::Block | Self::Transactions => RESPONSE_BYTES_MAX,
            Self::State => STATE_BYTES_MAX + SMALL_RESPONSE_BYTES_MAX,
            Self::Hashes => SMALL_RESPONSE_BYTES_MAX + 32 * to_usize(HASHES_PER_REQUEST_MAX),
            Self::Endorse => SMALL_RESPONSE_BYTES_MAX + ENDORSE_TRANSACTIONS_MAX * (8 + 4 + 32 + 32 + 64),
            Self::Checkpoints => {
                SMALL_RESPONSE_BYTES_MAX + to_usize(CHECKPOINTS_PER_REQUEST_MAX) * CHECKPOINT_BUNDLE_BYTES_MAX
            }
        }
    }

    /// What an answer is taken to cost whoever gives it, in bytes, before it is known: what a bucket must hold before the
    /// request is passed on.
    #[must_use]
    pub const fn cost_bytes(self) -> u64 {
        match self {
            Self::Status => 128,
            Self::Blocks => 256 << 10,
            Self::Block | Self::Transactions => 64 << 10,
            Self::State => 512 << 10,
            // Checking signatures costs more than the bytes that come back.
            Self::Endorse => 64 << 10,
            Self::Checkpoints => 16 << 10,
            // As many small reads as there are hashes.
            Self::Hashes => 512 << 10,
        }
    }
}

impl Request {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Status(_) => RequestKind::Status,
            Self::Blocks { .. } => RequestKind::Blocks,
            Self::Block { .. } => RequestKind::Block,
            Self::Transactions { .. } => RequestKind::Transactions,
            Self::StateManifest { .. } | Self::StateChunk { .. } => RequestKind::State,
            Self::Endorse { .. } => RequestKind::Endorse,
            Self::Checkpoints { .. } => RequestKind::Checkpoints,
            Self::Hashes { .. } => RequestKind::Hashes,
        }
    }

    /// Whether another node would read it.
    ///
    /// # Errors
    /// [`RequestError::TooMuch`] if it asks for more, or less, than one request may.
    pub fn check(&self) -> Result<(), RequestError> {
        let at_most = |what, got, max| {
            if got <= max {
                Ok(())
            } else {
                Err(RequestError::TooMuch { what, got, max })
            }
        };
        match self {
            Self::Status(_) | Self::Block { .. } | Self::StateManifest { .. } => Ok(()),
            Self::Blocks { count: 0, .. } | Self::Checkpoints { count: 0, .. } | Self::Hashes { count: 0, .. } => {
                Err(RequestError::Nothing)
            }
            Self::Hashes { count, .. } => at_most("hashes", to_usize(*count), to_usize(HASHES_PER_REQUEST_MAX)),
            Self::Blocks { count, .. } => at_most("blocks", to_usize(*count), to_usize(BLOCKS_PER_REQUEST_MAX)),
            Self::Checkpoints { count, .. } => {
                at_most("checkpoints", to_usize(*count), to_usize(CHECKPOINTS_PER_REQUEST_MAX))
            }
            Self::Transactions { hashes, .. } => at_most("transactions", hashes.len(), TRANSACTIONS_PER_REQUEST_MAX),
            Self::StateChunk { cursor, .. } => at_most("bytes of cursor", cursor.len(), STATE_CURSOR_BYTES_MAX),
            Self::Endorse { transactions } => {
                if transactions.iter().any(|transaction| transaction.is_empty()) {
                    return Err(RequestError::Nothing);
                }
                at_most("transactions to endorse", transactions.len(), ENDORSE_TRANSACTIONS_MAX)?;
                let longest = transactions.iter().map(|transaction| transaction.len()).max();
                at_most("bytes of a transaction", longest.unwrap_or(0), TRANSACTION_BYTES_MAX)?;
                at_most("bytes to endorse", self.to_payload().len(), REQUEST_BYTES_MAX)
            }
        }
    }

    /// The payload: version and SCALE bytes.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        to_payload(self)
    }

    /// Reads what [`Request::to_payload`] wrote.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one request of this version within its bounds.
    pub fn from_payload(bytes: &[u8]) -> Result<Self, WireError> {
        from_payload("request", bytes, REQUEST_BYTES_MAX)
    }
}

pub(crate) const fn to_usize(count: u32) -> usize {
    // No machine that this runs on has addresses of less than 32 bits.
    count as usize
}

impl Encode for Request {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        match self {
            Self::Status(status) => (0_u8, status).encode_to(output),
            Self::Blocks { from, count } => (1_u8, from, count).encode_to(output),
            Self::Block { number, hash } => (2_u8, number, hash).encode_to(output),
            Self::Transactions { block, hashes } => {
                (3_u8, block).encode_to(output);
                encode_hashes(hashes, output);
            }
            Self::StateManifest { block } => (4_u8, block).encode_to(output),
            Self::StateChunk { block, cursor } => {
                (5_u8, block).encode_to(output);
                encode_bytes(cursor, output);
            }
            Self::Endorse { transactions } => {
                output.push_byte(6);
                encode_strings(transactions, output);
            }
            Self::Checkpoints { anchor, from, count } => (7_u8, anchor, from, count).encode_to(output),
            Self::Hashes { from, count } => (8_u8, from, count).encode_to(output),
        }
    }
}

impl Decode for Request {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(match input.read_byte()? {
            0 => Self::Status(Decode::decode(input)?),
            1 => {
                let (from, count) = Decode::decode(input)?;
                if !(1..=BLOCKS_PER_REQUEST_MAX).contains(&count) {
                    return Err("a request for no blocks, or for more than one may ask for".into());
                }
                Self::Blocks { from, count }
            }
            2 => Self::Block {
                number: Decode::decode(input)?,
                hash: Decode::decode(input)?,
            },
            3 => Self::Transactions {
                block: Decode::decode(input)?,
                hashes: decode_hashes(input, TRANSACTIONS_PER_REQUEST_MAX)?,
            },
            4 => Self::StateManifest {
                block: Decode::decode(input)?,
            },
            5 => Self::StateChunk {
                block: Decode::decode(input)?,
                cursor: decode_bytes(input, STATE_CURSOR_BYTES_MAX)?,
            },
            6 => Self::Endorse {
                transactions: decode_strings(input, ENDORSE_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX)?,
            },
            7 => {
                let (anchor, from, count) = Decode::decode(input)?;
                if !(1..=CHECKPOINTS_PER_REQUEST_MAX).contains(&count) {
                    return Err("a request for no checkpoints, or for more than one may ask for".into());
                }
                Self::Checkpoints { anchor, from, count }
            }
            8 => {
                let (from, count) = Decode::decode(input)?;
                if !(1..=HASHES_PER_REQUEST_MAX).contains(&count) {
                    return Err("a request for no hashes, or for more than one may ask for".into());
                }
                Self::Hashes { from, count }
            }
            _ => return Err("a request of an unknown kind".into()),
        })
    }
}
