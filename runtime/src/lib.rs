//! Which block comes of these transactions, and what is the state after it?
//!
//! The execution half of a node: an Ethereum virtual machine (revm, through alloy-evm) over a state kept in RocksDB as
//! flat tables beside an Ethereum Merkle Patricia trie. [`Runtime`] is the way in: the driver produces, imports and
//! commits blocks through it; the JSON-RPC server calls and reads. Every block is final before it is committed, so there
//! are no forks here. The runtime knows no consensus: it neither checks seals nor certificates nor whose turn it is, it
//! holds no key, and it has no clock.
//!
//! The reader's path: [`produce`](Runtime::produce) and [`import`](Runtime::import) are mirror images over one block
//! builder (`block`), which asks `limits` (rules R13, R14), runs the `executor` and lets [`state`] compute the roots;
//! [`store`] writes the block in one batch (STORAGE.md). `genesis` makes block 0 from a specification. [`scenario`] runs one
//! transaction on any state, for Ethereum's public tests.

mod block;
mod bootstrap;
mod deploy;
mod executor;
mod genesis;
mod head;
mod header;
mod import;
mod inclusion;
mod limits;
mod logs;
mod precompiles;
mod produce;
mod read;
mod receipts;
mod recovery;
pub mod scenario;
mod senders;
mod serve;
pub mod state;
pub mod store;
mod traces;
pub mod transfer;
mod validity;
pub mod verify;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::Address;
use ledger_chainspec::{BlockHash, ChainSpec, FinalityCertificate, GenesisHash};
use parking_lot::RwLock;
use thiserror::Error;

pub use block::{BlockError, Executed};
pub use bootstrap::BootstrapError;
pub use executor::{
    BrokenRule, ChainRules, ExecutionError, ForkRules, Refusal, TransactionFault,
    call::{AccessListResult, CallError, CallOutcome, CallOverrides, CallResult, GAS_CAP_CALL},
    recorder::TRACE_BYTES_MAX,
    short::SHORT_CALL_GAS,
    simulate::{SIMULATED_BLOCKS_MAX, SIMULATED_BYTES_MAX, SimulatedBlock, SimulatedCall, SimulationError},
    trace::TraceError,
};
pub use genesis::GenesisError;
pub use head::{Head, PlaceError};
pub use header::{HeaderField, HeaderMismatch, slot_timestamp};
pub use import::ImportError;
pub use inclusion::InclusionProof;
pub use limits::{Lane, LimitError, TRANSACTION_GAS_MAX, gas_limit_max};
pub use logs::{LOG_BLOCKS_MAX, LOG_BYTES_MAX, LOG_BYTES_READ_MAX, LOGS_MAX, LogsError, ReadLimits};
pub use precompiles::{ED25519_BASE_GAS, ED25519_WORD_GAS, ed25519_answer, ed25519_gas};
pub use produce::{CANDIDATES_PER_TRANSACTION_MAX, ProduceError, ProduceInputs, Produced, Skipped};
pub use read::{BlockRef, FoundTransaction, ReadError, StoredBlock};
pub use recovery::{ACCOUNTS_KEPT, RecoveryError};
pub use senders::IncomingBlock;
pub use serve::CertifiedBlocks;
pub use validity::{INIT_CODE_BYTES_MAX, TransactionFlaw, check_transaction, intrinsic_gas};

use bootstrap::Lanes;
use executor::Executor;
use genesis::Genesis;
use state::{StateError, StateView};
use store::{
    BlockCommit, ChainIdentity, CheckpointError, CommitError, Durability, History, OpenError, Store, StoreError,
    StoreOptions, Warming,
};

/// How to open a runtime.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// The database's folder; made if it is not there.
    pub path: PathBuf,
    /// The chain.
    pub spec: Arc<ChainSpec>,
    /// Keep the state of all blocks, rather than of the last `history_blocks`.
    pub archive: bool,
    /// Blocks before the head whose state stays readable.
    pub history_blocks: u64,
    /// Bound in bytes of the database's cache of table blocks; what is in memory of the tries takes twice as much.
    pub cache_bytes: usize,
    /// What one question may cost.
    pub reads: ReadLimits,
    /// Whether commits wait for the disk.
    pub durability: Durability,
    /// The operator's word to go on although blocks that were final here are lost.
    pub accept_lost_blocks: bool,
}

