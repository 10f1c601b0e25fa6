//! The checkpoints of one contract, one after the other: which comes next, and which wait for signatures. Pure; part of the planner.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{Address, B256};
use ledger_checkpoint::statement::{Anchor, Bundle, Checkpoint, signer_of};
use ledger_network::CheckpointSignature;

use super::{
    collecting::{Open, Taken},
    facts::{CheckpointBlock, SigningSet, Tip},
    planner::{EARLY_MAX, Word, Worth},
    wire::signatures_of,
};

/// What the next checkpoint follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The genesis block: it is the first.
    Genesis,
    /// This one.
    After(Tip),
    /// One that peers have to give.
    Unknown,
}

/// The checkpoints of one contract.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) anchor: Anchor,
    pub(super) base: Base,
    /// Consecutive ones that wait for signatures, or for those before them.
    pub(super) open: VecDeque<Open>,
    /// Blocks that are checkpoints behind an unknown one.
    pub(super) unplaced: VecDeque<CheckpointBlock>,
    /// Signatures under those that come next.
    pub(super) early: VecDeque<CheckpointSignature>,
    /// Who was said to contradict, and where: once is enough.
    pub(super) conflicts: Vec<(u64, Address)>,
}

impl Sequence {
    pub(super) fn new(anchor: Anchor, base: Base) -> Self {
        Self {
            anchor,
            base,
            open: VecDeque::new(),
            unplaced: VecDeque::new(),
            early: VecDeque::new(),
            conflicts: Vec::new(),
        }
    }

    /// Index of the checkpoint that comes next.
    pub(super) fn next_index(&self) -> Option<u64> {
        match &self.base {
            Base::Genesis => Some(1),
            Base::After(tip) => tip.checkpoint.index.checked_add(1),
            Base::Unknown => None,
        }
    }

    fn position(&self, index: u64) -> Option<usize> {
        let first = self.open.front()?.checkpoint.index;
        usize::try_from(index.checked_sub(first)?).ok()
    }

    pub(super) fn get(&self, index: u64) -> Option<&Open> {
        self.open.get(self.position(index)?)
    }

    pub(super) fn get_mut(&mut self, index: u64) -> Option<&mut Open> {
        let at = self.position(index)?;
        self.open.get_mut(at)
    }

    /// The checkpoint of `block`, which comes next; its index.
    pub(super) fn extend(&mut self, genesis: B256, block: CheckpointBlock) -> Option<u64> {
        let (parent, epoch, set): (_, _, &SigningSet) = match &self.base {
            Base::Genesis => (genesis, 0, block.set.as_ref()),
            Base::After(tip) => (
                self.anchor.fingerprint(&tip.checkpoint),
                tip.checkpoint.epoch,
                tip.next.as_ref(),
            ),
            Base::Unknown => return None,
        };
        let index = self.next_index()?;
        let checkpoint = Checkpoint {
            index,
            // The contract takes one recovery at a time.
            epoch: block.recoveries.clamp(epoch, epoch.saturating_add(1)),
            setId: set.id,
            height: block.number,
            blockHash: block.hash,
            stateRoot: block.state_root,
            historyRoot: block.history_root?,
            parent,
            nextSetHash: block.set.hash(),
        };
        let keys = set.keys.clone();
        self.base = Base::After(Tip {
            checkpoint: checkpoint.clone(),
            next: Arc::clone(&block.set),
        });
        self.open.push_back(Open::new(&self.anchor, checkpoint, keys, block));
        Some(index)
    }

    pub(super) fn keep_early(&mut self, message: &CheckpointSignature) {
        if !self.early.contains(message) {
            self.early.push_back(*message);
        }
        if self.early.len() > EARLY_MAX {
            self.early.pop_front();
        }
    }

    /// Takes a signature under a checkpoint that is known.
    pub(super) fn take(&mut self, message: &CheckpointSignature) -> (Worth, Option<Word>) {
        let index = message.index;
        let Some(open) = self.get_mut(index) else {
            return (Worth::Nothing, None);
        };
        if open.fingerprint == message.fingerprint {
            if open.checkpoint.epoch != message.epoch {
                return (Worth::Wrong, None);
            }
            let worth = match open.take(&message.signature) {
                Taken::New => Worth::Good,
                Taken::Known => Worth::Nothing,
                Taken::Wrong => Worth::Wrong,
            };
            return (worth, None);
        }
        let ours = open.fingerprint;
        let signer = signer_of(&message.fingerprint, &message.signature).filter(|signer| open.keys.contains(signer));
        let Some(signer) = signer else {
            return (Worth::Wrong, None);
        };
        if self.conflicts.contains(&(index, signer)) {
            return (Worth::Nothing, None);
        }
        self.conflicts.push((index, signer));
        if self.conflicts.len() > EARLY_MAX {
            self.conflicts.remove(0);
        }
        let word = Word::Conflict {
            index,
            signer,
            theirs: message.fingerprint,
            ours,
        };
        (Worth::Nothing, Some(word))
    }

    /// Takes the signatures of a bundle under a checkpoint that is known.
    pub(super) fn take_bundle(&mut self, bundle: &Bundle) -> Taken {
        let Some(open) = self.get_mut(bundle.checkpoint.index) else {
            return Taken::Known;
        };
        if open.checkpoint != bundle.checkpoint {
            return Taken::Known;
        }
        let mut taken = Taken::Known;
        for signature in signatures_of(&bundle.signatures) {
            match open.take(&signature) {
                Taken::Wrong => return Taken::Wrong,
                Taken::New => taken = Taken::New,
                Taken::Known => {}
            }
        }
        taken
    }
}

/// Whether `bundle` is of `block`, and signed by the set in force there: that is the set which a node knows that does not know the
/// checkpoint before.
pub(super) fn is_of(bundle: &Bundle, block: &CheckpointBlock) -> bool {
    let checkpoint = &bundle.checkpoint;
    let set = block.set.hash();
    let signed_by = SigningSet {
        id: checkpoint.setId,
        keys: bundle.keys.clone(),
    };
    checkpoint.height == block.number
        && checkpoint.blockHash == block.hash
        && checkpoint.stateRoot == block.state_root
        && checkpoint.nextSetHash == set
        && signed_by.hash() == set
        && checkpoint.epoch <= block.recoveries
        && block.history_root.is_none_or(|root| root == checkpoint.historyRoot)
}
