//! Which code does an id name, and what became of it?

use std::{str::FromStr, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use ledger_api::{CodeEnding, CodeInfo, CodeState};
use ledger_chainspec::{BlockNumber, CodeRef, PassportCode, predeploys::TRANSACT};
use ledger_contracts::{CodeId, CodeStatus, Transact};
use ledger_runtime::{
    FoundTransaction, Runtime,
    store::{CodeEnd, CodeEndKind, Recovery, StoreError, TxLocation},
};

use super::{super::error::RpcFailure, contracts::View};
use crate::txpool::TxPool;

/// Longest id that is looked at, in characters: a link with a code in it.
pub(super) const ID_CHARS_MAX: usize = 256;

/// What an id turned out to name.
#[derive(Debug)]
pub(super) enum Lookup {
    /// A code.
    Code(Box<CodeInfo>),
    /// Nothing on this chain.
    NeverIssued,
    /// A transaction that waits in the pool.
    Pending(B256),
    /// A transaction that failed.
    Failed(B256),
    /// A transaction that did something else.
    NotARequest(B256),
    /// A transaction of a block that a recovery left behind, with the code that it issued (R16).
    LeftBehind(B256, Recovery),
}

/// How an id is written.
enum Id {
    Transaction(B256),
    Passport(PassportCode),
    Code(U256),
}

/// Finds what `id` names. The view goes on to a newer block if the code is of that.
pub(super) fn find(view: &mut View, pool: &TxPool, id: &str) -> Result<Lookup, RpcFailure> {
    let runtime = Arc::clone(&view.runtime);
    let found = match parse(id)? {
        Id::Code(code_id) => return by_code_id(view, code_id),
        Id::Transaction(hash) => {
            // Asked for first: a transaction leaves the pool after its block has become the head.
            let is_waiting = pool.get(&hash).is_some();
            match runtime.transaction(&hash)? {
                Some(found) => found,
                None if is_waiting => return Ok(Lookup::Pending(hash)),
                None => return unknown_transaction(view, hash),
            }
        }
        Id::Passport(code) => {
            let location = TxLocation {
                block: code.block(),
                index: code.index(),
            };
            match runtime.transaction_at(location) {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(Lookup::NeverIssued),
                Err(StoreError::NotKept { block, .. }) => return Err(unknown_block(view, block)?),
                Err(error) => return Err(error.into()),
            }
        }
    };
    view.reach(found.location.block);
    let hash = *found.transaction.tx_hash();
    if !found.receipt.receipt.success {
        return Ok(Lookup::Failed(hash));
    }
    let Some(code_id) = Runtime::issued_code(&found.receipt) else {
        return Ok(Lookup::NotARequest(hash));
    };
    match runtime.store().left_by(found.location.block) {
        Some(recovery) => Ok(Lookup::LeftBehind(hash, recovery)),
        None => Ok(Lookup::Code(Box::new(describe(view, code_id, &found)?))),
    }
}

fn parse(id: &str) -> Result<Id, RpcFailure> {
    let id = id.trim();
    if id.len() > ID_CHARS_MAX {
        return Err(RpcFailure::Params(format!(
            "an id has at most {ID_CHARS_MAX} characters, not {}",
            id.len()
        )));
    }
    if let Ok(code) = id.parse::<CodeId>() {
        return Ok(Id::Code(code.to_word()));
    }
    match CodeRef::from_str(id).map_err(|error| RpcFailure::Params(error.to_string()))? {
        CodeRef::Transaction(hash) => Ok(Id::Transaction(hash)),
        CodeRef::Passport(code) => Ok(Id::Passport(code)),
    }
}

fn by_code_id(view: &mut View, code_id: U256) -> Result<Lookup, RpcFailure> {
    let Some(record) = view.runtime.promo_code(&code_id)? else {
        return unknown_code(view, code_id);
    };
    view.reach(record.issued.block);
    let found = stored(view, record.issued)?;
    Ok(Lookup::Code(Box::new(describe(view, code_id, &found)?)))
}

/// Whether older blocks than those kept here are on their way, because codes that they issued may be good.
fn are_older_blocks_wanted(view: &View) -> Result<bool, RpcFailure> {
    let wanted = view.runtime.history_wanted();
    let wanted = wanted.map_err(|error| RpcFailure::Internal(error.to_string()))?;
    Ok(wanted.is_some())
}

/// What to do about an id that an older block may have issued a code for.
fn advice(view: &View) -> Result<&'static str, RpcFailure> {
    Ok(match are_older_blocks_wanted(view)? {
        true => {
            "a code that an older block issued may be good, so ask again once this node has fetched them, or ask a node that \
             has all blocks"
        }
        false => {
            "every code that an older block issued has expired; to learn which one it was ask a node that has all blocks"
        }
    })
}

