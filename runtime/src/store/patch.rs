//! How does RocksDB put a branch's record together with its patches?
//!
//! A block writes those children of a branch that it changes. RocksDB keeps them beside the record, puts all together for
//! whoever reads, and for good when it next compacts the files. What a patch is, `state/trie` knows.

use rocksdb::{MergeOperands, Options};

use crate::state::{joined, patched};

/// Name of the operator in the database's own files. The bytes of patches belong to it.
const NAME: &str = "branch-children";

/// Tells a trie's column how its patches are read.
pub(super) fn set(options: &mut Options) {
    options.set_merge_operator(NAME, whole, partial);
}

/// The record that comes of `record`. None if there is no record or the bytes are none: RocksDB fails the read then, and names
/// the operator.
fn whole(_: &[u8], record: Option<&[u8]>, patches: &MergeOperands) -> Option<Vec<u8>> {
    patched(record?, newest_first(patches)).ok()
}

fn partial(_: &[u8], _: Option<&[u8]>, patches: &MergeOperands) -> Option<Vec<u8>> {
    joined(newest_first(patches)).ok()
}

fn newest_first(patches: &MergeOperands) -> impl Iterator<Item = &[u8]> {
    let patches: Vec<_> = patches.iter().collect();
    patches.into_iter().rev()
}
