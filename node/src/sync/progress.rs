//! How far is catching up, for people: a line in the log now and then, and `eth_syncing`.

use std::time::Duration;

use ledger_chainspec::BlockNumber;
use tokio::time::Instant;
use tracing::info;

use super::Imported;
use crate::{rpc::SyncProgress, telemetry::metering};

/// Blocks behind from which a node counts as catching up; below it, it is where votes are being counted.
pub(super) const BEHIND_BLOCKS_MIN: u64 = 3;

/// Time between two lines of the log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One bout of catching up.
#[derive(Debug)]
pub(super) struct Progress {
    from: BlockNumber,
    started: Instant,
    last_line: Instant,
    blocks: usize,
    transactions: usize,
    importing_ms: u64,
}

impl Progress {
    /// It begins at `head`.
    pub(super) fn begin(head: BlockNumber, target: BlockNumber) -> Self {
        info!(target: "ledger::sync", from = %head, to = %target, "catching up");
        let started = Instant::now();
        Self {
            from: head,
            started,
            last_line: started,
            blocks: 0,
            transactions: 0,
            importing_ms: 0,
        }
    }

    /// As `eth_syncing` shows it.
    pub(super) const fn shown(&self, target: BlockNumber) -> SyncProgress {
        SyncProgress {
            from: self.from,
            target,
        }
    }

    /// A batch was imported.
    pub(super) fn imported(&mut self, imported: &Imported, target: BlockNumber) {
        self.blocks += imported.blocks;
        self.transactions += imported.transactions;
        self.importing_ms += imported.millis;
        metrics::counter!(metering::SYNCED_BLOCKS).increment(imported.blocks as u64);
        if self.last_line.elapsed() < LINE_EVERY {
            return;
        }
        self.last_line = Instant::now();
        let seconds = self.started.elapsed().as_secs().max(1);
        let rate = (self.blocks as u64 / seconds).max(1);
        let left = target.get().saturating_sub(imported.head.get());
        info!(
            target: "ledger::sync", head = %imported.head, %target, blocks_per_second = rate,
            seconds_left = left / rate, "catching up"
        );
    }

    /// It ends at `head`.
    pub(super) fn end(&self, head: BlockNumber) {
        info!(
            target: "ledger::sync", %head, blocks = self.blocks, transactions = self.transactions,
            millis = self.started.elapsed().as_millis(), importing_millis = self.importing_ms, "caught up"
        );
    }
}
