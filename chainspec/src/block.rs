//! What is a block? A standard Ethereum header and Ethereum transactions; what is ours alone, the *authority digest*,
//! lies SCALE-encoded in the header's `extra_data`.
//!
//! Called by the runtime (build, import, store) and the engine (seal, check). Every Ethereum tool can verify such a header:
//! its hash is keccak256 of its RLP. Never judges a header against the rules of consensus or execution.

use alloy_consensus::BlockBody;
use alloy_eips::Typed2718;
use alloy_primitives::B256;
use alloy_rlp::{Decodable, Encodable};
use parity_scale_codec::{Decode, DecodeAll, Encode, Error as CodecError, Input, Output};
use thiserror::Error;

use crate::{
    certificate::FinalityCertificate,
    codec::{decode_array, decode_bytes, encode_bytes},
    ids::{BlockHash, BlockNumber, Signature64, Slot, ValidatorSetHash},
    transaction::Transaction,
    validators::VALIDATORS_MAX,
};

/// A standard Ethereum header.
pub type Header = alloy_consensus::Header;

/// Version of the authority digest of a block that is no recovery block.
pub const DIGEST_VERSION: u8 = 1;

/// Version of the authority digest of a recovery block (R16): the fields of [`DIGEST_VERSION`], then the [`RecoveryPoint`].
pub const DIGEST_VERSION_RECOVERY: u8 = 2;

/// Bytes of an encoded [`RecoveryPoint`].
const RECOVERY_POINT_BYTES: usize = 8 + 8 + 8 + 32;

/// Longest encoded [`FinalityCertificate`]: its fields, a compact length of two bytes, and every validator's signature.
pub const CERTIFICATE_BYTES_MAX: usize = 8 + 8 + 8 + 32 + 2 + VALIDATORS_MAX * (2 + 64);

/// Longest `extra_data`: a recovery block's digest with a certificate of all [`VALIDATORS_MAX`] validators and a seal. Bounds what a
/// hostile peer can put into a header.
pub const EXTRA_DATA_BYTES_MAX: usize = 1 + 8 + 32 + (1 + CERTIFICATE_BYTES_MAX) + (1 + 64) + RECOVERY_POINT_BYTES;

/// Longest RLP of a block. [`ChainSpec`](crate::ChainSpec) admits no gas limit that would let a block grow beyond.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;

/// What the validators ordered in a block by vote: the next block is a recovery block (R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryOrder {
    /// How many recoveries were ordered so far, this one included.
    pub epoch: u64,
    /// Index of the checkpoint whose state the recovery block starts from.
    pub checkpoint: u64,
}

/// What a recovery block goes back to. SCALE: the fields in this order, numbers as u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPoint {
    /// What was ordered.
    pub order: RecoveryOrder,
    /// Number of the checkpoint's block in this chain.
    pub height: BlockNumber,
    /// State root of that block, which the mainchain holds too.
    pub state_root: B256,
}

impl Encode for RecoveryPoint {
    fn size_hint(&self) -> usize {
        RECOVERY_POINT_BYTES
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        let RecoveryOrder { epoch, checkpoint } = self.order;
        (epoch, checkpoint, self.height.get()).encode_to(output);
        output.write(self.state_root.as_slice());
    }
}

impl Decode for RecoveryPoint {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let (epoch, checkpoint, height) = <(u64, u64, u64)>::decode(input)?;
        Ok(Self {
            order: RecoveryOrder { epoch, checkpoint },
            height: BlockNumber::new(height),
            state_root: decode_array::<32, _>(input)?.into(),
        })
    }
}

/// What our chain adds to an Ethereum header. SCALE: a byte of version, [`DIGEST_VERSION`] or [`DIGEST_VERSION_RECOVERY`], and the
/// fields in this order, of which the last one is there in the second version alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityDigest {
    /// The slot that the block was built in.
    pub slot: Slot,
    /// The set that governs the next height (R10).
    pub next_set_hash: ValidatorSetHash,
    /// What made the parent final (R5). Absent in blocks 0 and 1: genesis needs no certificate.
    pub parent_certificate: Option<FinalityCertificate>,
    /// The authority's signature over the seal statement. Absent in genesis and while the block is being built.
    pub seal: Option<Signature64>,
    /// What the block goes back to; in a recovery block alone (R16).
    pub recovery: Option<RecoveryPoint>,
}

