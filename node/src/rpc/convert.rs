//! How do stored things look in Ethereum's JSON?

use alloy_consensus::{ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxReceipt, TxType, transaction::Recovered};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Sealed, TxKind, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::{
    Block, BlockTransactions, Header, Log, Transaction, TransactionInfo, TransactionReceipt, Withdrawals,
};
use ledger_chainspec::{BlockHash, BlockNumber, SealedHeader, Transaction as SignedTransaction};
use ledger_runtime::{BlockRef, StoredBlock, store::StoredReceipt};

/// The block that a caller means. Every block is final: all tags but `earliest` name the newest one.
#[must_use]
pub fn block_ref(id: Option<BlockId>) -> BlockRef {
    match id {
        None => BlockRef::Head,
        Some(BlockId::Number(tag)) => block_by_tag(tag),
        Some(BlockId::Hash(hash)) => BlockRef::Hash(BlockHash::new(hash.block_hash)),
    }
}

/// The block that a number or a tag means.
#[must_use]
pub const fn block_by_tag(tag: BlockNumberOrTag) -> BlockRef {
    match tag {
        BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized | BlockNumberOrTag::Pending => {
            BlockRef::Head
        }
        BlockNumberOrTag::Earliest => BlockRef::Number(BlockNumber::new(0)),
        BlockNumberOrTag::Number(number) => BlockRef::Number(BlockNumber::new(number)),
    }
}

/// A block, with whole transactions or their hashes.
#[must_use]
pub fn block(stored: StoredBlock, hydrated: bool) -> Block {
    let StoredBlock { header, transactions } = stored;
    let bare: Vec<&SignedTransaction> = transactions.iter().map(Recovered::inner).collect();
    let size = block_bytes(&header, &bare);
    let transactions = match hydrated {
        true => {
            let all = (0_u64..).zip(transactions);
            BlockTransactions::Full(
                all.map(|(index, transaction)| included(transaction, &header, index))
                    .collect(),
            )
        }
        false => BlockTransactions::Hashes(bare.iter().map(|transaction| *transaction.tx_hash()).collect()),
    };
    let withdrawals = header.header.withdrawals_root.map(|_| Withdrawals::default());
    Block {
        header: self::header(header, Some(size)),
        uncles: Vec::new(),
        transactions,
        withdrawals,
    }
}

/// A header; `size` is its block's, in bytes of RLP.
#[must_use]
pub fn header(header: SealedHeader, size: Option<U256>) -> Header {
    Header::from_consensus(Sealed::new_unchecked(header.header, header.hash.get()), None, size)
}

/// Length of the block's RLP: header, transactions, no ommers, and withdrawals if its fork has them.
fn block_bytes(header: &SealedHeader, transactions: &[&SignedTransaction]) -> U256 {
    let list = |payload: usize| {
        alloy_rlp::Header {
            list: true,
            payload_length: payload,
        }
        .length()
            + payload
    };
    let body = list(transactions.iter().map(|transaction| transaction.length()).sum());
    let empty = list(0);
    let withdrawals = if header.header.withdrawals_root.is_some() {
        empty
    } else {
        0
    };
    U256::from(list(header.header.length() + body + empty + withdrawals))
}

/// A transaction of a block.
#[must_use]
pub fn included(transaction: Recovered<SignedTransaction>, header: &SealedHeader, index: u64) -> Transaction {
    let info = TransactionInfo {
        hash: Some(*transaction.tx_hash()),
        index: Some(index),
        block_hash: Some(header.hash.get()),
        block_number: Some(header.header.number),
        base_fee: header.header.base_fee_per_gas,
        block_timestamp: Some(header.header.timestamp),
    };
    Transaction::from_transaction(transaction, info)
}

/// A transaction that waits in the pool.
#[must_use]
pub fn waiting(transaction: Recovered<SignedTransaction>) -> Transaction {
    let info = TransactionInfo {
        hash: Some(*transaction.tx_hash()),
        ..TransactionInfo::default()
    };
    Transaction::from_transaction(transaction, info)
}

/// The receipt of the transaction at `index` of the block with `header`.
#[must_use]
pub fn receipt(
    stored: StoredReceipt,
    transaction: &Recovered<SignedTransaction>,
    header: &SealedHeader,
    index: u64,
) -> TransactionReceipt {
    let transaction_hash = *transaction.tx_hash();
    let tx_type = stored.receipt.tx_type;
    let logs_bloom = stored.receipt.bloom();
    let logs = (u64::from(stored.first_log_index)..)
        .zip(stored.receipt.logs)
        .map(|(log_index, inner)| Log {
            inner,
            block_hash: Some(header.hash.get()),
            block_number: Some(header.header.number),
            block_timestamp: Some(header.header.timestamp),
            transaction_hash: Some(transaction_hash),
            transaction_index: Some(index),
            log_index: Some(log_index),
            removed: false,
        });
    let receipt = alloy_consensus::Receipt {
        status: stored.receipt.success.into(),
        cumulative_gas_used: stored.receipt.cumulative_gas_used,
        logs: logs.collect(),
    };
    TransactionReceipt {
        inner: envelope(tx_type, ReceiptWithBloom { receipt, logs_bloom }),
        transaction_hash,
        transaction_index: Some(index),
        block_hash: Some(header.hash.get()),
        block_number: Some(header.header.number),
        gas_used: stored.gas_used,
        effective_gas_price: transaction.effective_gas_price(header.header.base_fee_per_gas),
        blob_gas_used: None,
        blob_gas_price: None,
        from: transaction.signer(),
        to: match transaction.kind() {
            TxKind::Call(to) => Some(to),
            TxKind::Create => None,
        },
        contract_address: stored.contract,
    }
}

fn envelope(tx_type: TxType, receipt: ReceiptWithBloom<alloy_consensus::Receipt<Log>>) -> ReceiptEnvelope<Log> {
    match tx_type {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}

/// A block's hash as a parameter.
#[must_use]
pub const fn by_hash(hash: B256) -> BlockRef {
    BlockRef::Hash(BlockHash::new(hash))
}
