//! Which rule can be broken on purpose, and how are signatures and certificates checked then?
//!
//! Compiled into the package `ledger-mutants` only, which nothing that ships may depend on. The simulation and its tests use it
//! to show that each broken rule is noticed.

use ledger_chainspec::{
    CertificateError, ConsensusKey, FinalityCertificate, GenesisHash, PrevoteCertificate, Signature64, Statement,
    StatementKind, ValidatorSet, Vote, VoteError,
};

use crate::rules::Rules;

/// Says whether a key signed a statement.
pub type SignatureCheck = fn(&ConsensusKey, &Statement, &Signature64) -> bool;

/// A rule broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// Half of the validators, rounded up, are a quorum: the simple majority of an odd number.
    SimpleMajority,
    /// A quorum of prevotes makes a block final (R5).
    FinalOnPrevotes,
    /// A vote that states a slot counts also for those who do not hold that slot's certificate (R3).
    UngroundedVotes,
    /// A lock forbids nothing (R3).
    IgnoresLock,
    /// A lock forbids nothing and every excuse counts: what bad authorities do that stand by each other.
    IgnoresLockAndGrounds,
    /// Any certificate unlocks, however old (R3).
    UnlocksByOlder,
    /// Messages for the next slot and the next height are dropped (R9).
    DropsEarly,
    /// A lock whose slot brought nothing final is not shown to others (R4).
    HidesLocks,
    /// The guard permits whatever it is asked for (R6).
    GuardNotAsked,
    /// A recovery that was ordered may stay undone, and one may come that nobody ordered (R16).
    IgnoresOrders,
}

impl Rules {
    /// Is this rule the broken one?
    pub(crate) fn breaks(self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Is anything here not as it is in a build that ships?
    pub(crate) fn is_changed(self) -> bool {
        self.mutant.is_some() || self.signature_check.is_some()
    }

    pub(crate) fn check_vote(self, vote: &Vote, genesis: GenesisHash) -> Result<(), VoteError> {
        if self.is_signed(&vote.voter, &vote.statement(genesis), &vote.signature) {
            let slot = vote.slot;
            return match (vote.kind, vote.valid_slot) {
                (StatementKind::Seal, _) => Err(VoteError::Seal { slot }),
                (StatementKind::Precommit, Some(valid_slot)) => {
                    Err(VoteError::PrecommitWithValidSlot { slot, valid_slot })
                }
                (StatementKind::Prevote, Some(valid_slot)) if valid_slot >= slot => {
                    Err(VoteError::ValidSlotNotEarlier { slot, valid_slot })
                }
                (StatementKind::Prevote, _) | (StatementKind::Precommit, None) => Ok(()),
            };
        }
        Err(VoteError::Signature {
            slot: vote.slot,
            voter: vote.voter,
        })
    }

    pub(crate) fn check_prevotes(
        self,
        certificate: &PrevoteCertificate,
        genesis: GenesisHash,
        set: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        let late = certificate
            .signatures
            .iter()
            .find_map(|vote| Some((vote.index, vote.valid_slot.filter(|valid| *valid >= certificate.slot)?)));
        if let Some((index, valid_slot)) = late {
            return Err(CertificateError::ValidSlotNotEarlier {
                slot: certificate.slot,
                index,
                valid_slot,
            });
        }
        let signed = certificate.signatures.iter().map(|vote| {
            let statement = certificate.statement(genesis, vote.valid_slot);
            (vote.index, statement, vote.signature)
        });
        self.check_quorum(signed.collect(), set)
    }

    pub(crate) fn check_finality(
        self,
        certificate: &FinalityCertificate,
        genesis: GenesisHash,
        set: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        let statement = Statement {
            kind: self.deciding_kind(),
            ..certificate.statement(genesis)
        };
        let signed = certificate.signatures.iter();
        let signed = signed.map(|(index, signature)| (*index, statement, *signature));
        self.check_quorum(signed.collect(), set)
    }

    /// The checks of `ledger_chainspec`'s certificates, with this quorum and this check of signatures.
    fn check_quorum(
        self,
        signed: Vec<(u16, Statement, Signature64)>,
        set: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        let Some(Statement { height, set_id, .. }) = signed.first().map(|(_, statement, _)| *statement) else {
            let height = ledger_chainspec::BlockNumber::new(0);
            let quorum = self.quorum(set);
            return Err(CertificateError::NoQuorum { height, got: 0, quorum });
        };
        if set_id != set.id() {
            return Err(CertificateError::WrongSet {
                height,
                got: set_id,
                expected: set.id(),
            });
        }
        let (got, quorum) = (signed.len(), self.quorum(set));
        if got < quorum {
            return Err(CertificateError::NoQuorum { height, got, quorum });
        }
        if let Some(pair) = signed.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(CertificateError::Order {
                height,
                index: pair[1].0,
            });
        }
        for (index, statement, signature) in signed {
            let validators = set.len();
            let validator = set.get(usize::from(index)).ok_or(CertificateError::NoSuchValidator {
                height,
                index,
                validators,
            })?;
            if !self.is_signed(&validator.consensus_key, &statement, &signature) {
                return Err(CertificateError::Signature { height, index });
            }
        }
        Ok(())
    }
}
