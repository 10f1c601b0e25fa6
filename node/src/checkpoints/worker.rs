//! What is done about checkpoints on blocking threads: reading the chain, asking the planner, carrying out what it says.
//!
//! Called by [`task`](super::task), one call at a time. Every effect is carried out in its order; after an error the task ends, and with it
//! the node: only a restart tells again whether a record or a bundle is on disk.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use alloy_primitives::B256;
use ledger_chainspec::CheckpointBundle;
use ledger_checkpoint::statement::{Anchor, Bundle};
use ledger_network::{CheckpointAnchor, CheckpointSignature, GossipId, Incoming, Verdict};
use ledger_runtime::Runtime;
use metrics::{counter, gauge};
use parking_lot::Mutex;
use tracing::{debug, error, info};

use super::{
    book::{CheckpointBook, Signing, Snapshot},
    chain::{ChainError, ChainReader, Position},
    facts::{SigningSet, Tip},
    log::{BundleLog, BundleRecord, LogError},
    own::OwnKey,
    planner::{Complete, Effect, Planner, Word, Worth},
    record::{Refusal, SignedRecord},
    wire::anchor_to_wire,
};
use crate::{driver::as_f64, signer::GuardStoreError, telemetry::metering};

/// Blocks that are looked at in one go: some milliseconds' work.
const BLOCKS_AT_ONCE: usize = 2_048;

/// Blocks after which the position is kept while there is no checkpoint.
const POSITION_BLOCKS: u64 = 10_000;

/// Why checkpoints cannot be looked after any more.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Bundles cannot be kept or read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The record of what the own key signed cannot be kept.
    #[error(transparent)]
    Guard(#[from] GuardStoreError),
    /// The own key does not sign.
    #[error("the checkpoint key does not sign: {0}")]
    Key(#[from] alloy_signer::Error),
    /// A quorum has signed another history than this node has.
    #[error(
        "checkpoint {index} that a quorum has signed is of block {signed} at height {height}, and this node's chain has {own} there: one \
         of the two histories is not the chain; do not go on before it is known which"
    )]
    OtherHistory {
        /// The checkpoint.
        index: u64,
        /// Its height.
        height: u64,
        /// Its block.
        signed: B256,
        /// The block in this node's chain.
        own: B256,
    },
}

/// What checkpoints are looked after with.
#[derive(Debug)]
pub struct CheckpointParts {
    /// The chain.
    pub runtime: Arc<Runtime>,
    /// Where all can see how they stand.
    pub book: Arc<CheckpointBook>,
    /// The folder of the bundles.
    pub folder: PathBuf,
    /// The own key and what it has signed, if there is one.
    pub own: Option<(OwnKey, SignedRecord)>,
}

type SharedLog = Arc<Mutex<BundleLog>>;

/// The worker.
#[derive(Debug)]
pub(super) struct Worker {
    parts: CheckpointParts,
    genesis: B256,
    logs: Vec<(Anchor, SharedLog)>,
    /// Both are there once the chain is as long as what is kept says.
    begun: Option<(Planner, ChainReader)>,
    /// Height of the position that is kept.
    position_kept: u64,
    outbox: Vec<CheckpointSignature>,
}

impl Worker {
    /// A worker over what is kept in the folder.
    pub(super) fn open(parts: CheckpointParts) -> Result<Self, CheckpointError> {
        let genesis = parts.runtime.genesis_hash().get();
        let mut logs = Vec::new();
        for anchor in BundleLog::anchors(&parts.folder)? {
            let log = BundleLog::open(&parts.folder, genesis, &anchor)?;
            logs.push((anchor, Arc::new(Mutex::new(log))));
        }
        let worker = Self {
            parts,
            genesis,
            logs,
            begun: None,
            position_kept: 0,
            outbox: Vec::new(),
        };
        Ok(worker)
    }

    /// Own signatures that everybody is to be told of.
    pub(super) fn take_outbox(&mut self) -> Vec<CheckpointSignature> {
        std::mem::take(&mut self.outbox)
    }

    /// Whether blocks wait to be looked at.
    pub(super) fn is_behind(&self) -> bool {
        let head = self.parts.runtime.head().number().get();
        match &self.begun {
            None => true,
            Some((planner, reader)) => reader.position().number < head && !planner.is_full(),
        }
    }

    /// From where on peers should be asked, if something is missing.
    pub(super) fn missing(&self) -> Option<(CheckpointAnchor, u64)> {
        let (planner, _) = self.begun.as_ref()?;
        Some((anchor_to_wire(&planner.anchor()?), planner.missing()?))
    }

