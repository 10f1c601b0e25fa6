//! What has to be done next? The state machine of the protocol: facts in, effects out.
//!
//! The node's driver calls [`Engine::handle`] with each fact and the time at which it holds, and carries out the effects in
//! order. The engine never asks a clock, draws a random number, touches disk or network, holds a key or waits.
//!
//! One file per idea: `receiving` takes messages apart, `proposer` says who must have proposed, `proposing` builds and re-proposes
//! (R2), `voting` prevotes and precommits (R3, R4), `finalising` decides, imports and opens the next height (R5, R10, R15),
//! `waking` says when time matters next (R11), `status` tells people.

mod candidates;
mod finalising;
mod proposer;
mod proposing;
mod receiving;
mod status;
mod voting;
mod waking;

use std::collections::{BTreeMap, BTreeSet};

use ledger_chainspec::{
    AuthorityDigest, Block, BlockHash, ConsensusKey, FinalityCertificate, Slot, StatementKind, UnixMillis, Validator,
};

pub(crate) use self::finalising::check_head;
pub use self::status::{Silence, Status};
use crate::{
    checkpoint_rule::CheckpointRule,
    early::EarlyMessages,
    effect::{Alarm, Effect},
    equivocation::EquivocationFinder,
    error::{Refusal, StartError},
    finality::{HeldCertificates, VoteBook},
    header_rules::{ChainParams, CheckedBlock, HeaderContext},
    input::{FinalHead, Input, Origin},
    message::{Message, Place},
    rejection::Rejection,
    rules::Rules,
    signing_guard::{GuardStart, SigningGuard, StartPoint},
};

/// Most blocks kept for the open height. What is certified, decided or proposed for this slot or the next stays; of the
/// others the oldest goes first. Bounds memory to this many blocks.
pub const CANDIDATES_MAX: usize = 8;

/// Which chain, and which validator if any.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// The chain.
    pub params: ChainParams,
    /// Public consensus key of this validator; `None` for a node that only follows.
    pub voter: Option<ConsensusKey>,
    /// The rules to keep; which of them are broken, in the simulation.
    #[cfg(feature = "mutants")]
    pub rules: Rules,
}

/// Where the engine starts.
#[derive(Clone, Debug)]
pub struct EngineStart {
    /// The newest final block.
    pub head: FinalHead,
    /// What was found of the guard record; not looked at without a voter.
    pub guard: GuardStart,
    /// The local clock.
    pub now: UnixMillis,
}

/// A block of the open height.
#[derive(Debug)]
struct Candidate {
    checked: CheckedBlock,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Valid,
    /// Valid, but not voted for (R16).
    Withheld,
    Invalid,
}

/// What the authority of a slot proposed in it.
#[derive(Clone, Copy, Debug)]
struct SlotProposal {
    hash: BlockHash,
    /// Slot of the certificate carried.
    valid_slot: Option<Slot>,
}

/// A block built here that waits for its seal.
#[derive(Debug)]
struct Sealing {
    block: Box<Block>,
    digest: AuthorityDigest,
}

/// Everything known of the height that is being decided.
#[derive(Debug, Default)]
struct OpenHeight {
    candidates: BTreeMap<BlockHash, Candidate>,
    proposals: BTreeMap<Slot, SlotProposal>,
    votes: VoteBook,
    certificates: HeldCertificates,
    /// Votes, certificates or blocks have come since certificates were last looked for.
    changed: bool,
    proposed_in: Option<Slot>,
    /// The slot in which the newest certificate was last shown.
    shown_in: Option<Slot>,
    sealing: Option<Sealing>,
    decided: Option<FinalityCertificate>,
    /// The certificate was put together here, not received.
    decided_here: bool,
    finalizing: bool,
    fetching: BTreeSet<BlockHash>,
    checkpoint_alarmed: bool,
}

/// The validator that this engine signs for.
#[derive(Debug)]
struct Voter {
    key: ConsensusKey,
    guard: SigningGuard,
    last_refusal: Option<Refusal>,
}

