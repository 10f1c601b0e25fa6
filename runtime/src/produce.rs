//! Which of these transactions make the next block?
//!
//! Called by the node's driver when consensus asks for a block. It takes candidates in the order they come, skips what
//! cannot stand there, and gives the block unsealed: it holds no key, and nothing is written until the block is final.

use alloy_consensus::transaction::Recovered;
use alloy_primitives::B256;
use ledger_chainspec::{ChainSpec, FinalityCertificate, Slot, Transaction};
use thiserror::Error;

use crate::{
    Head, PlaceError,
    block::{BlockBuilder, BlockError, DigestParts, Executed},
    executor::{Executor, TransactionFault},
    header,
    state::StateView,
};

/// Candidates that one production looks at, for each transaction that a block may hold; bounds the time that
/// candidates which do not apply can cost, and the list of those skipped.
pub const CANDIDATES_PER_TRANSACTION_MAX: usize = 4;

/// What a block is made of.
pub struct ProduceInputs<'a> {
    /// The slot to produce in; later than the head's.
    pub slot: Slot,
    /// What made the head final; none if the head is genesis.
    pub parent_certificate: Option<FinalityCertificate>,
    /// Gas after whose use no further transaction is begun; the first one is in any case.
    pub gas_target: u64,
    /// Transactions in the order to try them, with recovered senders. An iterator that ends when time is short is how
    /// the caller bounds the time.
    pub candidates: &'a mut dyn Iterator<Item = Recovered<Transaction>>,
}

/// A produced block and what was left out of it.
#[derive(Clone, Debug)]
pub struct Produced {
    /// The block, unsealed.
    pub executed: Executed,
    /// Candidates that could not stand where they came, in order.
    pub skipped: Vec<Skipped>,
}

/// A candidate that is not in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its hash.
    pub transaction: B256,
    /// Why.
    pub fault: TransactionFault,
}

/// Why no block was produced.
#[derive(Debug, Error)]
pub enum ProduceError {
    /// The slot or the certificate does not follow the head.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Execution failed.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// Produces the block of a slot on `head`, whose state is `parent`.
pub(crate) fn produce(
    executor: &Executor,
    spec: &ChainSpec,
    head: &Head,
    parent: StateView,
    inputs: ProduceInputs<'_>,
) -> Result<Produced, ProduceError> {
    head.check_next(inputs.slot, inputs.parent_certificate.as_ref())?;
    let draft = header::draft(spec, head, inputs.slot);
    let mut builder = BlockBuilder::begin(executor, spec, head, parent, draft)?;
    let mut skipped = Vec::new();
    let transactions = usize::try_from(spec.limits.transactions_per_slot).unwrap_or(usize::MAX);
    let mut tries = transactions.saturating_mul(CANDIDATES_PER_TRANSACTION_MAX);
    while tries > 0 && !builder.is_full() && (builder.is_empty() || builder.gas_used() < inputs.gas_target) {
        let Some(candidate) = inputs.candidates.next() else {
            break;
        };
        let transaction = *candidate.tx_hash();
        if let Err(fault) = builder.push(candidate)? {
            skipped.push(Skipped { transaction, fault });
        }
        tries -= 1;
    }
    let parts = DigestParts {
        slot: inputs.slot,
        parent_certificate: inputs.parent_certificate,
        seal: None,
    };
    Ok(Produced {
        executed: builder.finish(head, parts, None)?,
        skipped,
    })
}
