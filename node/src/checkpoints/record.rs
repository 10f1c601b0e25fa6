//! What has a checkpoint key signed, and may it sign this? Pure: [`worker`](super::worker) keeps the record on disk, in a
//! [`GuardStore`](crate::signer::GuardStore) of its own beside the consensus key's, and syncs it before a signature leaves.
//!
//! A lost record. Nobody knows what the key has signed then, so that a fresh record begins with the slot in which it was made, and
//! checkpoints of blocks up to that slot are not signed: whatever the key has signed before was of an earlier block. The price is
//! the signature under the checkpoints that were open at that moment, which the other validators can do without.

use alloy_primitives::{Address, B256};
use ledger_chainspec::{
    Slot,
    codec::{decode_array, decode_length, encode_length},
};
use ledger_checkpoint::statement::Anchor;
use parity_scale_codec::{Decode, DecodeAll, Encode, Error, Input, Output};

/// Checkpoints of one contract that are remembered, the newest: as many as can wait for signatures at once, so that after a crash each
/// of them can be signed again, which is no second statement.
pub const REMEMBERED_MAX: usize = 256;

/// Contracts whose checkpoints one key can sign. None is ever forgotten, and governance has no use for as many.
pub const CONTRACTS_MAX: usize = 64;

/// First byte of a record: its layout.
const VERSION: u8 = 1;

/// A checkpoint that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its epoch.
    pub epoch: u64,
    /// Its index.
    pub index: u64,
    /// Its fingerprint.
    pub fingerprint: B256,
}

/// Everything that a checkpoint key has signed, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRecord {
    key: Address,
    since: Slot,
    /// By contract, the newest last, rising.
    signed: Vec<(Anchor, Vec<Signed>)>,
}

/// Permission to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The very same was signed before: a signature more says nothing new.
    Again,
    /// This record has to be on disk first.
    Record(SignedRecord),
}

/// Why something may not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another fingerprint was signed for the same place.
    #[error(
        "this key has signed {signed} for epoch {epoch} and index {index}, and a second checkpoint there would be an equivocation"
    )]
    Other {
        /// The epoch.
        epoch: u64,
        /// The index.
        index: u64,
        /// What was signed.
        signed: B256,
    },
    /// The key is further, and what it signed there is not remembered.
    #[error("this key has signed epoch {epoch} and index {index} already, and signs none before")]
    Behind {
        /// Epoch of the newest one.
        epoch: u64,
        /// Index of the newest one.
        index: u64,
    },
    /// The block is from before the record.
    #[error(
        "the record of what this key signed begins after slot {since}, and the checkpoint's block is of slot {slot}"
    )]
    BeforeRecord {
        /// The last slot that is not signed for.
        since: Slot,
        /// The block's.
        slot: Slot,
    },
    /// Too many contracts.
    #[error("this key has signed for {CONTRACTS_MAX} contracts, the most that its record holds: use another key")]
    Contracts,
}

/// Why bytes are no record of this key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not the bytes of one.
    #[error("the record of what the checkpoint key signed cannot be read: {0}")]
    Malformed(String),
    /// Another key's.
    #[error("the record is of what the key {got} signed, and this node signs with {expected}")]
    OtherKey {
        /// The record's.
        got: Address,
        /// The node's.
        expected: Address,
    },
}

impl SignedRecord {
    /// The record of a key of which nothing is known, begun in slot `since`.
    #[must_use]
    pub const fn begin(key: Address, since: Slot) -> Self {
        Self {
            key,
            since,
            signed: Vec::new(),
        }
    }

    /// Reads what [`SignedRecord::to_bytes`] wrote, of the key `expected`.
    ///
    /// # Errors
    /// [`RecordError`] for anything else.
    pub fn of(expected: Address, bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Self::from_bytes(bytes)?;
        match record.key == expected {
            true => Ok(record),
            false => Err(RecordError::OtherKey {
                got: record.key,
                expected,
            }),
        }
    }

