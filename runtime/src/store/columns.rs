//! Which column families are there, and how are their keys written? STORAGE.md shows the same as a table.
//!
//! Numbers in keys are big-endian, so that the order of keys is the order of numbers.

use alloy_primitives::{B256, U256};
use ledger_chainspec::{BlockNumber, SetId};
use rocksdb::compaction_filter::Decision as CompactionDecision;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompactionStyle, DBCompressionType, Options, SliceTransform,
    UniversalCompactOptions,
};

use super::TxLocation;
use super::history::DroppableUndo;
use super::patch;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// keccak-256(address) -> the block that wrote it | form | RLP account, as the account trie's leaf.
    Accounts,
    /// keccak-256(address) | keccak-256(slot) -> the block that wrote it | RLP value, as the storage trie's leaf.
    Storage,
    /// Nibbles of the path, one per byte -> branch and its patches, or the root's record.
    AccountTrie,
    /// keccak-256(address) | nibbles of the path, one per byte -> branch and its patches, or the root's record.
    StorageTrie,
    /// keccak-256(code) -> code.
    Code,
    /// Block number -> block hash | RLP header.
    Headers,
    /// Block number | index -> sender | length | EIP-2718 transaction | SCALE receipt.
    Transactions,
    /// Block hash -> block number.
    Canonical,
    /// First bytes of the transaction's hash | SCALE location -> nothing.
    TxLookup,
    /// Code id -> SCALE record of where the promo code was issued and ended.
    Codes,
    /// Counter, month or day, cloud, spec -> SCALE number of promo codes.
    Usage,
    /// Column, key and block -> what of the key's record that block replaced.
    Undo,
    /// Name -> what the database is, its head, its validator sets.
    Meta,
}

impl Column {
    /// Every column family, in the order of STORAGE.md.
    pub const ALL: [Self; 13] = [
        Self::Accounts,
        Self::Storage,
        Self::AccountTrie,
        Self::StorageTrie,
        Self::Code,
        Self::Headers,
        Self::Transactions,
        Self::Canonical,
        Self::TxLookup,
        Self::Codes,
        Self::Usage,
        Self::Undo,
        Self::Meta,
    ];

    /// The column family's name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Storage => "storage",
            Self::AccountTrie => "account_trie",
            Self::StorageTrie => "storage_trie",
            Self::Code => "code",
            Self::Headers => "headers",
            Self::Transactions => "transactions",
            Self::Canonical => "canonical",
            Self::TxLookup => "tx_lookup",
            Self::Codes => "codes",
            Self::Usage => "usage",
            Self::Undo => "undo",
            Self::Meta => "meta",
        }
    }

    /// First byte of this column's keys in [`Self::Undo`]; `None` if the column has no history.
    pub(super) const fn undo_tag(self) -> Option<u8> {
        match self {
            Self::Accounts => Some(1),
            Self::Storage => Some(2),
            Self::AccountTrie => Some(3),
            Self::StorageTrie => Some(4),
            _ => None,
        }
    }

    /// Accounts and blocks compress; hashes do not.
    const fn compression(self) -> DBCompressionType {
        match self {
            Self::Code | Self::Transactions | Self::Headers => DBCompressionType::Zstd,
            Self::Accounts | Self::Storage | Self::TxLookup | Self::Codes | Self::Undo | Self::Meta => {
                DBCompressionType::Lz4
            }
            _ => DBCompressionType::None,
        }
    }

    /// Options for whoever reads this column's files without a [`super::Store`].
    #[must_use]
    pub fn raw_options(self) -> Options {
        let mut options = Options::default();
        if matches!(self, Self::AccountTrie | Self::StorageTrie) {
            patch::set(&mut options);
        }
        options
    }

    /// How this column family is opened.
    pub(super) fn descriptor(
        self,
        cache: &Cache,
        write_buffers_bytes: usize,
        droppable: &DroppableUndo,
    ) -> ColumnFamilyDescriptor {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(cache);
        // An open table keeps its index and its filter in memory, some 2 MiB for 64 MiB of records: looking them up in the
        // cache would cost as much as the rest of a read.
        table.set_cache_index_and_filter_blocks(false);
        table.set_block_size(match self {
            Self::Transactions => TRANSACTION_BLOCK_BYTES,
            _ => TABLE_BLOCK_BYTES,
        });
        table.set_format_version(TABLE_FORMAT_VERSION);
        if self != Self::Undo {
            // Undo records are found by seeking, which a filter cannot help.
            table.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
            table.set_whole_key_filtering(self != Self::TxLookup);
        }
        let mut options = self.raw_options();
        options.set_block_based_table_factory(&table);
        options.set_compression_type(self.compression());
        options.set_write_buffer_size(write_buffers_bytes / COLUMN_SHARE);
        options.set_max_write_buffer_number(2);
        options.set_level_compaction_dynamic_level_bytes(true);
        if self != Self::Undo {
            // Most keys that are looked up are new to the chain, or older than what is in memory.
            options.set_memtable_whole_key_filtering(self != Self::TxLookup);
            options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_RATIO);
        }
        if self == Self::TxLookup {
            // Looked up by the part of the hash that the key begins with.
            options.set_prefix_extractor(SliceTransform::create_fixed_prefix(LOOKUP_HASH_BYTES));
        }
        if self == Self::Undo {
            // Undo records are written once, seldom read and soon dropped: what counts is to move them seldom, and yet to look
            // through the oldest file before most of it is of no use.
            options.set_compaction_style(DBCompactionStyle::Universal);
            let mut universal = UniversalCompactOptions::default();
            universal.set_max_size_amplification_percent(UNDO_BEYOND_OLDEST_PERCENT_MAX);
            options.set_universal_compaction_options(&universal);
            let droppable = droppable.clone();
            options.set_compaction_filter("undo-window", move |_level, key, _value| {
                if droppable.contains(key) {
                    CompactionDecision::Remove
                } else {
                    CompactionDecision::Keep
                }
            });
        }
        ColumnFamilyDescriptor::new(self.name(), options)
    }
}

