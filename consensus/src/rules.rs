//! Which quorum counts, and does a certificate verify under it?
//!
//! The engine counts votes through this one place. In a shipped build it only forwards to the validator set; tests of this
//! crate put a wrong rule in its place, to show that the simulation catches it. Never holds state.

use ledger_chainspec::{CertificateError, FinalityCertificate, GenesisHash, PrevoteCertificate, ValidatorSet};

/// The rules of counting.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    #[cfg(test)]
    pub(crate) mutant: Option<Mutant>,
}

/// A rule broken on purpose.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// More than half of the validators are a quorum.
    SimpleMajority,
}

impl Rules {
    /// How many validators of `set` are a quorum.
    pub(crate) fn quorum(self, set: &ValidatorSet) -> usize {
        #[cfg(test)]
        if self.mutant == Some(Mutant::SimpleMajority) {
            return set.len() / 2 + 1;
        }
        set.quorum()
    }

    /// Does the certificate hold a quorum of right signatures?
    pub(crate) fn verify_prevotes(
        self,
        certificate: &PrevoteCertificate,
        genesis: GenesisHash,
        set: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        #[cfg(test)]
        if self.mutant == Some(Mutant::SimpleMajority) && certificate.signatures.len() >= self.quorum(set) {
            return Ok(());
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
        #[cfg(test)]
        if self.mutant == Some(Mutant::SimpleMajority) && certificate.signatures.len() >= self.quorum(set) {
            return Ok(());
        }
        certificate.verify(genesis, set)
    }
}
