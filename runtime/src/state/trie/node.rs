//! What is kept of a trie on disk, and in which bytes? (STORAGE.md)
//!
//! Only branches have records: a leaf is its record of the flat state, and an extension is named by the branch above it.
//! For each child a branch keeps what the Ethereum node would hold (the hash, or a node shorter than 32 bytes itself) and
//! what lies below. The codec also writes a part of a branch's children, which is what the history keeps of a block's
//! changes.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode};
use alloy_trie::{Nibbles, TrieMask};

/// Children of a branch.
pub(super) const WIDTH: usize = 16;

/// Nibbles of a hashed key.
const PATH_NIBBLES: usize = 64;

/// First byte of a branch's record: what its children need beside a hash each.
const EXTENSIONS: u8 = 1;
const INLINE: u8 = 2;
const KEYS: u8 = 4;
/// First byte of the root's record where the root is not a branch.
const ROOT_EXTENSION: u8 = 0x10;
const ROOT_LEAF: u8 = 0x20;

/// One child of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// What the branch's Ethereum node holds: a hash as RLP, or a short node itself.
    pub(super) node: RlpNode,
    pub(super) below: Below,
}

/// What is below a branch's nibble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// One record of the flat state.
    Leaf,
    /// A branch.
    Branch,
    /// An extension of these nibbles, and then a branch. Boxed, because it is rare and large.
    Extension(Box<Nibbles>),
}

/// Keys of children that are leaves, where they are known.
pub(super) type LeafKeys = [Option<B256>; WIDTH];

/// A branch, by its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Branch(pub(super) [Option<Child>; WIDTH]);

impl Branch {
    pub(super) fn child(&self, nibble: u8) -> Option<&Child> {
        self.0.get(usize::from(nibble)).and_then(Option::as_ref)
    }

    /// Nibbles of the children that are leaves.
    pub(super) fn leaves(&self) -> impl Iterator<Item = u8> {
        (0_u8..)
            .zip(&self.0)
            .filter(|(_, child)| child.as_ref().is_some_and(|child| child.below == Below::Leaf))
            .map(|(nibble, _)| nibble)
    }

    /// RLP of the Ethereum node.
    pub(super) fn rlp(&self) -> Vec<u8> {
        let mut mask = TrieMask::default();
        let mut stack = Vec::with_capacity(WIDTH);
        for (nibble, child) in (0_u8..).zip(&self.0) {
            if let Some(child) = child {
                mask.set_bit(nibble);
                stack.push(child.node.clone());
            }
        }
        let mut rlp = Vec::with_capacity(BRANCH_RLP_BYTES_MAX);
        alloy_rlp::Encodable::encode(&BranchNodeRef::new(&stack, mask), &mut rlp);
        rlp
    }

    /// What a parent holds of this branch.
    pub(super) fn node(&self) -> RlpNode {
        RlpNode::from_rlp(&self.rlp())
    }

    /// The record of this branch.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_children(&mut bytes, &self.0, None);
        bytes
    }
}

/// RLP of a branch with sixteen hashes: a header of three bytes, 33 bytes each, an empty value.
const BRANCH_RLP_BYTES_MAX: usize = 3 + WIDTH * 33 + 1;

/// A record of a trie: a branch or, under the empty path alone, what the root is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Branch(Arc<Branch>),
    /// The top branch lies at this path.
    Extension(Nibbles),
    /// The trie holds this key alone.
    Leaf(B256),
}

impl Record {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Branch(branch) => branch.to_bytes(),
            Self::Extension(nibbles) => {
                let mut bytes = vec![ROOT_EXTENSION];
                put_nibbles(&mut bytes, nibbles);
                bytes
            }
            Self::Leaf(key) => [&[ROOT_LEAF], key.as_slice()].concat(),
        }
    }

    /// Reads a record, which has to fill `bytes` to the end.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut rest = bytes;
        let record = match bytes.first() {
            Some(&ROOT_EXTENSION) => {
                take(&mut rest, 1)?;
                Self::Extension(take_nibbles(&mut rest)?)
            }
            Some(&ROOT_LEAF) => {
                take(&mut rest, 1)?;
                Self::Leaf(B256::from_slice(take(&mut rest, 32)?))
            }
            _ => Self::Branch(Arc::new(Branch(take_children(&mut rest, None)?))),
        };
        if rest.is_empty() {
            Ok(record)
        } else {
            Err("longer than its contents")
        }
    }
}

