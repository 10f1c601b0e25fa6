//! What root, which nodes and which proofs does one Merkle Patricia trie have?
//!
//! Adapter between ethrex-trie, whose nodes are stored under their path, and our column families. The account trie has
//! the empty prefix; each storage trie has its account's hashed address as prefix. It reads through a [`StateView`], so
//! that the same code proves against past blocks, and hands changes back instead of writing them.
//!
//! ethrex-trie leaves two things to its user, both done in [`PathTrie::finish`]: it never deletes the nodes that a
//! collapsing branch leaves behind, and it reports leaf values a second time under 65-nibble paths.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{B256, Bytes};
use ethrex_crypto::NativeCrypto;
use ethrex_trie::{EMPTY_TRIE_HASH, Nibbles, Node, NodeHash, NodeRef, Trie, TrieDB, TrieError};
use rayon::prelude::*;

use super::{StateChange, StateError, StateView};
use crate::store::Column;

/// Nibbles of a hashed key; longer paths are ethrex-trie's copies of leaf values.
const PATH_NIBBLES_MAX: usize = 64;

/// Reads that are worth a task of their own.
pub(crate) const READS_PER_TASK_MIN: usize = 32;

/// Stored nodes read so far, by path: what the changes replace.
type LoadedNodes = BTreeMap<Vec<u8>, Vec<u8>>;

/// One trie of one block, with changes in memory.
pub(crate) struct PathTrie {
    trie: Trie,
    column: Column,
    prefix: Vec<u8>,
    loaded: Arc<Mutex<LoadedNodes>>,
}

impl PathTrie {
    /// The trie with `root` in `column`, below `prefix`, as `view` has it.
    pub(crate) fn open(view: &StateView, column: Column, prefix: &[u8], root: B256) -> Self {
        let loaded = Arc::new(Mutex::new(LoadedNodes::new()));
        let reader = NodeReader {
            view: view.clone(),
            column,
            prefix: prefix.to_vec(),
            loaded: Arc::clone(&loaded),
        };
        let mut hash = EMPTY_TRIE_HASH;
        hash.0 = root.0;
        Self {
            trie: Trie::open(Box::new(reader), hash),
            column,
            prefix: prefix.to_vec(),
            loaded,
        }
    }

    /// Sets the values (RLP) of hashed keys, or removes them (`None`; absent keys are allowed). `changes` is sorted by key,
    /// so that the nodes on all paths are read level by level, many at once.
    pub(crate) fn update(&mut self, changes: &[(B256, Option<Vec<u8>>)]) -> Result<(), StateError> {
        let paths: Vec<_> = changes
            .iter()
            .map(|(key, _)| Nibbles::from_bytes(key.as_slice()))
            .collect();
        self.trie.prefetch_sorted(&paths)?;
        for (key, value) in changes {
            match value {
                Some(value) => self.trie.insert(key.to_vec(), value.clone())?,
                None => drop(self.trie.remove(key.as_slice())?),
            }
        }
        Ok(())
    }

    /// The nodes from the root to `key`, for one who checks that the key is there or is not (EIP-1186). Empty for an
    /// empty trie.
    pub(crate) fn proof(&self, key: &B256) -> Result<Vec<Bytes>, StateError> {
        let nodes = self.trie.get_proof(key.as_slice())?;
        Ok(nodes.into_iter().map(Bytes::from).collect())
    }

    /// The root after the changes, and what of the stored nodes differs from before.
    pub(crate) fn finish(mut self) -> (B256, Vec<StateChange>) {
        let nodes = self.commit_nodes();
        let root = B256::from(self.trie.hash_no_commit(&NativeCrypto).0);
        let mut live = BTreeSet::new();
        collect_live_paths(&self.trie.root, &mut Vec::new(), &mut live);
        // Every node that the changes touched was loaded first, so that one neither live nor new is garbage.
        let loaded = std::mem::take(&mut *self.loaded.lock().unwrap_or_else(PoisonError::into_inner));
        let mut changes = Vec::with_capacity(nodes.len());
        let change = |path: &[u8], old: Option<Vec<u8>>, new: Option<Vec<u8>>| StateChange {
            column: self.column,
            key: [self.prefix.as_slice(), path].concat(),
            old,
            new,
        };
        for (path, node) in nodes {
            let old = loaded.get(&path).cloned();
            if live.contains(&path) && old.as_ref() != Some(&node) {
                changes.push(change(&path, old, Some(node)));
            }
        }
        for (path, node) in loaded {
            if !live.contains(&path) {
                changes.push(change(&path, Some(node), None));
            }
        }
        (root, changes)
    }

