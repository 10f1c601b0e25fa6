//! How is a proof shown to `CodeVerifier` on the mainchain?
//!
//! The contract knows the states of accepted checkpoints only, and follows no certificates: the proof has to be of such a state.

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use ledger_chainspec::{BlockHash, CheckpointFields, predeploys::TRANSACT};
use ledger_contracts::CodeVerifier::{Checkpoint, verifyBlockCall, verifyCodeCall};

use super::{Part, ProofError, ProofFile, chain};

/// The call `verifyCode` with what the proof says of the code's record.
///
/// # Errors
/// [`ProofError::NoCheckpoint`], [`ProofError::NotAtCheckpoint`].
pub fn verify_code_call(file: &ProofFile) -> Result<Bytes, ProofError> {
    let anchored = file.anchored.as_ref().ok_or(ProofError::NoCheckpoint)?;
    let state = chain::header(&file.proof.state.header, Part::State)?;
    if state.hash != BlockHash::new(anchored.checkpoint.block_hash) {
        let state = state.header.number;
        return Err(ProofError::NotAtCheckpoint { state });
    }
    let account = &file.proof.state.account;
    let record = account.storage_proof.first();
    let call = verifyCodeCall {
        c: for_verifier(&anchored.checkpoint),
        transact: TRANSACT,
        codeId: file.proof.code_id,
        accountProof: account.account_proof.clone(),
        storageProof: record.map(|record| record.proof.clone()).unwrap_or_default(),
    };
    Ok(call.abi_encode().into())
}

/// The call `verifyBlock` with the block of the code's request; none if the proof has no path to it.
///
/// # Errors
/// [`ProofError::NoCheckpoint`], [`ProofError::Bytes`].
pub fn verify_block_call(file: &ProofFile) -> Result<Option<Bytes>, ProofError> {
    let anchored = file.anchored.as_ref().ok_or(ProofError::NoCheckpoint)?;
    let (Some(span), Some(path)) = (&anchored.span, &file.proof.request.path) else {
        return Ok(None);
    };
    let block = chain::header(&file.proof.request.header, Part::Request)?;
    let call = verifyBlockCall {
        // Of the first checkpoint the contract does not look at it.
        parent: for_verifier(span.parent.as_ref().unwrap_or(&span.checkpoint)),
        c: for_verifier(&span.checkpoint),
        height: block.header.number,
        blockHash: block.hash.get(),
        path: path.clone(),
    };
    Ok(Some(call.abi_encode().into()))
}

/// The checkpoint with these fields, as the other contract's artifact has it.
const fn for_verifier(fields: &CheckpointFields) -> Checkpoint {
    Checkpoint {
        index: fields.index,
        epoch: fields.epoch,
        setId: fields.set_id,
        height: fields.height,
        blockHash: fields.block_hash,
        stateRoot: fields.state_root,
        historyRoot: fields.history_root,
        parent: fields.parent,
        nextSetHash: fields.next_set_hash,
    }
}
