//! Who are the validators of a height, whose turn is a slot, and how many of them are enough?
//!
//! A set is read from the Bootstrap contract (or from the specification, at genesis) and handed to the engine, to whoever
//! checks certificates, and to the database. Never changes: a change makes a new set with the next id (R10).

use std::collections::BTreeSet;

use alloy_primitives::{Address, keccak256};
use parity_scale_codec::{Decode, Encode, Error as CodecError, Input, Output};
use thiserror::Error;

use crate::{
    codec::{decode_array, decode_list},
    ids::{ConsensusKey, MemberId, SetId, Slot, ValidatorSetHash},
};

/// Most validators in a set. Bounds a certificate, and with it every header and every message.
pub const VALIDATORS_MAX: usize = 128;

/// Longest peer id, in bytes: twice what the multihash of any key in use today needs.
pub const PEER_ID_BYTES_MAX: usize = 64;

/// One validator, as the Bootstrap contract knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Its key in the consensus.
    pub consensus_key: ConsensusKey,
    /// Its account in governance, and the coinbase of its blocks.
    pub account: Address,
    /// The address of the key that signs checkpoints for the mainchain.
    pub checkpoint_key: Address,
    /// Its libp2p peer id (the bytes of the multihash): 1 to [`PEER_ID_BYTES_MAX`] bytes.
    pub peer_id: Vec<u8>,
    /// The member cloud that runs it.
    pub member_id: MemberId,
}

impl Encode for Validator {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        self.consensus_key.encode_to(output);
        output.write(self.account.as_slice());
        output.write(self.checkpoint_key.as_slice());
        self.peer_id.encode_to(output);
        self.member_id.encode_to(output);
    }
}

impl Decode for Validator {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        Ok(Self {
            consensus_key: Decode::decode(input)?,
            account: Address::new(decode_array(input)?),
            checkpoint_key: Address::new(decode_array(input)?),
            peer_id: decode_list(input, PEER_ID_BYTES_MAX)?,
            member_id: Decode::decode(input)?,
        })
    }
}

/// A validator set: never empty, at most [`VALIDATORS_MAX`], nobody twice, in the order of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    id: SetId,
    validators: Vec<Validator>,
}

/// Why a list of validators is no set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SetError {
    /// Nobody could ever sign again.
    #[error("a validator set is empty")]
    Empty,
    /// More than certificates and headers have room for.
    #[error("a validator set has {count} validators; {VALIDATORS_MAX} is the most")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Two validators share what must be one's own.
    #[error("validators {first} and {second} have the same {field}")]
    Duplicate {
        /// Position of the earlier one, from 0.
        first: usize,
        /// Position of the later one.
        second: usize,
        /// What they share.
        field: &'static str,
    },
    /// The peer id is missing or longer than any key needs.
    #[error("validator {index} has a peer id of {bytes} bytes; 1 to {PEER_ID_BYTES_MAX} are possible")]
    PeerId {
        /// Position, from 0.
        index: usize,
        /// Length of the peer id.
        bytes: usize,
    },
}

/// How many of `size` validators decide: `q = floor(2n/3) + 1`. Two quorums share more than `f` validators.
pub const fn quorum_of(size: usize) -> usize {
    size.saturating_mul(2) / 3 + 1
}

impl ValidatorSet {
    /// The set with number `id` and these validators, in the order of the schedule.
    ///
    /// # Errors
    /// [`SetError`] for the first reason why they make no set.
    pub fn new(id: SetId, validators: Vec<Validator>) -> Result<Self, SetError> {
        if validators.is_empty() {
            return Err(SetError::Empty);
        }
        if validators.len() > VALIDATORS_MAX {
            return Err(SetError::TooMany {
                count: validators.len(),
            });
        }
        if let Some(index) = validators
            .iter()
            .position(|v| v.peer_id.is_empty() || v.peer_id.len() > PEER_ID_BYTES_MAX)
        {
            return Err(SetError::PeerId {
                index,
                bytes: validators[index].peer_id.len(),
            });
        }
        refuse_duplicates(&validators, "consensus key", |v| v.consensus_key.as_ref())?;
        refuse_duplicates(&validators, "account", |v| v.account.as_slice())?;
        refuse_duplicates(&validators, "checkpoint key", |v| v.checkpoint_key.as_slice())?;
        refuse_duplicates(&validators, "peer id", |v| v.peer_id.as_slice())?;
        Ok(Self { id, validators })
    }

    /// The set's number.
    pub const fn id(&self) -> SetId {
        self.id
    }

    /// How many validators there are: `n`, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub const fn len(&self) -> usize {
        self.validators.len()
    }

    /// How many of them decide ([`quorum_of`]).
    pub const fn quorum(&self) -> usize {
        quorum_of(self.validators.len())
    }

    /// How many may be faulty: `f = n - q`.
    pub const fn faults(&self) -> usize {
        self.validators.len() - self.quorum()
    }

    /// Whose turn `slot` is (R1).
    pub fn authority(&self, slot: Slot) -> &Validator {
        &self.validators[self.authority_index(slot)]
    }

    /// The position of the validator whose turn `slot` is.
    pub fn authority_index(&self, slot: Slot) -> usize {
        let turn = slot.get() % self.validators.len() as u64;
        usize::try_from(turn).expect("less than the number of validators, which is a usize")
    }

    /// The validator at a position of the schedule, from 0.
    pub fn get(&self, index: usize) -> Option<&Validator> {
        self.validators.get(index)
    }

    /// The position of the validator with this key.
    pub fn index_of(&self, key: &ConsensusKey) -> Option<usize> {
        self.validators
            .iter()
            .position(|validator| validator.consensus_key == *key)
    }

    /// The validators in the order of the schedule.
    pub fn iter(&self) -> std::slice::Iter<'_, Validator> {
        self.validators.iter()
    }

    /// keccak256 of the set's SCALE encoding: what a header commits to (R10).
    pub fn hash(&self) -> ValidatorSetHash {
        ValidatorSetHash::new(keccak256(self.encode()))
    }
}

impl<'a> IntoIterator for &'a ValidatorSet {
    type Item = &'a Validator;
    type IntoIter = std::slice::Iter<'a, Validator>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Encode for ValidatorSet {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        self.id.encode_to(output);
        self.validators.encode_to(output);
    }
}

impl Decode for ValidatorSet {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let id = Decode::decode(input)?;
        let validators = decode_list(input, VALIDATORS_MAX)?;
        Self::new(id, validators).map_err(|_| "a list of validators is no set".into())
    }
}

fn refuse_duplicates<'a>(
    validators: &'a [Validator],
    field: &'static str,
    value: fn(&'a Validator) -> &'a [u8],
) -> Result<(), SetError> {
    let mut seen = BTreeSet::new();
    for (second, validator) in validators.iter().enumerate() {
        if !seen.insert(value(validator)) {
            let first = validators.iter().position(|other| value(other) == value(validator));
            return Err(SetError::Duplicate {
                first: first.unwrap_or(second),
                second,
                field,
            });
        }
    }
    Ok(())
}