impl Encode for AuthorityDigest {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        output.push_byte(match self.recovery {
            None => DIGEST_VERSION,
            Some(_) => DIGEST_VERSION_RECOVERY,
        });
        self.slot.encode_to(output);
        self.next_set_hash.encode_to(output);
        self.parent_certificate.encode_to(output);
        self.seal.encode_to(output);
        if let Some(recovery) = &self.recovery {
            recovery.encode_to(output);
        }
    }
}

impl Decode for AuthorityDigest {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let is_recovery = match input.read_byte()? {
            DIGEST_VERSION => false,
            DIGEST_VERSION_RECOVERY => true,
            _ => return Err("a digest of another version".into()),
        };
        Ok(Self {
            slot: Slot::decode(input)?,
            next_set_hash: ValidatorSetHash::decode(input)?,
            parent_certificate: Option::decode(input)?,
            seal: Option::decode(input)?,
            recovery: is_recovery.then(|| RecoveryPoint::decode(input)).transpose()?,
        })
    }
}

/// Why a header carries no authority digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DigestError {
    /// Longer than any digest.
    #[error("header {number} has {bytes} bytes of extra data; a digest has at most {EXTRA_DATA_BYTES_MAX}")]
    TooLong {
        /// The header's number.
        number: BlockNumber,
        /// Length of its extra data.
        bytes: usize,
    },
    /// Another layout.
    #[error(
        "header {number} has an authority digest of version {got}; this node knows versions {DIGEST_VERSION} and {DIGEST_VERSION_RECOVERY}"
    )]
    Version {
        /// The header's number.
        number: BlockNumber,
        /// Version found.
        got: u8,
    },
    /// Not the bytes of a digest.
    #[error("the extra data of header {number} ({bytes} bytes) is no authority digest")]
    Malformed {
        /// The header's number.
        number: BlockNumber,
        /// Length of its extra data.
        bytes: usize,
    },
}

/// The authority digest in `header`.
///
/// # Errors
/// [`DigestError`] if its extra data is anything but exactly one digest of this version.
pub fn digest_of(header: &Header) -> Result<AuthorityDigest, DigestError> {
    let number = BlockNumber::new(header.number);
    let data = &header.extra_data[..];
    if data.len() > EXTRA_DATA_BYTES_MAX {
        return Err(DigestError::TooLong {
            number,
            bytes: data.len(),
        });
    }
    if let Some(&got) = data
        .first()
        .filter(|version| !matches!(**version, DIGEST_VERSION | DIGEST_VERSION_RECOVERY))
    {
        return Err(DigestError::Version { number, got });
    }
    AuthorityDigest::decode_all(&mut &data[..]).map_err(|_| DigestError::Malformed {
        number,
        bytes: data.len(),
    })
}

/// `header` with `digest` as its extra data.
pub fn with_digest(mut header: Header, digest: &AuthorityDigest) -> Header {
    header.extra_data = digest.encode().into();
    header
}

/// What the seal signs: the hash that `header` would have with `digest` and without a seal.
pub fn seal_hash(header: &Header, digest: &AuthorityDigest) -> BlockHash {
    let unsealed = AuthorityDigest {
        seal: None,
        ..digest.clone()
    };
    block_hash(&with_digest(header.clone(), &unsealed))
}

/// keccak256 of the header's RLP.
pub fn block_hash(header: &Header) -> BlockHash {
    BlockHash::new(header.hash_slow())
}

/// A header beside its hash, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    /// The header.
    pub header: Header,
    /// keccak256 of its RLP.
    pub hash: BlockHash,
}

impl SealedHeader {
    /// Hashes `header`.
    pub fn new(header: Header) -> Self {
        let hash = block_hash(&header);
        Self { header, hash }
    }

    /// Reads the RLP of a header that fills `bytes` and is written in the one canonical form; `None` if it is anything else.
    pub fn from_rlp(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let header = Header::decode(&mut rest).ok()?;
        let is_canonical = rest.is_empty() && header.length() == bytes.len() && alloy_rlp::encode(&header) == bytes;
        is_canonical.then(|| Self::new(header))
    }

    /// The header's number.
    pub const fn number(&self) -> BlockNumber {
        BlockNumber::new(self.header.number)
    }
}

