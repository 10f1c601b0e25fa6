//! How a node's effects are carried out: what the node's driver does, under virtual time and on a disk that may tear.

use std::collections::VecDeque;

use ledger_chainspec::StatementKind;
use ledger_mutants::{
    Alarm, BuildOutcome, BuildRequest, Effect, Engine, EngineConfig, EngineStart, FinalHead, GuardWrite, Input, Origin,
    Permission, Rejection, ValidationOutcome,
    error::Fault,
    rules::{Mutant, Rules},
};

use super::{
    chain::{Chain, SLOT_MS},
    check::Violation,
    keys,
    setup::{Broken, DriverMutant, Role},
    world::{Event, World},
};

/// Longest time to build or re-execute a block, as long as nothing is wrong.
const WORK_MS: u64 = 20;
/// In chaos, every so many percent of builds and executions take up to a slot.
const SLOW_WORK_PERCENT: u64 = 4;
/// Longest time to store a guard record that is slow to be stored.
const SLOW_STORE_MS: u64 = 60;
/// How late a process may wake.
const LATE_WAKE_MS: u64 = 20;

impl World {
    /// Starts the process of a node with what is on its disk.
    pub(super) fn start(&mut self, at: usize) {
        let head = self.nodes[at].head(&self.chain);
        let guard = self.nodes[at].guard_start(&self.setup, &self.chain);
        let now = self.clock(at);
        let config = EngineConfig {
            params: self.chain.params,
            voter: Some(keys::public(self.nodes[at].identity)),
            rules: self.rules_of(at),
        };
        let (engine, effects) =
            Engine::new(config, EngineStart { head, guard, now }).expect("a simulated disk holds what was written");
        let node = &mut self.nodes[at];
        node.engine = Some(engine);
        node.life += 1;
        node.wake = None;
        self.trace.event(self.now, at, "starts");
        self.carry_out(at, effects);
        self.feed(at, Input::PoolChanged { has_work: true });
    }

    fn rules_of(&self, at: usize) -> Rules {
        let mutant = match (self.nodes[at].role, self.setup.broken) {
            (Role::Amnesiac, _) => Some(Mutant::IgnoresLock),
            (Role::Excusing, _) => Some(Mutant::IgnoresLockAndGrounds),
            (_, Some(Broken::Engine(mutant))) => Some(mutant),
            (_, Some(Broken::Driver(_)) | None) => None,
        };
        Rules {
            mutant,
            ..keys::rules(self.setup.signatures)
        }
    }

    /// Hands over a fact, unless the process that waited for it is gone.
    pub(super) fn feed_life(&mut self, at: usize, life: u64, input: Input) {
        if self.nodes[at].life == life {
            self.feed(at, input);
        }
    }

    /// Hands over a fact and carries out all that follows.
    pub(super) fn feed(&mut self, at: usize, input: Input) {
        let effects = self.handle(at, input);
        self.carry_out(at, effects);
    }

    fn handle(&mut self, at: usize, input: Input) -> Vec<Effect> {
        let clock = self.clock(at);
        let Some(engine) = &mut self.nodes[at].engine else {
            return Vec::new();
        };
        self.trace.input(self.now, at, &input);
        engine.handle(clock, input)
    }

