//! What must a block's header say?
//!
//! [`draft`] gives the fields that follow from the block's place in the chain, [`complete`] adds those that follow from
//! executing it. Production calls both and has its header; import calls both and compares ([`compare`]), so that every
//! field is checked by the code that makes it. Who may seal, and whether seal and certificate are genuine, is
//! consensus' affair.

use std::fmt::{self, Debug, Display};

use alloy_consensus::{Header, constants::EMPTY_WITHDRAWALS, proofs::calculate_transaction_root};
use alloy_eips::{eip2718::Encodable2718, eip7685::Requests};
use alloy_primitives::{B256, Bloom};
use ledger_chainspec::{AuthorityDigest, Block, ChainSpec, Slot, with_digest};
use thiserror::Error;

use crate::executor::ChainRules;

/// The timestamp of a block of `slot`: the slot's start in whole seconds since 1970.
#[must_use]
pub fn slot_timestamp(spec: &ChainSpec, slot: Slot) -> u64 {
    let millis = u128::from(slot.get()) * u128::from(spec.consensus.slot_duration_ms);
    u64::try_from(millis / 1_000).unwrap_or(u64::MAX)
}

/// The fields that are known before a block is executed. Roots, bloom, gas used and extra data are empty.
pub(crate) fn draft(spec: &ChainSpec, parent: &crate::Head, slot: Slot) -> Header {
    Header {
        parent_hash: parent.header.hash.get(),
        number: parent.header.header.number.saturating_add(1),
        beneficiary: parent.set.authority(slot).account,
        timestamp: slot_timestamp(spec, slot),
        ..common(spec)
    }
}

/// What is the same in every header of a chain, genesis included.
pub(crate) fn common(spec: &ChainSpec) -> Header {
    Header {
        gas_limit: spec.limits.gas_limit,
        base_fee_per_gas: Some(0),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: ChainRules::of(spec)
            .has_requests()
            .then(|| Requests::default().requests_hash()),
        ..Header::default()
    }
}

/// What executing a block adds to its header.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    pub(crate) state_root: B256,
    pub(crate) transactions_root: B256,
    pub(crate) receipts_root: B256,
    pub(crate) logs_bloom: Bloom,
    pub(crate) gas_used: u64,
    pub(crate) requests: Requests,
}

/// The whole header: `draft` with the effects and the digest.
pub(crate) fn complete(draft: Header, effects: Effects, digest: &AuthorityDigest) -> Header {
    let requests_hash = draft.requests_hash.map(|_| effects.requests.requests_hash());
    let header = Header {
        state_root: effects.state_root,
        transactions_root: effects.transactions_root,
        receipts_root: effects.receipts_root,
        logs_bloom: effects.logs_bloom,
        gas_used: effects.gas_used,
        requests_hash,
        ..draft
    };
    with_digest(header, digest)
}

/// `draft` with the transactions' root, and with `block`'s own word for what only execution can tell.
pub(crate) fn as_if_executed(draft: Header, block: &Block) -> Header {
    let given = &block.header;
    Header {
        state_root: given.state_root,
        transactions_root: transactions_root(&block.transactions),
        receipts_root: given.receipts_root,
        logs_bloom: given.logs_bloom,
        gas_used: given.gas_used,
        extra_data: given.extra_data.clone(),
        requests_hash: draft.requests_hash.and(given.requests_hash),
        ..draft
    }
}

/// Root of the trie of a block's transactions.
pub(crate) fn transactions_root<T: Encodable2718>(transactions: &[T]) -> B256 {
    calculate_transaction_root(transactions)
}

/// A header field that is not what the block's place or its execution makes it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("header field {field} is {got}, but must be {expected}")]
pub struct HeaderMismatch {
    /// Which field.
    pub field: HeaderField,
    /// What the header says.
    pub got: String,
    /// What it must say.
    pub expected: String,
}

macro_rules! header_fields {
    ($($variant:ident $field:ident $doc:literal,)*) => {
        /// The fields of a header, in their order in it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum HeaderField {
            $(#[doc = $doc] $variant,)*
        }

        impl HeaderField {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
        }

        impl Display for HeaderField {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => stringify!($field),)* })
            }
        }

        /// Compares two headers field by field.
        ///
        /// # Errors
        /// The first field that differs, with both sides.
        pub(crate) fn compare(got: &Header, expected: &Header) -> Result<(), HeaderMismatch> {
            $(differ(HeaderField::$variant, &got.$field, &expected.$field)?;)*
            Ok(())
        }
    };
}

header_fields! {
    ParentHash parent_hash "Hash of the parent.",
    OmmersHash ommers_hash "There are no ommers.",
    Beneficiary beneficiary "The account of the slot's authority.",
    StateRoot state_root "Root of the state after the block.",
    TransactionsRoot transactions_root "Root of the transactions.",
    ReceiptsRoot receipts_root "Root of the receipts.",
    LogsBloom logs_bloom "Bloom filter of the logs.",
    Difficulty difficulty "0.",
    Number number "The parent's number and one.",
    GasLimit gas_limit "The specification's.",
    GasUsed gas_used "Gas of all transactions.",
    Timestamp timestamp "The slot's start in seconds.",
    ExtraData extra_data "The authority digest.",
    MixHash mix_hash "0: nobody draws lots here.",
    Nonce nonce "0.",
    BaseFee base_fee_per_gas "0.",
    WithdrawalsRoot withdrawals_root "Root of no withdrawals.",
    BlobGasUsed blob_gas_used "0: there are no blobs.",
    ExcessBlobGas excess_blob_gas "0: there are no blobs.",
    ParentBeaconRoot parent_beacon_block_root "0: there is no beacon chain.",
    RequestsHash requests_hash "Hash of the requests of EIP-7685, from prague on.",
    BlockAccessListHash block_access_list_hash "Absent: of a later fork.",
    SlotNumber slot_number "Absent: the slot is in the digest.",
}

fn differ<T: PartialEq + Debug>(field: HeaderField, got: &T, expected: &T) -> Result<(), HeaderMismatch> {
    if got == expected {
        return Ok(());
    }
    Err(HeaderMismatch {
        field,
        got: format!("{got:?}"),
        expected: format!("{expected:?}"),
    })
}
