//! Which nodes lead from the root to a key, or show that it is not there? (EIP-1186)

use alloy_primitives::{B256, Bytes};
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;

use super::node::{self, Below, Record};
use super::{RecordAt, TrieReader};
use crate::state::StateError;

/// Walks of one proof at most. A block that is committed beside a walk can move a leaf whose key the history did not
/// have yet; it has it from then on.
const WALKS_MAX: usize = 8;

/// A leaf is not where the trie has it.
struct LeafMoved;

impl TrieReader<'_> {
    /// RLP of the nodes from the root to `key`, for one who checks that the key is there or is not. Empty for an empty
    /// trie.
    pub(in crate::state) fn proof(&self, key: &B256) -> Result<Vec<Bytes>, StateError> {
        for _ in 0..WALKS_MAX {
            if let Ok(nodes) = self.walk(key)? {
                return Ok(nodes);
            }
        }
        Err(StateError::Trie {
            what: format!(
                "the flat state lacks a leaf that {:?} names on the way to {key}",
                self.id
            ),
        })
    }

    fn walk(&self, key: &B256) -> Result<Result<Vec<Bytes>, LeafMoved>, StateError> {
        let path = Nibbles::unpack(key);
        let mut nodes = Vec::new();
        let Some(RecordAt { record, keys }) = self.root()? else {
            return Ok(Ok(nodes));
        };
        let (mut branch, mut keys, mut at) = match record {
            Record::Leaf(leaf) => {
                let Some(value) = self.value(&leaf)? else {
                    return Ok(Err(LeafMoved));
                };
                nodes.push(node::leaf_rlp(&Nibbles::unpack(leaf), 0, &value).into());
                return Ok(Ok(nodes));
            }
            Record::Extension(at) => {
                let (branch, keys) = self.branch_with_keys(&at)?;
                nodes.push(node::extension_rlp(&at, &branch.node()).into());
                if !path.starts_with(&at) {
                    return Ok(Ok(nodes));
                }
                (branch, keys, at)
            }
            Record::Branch(branch) => (branch, keys, Nibbles::default()),
        };
        loop {
            push(&mut nodes, branch.rlp());
            let nibble = path.get(at.len());
            let Some((nibble, child)) = nibble.and_then(|nibble| Some((nibble, branch.child(nibble)?))) else {
                return Ok(Ok(nodes));
            };
            let mut place = at;
            place.push(nibble);
            at = match &child.below {
                Below::Leaf => {
                    let found = self.leaf_at(&place, key, keys.and_then(|keys| keys[usize::from(nibble)]))?;
                    return Ok(match found.filter(|rlp| RlpNode::from_rlp(rlp) == child.node) {
                        Some(rlp) => {
                            push(&mut nodes, rlp);
                            Ok(nodes)
                        }
                        None => Err(LeafMoved),
                    });
                }
                Below::Branch => place,
                Below::Extension(nibbles) => place.join(nibbles),
            };
            let below = self.branch_with_keys(&at)?;
            if at.len() > place.len() {
                push(
                    &mut nodes,
                    node::extension_rlp(&at.slice(place.len()..), &below.0.node()),
                );
                if !path.starts_with(&at) {
                    return Ok(Ok(nodes));
                }
            }
            (branch, keys) = below;
        }
    }

    /// RLP of the one leaf at `place`: that of `wanted` if it exists, else of the key that the history names, else of
    /// the one that is there now.
    fn leaf_at(&self, place: &Nibbles, wanted: &B256, known: Option<B256>) -> Result<Option<Vec<u8>>, StateError> {
        let rlp = |key: &B256, value: Vec<u8>| node::leaf_rlp(&Nibbles::unpack(key), place.len(), &value);
        if let Some(value) = self.value(wanted)? {
            return Ok(Some(rlp(wanted, value)));
        }
        let key = match known {
            Some(key) => Some(key),
            None => self.first_key_below(place)?,
        };
        let Some(key) = key else { return Ok(None) };
        Ok(self.value(&key)?.map(|value| rlp(&key, value)))
    }
}

/// Adds a node, unless it is so short that its parent holds it. The root is always there.
fn push(nodes: &mut Vec<Bytes>, rlp: Vec<u8>) {
    if nodes.is_empty() || rlp.len() >= B256::len_bytes() {
        nodes.push(rlp.into());
    }
}
