//! How is a block put together from transactions?
//!
//! The part that production and import share: one [`BlockBuilder`] checks each transaction against the limits, executes
//! it, and closes the block into an [`Executed`]. What differs is what happens on a refusal: production skips the
//! transaction, import refuses the block.

use alloy_consensus::{Header, Transaction as _, transaction::Recovered};
use alloy_primitives::{B256, Log};
use ledger_chainspec::{
    AuthorityDigest, Block, BlockHash, BlockNumber, ChainSpec, FinalityCertificate, RecoveryOrder, SealedHeader,
    Signature64, Slot, Transaction, ValidatorSet, block_hash, seal_hash, with_digest,
};
use thiserror::Error;

use crate::{
    Head,
    bootstrap::{self, BootstrapError, Lanes},
    executor::{BlockExecution, ExecutionError, Executor, TransactionFault},
    header::{self, Effects},
    limits::LimitMeter,
    receipts,
    recovery::Recovering,
    state::{StateCommitment, StateError, StateView},
    store::{BlockCommit, CodeChange, StoredReceipt},
};

/// Why a block could not be executed, whatever its transactions are: the database failed or an invariant is broken.
#[derive(Debug, Error)]
pub enum BlockError {
    /// The EVM stopped.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// Bootstrap did not answer as it must.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A block that was executed on the head and not committed. Dropping it undoes it.
#[derive(Clone, Debug)]
pub struct Executed {
    header: Header,
    digest: AuthorityDigest,
    transactions: Vec<Recovered<Transaction>>,
    receipts: Vec<StoredReceipt>,
    state: StateCommitment,
    codes: Vec<CodeChange>,
    next_set: Option<ValidatorSet>,
    orders: Option<RecoveryOrder>,
}

impl Executed {
    /// The header, with the seal if there is one.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The authority digest that the header carries.
    #[must_use]
    pub const fn digest(&self) -> &AuthorityDigest {
        &self.digest
    }

    /// The block's number.
    #[must_use]
    pub const fn number(&self) -> BlockNumber {
        BlockNumber::new(self.header.number)
    }

    /// The hash that the authority's seal signs: of the header without seal.
    #[must_use]
    pub fn seal_hash(&self) -> BlockHash {
        seal_hash(&self.header, &self.digest)
    }

    /// The block's hash. It changes with the seal.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        block_hash(&self.header)
    }

    /// The same block with the authority's seal in its header.
    #[must_use]
    pub fn sealed(mut self, seal: Signature64) -> Self {
        self.digest.seal = Some(seal);
        self.header = with_digest(self.header, &self.digest);
        self
    }

    /// The block, as it goes to the peers.
    #[must_use]
    pub fn block(&self) -> Block {
        let transactions = self
            .transactions
            .iter()
            .map(|transaction| transaction.inner().clone())
            .collect();
        Block {
            header: self.header.clone(),
            transactions,
        }
    }

    /// The transactions with their senders, in order.
    #[must_use]
    pub fn transactions(&self) -> &[Recovered<Transaction>] {
        &self.transactions
    }

    /// One receipt for each transaction.
    #[must_use]
    pub fn receipts(&self) -> &[StoredReceipt] {
        &self.receipts
    }

    /// The validator set from the next block on, if this block changed it (R10).
    #[must_use]
    pub const fn next_set(&self) -> Option<&ValidatorSet> {
        self.next_set.as_ref()
    }

    /// The recovery that it orders, if it does: then the next block is the recovery block (R16).
    #[must_use]
    pub const fn orders(&self) -> Option<RecoveryOrder> {
        self.orders
    }

    /// What the store writes once the block is final.
    pub(crate) fn into_commit(self, certificate: FinalityCertificate) -> BlockCommit {
        BlockCommit {
            header: SealedHeader::new(self.header),
            transactions: self.transactions,
            receipts: self.receipts,
            certificate: Some(certificate),
            state: self.state,
            codes: self.codes,
            next_set: self.next_set,
        }
    }
}

/// A block under way on the head.
pub(crate) struct BlockBuilder {
    execution: BlockExecution,
    meter: LimitMeter,
    lanes: Lanes,
    parent: StateView,
    draft: Header,
    transactions: Vec<Recovered<Transaction>>,
}

