//! What do the validators sign for the mainchain, and which set of them signs?
//!
//! The same hashes as the contract `Checkpoint` computes. Used by checkpoint (signing, relaying, watching) and by the CLI
//! (proofs). Pure: never signs, and never asks a chain.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};

/// A checkpoint: the contract's struct, and its EIP-712 type.
pub use crate::generated::CheckpointContract::Checkpoint;

/// Name of the EIP-712 domain.
pub const DOMAIN_NAME: &str = "Cloud Ledger Checkpoint";

/// Version of the EIP-712 domain.
pub const DOMAIN_VERSION: &str = "1";

/// Keys of a set: as many as the bitmap of signers has bits.
pub const KEYS_MAX: usize = 256;

/// Bytes of a signature in a call: r, s, v.
pub const SIGNATURE_BYTES: usize = 65;

/// The EIP-712 domain of the contract at `contract` on the mainchain `chain_id`.
pub fn domain(chain_id: u64, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: DOMAIN_NAME,
        version: DOMAIN_VERSION,
        chain_id: chain_id,
        verifying_contract: contract,
    }
}

/// The checkpoint's fingerprint: the hash that validators sign, and that the contract keeps.
pub fn fingerprint(chain_id: u64, contract: Address, checkpoint: &Checkpoint) -> B256 {
    checkpoint.eip712_signing_hash(&domain(chain_id, contract))
}

/// Hash of a validator set, as checkpoints name the next one: its number and its checkpoint keys in its order.
pub fn set_hash(set_id: u64, checkpoint_keys: &[Address]) -> B256 {
    keccak256((set_id, checkpoint_keys).abi_encode_params())
}

/// Signatures that a set of `count` keys needs: more than two thirds.
pub fn quorum(count: usize) -> usize {
    2 * count / 3 + 1
}
