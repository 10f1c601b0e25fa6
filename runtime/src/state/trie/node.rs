//! What is kept of a trie on disk, and in which bytes? (STORAGE.md)
//!
//! For each child a branch keeps what the Ethereum node would hold (the hash, or a node shorter than 32 bytes itself) and what
//! lies below. The codec also writes a part of a branch's children, which is what the history keeps of a block's changes.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_rlp::{EMPTY_STRING_CODE, Header};
use alloy_trie::Nibbles;
use alloy_trie::nodes::{ExtensionNodeRef, LeafNodeRef, RlpNode};

/// Children of a branch.
pub(super) const WIDTH: usize = 16;

/// Nibbles of a hashed key.
pub(super) const PATH_NIBBLES: usize = 64;

/// First byte of a branch's record: what its children need beside a hash each.
const EXTENSIONS: u8 = 1;
const INLINE: u8 = 2;
const COUNTED: u8 = 4;
/// First byte of the root's record where the root is an extension.
const ROOT_EXTENSION: u8 = 0x10;

/// Leaves of a subtree that has no records of its own, at most. Building one is as much work as hashing a few branches.
pub(super) const SMALL_LEAVES_MAX: usize = 16;

/// Leaves with which a branch that has a record loses it. Half of what gives it one, so that a leaf that comes and goes
/// does not move records.
pub(super) const RECORD_LOST_LEAVES_MAX: usize = SMALL_LEAVES_MAX / 2;

/// Leaves below a low branch at most. The history keeps nothing of such a branch: as of an older block it is built from its
/// leaves, so that this bounds what a proof of then takes: 0.2 ms where there are 250.
pub(super) const LOW_LEAVES_MAX: u16 = 1024;

/// How many leaves there are below a branch, if it is a low one.
pub(super) type LowLeaves = Option<u16>;

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
    /// A subtree without records, of this many leaves: the flat state's records below the child's place.
    Small(u8),
    /// A branch with a record.
    Branch(LowLeaves),
    /// An extension of these nibbles, and then a branch with a record. Boxed, because it is rare and large.
    Extension(Box<Nibbles>, LowLeaves),
}

impl Below {
    /// The leaves of a low branch that has a record.
    const fn counted(&self) -> LowLeaves {
        match self {
            Self::Small(_) => None,
            Self::Branch(leaves) | Self::Extension(_, leaves) => *leaves,
        }
    }
}

/// A branch, by its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Branch(pub(super) [Option<Child>; WIDTH]);

impl Branch {
    pub(super) fn child(&self, nibble: u8) -> Option<&Child> {
        self.0.get(usize::from(nibble)).and_then(Option::as_ref)
    }

    /// How many leaves there are below; `None` if a child has a record, and with it many.
    pub(super) fn leaves_if_small(&self) -> Option<usize> {
        self.0.iter().flatten().try_fold(0, |sum, child| match child.below {
            Below::Small(leaves) => Some(sum + usize::from(leaves)),
            Below::Branch(_) | Below::Extension(..) => None,
        })
    }

    /// How many leaves there are below, if these are few enough to build the branch from.
    pub(super) fn low_leaves(&self) -> LowLeaves {
        let sum = self.0.iter().flatten().try_fold(0_u16, |sum, child| match child.below {
            Below::Small(leaves) => sum.checked_add(leaves.into()),
            Below::Branch(leaves) | Below::Extension(_, leaves) => sum.checked_add(leaves?),
        });
        sum.filter(|sum| *sum <= LOW_LEAVES_MAX)
    }

    /// RLP of the Ethereum node: sixteen children and no value.
    pub(super) fn rlp(&self) -> Vec<u8> {
        let children = self
            .0
            .iter()
            .map(|child| child.as_ref().map_or(1, |child| child.node.len()));
        let header = Header {
            list: true,
            payload_length: children.sum::<usize>() + 1,
        };
        let mut rlp = Vec::with_capacity(header.length_with_payload());
        header.encode(&mut rlp);
        for child in &self.0 {
            match child {
                Some(child) => rlp.extend_from_slice(&child.node),
                None => rlp.push(EMPTY_STRING_CODE),
            }
        }
        rlp.push(EMPTY_STRING_CODE);
        rlp
    }

    /// What a parent holds of this branch.
    pub(super) fn node(&self) -> RlpNode {
        RlpNode::from_rlp(&self.rlp())
    }

    /// The record of this branch.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BRANCH_BYTES);
        put_children(&mut bytes, &self.0);
        bytes
    }
}

/// Bytes of a branch with sixteen hashes and what stands beside them.
pub(super) const BRANCH_BYTES: usize = 7 + WIDTH * 34;

/// A record of a trie: a branch or, under the empty path alone, where the top branch is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Branch(Arc<Branch>),
    /// The top branch lies at this path.
    Extension(Nibbles),
}

