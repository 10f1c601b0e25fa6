//! May this validator sign this statement now (R6, R7, R8)?
//!
//! The engine asks before every signature. A permission costs a record first: [`SigningGuard::permit`] answers with a
//! [`GuardWrite`]; only whoever made it durable may turn it into a [`GuardReceipt`], only a receipt brings out the
//! [`Permission`], and only a permission can become a [`Signed`] statement. None of the four can be cloned or made
//! elsewhere. Never stores, never signs, never sees a key.

use std::collections::VecDeque;

use ledger_chainspec::{BlockNumber, ConsensusKey, GenesisHash, SetId, Signature64, Slot, Statement, StatementKind};

use crate::{
    error::{Refusal, StartError},
    guard_record::{CertifiedCandidate, GuardRecord, Lock, SignedAt},
    message::SignedStatement,
    rules::Rules,
};

/// Most statements that wait for their record to be stored. A slot needs three; a store that lags more than two slots
/// behind stops the validator from signing instead of filling memory.
pub const GUARD_BACKLOG_MAX: usize = 8;

/// What the driver found where the guard record should be.
#[derive(Clone, Debug)]
pub enum GuardStart {
    /// The stored record.
    Found(Box<GuardRecord>),
    /// There never was a record: the key is new, or the chain is. Somebody has to know this, for an empty disk looks the
    /// same after a loss: whoever created the key, or a set of one whose chain is empty too.
    /// Store [`GuardRecord::fresh`] before the engine starts, so that the next start finds it.
    Fresh,
    /// There is no record though there may have been one (R8).
    Lost,
    /// As [`GuardStart::Lost`], but the operator vouches that nothing is contradicted. Only for a set of one, which has
    /// nobody to contradict.
    LostAccepted,
}

/// Where the validator stands when it starts.
#[derive(Clone, Copy, Debug)]
pub struct StartPoint {
    /// The slot of the local clock.
    pub slot: Slot,
    /// The newest final block.
    pub head: BlockNumber,
    /// Size of the set that governs the next block.
    pub validators: usize,
}

/// A record to be made durable before the statement it permits is signed.
#[must_use = "nothing is signed until the record is stored"]
#[derive(Debug)]
pub struct GuardWrite {
    sequence: u64,
    record: GuardRecord,
}

impl GuardWrite {
    /// The record that replaces the stored one.
    pub fn record(&self) -> &GuardRecord {
        &self.record
    }

    /// Declares that the record is durable. Call it after the store has synced, and only then.
    pub fn stored(self) -> GuardReceipt {
        GuardReceipt {
            sequence: self.sequence,
        }
    }
}

/// Proof that a record is durable.
#[derive(Debug)]
pub struct GuardReceipt {
    sequence: u64,
}

/// Permission to sign one statement, whose record is durable.
#[must_use = "an unsigned permission is a lost vote"]
#[derive(Debug)]
pub struct Permission {
    statement: Statement,
}

impl Permission {
    /// What to sign.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The signed statement, to be handed to the engine.
    pub fn signed(self, signature: Signature64) -> Signed {
        Signed(SignedStatement {
            statement: self.statement,
            signature,
        })
    }
}

/// A statement signed with a [`Permission`].
#[derive(Debug)]
pub struct Signed(pub(crate) SignedStatement);

/// The guard of one key.
#[derive(Debug)]
pub struct SigningGuard {
    record: GuardRecord,
    silent_since: Option<Slot>,
    sequence: u64,
    waiting: VecDeque<(u64, Statement)>,
    rules: Rules,
}

impl SigningGuard {
    /// The guard of `voter` on the chain `genesis`, with what was found of its record.
    ///
    /// # Errors
    /// [`StartError`] if the record belongs to another chain or key, or if `start` claims what `point` contradicts.
    pub fn start(
        genesis: GenesisHash,
        voter: ConsensusKey,
        start: GuardStart,
        point: StartPoint,
    ) -> Result<Self, StartError> {
        let fresh = GuardRecord::fresh(genesis, voter);
        let (record, silent_since) = match start {
            GuardStart::Found(record) if record.genesis != genesis => {
                return Err(StartError::GuardOfAnotherChain {
                    recorded: record.genesis,
                    genesis,
                });
            }
            GuardStart::Found(record) if record.voter != voter => {
                return Err(StartError::GuardOfAnotherKey {
                    recorded: record.voter,
                    voter,
                });
            }
            GuardStart::Found(record) => (*record, None),
            GuardStart::Fresh if point.head.get() > 0 => return Err(StartError::NotFresh { head: point.head }),
            GuardStart::Fresh => (fresh, None),
            GuardStart::Lost => (fresh, Some(point.slot)),
            GuardStart::LostAccepted if point.validators > 1 => {
                return Err(StartError::LostGuardNotAcceptable {
                    validators: point.validators,
                });
            }
            GuardStart::LostAccepted => (fresh, None),
        };
        Ok(Self {
            record,
            silent_since,
            sequence: 0,
            waiting: VecDeque::new(),
            rules: Rules::default(),
        })
    }

