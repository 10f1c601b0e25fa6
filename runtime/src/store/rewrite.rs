//! Are these bytes a record, and is there a second way to write it?
//!
//! For whoever has the bytes of a database and no chain: tools that look for damage, and the fuzz target of records. Never opens
//! a database.

use ledger_chainspec::{SealedHeader, ValidatorSet};
use parity_scale_codec::{Decode, Encode};

use crate::state::{Record, joined};

use super::records::{
    CodeRecord, HeadRecord, IdentityRecord, IncludedTransaction, TxLocation, decode_all, header_from_bytes,
    included_from_bytes, included_to_bytes,
};
use super::{Column, FlatRecord};

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// Hash and header of a block.
    Header,
    /// Sender, transaction and receipt.
    Transaction,
    /// Where a transaction is.
    Location,
    /// Issue and end of a promo code.
    Code,
    /// What the database is.
    Identity,
    /// The newest block.
    Head,
    /// A validator set.
    ValidatorSet,
    /// A branch of a state trie, or its root.
    Branch,
    /// Some children of a branch.
    Patch,
    /// An account, with the block that wrote it.
    Account,
    /// A slot, with the block that wrote it.
    Slot,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Header,
        Self::Transaction,
        Self::Location,
        Self::Code,
        Self::Identity,
        Self::Head,
        Self::ValidatorSet,
        Self::Branch,
        Self::Patch,
        Self::Account,
        Self::Slot,
    ];

    /// Reads a record and writes it again.
    ///
    /// # Errors
    /// Why the bytes are no such record.
    pub fn rewrite(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Header => Ok(header_to_bytes(&header_from_bytes(bytes)?)),
            Self::Transaction => {
                let IncludedTransaction { transaction, receipt } = included_from_bytes(bytes)?;
                Ok(included_to_bytes(&transaction, &receipt))
            }
            Self::Location => Ok(TxLocation::from_bytes(bytes)?.to_bytes()),
            Self::Code => Ok(CodeRecord::from_bytes(bytes)?.to_bytes()),
            Self::Identity => again::<IdentityRecord>(bytes),
            Self::Head => again::<HeadRecord>(bytes),
            Self::ValidatorSet => again::<ValidatorSet>(bytes),
            Self::Branch => Ok(Record::from_bytes(bytes)?.to_bytes()),
            Self::Patch => Ok(joined(std::iter::once(bytes))?),
            Self::Account => flat(Column::Accounts, bytes),
            Self::Slot => flat(Column::Storage, bytes),
        }
    }
}

fn flat(column: Column, bytes: &[u8]) -> Result<Vec<u8>, String> {
    Ok(FlatRecord::from_bytes(column, bytes)?.to_bytes(column))
}

fn again<T: Decode + Encode>(bytes: &[u8]) -> Result<Vec<u8>, String> {
    Ok(decode_all::<T>(bytes)?.encode())
}

fn header_to_bytes(sealed: &SealedHeader) -> Vec<u8> {
    let mut bytes = sealed.hash.as_ref().to_vec();
    alloy_rlp::Encodable::encode(&sealed.header, &mut bytes);
    bytes
}