    /// Reads what [`SignedRecord::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`RecordError::Malformed`] for anything but exactly one record within its bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        Self::decode_all(&mut &*bytes).map_err(|error| RecordError::Malformed(error.to_string()))
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> Address {
        self.key
    }

    /// The newest checkpoint that was signed for `anchor`.
    #[must_use]
    pub fn newest(&self, anchor: &Anchor) -> Option<Signed> {
        self.of_anchor(anchor).last().copied()
    }

    /// Permission to sign `wanted` for `anchor`, a checkpoint of a block of slot `slot`.
    ///
    /// # Errors
    /// [`Refusal`] if the key may have said, or has said, something else there.
    pub fn permit(&self, anchor: &Anchor, wanted: Signed, slot: Slot) -> Result<Permit, Refusal> {
        let place = |signed: &Signed| (signed.epoch, signed.index);
        let known = self.of_anchor(anchor);
        if let Some(same) = known.iter().find(|signed| place(signed) == place(&wanted)) {
            return match same.fingerprint == wanted.fingerprint {
                true => Ok(Permit::Again),
                false => Err(Refusal::Other {
                    epoch: same.epoch,
                    index: same.index,
                    signed: same.fingerprint,
                }),
            };
        }
        if let Some(newest) = known.last().filter(|newest| place(newest) > place(&wanted)) {
            let (epoch, index) = place(newest);
            return Err(Refusal::Behind { epoch, index });
        }
        if slot <= self.since {
            let since = self.since;
            return Err(Refusal::BeforeRecord { since, slot });
        }
        self.with(anchor, wanted).map(Permit::Record)
    }

    fn of_anchor(&self, anchor: &Anchor) -> &[Signed] {
        let found = self.signed.iter().find(|(known, _)| known == anchor);
        found.map_or(&[], |(_, signed)| signed)
    }

    /// This record and `newest`.
    fn with(&self, anchor: &Anchor, newest: Signed) -> Result<Self, Refusal> {
        let mut record = self.clone();
        let contracts = record.signed.len();
        match record.signed.iter_mut().find(|(known, _)| known == anchor) {
            Some((_, signed)) => {
                signed.push(newest);
                let surplus = signed.len().saturating_sub(REMEMBERED_MAX);
                signed.drain(..surplus);
            }
            None if contracts >= CONTRACTS_MAX => return Err(Refusal::Contracts),
            None => record.signed.push((*anchor, vec![newest])),
        }
        Ok(record)
    }
}

impl Encode for SignedRecord {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        output.push_byte(VERSION);
        output.write(self.key.as_slice());
        self.since.encode_to(output);
        encode_length(self.signed.len(), output);
        for (anchor, signed) in &self.signed {
            anchor.mainchain_id.encode_to(output);
            output.write(anchor.contract.as_slice());
            encode_length(signed.len(), output);
            for one in signed {
                (one.epoch, one.index).encode_to(output);
                output.write(one.fingerprint.as_slice());
            }
        }
    }
}

