//! `ledger-node db stats`

use ledger_runtime::store::{Column, ColumnStats, StoreStats};
use serde_json::json;

use super::{DbError, Place, output, shown, size, source::Source};
use crate::error::NodeError;

pub(super) fn run(place: &Place) -> Result<(), NodeError> {
    let source = Source::of(place)?;
    let stats = source.open(place)?.stats().map_err(DbError::from)?;
    source.check_unchanged()?;
    let json = json!({
        "database": shown(source.path()),
        "blocks": stats.keys(Column::Headers),
        "transactions": stats.keys(Column::TxLookup),
        "state_records": state_records(&stats),
        "bytes_per_code": stats.bytes_per_code(),
        "stats": stats,
    });
    output(place.json, &json, || text(&source, &stats))
}

fn state_records(stats: &StoreStats) -> u64 {
    stats.keys(Column::Accounts) + stats.keys(Column::Storage)
}

fn text(source: &Source, stats: &StoreStats) -> String {
    let mut lines = vec![
        format!("database       {}", source.name()),
        format!("blocks         {} (head {})", stats.keys(Column::Headers), stats.head),
        format!("transactions   {}", stats.keys(Column::TxLookup)),
        format!(
            "promo codes    {} issued, {} live",
            stats.codes_issued, stats.codes_live
        ),
        format!("state          {} records", state_records(stats)),
        format!("past states    from block {} on", stats.oldest_state),
    ];
    if stats.oldest_block > 0 {
        lines.push(format!(
            "begins         with block {}: a state came from other nodes",
            stats.oldest_block
        ));
    }
    if let Some(bytes) = stats.bytes_per_code() {
        lines.push(format!("bytes per code {bytes}, everything counted"));
    }
    lines.push(String::new());
    let head = ["column", "keys", "live", "files", "memtables", "files per level"];
    lines.push(row(head.map(str::to_owned)));
    lines.extend(stats.columns.iter().map(|column| row(cells(column))));
    let sum = |of: fn(&ColumnStats) -> u64| stats.columns.iter().map(of).sum::<u64>();
    lines.push(row([
        "together".to_owned(),
        sum(|column| column.keys).to_string(),
        size(sum(|column| column.live_bytes)),
        size(sum(|column| column.file_bytes)),
        size(sum(|column| column.memtable_bytes)),
        String::new(),
    ]));
    lines.join("\n")
}

fn cells(column: &ColumnStats) -> [String; 6] {
    let levels: Vec<_> = column.files_per_level.iter().map(u64::to_string).collect();
    [
        column.name.to_owned(),
        column.keys.to_string(),
        size(column.live_bytes),
        size(column.file_bytes),
        size(column.memtable_bytes),
        levels.join(" "),
    ]
}

fn row(cells: [String; 6]) -> String {
    let [name, keys, live, files, memtables, levels] = cells;
    let row = format!("{name:<13} {keys:>12} {live:>12} {files:>12} {memtables:>12}   {levels}");
    row.trim_end().to_owned()
}
