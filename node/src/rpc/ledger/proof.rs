//! What shows a promo code to somebody who trusts no node?
//!
//! Puts together what the database has: headers, certificates, validator sets, and Merkle proofs. It judges nothing: whoever asked does
//! (`ledger_checkpoint::proof`). Which block is trusted is the asker's affair, and so are checkpoints on the mainchain.

use alloy_primitives::{B256, Bytes};
use alloy_serde::JsonStorageKey;
use ledger_api::{
    BlockSpan, CODE_PROOF_VERSION, CodeInfo, CodeProof, CodeProofRequest, PROOF_HANDOVERS_MAX, PROOF_SPAN_BLOCKS_MAX,
    RequestProof, SetHandover, StateProof, TrustedBlock,
};
use ledger_chainspec::{BlockNumber, FinalityCertificate, Handover, SealedHeader, predeploys::TRANSACT};
use ledger_contracts::{CodeId, SpecRecord, history::history_path};
use ledger_runtime::{BlockRef, Runtime};
use parity_scale_codec::Encode;

use super::{
    super::{error::RpcFailure, state::proof_response},
    codes::{self, Lookup},
    contracts::View,
    verify::reason,
};
use crate::txpool::TxPool;

/// The answer to `ledger_codeProof`.
pub(super) fn code_proof(
    view: &mut View,
    pool: &TxPool,
    id: &str,
    request: CodeProofRequest,
) -> Result<CodeProof, RpcFailure> {
    let code = match codes::find(view, pool, id)? {
        Lookup::Code(code) => *code,
        other => return Err(RpcFailure::NotFound(reason(&other, view.now))),
    };
    let runtime = view.runtime.as_ref();
    let state = request.state_block.map_or(view.head.number(), BlockNumber::new);
    let trusted = BlockNumber::new(request.trusted_block.unwrap_or_default());
    check_order(&code, trusted, state)?;
    Ok(CodeProof {
        version: CODE_PROOF_VERSION,
        genesis_hash: runtime.genesis_hash().get(),
        code_id: code.code_id,
        trusted: trusted_block(runtime, trusted)?,
        handovers: handovers(runtime, trusted, state)?,
        state: state_proof(runtime, &code, state, state == trusted)?,
        request: request_proof(runtime, &code, request.span)?,
    })
}

fn check_order(code: &CodeInfo, trusted: BlockNumber, state: BlockNumber) -> Result<(), RpcFailure> {
    if trusted > state {
        return Err(RpcFailure::Params(format!(
            "the trusted block {trusted} is after block {state}, whose state is to be proven: certificates lead forward only"
        )));
    }
    if code.block_number > state.get() {
        return Err(RpcFailure::Params(format!(
            "the code is of block {}, after block {state}, whose state is to be proven",
            code.block_number
        )));
    }
    Ok(())
}

fn header(runtime: &Runtime, number: BlockNumber) -> Result<SealedHeader, RpcFailure> {
    let found = runtime.header(BlockRef::Number(number))?;
    found.ok_or_else(|| RpcFailure::NotFound(format!("header not found: there is no block {number}")))
}

fn certificate(runtime: &Runtime, number: BlockNumber) -> Result<FinalityCertificate, RpcFailure> {
    let found = runtime.certificate(number)?;
    found.ok_or_else(|| {
        RpcFailure::NotFound(format!(
            "block {number} has no certificate: it is genesis, or there is none"
        ))
    })
}

fn rlp(header: &SealedHeader) -> Bytes {
    alloy_rlp::encode(&header.header).into()
}

fn trusted_block(runtime: &Runtime, number: BlockNumber) -> Result<TrustedBlock, RpcFailure> {
    let header = header(runtime, number)?;
    let set = runtime.next_set(number)?;
    let set = set.ok_or_else(|| RpcFailure::Internal(format!("the validators after block {number} are not stored")))?;
    Ok(TrustedBlock {
        header: rlp(&header),
        next_set: set.encode().into(),
    })
}

