//! Which checkpoint comes next, does this node sign it, and when has it enough signatures? Pure: facts in, effects out.
//!
//! Called by [`worker`](super::worker), which carries the effects out in their order and stops for good when one of them fails: then
//! nothing that stands behind it may happen.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{Address, B256};
use ledger_checkpoint::statement::{Anchor, Bundle};
use ledger_network::CheckpointSignature;

use super::{
    collecting::{Open, SignatureBytes, Taken},
    facts::{CheckpointBlock, CheckpointConfig, Tip},
    record::{Permit, REMEMBERED_MAX, Refusal, Signed, SignedRecord},
    sequence::{Base, Sequence, is_of},
    wire::{anchor_of_wire, signature_to_wire},
};

/// Checkpoints that may wait for signatures. Beyond it no further block is looked at until the oldest has its quorum: they can all be
/// computed later, from the blocks.
pub const OPEN_MAX: usize = REMEMBERED_MAX;

/// Signatures that are kept for checkpoints whose block is not final here yet: those of the largest set for a few. What does not find a
/// place is asked for later.
pub const EARLY_MAX: usize = 512;

/// Blocks that are remembered as checkpoints while it is not known which ones they are.
const UNPLACED_MAX: usize = 256;

/// Sequences of former contracts whose end is remembered.
const TIPS_MAX: usize = 64;

/// What has to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make this record of the own key durable. Nothing behind it may happen before, or ever if it fails.
    Store(SignedRecord),
    /// Sign this, and say [`Planner::signed`].
    Sign(Signed),
    /// Tell everybody.
    Publish(CheckpointSignature),
    /// Keep this for good: a quorum has signed it.
    Keep(Box<Complete>),
    /// Say this to the operator.
    Tell(Word),
}

/// A checkpoint that a quorum has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    /// For which contract.
    pub anchor: Anchor,
    /// It and its signatures.
    pub bundle: Bundle,
    /// Its block.
    pub block: CheckpointBlock,
}

/// What an operator may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The own key does not sign.
    Refused {
        /// Index of the checkpoint.
        index: u64,
        /// Why not.
        refusal: Refusal,
    },
    /// A validator of the set has signed another checkpoint than this node computed.
    Conflict {
        /// Index of the checkpoint.
        index: u64,
        /// Who.
        signer: Address,
        /// What it signed.
        theirs: B256,
        /// What this node computed.
        ours: B256,
    },
    /// The checkpoints before were taken over from peers.
    TakenOver {
        /// Index of the newest of them.
        index: u64,
    },
}

/// What a message of a peer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Others should have it.
    Good,
    /// Nobody needs it, or it cannot be told yet.
    Nothing,
    /// Whoever passed it on should have seen that it is none.
    Wrong,
}

/// The state of checkpoints in this node.
#[derive(Clone, Debug)]
pub struct Planner {
    genesis: B256,
    /// What the own key has signed, if there is one.
    own: Option<SignedRecord>,
    /// Whether all checkpoints since genesis can be computed here; otherwise there may be some that nobody here knows.
    knows_all: bool,
    /// Where the sequences end that are kept for good.
    tips: Vec<(Anchor, Tip)>,
    sequence: Option<Sequence>,
}

impl Planner {
    /// The planner of a chain. `own` is what the own key has signed; `tips` are the newest bundles that are kept, one per contract.
    #[must_use]
    pub fn new(genesis: B256, own: Option<SignedRecord>, knows_all: bool, tips: Vec<(Anchor, Tip)>) -> Self {
        Self {
            genesis,
            own,
            knows_all,
            tips,
            sequence: None,
        }
    }

