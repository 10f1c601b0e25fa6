//! What does the node's own chain say of checkpoints? Every final block in turn: the validator set and the configuration in force after it.
//!
//! Called by [`worker`](super::worker) on blocking threads. Headers say when the set changes (R10), which are recovery blocks (R16), and
//! by their blooms where the contract Bootstrap may have changed the configuration; only those blocks' receipts are read, and no state
//! is. So all of it can be read again from the first block on. Where a node stands ([`Position`]) is kept while there is no checkpoint
//! that would say it.

use std::{path::Path, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use alloy_sol_types::{SolCall, SolEvent};
use ledger_chainspec::{BlockNumber, ChainSpec, SealedHeader, SetId, ValidatorSet, digest_of, predeploys::BOOTSTRAP};
use ledger_contracts::{Bootstrap, history::HistoryTree};
use ledger_keys::durable;
use ledger_runtime::{BlockRef, CallOutcome, CallOverrides, Runtime};
use parity_scale_codec::{DecodeAll, Encode};

use super::{
    facts::{CheckpointBlock, CheckpointConfig, SigningSet},
    log::BundleRecord,
};

/// The file that says where this node stands, in the folder of the bundles.
const POSITION_NAME: &str = "position";

/// First byte of that file: its layout.
const VERSION: u8 = 2;

/// Why the chain cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The database failed, or does not have what it should.
    #[error(
        "block {number} cannot be read for its checkpoint: {reason}; `ledger-node db verify` says whether the database is damaged"
    )]
    Unreadable {
        /// The block.
        number: u64,
        /// What happened.
        reason: String,
    },
    /// The position cannot be kept.
    #[error("cannot keep the position in the chain in {path}: {source}; check the disk and its free space")]
    Position {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// A block, and what holds after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its number.
    pub number: u64,
    /// The configuration.
    pub config: CheckpointConfig,
    /// Recovery blocks up to it.
    pub recoveries: u64,
    /// Number of the validator set.
    pub set_id: u64,
    /// Whether every block before was looked at, so that no checkpoint is unknown.
    pub knows_all: bool,
}

type Parts = (u8, u64, u64, u64, [u8; 20], u64, u64, bool);

impl Position {
    /// The genesis block of `spec`.
    #[must_use]
    pub fn genesis(spec: &ChainSpec) -> Self {
        Self {
            number: 0,
            config: CheckpointConfig {
                interval_blocks: spec.checkpoint.interval_blocks,
                mainchain_id: spec.checkpoint.mainchain_id,
                contract: spec.checkpoint.contract,
            },
            recoveries: 0,
            set_id: spec.validator_set().id().get(),
            knows_all: true,
        }
    }

    /// The block of the newest bundle.
    #[must_use]
    pub const fn of_bundle(record: &BundleRecord) -> Self {
        Self {
            number: record.bundle.checkpoint.height,
            config: record.config,
            recoveries: record.recoveries,
            set_id: record.set_id,
            knows_all: true,
        }
    }

    /// The head, by its state: where a node begins that has a state and not the blocks before.
    ///
    /// # Errors
    /// [`ChainError`] if the contract does not answer.
    pub fn of_head(runtime: &Runtime) -> Result<Self, ChainError> {
        let head = runtime.head();
        let number = head.number();
        let config = asked(runtime, number, &Bootstrap::checkpointConfigCall {})?;
        let recovery = asked(runtime, number, &Bootstrap::recoveryCall {})?;
        Ok(Self {
            number: number.get(),
            config: CheckpointConfig {
                interval_blocks: config.intervalBlocks,
                mainchain_id: config.mainchainId,
                contract: config.checkpointContract,
            },
            // What the head ordered has not happened yet.
            recoveries: recovery.epoch.saturating_sub(u64::from(head.recovery.is_some())),
            set_id: head.set.id().get(),
            knows_all: false,
        })
    }

