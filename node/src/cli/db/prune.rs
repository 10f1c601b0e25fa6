//! `ledger-node db prune`

use serde_json::json;

use super::{DbError, Place, output, size, source};
use crate::error::NodeError;

pub(super) fn run(place: &Place, keep_blocks: u64) -> Result<(), NodeError> {
    let store = source::open(place)?;
    let pruned = store.prune_history(keep_blocks).map_err(DbError::from)?;
    output(place.json, &json!(pruned), || {
        format!(
            "past states  readable from block {} on (before: {})\ndropped      {} undo records\ntable files  {} (before: {})",
            pruned.oldest_state,
            pruned.oldest_state_before,
            pruned.records,
            size(pruned.file_bytes),
            size(pruned.file_bytes_before),
        )
    })
}
