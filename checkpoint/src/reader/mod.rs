//! Who reads back what the mainchain holds? A loop's one round: look, decide, keep, tell.
//!
//! Called by a node of the sidechain, which asks for a round again and again and makes of the book what rule R15 wants. It sends
//! nothing to the mainchain, and it needs no key. [`crate::reading`] decides, [`file`] remembers.

pub mod file;

use std::path::Path;

use crate::{
    mainchain::{Anchors, MainchainError},
    reading::{Alarm, Book, Facts, Note, Place, Planner, Policy, Tip},
};
use file::{BookFile, FileError};

/// Steps of one round: a long past is read in several rounds, between which others have their turn.
const STEPS_PER_ROUND: usize = 64;

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The mainchain does not answer.
    #[error(transparent)]
    Mainchain(#[from] MainchainError),
    /// What was confirmed cannot be kept: nobody may act on it, and the process has to end.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What a round saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The mainchain.
    pub tip: Tip,
    /// What happened.
    pub notes: Vec<Note>,
    /// What is wrong.
    pub alarms: Vec<Alarm>,
    /// Whether there is more to be read at once.
    pub again: bool,
}

/// Reads the contract.
#[derive(Debug)]
pub struct Reader<M> {
    mainchain: M,
    planner: Planner,
    file: BookFile,
}

impl<M: Anchors> Reader<M> {
    /// A reader of the contract at `place`, which goes on with what is in `folder`.
    ///
    /// # Errors
    /// [`FileError`] if that cannot be read.
    pub fn open(mainchain: M, folder: &Path, place: Place, policy: Policy) -> Result<Self, FileError> {
        let (file, book) = BookFile::open(folder, place)?;
        Ok(Self {
            mainchain,
            planner: Planner::new(policy, book),
            file,
        })
    }

    /// What is known: what is soft or final in it is on disk.
    #[must_use]
    pub const fn book(&self) -> &Book {
        self.planner.book()
    }

    /// The mainchain that it asks.
    #[must_use]
    pub const fn mainchain(&self) -> &M {
        &self.mainchain
    }

    /// Whether everything that the contract has was read once.
    #[must_use]
    pub const fn is_through(&self) -> bool {
        self.planner.is_through()
    }

    /// One round. `due_since_ms` is as in [`Facts`].
    ///
    /// # Errors
    /// [`ReadError`]; what it had learned before counts.
    pub async fn round(&mut self, now_ms: u64, due_since_ms: Option<u64>) -> Result<Report, ReadError> {
        let mut report = Report {
            tip: self.mainchain.tip().await?,
            notes: Vec::new(),
            alarms: Vec::new(),
            again: true,
        };
        for step in 0..STEPS_PER_ROUND {
            if step > 0 {
                report.tip = self.mainchain.tip().await?;
            }
            let tip = report.tip;
            let answers = self.mainchain.read(&tip, &self.planner.questions(&tip)).await?;
            let decision = self.planner.step(&Facts {
                now_ms,
                tip,
                answers,
                due_since_ms,
            });
            self.file.keep(&decision.keep)?;
            report.notes.extend(decision.notes);
            report.alarms = decision.alarms;
            report.again = decision.again;
            if !decision.again {
                break;
            }
        }
        Ok(report)
    }

    /// What is wrong if a round came to nothing.
    pub fn missed(&mut self, now_ms: u64) -> Option<Alarm> {
        self.planner.missed(now_ms)
    }
}