    /// The same guard under the engine's rules.
    pub(crate) fn keeping(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// The record as it stands, stored or not.
    pub fn record(&self) -> &GuardRecord {
        &self.record
    }

    /// The slot since which a lost guard keeps this validator silent (R8).
    pub fn silent_since(&self) -> Option<Slot> {
        self.silent_since
    }

    /// The lock at `height`.
    pub fn lock_at(&self, height: BlockNumber) -> Option<Lock> {
        self.record.lock.filter(|_| self.record.height == height)
    }

    /// Notes the newest prevote certificate and its block, to go with the next record.
    pub fn remember(&mut self, set_id: SetId, height: BlockNumber, newest: CertifiedCandidate) {
        if height >= self.record.height {
            self.enter(set_id, height);
            self.record.newest = Some(newest);
        }
    }

    /// Notes that block `number` is final by a certificate of `slot`. Ends the silence of a lost guard if the slot came
    /// after the start; statements are then permitted for higher blocks only (R8).
    pub fn observe_final(&mut self, slot: Slot, number: BlockNumber) {
        if self.silent_since.is_some_and(|since| slot > since) {
            self.silent_since = None;
            self.record.height = self.record.height.max(number.next().unwrap_or(number));
        }
    }

    /// Permission to sign `statement`, as the record to store first.
    ///
    /// # Errors
    /// [`Refusal`] if signing could contradict what may have been signed before (R6, R12), while a lost guard keeps the
    /// validator silent (R8), or while [`GUARD_BACKLOG_MAX`] records wait to be stored.
    pub fn permit(&mut self, statement: Statement) -> Result<GuardWrite, Refusal> {
        if let Some(refusal) = self.refusal_of(&statement) {
            return Err(refusal);
        }
        self.enter(statement.set_id, statement.height);
        let signed = Some(SignedAt {
            slot: statement.slot,
            hash: statement.hash,
        });
        match statement.kind {
            StatementKind::Seal => self.record.seal = signed,
            StatementKind::Prevote => self.record.prevote = signed,
            StatementKind::Precommit => {
                self.record.precommit = signed;
                self.record.lock = Some(Lock {
                    slot: statement.slot,
                    hash: statement.hash,
                });
            }
        }
        self.sequence += 1;
        self.waiting.push_back((self.sequence, statement));
        Ok(GuardWrite {
            sequence: self.sequence,
            record: self.record.clone(),
        })
    }

    /// The permissions that `receipt` brings out: a newer record stands for all older ones.
    pub fn release(&mut self, receipt: &GuardReceipt) -> Vec<Permission> {
        let ready = self
            .waiting
            .partition_point(|(sequence, _)| *sequence <= receipt.sequence);
        self.waiting
            .drain(..ready)
            .map(|(_, statement)| Permission { statement })
            .collect()
    }

    /// Why `statement` would not be permitted now; `None` if it would be.
    pub fn refusal_of(&self, statement: &Statement) -> Option<Refusal> {
        self.check(statement).err()
    }

    fn check(&self, statement: &Statement) -> Result<(), Refusal> {
        let record = &self.record;
        if let Some(since) = self.silent_since {
            return Err(Refusal::LostGuard { since });
        }
        if !self.rules.asks_guard() {
            return Ok(());
        }
        if statement.height < record.height {
            return Err(Refusal::HeightBehind {
                height: statement.height,
                recorded: record.height,
            });
        }
        // A seal opens its slot; a prevote may follow a seal in the same slot, and a precommit may follow both.
        let (after, not_before) = match statement.kind {
            StatementKind::Seal => (
                &[StatementKind::Seal, StatementKind::Prevote, StatementKind::Precommit][..],
                &[][..],
            ),
            StatementKind::Prevote => (
                &[StatementKind::Prevote, StatementKind::Precommit][..],
                &[StatementKind::Seal][..],
            ),
            StatementKind::Precommit => (
                &[StatementKind::Precommit][..],
                &[StatementKind::Seal, StatementKind::Prevote][..],
            ),
        };
        let newest = |kinds: &[StatementKind]| kinds.iter().filter_map(|kind| record.slot_of(*kind)).max();
        let blocking = newest(after)
            .filter(|last| statement.slot <= *last)
            .or_else(|| newest(not_before).filter(|last| statement.slot < *last));
        if let Some(last) = blocking {
            return Err(Refusal::SlotNotLater {
                kind: statement.kind,
                slot: statement.slot,
                last,
            });
        }
        if let Some(lock) = self.lock_at(statement.height)
            && statement.kind == StatementKind::Prevote
            && !self.rules.unlocks(lock, statement.valid_slot)
        {
            return Err(Refusal::Locked {
                slot: statement.slot,
                hash: statement.hash,
                lock,
            });
        }
        if self.waiting.len() >= GUARD_BACKLOG_MAX {
            return Err(Refusal::Backlog {
                waiting: self.waiting.len(),
            });
        }
        Ok(())
    }

    /// A lock and a certificate belong to one height.
    fn enter(&mut self, set_id: SetId, height: BlockNumber) {
        if height > self.record.height {
            self.record.height = height;
            self.record.lock = None;
            self.record.newest = None;
        }
        self.record.set_id = set_id;
    }
}
