//! Which of these transactions make the next block?
//!
//! Called by the node's driver when consensus asks for a block, or is about to. It takes candidates in the order they come, skips what
//! cannot stand there, and gives the block unsealed: it holds no key, and nothing is written until the block is final.

use alloy_consensus::transaction::Recovered;
use alloy_primitives::B256;
use ledger_chainspec::{ChainSpec, FinalityCertificate, RecoveryOrder, Slot, Transaction};
use thiserror::Error;

use crate::{
    Head, PlaceError,
    block::{BlockBuilder, BlockError, DigestParts, Executed},
    executor::{Executor, TransactionFault},
    header,
    recovery::{Recovering, RecoveryError},
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
    /// Whether a transaction may order a recovery to the checkpoint with this index (R16).
    pub may_recover: &'a dyn Fn(u64) -> bool,
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
    /// Whether candidates were left out for want of room, or would have been: it holds as much as it was to hold.
    pub is_full: bool,
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
    /// The head ordered a recovery, so that nothing but the recovery block follows (R16).
    #[error("recovery {}, to checkpoint {}, was ordered: the next block has to be the recovery block", .0.epoch, .0.checkpoint)]
    RecoveryDue(RecoveryOrder),
    /// The recovery block cannot be made here.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// Execution failed.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// Produces the recovery block of a slot on `head`, whose state is `parent`.
pub(crate) fn produce_recovery(
    executor: &Executor,
    spec: &ChainSpec,
    (head, parent): (&Head, StateView),
    (slot, parent_certificate): (Slot, Option<FinalityCertificate>),
    recovering: Recovering,
) -> Result<Executed, ProduceError> {
    head.check_next(slot, parent_certificate.as_ref())?;
    let builder = BlockBuilder::begin(executor, spec, head, parent, header::draft(spec, head, slot))?;
    let parts = DigestParts {
        slot,
        parent_certificate,
        seal: None,
        recovering: Some(recovering),
    };
    Ok(builder.finish(head, parts, None)?)
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
    if let Some(order) = head.recovery {
        return Err(ProduceError::RecoveryDue(order));
    }
    let draft = header::draft(spec, head, inputs.slot);
    let mut builder = BlockBuilder::begin(executor, spec, head, parent, draft)?;
    let mut skipped = Vec::new();
    let transactions = usize::try_from(spec.limits.transactions_per_slot).unwrap_or(usize::MAX);
    let mut tries = transactions.saturating_mul(CANDIDATES_PER_TRANSACTION_MAX);
    let holds_enough =
        |builder: &BlockBuilder| builder.is_full() || (!builder.is_empty() && builder.gas_used() >= inputs.gas_target);
    while tries > 0 && !holds_enough(&builder) {
        let Some(candidate) = inputs.candidates.next() else {
            break;
        };
        let transaction = *candidate.tx_hash();
        if let Err(fault) = builder.push(candidate, inputs.may_recover)? {
            skipped.push(Skipped { transaction, fault });
        }
        tries -= 1;
    }
    let found_no_room = |one: &Skipped| matches!(&one.fault, TransactionFault::Limit(limit) if limit.is_for_room());
    let is_full = holds_enough(&builder) || skipped.iter().any(found_no_room);
    let parts = DigestParts {
        slot: inputs.slot,
        parent_certificate: inputs.parent_certificate,
        seal: None,
        recovering: None,
    };
    Ok(Produced {
        executed: builder.finish(head, parts, None)?,
        skipped,
        is_full,
    })
}
