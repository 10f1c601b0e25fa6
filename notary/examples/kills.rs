//! Is anything lost when the server is killed? `cargo run --example kills -- 100`: so many kills on SQLite, and as many on PostgreSQL if
//! it is installed, by the code of the tests. Build the binaries first (`cargo build --workspace`).

#![allow(dead_code, reason = "the tests use more of what is included here")]
#![allow(clippy::unwrap_used, reason = "a panic is its message, as in the tests")]

#[path = "../tests/it/kills.rs"]
mod kills;
#[path = "../tests/it/kit.rs"]
mod kit;
#[path = "../tests/it/postgres.rs"]
mod postgres;
#[path = "../tests/it/town.rs"]
mod town;

use std::time::Instant;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let count = count.expect("usage: kills COUNT");
    let started = Instant::now();
    kills::kill(None, count);
    println!("SQLite: nothing lost, {} s", started.elapsed().as_secs());
    if let Some(server) = postgres::Postgres::start() {
        let started = Instant::now();
        kills::kill(Some(server.database("kills")), count);
        println!("PostgreSQL: nothing lost, {} s", started.elapsed().as_secs());
    }
}