impl Decode for SignedRecord {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        if input.read_byte()? != VERSION {
            return Err("a record of an unknown version".into());
        }
        let (key, since) = (Address::new(decode_array(input)?), Decode::decode(input)?);
        let mut signed: Vec<(Anchor, Vec<Signed>)> = Vec::new();
        for _ in 0..decode_length(input, CONTRACTS_MAX)? {
            let anchor = Anchor {
                mainchain_id: Decode::decode(input)?,
                contract: Address::new(decode_array(input)?),
            };
            if signed.iter().any(|(known, _)| *known == anchor) {
                return Err("a contract that is there twice".into());
            }
            let mut of_anchor: Vec<Signed> = Vec::new();
            for _ in 0..decode_length(input, REMEMBERED_MAX)? {
                let (epoch, index) = Decode::decode(input)?;
                if of_anchor
                    .last()
                    .is_some_and(|before| (before.epoch, before.index) >= (epoch, index))
                {
                    return Err("checkpoints that do not rise".into());
                }
                let fingerprint = B256::new(decode_array(input)?);
                of_anchor.push(Signed {
                    epoch,
                    index,
                    fingerprint,
                });
            }
            if of_anchor.is_empty() {
                return Err("a contract for which nothing was signed".into());
            }
            signed.push((anchor, of_anchor));
        }
        Ok(Self { key, since, signed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR: Anchor = Anchor {
        mainchain_id: 61,
        contract: Address::repeat_byte(7),
    };

    fn place(epoch: u64, index: u64, fingerprint: u8) -> Signed {
        Signed {
            epoch,
            index,
            fingerprint: B256::repeat_byte(fingerprint),
        }
    }

    fn slot(slot: u64) -> Slot {
        Slot::new(slot)
    }

    /// The record after signing these.
    fn after(signed: &[Signed]) -> SignedRecord {
        let begun = SignedRecord::begin(Address::repeat_byte(1), slot(10));
        signed.iter().fold(begun, |record, one| {
            let Ok(Permit::Record(record)) = record.permit(&ANCHOR, *one, slot(11)) else {
                panic!("{one:?} is refused");
            };
            record
        })
    }

    #[test]
    fn a_place_is_signed_once_and_the_same_again() {
        let record = after(&[place(0, 1, 1), place(0, 2, 2), place(1, 3, 3)]);
        assert_eq!(record.permit(&ANCHOR, place(0, 2, 2), slot(1)), Ok(Permit::Again));
        let refused = record.permit(&ANCHOR, place(0, 2, 9), slot(11));
        assert!(matches!(refused, Err(Refusal::Other { index: 2, .. })), "{refused:?}");
        let refused = record.permit(&ANCHOR, place(0, 4, 9), slot(11));
        assert_eq!(refused, Err(Refusal::Behind { epoch: 1, index: 3 }));
        // A recovery takes up the sequence from before the attack.
        assert!(matches!(
            record.permit(&ANCHOR, place(2, 2, 9), slot(11)),
            Ok(Permit::Record(_))
        ));
    }

    #[test]
    fn another_contract_is_another_sequence() {
        let record = after(&[place(0, 7, 1)]);
        let other = Anchor {
            mainchain_id: 63,
            ..ANCHOR
        };
        assert!(matches!(
            record.permit(&other, place(0, 1, 2), slot(11)),
            Ok(Permit::Record(_))
        ));
    }

    #[test]
    fn nothing_of_before_the_record_is_signed() {
        let record = after(&[]);
        let refused = record.permit(&ANCHOR, place(0, 1, 1), slot(10));
        assert!(matches!(refused, Err(Refusal::BeforeRecord { .. })), "{refused:?}");
    }

    #[test]
    fn the_record_stays_small_and_forgets_no_order() {
        let many: Vec<_> = (1..=REMEMBERED_MAX as u64 + 9)
            .map(|index| place(0, index, 1))
            .collect();
        let record = after(&many);
        assert_eq!(record.of_anchor(&ANCHOR).len(), REMEMBERED_MAX);
        assert!(matches!(
            record.permit(&ANCHOR, place(0, 9, 1), slot(11)),
            Err(Refusal::Behind { .. })
        ));
        assert_eq!(SignedRecord::from_bytes(&record.to_bytes()), Ok(record));
    }

    #[test]
    fn its_bytes_are_these() {
        let record = after(&[place(0, 1, 0xaa)]);
        let expected = format!(
            "01{}{}04{}{}04{}{}{}",
            "01".repeat(20),
            "0a00000000000000",
            "3d00000000000000",
            "07".repeat(20),
            "0000000000000000",
            "0100000000000000",
            "aa".repeat(32),
        );
        assert_eq!(hex::encode(record.to_bytes()), expected);
        let other = SignedRecord::of(Address::repeat_byte(2), &record.to_bytes());
        assert!(matches!(other, Err(RecordError::OtherKey { .. })), "{other:?}");
    }
}
