//! Does executing every block from genesis lead to what is stored?
//!
//! With the code that imports blocks, into a database of its own: header fields and roots block by block, then every record
//! of the state and of what blocks leave behind.

use std::{path::Path, sync::Arc};

use alloy_primitives::hex;
use ledger_chainspec::{Block, BlockNumber, FinalityCertificate};

use super::{PROBLEMS_MAX, Stage, Work};
use crate::{
    IncomingBlock, Runtime, RuntimeOptions,
    store::{Column, Durability, FlatRecord, Head, RawRecord, Store, StoreError, undo_block, undo_column},
};

/// Columns that follow from the blocks; `meta` depends on the program besides.
const COMPARED: [Column; 12] = [
    Column::Accounts,
    Column::Storage,
    Column::AccountTrie,
    Column::StorageTrie,
    Column::Code,
    Column::Headers,
    Column::Transactions,
    Column::Canonical,
    Column::TxLookup,
    Column::Codes,
    Column::Usage,
    Column::Undo,
];

impl Work<'_> {
    /// Executes all blocks up to `head` into the empty folder `scratch`, and compares.
    pub(super) fn replay(&mut self, head: &Head, scratch: &Path) {
        if self.store.oldest_block().get() > 0 {
            // There is nothing to execute them on. The report says so: it counts no executed blocks.
            return;
        }
        let options = RuntimeOptions {
            durability: Durability::Scratch,
            // The same window at the end, so that undo records can be compared too.
            history_blocks: self.report.head.saturating_sub(self.store.oldest_state().get()),
            ..RuntimeOptions::new(scratch, Arc::clone(self.spec))
        };
        let runtime = match Runtime::open(options) {
            Ok(runtime) => runtime,
            Err(error) => return self.report.note("the scratch database", error),
        };
        // What a recovery goes back to must not have left the window by then.
        let first = self.store.recoveries().iter().map(|one| one.point.height).min();
        runtime.store().keep_states_from(first);
        self.report.executed_blocks = Some(0);
        if let Err((number, what)) = self.execute(&runtime, head.header.header.number) {
            // Nothing can be executed on a block that is not there.
            return self.report.note(format!("block {number}, executed again"), what);
        }
        self.report.compared_records = Some(0);
        for column in COMPARED {
            self.compare(column, runtime.store());
        }
    }

    /// Executes every block up to `last`. While one is written, the senders of the next are recovered.
    fn execute(&mut self, runtime: &Runtime, last: u64) -> Result<(), (u64, String)> {
        let mut next = (last > 0).then(|| self.announced(1));
        for number in 1..=last {
            self.tell(Stage::Replay, number, Some(last));
            let mut step = || {
                let (block, certificate) = next.take().expect("the step before announced it")?;
                let executed = runtime.import(block).map_err(|error| error.to_string())?;
                next = (number < last).then(|| self.announced(number + 1));
                let committed = runtime.commit(executed, certificate);
                committed.map_err(|error| error.to_string())
            };
            step().map_err(|what| (number, what))?;
            self.report.executed_blocks = Some(number);
        }
        Ok(())
    }

    fn announced(&self, number: u64) -> Result<(IncomingBlock, FinalityCertificate), String> {
        let number = BlockNumber::new(number);
        let lost = |what: &str| format!("{what} is missing");
        let header = self.store.header(number).map_err(|error| error.to_string())?;
        let header = header.ok_or_else(|| lost("its header"))?.header;
        let transactions = self.store.transactions(number).map_err(|error| error.to_string())?;
        let certificate = self.store.certificate(number).map_err(|error| error.to_string())?;
        let certificate = certificate.ok_or_else(|| lost("its certificate"))?;
        let transactions = transactions.into_iter().map(|one| one.into_inner()).collect();
        Ok((IncomingBlock::announce(Block { header, transactions }), certificate))
    }

    /// Compares the records of a column one by one, in the order of keys.
    fn compare(&mut self, column: Column, executed: &Store) {
        let place = |key: &[u8]| format!("column {}, record {}", column.name(), hex::encode(key));
        let store = Arc::clone(self.store);
        let oldest = store.oldest_state();
        let (mut kept, mut made) = (compared(&store, column, oldest), compared(executed, column, oldest));
        let (mut left, mut right) = (kept.next(), made.next());
        loop {
            let (one, other) = match (&left, &right) {
                (Some(Err(error)), _) | (_, Some(Err(error))) => {
                    return self.report.note(format!("column {}", column.name()), error);
                }
                (one, other) => (record(one), record(other)),
            };
            let order = match (one, other) {
                (None, None) => return,
                (Some((key, _)), Some((expected, _))) => key.cmp(expected),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
            };
            match (order, one, other) {
                (std::cmp::Ordering::Less, Some((key, _)), _) => {
                    self.report.note(place(key), "executing every block does not make it");
                }
                (std::cmp::Ordering::Greater, _, Some((key, _))) => {
                    self.report
                        .note(place(key), "it is missing, but executing every block makes it");
                }
                (_, Some((key, value)), Some((_, expected))) if !is_same(column, key, oldest, [value, expected]) => {
                    self.report
                        .note(place(key), "executing every block gives it another value");
                }
                _ => {}
            }
            if self.report.problems.len() == PROBLEMS_MAX {
                return;
            }
            let done = self.report.compared_records.map_or(1, |done| done + 1);
            self.report.compared_records = Some(done);
            self.tell(Stage::Compare, done, None);
            if order.is_le() {
                left = kept.next();
            }
            if order.is_ge() {
                right = made.next();
            }
        }
    }
}

/// The records of a column, without undo records that have left the window: they go when RocksDB comes to it.
fn compared(store: &Store, column: Column, oldest: BlockNumber) -> impl Iterator<Item = Result<RawRecord, StoreError>> {
    store.records(column, &[]).filter(move |record| match record {
        Ok((key, value)) if column == Column::Undo => undo_block(key, value).map_or(true, |block| block > oldest),
        _ => true,
    })
}

/// Whether two records under `key` say the same of every state that is readable. Which of the blocks before these wrote a
/// record of the flat state, a state from another node does not tell.
fn is_same(column: Column, key: &[u8], oldest: BlockNumber, records: [&[u8]; 2]) -> bool {
    let [one, other] = records;
    let column = match column {
        Column::Undo => undo_column(key),
        column => Some(column),
    };
    let flat = column.filter(|column| matches!(column, Column::Accounts | Column::Storage));
    let read = |bytes: &[u8]| {
        let record = FlatRecord::from_bytes(flat?, bytes).ok()?;
        Some((record.since.max(oldest), record.leaf))
    };
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}

fn record(read: &Option<Result<RawRecord, StoreError>>) -> Option<&RawRecord> {
    read.as_ref().and_then(|read| read.as_ref().ok())
}
