//! A database as RocksDB has it, without a store: to look at bytes, and to change them.

use std::path::Path;

use ledger_runtime::store::Column;
use parity_scale_codec::{Compact, Decode};
use rocksdb::{DB, IteratorMode, Options};

fn columns() -> impl Iterator<Item = (&'static str, Options)> {
    let default = std::iter::once(("default", Options::default()));
    default.chain(Column::ALL.map(|column| (column.name(), column.raw_options())))
}

/// Opens a database that nobody has open.
pub fn open(path: &Path) -> DB {
    DB::open_cf_with_opts(&Options::default(), path, columns()).expect("a database")
}

/// As [`records`], without the block that wrote a record of the flat state, which a state from another node does not tell.
pub fn state_records(path: &Path, column: Column) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records = records(path, column);
    if matches!(column, Column::Accounts | Column::Storage) {
        for (_, value) in &mut records {
            let mut rest = value.as_slice();
            Compact::<u64>::decode(&mut rest).expect("begins with a block");
            *value = rest.to_vec();
        }
    }
    records
}

/// All records of a column, whoever has the database open.
pub fn records(path: &Path, column: Column) -> Vec<(Vec<u8>, Vec<u8>)> {
    let db = DB::open_cf_with_opts_for_read_only(&Options::default(), path, columns(), false).expect("a database");
    let handle = db.cf_handle(column.name()).expect("there");
    db.iterator_cf(&handle, IteratorMode::Start)
        .map(|record| {
            let (key, value) = record.expect("readable");
            (key.into_vec(), value.into_vec())
        })
        .collect()
}