/// The consensus of one node.
#[derive(Debug)]
pub struct Engine {
    params: ChainParams,
    rules: Rules,
    voter: Option<Voter>,
    head: FinalHead,
    head_slot: Slot,
    now: UnixMillis,
    has_work: bool,
    clock_off: bool,
    halted: bool,
    building: Option<Slot>,
    validating: Option<BlockHash>,
    open: OpenHeight,
    early: EarlyMessages,
    finder: EquivocationFinder,
    checkpoints: CheckpointRule,
    /// Peers told in this slot that a height is final, and the slot.
    answered: (Slot, BTreeSet<Origin>),
    /// Slots in which catching up was asked for last: on proof, and on a mere claim.
    caught_up_in: (Option<Slot>, Option<Slot>),
    wake: Option<UnixMillis>,
    effects: Vec<Effect>,
}

impl Engine {
    /// An engine at the height after `start.head`, and the first effects.
    ///
    /// # Errors
    /// [`StartError`] if the guard record belongs to something else or the head contradicts itself.
    pub fn new(config: EngineConfig, start: EngineStart) -> Result<(Self, Vec<Effect>), StartError> {
        let EngineStart { head, guard, now } = start;
        let rules = Rules::of(&config);
        let head_slot = check_head(&head, &config.params)?;
        let point = StartPoint {
            slot: config.params.schedule.slot_at(now),
            head: head.header.number(),
            validators: head.set.len(),
        };
        let voter = match config.voter {
            None => None,
            Some(key) => {
                let guard = SigningGuard::start(config.params.genesis, key, guard, point)?.keeping(rules);
                Some(Voter {
                    key,
                    guard,
                    last_refusal: None,
                })
            }
        };
        let mut engine = Self {
            params: config.params,
            rules,
            voter,
            head,
            head_slot,
            now,
            has_work: false,
            clock_off: false,
            halted: false,
            building: None,
            validating: None,
            open: OpenHeight::default(),
            early: EarlyMessages::default(),
            finder: EquivocationFinder::default(),
            checkpoints: CheckpointRule::default(),
            answered: (point.slot, BTreeSet::new()),
            caught_up_in: (None, None),
            wake: None,
            effects: Vec::new(),
        };
        engine.restore_from_guard();
        engine.advance();
        let effects = std::mem::take(&mut engine.effects);
        Ok((engine, effects))
    }

    /// Takes one fact that holds at `now` and returns what is to be done, in order.
    pub fn handle(&mut self, now: UnixMillis, input: Input) -> Vec<Effect> {
        self.observe_clock(now);
        match input {
            Input::Tick => {}
            Input::PoolChanged { has_work } => self.has_work = has_work,
            Input::Built { slot, outcome } => self.on_built(slot, outcome),
            Input::Validated { hash, outcome } => self.on_validated(hash, outcome),
            Input::GuardStored(receipt) => {
                let permissions = self
                    .voter
                    .as_mut()
                    .map(|voter| voter.guard.release(&receipt))
                    .unwrap_or_default();
                self.effects.extend(permissions.into_iter().map(Effect::Sign));
            }
            Input::Signed(signed) => self.on_signed(signed.0),
            Input::Message { from, message } => self.on_message(from, message),
            Input::Fetched { from, block } => {
                let taken = self.on_fetched(block);
                self.reject_if_err(from, taken);
            }
            Input::Certified {
                from,
                block,
                certificate,
            } => {
                let taken = self.on_certified(from, block, certificate);
                self.reject_if_err(from, taken);
            }
            Input::Imported(head) => self.on_imported(*head),
            Input::ClockOffset { offset_ms } => self.on_clock_offset(offset_ms),
            Input::Checkpoint {
                number,
                confirmed,
                local,
            } => self.on_checkpoint(number, confirmed, local),
        }
        self.advance();
        std::mem::take(&mut self.effects)
    }

