//! What do nodes tell each other about checkpoints? A validator's signature under one, and checkpoints with the signatures that are known.
//!
//! What is signed, and by whom, is the mainchain contract's business (`ICheckpoint.sol`): here are the bytes and their bounds. Never
//! checks a signature.

use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::VALIDATORS_MAX;
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use crate::codec::{decode_array, decode_length, encode_length};

/// Bytes of a signature: r, s, v.
pub const CHECKPOINT_SIGNATURE_BYTES: usize = 65;

/// Longest message of the checkpoints topic: one signature and what it is under, with room to spare.
pub const CHECKPOINT_BYTES_MAX: usize = 512;

/// Most checkpoints that one request may ask for.
pub const CHECKPOINTS_PER_REQUEST_MAX: u32 = 16;

/// Longest checkpoint with all its signatures.
pub(crate) const SIGNED_CHECKPOINT_BYTES_MAX: usize =
    4 * 8 + 5 * 32 + 4 + VALIDATORS_MAX * (20 + CHECKPOINT_SIGNATURE_BYTES) + 32;

const _: () = assert!(CHECKPOINT_BYTES_MAX > 1 + 8 + 20 + 8 + 8 + 32 + CHECKPOINT_SIGNATURE_BYTES);
// A bit for every key.
const _: () = assert!(VALIDATORS_MAX <= U256::BITS);

/// The contract on a mainchain that checkpoints are signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointAnchor {
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The contract there.
    pub contract: Address,
}

/// What is signed; the fields of `Checkpoint` in `CheckpointTypes.sol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointStatement {
    /// Its place in the sequence, from 1.
    pub index: u64,
    /// Recoveries so far.
    pub epoch: u64,
    /// Number of the validator set that signs.
    pub set_id: u64,
    /// Number of the block that is anchored.
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

/// A checkpoint and the signatures that somebody has of it, as many as there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub statement: CheckpointStatement,
    /// Checkpoint keys of the set that signs, in its order: 1 to [`VALIDATORS_MAX`].
    pub keys: Vec<Address>,
    /// Who signed: bit i for `keys[i]`.
    pub bitmap: U256,
    /// One signature per bit, from the lowest.
    pub signatures: Vec<[u8; CHECKPOINT_SIGNATURE_BYTES]>,
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

impl Encode for CheckpointStatement {
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

impl Decode for CheckpointStatement {
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

impl Encode for SignedCheckpoint {
    fn size_hint(&self) -> usize {
        256 + self.keys.len() * 20 + self.signatures.len() * CHECKPOINT_SIGNATURE_BYTES
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        self.statement.encode_to(output);
        encode_length(self.keys.len(), output);
        for key in &self.keys {
            output.write(key.as_slice());
        }
        output.write(&self.bitmap.to_be_bytes::<32>());
        for signature in &self.signatures {
            output.write(signature);
        }
    }
}

impl Decode for SignedCheckpoint {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let statement = Decode::decode(input)?;
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
        let mut signatures = Vec::new();
        for _ in 0..bitmap.count_ones() {
            signatures.push(decode_array(input)?);
        }
        Ok(Self {
            statement,
            keys,
            bitmap,
            signatures,
        })
    }
}
