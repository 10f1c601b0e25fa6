//! Which blocks did a recovery leave behind, and what of the indexes goes with them (R16)?
//!
//! A recovery block's state is that of an older block. The blocks between the two stay where they are; of the promo codes that they
//! issued, and of the ends that they brought to older ones, nothing is indexed any more, as if they had not been.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::U256;
use ledger_chainspec::{BlockNumber, DIGEST_VERSION_RECOVERY, Header, RecoveryPoint, digest_of};
use parity_scale_codec::{Decode, Encode};
use rocksdb::WriteBatch;

use super::columns::{code_key, meta, pending_end_key, recovery_key};
use super::{CodeChange, CodeRecord, Column, Store, StoreError, Tally};
use crate::receipts;

/// A recovery block, and what it went back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The recovery block.
    pub number: BlockNumber,
    /// What it went back to.
    pub point: RecoveryPoint,
}

impl Recovery {
    /// The recovery that the block with this header is, if it is one.
    pub(super) fn of(header: &Header) -> Result<Option<Self>, StoreError> {
        // Looked at first, since a digest holds a certificate.
        if header.extra_data.first() != Some(&DIGEST_VERSION_RECOVERY) {
            return Ok(None);
        }
        let key = header.number.to_be_bytes();
        let digest = digest_of(header).map_err(|error| StoreError::corrupt(Column::Headers, &key, error))?;
        let number = BlockNumber::new(header.number);
        Ok(digest.recovery.map(|point| Self { number, point }))
    }

    /// Whether it left this block behind.
    #[must_use]
    pub fn leaves(&self, block: BlockNumber) -> bool {
        self.point.height < block && block < self.number
    }
}

impl Store {
    /// Every recovery of this chain in the blocks that are kept, the oldest first.
    #[must_use]
    pub fn recoveries(&self) -> Arc<[Recovery]> {
        Arc::clone(&self.recoveries.read())
    }

    /// The first recovery that left this block behind.
    #[must_use]
    pub fn left_by(&self, block: BlockNumber) -> Option<Recovery> {
        self.recoveries.read().iter().copied().find(|one| one.leaves(block))
    }

    /// Reads them from disk.
    pub(super) fn load_recoveries(&self) -> Result<(), StoreError> {
        let read = |record: Result<super::RawRecord, StoreError>| {
            let (key, bytes) = record?;
            let corrupt = |what: &str| StoreError::corrupt(Column::Meta, &key, what);
            let number = key.last_chunk().ok_or_else(|| corrupt("without a block number"))?;
            let mut bytes = bytes.as_slice();
            let point = RecoveryPoint::decode(&mut bytes).ok().filter(|_| bytes.is_empty());
            Ok(Recovery {
                number: BlockNumber::new(u64::from_be_bytes(*number)),
                point: point.ok_or_else(|| corrupt("no recovery"))?,
            })
        };
        let found: Result<Vec<_>, StoreError> = self.records(Column::Meta, meta::RECOVERY).map(read).collect();
        *self.recoveries.write() = found?.into();
        Ok(())
    }

    /// Remembers a recovery, which the batch writes.
    pub(super) fn put_recovery(&self, batch: &mut WriteBatch, recovery: Recovery) {
        batch.put_cf(
            self.column(Column::Meta),
            recovery_key(recovery.number),
            recovery.point.encode(),
        );
    }

    /// From here on, readers know of it.
    pub(super) fn note_recovery(&self, recovery: Recovery) {
        let mut known = self.recoveries.write();
        let mut all: Vec<_> = known
            .iter()
            .copied()
            .filter(|one| one.number != recovery.number)
            .collect();
        all.push(recovery);
        all.sort_unstable_by_key(|one| one.number);
        *known = all.into();
    }

    /// What a recovery block writes beside its state.
    pub(super) fn put_back(&self, batch: &mut WriteBatch, recovery: Option<&Recovery>) -> Result<(), StoreError> {
        let Some(recovery) = recovery else { return Ok(()) };
        self.put_recovery(batch, *recovery);
        self.put_codes_back(batch, recovery)
    }

    /// Takes out of the index of promo codes, and of the counters of their use, what the blocks said that `recovery` leaves behind.
    fn put_codes_back(&self, batch: &mut WriteBatch, recovery: &Recovery) -> Result<(), StoreError> {
        let mut codes: BTreeMap<U256, Option<CodeRecord>> = BTreeMap::new();
        let (mut tally, mut expiries) = (Tally::default(), BTreeMap::new());
        for number in recovery.point.height.get() + 1..recovery.number.get() {
            let number = BlockNumber::new(number);
            let header = self
                .header(number)?
                .ok_or_else(|| StoreError::missing(Column::Headers, &number.get().to_be_bytes()))?;
            // What an earlier recovery left behind is taken out already.
            if !receipts::may_change_codes(&header.header.logs_bloom) || self.left_by(number).is_some() {
                continue;
            }
            let now = header.header.timestamp;
            let plain: Vec<_> = self.receipts(number)?.into_iter().map(|one| one.receipt).collect();
            for change in receipts::code_changes(&plain) {
                let (CodeChange::Issued { id, .. } | CodeChange::Ended { id, .. }) = change;
                let record = match codes.get(&id) {
                    Some(record) => *record,
                    None => *codes.entry(id).or_insert(self.promo_code(&id)?),
                };
                match change {
                    CodeChange::Issued { expires_at, .. } => {
                        tally.issued(&id, now, expires_at, None);
                        expiries.insert(id, expires_at);
                    }
                    CodeChange::Ended { kind, member, .. } => {
                        let expires_at = match (expiries.get(&id), record) {
                            (Some(expires_at), _) => Some(*expires_at),
                            (None, Some(record)) => Some(self.expiry(&id, record.issued.block)?),
                            (None, None) => None,
                        };
                        tally.ended(&id, now, (kind, member), expires_at);
                    }
                }
            }
        }
        self.put_usage_back(batch, tally, expiries.keys())?;
        for (id, record) in codes {
            let column = self.column(Column::Codes);
            match record {
                Some(record) if recovery.leaves(record.issued.block) => batch.delete_cf(column, code_key(&id)),
                Some(record) => {
                    let end = record.end.filter(|end| !recovery.leaves(end.at.block));
                    batch.put_cf(column, code_key(&id), CodeRecord { end, ..record }.to_bytes());
                }
                // It was issued before the oldest block that is kept.
                None => batch.delete_cf(self.column(Column::Meta), pending_end_key(&id)),
            }
        }
        Ok(())
    }
}
