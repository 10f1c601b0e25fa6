//! Is this promo code good, for somebody who trusts no node of the sidechain?
//!
//! Trusted is one block, by a checkpoint on the mainchain or by its hash ([`Trust`]). Its header names the validators of the next block;
//! certificates and handovers lead from them to the block whose state is proven, and to the block of the code's request, which may also
//! be one of an accepted checkpoint's blocks. In the state lie the code's record and its specification, in the request's block the
//! transaction and the receipt that name the code.
//!
//! What a proof says, it says *as of block N*: of the state after that block. Later blocks may have redeemed the code, and no proof can
//! show that they did not. A cloud that wants to be sure redeems first and gives the resource when that has worked.
//!
//! Called by the `passport` command. Pure: the time is an argument, and nothing is asked of anybody.

mod chain;
mod error;
mod file;
pub mod mainchain;
mod merkle;
mod request;
mod root;
mod state;

use alloy_primitives::{Address, B256, U256};
use alloy_serde::quantity;
use ledger_api::{BlockPoint, CODE_PROOF_VERSION, SpecInfo};
use ledger_chainspec::SealedHeader;
use ledger_contracts::{CodeId, CodeRecord, CodeState, SpecRecord};
use serde::Serialize;

pub use error::{Part, ProofError};
pub use file::{Anchored, KIND, PROOF_BYTES_MAX, ProofFile, Span};
pub use merkle::MerkleFault;
pub use request::Asked;
pub use root::{Root, Trust};

/// What is asked of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The code that is meant; whichever the proof is of, if none.
    pub asked: Option<Asked>,
    /// The time, in seconds since the Unix epoch.
    pub now: u64,
    /// How old the state may be, in seconds.
    pub age_max: u64,
}

/// A code that is good, as of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenCode {
    /// The contract's number of the code.
    pub code_id: U256,
    /// The transaction that issued it.
    pub transaction: B256,
    /// The same in letters and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passport_code: Option<String>,
    /// Who may use it.
    pub holder: Address,
    /// Who asked for it.
    pub requester: Address,
    /// When it expires, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub expires_at: u64,
    /// What it is good for.
    pub spec: SpecInfo,
    /// The block of its request.
    pub issued: BlockPoint,
    /// The block whose state says all this.
    pub as_of: BlockPoint,
    /// The block that was trusted.
    pub trusted: BlockPoint,
}

/// Checks a proof from what is trusted to the code, and that the code is good.
///
/// # Errors
/// [`ProofError`] for the first thing that is wrong: with the proof, and only then with the code.
pub fn verify(file: &ProofFile, trust: &Trust, question: &Question) -> Result<ProvenCode, ProofError> {
    let proof = &file.proof;
    if proof.version != CODE_PROOF_VERSION {
        return Err(ProofError::Version {
            got: proof.version,
            known: CODE_PROOF_VERSION,
        });
    }
    let trusted = root::trusted_header(file, trust)?;
    let chain = chain::Chain::follow(proof, trusted.clone(), trust.genesis)?;
    let state_block = chain.state_block(proof)?;
    let request_block = root::request_block(file, trust, &chain)?;
    if request_block.header.number > state_block.header.number {
        return Err(ProofError::RequestAfterState {
            request: request_block.number(),
            state: state_block.number(),
        });
    }
    let issued = request::issued(&proof.request, &request_block)?;
    if let Some(asked) = &question.asked {
        issued.check(asked)?;
    }
    issued.check_code(proof.code_id)?;
    let id = CodeId::from_word(issued.code_id).ok_or(ProofError::NotARecord {
        what: "code",
        word: issued.code_id,
    })?;
    let (record, spec) = state::read(&proof.state, state_block.header.state_root, id)?;
    if let Some(record) = record.filter(|record| record.expires_at != issued.expires_at) {
        // A code expires when it was said to at its issue: this is the record of another one.
        return Err(ProofError::LeftBehind {
            expires_at: record.expires_at,
            state: state_block.header.number,
        });
    }
    // What is certified to be later than this machine's clock says that the clock is behind.
    let now = question.now.max(state_block.header.timestamp);
    let record = good_record(record, &state_block, now)?;
    check_age(&state_block, trust, question, now)?;
    Ok(ProvenCode {
        code_id: issued.code_id,
        transaction: issued.transaction,
        passport_code: issued.passport_code.map(|code| code.to_string()),
        holder: record.holder,
        requester: issued.requester,
        expires_at: record.expires_at,
        spec: spec_info(id.spec_id, spec),
        issued: point(&request_block),
        as_of: point(&state_block),
        trusted: point(&trusted),
    })
}

fn good_record(record: Option<CodeRecord>, block: &SealedHeader, now: u64) -> Result<CodeRecord, ProofError> {
    let state = block.header.number;
    let record = record.ok_or(ProofError::NoRecord { state })?;
    match record.state {
        CodeState::Redeemed => Err(ProofError::Redeemed {
            member_id: record.member_id,
            state,
        }),
        CodeState::Cancelled => Err(ProofError::Cancelled { state }),
        CodeState::Live if now >= record.expires_at => Err(ProofError::Expired {
            expires_at: record.expires_at,
            now,
        }),
        CodeState::Live => Ok(record),
    }
}

/// A code that was live then may have been used since: how long ago is that?
fn check_age(block: &SealedHeader, trust: &Trust, question: &Question, now: u64) -> Result<(), ProofError> {
    let state = block.header.number;
    if let Root::Checkpoint {
        newest_height: Some(anchored),
        ..
    } = trust.root
        && anchored > state
    {
        return Err(ProofError::Superseded { state, anchored });
    }
    let age_seconds = now.saturating_sub(block.header.timestamp);
    if age_seconds > question.age_max {
        return Err(ProofError::Stale {
            age_seconds,
            most_seconds: question.age_max,
        });
    }
    Ok(())
}

const fn point(block: &SealedHeader) -> BlockPoint {
    BlockPoint {
        number: block.header.number,
        hash: block.hash.get(),
        timestamp: block.header.timestamp,
    }
}

fn spec_info(spec_id: u32, spec: SpecRecord) -> SpecInfo {
    SpecInfo {
        spec_id,
        name: spec.name,
        vcpus: spec.vcpus,
        memory_mib: spec.memory_mib,
        disk_gib: spec.disk_gib,
        hours: spec.hours,
        ttl_seconds: spec.ttl_seconds.into(),
        reward: spec.reward,
        requires_authorization: spec.requires_authorization,
    }
}