    /// Whether nothing more can be taken in before something that waits has its quorum.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.sequence
            .as_ref()
            .is_some_and(|sequence| sequence.open.len() >= OPEN_MAX)
    }

    /// The contract that checkpoints are signed for.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        self.sequence.as_ref().map(|sequence| sequence.anchor)
    }

    /// The checkpoints that wait for signatures, or for those before them.
    pub fn open(&self) -> impl Iterator<Item = &Open> {
        self.sequence.iter().flat_map(|sequence| &sequence.open)
    }

    /// Whether the checkpoints before the next one have to come from peers.
    #[must_use]
    pub fn is_unplaced(&self) -> bool {
        let sequence = self.sequence.as_ref();
        sequence.is_some_and(|sequence| sequence.base == Base::Unknown && !sequence.unplaced.is_empty())
    }

    /// From which index on peers should be asked, if anything is missing: 0 for their newest.
    #[must_use]
    pub fn missing(&self) -> Option<u64> {
        if self.is_unplaced() {
            return Some(0);
        }
        let first = self.open().find(|open| !open.is_signed())?;
        Some(first.checkpoint.index)
    }

    /// The height after which the history of the checkpoint at block `number` begins, if that block is one; none where it is none, and
    /// `Some(None)` where nobody here knows the one before.
    #[must_use]
    pub fn due(&self, config: &CheckpointConfig, number: u64) -> Option<Option<u64>> {
        let anchor = config.anchor().filter(|_| config.is_due(number))?;
        let (base, before) = match &self.sequence {
            Some(sequence) if sequence.anchor == anchor => (sequence.base.clone(), sequence.unplaced.back()),
            _ => (self.base_of(&anchor), None),
        };
        Some(match base {
            Base::Genesis => Some(0),
            Base::After(tip) => Some(tip.checkpoint.height),
            Base::Unknown => before.map(|block| block.number),
        })
    }

    fn base_of(&self, anchor: &Anchor) -> Base {
        match self.tips.iter().find(|(known, _)| known == anchor) {
            Some((_, tip)) => Base::After(tip.clone()),
            None if self.knows_all => Base::Genesis,
            None => Base::Unknown,
        }
    }

    /// A final block that is [`due`](Self::due).
    pub fn block(&mut self, block: CheckpointBlock) -> Vec<Effect> {
        let Some(anchor) = block.config.anchor() else {
            return Vec::new();
        };
        if self.anchor() != Some(anchor) {
            self.sequence = Some(Sequence::new(anchor, self.base_of(&anchor)));
        }
        let Some(sequence) = &mut self.sequence else {
            return Vec::new();
        };
        if block.history_root.is_none() {
            // Without the blocks it covers nobody here can make it, nor any before a known one.
            sequence.base = Base::Unknown;
            sequence.open.clear();
        }
        if sequence.base == Base::Unknown {
            sequence.unplaced.push_back(block);
            if sequence.unplaced.len() > UNPLACED_MAX {
                sequence.unplaced.pop_front();
            }
            return Vec::new();
        }
        let opened = sequence.extend(self.genesis, block);
        let mut effects = self.sign(opened);
        effects.extend(self.take_early());
        effects
    }

    /// Signs the checkpoint with this index, if it is the own key's to sign.
    fn sign(&mut self, index: Option<u64>) -> Vec<Effect> {
        let (Some(own), Some(sequence)) = (&mut self.own, &self.sequence) else {
            return Vec::new();
        };
        let Some(open) = index.and_then(|index| sequence.get(index)) else {
            return Vec::new();
        };
        if !open.keys.contains(&own.key()) {
            return Vec::new();
        }
        let wanted = Signed {
            epoch: open.checkpoint.epoch,
            index: open.checkpoint.index,
            fingerprint: open.fingerprint,
        };
        match own.permit(&sequence.anchor, wanted, open.block.slot) {
            Ok(Permit::Again) => vec![Effect::Sign(wanted)],
            Ok(Permit::Record(record)) => {
                *own = record.clone();
                vec![Effect::Store(record), Effect::Sign(wanted)]
            }
            Err(refusal) => vec![Effect::Tell(Word::Refused {
                index: wanted.index,
                refusal,
            })],
        }
    }

    /// The own signature over what was to be signed.
    pub fn signed(&mut self, signed: &Signed, signature: SignatureBytes) -> Vec<Effect> {
        let Some(sequence) = &mut self.sequence else {
            return Vec::new();
        };
        let mut effects = vec![Effect::Publish(signature_to_wire(&sequence.anchor, signed, signature))];
        if let Some(open) = sequence.get_mut(signed.index) {
            open.take(&signature);
        }
        effects.extend(self.complete());
        effects
    }

    /// A signature of a peer.
    pub fn signature(&mut self, message: &CheckpointSignature) -> (Worth, Vec<Effect>) {
        let anchor = anchor_of_wire(&message.anchor);
        let Some(sequence) = self.sequence.as_mut().filter(|sequence| sequence.anchor == anchor) else {
            return (Worth::Nothing, Vec::new());
        };
        if sequence.next_index().is_none_or(|next| message.index >= next) {
            sequence.keep_early(message);
            return (Worth::Nothing, Vec::new());
        }
        let (worth, word) = sequence.take(message);
        let mut effects: Vec<_> = word.map(Effect::Tell).into_iter().collect();
        effects.extend(self.complete());
        (worth, effects)
    }

    /// Checkpoints of a peer, with the signatures that it has. Wrong if one of them has a signature of nobody.
    pub fn bundles(&mut self, bundles: &[Bundle]) -> (Worth, Vec<Effect>) {
        let mut effects = Vec::new();
        let mut worth = Worth::Nothing;
        for bundle in bundles {
            if self.is_unplaced() {
                effects.extend(self.take_over(bundle));
            } else if let Some(sequence) = &mut self.sequence {
                worth = match sequence.take_bundle(bundle) {
                    Taken::Wrong => return (Worth::Wrong, effects),
                    Taken::New => Worth::Good,
                    Taken::Known => worth,
                };
                effects.extend(self.complete());
            }
        }
        if effects.iter().any(|effect| matches!(effect, Effect::Keep(_))) {
            worth = Worth::Good;
        }
        (worth, effects)
    }

    /// Goes on from a checkpoint of peers, if it is of a block that is this node's and a quorum of the set that this node knows to be in
    /// force there has signed it.
    fn take_over(&mut self, bundle: &Bundle) -> Vec<Effect> {
        let Some(sequence) = &mut self.sequence else {
            return Vec::new();
        };
        let is_its = |block: &CheckpointBlock| is_of(bundle, block);
        let Some(at) = sequence.unplaced.iter().position(is_its) else {
            return Vec::new();
        };
        if bundle.check(&sequence.anchor).is_err() {
            return Vec::new();
        }
        let mut blocks = sequence.unplaced.split_off(at);
        sequence.unplaced.clear();
        let Some(block) = blocks.pop_front() else {
            return Vec::new();
        };
        let complete = Complete {
            anchor: sequence.anchor,
            bundle: bundle.clone(),
            block,
        };
        sequence.base = Base::After(complete.tip());
        let index = bundle.checkpoint.index;
        let mut effects = vec![Effect::Tell(Word::TakenOver { index })];
        effects.extend(self.keep(complete));
        for block in blocks {
            effects.extend(self.block(block));
        }
        effects
    }

    /// What was said before its time.
    fn take_early(&mut self) -> Vec<Effect> {
        let Some(sequence) = &mut self.sequence else {
            return Vec::new();
        };
        let next = sequence.next_index();
        let (due, early): (VecDeque<_>, _) = std::mem::take(&mut sequence.early)
            .into_iter()
            .partition(|message| next.is_some_and(|next| message.index < next));
        sequence.early = early;
        let words: Vec<_> = due.iter().filter_map(|message| sequence.take(message).1).collect();
        let mut effects: Vec<_> = words.into_iter().map(Effect::Tell).collect();
        effects.extend(self.complete());
        effects
    }

    /// Keeps what has its quorum, in order.
    fn complete(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(sequence) = &mut self.sequence
            && let Some(open) = sequence.open.pop_front_if(|open| open.is_signed())
        {
            let complete = Complete {
                anchor: sequence.anchor,
                bundle: open.bundle(),
                block: open.block,
            };
            effects.extend(self.keep(complete));
        }
        effects
    }

    fn keep(&mut self, complete: Complete) -> Vec<Effect> {
        let tip = complete.tip();
        match self.tips.iter_mut().find(|(anchor, _)| *anchor == complete.anchor) {
            Some((_, known)) => *known = tip,
            None => {
                if self.tips.len() >= TIPS_MAX {
                    self.tips.remove(0);
                }
                self.tips.push((complete.anchor, tip));
            }
        }
        vec![Effect::Keep(Box::new(complete))]
    }
}

impl Complete {
    /// What the next checkpoint follows.
    #[must_use]
    pub fn tip(&self) -> Tip {
        Tip {
            checkpoint: self.bundle.checkpoint.clone(),
            next: Arc::clone(&self.block.set),
        }
    }
}
