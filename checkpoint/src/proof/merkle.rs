//! Do these nodes of an Ethereum Merkle Patricia trie lead from the root to this value, or show that there is none?

use alloy_primitives::{B256, Bytes};
use alloy_trie::{
    Nibbles,
    proof::{ProofVerificationError, verify_proof},
};

/// Nodes of one proof: a path has 64 nibbles, and a node takes one at least.
const NODES_MAX: usize = 65;

/// Why nodes prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerkleFault {
    /// More nodes than any path has.
    #[error("{0} nodes, where no path has more than {NODES_MAX}")]
    TooMany(usize),
    /// A node, or the value at the end, is another than the one that its parent, or the root, names.
    #[error("what is {nibbles} nibbles down is not what the node above it, or the root, names")]
    Mismatch {
        /// How far down the path.
        nibbles: usize,
    },
    /// No nodes, where the trie is not empty.
    #[error("there is nothing that leads from the root {0}")]
    Empty(B256),
    /// Bytes that are no node.
    #[error("bytes that are no node of a trie")]
    NotANode,
}

/// Checks that the trie with this root has `value` at `key`, or nothing if it is none.
pub fn check(root: B256, key: &[u8], value: Option<Vec<u8>>, nodes: &[Bytes]) -> Result<(), MerkleFault> {
    if nodes.len() > NODES_MAX {
        return Err(MerkleFault::TooMany(nodes.len()));
    }
    verify_proof(root, Nibbles::unpack(key), value, nodes).map_err(|error| match error {
        ProofVerificationError::RootMismatch { expected, .. } => MerkleFault::Empty(expected),
        ProofVerificationError::ValueMismatch { path, .. } => MerkleFault::Mismatch { nibbles: path.len() },
        ProofVerificationError::UnexpectedEmptyRoot | ProofVerificationError::Rlp(_) => MerkleFault::NotANode,
    })
}