    fn carry_out(&mut self, at: usize, effects: Vec<Effect>) {
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            if self.dies_now(at) {
                return self.kill(at, Some(effect));
            }
            self.trace.effect(self.now, at, &effect);
            if let Some(input) = self.effect(at, effect) {
                queue.extend(self.handle(at, input));
            }
        }
    }

    fn dies_now(&mut self, at: usize) -> bool {
        let is_last = at + 1 == self.setup.validators;
        let node = &mut self.nodes[at];
        node.effects += 1;
        if is_last && self.setup.dies_at == Some(node.effects) {
            let back = self.now + SLOT_MS + SLOT_MS / 5;
            self.schedule(
                back,
                Event::Restart {
                    node: at,
                    loses_guard: false,
                },
            );
            return true;
        }
        match &mut node.effects_left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    /// The process dies, `before` an effect if there is one. A guard record on its way to the disk gets there or does not.
    pub(super) fn kill(&mut self, at: usize, before: Option<Effect>) {
        if let Some(Effect::StoreGuard(write)) = before {
            let record = Box::new(write.record().clone());
            self.nodes[at].storing.push_back((record, None));
        }
        let reached = self.random.index(self.nodes[at].storing.len() + 1);
        let node = &mut self.nodes[at];
        if let Some((record, _)) = node.storing.drain(..).take(reached).next_back() {
            node.disk.guard = Some(record);
        }
        node.storing.clear();
        node.engine = None;
        node.effects_left = None;
        node.wake = None;
        self.trace.event(self.now, at, "dies");
    }

    fn effect(&mut self, at: usize, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Build(request) => self.build(at, &request),
            Effect::Validate { block } => {
                let outcome = self.validate(at, &block);
                let (hash, node, life) = (block.hash(), at, self.nodes[at].life);
                let event = Event::Validated {
                    node,
                    life,
                    hash,
                    outcome,
                };
                self.after_work(event);
            }
            Effect::StoreGuard(write) => return self.store(at, write),
            Effect::Sign(permission) => return Some(self.sign(at, permission)),
            Effect::Finalize { block, certificate } => {
                let parent = self.nodes[at].head(&self.chain);
                let is_valid = self.chain.is_valid(&parent, &block, self.proven.iter().copied());
                if self.nodes[at].is_honest() && !(is_valid && Chain::holds_to_orders(&block)) {
                    let height = block.header.number;
                    self.checker.violated(Violation::InvalidBlock { height });
                }
                let head = self.chain.head_after(&parent, &block, certificate);
                self.nodes[at].disk.chain.push((head.clone(), block));
                self.committed(at, &head);
                return Some(Input::Imported(Box::new(head)));
            }
            Effect::Broadcast(message) => self.say(at, message),
            Effect::Send { to, message } => self.send(at, node_of(to), message),
            Effect::FetchBlock { hash, .. } => self.fetch_later(at, hash, 0),
            Effect::CatchUp { from, .. } => {
                let when = self.now + 1 + self.random.below(SLOT_MS / 4);
                let (life, peer) = (self.nodes[at].life, node_of(from));
                self.schedule(when, Event::CatchUp { node: at, life, peer });
            }
            Effect::WakeAt(wake) => {
                self.nodes[at].wake = Some(wake);
                self.wake_later(at);
            }
            Effect::Evidence(evidence) if self.nodes[at].is_honest() => {
                let proven = self.checker.accused(&evidence);
                self.proven.extend(proven);
            }
            Effect::Reject { from, rejection } => self.blamed(at, from, &rejection),
            Effect::Alarm(alarm) => self.alarmed(at, &alarm),
            Effect::Evidence(_) => {}
        }
        None
    }

    fn build(&mut self, at: usize, request: &BuildRequest) {
        let set = self.nodes[at].head(&self.chain).set;
        let jailed = self.proven.iter().copied().find(|bad| {
            let is_member = set.index_of(&keys::public(*bad)).is_some();
            self.setup.jails && is_member && self.nodes[at].identity != *bad
        });
        let salt = self.random.below(1 << 40);
        let block = self.chain.build(&set, request, salt, jailed);
        let (node, life, slot) = (at, self.nodes[at].life, request.slot);
        let outcome = BuildOutcome::Block(Box::new(block));
        self.after_work(Event::Built {
            node,
            life,
            slot,
            outcome,
        });
    }

    pub(super) fn validate(&self, at: usize, block: &ledger_chainspec::Block) -> ValidationOutcome {
        let node = &self.nodes[at];
        let looks_at_sets = self.setup.broken != Some(Broken::Driver(DriverMutant::SetsNotChecked));
        // Bad nodes stand by each other.
        let is_valid = !node.is_honest() && node.role != Role::Twin
            || !looks_at_sets
            || self
                .chain
                .is_valid(&node.head(&self.chain), block, self.proven.iter().copied());
        if is_valid {
            ValidationOutcome::Valid
        } else {
            ValidationOutcome::Invalid
        }
    }

    /// Building and executing take time.
    fn after_work(&mut self, event: Event) {
        let is_slow = self.setup.calm_slots > 0 && !self.is_calm && self.random.percent(SLOW_WORK_PERCENT);
        let longest = if is_slow { SLOT_MS } else { WORK_MS };
        let when = self.now + 1 + self.random.below(longest);
        self.schedule(when, event);
    }

    fn store(&mut self, at: usize, write: GuardWrite) -> Option<Input> {
        let record = Box::new(write.record().clone());
        let receipt = write.stored();
        let is_slow = self.random.percent(self.setup.faults.slow_store_percent);
        let signs_first = self.setup.broken == Some(Broken::Driver(DriverMutant::SignsFirst));
        let node = &mut self.nodes[at];
        if !is_slow && !signs_first && node.storing.is_empty() {
            node.disk.guard = Some(record);
            return Some(Input::GuardStored(receipt));
        }
        let life = node.life;
        // The record is durable, and its receipt handed over, when the event comes; the broken driver does not wait.
        let (kept, given) = if signs_first {
            (None, Some(receipt))
        } else {
            (Some(receipt), None)
        };
        node.storing.push_back((record, kept));
        let when = self.now + 1 + self.random.below(SLOW_STORE_MS);
        self.schedule(when, Event::Stored { node: at, life });
        given.map(Input::GuardStored)
    }

    /// The oldest guard record on its way has reached the disk.
    pub(super) fn stored(&mut self, at: usize, life: u64) {
        let node = &mut self.nodes[at];
        if node.life != life || !node.is_up() {
            return;
        }
        if let Some((record, receipt)) = node.storing.pop_front() {
            node.disk.guard = Some(record);
            if let Some(receipt) = receipt {
                self.feed(at, Input::GuardStored(receipt));
            }
        }
    }

    fn sign(&mut self, at: usize, permission: Permission) -> Input {
        let statement = *permission.statement();
        let node = &self.nodes[at];
        // What a bad node signs counts when it sends it.
        let counts = matches!(node.role, Role::Honest | Role::Twin) || statement.kind == StatementKind::Seal;
        let identity = node.identity;
        if counts {
            self.checker.signed(identity, &statement);
        }
        let signature = keys::sign(self.setup.signatures, identity, &statement);
        Input::Signed(permission.signed(signature))
    }

    fn committed(&mut self, at: usize, head: &FinalHead) {
        if self.nodes[at].is_honest() {
            self.checker.committed(head);
        }
        let height = head.header.header.number;
        if height > self.highest {
            self.highest = height;
            if !self.is_calm && self.random.percent(self.setup.faults.ambush_percent) {
                self.ambush(at);
            }
        }
    }

    fn blamed(&mut self, at: usize, from: Origin, rejection: &Rejection) {
        let node = node_of(from);
        let is_wrong = self.nodes[at].is_honest()
            && self.nodes[node].is_honest()
            && rejection.fault() == Fault::Sender
            && self.setup.broken.is_none()
            && !self.checker.is_forked();
        if is_wrong {
            let reason = rejection.to_string();
            self.checker.violated(Violation::WronglyBlamed { node, reason });
        }
    }

    fn alarmed(&mut self, at: usize, alarm: &Alarm) {
        let is_expected = match alarm {
            Alarm::GuardLost { .. } => self.setup.faults.loses_guards,
            Alarm::ClockOff { .. } | Alarm::ClockRight | Alarm::ClockWentBack { .. } => {
                self.setup.faults.clock_percent > 0
            }
            Alarm::ConflictingCertificates { .. } | Alarm::CertifiedBlockInvalid { .. } => self.checker.may_fork(),
            Alarm::GuardAhead { .. }
            | Alarm::KeyUsedElsewhere { .. }
            | Alarm::SignerBroken { .. }
            | Alarm::BuilderBroken { .. }
            | Alarm::CheckpointContradicted { .. }
            | Alarm::HeadRefused(_) => false,
        };
        if self.nodes[at].is_honest() && !is_expected {
            let alarm = format!("{alarm:?}");
            self.checker.violated(Violation::Alarmed { node: at, alarm });
        }
    }

    /// Has the node wake when it wants to, by its own clock.
    pub(super) fn wake_later(&mut self, node: usize) {
        if let Some(at) = self.nodes[node].wake {
            let late = self.random.below(LATE_WAKE_MS);
            let when = at.get().saturating_add_signed(-self.nodes[node].skew_ms);
            self.schedule(when.max(self.now) + late, Event::Wake { node, at });
        }
    }
}

/// The node that an origin stands for.
fn node_of(origin: Origin) -> usize {
    usize::try_from(origin.0).expect("origins are made from nodes")
}
