//! A database as RocksDB has it, without a store: to look at bytes, and to change them.

use std::path::Path;

use ledger_runtime::store::Column;
use rocksdb::{DB, IteratorMode, Options};

fn columns() -> impl Iterator<Item = (&'static str, Options)> {
    let default = std::iter::once(("default", Options::default()));
    default.chain(Column::ALL.map(|column| (column.name(), column.raw_options())))
}

/// Opens a database that nobody has open.
pub fn open(path: &Path) -> DB {
    DB::open_cf_with_opts(&Options::default(), path, columns()).expect("a database")
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
