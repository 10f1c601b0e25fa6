//! One process of a simulation: an engine, what is on its disk, and what it was about to write.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use ledger_chainspec::{Block, BlockHash, UnixMillis};
use ledger_mutants::{Engine, FinalHead, GuardReceipt, GuardRecord, GuardStart};

use super::{
    chain::Chain,
    keys,
    setup::{Broken, DriverMutant, Role, Setup},
};

/// What survives a crash.
#[derive(Default)]
pub struct Disk {
    /// The guard record.
    pub guard: Option<Box<GuardRecord>>,
    /// Committed heads with their blocks, from block 1.
    pub chain: Vec<(FinalHead, Arc<Block>)>,
}

/// One process.
pub struct Node {
    /// Whose key it has.
    pub identity: usize,
    /// What it does with it.
    pub role: Role,
    /// The engine; `None` while the process is down.
    pub engine: Option<Engine>,
    /// What survives a crash.
    pub disk: Disk,
    /// How often it has started: what was under way before belongs to nobody.
    pub life: u64,
    /// Milliseconds that its clock is ahead of the world's.
    pub skew_ms: i64,
    /// The part of the network that it is in.
    pub group: u64,
    /// When its engine wants to wake.
    pub wake: Option<UnixMillis>,
    /// Effects carried out, over all lives.
    pub effects: u64,
    /// Effects that may still be carried out before the process dies.
    pub effects_left: Option<u64>,
    /// Guard records on their way to the disk, each with what says that it got there.
    pub storing: VecDeque<(Box<GuardRecord>, Option<GuardReceipt>)>,
    /// Proposals that a bad authority has voted for, so that it does not do it for ever.
    pub voted: BTreeSet<(u64, BlockHash)>,
}

impl Node {
    /// A process that has never run.
    pub fn new(identity: usize, role: Role) -> Self {
        Self {
            identity,
            role,
            engine: None,
            disk: Disk::default(),
            life: 0,
            skew_ms: 0,
            group: 0,
            wake: None,
            effects: 0,
            effects_left: None,
            storing: VecDeque::new(),
            voted: BTreeSet::new(),
        }
    }

    /// Does it keep every rule, and is nobody else using its key?
    pub fn is_honest(&self) -> bool {
        self.role == Role::Honest
    }

    /// Is the process running?
    pub fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    /// Has its guard record been lost, and none been stored since?
    pub fn is_silent(&self) -> bool {
        self.life > 0 && self.disk.guard.is_none()
    }

    /// The newest block on its disk.
    pub fn head(&self, chain: &Chain) -> FinalHead {
        self.disk
            .chain
            .last()
            .map_or_else(|| chain.genesis_head(), |(head, _)| head.clone())
    }

    /// The height of the newest block on its disk.
    pub fn height(&self) -> u64 {
        self.disk.chain.len() as u64
    }

    /// What the process finds of its guard when it starts.
    pub fn guard_start(&mut self, setup: &Setup, chain: &Chain) -> GuardStart {
        let fresh = || Box::new(GuardRecord::fresh(chain.params.genesis, keys::public(self.identity)));
        let Some(record) = &self.disk.guard else {
            let speaks = setup.broken == Some(Broken::Driver(DriverMutant::LostGuardSpeaks));
            return match (self.life, speaks) {
                (0, _) => {
                    self.disk.guard = Some(fresh());
                    GuardStart::Fresh
                }
                (_, true) => GuardStart::Found(fresh()),
                (_, false) => GuardStart::Lost,
            };
        };
        let forgets = setup.broken == Some(Broken::Driver(DriverMutant::ForgetsLock))
            || matches!(self.role, Role::Amnesiac | Role::Excusing);
        let mut record = record.clone();
        if forgets {
            record.lock = None;
            record.newest = None;
        }
        GuardStart::Found(record)
    }
}
