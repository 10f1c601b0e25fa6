//! What does a block do to the index of promo codes, and to the counters of their use? Written with the block, in its batch.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use ledger_chainspec::SealedHeader;
use rocksdb::WriteBatch;

use super::columns::code_key;
use super::{CodeEnd, CodeEndKind, CodeRecord, Column, Store, StoreError, Tally, TxLocation};

/// Something that happened to a promo code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeChange {
    /// It was issued.
    Issued {
        /// The code's id in the contract.
        id: U256,
        /// Index in the block of the issuing transaction.
        index: u32,
        /// When it expires, in seconds since the Unix epoch.
        expires_at: u64,
    },
    /// It ended.
    Ended {
        /// The code's id in the contract.
        id: U256,
        /// How.
        kind: CodeEndKind,
        /// Member id of the cloud that redeemed it; 0 if it ended otherwise.
        member: u32,
        /// Index in the block of the transaction that ended it.
        index: u32,
    },
}

impl Store {
    /// Codes that a block issued and ended, and what that adds to the counters.
    pub(super) fn put_codes(
        &self,
        batch: &mut WriteBatch,
        changes: &[CodeChange],
        header: &SealedHeader,
    ) -> Result<(), StoreError> {
        let (block, now) = (header.number(), header.header.timestamp);
        let mut records: BTreeMap<U256, CodeRecord> = BTreeMap::new();
        let mut tally = Tally::default();
        for change in changes {
            match *change {
                CodeChange::Issued { id, index, expires_at } => {
                    let issued = TxLocation { block, index };
                    records.insert(id, CodeRecord { issued, end: None });
                    tally.issued(&id, now, expires_at, None);
                }
                CodeChange::Ended {
                    id,
                    kind,
                    member,
                    index,
                } => {
                    let before = match records.get(&id) {
                        Some(record) => Some(*record),
                        None => self.promo_code(&id)?,
                    };
                    let end = CodeEnd {
                        kind,
                        at: TxLocation { block, index },
                    };
                    let expires_at = match before.map(|record| record.issued.block) {
                        None => None,
                        Some(issued) if issued == block => tally.expiry(&id, now),
                        Some(issued) => Some(self.expiry(&id, issued)?),
                    };
                    tally.ended(&id, now, (kind, member), expires_at);
                    match before {
                        Some(record) => {
                            let end = Some(end);
                            records.insert(id, CodeRecord { end, ..record });
                        }
                        // It was issued before the oldest block that is kept.
                        None if self.oldest_block().get() > 0 => self.put_pending_end(batch, &id, end),
                        None => return Err(StoreError::missing(Column::Codes, &code_key(&id))),
                    }
                }
            }
        }
        for (id, record) in records {
            batch.put_cf(self.column(Column::Codes), code_key(&id), record.to_bytes());
        }
        self.put_usage(batch, &tally)
    }
}
