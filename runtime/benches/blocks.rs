//! How long do producing, importing and committing a block take?
//!
//! `cargo bench -p ledger-runtime --bench blocks` measures blocks of 2,000 transfers of as many senders without coins, on
//! the dev chain in a temporary folder. Senders of produced blocks are known already, as they are in a node's pool;
//! import recovers them.

#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "it is the tests' world, and has more than this needs"
)]
#[path = "../tests/it/world.rs"]
mod world;

use std::time::{Duration, Instant};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use ledger_chainspec::Transaction;
use world::{Person, World, certify, seal};

const BLOCKS: u64 = 10;
const TRANSACTIONS: u64 = 2_000;

fn people() -> Vec<Person> {
    let key = |index: u64| B256::from(U256::from(index + 1));
    (0..TRANSACTIONS)
        .map(|index| Person(PrivateKeySigner::from_bytes(&key(index)).expect("a small number is a key")))
        .collect()
}

fn block(people: &[Person], nonce: u64) -> Vec<Recovered<Transaction>> {
    (0..)
        .zip(people)
        .map(|(index, person)| person.pay(nonce, Address::from_word(U256::from(index << 20).into()), 0))
        .collect()
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let median = times[times.len() / 2];
    let rate = TRANSACTIONS as f64 / median.as_secs_f64();
    println!(
        "{what:<10} {:>8.1} ms {rate:>10.0} transactions/s",
        median.as_secs_f64() * 1e3
    );
}

fn main() {
    let people = people();
    let world = World::dev();
    let (mut produced, mut imported, mut committed) = (Vec::new(), Vec::new(), Vec::new());
    for nonce in 0..BLOCKS {
        let candidates = block(&people, nonce);
        let start = Instant::now();
        let done = world.produce(candidates);
        produced.push(start.elapsed());
        assert!(done.skipped.is_empty(), "{:?}", done.skipped.first());
        let executed = seal(&world.runtime, done.executed);
        let certificate = certify(&world.runtime, &executed);
        let block = executed.block();
        let start = Instant::now();
        let executed = world.runtime.import(block).expect("what was produced is imported");
        imported.push(start.elapsed());
        let start = Instant::now();
        world.runtime.commit(executed, certificate).expect("the disk works");
        committed.push(start.elapsed());
    }
    print("produce", produced);
    print("import", imported);
    print("commit", committed);
}