    /// Does everything that the facts known now call for.
    fn advance(&mut self) {
        if !self.halted {
            self.collect_certificates();
            self.try_finalize();
        }
        if !self.halted {
            self.try_propose();
            self.try_prevote();
            self.try_precommit();
            self.try_show_lock();
            self.try_validate();
        }
        self.schedule_wake();
    }

    fn on_message(&mut self, from: Origin, message: Message) {
        let taken = match message {
            Message::Proposal(proposal) => self.on_proposal(from, proposal),
            Message::Vote(vote) => self.on_vote(from, vote),
            Message::Justification(certificates) => self.on_justification(from, &certificates),
            Message::Finality(certificate) => self.on_finality(from, certificate),
        };
        self.reject_if_err(from, taken);
    }

    fn reject_if_err(&mut self, from: Origin, taken: Result<(), Rejection>) {
        if let Err(rejection) = taken {
            self.effects.push(Effect::Reject { from, rejection });
        }
    }

    /// A clock that goes back is harmless, for the guard permits later slots only; but an operator should know.
    fn observe_clock(&mut self, now: UnixMillis) {
        let by_ms = self.now.get().saturating_sub(now.get());
        if by_ms > self.params.schedule.clock_tolerance_ms() {
            self.alarm(Alarm::ClockWentBack { by_ms });
        }
        let before = self.slot();
        self.now = now;
        let current = self.slot();
        if current != before {
            self.open.reconsider();
        }
        self.open.votes.prune(oldest_kept(current));
        self.open.proposals = self
            .open
            .proposals
            .split_off(&Slot::new(current.get().saturating_sub(1)));
    }

    fn on_clock_offset(&mut self, offset_ms: i64) {
        let tolerance_ms = self.params.schedule.clock_tolerance_ms();
        let is_off = offset_ms.unsigned_abs() > tolerance_ms;
        if is_off && !self.clock_off {
            self.alarm(Alarm::ClockOff {
                offset_ms,
                tolerance_ms,
            });
        }
        if !is_off && self.clock_off {
            self.alarm(Alarm::ClockRight);
        }
        self.clock_off = is_off;
    }

    fn slot(&self) -> Slot {
        self.params.schedule.slot_at(self.now)
    }

    fn context(&self) -> HeaderContext<'_> {
        HeaderContext {
            params: &self.params,
            head: &self.head,
            head_slot: self.head_slot,
            rules: self.rules,
        }
    }

    fn place(&self) -> Place {
        self.context().place()
    }

    fn quorum(&self) -> usize {
        self.rules.quorum(&self.head.set)
    }

    /// The validator that this engine signs for, while it is in the set.
    fn me(&self) -> Option<&Validator> {
        let index = self.head.set.index_of(&self.voter.as_ref()?.key)?;
        self.head.set.get(index)
    }

    /// May this engine sign anything at the open height, as far as the engine itself is concerned?
    fn is_signing(&self) -> bool {
        !self.halted && !self.clock_off && self.open.decided.is_none() && self.me().is_some()
    }

    fn alarm(&mut self, alarm: Alarm) {
        self.effects.push(Effect::Alarm(alarm));
    }

    fn halt(&mut self, alarm: Alarm) {
        self.halted = true;
        self.alarm(alarm);
    }

    /// Asks the guard; a permission comes back as its record to store.
    fn ask_guard(&mut self, kind: StatementKind, hash: BlockHash, valid_slot: Option<Slot>) -> bool {
        let statement = self.place().statement(kind, self.slot(), hash, valid_slot);
        let Some(voter) = &mut self.voter else { return false };
        match voter.guard.permit(statement) {
            Ok(write) => {
                voter.last_refusal = None;
                self.effects.push(Effect::StoreGuard(write));
                true
            }
            Err(refusal) => {
                voter.last_refusal = Some(refusal);
                false
            }
        }
    }
}

/// The oldest slot whose votes are kept.
fn oldest_kept(current: Slot) -> Slot {
    Slot::new(current.get().saturating_sub(crate::finality::VOTE_RETENTION_SLOTS))
}