    /// Looks at blocks that are final by now; whether more wait.
    pub(super) fn advance(&mut self) -> Result<bool, CheckpointError> {
        if self.begun.is_none() {
            self.begun = self.begin()?;
        }
        for _ in 0..BLOCKS_AT_ONCE {
            let Some((planner, reader)) = &mut self.begun else {
                break;
            };
            if planner.is_full() {
                break;
            }
            let Some(header) = reader.advance()? else { break };
            let position = *reader.position();
            if let Some(after) = planner.due(&position.config, position.number) {
                let block = reader.checkpoint(&header, after)?;
                let effects = planner.block(block);
                self.carry_out(effects)?;
            }
        }
        self.keep_position()?;
        self.show();
        Ok(self.begun.is_some() && self.is_behind())
    }

    /// Takes signatures of peers; what each message was worth.
    pub(super) fn signatures(
        &mut self,
        messages: Vec<Incoming<CheckpointSignature>>,
    ) -> Result<Vec<(GossipId, Verdict)>, CheckpointError> {
        let mut verdicts = Vec::new();
        for Incoming { id, message, .. } in messages {
            let Some((planner, _)) = &mut self.begun else { break };
            let (worth, effects) = planner.signature(&message);
            verdicts.extend(id.map(|id| (id, verdict(worth))));
            self.carry_out(effects)?;
        }
        self.show();
        Ok(verdicts)
    }

    /// Takes what a peer has.
    pub(super) fn bundles(&mut self, told: Vec<CheckpointBundle>) -> Result<Worth, CheckpointError> {
        let Some((planner, _)) = &mut self.begun else {
            return Ok(Worth::Nothing);
        };
        let bundles: Vec<Bundle> = told.into_iter().map(Bundle::from).collect();
        let (worth, effects) = planner.bundles(&bundles);
        self.carry_out(effects)?;
        self.show();
        Ok(worth)
    }

    /// Planner and reader, where what is kept says; none while the chain is shorter than that, as after a backup was restored.
    fn begin(&mut self) -> Result<Option<(Planner, ChainReader)>, CheckpointError> {
        let runtime = &self.parts.runtime;
        let head = runtime.head().number().get();
        let mut newest = Vec::new();
        for (anchor, log) in &self.logs {
            newest.extend(log.lock().last()?.map(|record| (*anchor, record)));
        }
        let of_bundles = newest.iter().map(|(_, record)| Position::of_bundle(record));
        let kept = of_bundles.chain(Position::read(&self.parts.folder));
        let position = match kept.max_by_key(|position| position.number) {
            Some(kept) if kept.number > head => return Ok(None),
            Some(kept) if kept.number.saturating_add(1) >= runtime.oldest_block().get() => kept,
            None if runtime.oldest_block().get() == 0 => Position::genesis(runtime.spec()),
            // The blocks in between are not here: the chain's folder was lost, and a state taken.
            _ => {
                let position = Position::of_head(runtime)?;
                position.write(&self.parts.folder)?;
                position
            }
        };
        let mut tips = Vec::new();
        for (anchor, record) in newest {
            self.check_history(&record)?;
            let next = ChainReader::new(Arc::clone(runtime), Position::of_bundle(&record))?;
            let checkpoint = record.bundle.checkpoint;
            let next: Arc<SigningSet> = Arc::clone(next.set());
            tips.push((anchor, Tip { checkpoint, next }));
        }
        self.position_kept = position.number;
        let record = self.parts.own.as_ref().map(|(_, record)| record.clone());
        let planner = Planner::new(self.genesis, record, position.knows_all, tips);
        Ok(Some((planner, ChainReader::new(Arc::clone(runtime), position)?)))
    }

    /// The newest bundle must be of a block of this chain.
    fn check_history(&self, record: &BundleRecord) -> Result<(), CheckpointError> {
        let checkpoint = &record.bundle.checkpoint;
        let number = ledger_chainspec::BlockNumber::new(checkpoint.height);
        let header = self.parts.runtime.header(ledger_runtime::BlockRef::Number(number));
        let unreadable = |reason: String| ChainError::Unreadable {
            number: checkpoint.height,
            reason,
        };
        match header.map_err(|error| unreadable(error.to_string()))? {
            Some(header) if header.hash.get() != checkpoint.blockHash => Err(CheckpointError::OtherHistory {
                index: checkpoint.index,
                height: checkpoint.height,
                signed: checkpoint.blockHash,
                own: header.hash.get(),
            }),
            _ => Ok(()),
        }
    }