/// How large the newer files of undo records may become, in percent of the oldest run, before RocksDB puts all of them together and drops
/// what has left the window; it looks once there are four runs. A window of many memtables that stays the same size takes one and a half
/// times its own place then (and that of the new files while they are made), and each record is written three or four times.
const UNDO_BEYOND_OLDEST_PERCENT_MAX: i32 = 50;

/// Size of a block in a table file; small, because nearly all reads are of single records.
const TABLE_BLOCK_BYTES: usize = 4 << 10;

/// The same for transactions, which look much like their neighbours and compress the better the more there are.
const TRANSACTION_BLOCK_BYTES: usize = 16 << 10;

/// RocksDB's table format, fixed so that a newer library does not change it unseen.
const TABLE_FORMAT_VERSION: i32 = 5;

/// Ten bits per key answer 99 of 100 lookups of absent keys without touching the disk.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

/// Part of a memtable that its own filter takes: some ten bits for each of its keys.
const MEMTABLE_BLOOM_RATIO: f64 = 0.02;

/// A column family's memtable takes at most this part of the memory for all.
const COLUMN_SHARE: usize = 4;

/// Names in [`Column::Meta`].
pub(super) mod meta {
    /// SCALE `IdentityRecord`: version of the layout, chain id and genesis hash.
    pub(in crate::store) const IDENTITY: &[u8] = b"identity";
    /// SCALE `HeadRecord`.
    pub(in crate::store) const HEAD: &[u8] = b"head";
    /// Number of the oldest block whose state is readable, SCALE u64.
    pub(in crate::store) const OLDEST_STATE: &[u8] = b"oldest_state";
    /// Number of the oldest block that is kept, SCALE u64; absent if that is genesis.
    pub(in crate::store) const OLDEST_BLOCK: &[u8] = b"oldest_block";
    /// Followed by a set's id, big-endian -> SCALE validator set.
    pub(in crate::store) const VALIDATOR_SET: &[u8] = b"set/";
    /// Followed by a set's id, big-endian -> what handed over to it, if its block did not come with the state.
    pub(in crate::store) const HANDOVER: &[u8] = b"handover/";
    /// Followed by the number of a recovery block, big-endian -> SCALE recovery point.
    pub(in crate::store) const RECOVERY: &[u8] = b"recovery/";
    /// Followed by a promo code's id -> SCALE end of a code whose issue is in a block that is not kept.
    pub(in crate::store) const CODE_END: &[u8] = b"code_end/";
    /// The manifest of the state that is being put in.
    pub(in crate::store) const IMPORT_MANIFEST: &[u8] = b"import/manifest";
    /// How far that is.
    pub(in crate::store) const IMPORT_PROGRESS: &[u8] = b"import/progress";
}

