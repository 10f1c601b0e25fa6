//! How is a record of the flat state written, and what does it say of the past?
//!
//! Beside the trie's leaf it names the block that wrote it. Whoever reads an older state knows by that whether the record is
//! of then, and needs no undo record of what was created since. The record is the undo record as well, once another block
//! changes it. Bytes are in STORAGE.md.

use std::sync::LazyLock;

use alloy_primitives::{B256, KECCAK256_EMPTY};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::BlockNumber;
use parity_scale_codec::{Compact, Decode, Encode};

use super::Column;

/// An account's leaf is there as it is.
const WHOLE: u8 = 0;
/// The leaf is a list of a few fields and then the storage root and code hash of an account that has neither.
const PLAIN: u8 = 1;

/// First byte of the RLP of a list whose length takes one byte.
const LIST: u8 = 0xf8;

/// First byte of the RLP of a hash.
const HASH: u8 = 0xa0;

/// RLP of the storage root and the code hash of an account without storage and without code: most accounts of a chain.
static PLAIN_END: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let field = |hash: B256| [&[HASH], hash.as_slice()].concat();
    [field(EMPTY_ROOT_HASH), field(KECCAK256_EMPTY)].concat()
});

/// A record of the flat state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlatRecord {
    /// The block that wrote it; 0 for what came with a state from another node, which is older than all that is readable.
    pub(crate) since: BlockNumber,
    /// The trie's leaf.
    pub(crate) leaf: Vec<u8>,
}

impl FlatRecord {
    /// What a record of `column` holds.
    pub(crate) fn to_bytes(&self, column: Column) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.leaf.len() + 6);
        Compact(self.since.get()).encode_to(&mut bytes);
        if column == Column::Accounts {
            match plain_fields(&self.leaf) {
                Some(fields) => {
                    bytes.push(PLAIN);
                    bytes.extend_from_slice(fields);
                    return bytes;
                }
                None => bytes.push(WHOLE),
            }
        }
        bytes.extend_from_slice(&self.leaf);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn from_bytes(column: Column, mut bytes: &[u8]) -> Result<Self, &'static str> {
        let Compact(since) = Compact::<u64>::decode(&mut bytes).map_err(|_| "without the block that wrote it")?;
        let since = BlockNumber::new(since);
        let leaf = match (column, bytes.split_first()) {
            (Column::Accounts, Some((&PLAIN, fields))) => plain_leaf(fields)?,
            (Column::Accounts, Some((&WHOLE, leaf))) if plain_fields(leaf).is_none() => leaf.to_vec(),
            (Column::Accounts, _) => return Err("an account of no known form"),
            _ => bytes.to_vec(),
        };
        if leaf.is_empty() {
            return Err("a leaf of nothing");
        }
        Ok(Self { since, leaf })
    }

    /// The record, if it was there after block `at` already.
    pub(super) fn if_by(self, at: BlockNumber) -> Option<Self> {
        (self.since <= at).then_some(self)
    }
}

/// The first fields of a plain account's leaf; `None` for any other leaf.
fn plain_fields(leaf: &[u8]) -> Option<&[u8]> {
    let [LIST, length, payload @ ..] = leaf else {
        return None;
    };
    let fields = payload.strip_suffix(PLAIN_END.as_slice())?;
    (usize::from(*length) == payload.len()).then_some(fields)
}

fn plain_leaf(fields: &[u8]) -> Result<Vec<u8>, &'static str> {
    let length = u8::try_from(fields.len() + PLAIN_END.len()).map_err(|_| "an account of too many fields")?;
    Ok([&[LIST, length], fields, &PLAIN_END].concat())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use proptest::prelude::*;

    use super::*;
    use crate::state::AccountRecord;

    fn account(nonce: u64, code: B256) -> Vec<u8> {
        alloy_rlp::encode(AccountRecord::new(nonce, U256::from(nonce), EMPTY_ROOT_HASH, code))
    }

    #[test]
    fn an_account_without_code_and_storage_is_short() {
        let since = BlockNumber::new(0x1234);
        for (leaf, length) in [
            (account(7, KECCAK256_EMPTY), 2 + 1 + 2),
            (account(u64::MAX, KECCAK256_EMPTY), 2 + 1 + 18),
            (account(7, B256::repeat_byte(1)), 2 + 1 + 70),
        ] {
            let record = FlatRecord { since, leaf };
            let bytes = record.to_bytes(Column::Accounts);
            assert_eq!(bytes.len(), length);
            assert_eq!(FlatRecord::from_bytes(Column::Accounts, &bytes), Ok(record));
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let plain = account(7, KECCAK256_EMPTY);
        for bytes in [
            &[][..],
            &[0],
            &[0, 2, 1],
            &[0, 0],
            &[3],
            &[[0, WHOLE].as_slice(), &plain].concat(),
            &[[0, PLAIN].as_slice(), &[0; 190]].concat(),
        ] {
            FlatRecord::from_bytes(Column::Accounts, bytes).expect_err("no account");
        }
        for bytes in [&[][..], &[0], &[3]] {
            FlatRecord::from_bytes(Column::Storage, bytes).expect_err("no slot");
        }
    }

    proptest! {
        #[test]
        fn records_read_back_whatever_the_leaf(
            since in 0..u64::MAX,
            leaf in prop::collection::vec(any::<u8>(), 1..80),
            is_plain: bool,
            is_account: bool,
        ) {
            let leaf = match is_plain {
                true => [&[LIST, u8::try_from(leaf.len() + 66).expect("short")], leaf.as_slice(), &PLAIN_END].concat(),
                false => leaf,
            };
            let column = if is_account { Column::Accounts } else { Column::Storage };
            let record = FlatRecord { since: BlockNumber::new(since), leaf };
            prop_assert_eq!(FlatRecord::from_bytes(column, &record.to_bytes(column)), Ok(record));
        }
    }
}
