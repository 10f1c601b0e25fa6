//! What is in a record, and what are its bytes? SCALE for what is ours alone, Ethereum's own encoding for the rest.
//!
//! The golden bytes are in `tests/it/golden.rs`; a change of them needs a new [`FORMAT_VERSION`].

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{EthereumReceipt, TxType};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Log, LogData, keccak256};
use alloy_rlp::Decodable;
use ledger_chainspec::{BlockHash, BlockNumber, FinalityCertificate, Header, SealedHeader, SetId, Transaction};
use parity_scale_codec::{Compact, Decode, Encode, Output};

/// Version of the layout that STORAGE.md describes. Another one is refused, never guessed at.
pub const FORMAT_VERSION: u32 = 8;

/// What stands in place of the version in a database that a state is being put into: no version of any program, so that each
/// refuses it.
pub(super) const FORMAT_UNFINISHED: u32 = 1 << 31 | FORMAT_VERSION;

/// `identity`: what the database is; the format comes first in every version, so that it can always be read.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct IdentityRecord {
    pub(super) format: u32,
    pub(super) chain_id: u64,
    pub(super) genesis: [u8; 32],
}

/// `head`: the newest block, the validator set after it, and the certificate that made it final.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct HeadRecord {
    pub(super) number: u64,
    pub(super) set: SetId,
    pub(super) certificate: Option<FinalityCertificate>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxLocation {
    /// Its block.
    pub block: BlockNumber,
    /// Its index in the block, from 0.
    pub index: u32,
}

#[derive(Encode, Decode)]
struct LocationRecord {
    #[codec(compact)]
    block: u64,
    #[codec(compact)]
    index: u32,
}

impl From<TxLocation> for LocationRecord {
    fn from(at: TxLocation) -> Self {
        Self {
            block: at.block.get(),
            index: at.index,
        }
    }
}

impl From<LocationRecord> for TxLocation {
    fn from(record: LocationRecord) -> Self {
        Self {
            block: BlockNumber::new(record.block),
            index: record.index,
        }
    }
}

impl TxLocation {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        LocationRecord::from(self).encode()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        decode_all::<LocationRecord>(bytes).map(Into::into)
    }
}

/// A receipt with what JSON-RPC wants beside it, so that one receipt can be answered without its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Type, status, cumulative gas and logs.
    pub receipt: EthereumReceipt,
    /// Gas that this transaction alone used.
    pub gas_used: u64,
    /// Index in the block of its first log.
    pub first_log_index: u32,
    /// The contract it created.
    pub contract: Option<Address>,
}

#[derive(Encode, Decode)]
struct ReceiptRecord<L> {
    tx_type: u8,
    success: bool,
    cumulative_gas_used: u64,
    gas_used: u64,
    first_log_index: u32,
    contract: Option<[u8; 20]>,
    logs: Vec<L>,
}

#[derive(Decode)]
struct LogRecord {
    address: [u8; 20],
    topics: Vec<[u8; 32]>,
    data: Vec<u8>,
}

/// Writes a log as a [`LogRecord`] reads it.
struct LogRef<'a>(&'a Log);

impl Encode for LogRef<'_> {
    fn size_hint(&self) -> usize {
        20 + 1 + 32 * self.0.topics().len() + 4 + self.0.data.data.len()
    }

    fn encode_to<O: Output + ?Sized>(&self, bytes: &mut O) {
        bytes.write(self.0.address.as_slice());
        let topics = self.0.topics();
        Compact(u32::try_from(topics.len()).expect("a log has at most four topics")).encode_to(bytes);
        for topic in topics {
            bytes.write(topic.as_slice());
        }
        self.0.data.data.encode_to(bytes);
    }
}

/// Bytes of a record of `transactions` beside its transaction and its logs, at most.
const INCLUDED_BYTES: usize = 20 + 5 + 2 + 8 + 8 + 4 + 21 + 5;

impl StoredReceipt {
    /// How much a record takes with this receipt, beside its transaction.
    fn bytes_about(&self) -> usize {
        let logs = self.receipt.logs.iter().map(|log| LogRef(log).size_hint());
        INCLUDED_BYTES + logs.sum::<usize>()
    }

    fn encode_to(&self, bytes: &mut Vec<u8>) {
        let logs = self.receipt.logs.iter().map(LogRef);
        ReceiptRecord {
            tx_type: self.receipt.tx_type.into(),
            success: self.receipt.success,
            cumulative_gas_used: self.receipt.cumulative_gas_used,
            gas_used: self.gas_used,
            first_log_index: self.first_log_index,
            contract: self.contract.map(Address::into_array),
            logs: logs.collect(),
        }
        .encode_to(bytes);
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let record: ReceiptRecord<LogRecord> = decode_all(bytes)?;
        let logs = record.logs.into_iter().map(|log| {
            let topics = log.topics.into_iter().map(B256::from).collect();
            let data = LogData::new(topics, Bytes::from(log.data)).ok_or("a log has more than four topics")?;
            Ok(Log {
                address: Address::from(log.address),
                data,
            })
        });
        Ok(Self {
            receipt: EthereumReceipt {
                tx_type: TxType::try_from(record.tx_type).map_err(|error| error.to_string())?,
                success: record.success,
                cumulative_gas_used: record.cumulative_gas_used,
                logs: logs.collect::<Result<_, String>>()?,
            },
            gas_used: record.gas_used,
            first_log_index: record.first_log_index,
            contract: record.contract.map(Address::from),
        })
    }
}

/// What became of a promo code: the transactions that issued and ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// Where the transaction is that issued it, whose hash is the promo code that people handle.
    pub issued: TxLocation,
    /// How and by which transaction it ended.
    pub end: Option<CodeEnd>,
}

