//! One honest validator of the exploration: the real engine, its disk, and what it has said.

use std::collections::VecDeque;

use alloy_primitives::{B256, keccak256};
use ledger_chainspec::{BlockHash, UnixMillis};
use ledger_mutants::{
    BuildOutcome, Effect, Engine, EngineConfig, EngineStart, FinalHead, GuardRecord, GuardStart, Input, Message,
    Origin, ValidationOutcome,
    rules::{Mutant, Rules},
};
use parity_scale_codec::Encode;

use super::{FIRST_SLOT, Scope, Step};
use crate::simulation::{
    chain::{Chain, SLOT_MS},
    keys::{self, Signatures},
    setup::{Broken, DriverMutant},
};

/// One honest process.
pub(super) struct Process<'a> {
    scope: Scope,
    chain: &'a Chain,
    validator: usize,
    engine: Engine,
    guard: Box<GuardRecord>,
    head: FinalHead,
    now: u64,
    /// Everything that it has ever told the others.
    pub(super) said: Vec<Message>,
}

impl<'a> Process<'a> {
    pub(super) fn new(scope: Scope, chain: &'a Chain, validator: usize) -> Self {
        let now = FIRST_SLOT * SLOT_MS;
        let guard = GuardRecord::fresh(chain.params.genesis, keys::public(validator));
        let head = chain.genesis_head();
        let (engine, effects) = start(scope, chain, validator, (GuardStart::Fresh, now));
        let mut process = Self {
            scope,
            chain,
            validator,
            engine,
            guard: Box::new(guard),
            head,
            now,
            said: Vec::new(),
        };
        process.carry_out(effects);
        process.input(Input::PoolChanged { has_work: true });
        process
    }

    fn restart(&mut self) {
        let mut guard = self.guard.clone();
        if self.scope.broken == Some(Broken::Driver(DriverMutant::ForgetsLock)) {
            guard.lock = None;
            guard.newest = None;
        }
        let (engine, effects) = start(
            self.scope,
            self.chain,
            self.validator,
            (GuardStart::Found(guard), self.now),
        );
        self.engine = engine;
        self.carry_out(effects);
        self.input(Input::PoolChanged { has_work: true });
    }

    pub(super) fn take(&mut self, step: &Step, messages: &[Message]) {
        self.now = step.now;
        if step.restarts {
            self.restart();
        }
        self.input(Input::Tick);
        for position in &step.hears {
            let from = Origin(0);
            let message = messages[*position].clone();
            self.input(Input::Message { from, message });
        }
    }

    pub(super) fn committed(&self) -> Option<BlockHash> {
        (self.head.header.header.number > 0).then_some(self.head.header.hash)
    }

    fn input(&mut self, input: Input) {
        if self.committed().is_none() {
            let effects = self.engine.handle(UnixMillis::new(self.now), input);
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            let answer = match effect {
                Effect::Build(request) => {
                    let block = self.chain.build(&self.head.set, &request, self.validator as u64, None);
                    let (slot, outcome) = (request.slot, BuildOutcome::Block(Box::new(block)));
                    Some(Input::Built { slot, outcome })
                }
                Effect::Validate { block } => Some(Input::Validated {
                    hash: block.hash(),
                    outcome: ValidationOutcome::Valid,
                }),
                Effect::StoreGuard(write) => {
                    *self.guard = write.record().clone();
                    Some(Input::GuardStored(write.stored()))
                }
                Effect::Sign(permission) => {
                    let signature = keys::sign(Signatures::Ideal, self.validator, permission.statement());
                    Some(Input::Signed(permission.signed(signature)))
                }
                Effect::Finalize { block, certificate } => {
                    self.head = self.chain.head_after(&self.head, &block, certificate.clone());
                    self.said.push(Message::Finality(certificate));
                    return;
                }
                Effect::Broadcast(message) => {
                    self.said.push(message);
                    None
                }
                // A block that is missing comes with its proposal, if everything that was said is heard; answers to peers, wakes
                // and words to operators decide nothing.
                Effect::FetchBlock { .. }
                | Effect::Send { .. }
                | Effect::CatchUp { .. }
                | Effect::WakeAt(_)
                | Effect::Evidence(_)
                | Effect::Reject { .. }
                | Effect::Alarm(_) => None,
            };
            if let Some(input) = answer {
                queue.extend(self.engine.handle(UnixMillis::new(self.now), input));
            }
        }
    }

    /// Stands for all that can make a difference later.
    pub(super) fn digest(&self) -> B256 {
        let said: Vec<Vec<u8>> = self.said.iter().map(Encode::encode).collect();
        match self.committed() {
            Some(hash) => keccak256(format!("{} {hash:?} {said:?}", self.validator)),
            None => keccak256(format!(
                "{} {:?} {:?} {said:?}",
                self.validator, self.engine, self.guard
            )),
        }
    }
}

fn start(scope: Scope, chain: &Chain, validator: usize, (guard, now): (GuardStart, u64)) -> (Engine, Vec<Effect>) {
    let mutant: Option<Mutant> = match scope.broken {
        Some(Broken::Engine(mutant)) => Some(mutant),
        Some(Broken::Driver(_)) | None => None,
    };
    let config = EngineConfig {
        params: chain.params,
        voter: Some(keys::public(validator)),
        rules: Rules {
            mutant,
            ..keys::rules(Signatures::Ideal)
        },
    };
    let start = EngineStart {
        head: chain.genesis_head(),
        guard,
        now: UnixMillis::new(now),
    };
    Engine::new(config, start).expect("the guard is this validator's")
}
