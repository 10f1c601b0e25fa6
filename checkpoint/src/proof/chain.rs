//! Which blocks are final, for one who trusts a block and follows the validators from there?

use ledger_api::CodeProof;
use ledger_chainspec::{BlockNumber, FinalityCertificate, GenesisHash, Handover, SealedHeader, ValidatorSet};
use parity_scale_codec::DecodeAll;

use super::{Part, ProofError};

/// A trusted block, and the validators from there on.
pub struct Chain {
    genesis: GenesisHash,
    trusted: SealedHeader,
    /// Each with the block that it governs the one after of.
    sets: Vec<(BlockNumber, ValidatorSet)>,
}

/// The header in these bytes.
pub fn header(bytes: &[u8], part: Part) -> Result<SealedHeader, ProofError> {
    SealedHeader::from_rlp(bytes).ok_or(ProofError::Bytes { part, what: "header" })
}

fn certificate(mut bytes: &[u8], part: Part) -> Result<FinalityCertificate, ProofError> {
    let what = "certificate";
    FinalityCertificate::decode_all(&mut bytes).map_err(|_| ProofError::Bytes { part, what })
}

fn set(mut bytes: &[u8], part: Part) -> Result<ValidatorSet, ProofError> {
    let what = "validator set";
    ValidatorSet::decode_all(&mut bytes).map_err(|_| ProofError::Bytes { part, what })
}

impl Chain {
    /// From the block with `trusted`'s header, which is trusted, along the proof's handovers.
    pub fn follow(proof: &CodeProof, trusted: SealedHeader, genesis: GenesisHash) -> Result<Self, ProofError> {
        let most = ledger_api::PROOF_HANDOVERS_MAX;
        if proof.handovers.len() as u64 > most {
            return Err(ProofError::TooManyHandovers {
                got: proof.handovers.len(),
                most,
            });
        }
        let first = set(&proof.trusted.next_set, Part::Trusted)?;
        trusted.hands_to(&first).map_err(|fault| ProofError::Finality {
            part: Part::Trusted,
            fault,
        })?;
        let mut chain = Self {
            genesis,
            sets: vec![(trusted.number(), first)],
            trusted,
        };
        for (place, given) in proof.handovers.iter().enumerate() {
            let part = Part::Handover(place);
            chain.hand_over(
                part,
                Handover {
                    header: header(&given.header, part)?,
                    certificate: certificate(&given.certificate, part)?,
                    set: set(&given.next_set, part)?,
                },
            )?;
        }
        Ok(chain)
    }

    fn hand_over(&mut self, part: Part, handover: Handover) -> Result<(), ProofError> {
        let (before, governs) = self.sets.last().expect("it begins with one");
        let got = handover.header.number();
        if got <= *before {
            let before = *before;
            return Err(ProofError::Order { part, got, before });
        }
        handover
            .check(governs, self.genesis)
            .map_err(|fault| ProofError::Finality { part, fault })?;
        self.sets.push((got, handover.set));
        Ok(())
    }

    /// The set that governs a block. Of a block that is not after the trusted one it is the first set that is known here: what a quorum of
    /// that set made final, it did in its time, and the certificate names the set.
    fn governing(&self, number: BlockNumber) -> &ValidatorSet {
        let governs = |(after, _): &&(BlockNumber, ValidatorSet)| *after < number;
        let found = self.sets.iter().rev().find(governs);
        let (_, set) = found.unwrap_or_else(|| self.sets.first().expect("it begins with one"));
        set
    }

    /// Whether the certificate in these bytes makes the block final.
    pub fn check_final(&self, block: &SealedHeader, bytes: &[u8], part: Part) -> Result<(), ProofError> {
        certificate(bytes, part)?
            .makes_final(block, self.governing(block.number()), self.genesis)
            .map_err(|fault| ProofError::Finality { part, fault })
    }

    /// The block whose state is proven: the trusted one, or a final one after it.
    pub fn state_block(&self, proof: &CodeProof) -> Result<SealedHeader, ProofError> {
        let part = Part::State;
        let block = header(&proof.state.header, part)?;
        if block.hash == self.trusted.hash {
            return Ok(block);
        }
        let (got, before) = (block.number(), self.trusted.number());
        if got <= before {
            return Err(ProofError::Order { part, got, before });
        }
        let bytes = proof.state.certificate.as_ref();
        let bytes = bytes.ok_or(ProofError::NoCertificate { block: got })?;
        self.check_final(&block, bytes, part)?;
        Ok(block)
    }
}