/// What the digest says beside what execution gives it.
#[derive(Clone, Debug)]
pub(crate) struct DigestParts {
    pub(crate) slot: Slot,
    pub(crate) parent_certificate: Option<FinalityCertificate>,
    pub(crate) seal: Option<Signature64>,
    /// In a recovery block, which has no transactions.
    pub(crate) recovering: Option<Recovering>,
}

impl BlockBuilder {
    /// Begins a block with the fields of `draft` on the head, whose state is `parent`.
    pub(crate) fn begin(
        executor: &Executor,
        spec: &ChainSpec,
        head: &Head,
        parent: StateView,
        draft: Header,
    ) -> Result<Self, BlockError> {
        Ok(Self {
            execution: executor.begin(parent.clone(), &draft)?,
            meter: LimitMeter::new(spec.limits.clone()),
            lanes: Lanes::new(executor.reader(parent.clone(), &head.header.header)),
            parent,
            draft,
            transactions: Vec::new(),
        })
    }

    /// Appends a transaction, or says why it cannot stand here; then the block is as it was. It may order a recovery to a checkpoint
    /// that `may_recover` says yes to.
    pub(crate) fn push(
        &mut self,
        transaction: Recovered<Transaction>,
        may_recover: &dyn Fn(u64) -> bool,
    ) -> Result<Result<(), TransactionFault>, BlockError> {
        let sender = transaction.signer();
        let gas_limit = transaction.gas_limit();
        let lane = match self.meter.check(sender, gas_limit, |sender| self.lanes.of(sender))? {
            Ok(lane) => lane,
            Err(limit) => return Ok(Err(limit.into())),
        };
        let judge = |logs: &[Log]| match receipts::ordered(logs) {
            Some(RecoveryOrder { checkpoint, .. }) if !may_recover(checkpoint) => {
                Err(TransactionFault::Recovery { checkpoint })
            }
            _ => Ok(()),
        };
        match self.execution.apply_if(&transaction, judge)? {
            Ok(gas_used) => self.meter.record(sender, lane, gas_used),
            Err(fault) => return Ok(Err(fault)),
        }
        self.transactions.push(transaction);
        Ok(Ok(()))
    }

    /// Whether it has no transaction yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Gas that its transactions have used so far.
    pub(crate) const fn gas_used(&self) -> u64 {
        self.meter.gas_used()
    }

    /// Whether no transaction of anybody fits any more.
    pub(crate) fn is_full(&self) -> bool {
        self.meter.is_full()
    }

    /// Closes the block: system calls, roots, header. The transactions' root is computed unless it is known.
    pub(crate) fn finish(
        self,
        head: &Head,
        parts: DigestParts,
        transactions_root: Option<B256>,
    ) -> Result<Executed, BlockError> {
        let mut done = self.execution.finish()?;
        let next_set = match receipts::set_changed(&done.receipts) {
            true => Some(bootstrap::validator_set(&mut done.reader)?),
            false => None,
        };
        let diff = done.reader.into_diff();
        let (state, (transactions_root, (receipts_root, logs_bloom))) = rayon::join(
            || match &parts.recovering {
                None => StateCommitment::compute(&self.parent, &diff),
                Some(recovering) => recovering.commit(&self.parent, &diff),
            },
            || {
                rayon::join(
                    || transactions_root.unwrap_or_else(|| header::transactions_root(&self.transactions)),
                    || receipts::root_and_bloom(&done.receipts),
                )
            },
        );
        let state = state?;
        let effects = Effects {
            state_root: state.root(),
            transactions_root,
            receipts_root,
            logs_bloom,
            gas_used: done.gas_used,
            requests: done.requests,
        };
        let digest = AuthorityDigest {
            recovery: parts.recovering.as_ref().map(|recovering| recovering.point),
            slot: parts.slot,
            next_set_hash: next_set.as_ref().unwrap_or(&head.set).hash(),
            parent_certificate: parts.parent_certificate,
            seal: parts.seal,
        };
        Ok(Executed {
            header: header::complete(self.draft, effects, &digest),
            digest,
            codes: receipts::code_changes(&done.receipts),
            orders: receipts::ordered(done.receipts.iter().flat_map(|receipt| &receipt.logs)),
            receipts: receipts::stored(&self.transactions, done.receipts),
            transactions: self.transactions,
            state,
            next_set,
        })
    }
}