/// A transaction that no block here has. Where the oldest blocks are missing, that says nothing of what they hold.
fn unknown_transaction(view: &View, hash: B256) -> Result<Lookup, RpcFailure> {
    let oldest = view.runtime.oldest_block();
    if oldest.get() == 0 {
        return Ok(Lookup::NeverIssued);
    }
    let advice = advice(view)?;
    Err(RpcFailure::Unavailable(format!(
        "transaction {hash} is in no block that this node keeps, of which block {oldest} is the oldest: {advice}"
    )))
}

/// A passport code names the block that issued it, which is older than those kept here.
fn unknown_block(view: &View, block: BlockNumber) -> Result<RpcFailure, RpcFailure> {
    let (oldest, advice) = (view.runtime.oldest_block(), advice(view)?);
    Ok(RpcFailure::Unavailable(format!(
        "a code of block {block} was asked for, and block {oldest} is the oldest that this node keeps: {advice}"
    )))
}

/// A code that no block here issued: the contract tells whether an older one did.
fn unknown_code(view: &View, code_id: U256) -> Result<Lookup, RpcFailure> {
    let oldest = view.runtime.oldest_block();
    if oldest.get() == 0 {
        return Ok(Lookup::NeverIssued);
    }
    let code = view.ask(TRANSACT, &Transact::codeCall { codeId: code_id })?;
    let status = CodeStatus::try_from(code.status).map_err(|error| RpcFailure::Internal(error.to_string()))?;
    let is = match status {
        CodeStatus::NeverIssued => return Ok(Lookup::NeverIssued),
        CodeStatus::Live => "is live",
        CodeStatus::Expired => "has expired",
        CodeStatus::Redeemed => "was redeemed",
        CodeStatus::Cancelled => "was given back",
        CodeStatus::Deleted => "has ended",
    };
    let advice = match are_older_blocks_wanted(view)? {
        true => "ask again once it has fetched older ones, or ask a node that has all blocks",
        false => "ask a node that has all blocks",
    };
    Err(RpcFailure::Unavailable(format!(
        "code {code_id:#x} {is}, and was issued before block {oldest}, the oldest that this node keeps: {advice}"
    )))
}

/// Everything about the code that the transaction `issue` issued.
fn describe(view: &View, code_id: U256, issue: &FoundTransaction) -> Result<CodeInfo, RpcFailure> {
    let event = issue
        .receipt
        .receipt
        .logs
        .iter()
        .filter(|log| log.address == TRANSACT)
        .filter_map(|log| Transact::CodeIssued::decode_log_data(&log.data).ok())
        .find(|event| event.codeId == code_id)
        .ok_or_else(|| RpcFailure::Internal(format!("code {code_id} is not in its receipt")))?;
    let code = view.ask(TRANSACT, &Transact::codeCall { codeId: code_id })?;
    let status = CodeStatus::try_from(code.status).map_err(|error| RpcFailure::Internal(error.to_string()))?;
    let end = view.runtime.promo_code(&code_id)?.and_then(|record| record.end);
    // What a block after the one in view did has not happened in this answer.
    let end = end.filter(|end| end.at.block <= view.head.number());
    let state = match (status, end) {
        (CodeStatus::Live, _) => CodeState::Live,
        (CodeStatus::Expired, _) => CodeState::Expired,
        (CodeStatus::Redeemed, _) => CodeState::Redeemed,
        (CodeStatus::Cancelled, _) => CodeState::Cancelled,
        (CodeStatus::Deleted | CodeStatus::NeverIssued, Some(end)) => ended_as(end.kind),
        (CodeStatus::Deleted | CodeStatus::NeverIssued, None) => {
            return Err(RpcFailure::Internal(format!(
                "code {code_id} is gone, and no log says how it ended"
            )));
        }
    };
    let ended = end.map(|end| ending(view, code_id, end)).transpose()?;
    let (ending, last_holder) = ended.map_or((None, None), |(ending, holder)| (Some(ending), holder));
    let holder = Some(code.holder)
        .filter(|holder| *holder != Address::ZERO)
        .or(last_holder);
    Ok(CodeInfo {
        code_id,
        transaction: *issue.transaction.tx_hash(),
        passport_code: passport_code(issue)?,
        state,
        holder: holder.unwrap_or(event.holder),
        requester: event.holder,
        spec: view.spec(event.specId)?,
        block_number: issue.location.block.get(),
        issued_at: issue.header.header.timestamp,
        expires_at: event.expiresAt,
        ending,
    })
}