/// The end of a promo code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeEnd {
    /// What ended it.
    pub kind: CodeEndKind,
    /// Where the transaction is that ended it.
    pub at: TxLocation,
}

/// What ended a promo code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CodeEndKind {
    /// A cloud confirmed its use.
    #[codec(index = 1)]
    Redeemed,
    /// Its holder gave it back.
    #[codec(index = 2)]
    Cancelled,
    /// Its time ran out and its slot was swept.
    #[codec(index = 3)]
    Expired,
}

/// The end of a promo code.
#[derive(Encode, Decode)]
pub(super) struct CodeEndRecord(CodeEndKind, LocationRecord);

impl From<CodeEnd> for CodeEndRecord {
    fn from(end: CodeEnd) -> Self {
        Self(end.kind, end.at.into())
    }
}

impl From<CodeEndRecord> for CodeEnd {
    fn from(CodeEndRecord(kind, at): CodeEndRecord) -> Self {
        Self { kind, at: at.into() }
    }
}

#[derive(Encode, Decode)]
struct CodeRecordBytes {
    issued: LocationRecord,
    end: Option<CodeEndRecord>,
}

impl CodeRecord {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        CodeRecordBytes {
            issued: self.issued.into(),
            end: self.end.map(Into::into),
        }
        .encode()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let record: CodeRecordBytes = decode_all(bytes)?;
        Ok(Self {
            issued: record.issued.into(),
            end: record.end.map(Into::into),
        })
    }
}

/// A transaction of a block, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludedTransaction {
    /// The transaction with its sender.
    pub transaction: Recovered<Transaction>,
    /// Its receipt.
    pub receipt: StoredReceipt,
}

/// `transactions`: the sender, recovered once, then the transaction behind its length, then the receipt.
pub(super) fn included_to_bytes(transaction: &Recovered<Transaction>, receipt: &StoredReceipt) -> Vec<u8> {
    let length = transaction.encode_2718_len();
    let mut bytes = Vec::with_capacity(length + receipt.bytes_about());
    bytes.extend_from_slice(transaction.signer().as_slice());
    let length = u32::try_from(length).expect("gas bounds a transaction's size below 2^32");
    Compact(length).encode_to(&mut bytes);
    transaction.inner().encode_2718(&mut bytes);
    receipt.encode_to(&mut bytes);
    bytes
}

/// The parts of a record of `transactions`, none of them decoded yet.
struct IncludedParts<'a> {
    sender: &'a [u8],
    transaction: &'a [u8],
    receipt: &'a [u8],
}

/// The hash of a transaction, from its record.
pub(super) fn included_hash(bytes: &[u8]) -> Result<B256, String> {
    Ok(keccak256(IncludedParts::of(bytes)?.transaction))
}

impl<'a> IncludedParts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let (sender, mut rest) = bytes.split_at_checked(20).ok_or("shorter than a sender")?;
        let Compact(length) = Compact::<u32>::decode(&mut rest).map_err(|error| error.to_string())?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (transaction, receipt) = rest.split_at_checked(length).ok_or("shorter than its transaction")?;
        Ok(Self {
            sender,
            transaction,
            receipt,
        })
    }

    fn transaction(&self) -> Result<Recovered<Transaction>, String> {
        let mut rest = self.transaction;
        let transaction = Transaction::decode_2718(&mut rest).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err(format!("{} bytes too many in the transaction", rest.len()));
        }
        Ok(Recovered::new_unchecked(transaction, Address::from_slice(self.sender)))
    }
}

/// A record of `transactions`, decoded where it is looked at.
#[derive(Debug)]
pub(crate) struct StoredTransaction(pub(super) Vec<u8>);

impl StoredTransaction {
    /// Bytes of the record.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The transaction.
    pub(crate) fn transaction(&self) -> Result<Transaction, String> {
        Ok(IncludedParts::of(&self.0)?.transaction()?.into_inner())
    }

    /// The receipt.
    pub(crate) fn receipt(&self) -> Result<StoredReceipt, String> {
        receipt_from_bytes(&self.0)
    }

    /// The transaction's hash.
    pub(crate) fn hash(&self) -> Result<B256, String> {
        Ok(keccak256(IncludedParts::of(&self.0)?.transaction))
    }
}

pub(crate) fn included_from_bytes(bytes: &[u8]) -> Result<IncludedTransaction, String> {
    let parts = IncludedParts::of(bytes)?;
    Ok(IncludedTransaction {
        transaction: parts.transaction()?,
        receipt: StoredReceipt::from_bytes(parts.receipt)?,
    })
}

pub(super) fn transaction_from_bytes(bytes: &[u8]) -> Result<Recovered<Transaction>, String> {
    IncludedParts::of(bytes)?.transaction()
}

pub(super) fn receipt_from_bytes(bytes: &[u8]) -> Result<StoredReceipt, String> {
    StoredReceipt::from_bytes(IncludedParts::of(bytes)?.receipt)
}

/// `headers`: the hash, computed once, then the header.
pub(super) fn header_from_bytes(bytes: &[u8]) -> Result<SealedHeader, &'static str> {
    let (hash, mut rlp) = bytes.split_at_checked(32).ok_or("shorter than a hash")?;
    let header = Header::decode(&mut rlp).map_err(|_| "not an RLP header")?;
    if !rlp.is_empty() {
        return Err("bytes after the header");
    }
    Ok(SealedHeader {
        header,
        hash: BlockHash::new(B256::from_slice(hash)),
    })
}

/// Decodes a SCALE record that fills `bytes` to the end.
pub(super) fn decode_all<T: Decode>(mut bytes: &[u8]) -> Result<T, String> {
    let value = T::decode(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.is_empty() {
        Ok(value)
    } else {
        Err(format!("{} bytes too many", bytes.len()))
    }
}