    fn keep_position(&mut self) -> Result<(), CheckpointError> {
        let Some((planner, reader)) = &self.begun else {
            return Ok(());
        };
        let position = reader.position();
        if planner.anchor().is_none() && position.number >= self.position_kept.saturating_add(POSITION_BLOCKS) {
            position.write(&self.parts.folder)?;
            self.position_kept = position.number;
        }
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), CheckpointError> {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Store(record) => {
                    if let Some((own, _)) = &mut self.parts.own {
                        own.store(&record)?;
                    }
                }
                Effect::Sign(wanted) => {
                    let (Some((own, _)), Some((planner, _))) = (&self.parts.own, &mut self.begun) else {
                        continue;
                    };
                    let signature = own.sign(&wanted.fingerprint)?;
                    for effect in planner.signed(&wanted, signature).into_iter().rev() {
                        effects.push_front(effect);
                    }
                }
                Effect::Publish(signature) => {
                    counter!(metering::CHECKPOINTS_OWN).increment(1);
                    self.outbox.push(signature);
                }
                Effect::Keep(complete) => self.keep(&complete)?,
                Effect::Tell(word) => tell(&word),
            }
        }
        Ok(())
    }

    fn keep(&mut self, complete: &Complete) -> Result<(), CheckpointError> {
        let anchor = complete.anchor;
        let log = match self.logs.iter().find(|(known, _)| *known == anchor) {
            Some((_, log)) => Arc::clone(log),
            None => {
                let log = BundleLog::open(&self.parts.folder, self.genesis, &anchor)?;
                let log = Arc::new(Mutex::new(log));
                self.logs.push((anchor, Arc::clone(&log)));
                log
            }
        };
        let (bundle, block) = (&complete.bundle, &complete.block);
        log.lock().append(&BundleRecord {
            bundle: bundle.clone(),
            config: block.config,
            recoveries: block.recoveries,
            set_id: block.set.id,
        })?;
        let (index, height) = (bundle.checkpoint.index, bundle.checkpoint.height);
        let signatures = bundle.bitmap.count_ones();
        info!(target: "ledger::checkpoints", index, height, signatures, "checkpoint signed by a quorum");
        Ok(())
    }

    /// Shows everybody how checkpoints stand.
    fn show(&self) {
        let own_key = self.parts.own.as_ref().map(|(own, _)| own.address());
        let mut snapshot = Snapshot {
            own_key,
            ..Snapshot::default()
        };
        if let Some((planner, reader)) = &self.begun {
            snapshot.config = Some(reader.position().config);
            snapshot.anchor = planner.anchor().or_else(|| reader.position().config.anchor());
            snapshot.open = planner.open().cloned().collect();
            snapshot.signing = self.signing(planner, reader);
            let log = self.logs.iter().find(|(anchor, _)| Some(*anchor) == snapshot.anchor);
            snapshot.log = log.map(|(_, log)| Arc::clone(log));
        }
        let newest = snapshot.log.as_ref().and_then(|log| log.lock().last_index());
        gauge!(metering::CHECKPOINTS_SIGNED).set(as_f64(newest.unwrap_or(0)));
        gauge!(metering::CHECKPOINTS_WAITING).set(as_f64(snapshot.open.len() as u64));
        self.parts.book.set_checkpoints(snapshot);
    }

    fn signing(&self, planner: &Planner, reader: &ChainReader) -> Signing {
        let Some((own, _)) = &self.parts.own else {
            return match reader.position().config.anchor() {
                None => Signing::NoContract,
                Some(_) => Signing::NoKey,
            };
        };
        let own = own.address();
        let signs_open = planner.open().any(|open| open.keys.contains(&own));
        match reader.position().config.anchor() {
            None => Signing::NoContract,
            Some(_) if planner.is_unplaced() => Signing::Unplaced,
            Some(_) if planner.is_full() => Signing::Full,
            Some(_) if signs_open || reader.set().keys.contains(&own) => Signing::Signs,
            Some(_) => Signing::NotInSet,
        }
    }
}

const fn verdict(worth: Worth) -> Verdict {
    match worth {
        Worth::Good => Verdict::Accept,
        Worth::Nothing => Verdict::Ignore,
        Worth::Wrong => Verdict::Reject("checkpoint signature of nobody"),
    }
}

/// Says to the operator what has to be said.
fn tell(word: &Word) {
    match word {
        Word::Refused {
            index,
            refusal: refusal @ (Refusal::Other { .. } | Refusal::Contracts),
        } => error!(target: "ledger::checkpoints", index, %refusal, "a checkpoint is not signed"),
        Word::Refused { index, refusal } => {
            debug!(target: "ledger::checkpoints", index, %refusal, "a checkpoint is not signed");
        }
        Word::Conflict {
            index,
            signer,
            theirs,
            ours,
        } => {
            counter!(metering::CHECKPOINT_CONFLICTS).increment(1);
            error!(
                target: "ledger::checkpoints", index, %signer, %theirs, %ours,
                "a validator has signed another checkpoint than this chain has"
            );
        }
        Word::TakenOver { index } => {
            info!(target: "ledger::checkpoints", index, "going on from a checkpoint that a quorum has signed");
        }
    }
}
