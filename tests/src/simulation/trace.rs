//! What happened in a run, as one number and, if somebody wants to read it, as lines.
//!
//! Two runs of one setup and seed must give the same number.

use ledger_chainspec::BlockHash;
use ledger_mutants::{Effect, Input, Message};

/// What happened so far.
#[derive(Debug, Default)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that also keeps lines.
    pub fn with_lines() -> Self {
        Self {
            hash: 0,
            lines: Some(Vec::new()),
        }
    }

    /// The number that stands for all of it.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// A node is handed a fact.
    pub fn input(&mut self, now: u64, node: usize, input: &Input) {
        let (code, what) = input_words(input);
        self.note(now, node, code, what);
        self.line(|| format!("{now} {node} <- {}", describe_input(input)));
    }

    /// A node carries out an effect.
    pub fn effect(&mut self, now: u64, node: usize, effect: &Effect) {
        let (code, what) = effect_words(effect);
        self.note(now, node, code + 64, what);
        self.line(|| format!("{now} {node} -> {}", describe_effect(effect)));
    }

    /// Something else happened.
    pub fn event(&mut self, now: u64, node: usize, what: &str) {
        self.note(now, node, 128, what.len() as u64);
        self.line(|| format!("{now} {node} ** {what}"));
    }

    fn line(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    fn note(&mut self, now: u64, node: usize, code: u64, what: u64) {
        for word in [now, node as u64, code, what] {
            let mixed = (self.hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.hash = mixed ^ (mixed >> 29);
        }
    }
}

fn short(hash: BlockHash) -> u64 {
    u64::from_be_bytes(hash.get().0[..8].try_into().unwrap_or_default())
}

fn message_words(message: &Message) -> (u64, u64) {
    match message {
        Message::Proposal(proposal) => (0, short(proposal.block.hash())),
        Message::Vote(vote) => (1, short(vote.hash) ^ vote.slot.get() ^ vote.height.get() << 32),
        Message::Justification(certificates) => (2, certificates.len() as u64),
        Message::Finality(certificate) => (3, short(certificate.hash)),
    }
}

fn input_words(input: &Input) -> (u64, u64) {
    match input {
        Input::Tick => (10, 0),
        Input::PoolChanged { has_work } => (11, u64::from(*has_work)),
        Input::Built { slot, .. } => (12, slot.get()),
        Input::Validated { hash, .. } => (13, short(*hash)),
        Input::GuardStored(_) => (14, 0),
        Input::Signed(_) => (15, 0),
        Input::Message { message, .. } => message_words(message),
        Input::Fetched { block, .. } => (16, short(block.hash())),
        Input::Certified { certificate, .. } => (17, short(certificate.hash)),
        Input::Imported(head) => (18, short(head.header.hash)),
        Input::ClockOffset { offset_ms } => (19, offset_ms.unsigned_abs()),
        Input::Checkpoint { number, .. } => (20, number.get()),
    }
}

fn effect_words(effect: &Effect) -> (u64, u64) {
    match effect {
        Effect::Build(request) => (30, request.slot.get()),
        Effect::Validate { block } => (31, short(block.hash())),
        Effect::StoreGuard(write) => (32, write.record().height.get()),
        Effect::Sign(permission) => (33, short(permission.statement().hash)),
        Effect::Broadcast(message) => message_words(message),
        Effect::Send { to, message } => (34 + message_words(message).0, to.0),
        Effect::Finalize { certificate, .. } => (40, short(certificate.hash)),
        Effect::FetchBlock { hash, .. } => (41, short(*hash)),
        Effect::CatchUp { through, .. } => (42, through.get()),
        Effect::WakeAt(at) => (43, at.get()),
        Effect::Evidence(evidence) => (44, evidence.first.statement.slot.get()),
        Effect::Reject { from, .. } => (45, from.0),
        Effect::Alarm(_) => (46, 0),
    }
}

fn describe_message(message: &Message) -> String {
    match message {
        Message::Proposal(proposal) => {
            let again = proposal.again.as_ref().map(|again| {
                (
                    again.slot.get(),
                    again.certificates.iter().map(|one| one.slot.get()).collect::<Vec<_>>(),
                )
            });
            let (hash, number) = (short(proposal.block.hash()), proposal.block.number());
            format!("proposal {hash:x} of height {number}, again {again:?}")
        }
        Message::Vote(vote) => {
            let voter = super::keys::index_of(&vote.voter);
            let (kind, height, slot, hash) = (vote.kind, vote.height, vote.slot, short(vote.hash));
            let valid = vote.valid_slot.map(|slot| slot.get());
            format!("{kind:?} of {voter:?}: height {height} slot {slot} {hash:x} valid {valid:?}")
        }
        Message::Justification(certificates) => {
            let slots: Vec<u64> = certificates.iter().map(|one| one.slot.get()).collect();
            format!("justification {slots:?}")
        }
        Message::Finality(one) => format!(
            "finality of height {} slot {} {:x}",
            one.height,
            one.slot,
            short(one.hash)
        ),
    }
}

fn describe_input(input: &Input) -> String {
    match input {
        Input::Message { from, message } => format!("from {}: {}", from.0, describe_message(message)),
        other => {
            let (code, what) = input_words(other);
            let name = [
                "tick",
                "pool",
                "built",
                "validated",
                "guard stored",
                "signed",
                "fetched",
                "certified",
                "imported",
                "clock offset",
                "checkpoint",
            ];
            let position = usize::try_from(code.saturating_sub(10)).unwrap_or_default();
            format!("{} {what:x}", name.get(position).copied().unwrap_or_default())
        }
    }
}

fn describe_effect(effect: &Effect) -> String {
    match effect {
        Effect::Broadcast(message) => format!("all: {}", describe_message(message)),
        Effect::Send { to, message } => format!("to {}: {}", to.0, describe_message(message)),
        Effect::Sign(permission) => {
            let statement = permission.statement();
            format!(
                "sign {:?} slot {} {:x}",
                statement.kind,
                statement.slot,
                short(statement.hash)
            )
        }
        Effect::Reject { from, rejection } => format!("reject {}: {rejection}", from.0),
        Effect::Alarm(alarm) => format!("alarm {alarm:?}"),
        Effect::Evidence(evidence) => format!("evidence {:?}", evidence.kind),
        Effect::Finalize { certificate, .. } => {
            format!(
                "finalize height {} slot {} {:x}",
                certificate.height,
                certificate.slot,
                short(certificate.hash)
            )
        }
        Effect::Build(request) => format!("build in slot {}", request.slot),
        Effect::Validate { block } => format!("validate {:x}", short(block.hash())),
        Effect::StoreGuard(write) => {
            let record = write.record();
            format!(
                "store guard: height {} lock {:?}",
                record.height,
                record.lock.map(|lock| (lock.slot.get(), short(lock.hash)))
            )
        }
        Effect::FetchBlock { hash, .. } => format!("fetch {:x}", short(*hash)),
        Effect::CatchUp { through, from } => format!("catch up through {through} from {}", from.0),
        Effect::WakeAt(at) => format!("wake at {}", at.get()),
    }
}