    /// Its bytes on disk.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let config = &self.config;
        let parts: Parts = (
            VERSION,
            self.number,
            config.interval_blocks,
            config.mainchain_id,
            config.contract.0.0,
            self.recoveries,
            self.set_id,
            self.knows_all,
        );
        parts.encode()
    }

    /// Reads what [`Position::to_bytes`] wrote; none for anything else, which is no harm: the chain is looked at again.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let parts = Parts::decode_all(&mut &*bytes).ok()?;
        let (VERSION, number, interval_blocks, mainchain_id, contract, recoveries, set_id, knows_all) = parts else {
            return None;
        };
        Some(Self {
            number,
            config: CheckpointConfig {
                interval_blocks,
                mainchain_id,
                contract: Address::new(contract),
            },
            recoveries,
            set_id,
            knows_all,
        })
    }

    /// The position kept in `folder`, if there is one.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        Self::from_bytes(&std::fs::read(folder.join(POSITION_NAME)).ok()?)
    }

    /// Keeps it in `folder`.
    ///
    /// # Errors
    /// [`ChainError::Position`] if the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<(), ChainError> {
        let path = folder.join(POSITION_NAME);
        let written = std::fs::create_dir_all(folder).and_then(|()| durable::replace(&path, &self.to_bytes()));
        written.map_err(|source| ChainError::Position { path, source })
    }
}

fn unreadable(number: u64, reason: impl ToString) -> ChainError {
    ChainError::Unreadable {
        number,
        reason: reason.to_string(),
    }
}

/// What the contract Bootstrap answers in the state after block `number`.
///
/// # Errors
/// [`ChainError`] if it does not.
pub fn asked<C: SolCall>(runtime: &Runtime, number: BlockNumber, call: &C) -> Result<C::Return, ChainError> {
    let failed = |reason: String| unreadable(number.get(), reason);
    let request = TransactionRequest {
        to: Some(TxKind::Call(BOOTSTRAP)),
        input: Bytes::from(call.abi_encode()).into(),
        ..TransactionRequest::default()
    };
    let called = runtime.call(request, BlockRef::Number(number), CallOverrides::default());
    match called.map_err(|error| failed(error.to_string()))?.outcome {
        CallOutcome::Returned(output) => C::abi_decode_returns(&output).map_err(|error| failed(error.to_string())),
        other => Err(failed(format!("{other:?}"))),
    }
}

/// Reads the chain, block by block.
#[derive(Debug)]
pub struct ChainReader {
    runtime: Arc<Runtime>,
    position: Position,
    set: Arc<ValidatorSet>,
    /// The same, as checkpoints know it.
    signing: Arc<SigningSet>,
}

impl ChainReader {
    /// A reader that stands at `position`.
    ///
    /// # Errors
    /// [`ChainError`] if the set in force there is not known.
    pub fn new(runtime: Arc<Runtime>, position: Position) -> Result<Self, ChainError> {
        let set = set(&runtime, position.number, position.set_id)?;
        Ok(Self {
            signing: Arc::new(SigningSet::of(&set)),
            set: Arc::new(set),
            runtime,
            position,
        })
    }

    /// Where it stands.
    #[must_use]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// The set in force there.
    #[must_use]
    pub const fn set(&self) -> &Arc<SigningSet> {
        &self.signing
    }

    /// Goes on to the next final block; none if it stands at the head.
    ///
    /// # Errors
    /// [`ChainError`] if the block cannot be read; it stands where it stood.
    pub fn advance(&mut self) -> Result<Option<SealedHeader>, ChainError> {
        let number = self.position.number.saturating_add(1);
        let at = BlockNumber::new(number);
        if at > self.runtime.head().number() {
            return Ok(None);
        }
        let header = self
            .header(number)?
            .ok_or_else(|| unreadable(number, "it is not kept"))?;
        let digest = digest_of(&header.header).map_err(|error| unreadable(number, error))?;
        if digest.next_set_hash != self.set.hash() {
            // One change per block at most, so that it is the next one.
            let next = set(&self.runtime, number, self.position.set_id.saturating_add(1))?;
            if next.hash() != digest.next_set_hash {
                return Err(unreadable(number, format!("set {} is not the one it names", next.id())));
            }
            self.follow_set(next);
        }
        if may_change(&header) {
            self.follow_config(at)?;
        }
        if let Some(recovery) = digest.recovery {
            self.position.recoveries = recovery.order.epoch;
        }
        self.position.number = number;
        Ok(Some(header))
    }

