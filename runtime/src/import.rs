//! Does this block do what its header says?
//!
//! Called by the node's driver for blocks of others. The block is executed again, on the head, by the code that
//! produces blocks; then header and result must agree in every field. Nothing is written. Seal, certificate signatures
//! and whose turn it was are consensus' affair.

use alloy_consensus::transaction::Recovered;
use alloy_primitives::B256;
use ledger_chainspec::{
    AuthorityDigest, Block, BlockNumber, ChainSpec, DigestError, RecoveryPoint, ValidatorSetHash, digest_of,
};
use thiserror::Error;

use crate::{
    Head, PlaceError,
    block::{BlockBuilder, BlockError, DigestParts, Executed},
    executor::{Executor, TransactionFault},
    header::{self, HeaderMismatch},
    recovery::{Recovering, RecoveryError},
    senders::{BadSignature, IncomingBlock},
    state::StateView,
};

/// Why a block is not taken.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The header's extra data is not an authority digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The slot or the certificate does not follow the head.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The digest commits to another set for the next block than Bootstrap holds after this one (R10).
    #[error("the digest names the next validator set {got}, but after the block it is {expected}")]
    NextSet {
        /// Hash in the digest.
        got: ValidatorSetHash,
        /// Hash of Bootstrap's set.
        expected: ValidatorSetHash,
    },
    /// A header field is not what it must be.
    #[error(transparent)]
    Header(#[from] HeaderMismatch),
    /// A transaction cannot stand where it stands.
    #[error("transaction {index} ({transaction}): {fault}")]
    Transaction {
        /// Its index in the block.
        index: usize,
        /// Its hash.
        transaction: B256,
        /// Why.
        fault: TransactionFault,
    },
    /// It is no recovery block where one has to come, one where none has to, or a wrong one (R16); or this node lacks what it takes.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// Execution failed; this says nothing about the block.
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl ImportError {
    /// Whether the block is at fault, rather than this node.
    #[must_use]
    pub const fn blames_block(&self) -> bool {
        match self {
            Self::Digest(_) | Self::Place(_) | Self::NextSet { .. } | Self::Header(_) | Self::Transaction { .. } => {
                true
            }
            Self::Recovery(error) => error.blames_block(),
            Self::Block(_) => false,
        }
    }
}

/// Gives what the recovery to a block takes.
pub(crate) type Recover<'a> = &'a dyn Fn(BlockNumber) -> Result<Recovering, RecoveryError>;

/// What `block` takes if it is the recovery block that `head` ordered; none if nothing was ordered.
fn recovering(
    head: &Head,
    block: &Block,
    point: Option<RecoveryPoint>,
    recover: Recover<'_>,
) -> Result<Option<Recovering>, RecoveryError> {
    let (got, ordered) = (point.map(|point| point.order), head.recovery);
    if got != ordered {
        return Err(RecoveryError::Order { got, ordered });
    }
    let Some(point) = point else { return Ok(None) };
    if !block.transactions.is_empty() {
        let got = block.transactions.len();
        return Err(RecoveryError::Transactions { got });
    }
    let recovering = recover(point.height)?;
    let expected = recovering.point.state_root;
    if point.state_root != expected {
        let RecoveryPoint {
            height,
            state_root: got,
            ..
        } = point;
        return Err(RecoveryError::StateRoot { height, got, expected });
    }
    Ok(Some(recovering))
}

/// Executes `block` on `head`, whose state is `parent`, and compares.
pub(crate) fn import(
    executor: &Executor,
    spec: &ChainSpec,
    head: &Head,
    (parent, recover): (StateView, Recover<'_>),
    incoming: IncomingBlock,
) -> Result<Executed, ImportError> {
    let block = &incoming.block;
    let digest = digest_of(&block.header)?;
    head.check_next(digest.slot, digest.parent_certificate.as_ref())?;
    let recovering = recovering(head, block, digest.recovery, recover)?;
    let draft = header::draft(spec, head, digest.slot);
    // What is known without executing comes first: a block that is wrong there costs nothing.
    header::compare(&block.header, &header::as_if_executed(draft.clone(), block))?;

    let mut builder = BlockBuilder::begin(executor, spec, head, parent, draft)?;
    let (Block { header, transactions }, senders) = incoming.into_parts();
    for (index, transaction) in transactions.into_iter().enumerate() {
        let hash = *transaction.tx_hash();
        let applied = match senders.sender(index) {
            Ok(sender) => builder.push(Recovered::new_unchecked(transaction, sender), &|_| true)?,
            Err(BadSignature) => Err(TransactionFault::Signature),
        };
        applied.map_err(|fault| ImportError::Transaction {
            index,
            transaction: hash,
            fault,
        })?;
    }
    let AuthorityDigest {
        slot,
        next_set_hash,
        parent_certificate,
        seal,
        recovery: _,
    } = digest;
    let executed = builder.finish(
        head,
        DigestParts {
            slot,
            parent_certificate,
            seal,
            recovering,
        },
        Some(header.transactions_root),
    )?;
    let expected = executed.digest().next_set_hash;
    if next_set_hash != expected {
        return Err(ImportError::NextSet {
            got: next_set_hash,
            expected,
        });
    }
    header::compare(&header, executed.header())?;
    Ok(executed)
}