/// A block. Ommers and withdrawals are always empty lists, as headers of the fork say by their roots.
///
/// Its SCALE encoding is its Ethereum RLP as a byte string, at most [`BLOCK_BYTES_MAX`] long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The transactions in their order of execution.
    pub transactions: Vec<Transaction>,
}

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlockDecodeError {
    /// Longer than any block.
    #[error("a block of {bytes} bytes is longer than {BLOCK_BYTES_MAX}")]
    TooLong {
        /// Length found.
        bytes: usize,
    },
    /// Not the RLP of a block, or bytes are left over.
    #[error("{bytes} bytes are no block: {reason}")]
    Malformed {
        /// Length found.
        bytes: usize,
        /// What the decoder met.
        reason: alloy_rlp::Error,
    },
    /// The RLP of a block in a form that no encoder writes: two byte strings for one block would be two messages.
    #[error("block {number} is not encoded in the one canonical form")]
    NotCanonical {
        /// The block's number.
        number: BlockNumber,
    },
    /// Ommers, withdrawals or blobs, which this chain has not.
    #[error("block {number} has {what}, which this chain has not")]
    Foreign {
        /// The block's number.
        number: BlockNumber,
        /// What it has.
        what: &'static str,
    },
}

impl Block {
    /// The block's hash: that of its header.
    pub fn hash(&self) -> BlockHash {
        block_hash(&self.header)
    }

    /// The block's number.
    pub const fn number(&self) -> BlockNumber {
        BlockNumber::new(self.header.number)
    }

    /// Ethereum's RLP of the block: header, transactions, no ommers, no withdrawals.
    pub fn to_rlp(&self) -> Vec<u8> {
        let transactions = alloy_rlp::list_length(&self.transactions);
        let payload_length = Encodable::length(&self.header) + transactions + 2;
        let list = alloy_rlp::Header {
            list: true,
            payload_length,
        };
        let mut bytes = Vec::with_capacity(list.length_with_payload());
        list.encode(&mut bytes);
        Encodable::encode(&self.header, &mut bytes);
        alloy_rlp::encode_list(&self.transactions, &mut bytes);
        bytes.extend_from_slice(&[alloy_rlp::EMPTY_LIST_CODE; 2]);
        bytes
    }

    /// Reads what [`Block::to_rlp`] wrote.
    ///
    /// # Errors
    /// [`BlockDecodeError`] for anything but one whole block of this chain's kind.
    pub fn from_rlp(bytes: &[u8]) -> Result<Self, BlockDecodeError> {
        if bytes.len() > BLOCK_BYTES_MAX {
            return Err(BlockDecodeError::TooLong { bytes: bytes.len() });
        }
        let malformed = |reason| BlockDecodeError::Malformed {
            bytes: bytes.len(),
            reason,
        };
        let mut rest = bytes;
        let block = alloy_consensus::Block::<Transaction>::decode(&mut rest).map_err(malformed)?;
        if !rest.is_empty() {
            return Err(malformed(alloy_rlp::Error::UnexpectedLength));
        }
        let number = BlockNumber::new(block.header.number);
        let BlockBody {
            transactions,
            ommers,
            withdrawals,
        } = block.body;
        let foreign = |what| Err(BlockDecodeError::Foreign { number, what });
        match withdrawals {
            _ if !ommers.is_empty() => foreign("ommers"),
            None => foreign("no list of withdrawals"),
            Some(withdrawals) if !withdrawals.is_empty() => foreign("withdrawals"),
            Some(_) if transactions.iter().any(Typed2718::is_eip4844) => foreign("a blob transaction"),
            Some(_) => {
                let block = Self {
                    header: block.header,
                    transactions,
                };
                // The decoder takes a signature's parity in several forms, of which one is canonical.
                if block.to_rlp() == bytes {
                    Ok(block)
                } else {
                    Err(BlockDecodeError::NotCanonical { number })
                }
            }
        }
    }
}

impl Encode for Block {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        encode_bytes(&self.to_rlp(), output);
    }
}

impl Decode for Block {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let bytes = decode_bytes(input, BLOCK_BYTES_MAX)?;
        Self::from_rlp(&bytes).map_err(|_| "bytes are no block of this chain's kind".into())
    }
}
