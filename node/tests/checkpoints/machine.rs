//! A node without network and disk: the real planner, what it would have on disk, and a step at which it may be killed.

use ledger_checkpoint::statement::{Anchor, Bundle};
use ledger_network::CheckpointSignature;
use ledger_node::checkpoints::{
    Planner, SignedRecord,
    collecting::Open,
    facts::Tip,
    planner::{Complete, Effect, Word, Worth},
    record::Signed,
};

use crate::chain::{Chain, GENESIS, key, sign};

/// What a machine does that it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Nothing,
    /// Signs before the record is stored.
    SignsFirst,
    /// Never stores what it signs.
    StoresNothing,
    /// Takes a lost record for that of a fresh key.
    ForgetsLoss,
}

/// What survives a kill.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub record: Option<Vec<u8>>,
    pub bundles: Vec<Complete>,
    /// Height from which on it has the chain; 0 for all of it.
    pub from: u64,
}

/// The node was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

#[derive(Debug)]
pub struct Machine {
    /// The validator whose key it has.
    pub own: Option<u8>,
    pub broken: Broken,
    pub disk: Disk,
    pub planner: Planner,
    /// The last block that was looked at.
    pub at: u64,
    /// Effects until it is killed.
    pub kill_in: Option<u64>,
    /// What it has told since this was last taken.
    pub told: Vec<CheckpointSignature>,
    /// What it has ever signed.
    pub signed: Vec<(Anchor, Signed)>,
    pub words: Vec<Word>,
}

impl Machine {
    /// Starts with what is on disk, at the height that `chain` has then.
    pub fn start(own: Option<u8>, broken: Broken, mut disk: Disk, now: u64) -> Self {
        let record = own.map(|k| match &disk.record {
            Some(bytes) => SignedRecord::of(key(k), bytes).unwrap(),
            None => {
                let since = if broken == Broken::ForgetsLoss { 0 } else { now };
                let begun = SignedRecord::begin(key(k), Chain::slot(since));
                disk.record = Some(begun.to_bytes());
                begun
            }
        });
        let mut tips: Vec<(Anchor, Tip)> = Vec::new();
        for complete in &disk.bundles {
            tips.retain(|(anchor, _)| *anchor != complete.anchor);
            tips.push((complete.anchor, complete.tip()));
        }
        let at = disk.bundles.iter().map(|complete| complete.block.number).max();
        Self {
            planner: Planner::new(GENESIS, record, disk.from == 0, tips),
            at: at.unwrap_or(disk.from).max(disk.from),
            own,
            broken,
            disk,
            kill_in: None,
            told: Vec::new(),
            signed: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Looks at all blocks of `chain` up to `height`.
    pub fn advance(&mut self, chain: &Chain, height: u64) -> Result<(), Killed> {
        while self.at < height && !self.planner.is_full() {
            self.at += 1;
            let holds = chain.after(self.at);
            if let Some(after) = self.planner.due(&holds.config, self.at) {
                // What was before its state it does not have.
                let after = after.filter(|after| *after >= self.disk.from);
                let effects = self.planner.block(chain.block(self.at, after));
                self.carry_out(effects)?;
            }
        }
        Ok(())
    }

    pub fn hear(&mut self, message: &CheckpointSignature) -> Result<Worth, Killed> {
        let (worth, effects) = self.planner.signature(message);
        self.carry_out(effects)?;
        Ok(worth)
    }

    pub fn take(&mut self, bundles: &[Bundle]) -> Result<Worth, Killed> {
        let (worth, effects) = self.planner.bundles(bundles);
        self.carry_out(effects)?;
        Ok(worth)
    }

    /// What it answers to who asks for checkpoints from index `from` on; 0 for the newest.
    pub fn answer(&self, anchor: &Anchor, from: u64) -> Vec<Bundle> {
        let kept = self.disk.bundles.iter().filter(|complete| complete.anchor == *anchor);
        let kept: Vec<_> = kept.map(|complete| complete.bundle.clone()).collect();
        if from == 0 {
            return kept[kept.len().saturating_sub(16)..].to_vec();
        }
        let open = self.planner.open().map(Open::bundle);
        let open = open.filter(|_| self.planner.anchor() == Some(*anchor));
        let all = kept.into_iter().chain(open);
        all.filter(|bundle| bundle.checkpoint.index >= from).take(16).collect()
    }

    fn step(&mut self) -> Result<(), Killed> {
        match &mut self.kill_in {
            Some(0) => Err(Killed),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), Killed> {
        let mut effects = effects;
        if self.broken == Broken::SignsFirst {
            effects.sort_by_key(|effect| matches!(effect, Effect::Store(_)));
        }
        for effect in effects {
            self.step()?;
            match effect {
                Effect::Store(_) if self.broken == Broken::StoresNothing => {}
                Effect::Store(record) => self.disk.record = Some(record.to_bytes()),
                Effect::Sign(wanted) => {
                    let signature = sign(self.own.unwrap(), &wanted.fingerprint);
                    self.signed.push((self.planner.anchor().unwrap(), wanted));
                    let then = self.planner.signed(&wanted, signature);
                    self.carry_out(then)?;
                }
                Effect::Publish(message) => self.told.push(message),
                Effect::Keep(complete) => self.disk.bundles.push(*complete),
                Effect::Tell(word) => self.words.push(word),
            }
        }
        Ok(())
    }
}
