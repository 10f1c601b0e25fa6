//! How does the state of a block come to a node that has none of the blocks before it?
//!
//! The giver cuts the state into chunks in the order of keys, each proven against the state root as a whole: nothing of its
//! range is left out, added or changed. The taker begins with a [`StateManifest`], which leads from the specification's
//! validators to a certified header, and then believes nobody: chunks are checked against that header, blocks against the
//! hash in the one after them. [`StateImport`] puts them into a database that is marked as unfinished until all is there.
//!
//! `wire` is the form of manifest and chunks, `manifest` and `serve` the giver's side, `import` the taker's, and `history` what both
//! need of blocks before the state: a few come with it, the rest may follow while the node runs.
//! Called by the node, which knows peers; nothing here knows how bytes travel, or when to ask for them.

mod accept;
mod fault;
mod history;
mod import;
mod manifest;
mod serve;
mod wire;

pub use fault::{ChunkFault, ManifestFault, StateImportError};
pub use import::{Found, StateImport, StateProgress};
pub use manifest::{MANIFEST_BYTES_MAX, StateManifest};
pub use serve::{CHUNK_BYTES_ASKED_MAX, CHUNK_LEAVES_MAX};
pub use wire::{CHUNK_BYTES_MAX, StateChunk, StateCursor};

/// Blocks before its own whose hashes a state has (EIP-2935).
pub const BLOCK_HASHES_IN_STATE: u64 = alloy_eips::eip2935::HISTORY_SERVE_WINDOW as u64;

/// Blocks that come with a state: those whose hashes the next block can ask for (`BLOCKHASH`).
pub const BLOCKS_WITH_STATE: u64 = 256;
