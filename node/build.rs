//! Which pages does the node carry? Those that `scripts/web.sh` built into `web/dist/pages`; without them `rpc::web` serves one that
//! says how to build them.
//!
//! Writes the table of their names and contents, for `rpc::web` to include. Needs no Node.js and never runs it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    // Asked when it runs: another clone may have compiled this program into the same build folder.
    let crate_folder =
        env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("cargo sets CARGO_MANIFEST_DIR"))?;
    let folder = Path::new(&crate_folder).join("../web/dist");
    // The repository holds this folder, so that pages are noticed that appear in it, change, or go.
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut table = String::from("&[\n");
    for file in files(&folder.join("pages"))? {
        let name = file.strip_prefix(&folder).map_err(io::Error::other)?.to_string_lossy();
        let name = name.trim_start_matches("pages");
        let file = fs::canonicalize(&file)?;
        table.push_str(&format!("    ({name:?}, include_bytes!({file:?})),\n"));
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("web.rs"), table)
}

/// All files in `folder` and below, in the order of their names; none if it does not exist.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}
