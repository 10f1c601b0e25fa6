//! What the book gives: bundles from disk, then those that wait.

use std::sync::Arc;

use ledger_node::checkpoints::{
    CheckpointBook,
    book::Snapshot,
    log::{BundleLog, BundleRecord},
};
use parking_lot::Mutex;

use crate::{
    chain::{Chain, GENESIS, anchor, config, set},
    machine::{Broken, Disk, Machine},
};

#[test]
fn kept_ones_come_first_and_then_those_that_wait() {
    let mut chain = Chain::new(set(1, &[0]), config(1, &anchor(1)));
    chain.extend(5);
    chain.change(|after| after.set = set(2, &[0, 1]));
    chain.extend(4);
    let mut one = Machine::start(Some(0), Broken::Nothing, Disk::default(), 0);
    one.advance(&chain, 10).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut log = BundleLog::open(folder.path(), GENESIS, &anchor(1)).unwrap();
    for complete in &one.disk.bundles {
        log.append(&BundleRecord {
            bundle: complete.bundle.clone(),
            config: complete.block.config,
            recoveries: 0,
            set_id: complete.block.set.id,
        })
        .unwrap();
    }
    assert_eq!(log.last_index(), Some(6));
    let book = CheckpointBook::default();
    book.set_checkpoints(Snapshot {
        anchor: Some(anchor(1)),
        log: Some(Arc::new(Mutex::new(log))),
        open: one.planner.open().cloned().collect(),
        ..Snapshot::default()
    });
    let indices = |from, count| {
        let found = book.checkpoints(&anchor(1), from, count).unwrap();
        found.iter().map(|bundle| bundle.checkpoint.index).collect::<Vec<_>>()
    };
    assert_eq!(indices(0, 64), (1..=10).collect::<Vec<_>>());
    assert_eq!(indices(5, 3), [5, 6, 7]);
    assert_eq!(indices(6, 1), [6]);
    assert_eq!(indices(8, 64), [8, 9, 10]);
    assert!(indices(11, 64).is_empty());
    let newest = book.newest_signed(&anchor(1), 2).unwrap();
    assert_eq!(
        newest.iter().map(|bundle| bundle.checkpoint.index).collect::<Vec<_>>(),
        [5, 6]
    );
    assert_eq!(book.checkpoints(&anchor(2), 1, 9).unwrap(), []);
}
