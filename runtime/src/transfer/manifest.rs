//! Which certified block is a state of, and how does one who knows the specification alone know that it is final?
//!
//! The first validators are in the specification. Each change of the set is in a block that names the next set by its hash, and
//! that the set before made final (R10): a handover. They lead to the set that certified the block. What they cannot tell is
//! whether keys of validators of long ago were stolen since: whoever has a quorum of an old set's keys can lead elsewhere.
//! Checkpoints on the mainchain are against that (R15), and are the node's affair.

use ledger_chainspec::{
    BlockNumber, ChainSpec, FinalityCertificate, GenesisHash, Handover, SealedHeader, SetId, ValidatorSet,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use super::ManifestFault;
use crate::{
    Runtime,
    store::{Store, StoreError},
};

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
        Ok(Self {
            header: SealedHeader::from_rlp(&record.header).ok_or_else(malformed)?,
            certificate: record.certificate,
            handovers: record
                .handovers
                .into_iter()
                .map(HandoverRecord::handover)
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
            handovers: self.handovers.iter().map(HandoverRecord::of).collect(),
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
            handover.check(set, genesis)?;
            sets.push(handover.set.clone());
        }
        if self.header.header.number == 0 {
            return Err(ManifestFault::Genesis);
        }
        // A block that changes the set was made final by the set before.
        let is_handover = self.handovers.last().is_some_and(|last| last.header == self.header);
        let signers = sets.len() - 1 - usize::from(is_handover);
        self.certificate.makes_final(&self.header, &sets[signers], genesis)?;
        self.header.hands_to(sets.last().expect("it begins with one"))?;
        Ok(sets)
    }
}

impl HandoverRecord {
    fn of(handover: &Handover) -> Self {
        Self {
            header: alloy_rlp::encode(&handover.header.header),
            certificate: handover.certificate.clone(),
            set: handover.set.clone(),
        }
    }

    fn handover(self) -> Option<Handover> {
        Some(Handover {
            header: SealedHeader::from_rlp(&self.header)?,
            certificate: self.certificate,
            set: self.set,
        })
    }
}

/// A handover as the database keeps it when its block is not kept.
pub(super) fn handover_bytes(handover: &Handover) -> Vec<u8> {
    HandoverRecord::of(handover).encode()
}

fn kept_handover(mut bytes: &[u8]) -> Option<Handover> {
    HandoverRecord::decode_all(&mut bytes).ok()?.handover()
}

/// The manifest of the state of a final block after genesis.
pub(super) fn of_block(store: &Store, header: SealedHeader) -> Result<Option<StateManifest>, StoreError> {
    let number = header.number();
    let Some(certificate) = store.certificate(number)? else {
        return Ok(None);
    };
    // Genesis hands over to set 0, and need not be kept here.
    let first = (BlockNumber::new(0), SetId::new(0));
    let handovers = handovers(store, first, number)?;
    Ok(handovers.map(|handovers| StateManifest {
        header,
        certificate,
        handovers,
    }))
}

/// The handovers in the blocks after `from`, after which the set `first` governs, up to `to`; none if one of them is not kept.
fn handovers(
    store: &Store,
    (from, first): (BlockNumber, SetId),
    to: BlockNumber,
) -> Result<Option<Vec<Handover>>, StoreError> {
    let (first, last) = (first.get(), next_set_id(store, to)?.get());
    let mut handovers = Vec::new();
    let mut after = from.get().saturating_add(1);
    for id in first.saturating_add(1)..=last {
        let Some(handover) = handover_to(store, SetId::new(id), (after, to.get()))? else {
            return Ok(None);
        };
        after = handover.header.header.number.saturating_add(1);
        handovers.push(handover);
    }
    Ok(Some(handovers))
}

impl Runtime {
    /// The validator set that governs the block after `number`; none if there is no such block, or the set is not known.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails, or the block is no longer kept.
    pub fn next_set(&self, number: BlockNumber) -> Result<Option<ValidatorSet>, StoreError> {
        if number > self.head().number() {
            return Ok(None);
        }
        let store = self.store();
        store.validator_set(next_set_id(store, number)?)
    }

    /// Every change of the validator set in the blocks after `from` up to `to`, `most` of them at most; none if one of them is not kept
    /// here, or there are more.
    ///
    /// # Errors
    /// As [`Self::next_set`].
    pub fn handovers(
        &self,
        from: BlockNumber,
        to: BlockNumber,
        most: u64,
    ) -> Result<Option<Vec<Handover>>, StoreError> {
        let store = self.store();
        let (first, last) = (next_set_id(store, from)?, next_set_id(store, to)?);
        match last.get().saturating_sub(first.get()) > most {
            true => Ok(None),
            false => handovers(store, (from, first), to),
        }
    }
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
        return Ok(kept_handover(&bytes));
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
