//! What does an authority promise to the people whose transactions it has seen (R13)?
//!
//! Made by the driver's signer, carried by the network, shown by JSON-RPC, honoured by every proposer. Never decides what may be
//! promised: `consensus::limits` does.
//!
//! ```text
//! domain "cloud-endorse/v1"  16 | genesis 32 | slot u64 | number of transactions (SCALE compact) | transaction hashes, 32 each
//! ```

use alloy_primitives::B256;
use ed25519_dalek::{Signer, SigningKey};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use crate::{
    codec::{decode_hashes, encode_hashes},
    ids::{ConsensusKey, GenesisHash, Signature64, Slot},
    vote::verify_strict,
};

/// First bytes of what an [`Endorsement`] signs.
pub const ENDORSEMENT_DOMAIN: [u8; 16] = *b"cloud-endorse/v1";

/// Most transactions of one endorsement: one signature serves all that come within some milliseconds, and what a user keeps as
/// a receipt stays near 2 KiB.
pub const ENDORSED_TRANSACTIONS_MAX: usize = 64;

/// The promise of the authority of a slot that these transactions go into the next blocks before all others, or that it, and
/// every proposer after it, can be seen breaking it (R13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    /// The slot of the promise.
    pub slot: Slot,
    /// Hashes of the transactions, in the order in which they go first; at most [`ENDORSED_TRANSACTIONS_MAX`].
    pub transactions: Vec<B256>,
    /// Who promises.
    pub authority: ConsensusKey,
    /// Its signature over the layout of this page.
    pub signature: Signature64,
}

impl Endorsement {
    /// The promise of `key` to include `transactions`, made in `slot` of the chain `genesis`.
    pub fn sign(genesis: GenesisHash, slot: Slot, transactions: Vec<B256>, key: &SigningKey) -> Self {
        let message = Self::message(genesis, slot, &transactions);
        Self {
            slot,
            transactions,
            authority: ConsensusKey::of(key),
            signature: Signature64::new(key.sign(&message).to_bytes()),
        }
    }

    /// Whether the authority made this promise on the chain `genesis`; whether the slot is its own is the caller's question.
    pub fn verify(&self, genesis: GenesisHash) -> bool {
        let message = Self::message(genesis, self.slot, &self.transactions);
        verify_strict(&self.authority, &message, &self.signature)
    }

    fn message(genesis: GenesisHash, slot: Slot, transactions: &[B256]) -> Vec<u8> {
        let mut message = (ENDORSEMENT_DOMAIN, genesis, slot).encode();
        encode_hashes(transactions, &mut message);
        message
    }
}

impl Encode for Endorsement {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        self.slot.encode_to(output);
        encode_hashes(&self.transactions, output);
        self.authority.encode_to(output);
        self.signature.encode_to(output);
    }
}

impl Decode for Endorsement {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            slot: Decode::decode(input)?,
            transactions: decode_hashes(input, ENDORSED_TRANSACTIONS_MAX)?,
            authority: Decode::decode(input)?,
            signature: Decode::decode(input)?,
        })
    }
}
