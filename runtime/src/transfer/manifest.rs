//! Which certified block is a state of, and how does one who knows the specification alone know that it is final?
//!
//! The first validators are in the specification. Each change of the set is in a block that names the next set by its hash, and
//! that the set before made final (R10): a handover. They lead to the set that certified the block. What they cannot tell is
//! whether keys of validators of long ago were stolen since: whoever has a quorum of an old set's keys can lead elsewhere.
//! Checkpoints on the mainchain are against that (R15), and are the node's affair.

use alloy_rlp::{Decodable, Encodable};
use ledger_chainspec::{
    BlockNumber, ChainSpec, FinalityCertificate, GenesisHash, Header, SealedHeader, SetId, ValidatorSet, digest_of,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use super::ManifestFault;
use crate::store::{Store, StoreError};

/// Version of the form of manifests; the first byte of each.
const MANIFEST_VERSION: u8 = 1;

/// Longest manifest. A handover takes some kilobytes, so that a chain can have changed its validators thousands of times.
pub const MANIFEST_BYTES_MAX: usize = 8 << 20;

#[derive(Encode, Decode)]
struct ManifestRecord {
    header: Vec<u8>,
    certificate: FinalityCertificate,
    handovers: Vec<HandoverRecord>,
}

#[derive(Clone, Encode, Decode)]
struct HandoverRecord {
    header: Vec<u8>,
    certificate: FinalityCertificate,
    set: ValidatorSet,
}

/// A final block that handed over to another validator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The block's header and hash.
    pub header: SealedHeader,
    /// What made it final, by the set before.
    pub certificate: FinalityCertificate,
    /// The set from the next block on.
    pub set: ValidatorSet,
}

/// What leads to a state: its block, and why that is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateManifest {
    /// The block's header and hash.
    pub header: SealedHeader,
    /// What made it final.
    pub certificate: FinalityCertificate,
    /// Every change of the validator set up to this block, from the first one on.
    pub handovers: Vec<Handover>,
}

impl StateManifest {
    /// Reads what [`Runtime::state_manifest`](crate::Runtime::state_manifest) gave.
    ///
    /// # Errors
    /// [`ManifestFault`] if it is nothing of the kind. Whether it is true is for [`Self::check`] to say.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestFault> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestFault::TooLong { bytes: bytes.len() });
        }
        let malformed = || ManifestFault::Malformed { bytes: bytes.len() };
        let (&version, mut rest) = bytes.split_first().ok_or_else(malformed)?;
        if version != MANIFEST_VERSION {
            return Err(ManifestFault::Version { got: version });
        }
        let record = ManifestRecord::decode_all(&mut rest).map_err(|_| malformed())?;
        let handover = |handover: HandoverRecord| {
            Some(Handover {
                header: sealed(&handover.header)?,
                certificate: handover.certificate,
                set: handover.set,
            })
        };
        Ok(Self {
            header: sealed(&record.header).ok_or_else(malformed)?,
            certificate: record.certificate,
            handovers: record
                .handovers
                .into_iter()
                .map(handover)
                .collect::<Option<_>>()
                .ok_or_else(malformed)?,
        })
    }

    /// The bytes of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let record = ManifestRecord {
            header: alloy_rlp::encode(&self.header.header),
            certificate: self.certificate.clone(),
            handovers: self.handovers.iter().map(Handover::record).collect(),
        };
        (MANIFEST_VERSION, record).encode()
    }

    /// The block's number.
    #[must_use]
    pub const fn number(&self) -> BlockNumber {
        BlockNumber::new(self.header.header.number)
    }

    /// Whether the block is final on the chain of `spec`, whose genesis is `genesis`: every certificate, from the first
    /// validators on. Gives all validator sets up to the one that governs the next block.
    ///
    /// # Errors
    /// [`ManifestFault`] at the first thing that is not so.
    pub fn check(&self, spec: &ChainSpec, genesis: GenesisHash) -> Result<Vec<ValidatorSet>, ManifestFault> {
        let mut sets = vec![spec.validator_set()];
        let mut before = 0;
        for handover in &self.handovers {
            let number = handover.header.header.number;
            let set = sets.last().expect("it begins with one");
            if number <= before || number > self.header.header.number {
                let block = BlockNumber::new(number);
                return Err(ManifestFault::BlockOrder { block });
            }
            before = number;
            final_by(&handover.header, &handover.certificate, set, genesis)?;
            let expected = SetId::new(set.id().get().saturating_add(1));
            if handover.set.id() != expected {
                return Err(ManifestFault::SetOrder {
                    got: handover.set.id(),
                    expected,
                });
            }
            names(&handover.header, &handover.set)?;
            sets.push(handover.set.clone());
        }
        if self.header.header.number == 0 {
            return Err(ManifestFault::Genesis);
        }
        // A block that changes the set was made final by the set before.
        let is_handover = self.handovers.last().is_some_and(|last| last.header == self.header);
        let signers = sets.len() - 1 - usize::from(is_handover);
        final_by(&self.header, &self.certificate, &sets[signers], genesis)?;
        names(&self.header, sets.last().expect("it begins with one"))?;
        Ok(sets)
    }
}

