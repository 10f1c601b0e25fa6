//! Does the mainchain say of the sidechain what the sidechain says of itself?
//!
//! Called by `ledger-relayer verify` and `monitor`, which need no key. Every anchored fingerprint is computed anew from the sidechain's
//! own bundles and blocks. It never sends anything, and it stops nobody: it tells.

mod finding;

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::{Address, U256};

pub use finding::Finding;

use crate::{
    mainchain::{Mainchain, MainchainError, Rejection},
    numbers::{BlockNumber, Index, Point},
    plan::{BUNDLES_PER_ROUND, Questions, Sight},
    sidechain::{SideBlock, Sidechain, SidechainError},
    statement::{Anchor, Bundle, Checkpoint},
};

/// Checkpoints that are looked at in one look, so that it comes back in time.
const CHECKPOINTS_PER_LOOK: u64 = 64;

/// Blocks that one question about rejections spans: what public nodes answer.
const LOG_BLOCKS_MAX: u64 = 1_000;

/// Such questions in one look.
const LOG_QUESTIONS_PER_LOOK: u64 = 8;

/// Blocks that are remembered to measure reorganisations by: more than the deepest that was ever seen.
const HEADS_MAX: usize = 12_000;

/// Findings that are kept of each kind: a person needs no more to know that everything is wrong.
const FINDINGS_MAX: usize = 256;