impl RuntimeOptions {
    /// The usual options: a window of [`store::HISTORY_BLOCKS_DEFAULT`] blocks.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, spec: Arc<ChainSpec>) -> Self {
        Self {
            path: path.into(),
            spec,
            archive: false,
            history_blocks: store::HISTORY_BLOCKS_DEFAULT,
            cache_bytes: store::CACHE_BYTES_DEFAULT,
            reads: ReadLimits::default(),
            durability: Durability::Synced,
            accept_lost_blocks: false,
        }
    }
}

/// Why a runtime could not be opened.
#[derive(Debug, Error)]
pub enum RuntimeOpenError {
    /// The specification gives no genesis.
    #[error("genesis cannot be made: {0}")]
    Genesis(#[from] GenesisError),
    /// The database cannot be opened, or is another chain's.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Genesis could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The head cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an executed block was not committed. Unless the disk failed, nothing of it was written.
#[derive(Debug, Error)]
pub enum RuntimeCommitError {
    /// The certificate is of another block.
    #[error("the certificate is of block {certified}, not of block {block}")]
    OtherBlock {
        /// What it certifies.
        certified: BlockHash,
        /// The block to commit.
        block: BlockHash,
    },
    /// The store refused, or the disk failed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The new head cannot be read back.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Execution and state of one chain. Shared by `Arc`: reads and calls run beside one another and beside one block.
///
/// Every function may block on the disk or compute for up to a second; async callers run it on a blocking thread.
#[derive(Debug)]
pub struct Runtime {
    /// Ends before the database is closed.
    _warming: Warming,
    spec: Arc<ChainSpec>,
    executor: Executor,
    store: Arc<Store>,
    genesis: GenesisHash,
    head: RwLock<Arc<Head>>,
    reads: ReadLimits,
    ways: recovery::Ways,
}

impl Runtime {
    /// Opens the database, and writes genesis if it is empty.
    ///
    /// # Errors
    /// [`RuntimeOpenError`] names what is in the way: the folder, another process, another chain's database, or a
    /// specification whose constructors fail.
    pub fn open(options: RuntimeOptions) -> Result<Self, RuntimeOpenError> {
        let RuntimeOptions {
            path,
            spec,
            archive,
            history_blocks,
            cache_bytes,
            reads,
            durability,
            accept_lost_blocks,
        } = options;
        let executor = Executor::new(ChainRules::of(&spec));
        let genesis = Genesis::build(&executor, &spec)?;
        let identity = ChainIdentity {
            chain_id: spec.chain_id,
            genesis: genesis.hash(),
        };
        let history = if archive {
            History::Archive
        } else {
            History::Blocks(history_blocks)
        };
        let store = Store::open(
            &StoreOptions {
                path,
                cache_bytes,
                history,
                durability,
                accept_lost_blocks,
            },
            identity,
        )?;
        if store.head().is_none() {
            store.commit(&genesis.into_commit())?;
        }
        let kept = store.head().expect("genesis was committed if there was no head");
        let head = RwLock::new(Arc::new(Head::load(&store, &spec, &kept)?));
        Ok(Self {
            _warming: Warming::start(Arc::clone(&store)),
            spec,
            executor,
            store,
            genesis: identity.genesis,
            head,
            reads,
            ways: recovery::Ways::default(),
        })
    }

    /// The hash of block 0 of `spec`, without a database.
    ///
    /// # Errors
    /// [`GenesisError`] if a constructor fails.
    pub fn genesis_of(spec: &ChainSpec) -> Result<GenesisHash, GenesisError> {
        Ok(Genesis::build(&Executor::new(ChainRules::of(spec)), spec)?.hash())
    }

    /// Which database `spec` needs.
    ///
    /// # Errors
    /// [`GenesisError`] if a constructor fails.
    pub fn identity_of(spec: &ChainSpec) -> Result<ChainIdentity, GenesisError> {
        Ok(ChainIdentity {
            chain_id: spec.chain_id,
            genesis: Self::genesis_of(spec)?,
        })
    }

    /// Makes a checkpoint of the database in `to`, as [`Store::checkpoint`] does, while blocks are committed.
    ///
    /// # Errors
    /// [`CheckpointError`] if the disk fails.
    pub fn checkpoint(&self, to: &Path) -> Result<(), CheckpointError> {
        self.store.checkpoint(to)
    }

    /// The chain's specification.
    #[must_use]
    pub const fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }

    /// What one question may cost.
    #[must_use]
    pub const fn read_limits(&self) -> &ReadLimits {
        &self.reads
    }

    /// The rules of the chain's fork, as clients ask for them.
    #[must_use]
    pub fn fork_rules(&self) -> ForkRules {
        ForkRules::of(self.executor.rules())
    }

    /// The hash of block 0, which names the chain.
    #[must_use]
    pub const fn genesis_hash(&self) -> GenesisHash {
        self.genesis
    }

    /// The newest final block.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.read())
    }

    /// Makes a block on the head out of candidates. Writes nothing; the caller seals it and, once it is final, commits.
    ///
    /// # Errors
    /// [`ProduceError`] if slot or certificate do not follow the head, or the database fails. Candidates that do not
    /// apply are no error: they are skipped, with the reason.
    pub fn produce(&self, inputs: ProduceInputs<'_>) -> Result<Produced, ProduceError> {
        let (head, view) = self.head_and_state().map_err(BlockError::from)?;
        produce::produce(&self.executor, &self.spec, &head, view, inputs)
    }

    /// Executes a block of somebody else on the head and compares every header field. Writes nothing.
    ///
    /// # Errors
    /// [`ImportError`] names the field, transaction or limit at fault; [`ImportError::blames_block`] tells a bad block
    /// from a failing disk.
    pub fn import(&self, block: impl Into<IncomingBlock>) -> Result<Executed, ImportError> {
        let (head, view) = self.head_and_state().map_err(BlockError::from)?;
        let recover = |height| self.ways.recovering(&self.store, (&head, &view), height);
        import::import(
            &self.executor,
            &self.spec,
            &head,
            (view.clone(), &recover),
            block.into(),
        )
    }

    /// Writes a final block with its certificate as the new head: all of it, synced, or nothing. The certificate's
    /// signatures are the caller's to check.
    ///
    /// # Errors
    /// [`RuntimeCommitError`] if the certificate is not of this block, the block does not follow the head, or the disk
    /// fails.
    pub fn commit(
        &self,
        executed: Executed,
        certificate: FinalityCertificate,
    ) -> Result<Arc<Head>, RuntimeCommitError> {
        self.store.commit(&commit_of(executed, certificate)?)?;
        self.moved()
    }

    /// Writes a block that others have made final as the new head, as [`Self::commit`] does, without waiting for the disk: a
    /// crash may take away the blocks since the last [`Self::sync`], and the chain is fetched from there again. For a node
    /// that catches up; whoever votes on the next height, or tells anybody that the block is final here, syncs first.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_unsynced(
        &self,
        executed: Executed,
        certificate: FinalityCertificate,
    ) -> Result<Arc<Head>, RuntimeCommitError> {
        self.store.commit_unsynced(&commit_of(executed, certificate)?)?;
        self.moved()
    }

