//! What do the validators say of this chain to its mainchain, as JSON, the wire and the disk have it?
//!
//! JSON-RPC, proof files, the network's messages and the records on disk are all written by these types. The contract on the mainchain
//! has its own struct with the same fields (`Checkpoint` in `CheckpointTypes.sol`), over which the hash goes that is signed;
//! `ledger_checkpoint::statement` turns one into the other. Here are bytes and bounds: never hashes, never checks a signature.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_serde::quantity;
use parity_scale_codec::{Decode, Encode, Error, Input, Output};
use serde::{Deserialize, Serialize};

use crate::{
    codec::{decode_array, decode_length, encode_length},
    validators::VALIDATORS_MAX,
};

/// Bytes of a signature: r, s, v.
pub const CHECKPOINT_SIGNATURE_BYTES: usize = 65;

/// Longest [`CheckpointBundle`] in SCALE, in bytes: its checkpoint, the length of its list of keys, a key and a signature of everybody, and
/// the bitmap.
pub const CHECKPOINT_BUNDLE_BYTES_MAX: usize =
    4 * 8 + 5 * 32 + 4 + VALIDATORS_MAX * (20 + CHECKPOINT_SIGNATURE_BYTES) + 32;

// A bit for every key.
const _: () = assert!(VALIDATORS_MAX <= U256::BITS);

/// A checkpoint: what is signed, under its EIP-712 hash. In SCALE the four numbers, 8 bytes each, then the five hashes, 32 each.
// Where it is part of another object (`flatten`), serde gives it no fields but its own, so that it refuses none of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointFields {
    /// Its place in the sequence, from 1 without a gap.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Recoveries of the chain so far (R16), but at most one more than the checkpoint before has, as the contract asks for.
    #[serde(with = "quantity")]
    pub epoch: u64,
    /// Number of the validator set that signs.
    #[serde(with = "quantity")]
    pub set_id: u64,
    /// Number of the block that is anchored.
    #[serde(with = "quantity")]
    pub height: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// State root of that block.
    pub state_root: B256,
    /// Root over the hashes of the blocks since the checkpoint before.
    pub history_root: B256,
    /// Fingerprint of the checkpoint before; of the first, the genesis hash.
    pub parent: B256,
    /// Hash of the set that signs the next checkpoint.
    pub next_set_hash: B256,
}

/// A checkpoint and the signatures that somebody has of it, as many as there are. What the contract on the mainchain takes, if they are a
/// quorum's. In SCALE the checkpoint, the list of keys, the bitmap as 32 bytes with the highest first, and the signatures without a length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointBundle {
    /// What is signed.
    #[serde(flatten)]
    pub checkpoint: CheckpointFields,
    /// Checkpoint keys of the set that signs, in its order: 1 to [`VALIDATORS_MAX`].
    pub keys: Vec<Address>,
    /// Who signed: bit i for `keys[i]`.
    pub bitmap: U256,
    /// One signature per bit, from the lowest: r, s, v of 65 bytes.
    pub signatures: Bytes,
}

impl Encode for CheckpointFields {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        (self.index, self.epoch, self.set_id, self.height).encode_to(output);
        let hashes = [
            self.block_hash,
            self.state_root,
            self.history_root,
            self.parent,
            self.next_set_hash,
        ];
        for hash in hashes {
            output.write(hash.as_slice());
        }
    }
}

impl Decode for CheckpointFields {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let (index, epoch, set_id, height) = Decode::decode(input)?;
        Ok(Self {
            index,
            epoch,
            set_id,
            height,
            block_hash: B256::new(decode_array(input)?),
            state_root: B256::new(decode_array(input)?),
            history_root: B256::new(decode_array(input)?),
            parent: B256::new(decode_array(input)?),
            next_set_hash: B256::new(decode_array(input)?),
        })
    }
}

impl Encode for CheckpointBundle {
    fn size_hint(&self) -> usize {
        256 + self.keys.len() * 20 + self.signatures.len()
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        self.checkpoint.encode_to(output);
        encode_length(self.keys.len(), output);
        for key in &self.keys {
            output.write(key.as_slice());
        }
        output.write(&self.bitmap.to_be_bytes::<32>());
        output.write(&self.signatures);
    }
}

impl Decode for CheckpointBundle {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let checkpoint = Decode::decode(input)?;
        let count = decode_length(input, VALIDATORS_MAX)?;
        if count == 0 {
            return Err("a checkpoint that no set signs".into());
        }
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(Address::new(decode_array(input)?));
        }
        let bitmap = U256::from_be_bytes::<32>(decode_array(input)?);
        if bitmap.bit_len() > count {
            return Err("a bitmap beyond its set".into());
        }
        let mut signatures = vec![0; bitmap.count_ones() * CHECKPOINT_SIGNATURE_BYTES];
        input.read(&mut signatures)?;
        Ok(Self {
            checkpoint,
            keys,
            bitmap,
            signatures: signatures.into(),
        })
    }
}