fn handovers(runtime: &Runtime, from: BlockNumber, to: BlockNumber) -> Result<Vec<SetHandover>, RpcFailure> {
    let found = runtime.handovers(from, to, PROOF_HANDOVERS_MAX)?;
    let found = found.ok_or_else(|| {
        RpcFailure::Limit(format!(
            "the validators changed more than {PROOF_HANDOVERS_MAX} times between blocks {from} and {to}, or in blocks that this node does \
             not keep: trust a newer block"
        ))
    })?;
    Ok(found.iter().map(handover).collect())
}

fn handover(handover: &Handover) -> SetHandover {
    SetHandover {
        header: rlp(&handover.header),
        certificate: handover.certificate.encode().into(),
        next_set: handover.set.encode().into(),
    }
}

fn state_proof(
    runtime: &Runtime,
    code: &CodeInfo,
    number: BlockNumber,
    is_trusted: bool,
) -> Result<StateProof, RpcFailure> {
    let id = CodeId::from_word(code.code_id)
        .ok_or_else(|| RpcFailure::Internal(format!("{:#x} is no code's id", code.code_id)))?;
    let mut slots = vec![id.slot()];
    slots.extend(SpecRecord::slots(id.spec_id));
    let certificate = (!is_trusted).then(|| certificate(runtime, number)).transpose()?;
    let proof = runtime.proof(&TRANSACT, &slots, BlockRef::Number(number))?;
    let keys = slots.into_iter().map(JsonStorageKey::from).collect();
    Ok(StateProof {
        header: rlp(&header(runtime, number)?),
        certificate: certificate.map(|certificate| certificate.encode().into()),
        account: proof_response(proof, keys),
    })
}

fn request_proof(runtime: &Runtime, code: &CodeInfo, span: Option<BlockSpan>) -> Result<RequestProof, RpcFailure> {
    let number = BlockNumber::new(code.block_number);
    let place = runtime.store().location(&code.transaction)?;
    let included = place.map(|place| runtime.inclusion(place)).transpose()?.flatten();
    let (Some(place), Some(included)) = (place, included) else {
        return Err(RpcFailure::Internal(format!(
            "transaction {} is not stored",
            code.transaction
        )));
    };
    let path = match span {
        Some(span) if span.after < number.get() && number.get() <= span.up_to => Some(path(runtime, number, span)?),
        _ => None,
    };
    Ok(RequestProof {
        header: rlp(&header(runtime, number)?),
        certificate: certificate(runtime, number)?.encode().into(),
        path,
        index: place.index.into(),
        transaction: included.transaction,
        transaction_proof: included.transaction_proof,
        receipt: included.receipt,
        receipt_proof: included.receipt_proof,
    })
}

/// From the leaf of block `number` to the root over the blocks of `span`, which has it.
fn path(runtime: &Runtime, number: BlockNumber, span: BlockSpan) -> Result<Vec<B256>, RpcFailure> {
    let blocks = span.up_to - span.after;
    if blocks > PROOF_SPAN_BLOCKS_MAX {
        return Err(RpcFailure::Limit(format!(
            "a span of {blocks} blocks is asked about; {PROOF_SPAN_BLOCKS_MAX} is the most"
        )));
    }
    if span.up_to > runtime.head().number().get() {
        return Err(RpcFailure::NotFound(format!("there is no block {} yet", span.up_to)));
    }
    let hash = |number: u64| -> Result<B256, RpcFailure> {
        let hash = runtime.store().block_hash(BlockNumber::new(number))?;
        let hash = hash.ok_or_else(|| RpcFailure::Internal(format!("block {number} is not stored")))?;
        Ok(hash.get())
    };
    let hashes = (span.after + 1..=span.up_to).map(hash).collect::<Result<Vec<_>, _>>()?;
    let place = usize::try_from(number.get() - span.after - 1).unwrap_or(usize::MAX);
    history_path(&hashes, place).ok_or_else(|| RpcFailure::Internal(format!("block {number} is not in its span")))
}
