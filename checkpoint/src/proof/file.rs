//! In which form is a proof kept and handed on?
//!
//! JSON: what the node answered, and the checkpoint that it begins with, if it does. Nothing in it is believed; [`super::verify`] judges.

use alloy_primitives::Address;
use alloy_serde::quantity;
use ledger_api::CodeProof;
use ledger_chainspec::CheckpointFields;
use serde::{Deserialize, Serialize};

use super::ProofError;
use crate::statement::{Anchor, Checkpoint, checkpoint_of};

/// Longest proof, in bytes of JSON. One with four validators has some 20 kB; a change of 128 validators takes 90 kB, so that the
/// [handovers](ledger_api::PROOF_HANDOVERS_MAX) of all but the largest sets fit.
pub const PROOF_BYTES_MAX: usize = 16 << 20;

/// Says what the file is, and in which version.
pub const KIND: &str = "cloud-ledger-code-proof/1";

/// A proof of a code, as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProofFile {
    /// [`KIND`].
    pub kind: String,
    /// The checkpoint that the proof begins with; absent if it begins with a plain block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchored: Option<Anchored>,
    /// What a node said.
    pub proof: CodeProof,
}

/// A checkpoint that a proof begins with, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anchored {
    /// Chain id of the mainchain.
    #[serde(with = "quantity")]
    pub mainchain_id: u64,
    /// The contract there.
    pub contract: Address,
    /// The checkpoint.
    pub checkpoint: CheckpointFields,
    /// The checkpoint whose blocks the request's is one of; absent if that block comes after the checkpoint, or with a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// The blocks of a checkpoint: those after the one before it, up to its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Span {
    /// The checkpoint.
    pub checkpoint: CheckpointFields,
    /// The one before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CheckpointFields>,
}

impl Anchored {
    /// The contract that the checkpoint is for.
    #[must_use]
    pub const fn anchor(&self) -> Anchor {
        Anchor {
            mainchain_id: self.mainchain_id,
            contract: self.contract,
        }
    }

    /// The checkpoints that the contract has to have accepted.
    pub fn checkpoints(&self) -> impl Iterator<Item = Checkpoint> {
        let span = self.span.as_ref().map(|span| &span.checkpoint);
        std::iter::once(&self.checkpoint).chain(span).map(checkpoint_of)
    }
}

impl ProofFile {
    /// A proof that begins with a checkpoint, or with a plain block.
    #[must_use]
    pub fn new(proof: CodeProof, anchored: Option<Anchored>) -> Self {
        Self {
            kind: KIND.to_owned(),
            anchored,
            proof,
        }
    }

    /// Reads what [`ProofFile::to_text`] wrote.
    ///
    /// # Errors
    /// [`ProofError::TooLong`], [`ProofError::Malformed`]. Whether it proves anything is for [`super::verify`] to say.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofError::TooLong {
                bytes: text.len(),
                most: PROOF_BYTES_MAX,
            });
        }
        let malformed = |reason: String| ProofError::Malformed { reason };
        let file: Self = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
        if file.kind != KIND {
            let kind: String = file.kind.chars().take(KIND.len()).collect();
            return Err(malformed(format!("it is of kind {kind:?}, and {KIND:?} is understood")));
        }
        Ok(file)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("a proof has names for keys and no failing parts");
        json + "\n"
    }
}