/// What a leaf's parent holds, for a leaf at `depth` nibbles.
pub(super) fn leaf_rlp(path: &Nibbles, depth: usize, value: &[u8]) -> Vec<u8> {
    let rest = path.slice(depth..);
    let mut rlp = Vec::with_capacity(value.len() + LEAF_RLP_OVERHEAD);
    alloy_rlp::Encodable::encode(&LeafNodeRef::new(&rest, value), &mut rlp);
    rlp
}

/// Bytes that a leaf's RLP has beside its value: headers, and a key of 33 bytes.
const LEAF_RLP_OVERHEAD: usize = 42;

/// RLP of an extension of `nibbles` to a branch.
pub(super) fn extension_rlp(nibbles: &Nibbles, branch: &RlpNode) -> Vec<u8> {
    let mut rlp = Vec::with_capacity(LEAF_RLP_OVERHEAD + 33);
    alloy_rlp::Encodable::encode(&ExtensionNodeRef::new(nibbles, branch), &mut rlp);
    rlp
}

/// Writes some children; `keys` names the keys of those that are leaves.
pub(super) fn put_children(bytes: &mut Vec<u8>, children: &[Option<Child>; WIDTH], keys: Option<&LeafKeys>) {
    let mask = |holds: &dyn Fn(&Child) -> bool| {
        children.iter().enumerate().fold(0_u16, |mask, (nibble, child)| {
            mask | u16::from(child.as_ref().is_some_and(holds)) << nibble
        })
    };
    let extensions = mask(&|child| matches!(child.below, Below::Extension(_)));
    let inline = mask(&|child| !child.node.is_hash());
    let mut flags = 0;
    for (is_set, flag) in [
        (extensions != 0, EXTENSIONS),
        (inline != 0, INLINE),
        (keys.is_some(), KEYS),
    ] {
        flags |= if is_set { flag } else { 0 };
    }
    bytes.push(flags);
    bytes.extend_from_slice(&mask(&|_| true).to_be_bytes());
    bytes.extend_from_slice(&mask(&|child| child.below != Below::Leaf).to_be_bytes());
    for mask in [extensions, inline].into_iter().filter(|mask| *mask != 0) {
        bytes.extend_from_slice(&mask.to_be_bytes());
    }
    for (nibble, child) in children.iter().enumerate() {
        let Some(child) = child else { continue };
        match child.node.is_hash() {
            true => bytes.extend_from_slice(&child.node[1..]),
            false => {
                bytes.push(u8::try_from(child.node.len()).expect("a node that is no hash is shorter than 32 bytes"));
                bytes.extend_from_slice(&child.node);
            }
        }
        if let Below::Extension(nibbles) = &child.below {
            put_nibbles(bytes, nibbles);
        }
        if let (Some(keys), Below::Leaf) = (keys, &child.below) {
            let key = keys[nibble].expect("whoever changes a leaf knows its key");
            bytes.extend_from_slice(key.as_slice());
        }
    }
}