/// Key of a block in [`Column::Headers`].
pub(super) fn block_key(number: BlockNumber) -> [u8; 8] {
    number.get().to_be_bytes()
}

/// Key of a transaction and its receipt in [`Column::Transactions`].
pub(super) fn indexed_key(number: BlockNumber, index: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&block_key(number));
    key[8..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Bytes of its hash that the key of a transaction in [`Column::TxLookup`] begins with. Few transactions share them, and who
/// looks one up compares the whole hash, so that it costs nothing but time if somebody makes some that do.
pub(super) const LOOKUP_HASH_BYTES: usize = 8;

/// What the keys of this transaction in [`Column::TxLookup`] begin with.
pub(super) fn lookup_prefix(hash: &B256) -> &[u8] {
    &hash[..LOOKUP_HASH_BYTES]
}

/// Key of a transaction in [`Column::TxLookup`].
pub(super) fn lookup_key(hash: &B256, at: TxLocation) -> Vec<u8> {
    [lookup_prefix(hash), &at.to_bytes()].concat()
}

/// Where the transaction with this key in [`Column::TxLookup`] is.
pub(crate) fn lookup_location(key: &[u8]) -> Result<TxLocation, String> {
    let location = key
        .get(LOOKUP_HASH_BYTES..)
        .ok_or("shorter than the beginning of a hash")?;
    TxLocation::from_bytes(location)
}

/// Key of a promo code in [`Column::Codes`].
pub(super) fn code_key(id: &U256) -> [u8; 32] {
    id.to_be_bytes()
}

/// Key of a validator set in [`Column::Meta`].
pub(super) fn set_key(id: SetId) -> Vec<u8> {
    [meta::VALIDATOR_SET, &id.get().to_be_bytes()].concat()
}

/// Key of a handover in [`Column::Meta`].
pub(super) fn handover_key(id: SetId) -> Vec<u8> {
    [meta::HANDOVER, &id.get().to_be_bytes()].concat()
}

/// Key of a recovery in [`Column::Meta`].
pub(super) fn recovery_key(number: BlockNumber) -> Vec<u8> {
    [meta::RECOVERY, &block_key(number)].concat()
}

/// Key in [`Column::Meta`] of the end of a promo code whose issue is not known.
pub(super) fn pending_end_key(id: &U256) -> Vec<u8> {
    [meta::CODE_END, &code_key(id)].concat()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use rocksdb::{IteratorMode, WaitForCompactOptions};

    use super::*;
    use crate::store::Database;

    /// Blocks whose undo records are wanted, and records of each.
    const WINDOW: u64 = 64;
    const RECORDS: u64 = 50;
    /// Blocks between two flushes.
    const FLUSHED: u64 = 8;

    #[test]
    fn undo_records_beyond_the_window_stay_fewer_than_those_within() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let cache = Cache::new_lru_cache(1 << 20);
        let droppable = DroppableUndo::default();
        let descriptor = Column::Undo.descriptor(&cache, 1 << 20, &droppable);
        let database = Database::open_cf_descriptors(&options, folder.path(), [descriptor]).expect("it opens");
        let undo = database.cf_handle(Column::Undo.name()).expect("it has the column");
        let tag = Column::Storage.undo_tag().expect("storage has a history");
        for block in 1..=32 * WINDOW {
            for record in 0..RECORDS {
                let key = keccak256((block * RECORDS + record).to_be_bytes());
                let key = [&[tag, 32], key.as_slice(), &block.to_be_bytes()].concat();
                database.put_cf(&undo, key, [7; 40]).expect("the disk takes it");
            }
            if block % FLUSHED == 0 {
                droppable.raise(BlockNumber::new(block.saturating_sub(WINDOW)));
                database.flush_cf(&undo).expect("the disk takes it");
                let rest = WaitForCompactOptions::default();
                database.wait_for_compact(&rest).expect("it comes to rest");
                let records = database.iterator_cf(&undo, IteratorMode::Start).count() as u64;
                let wanted = RECORDS * block.min(WINDOW);
                assert!(
                    (wanted..2 * WINDOW * RECORDS).contains(&records),
                    "{records} records after block {block}, of which {wanted} are wanted"
                );
            }
        }
    }
}