impl Handover {
    fn record(&self) -> HandoverRecord {
        HandoverRecord {
            header: alloy_rlp::encode(&self.header.header),
            certificate: self.certificate.clone(),
            set: self.set.clone(),
        }
    }

    /// As the database keeps it when its block is not kept.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.record().encode()
    }

    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let record = HandoverRecord::decode_all(&mut bytes).ok()?;
        Some(Self {
            header: sealed(&record.header)?,
            certificate: record.certificate,
            set: record.set,
        })
    }
}

/// A header that fills its bytes, and is written in no other way.
pub(super) fn sealed(bytes: &[u8]) -> Option<SealedHeader> {
    let mut rest = bytes;
    let header = Header::decode(&mut rest).ok()?;
    (rest.is_empty() && header.length() == bytes.len() && alloy_rlp::encode(&header) == bytes)
        .then(|| SealedHeader::new(header))
}

fn final_by(
    block: &SealedHeader,
    certificate: &FinalityCertificate,
    set: &ValidatorSet,
    genesis: GenesisHash,
) -> Result<(), ManifestFault> {
    if certificate.hash != block.hash || certificate.height != block.number() {
        return Err(ManifestFault::OtherBlock {
            block: block.hash,
            certified: certificate.hash,
            height: certificate.height,
        });
    }
    certificate
        .verify(genesis, set)
        .map_err(|error| ManifestFault::Certificate {
            block: block.number(),
            error,
        })
}

fn names(block: &SealedHeader, set: &ValidatorSet) -> Result<(), ManifestFault> {
    let expected = digest_of(&block.header)?.next_set_hash;
    if expected == set.hash() {
        return Ok(());
    }
    Err(ManifestFault::OtherSet {
        block: block.number(),
        expected,
        got: set.hash(),
    })
}

/// The manifest of the state of a final block after genesis.
pub(super) fn of_block(store: &Store, header: SealedHeader) -> Result<Option<StateManifest>, StoreError> {
    let number = header.number();
    let Some(certificate) = store.certificate(number)? else {
        return Ok(None);
    };
    let next = next_set_id(store, number)?;
    let mut handovers = Vec::new();
    let mut after = 1;
    for id in 1..=next.get() {
        let Some(handover) = handover_to(store, SetId::new(id), (after, number.get()))? else {
            return Ok(None);
        };
        after = handover.header.header.number + 1;
        handovers.push(handover);
    }
    Ok(Some(StateManifest {
        header,
        certificate,
        handovers,
    }))
}

/// The id of the set that governs the block after `number`: of its certificate, or of the head's next set.
fn next_set_id(store: &Store, number: BlockNumber) -> Result<SetId, StoreError> {
    let child = BlockNumber::new(number.get() + 1);
    let head = store.head();
    match store.certificate(child)? {
        Some(certificate) => Ok(certificate.set_id),
        None => Ok(head.map_or(SetId::new(0), |head| head.set.id())),
    }
}

/// The block that handed over to set `id`, which is between the blocks `first` and `last`: the last one that the set before governed.
fn handover_to(store: &Store, id: SetId, (first, last): (u64, u64)) -> Result<Option<Handover>, StoreError> {
    if let Some(bytes) = store.kept_handover(id)? {
        return Ok(Handover::from_bytes(&bytes));
    }
    let governs = |number: u64| -> Result<bool, StoreError> {
        let certificate = store.certificate(BlockNumber::new(number))?;
        Ok(certificate.is_some_and(|certificate| certificate.set_id < id))
    };
    // The last block of which this holds, which it does of the first.
    let (mut low, mut high) = (first.max(store.oldest_block().get()), last);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if governs(middle)? {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let number = BlockNumber::new(low);
    let parts = (
        store.header(number)?,
        store.certificate(number)?,
        store.validator_set(id)?,
    );
    let (Some(header), Some(certificate), Some(set)) = parts else {
        return Ok(None);
    };
    Ok(Some(Handover {
        header,
        certificate,
        set,
    }))
}