    fn follow_set(&mut self, set: ValidatorSet) {
        self.position.set_id = set.id().get();
        self.signing = Arc::new(SigningSet::of(&set));
        self.set = Arc::new(set);
    }

    /// What the block's receipts say of the configuration.
    fn follow_config(&mut self, at: BlockNumber) -> Result<(), ChainError> {
        let filter = Filter::new()
            .address(BOOTSTRAP)
            .event_signature(Bootstrap::CheckpointConfigSet::SIGNATURE_HASH);
        let logs = self.runtime.logs(at, at, &filter);
        for log in logs.map_err(|error| unreadable(at.get(), error))? {
            let set = Bootstrap::CheckpointConfigSet::decode_log(&log.inner);
            let config = set.map_err(|error| unreadable(at.get(), error))?.data.config;
            self.position.config = CheckpointConfig {
                interval_blocks: config.intervalBlocks,
                mainchain_id: config.mainchainId,
                contract: config.checkpointContract,
            };
        }
        Ok(())
    }

    /// What the planner has to know of the block at which this stands, whose history begins after block `after`.
    ///
    /// # Errors
    /// [`ChainError`] if its blocks cannot be read.
    pub fn checkpoint(&self, header: &SealedHeader, after: Option<u64>) -> Result<CheckpointBlock, ChainError> {
        let number = self.position.number;
        let digest = digest_of(&header.header).map_err(|error| unreadable(number, error))?;
        let history_root = match after {
            Some(after) => self.history_root(after)?,
            None => None,
        };
        Ok(CheckpointBlock {
            number,
            hash: header.hash.get(),
            state_root: header.header.state_root,
            slot: digest.slot,
            set: Arc::clone(&self.signing),
            config: self.position.config,
            recoveries: self.position.recoveries,
            history_root,
        })
    }

    /// The root over the blocks after `after`, up to where this stands; none if one of them is not here.
    fn history_root(&self, after: u64) -> Result<Option<B256>, ChainError> {
        let mut tree = HistoryTree::default();
        for number in after.saturating_add(1)..=self.position.number {
            let Some(header) = self.header(number)? else {
                return Ok(None);
            };
            tree.push(header.hash.get());
        }
        Ok(tree.root())
    }

    fn header(&self, number: u64) -> Result<Option<SealedHeader>, ChainError> {
        let found = self.runtime.header(BlockRef::Number(BlockNumber::new(number)));
        found.map_err(|error| unreadable(number, error))
    }
}

fn set(runtime: &Runtime, number: u64, id: u64) -> Result<ValidatorSet, ChainError> {
    let found = runtime.validator_set(SetId::new(id));
    let found = found.map_err(|error| unreadable(number, error))?;
    found.ok_or_else(|| unreadable(number, format!("validator set {id} is not kept")))
}

/// Whether the block may have changed the configuration: a bloom says no, or perhaps.
fn may_change(header: &SealedHeader) -> bool {
    use alloy_primitives::BloomInput::Raw;
    let bloom = &header.header.logs_bloom;
    bloom.contains_input(Raw(BOOTSTRAP.as_slice()))
        && bloom.contains_input(Raw(Bootstrap::CheckpointConfigSet::SIGNATURE_HASH.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_kept_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let position = Position {
            number: 7,
            knows_all: false,
            ..Position::genesis(&ChainSpec::testnet())
        };
        assert_eq!(Position::read(folder.path()), None);
        position.write(folder.path()).unwrap();
        assert_eq!(Position::read(folder.path()), Some(position));
        let mut bytes = position.to_bytes();
        bytes[0] = 9;
        assert_eq!(Position::from_bytes(&bytes), None);
        assert_eq!(Position::from_bytes(&bytes[1..]), None);
    }
}
