//! What does a notary publish? `cargo run --example town -- FOLDER`: founds one with real processes, admits a member, and copies what is
//! published to the folder. `scripts/notary-check.sh` lets python-tuf read it. Build the binaries first (`cargo build --workspace`).

#![allow(dead_code, reason = "the tests use more of what is included here")]
#![allow(clippy::unwrap_used, reason = "a panic is its message in what is included here")]

#[path = "../tests/it/kit.rs"]
mod kit;
#[path = "../tests/it/town.rs"]
mod town;

use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .expect("usage: town FOLDER");
    let mut town = town::Town::new(None);
    town.start();
    town.found();
    town.admit("aurora", 41);
    town.audit();
    town::copy(&town.published(), &folder);
}
