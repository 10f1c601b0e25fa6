//! What do nodes tell each other about checkpoints? A validator's signature under one. Checkpoints with all signatures that are known go
//! over the wire as [`CheckpointBundle`](ledger_chainspec::CheckpointBundle) has them.
//!
//! What is signed, and by whom, is the mainchain contract's business (`ICheckpoint.sol`): here are the bytes and their bounds. Never
//! checks a signature.

use alloy_primitives::{Address, B256};
use ledger_chainspec::CHECKPOINT_SIGNATURE_BYTES;
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use crate::codec::decode_array;

/// Longest message of the checkpoints topic: one signature and what it is under, with room to spare.
pub const CHECKPOINT_BYTES_MAX: usize = 512;

/// Most checkpoints that one request may ask for.
pub const CHECKPOINTS_PER_REQUEST_MAX: u32 = 16;

const _: () = assert!(CHECKPOINT_BYTES_MAX > 1 + 8 + 20 + 8 + 8 + 32 + CHECKPOINT_SIGNATURE_BYTES);

/// The contract on a mainchain that checkpoints are signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointAnchor {
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The contract there.
    pub contract: Address,
}

/// A validator's signature under a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointSignature {
    /// For which contract.
    pub anchor: CheckpointAnchor,
    /// The checkpoint's epoch.
    pub epoch: u64,
    /// The checkpoint's index.
    pub index: u64,
    /// The checkpoint's fingerprint: the hash that is signed.
    pub fingerprint: B256,
    /// r, s, v.
    pub signature: [u8; CHECKPOINT_SIGNATURE_BYTES],
}

impl Encode for CheckpointAnchor {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        self.mainchain_id.encode_to(output);
        output.write(self.contract.as_slice());
    }
}

impl Decode for CheckpointAnchor {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            mainchain_id: Decode::decode(input)?,
            contract: Address::new(decode_array(input)?),
        })
    }
}

impl Encode for CheckpointSignature {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        (self.anchor, self.epoch, self.index).encode_to(output);
        output.write(self.fingerprint.as_slice());
        output.write(&self.signature);
    }
}

impl Decode for CheckpointSignature {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            anchor: Decode::decode(input)?,
            epoch: Decode::decode(input)?,
            index: Decode::decode(input)?,
            fingerprint: B256::new(decode_array(input)?),
            signature: decode_array(input)?,
        })
    }
}