/// When is something worth a word?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Depth from which a reorganisation is told.
    pub reorganisation_blocks: u64,
    /// Blocks that a signed checkpoint may wait.
    pub overdue_blocks: u64,
    /// Time without a block of the mainchain.
    pub stall_ms: u64,
    /// Account whose balance matters, and what it should have.
    pub purse: Option<(Address, U256)>,
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The mainchain does not answer.
    #[error(transparent)]
    Mainchain(#[from] MainchainError),
    /// The sidechain does not answer.
    #[error(transparent)]
    Sidechain(#[from] SidechainError),
}

/// What a look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The mainchain.
    pub sight: Sight,
    /// Newest checkpoint that was compared.
    pub compared: Index,
    /// Signed checkpoints that the contract does not have.
    pub waiting: u64,
    /// Depth of a reorganisation since the look before; 0 if there was none.
    pub depth: u64,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// Looks at both chains again and again.
#[derive(Debug)]
pub struct Watcher<M, S> {
    mainchain: M,
    sidechain: S,
    anchor: Anchor,
    limits: Limits,
    /// The first checkpoint that is compared.
    first: Index,
    /// The newest that was compared, and what it says.
    compared: Option<(Index, Checkpoint)>,
    wrong: BTreeMap<Index, Finding>,
    rejections: Vec<Rejection>,
    /// The next block whose rejections are asked for.
    unread: BlockNumber,
    heads: VecDeque<Point>,
    head_since_ms: u64,
    waiting_since: Option<(Index, BlockNumber)>,
}

impl<M: Mainchain, S: Sidechain> Watcher<M, S> {
    /// A watcher that compares checkpoints from `first` on, and reads rejections from block `unread` on.
    pub fn new(chains: (M, S), anchor: Anchor, limits: Limits, first: Index, unread: BlockNumber) -> Self {
        Self {
            mainchain: chains.0,
            sidechain: chains.1,
            anchor,
            limits,
            first,
            compared: None,
            wrong: BTreeMap::new(),
            rejections: Vec::new(),
            unread,
            heads: VecDeque::new(),
            head_since_ms: 0,
            waiting_since: None,
        }
    }

    /// One look. Compares some of what was not compared yet; [`Look::compared`] says how far it came.
    ///
    /// # Errors
    /// [`WatchError`] if one of the chains does not answer: then nothing is known to be wrong or right.
    pub async fn look(&mut self, now_ms: u64) -> Result<Look, WatchError> {
        let account = self.limits.purse.map_or(Address::ZERO, |(account, _)| account);
        let sight = self.mainchain.sight(account).await?;
        let depth = self.depth(&sight, now_ms).await?;
        if depth > 0 {
            // What is anchored may be another now: everything is compared again.
            (self.compared, self.waiting_since) = (None, None);
            self.wrong.clear();
        }
        self.compare(&sight).await?;
        self.read_rejections(&sight).await?;
        let waiting = self.waiting(&sight).await?;
        let mut findings: Vec<_> = self.wrong.values().cloned().collect();
        findings.extend(self.rejections.iter().copied().map(Finding::Rejected));
        findings.extend(self.limits_broken(&sight, depth, now_ms));
        Ok(Look {
            compared: self.compared.as_ref().map_or(Index::default(), |(index, _)| *index),
            sight,
            waiting,
            depth,
            findings,
        })
    }

    /// Whether everything that the contract has as of `sight` was compared, and every rejection read.
    pub fn is_through(&self, sight: &Sight) -> bool {
        let compared = self.compared.as_ref().map_or(Index::default(), |(index, _)| *index);
        let is_stuck = self
            .wrong
            .values()
            .any(|finding| matches!(finding, Finding::Unknown { .. }));
        let is_compared = compared >= sight.head_index || is_stuck || self.wrong.len() >= FINDINGS_MAX;
        let is_read = self.unread > sight.head.number || self.rejections.len() >= FINDINGS_MAX;
        is_read && (is_compared || self.first > sight.head_index)
    }

    /// How deep the mainchain was reorganised since the last look; remembers the newest block.
    async fn depth(&mut self, sight: &Sight, now_ms: u64) -> Result<u64, WatchError> {
        let Some(last) = self.heads.back().copied() else {
            self.heads.push_back(sight.head);
            self.head_since_ms = now_ms;
            return Ok(0);
        };
        if last == sight.head {
            return Ok(0);
        }
        self.head_since_ms = now_ms;
        let (mut low, mut high) = (0, self.heads.len());
        if self.is_there(sight, last).await? {
            low = high;
        }
        // All before the first that is gone are there, since blocks name their parents.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.is_there(sight, self.heads[middle]).await? {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let depth = match low.checked_sub(1).and_then(|at| self.heads.get(at)) {
            Some(newest) => last.number.since(newest.number),
            None => last.number.since(self.heads[0].number).saturating_add(1),
        };
        self.heads.truncate(low);
        self.heads.push_back(sight.head);
        if self.heads.len() > HEADS_MAX {
            self.heads.pop_front();
        }
        Ok(depth)
    }

    async fn is_there(&self, sight: &Sight, point: Point) -> Result<bool, WatchError> {
        if point.number > sight.head.number {
            return Ok(false);
        }
        let questions = Questions {
            blocks: vec![point.number],
            ..Questions::default()
        };
        let answers = self.mainchain.answer(sight, &questions).await?;
        Ok(answers.blocks.get(&point.number) == Some(&point.hash))
    }

    /// Compares the checkpoints that come next.
    async fn compare(&mut self, sight: &Sight) -> Result<(), WatchError> {
        for _ in 0..CHECKPOINTS_PER_LOOK.div_ceil(BUNDLES_PER_ROUND) {
            let from = self.compared.as_ref().map_or(self.first, |(index, _)| index.plus(1));
            let count = sight.head_index.plus(1).since(from).min(BUNDLES_PER_ROUND);
            if count == 0 || self.wrong.len() >= FINDINGS_MAX {
                return Ok(());
            }
            let bundles = self.sidechain.bundles(from, count).await?;
            for bundle in &bundles {
                let index = self.compared.as_ref().map_or(self.first, |(index, _)| index.plus(1));
                if let Some(finding) = self.judge(index, bundle, sight).await? {
                    self.wrong.insert(index, finding);
                }
                self.compared = Some((index, bundle.checkpoint.clone()));
            }
            if (bundles.len() as u64) < count {
                let index = from.plus(bundles.len() as u64);
                self.wrong.insert(index, Finding::Unknown { index });
                return Ok(());
            }
            // It is known now, if it was not before.
            self.wrong
                .retain(|_, finding| !matches!(finding, Finding::Unknown { .. }));
        }
        Ok(())
    }

    async fn judge(&self, index: Index, bundle: &Bundle, sight: &Sight) -> Result<Option<Finding>, WatchError> {
        let checkpoint = &bundle.checkpoint;
        let questions = Questions {
            fingerprint: Some(index),
            ..Questions::default()
        };
        let answers = self.mainchain.answer(sight, &questions).await?;
        let (anchored, own) = (
            answers.fingerprint.unwrap_or_default(),
            self.anchor.fingerprint(checkpoint),
        );
        if anchored != own {
            return Ok(Some(Finding::Differs { index, anchored, own }));
        }
        let follows = match &self.compared {
            Some((_, before)) => bundle.check_after(&self.anchor, before),
            None => Ok(()),
        };
        if let Err(reason) = follows.and_then(|()| bundle.check(&self.anchor)) {
            return Ok(Some(Finding::BadBundle { index, reason }));
        }
        let anchored = SideBlock {
            hash: checkpoint.blockHash,
            state_root: checkpoint.stateRoot,
        };
        let own = self.sidechain.block(checkpoint.height).await?;
        Ok((own != Some(anchored)).then_some(Finding::OtherBlock {
            index,
            height: checkpoint.height,
            anchored,
            own,
        }))
    }

    async fn read_rejections(&mut self, sight: &Sight) -> Result<(), WatchError> {
        for _ in 0..LOG_QUESTIONS_PER_LOOK {
            if self.unread > sight.head.number || self.rejections.len() >= FINDINGS_MAX {
                return Ok(());
            }
            let to = self.unread.plus(LOG_BLOCKS_MAX - 1).min(sight.head.number);
            let found = self.mainchain.rejections(self.unread, to).await?;
            self.rejections.extend(found.into_iter().take(FINDINGS_MAX));
            self.unread = to.plus(1);
        }
        Ok(())
    }

    /// Signed checkpoints that the contract does not have.
    async fn waiting(&mut self, sight: &Sight) -> Result<u64, WatchError> {
        let next = sight.head_index.plus(1);
        let waiting = self.sidechain.bundles(next, BUNDLES_PER_ROUND).await?.len() as u64;
        self.waiting_since = match self.waiting_since {
            _ if waiting == 0 => None,
            Some((index, since)) if index == next => Some((index, since)),
            _ => Some((next, sight.head.number)),
        };
        Ok(waiting)
    }

    fn limits_broken(&self, sight: &Sight, depth: u64, now_ms: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        if depth >= self.limits.reorganisation_blocks {
            findings.push(Finding::Reorganised { depth });
        }
        if let Some((index, since)) = self.waiting_since {
            let blocks = sight.head.number.since(since);
            if blocks > self.limits.overdue_blocks {
                findings.push(Finding::Overdue { index, blocks });
            }
        }
        let ms = now_ms.saturating_sub(self.head_since_ms);
        if ms > self.limits.stall_ms {
            findings.push(Finding::Stalled { ms });
        }
        if let Some((_, least_wei)) = self.limits.purse
            && sight.balance_wei < least_wei
        {
            findings.push(Finding::LowBalance {
                balance_wei: sight.balance_wei,
                least_wei,
            });
        }
        findings
    }
}
