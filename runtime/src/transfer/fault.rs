//! Why is a manifest or a chunk of no use, and whose fault is it?

use alloy_primitives::B256;
use ledger_chainspec::{BlockNumber, FinalityFault};
use thiserror::Error;

use super::{CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX, StateCursor};
use crate::{
    state::{RangeFault, StateError},
    store::{CommitError, OpenError, StoreError},
};

/// What is wrong with a chunk: whoever gave it is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChunkFault {
    /// Longer than any.
    #[error("a chunk of {bytes} bytes, where none has more than {CHUNK_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Another form.
    #[error("a chunk of version {got}, which this node does not know")]
    Version {
        /// Its version.
        got: u8,
    },
    /// Not the bytes of a chunk.
    #[error("{bytes} bytes that are no chunk")]
    Malformed {
        /// Its length.
        bytes: usize,
    },
    /// Parts that do not belong together, or not here.
    #[error("a chunk with {what}")]
    Shape {
        /// What does not fit.
        what: &'static str,
    },
    /// Accounts that are not those of the state.
    #[error("accounts: {0}")]
    Accounts(RangeFault),
    /// Slots that are not those of the account.
    #[error("slots of account {account}: {fault}")]
    Slots {
        /// Its hashed address.
        account: B256,
        /// What is wrong.
        fault: RangeFault,
    },
    /// Slots that do not give the account's storage root.
    #[error("the slots of account {account} give storage root {got}, not {expected}")]
    StorageRoot {
        /// Its hashed address.
        account: B256,
        /// What they give.
        got: B256,
        /// What the account holds.
        expected: B256,
    },
    /// A leaf of the state that is no account.
    #[error("what is at {key} is no account")]
    NoAccount {
        /// Its key.
        key: B256,
    },
    /// An account came without its code.
    #[error("code {code} of account {account} is missing")]
    CodeMissing {
        /// The account's hashed address.
        account: B256,
        /// keccak-256 of the code.
        code: B256,
    },
    /// Code of no account of the chunk, or twice the same.
    #[error("code {code} is of no account here, or was given already")]
    CodeUnasked {
        /// keccak-256 of the code.
        code: B256,
    },
    /// A block is not what the one after it says.
    #[error("block {block}: {what}")]
    Block {
        /// The block that was to come.
        block: BlockNumber,
        /// What is wrong.
        what: String,
    },
}

/// What is wrong with a manifest: whoever gave it is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestFault {
    /// Longer than any.
    #[error("a manifest of {bytes} bytes, where none has more than {MANIFEST_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Another form.
    #[error("a manifest of version {got}, which this node does not know")]
    Version {
        /// Its version.
        got: u8,
    },
    /// Not the bytes of a manifest.
    #[error("{bytes} bytes that are no manifest")]
    Malformed {
        /// Its length.
        bytes: usize,
    },
    /// Genesis is known to everybody.
    #[error("a manifest of genesis, which needs none")]
    Genesis,
    /// A block that is not final, or hands over to another set.
    #[error(transparent)]
    Finality(#[from] FinalityFault),
    /// Changes of the set that are not in the order of blocks.
    #[error("block {block}, which changes the validator set, is out of order")]
    BlockOrder {
        /// The block.
        block: BlockNumber,
    },
}

/// Why an import did not go on.
#[derive(Debug, Error)]
pub enum StateImportError {
    /// The manifest is of no use.
    #[error(transparent)]
    Manifest(#[from] ManifestFault),
    /// The chunk is of no use, and nothing of it was kept.
    #[error(transparent)]
    Chunk(#[from] ChunkFault),
    /// The chunk is not the one that comes next.
    #[error("a chunk of {got} came, where {} is next", expected.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string))]
    Cursor {
        /// Where it begins.
        got: Box<StateCursor>,
        /// Where the next one begins; none if all are there.
        expected: Option<Box<StateCursor>>,
    },
    /// Chunks are missing.
    #[error("the state is not complete: {next} is missing")]
    Unfinished {
        /// Where the next chunk begins.
        next: StateCursor,
    },
    /// The specification gives no genesis.
    #[error("genesis cannot be made: {0}")]
    Genesis(#[from] crate::GenesisError),
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is a chain in the folder, which a state would replace.
    #[error("the database has the chain up to block {head}, and no state is put in its place; use an empty --data-dir")]
    Occupied {
        /// Its head.
        head: BlockNumber,
    },
    /// What is there of the state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database cannot be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The database has a block of a chain of nobody.
    #[error("what the unfinished database says of itself cannot be read ({what}); use an empty --data-dir")]
    Record {
        /// What is wrong.
        what: String,
    },
}

impl StateImportError {
    /// Whether whoever gave the manifest or chunk is at fault, rather than this node.
    #[must_use]
    pub const fn blames_peer(&self) -> bool {
        match self {
            Self::Manifest(_) | Self::Chunk(_) => true,
            Self::Cursor { .. }
            | Self::Unfinished { .. }
            | Self::Genesis(_)
            | Self::Open(_)
            | Self::Occupied { .. }
            | Self::State(_)
            | Self::Store(_)
            | Self::Commit(_)
            | Self::Record { .. } => false,
        }
    }
}