impl Record {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Branch(branch) => branch.to_bytes(),
            Self::Extension(nibbles) => {
                let mut bytes = vec![ROOT_EXTENSION];
                put_nibbles(&mut bytes, nibbles);
                bytes
            }
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
            _ => Self::Branch(Arc::new(Branch(take_children(&mut rest)?))),
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

/// Writes some children.
pub(super) fn put_children(bytes: &mut Vec<u8>, children: &[Option<Child>; WIDTH]) {
    let (mut present, mut records) = (0_u16, 0_u16);
    let mut flagged = [(EXTENSIONS, 0_u16), (INLINE, 0), (COUNTED, 0)];
    for (nibble, child) in children.iter().enumerate() {
        let Some(child) = child else { continue };
        let bit = |is_in: bool| u16::from(is_in) << nibble;
        present |= bit(true);
        records |= bit(!matches!(child.below, Below::Small(_)));
        flagged[0].1 |= bit(matches!(child.below, Below::Extension(..)));
        flagged[1].1 |= bit(!child.node.is_hash());
        flagged[2].1 |= bit(child.below.counted().is_some());
    }
    let flagged = flagged.into_iter().filter(|(_, mask)| *mask != 0);
    bytes.push(flagged.clone().fold(0, |flags, (flag, _)| flags | flag));
    bytes.extend_from_slice(&present.to_be_bytes());
    bytes.extend_from_slice(&records.to_be_bytes());
    for (_, mask) in flagged {
        bytes.extend_from_slice(&mask.to_be_bytes());
    }
    for child in children.iter().flatten() {
        match child.node.is_hash() {
            true => bytes.extend_from_slice(&child.node[1..]),
            false => {
                bytes.push(u8::try_from(child.node.len()).expect("a node that is no hash is shorter than 32 bytes"));
                bytes.extend_from_slice(&child.node);
            }
        }
        match &child.below {
            Below::Small(leaves) => bytes.push(*leaves),
            Below::Branch(_) => {}
            Below::Extension(nibbles, _) => put_nibbles(bytes, nibbles),
        }
        if let Some(leaves) = child.below.counted() {
            bytes.extend_from_slice(&leaves.to_be_bytes());
        }
    }
}

/// Reads what [`put_children`] wrote.
pub(super) fn take_children(bytes: &mut &[u8]) -> Result<[Option<Child>; WIDTH], &'static str> {
    let flags = take(bytes, 1)?[0];
    if flags & !(EXTENSIONS | INLINE | COUNTED) != 0 {
        return Err("of another kind than belongs here");
    }
    let (present, records) = (take_mask(bytes)?, take_mask(bytes)?);
    let mut flagged = |flag| match flags & flag {
        0 => Ok(0),
        _ => take_mask(bytes).and_then(|mask| if mask == 0 { Err("a mask of nothing") } else { Ok(mask) }),
    };
    let (extensions, inline, counted) = (flagged(EXTENSIONS)?, flagged(INLINE)?, flagged(COUNTED)?);
    if (records | inline) & !present != 0 || (extensions | counted) & !records != 0 {
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
            if length == 0 || length >= B256::len_bytes() {
                return Err("a short node of impossible length");
            }
            RlpNode::from_raw(take(bytes, length)?).ok_or("a short node that is long")?
        } else {
            RlpNode::word_rlp(&B256::from_slice(take(bytes, 32)?))
        };
        let nibbles = is_in(extensions).then(|| take_nibbles(bytes)).transpose()?;
        let below = if is_in(records) {
            let leaves = is_in(counted).then(|| take_low(bytes)).transpose()?;
            match nibbles {
                None => Below::Branch(leaves),
                Some(nibbles) => Below::Extension(Box::new(nibbles), leaves),
            }
        } else {
            Below::Small(take_small(bytes)?)
        };
        *slot = Some(Child { node, below });
    }
    Ok(children)
}

fn take_small(bytes: &mut &[u8]) -> Result<u8, &'static str> {
    let leaves = take(bytes, 1)?[0];
    if leaves == 0 || usize::from(leaves) > SMALL_LEAVES_MAX {
        return Err("a small subtree of impossible size");
    }
    Ok(leaves)
}

fn take_low(bytes: &mut &[u8]) -> Result<u16, &'static str> {
    let leaves = take_mask(bytes)?;
    if leaves == 0 || leaves > LOW_LEAVES_MAX {
        return Err("a low branch of impossible size");
    }
    Ok(leaves)
}

fn put_nibbles(bytes: &mut Vec<u8>, nibbles: &Nibbles) {
    bytes.push(u8::try_from(nibbles.len()).expect("a path has at most 64 nibbles"));
    bytes.extend_from_slice(&nibbles.pack());
}

