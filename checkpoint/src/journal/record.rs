//! How is a record written? SCALE, each kind with a number that never changes its meaning.
//!
//! Called by the journal. Golden bytes hold the format (`tests/it/journal.rs`).

use alloy_primitives::{Address, B256, Bytes, U256};
use ledger_chainspec::CheckpointFields;
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::{
    numbers::{BlockNumber, Index, Nonce, Point},
    outbox::{Anchored, Attempt, Record, Settled},
    statement::{Anchor, Bundle, checkpoint_of, fields_of},
};

/// What a journal is about; its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Opening {
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The contract there.
    pub contract: [u8; 20],
}

impl From<&Anchor> for Opening {
    fn from(anchor: &Anchor) -> Self {
        Self {
            mainchain_id: anchor.mainchain_id,
            contract: anchor.contract.0.0,
        }
    }
}

#[derive(Encode, Decode)]
struct StoredPoint {
    number: BlockNumber,
    hash: [u8; 32],
}

#[derive(Encode, Decode)]
struct StoredBundle {
    checkpoint: CheckpointFields,
    keys: Vec<[u8; 20]>,
    bitmap: [u8; 32],
    signatures: Vec<u8>,
}

#[derive(Encode, Decode)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "what the macro makes of the numbers, which fit"
)]
enum Stored {
    #[codec(index = 1)]
    Taken(StoredBundle),
    #[codec(index = 2)]
    Signed {
        index: Index,
        nonce: Nonce,
        gas_price_wei: u128,
        hash: [u8; 32],
        raw: Vec<u8>,
    },
    #[codec(index = 3)]
    Anchored {
        index: Index,
        block: StoredPoint,
        by: Option<[u8; 32]>,
    },
    #[codec(index = 4)]
    Lost { index: Index },
    #[codec(index = 5)]
    Dropped { index: Index, hash: [u8; 32] },
    #[codec(index = 6)]
    Settled {
        index: Index,
        fingerprint: [u8; 32],
        block: StoredPoint,
    },
}

/// The record's bytes.
pub fn encode(record: &Record) -> Vec<u8> {
    let stored = match record {
        Record::Taken(bundle) => Stored::Taken(store_bundle(bundle)),
        Record::Signed { index, attempt } => Stored::Signed {
            index: *index,
            nonce: attempt.nonce,
            gas_price_wei: attempt.gas_price_wei,
            hash: attempt.hash.0,
            raw: attempt.raw.to_vec(),
        },
        Record::Anchored { index, anchored } => Stored::Anchored {
            index: *index,
            block: store_point(&anchored.block),
            by: anchored.by.map(|hash| hash.0),
        },
        Record::Lost { index } => Stored::Lost { index: *index },
        Record::Dropped { index, hash } => Stored::Dropped {
            index: *index,
            hash: hash.0,
        },
        Record::Settled(settled) => Stored::Settled {
            index: settled.index,
            fingerprint: settled.fingerprint.0,
            block: store_point(&settled.block),
        },
    };
    stored.encode()
}

/// The record behind all of `bytes`; none if they are not one.
pub fn decode(bytes: &[u8]) -> Option<Record> {
    Some(match Stored::decode_all(&mut &bytes[..]).ok()? {
        Stored::Taken(bundle) => Record::Taken(load_bundle(bundle)),
        Stored::Signed {
            index,
            nonce,
            gas_price_wei,
            hash,
            raw,
        } => Record::Signed {
            index,
            attempt: Attempt {
                nonce,
                gas_price_wei,
                hash: B256::new(hash),
                raw: raw.into(),
            },
        },
        Stored::Anchored { index, block, by } => Record::Anchored {
            index,
            anchored: Anchored {
                block: load_point(&block),
                by: by.map(B256::new),
            },
        },
        Stored::Lost { index } => Record::Lost { index },
        Stored::Dropped { index, hash } => Record::Dropped {
            index,
            hash: B256::new(hash),
        },
        Stored::Settled {
            index,
            fingerprint,
            block,
        } => Record::Settled(Settled {
            index,
            fingerprint: B256::new(fingerprint),
            block: load_point(&block),
        }),
    })
}

fn store_point(point: &Point) -> StoredPoint {
    StoredPoint {
        number: point.number,
        hash: point.hash.0,
    }
}

fn load_point(stored: &StoredPoint) -> Point {
    Point {
        number: stored.number,
        hash: B256::new(stored.hash),
    }
}

fn store_bundle(bundle: &Bundle) -> StoredBundle {
    StoredBundle {
        checkpoint: fields_of(&bundle.checkpoint),
        keys: bundle.keys.iter().map(|key| key.0.0).collect(),
        bitmap: bundle.bitmap.to_be_bytes(),
        signatures: bundle.signatures.to_vec(),
    }
}

fn load_bundle(stored: StoredBundle) -> Bundle {
    Bundle {
        checkpoint: checkpoint_of(&stored.checkpoint),
        keys: stored.keys.into_iter().map(Address::new).collect(),
        bitmap: U256::from_be_bytes(stored.bitmap),
        signatures: Bytes::from(stored.signatures),
    }
}
