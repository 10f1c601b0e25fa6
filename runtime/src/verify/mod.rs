//! Is everything in a database what the chain's rules make of it, and does executing every block again give the same?
//!
//! For an operator who doubts a disk, and for the tests that damage one. [`verify`] reads every record once, in the order of
//! blocks, with memory that does not grow with the chain; it goes on after a finding, so that the report shows the extent of
//! the damage. Nothing is changed, and nothing may be committed meanwhile.
//!
//! `blocks` follows the chain of hashes, certificates and validator sets; `indexes` looks at everything else from the other
//! side; `replay` executes all blocks from genesis with the code that imports blocks and compares record by record.

mod blocks;
mod indexes;
mod replay;

use std::{
    fmt::{self, Display},
    path::Path,
    sync::Arc,
};

use ledger_chainspec::ChainSpec;
use serde::Serialize;

use crate::{
    state::VerifiedState,
    store::{Store, StoreError, Tally},
};

/// Findings that are told one by one; the rest is counted. Damage is rarely alone, and the first findings say the most.
pub const PROBLEMS_MAX: usize = 100;

/// Blocks or records between two words about progress.
const PROGRESS_EVERY: u64 = 256;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What is there, and what should be.
    pub what: String,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Blocks are followed from genesis.
    Blocks,
    /// The state's roots are computed anew.
    State,
    /// Indexes, code and undo records are read.
    Indexes,
    /// Blocks are executed again.
    Replay,
    /// The two states are compared.
    Compare,
}

impl Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocks => "blocks",
            Self::State => "state",
            Self::Indexes => "indexes",
            Self::Replay => "blocks executed again",
            Self::Compare => "records compared",
        })
    }
}

/// How far the work is: what has been done, of how much if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, if that is known.
    pub of: Option<u64>,
}

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Number of the head.
    pub head: u64,
    /// Hash of the head.
    pub head_hash: String,
    /// The oldest block that is kept: 0, unless the state came from another node.
    pub oldest_block: u64,
    /// Blocks looked at, the oldest included.
    pub blocks: u64,
    /// Transactions with their receipts.
    pub transactions: u64,
    /// Certificates whose signatures were checked.
    pub certificates: u64,
    /// Promo codes.
    pub promo_codes: u64,
    /// Pieces of contract code.
    pub contract_codes: u64,
    /// The state of the head; absent if it could not be verified.
    pub state: Option<VerifiedState>,
    /// Undo records.
    pub undo_records: u64,
    /// Blocks executed again; absent if that was not asked for.
    pub executed_blocks: Option<u64>,
    /// Records compared with those of the execution; absent if that was not asked for.
    pub compared_records: Option<u64>,
    /// How much is wrong.
    pub problems_found: u64,
    /// The first [`PROBLEMS_MAX`] of it.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.problems_found == 0
    }

    fn note(&mut self, place: impl Display, what: impl Display) {
        self.problems_found += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem {
                place: place.to_string(),
                what: what.to_string(),
            });
        }
    }

    /// Notes that two things differ, if they do.
    fn expect<T: PartialEq + Display>(&mut self, place: impl Display, what: &str, found: T, expected: T) {
        if found != expected {
            self.note(place, format!("{what} is {found}, but {expected} is right"));
        }
    }

    /// What was read, or a note that it could not be.
    fn read<T>(&mut self, place: impl Display, read: Result<T, StoreError>) -> Option<T> {
        read.map_err(|error| self.note(place, error)).ok()
    }
}

/// The part of a verification that all of its stages share.
struct Work<'a> {
    store: &'a Arc<Store>,
    spec: &'a Arc<ChainSpec>,
    report: Report,
    /// Promo codes that ended, as the blocks tell it.
    ended: u64,
    /// What became of promo codes by month, as the blocks tell it.
    usage: Tally,
    progress: &'a mut dyn FnMut(Progress),
}

impl Work<'_> {
    fn tell(&mut self, stage: Stage, done: u64, of: Option<u64>) {
        if done.is_multiple_of(PROGRESS_EVERY) || Some(done) == of {
            (self.progress)(Progress { stage, done, of });
        }
    }
}

/// Looks at everything in `store`, which holds the chain of `spec`; with `scratch`, an empty folder on a disk with as much
/// room again, also executes every block, if genesis is among those that are kept. Tells `progress` now and then.
pub fn verify(
    store: &Arc<Store>,
    spec: &Arc<ChainSpec>,
    scratch: Option<&Path>,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let mut work = Work {
        store,
        spec,
        report: Report::default(),
        ended: 0,
        usage: Tally::default(),
        progress,
    };
    let Some(head) = store.head() else {
        work.report
            .note("the database", "there is no block in it, not even genesis");
        return work.report;
    };
    work.report.head = head.header.header.number;
    work.report.head_hash = head.header.hash.to_string();
    work.report.oldest_block = store.oldest_block().get();
    work.blocks(&head);
    work.state();
    work.indexes();
    if let Some(scratch) = scratch {
        work.replay(&head, scratch);
    }
    work.report
}
