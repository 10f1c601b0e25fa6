//! Why could a state not be read?

use ledger_chainspec::BlockNumber;

use crate::store::StoreError;

/// Why a read of the state, a root or a proof failed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The block is older than the window of history that this node keeps.
    #[error(
        "the state of block {block} is no longer kept: the oldest block available here is {oldest} (an archive node keeps all)"
    )]
    OutsideWindow {
        /// The block asked for.
        block: BlockNumber,
        /// The oldest block whose state is readable.
        oldest: BlockNumber,
    },
    /// The block does not exist yet.
    #[error("block {block} does not exist yet: the newest block is {head}")]
    Future {
        /// The block asked for.
        block: BlockNumber,
        /// The newest block.
        head: BlockNumber,
    },
    /// The database holds no block yet, not even genesis.
    #[error("the database holds no block yet")]
    Empty,
    /// A commitment that empties an account's storage was asked for on top of a block that is not the head.
    #[error("storage can only be emptied on top of the newest block, not on top of block {parent}")]
    NotHead {
        /// The parent that was given.
        parent: BlockNumber,
    },
    /// What was a small subtree at a past block holds too much by now to be looked through for what was there.
    #[error(
        "the proof cannot be made any more: there are over {max} records by now where there were few; ask for a later block"
    )]
    Grown {
        /// Records that are looked through at most.
        max: usize,
    },
    /// A proof was asked for more slots than one request may name.
    #[error("a proof covers at most {max} slots, and {asked} were asked for")]
    TooManySlots {
        /// Slots asked for.
        asked: usize,
        /// [`crate::state::PROOF_SLOTS_MAX`].
        max: usize,
    },
    /// The trie on disk contradicts itself.
    #[error("the state trie is inconsistent ({what}); restore the data directory or sync it again")]
    Trie {
        /// What the trie found.
        what: String,
    },
    /// The flat state or the trie on disk is not the one that the head's header names.
    #[error("the state on disk does not match its head: {what}; restore the data directory or sync it again")]
    Mismatch {
        /// What differs.
        what: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
