//! What does a block's execution leave to be looked up?
//!
//! From the EVM's receipts: root and bloom for the header, the records that the store keeps, and the changes of the
//! promo code index. Pure; called once per block by production and import.

use alloy_consensus::{
    EthereumReceipt, ReceiptWithBloom, Transaction as _, TxReceipt, proofs::calculate_receipt_root,
    transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log, U256, utils::keccak256_cached};
use alloy_sol_types::SolEvent;
use ledger_chainspec::{
    RecoveryOrder, Transaction,
    predeploys::{BOOTSTRAP, TRANSACT},
};
use ledger_contracts::{Bootstrap, Transact};

use crate::store::{CodeChange, CodeEndKind, StoredReceipt};

/// Root of the trie of receipts, and the bloom of all their logs.
pub(crate) fn root_and_bloom(receipts: &[EthereumReceipt]) -> (B256, Bloom) {
    let with_bloom: Vec<_> = receipts
        .iter()
        .map(|receipt| ReceiptWithBloom::new(receipt, bloom(&receipt.logs)))
        .collect();
    let bloom = with_bloom
        .iter()
        .fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.logs_bloom);
    (calculate_receipt_root(&with_bloom), bloom)
}

/// The bloom of a receipt's logs. Contracts and the first topics of their events come again and again.
fn bloom(logs: &[Log]) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.m3_2048_hashed(&keccak256_cached(log.address));
        for topic in log.topics() {
            bloom.m3_2048_hashed(&keccak256_cached(topic));
        }
    }
    bloom
}

/// The receipts as the store keeps them. One for each transaction, in the same order.
pub(crate) fn stored(transactions: &[Recovered<Transaction>], receipts: Vec<EthereumReceipt>) -> Vec<StoredReceipt> {
    let mut gas_before = 0;
    let mut logs_before = 0_u32;
    let mut keep = |transaction: &Recovered<Transaction>, receipt: EthereumReceipt| {
        let cumulative = receipt.cumulative_gas_used();
        let logs = u32::try_from(receipt.logs().len()).expect("gas bounds the logs of a block below 2^32");
        let stored = StoredReceipt {
            gas_used: cumulative.saturating_sub(gas_before),
            first_log_index: logs_before,
            contract: created_contract(transaction),
            receipt,
        };
        gas_before = cumulative;
        logs_before = logs_before.saturating_add(logs);
        stored
    };
    transactions
        .iter()
        .zip(receipts)
        .map(|(transaction, receipt)| keep(transaction, receipt))
        .collect()
}

/// The address that a transaction without target creates a contract at.
fn created_contract(transaction: &Recovered<Transaction>) -> Option<Address> {
    transaction
        .is_create()
        .then(|| transaction.signer().create(transaction.nonce()))
}

/// Whether Bootstrap said in one of the logs that the validator set changed.
pub(crate) fn set_changed(receipts: &[EthereumReceipt]) -> bool {
    receipts.iter().flat_map(|receipt| &receipt.logs).any(|log| {
        log.address == BOOTSTRAP && log.topics().first() == Some(&Bootstrap::ValidatorSetChanged::SIGNATURE_HASH)
    })
}

/// Whether a block with this bloom may have changed promo codes: a bloom says no, or perhaps.
pub(crate) fn may_change_codes(bloom: &Bloom) -> bool {
    bloom.contains_input(BloomInput::Raw(TRANSACT.as_slice()))
}

/// The recovery that the block's receipts order: the last one, if there are several (R16).
pub(crate) fn ordered<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Option<RecoveryOrder> {
    let order = |log: &Log| {
        let of_bootstrap = Some(log).filter(|log| log.address == BOOTSTRAP)?;
        let event = Bootstrap::RecoveryOrdered::decode_log_data(&of_bootstrap.data).ok()?;
        Some(RecoveryOrder {
            epoch: event.epoch,
            checkpoint: event.checkpointNumber,
        })
    };
    logs.into_iter().filter_map(order).last()
}

/// Whether a block with this bloom may have ordered a recovery.
pub(crate) fn may_order(bloom: &Bloom) -> bool {
    let topic = Bootstrap::RecoveryOrdered::SIGNATURE_HASH;
    bloom.contains_input(BloomInput::Raw(BOOTSTRAP.as_slice()))
        && bloom.contains_input(BloomInput::Raw(topic.as_slice()))
}

/// What the block's transactions did to promo codes, in order, as Transact's logs tell it.
pub(crate) fn code_changes(receipts: &[EthereumReceipt]) -> Vec<CodeChange> {
    let mut changes = Vec::new();
    for (index, receipt) in (0_u32..).zip(receipts) {
        let logs = receipt.logs.iter().filter(|log| log.address == TRANSACT);
        changes.extend(logs.filter_map(|log| code_change(log, index)));
    }
    changes
}

fn code_change(log: &Log, index: u32) -> Option<CodeChange> {
    let id = code_id(log)?;
    let (kind, member) = match *log.topics().first()? {
        Transact::CodeIssued::SIGNATURE_HASH => {
            let expires_at = Transact::CodeIssued::decode_log_data(&log.data).ok()?.expiresAt;
            return Some(CodeChange::Issued { id, index, expires_at });
        }
        Transact::CodeRedeemed::SIGNATURE_HASH => {
            let redeemed = Transact::CodeRedeemed::decode_log_data(&log.data).ok()?;
            (CodeEndKind::Redeemed, redeemed.memberId)
        }
        Transact::CodeCancelled::SIGNATURE_HASH => (CodeEndKind::Cancelled, 0),
        Transact::CodeExpired::SIGNATURE_HASH => (CodeEndKind::Expired, 0),
        _ => return None,
    };
    Some(CodeChange::Ended {
        id,
        kind,
        member,
        index,
    })
}

/// Every event about a code names it first.
fn code_id(log: &Log) -> Option<U256> {
    log.topics().get(1).map(|topic| U256::from_be_bytes(topic.0))
}

/// The code that the transaction with this receipt issued; the first, if a contract asked for several.
pub(crate) fn issued_code(receipt: &EthereumReceipt) -> Option<U256> {
    receipt
        .logs
        .iter()
        .find(|log| log.address == TRANSACT && log.topics().first() == Some(&Transact::CodeIssued::SIGNATURE_HASH))
        .and_then(code_id)
}
