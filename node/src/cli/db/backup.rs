//! `ledger-node db backup` and `ledger-node db restore`

use std::path::Path;

use serde_json::json;

use super::{DbError, Place, output, shown, size, source::Checkpoint};
use crate::{
    backup::{self, Manifest, Restore},
    error::NodeError,
};

pub(super) fn make(place: &Place, to: &Path) -> Result<(), NodeError> {
    let checkpoint = Checkpoint::of(place)?;
    let manifest = backup::make(checkpoint.path(), to, place.identity).map_err(DbError::from)?;
    drop(checkpoint);
    output(place.json, &summary(&manifest, to), || {
        format!(
            "{}\nThe guard store is not part of it, and must not be: it records what the key has signed.",
            text("backup", &manifest, to)
        )
    })
}

pub(super) fn restore(place: &Place, from: &Path, replace: bool) -> Result<(), NodeError> {
    let chain = place.chain();
    let what = Restore {
        from,
        chain: &chain,
        identity: place.identity,
        replace,
    };
    let (manifest, replaced) = backup::restore(&what).map_err(DbError::from)?;
    let mut json = summary(&manifest, &chain);
    json["replaced"] = json!(replaced);
    output(place.json, &json, || {
        let mut lines = vec![text("restored to", &manifest, &chain)];
        if let Some(replaced) = &replaced {
            lines.push(format!("The database that was there is now {}.", shown(replaced)));
        }
        lines.push(
            "The guard store was left alone. If this node's key has signed blocks after this one, the node will say so \
             and what to do."
                .to_owned(),
        );
        lines.join("\n")
    })
}

fn summary(manifest: &Manifest, at: &Path) -> serde_json::Value {
    json!({
        "folder": shown(at),
        "chain_id": manifest.chain_id,
        "genesis": manifest.genesis,
        "head": manifest.head,
        "head_hash": manifest.head_hash,
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
        "has_guard": manifest.has_guard,
    })
}

fn text(what: &str, manifest: &Manifest, at: &Path) -> String {
    format!(
        "{what:<12} {}\nhead         block {}, {}\nfiles        {}, {} in all, SHA-256 of each in backup.json",
        shown(at),
        manifest.head,
        manifest.head_hash,
        manifest.files.len(),
        size(manifest.bytes()),
    )
}