    /// Encodes and hashes what changed, the root's subtrees side by side.
    fn commit_nodes(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut nodes = Vec::new();
        if let NodeRef::Node(root, hash) = &mut self.trie.root
            && hash.get().is_none()
            && let Node::Branch(branch) = Arc::make_mut(root)
        {
            nodes = branch
                .choices
                .par_iter_mut()
                .enumerate()
                .flat_map_iter(|(nibble, child)| {
                    let mut nodes = Vec::new();
                    let nibble = u8::try_from(nibble).expect("a branch has 16 children");
                    child.commit(Nibbles::from_hex(vec![nibble]), &mut nodes, &NativeCrypto);
                    nodes
                })
                .collect();
        }
        nodes.extend(self.trie.commit_without_storing(&NativeCrypto));
        nodes
            .into_iter()
            .map(|(path, node)| (path.into_vec(), node))
            .filter(|(path, _)| path.len() <= PATH_NIBBLES_MAX)
            .collect()
    }
}

/// The paths of all nodes in memory that are stored on their own: not those shorter than a hash, which are part of their
/// parent (the root excepted).
fn collect_live_paths(node: &NodeRef, path: &mut Vec<u8>, live: &mut BTreeSet<Vec<u8>>) {
    let NodeRef::Node(inner, _) = node else { return };
    if path.is_empty() || matches!(node.compute_hash(&NativeCrypto), NodeHash::Hashed(_)) {
        live.insert(path.clone());
    }
    match inner.as_ref() {
        Node::Branch(branch) => {
            for (nibble, child) in (0_u8..).zip(&branch.choices) {
                path.push(nibble);
                collect_live_paths(child, path, live);
                path.pop();
            }
        }
        Node::Extension(extension) => {
            let depth = path.len();
            path.extend_from_slice(extension.prefix.as_ref());
            collect_live_paths(&extension.child, path, live);
            path.truncate(depth);
        }
        Node::Leaf(_) => {}
    }
}

/// Reads nodes for ethrex-trie and remembers them.
struct NodeReader {
    view: StateView,
    column: Column,
    prefix: Vec<u8>,
    loaded: Arc<Mutex<LoadedNodes>>,
}

impl TrieDB for NodeReader {
    fn get(&self, path: Nibbles) -> Result<Option<Vec<u8>>, TrieError> {
        let path = path.into_vec();
        let key = [self.prefix.as_slice(), &path].concat();
        let node = self
            .view
            .raw(self.column, &key)
            .map_err(|error| TrieError::DbError(error.into()))?;
        if let Some(node) = &node {
            self.loaded
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(path, node.clone());
        }
        Ok(node)
    }

    fn multi_get(&self, paths: &[Nibbles]) -> Vec<Result<Option<Vec<u8>>, TrieError>> {
        paths
            .par_iter()
            .with_min_len(READS_PER_TASK_MIN)
            .map(|path| self.get(path.clone()))
            .collect()
    }

    fn put_batch(&self, _nodes: Vec<(Nibbles, Vec<u8>)>) -> Result<(), TrieError> {
        // `finish` hands the nodes out instead; nothing in this module calls `Trie::commit` or `Trie::hash`.
        Err(TrieError::InvalidInput)
    }
}

impl From<TrieError> for StateError {
    fn from(error: TrieError) -> Self {
        match error {
            TrieError::DbError(error) => match error.downcast::<Self>() {
                Ok(error) => error,
                Err(error) => Self::Trie {
                    what: error.to_string(),
                },
            },
            other => Self::Trie {
                what: other.to_string(),
            },
        }
    }
}