    /// Makes every committed block survive a loss of power. Nothing to do after [`Self::commit`].
    ///
    /// # Errors
    /// [`RuntimeCommitError`] if the disk fails.
    pub fn sync(&self) -> Result<(), RuntimeCommitError> {
        Ok(self.store.sync()?)
    }

    /// Takes over the head of the store.
    fn moved(&self) -> Result<Arc<Head>, RuntimeCommitError> {
        let kept = self.store.head().expect("a block was just committed");
        let head = Arc::new(Head::load(&self.store, &self.spec, &kept)?);
        *self.head.write() = Arc::clone(&head);
        Ok(head)
    }

    /// Which share of a block `sender` may use, as of the head (R14).
    ///
    /// # Errors
    /// [`BootstrapError`] if the contract cannot be asked.
    pub fn lane(&self, sender: Address) -> Result<Lane, BootstrapError> {
        let (head, view) = self.head_and_state()?;
        if bootstrap::is_unknown(&view, &sender)? {
            return Ok(Lane::Open);
        }
        Lanes::new(self.executor.reader(view, &head.header.header)).of(sender)
    }

    /// The head with its state: of the same block, whatever is committed meanwhile.
    fn head_and_state(&self) -> Result<(Arc<Head>, StateView), StateError> {
        let head = self.head();
        let view = self.store.state_at(head.number())?;
        Ok((head, view))
    }
}

/// What the store writes of a block that `certificate` has to be of.
fn commit_of(executed: Executed, certificate: FinalityCertificate) -> Result<BlockCommit, RuntimeCommitError> {
    let block = executed.hash();
    if certificate.hash != block {
        return Err(RuntimeCommitError::OtherBlock {
            certified: certificate.hash,
            block,
        });
    }
    Ok(executed.into_commit(certificate))
}
