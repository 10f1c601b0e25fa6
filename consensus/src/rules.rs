//! The decisions on which safety, liveness and proof rest, each in one place.
//!
//! The engine and the signing guard ask here: which quorum counts, whether a signature or a certificate is right, what a lock
//! lets through, what comes too early or too late. In every build that ships, [`Rules`] is empty and each answer is the rule of
//! `PROTOCOL.md`. The package `ledger-mutants` compiles these same sources with a switch that breaks one rule at a time, so that
//! the simulation can show that it would notice; `ledger-consensus` itself has no such switch. Never holds state.

use ledger_chainspec::{
    CertificateError, ConsensusKey, FinalityCertificate, GenesisHash, PrevoteCertificate, Signature64, Slot, Statement,
    StatementKind, ValidatorSet, Vote, VoteError,
};

#[cfg(feature = "mutants")]
pub use crate::mutants::{Mutant, SignatureCheck};
use crate::{engine::EngineConfig, guard_record::Lock};

/// The rules that an engine keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// The rule that is broken.
    #[cfg(feature = "mutants")]
    pub mutant: Option<Mutant>,
    /// What tells right signatures from wrong ones, if not ed25519.
    #[cfg(feature = "mutants")]
    pub signature_check: Option<SignatureCheck>,
}

impl Rules {
    /// The rules that an engine of `config` keeps.
    pub(crate) fn of(config: &EngineConfig) -> Self {
        #[cfg(feature = "mutants")]
        return config.rules;
        #[cfg(not(feature = "mutants"))]
        {
            let EngineConfig { params: _, voter: _ } = config;
            Self {}
        }
    }

    /// How many validators of `set` are a quorum.
    pub(crate) fn quorum(self, set: &ValidatorSet) -> usize {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::SimpleMajority) {
            return set.len().div_ceil(2);
        }
        set.quorum()
    }

    /// Which votes make a block final (R5).
    pub(crate) fn deciding_kind(self) -> StatementKind {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::FinalOnPrevotes) {
            return StatementKind::Prevote;
        }
        StatementKind::Precommit
    }

    /// Did `key` sign the statement?
    pub(crate) fn is_signed(self, key: &ConsensusKey, statement: &Statement, signature: &Signature64) -> bool {
        #[cfg(feature = "mutants")]
        if let Some(check) = self.signature_check {
            return check(key, statement, signature);
        }
        statement.verify(key, signature)
    }

    /// Is the vote well formed and signed by its voter?
    pub(crate) fn verify_vote(self, vote: &Vote, genesis: GenesisHash) -> Result<(), VoteError> {
        #[cfg(feature = "mutants")]
        if self.is_changed() {
            return self.check_vote(vote, genesis);
        }
        vote.verify(genesis)
    }

    /// Does the certificate hold a quorum of right signatures?
    pub(crate) fn verify_prevotes(
        self,
        certificate: &PrevoteCertificate,
        genesis: GenesisHash,
        set: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        #[cfg(feature = "mutants")]
        if self.is_changed() {
            return self.check_prevotes(certificate, genesis, set);
        }
        certificate.verify(genesis, set)
    }

    /// Does the certificate hold a quorum of right signatures?
    pub(crate) fn verify_finality(
        self,
        certificate: &FinalityCertificate,
        genesis: GenesisHash,
        set: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        #[cfg(feature = "mutants")]
        if self.is_changed() {
            return self.check_finality(certificate, genesis, set);
        }
        certificate.verify(genesis, set)
    }

    /// May a vote that states a slot be counted: only by whoever holds that slot's certificate (R3)?
    pub(crate) fn is_grounded(self, is_held: bool) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::UngroundedVotes) || self.breaks(Mutant::IgnoresLockAndGrounds) {
            return true;
        }
        is_held
    }

    /// Does the lock let a prevote through that rests on `valid_slot` (R3)? Also for the locked block: an older lock may have
    /// been on another one, and the vote must not look like amnesia.
    pub(crate) fn unlocks(self, lock: Lock, valid_slot: Option<Slot>) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::IgnoresLock)
            || self.breaks(Mutant::IgnoresLockAndGrounds)
            || (self.breaks(Mutant::UnlocksByOlder) && valid_slot.is_some())
        {
            return true;
        }
        valid_slot >= Some(lock.slot)
    }

    /// Is a lock shown to others when its slot brings nothing final, or keeps us from voting (R4)?
    pub(crate) fn shows_locks(self) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::HidesLocks) {
            return false;
        }
        true
    }

    /// Is a message for `slot` too early to be kept: more than one slot (R9)?
    pub(crate) fn is_too_early(self, slot: Slot, current: Slot) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::DropsEarly) {
            return slot > current;
        }
        current.next().is_some_and(|next| slot > next)
    }

    /// Are messages for the next height kept (R9)?
    pub(crate) fn keeps_next_height(self) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::DropsEarly) {
            return false;
        }
        true
    }

    /// Must the block after an order to recover be the recovery block (R16)?
    pub(crate) fn holds_to_orders(self) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::IgnoresOrders) {
            return false;
        }
        true
    }

    /// Does the guard's memory decide what may be signed (R6)?
    pub(crate) fn asks_guard(self) -> bool {
        #[cfg(feature = "mutants")]
        if self.breaks(Mutant::GuardNotAsked) {
            return false;
        }
        true
    }
}
