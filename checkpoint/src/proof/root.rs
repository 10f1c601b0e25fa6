//! What is trusted beforehand, and does the proof begin there?

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, GenesisHash, SealedHeader};
use ledger_contracts::history::{Place, root_of_path};

use super::{
    Part, ProofError, ProofFile,
    chain::{self, Chain},
    file::{Anchored, Span},
};
use crate::statement::{Anchor, Checkpoint, checkpoint_of};

/// What is trusted beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The chain.
    pub genesis: GenesisHash,
    /// Where proofs begin.
    pub root: Root,
}

/// Where proofs begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// With this block.
    Block(BlockHash),
    /// With a checkpoint that the contract accepted.
    Checkpoint {
        /// The contract.
        anchor: Anchor,
        /// Fingerprints that it accepted, as far as they matter.
        accepted: Vec<B256>,
        /// Height of its newest checkpoint, if that is known.
        newest_height: Option<u64>,
    },
}

/// The header that the proof begins with, which is trusted.
pub fn trusted_header(file: &ProofFile, trust: &Trust) -> Result<SealedHeader, ProofError> {
    let got = GenesisHash::new(file.proof.genesis_hash);
    if got != trust.genesis {
        let expected = trust.genesis;
        return Err(ProofError::OtherChain { got, expected });
    }
    let header = chain::header(&file.proof.trusted.header, Part::Trusted)?;
    let expected = match &trust.root {
        Root::Block(hash) => *hash,
        Root::Checkpoint { anchor, accepted, .. } => {
            let checkpoint = accepted_checkpoint(file.anchored.as_ref(), *anchor, accepted)?;
            check_fields(&header, &checkpoint)?;
            BlockHash::new(checkpoint.blockHash)
        }
    };
    if header.hash != expected {
        let got = header.hash;
        return Err(ProofError::OtherBlock { got, expected });
    }
    Ok(header)
}

fn accepted_checkpoint(
    anchored: Option<&Anchored>,
    anchor: Anchor,
    accepted: &[B256],
) -> Result<Checkpoint, ProofError> {
    let anchored = anchored.ok_or(ProofError::NoCheckpoint)?;
    let (got, expected) = (anchored.anchor(), anchor);
    if got.mainchain_id != expected.mainchain_id {
        return Err(ProofError::OtherMainchain {
            got: got.mainchain_id,
            expected: expected.mainchain_id,
        });
    }
    if got.contract != expected.contract {
        return Err(ProofError::OtherContract {
            got: got.contract,
            expected: expected.contract,
        });
    }
    for checkpoint in anchored.checkpoints() {
        let fingerprint = anchor.fingerprint(&checkpoint);
        if !accepted.contains(&fingerprint) {
            let index = checkpoint.index;
            return Err(ProofError::NotAccepted { index, fingerprint });
        }
    }
    Ok(checkpoint_of(&anchored.checkpoint))
}

/// The block's hash says all of it; these say what is wrong where it is another.
fn check_fields(header: &SealedHeader, checkpoint: &Checkpoint) -> Result<(), ProofError> {
    let fields = &header.header;
    if fields.number != checkpoint.height {
        return Err(ProofError::WrongHeight {
            got: fields.number,
            expected: checkpoint.height,
        });
    }
    if fields.state_root != checkpoint.stateRoot {
        return Err(ProofError::WrongRoot {
            got: fields.state_root,
            expected: checkpoint.stateRoot,
        });
    }
    Ok(())
}

/// The block of the code's request: one of a checkpoint's blocks, if the proof says so, or final by its certificate.
pub fn request_block(file: &ProofFile, trust: &Trust, chain: &Chain) -> Result<SealedHeader, ProofError> {
    let request = &file.proof.request;
    let header = chain::header(&request.header, Part::Request)?;
    let span = file.anchored.as_ref().and_then(|anchored| anchored.span.as_ref());
    match (&trust.root, span, &request.path) {
        (Root::Checkpoint { anchor, .. }, Some(span), Some(path)) => {
            check_span(&header, span, path, (*anchor, trust.genesis))?;
        }
        _ => chain.check_final(&header, &request.certificate, Part::Request)?,
    }
    Ok(header)
}

/// Whether the block is one of the span's. That its checkpoint is accepted was checked before.
fn check_span(
    header: &SealedHeader,
    span: &Span,
    path: &[B256],
    (anchor, genesis): (Anchor, GenesisHash),
) -> Result<(), ProofError> {
    let checkpoint = checkpoint_of(&span.checkpoint);
    let parent = span.parent.as_ref().map(checkpoint_of);
    let got = parent
        .as_ref()
        .map_or(genesis.get(), |parent| anchor.fingerprint(parent));
    if got != checkpoint.parent {
        return Err(ProofError::SpanParent {
            index: checkpoint.index,
            got,
            expected: checkpoint.parent,
        });
    }
    let (height, below) = (header.header.number, parent.map_or(0, |parent| parent.height));
    let place = Place::of(height, below, checkpoint.height).ok_or(ProofError::NotInSpan {
        height,
        first: below.saturating_add(1),
        last: checkpoint.height,
    })?;
    if root_of_path(header.hash.get(), place, path) != Some(checkpoint.historyRoot) {
        let expected = checkpoint.historyRoot;
        return Err(ProofError::NotInHistory { height, expected });
    }
    Ok(())
}
