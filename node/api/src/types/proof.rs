//! What shows a promo code to somebody who trusts no node?
//!
//! The asker trusts one block by its hash, from a checkpoint on the mainchain or otherwise. From there certificates lead to the block whose
//! state is proven and to the block of the code's request; Merkle proofs lead into both.

use alloy_primitives::{B256, Bytes, U256};
use alloy_rpc_types_eth::EIP1186AccountProofResponse;
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

/// Version of [`CodeProof`].
pub const CODE_PROOF_VERSION: u64 = 1;

/// Changes of the validator set that one proof follows; a newer block to trust makes them fewer.
pub const PROOF_HANDOVERS_MAX: u64 = 256;

/// Blocks of a span that one proof may be about: each block's hash is read.
pub const PROOF_SPAN_BLOCKS_MAX: u64 = 1 << 16;

/// From where to where is to be proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeProofRequest {
    /// Number of the block that the asker trusts; genesis if absent.
    #[serde(default, with = "quantity::opt", skip_serializing_if = "Option::is_none")]
    pub trusted_block: Option<u64>,
    /// Number of the block whose state is proven, which is the trusted one or later; the newest if absent.
    #[serde(default, with = "quantity::opt", skip_serializing_if = "Option::is_none")]
    pub state_block: Option<u64>,
    /// The blocks of a checkpoint, if the request's block is to be proven against its history root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<BlockSpan>,
}

/// Blocks that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockSpan {
    /// Number of the block before the first.
    #[serde(with = "quantity")]
    pub after: u64,
    /// Number of the last.
    #[serde(with = "quantity")]
    pub up_to: u64,
}

/// A promo code, proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeProof {
    /// [`CODE_PROOF_VERSION`].
    #[serde(with = "quantity")]
    pub version: u64,
    /// The chain: hash of its block 0, which every certificate is signed for.
    pub genesis_hash: B256,
    /// The contract's number of the code.
    pub code_id: U256,
    /// The block that everything begins with.
    pub trusted: TrustedBlock,
    /// Every change of the validator set after it, up to the block of the state.
    pub handovers: Vec<SetHandover>,
    /// The code's record and its specification in the state.
    pub state: StateProof,
    /// The request that issued the code.
    pub request: RequestProof,
}

/// The block that the asker trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedBlock {
    /// RLP of its header.
    pub header: Bytes,
    /// SCALE of the validator set that governs the next block; the header holds its hash.
    pub next_set: Bytes,
}

/// A block that hands over to another validator set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetHandover {
    /// RLP of its header.
    pub header: Bytes,
    /// SCALE of what made it final.
    pub certificate: Bytes,
    /// SCALE of the validator set that governs the next block; the header holds its hash.
    pub next_set: Bytes,
}

/// What a state says of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateProof {
    /// RLP of the header of the state's block.
    pub header: Bytes,
    /// SCALE of what made it final; absent if it is the trusted block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Bytes>,
    /// Transact's account with five slots (EIP-1186): the code's record, then the four of its specification.
    pub account: EIP1186AccountProofResponse,
}

/// The request that issued the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestProof {
    /// RLP of the header of its block.
    pub header: Bytes,
    /// SCALE of what made that block final.
    pub certificate: Bytes,
    /// Siblings from the block's leaf to the history root of the span that was asked for, the lowest first; absent if none was, or the
    /// block is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<B256>>,
    /// Its place in the block, from 0.
    #[serde(with = "quantity")]
    pub index: u64,
    /// EIP-2718 bytes of the transaction.
    pub transaction: Bytes,
    /// RLP of the trie nodes from the transactions root to rlp(index).
    pub transaction_proof: Vec<Bytes>,
    /// EIP-2718 bytes of its receipt.
    pub receipt: Bytes,
    /// RLP of the trie nodes from the receipts root to rlp(index).
    pub receipt_proof: Vec<Bytes>,
}