const fn ended_as(kind: CodeEndKind) -> CodeState {
    match kind {
        CodeEndKind::Redeemed => CodeState::Redeemed,
        CodeEndKind::Cancelled => CodeState::Cancelled,
        CodeEndKind::Expired => CodeState::Expired,
    }
}

fn passport_code(issue: &FoundTransaction) -> Result<String, RpcFailure> {
    let TxLocation { block, index } = issue.location;
    let code = PassportCode::new(block, index);
    Ok(code
        .ok_or_else(|| RpcFailure::Internal(format!("index {index} is beyond passport codes")))?
        .to_string())
}

/// The transaction that the index of codes names.
fn stored(view: &View, at: TxLocation) -> Result<FoundTransaction, RpcFailure> {
    let TxLocation { block, index } = at;
    let found = view.runtime.transaction_at(at)?;
    found.ok_or_else(|| RpcFailure::Internal(format!("transaction {index} of block {block} is not stored")))
}

/// How a code ended, and who held it then, if the log says so.
fn ending(view: &View, code_id: U256, end: CodeEnd) -> Result<(CodeEnding, Option<Address>), RpcFailure> {
    let found = stored(view, end.at)?;
    let mut holder = None;
    let mut redeemed_by = None;
    for log in found.receipt.receipt.logs.iter().filter(|log| log.address == TRANSACT) {
        if let Ok(event) = Transact::CodeRedeemed::decode_log_data(&log.data)
            && event.codeId == code_id
        {
            holder = Some(event.holder);
            redeemed_by = Some(view.cloud(event.memberId)?);
        }
        if let Ok(event) = Transact::CodeCancelled::decode_log_data(&log.data)
            && event.codeId == code_id
        {
            holder = Some(event.holder);
        }
    }
    let ending = CodeEnding {
        transaction: *found.transaction.tx_hash(),
        block_number: found.location.block.get(),
        timestamp: found.header.header.timestamp,
        redeemed_by,
    };
    Ok((ending, holder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_transaction_a_passport_code_or_a_code_of_the_contract() {
        let hash = format!("0x{}", "ab".repeat(32));
        assert!(matches!(parse(&hash), Ok(Id::Transaction(id)) if id.to_string() == hash));
        let passport = PassportCode::new(BlockNumber::new(7), 3).unwrap();
        assert!(matches!(parse(&format!(" {passport}\n")), Ok(Id::Passport(id)) if id == passport));
        let word = CodeId {
            spec_id: 2,
            sequence: 9,
        }
        .to_word();
        for text in ["2:9".to_owned(), format!("{word:#x}"), format!("{word:#066x}")] {
            assert!(matches!(parse(&text), Ok(Id::Code(id)) if id == word), "{text}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_words() {
        for text in [
            "",
            "0x",
            "0xzz",
            "hello",
            "1:x",
            "003A-G00A-R7VU",
            &"9".repeat(10_000),
            "0x\u{fe0f}",
            "💥💥💥💥",
        ] {
            let Err(RpcFailure::Params(words)) = parse(text) else {
                panic!("{text:?} was taken")
            };
            assert!(words.len() > 20 && words.len() < 300, "{words}");
        }
    }
}