/// Reads what [`put_children`] wrote, into `keys` the keys of leaves if they are there.
pub(super) fn take_children(
    bytes: &mut &[u8],
    mut keys: Option<&mut LeafKeys>,
) -> Result<[Option<Child>; WIDTH], &'static str> {
    let flags = take(bytes, 1)?[0];
    if flags & !(EXTENSIONS | INLINE | KEYS) != 0 || (flags & KEYS != 0) != keys.is_some() {
        return Err("of another kind than belongs here");
    }
    let (present, branches) = (take_mask(bytes)?, take_mask(bytes)?);
    let extensions = if flags & EXTENSIONS != 0 { take_mask(bytes)? } else { 0 };
    let inline = if flags & INLINE != 0 { take_mask(bytes)? } else { 0 };
    if (branches | inline) & !present != 0 || extensions & !branches != 0 {
        return Err("masks that contradict each other");
    }
    let mut children = <[Option<Child>; WIDTH]>::default();
    for (nibble, slot) in children.iter_mut().enumerate() {
        let is_in = |mask: u16| mask >> nibble & 1 == 1;
        if !is_in(present) {
            continue;
        }
        let node = if is_in(inline) {
            let length = usize::from(take(bytes, 1)?[0]);
            RlpNode::from_raw(take(bytes, length)?).ok_or("a short node that is long")?
        } else {
            RlpNode::word_rlp(&B256::from_slice(take(bytes, 32)?))
        };
        let below = match (is_in(branches), is_in(extensions)) {
            (false, _) => Below::Leaf,
            (true, false) => Below::Branch,
            (true, true) => Below::Extension(Box::new(take_nibbles(bytes)?)),
        };
        if let (Some(keys), Below::Leaf) = (keys.as_deref_mut(), &below) {
            keys[nibble] = Some(B256::from_slice(take(bytes, 32)?));
        }
        *slot = Some(Child { node, below });
    }
    Ok(children)
}

fn put_nibbles(bytes: &mut Vec<u8>, nibbles: &Nibbles) {
    bytes.push(u8::try_from(nibbles.len()).expect("a path has at most 64 nibbles"));
    bytes.extend_from_slice(&nibbles.pack());
}

fn take_nibbles(bytes: &mut &[u8]) -> Result<Nibbles, &'static str> {
    let length = usize::from(take(bytes, 1)?[0]);
    if length == 0 || length > PATH_NIBBLES {
        return Err("an extension of impossible length");
    }
    let packed = take(bytes, length.div_ceil(2))?;
    Ok(Nibbles::unpack(packed).slice(..length))
}

fn take_mask(bytes: &mut &[u8]) -> Result<u16, &'static str> {
    let bytes = take(bytes, 2)?;
    Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
}

pub(super) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], &'static str> {
    bytes.split_off(..length).ok_or("shorter than its contents")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> RlpNode {
        RlpNode::word_rlp(&B256::repeat_byte(byte))
    }

    fn branch() -> Branch {
        let mut branch = Branch::default();
        let extension = Box::new(Nibbles::from_nibbles([1, 2, 3]));
        for (nibble, node, below) in [
            (0, hash(7), Below::Leaf),
            (5, hash(8), Below::Branch),
            (9, hash(9), Below::Extension(extension)),
            (15, RlpNode::from_raw(&[0xc2, 1, 2]).expect("short"), Below::Leaf),
        ] {
            branch.0[nibble] = Some(Child { node, below });
        }
        branch
    }

    #[test]
    fn every_kind_of_record_reads_back() {
        for record in [
            Record::Branch(Arc::new(branch())),
            Record::Leaf(B256::repeat_byte(3)),
            Record::Extension(Nibbles::from_nibbles([4])),
        ] {
            assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record));
        }
        let mut keys = LeafKeys::default();
        (keys[0], keys[15]) = (Some(B256::repeat_byte(1)), Some(B256::repeat_byte(2)));
        let mut bytes = Vec::new();
        put_children(&mut bytes, &branch().0, Some(&keys));
        let mut found = LeafKeys::default();
        assert_eq!(take_children(&mut bytes.as_slice(), Some(&mut found)), Ok(branch().0));
        assert_eq!(found, keys);
        Record::from_bytes(&bytes).expect_err("keys belong into undo records alone");
    }

    #[test]
    fn a_record_that_was_cut_or_grew_is_refused() {
        let bytes = branch().to_bytes();
        for length in 0..bytes.len() {
            Record::from_bytes(&bytes[..length]).expect_err("cut");
        }
        Record::from_bytes(&[bytes.as_slice(), &[0]].concat()).expect_err("grown");
        Record::from_bytes(&[ROOT_EXTENSION, 0]).expect_err("an extension of nothing");
        Record::from_bytes(&[0x80, 0, 0, 0, 0]).expect_err("an unknown kind");
        Record::from_bytes(&[0, 0, 0, 0, 1]).expect_err("a branch below no child");
    }
}
