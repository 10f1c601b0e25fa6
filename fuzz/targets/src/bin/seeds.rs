//! Writes the seeds of all targets to `fuzz/corpus-seed`. Run it when a format changes, and commit what it changes.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus-seed");
    for (target, name, bytes) in ledger_fuzz_targets::seeds::all() {
        let folder = root.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