fn take_nibbles(bytes: &mut &[u8]) -> Result<Nibbles, &'static str> {
    let length = usize::from(take(bytes, 1)?[0]);
    if length == 0 || length >= PATH_NIBBLES {
        return Err("an extension of impossible length");
    }
    let packed = take(bytes, length.div_ceil(2))?;
    let nibbles = Nibbles::unpack(packed);
    if nibbles.len() > length && nibbles.last() != Some(0) {
        return Err("an extension with more nibbles than it has");
    }
    Ok(nibbles.slice(..length))
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
            (0, hash(7), Below::Small(16)),
            (4, hash(6), Below::Branch(Some(258))),
            (5, hash(8), Below::Branch(None)),
            (8, hash(5), Below::Extension(extension.clone(), Some(17))),
            (9, hash(9), Below::Extension(extension, None)),
            (15, RlpNode::from_raw(&[0xc2, 1, 2]).expect("short"), Below::Small(1)),
        ] {
            branch.0[nibble] = Some(Child { node, below });
        }
        branch
    }

    #[test]
    fn every_kind_of_record_reads_back() {
        for record in [
            Record::Branch(Arc::new(branch())),
            Record::Extension(Nibbles::from_nibbles([4])),
        ] {
            assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record));
        }
    }

    #[test]
    fn the_bytes_of_a_branch_are_those_of_the_storage_format() {
        let bytes = [
            &[7, 0x83, 0x31, 0x03, 0x30, 0x03, 0x00, 0x80, 0x00, 0x01, 0x10][..],
            &[7; 32],
            &[16],
            &[6; 32],
            &[1, 2],
            &[8; 32],
            &[5; 32],
            &[3, 0x12, 0x30],
            &[0, 17],
            &[9; 32],
            &[3, 0x12, 0x30],
            &[3, 0xc2, 1, 2, 1],
        ]
        .concat();
        assert_eq!(branch().to_bytes(), bytes);
    }

    #[test]
    fn a_record_that_was_cut_or_grew_is_refused() {
        let bytes = branch().to_bytes();
        for length in 0..bytes.len() {
            Record::from_bytes(&bytes[..length]).expect_err("cut");
        }
        Record::from_bytes(&[bytes.as_slice(), &[0]].concat()).expect_err("grown");
        Record::from_bytes(&[ROOT_EXTENSION, 0]).expect_err("an extension of nothing");
        Record::from_bytes(&[&[ROOT_EXTENSION, 64][..], &[0; 32]].concat()).expect_err("no place left for a branch");
        Record::from_bytes(&[ROOT_EXTENSION, 1, 0x12]).expect_err("a nibble behind the last");
        Record::from_bytes(&[EXTENSIONS, 0, 0, 0, 0, 0, 0]).expect_err("a mask of nothing");
        Record::from_bytes(&[&[INLINE, 0, 1, 0, 0, 0, 1, 32][..], &[0; 32], &[1]].concat()).expect_err("a long node");
        Record::from_bytes(&[0x80, 0, 0, 0, 0]).expect_err("an unknown kind");
        Record::from_bytes(&[0, 0, 0, 0, 1]).expect_err("a branch below no child");
        let small = |leaves| [&[0, 0, 1, 0, 0][..], &[7; 32], &[leaves]].concat();
        Record::from_bytes(&small(16)).expect("a small subtree");
        Record::from_bytes(&small(17)).expect_err("too large to be small");
        Record::from_bytes(&small(0)).expect_err("of no leaf");
        let low = |leaves: u16| [&[COUNTED, 0, 1, 0, 1, 0, 1][..], &[7; 32], &leaves.to_be_bytes()].concat();
        Record::from_bytes(&low(LOW_LEAVES_MAX)).expect("a low branch");
        Record::from_bytes(&low(LOW_LEAVES_MAX + 1)).expect_err("too large to be low");
        Record::from_bytes(&low(0)).expect_err("of no leaf");
        Record::from_bytes(&[COUNTED, 0, 0, 0, 0, 0, 0]).expect_err("a mask of nothing");
        let small_counted = [&[COUNTED, 0, 1, 0, 0, 0, 1][..], &[7; 32], &[0, 1, 1]].concat();
        Record::from_bytes(&small_counted).expect_err("a small subtree is counted already");
    }

    #[test]
    fn a_branch_is_low_if_all_below_it_is_counted_and_little() {
        let of = |children: &[Below]| {
            let mut branch = Branch::default();
            for (slot, below) in branch.0.iter_mut().zip(children) {
                let below = below.clone();
                *slot = Some(Child { node: hash(1), below });
            }
            branch.low_leaves()
        };
        let all_but_one = Below::Branch(Some(LOW_LEAVES_MAX - 1));
        let extension = |leaves| Below::Extension(Box::new(Nibbles::from_nibbles([1])), leaves);
        assert_eq!(
            of(&[Below::Small(3), Below::Branch(Some(20)), extension(Some(30))]),
            Some(53)
        );
        assert_eq!(of(&[all_but_one.clone(), Below::Small(1)]), Some(LOW_LEAVES_MAX));
        assert_eq!(of(&[all_but_one, Below::Small(2)]), None);
        assert_eq!(of(&[Below::Small(1), Below::Branch(None)]), None);
        assert_eq!(of(&[Below::Small(1), extension(None)]), None);
        assert_eq!(of(&vec![Below::Branch(Some(LOW_LEAVES_MAX)); WIDTH]), None);
    }
}
