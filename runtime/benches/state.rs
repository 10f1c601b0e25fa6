//! How long do roots, commits, reads and proofs take over a state of a given size?
//!
//! `cargo bench -p ledger-runtime` measures 200,000 accounts and as many slots of one contract; `ACCOUNTS=1000000` another
//! size. Each block changes 2,000 accounts and 4,000 slots, as 2,000 token transfers do.

#[expect(dead_code, reason = "the tests' chain has more than this needs")]
#[path = "../tests/it/chain.rs"]
mod chain;

use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256, keccak256};
use chain::{Chain, Extras, Random, account};
use ledger_chainspec::BlockNumber;
use ledger_runtime::state::StateDiff;
use ledger_runtime::store::History;

/// Blocks measured; the last half counts, when the state has left the memtables.
const BLOCKS: u64 = 40;
const ACCOUNTS_PER_BLOCK: u64 = 2_000;
const SLOTS_PER_BLOCK: u64 = 4_000;
const READS: u64 = 10_000;
const PROOFS: u64 = 2_000;

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

fn slot(index: u64) -> U256 {
    U256::from_be_bytes(keccak256(index.to_le_bytes()).0)
}

fn genesis(size: u64) -> StateDiff {
    let mut diff = chain::diff((0..size).map(|index| (address(index), account(0, index))));
    let contract = diff
        .accounts
        .get_mut(&address(0))
        .expect("there is one account at least");
    contract.slots = (0..size)
        .map(|index| (slot(index), U256::from(index + 1).into()))
        .collect();
    diff
}

fn block(random: &mut Random, number: u64, size: u64) -> StateDiff {
    let mut diff = StateDiff::default();
    for _ in 0..ACCOUNTS_PER_BLOCK {
        diff.accounts
            .insert(address(random.below(size)), account(number, random.below(1_000_000)));
    }
    let mut contract = account(number, 0);
    for _ in 0..SLOTS_PER_BLOCK {
        contract
            .slots
            .insert(slot(random.below(size)), U256::from(random.below(1_000_000) + 1).into());
    }
    diff.accounts.insert(address(0), contract);
    diff
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    println!(
        "{what}: median {:.1?}, worst {:.1?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

fn main() {
    let size = std::env::var("ACCOUNTS").map_or(200_000, |size| size.parse().expect("ACCOUNTS is a number"));
    let dir = tempfile::tempdir().expect("a folder for the database");
    let chain = Chain::create(dir.path(), History::Blocks(BLOCKS), &genesis(size));
    let mut random = Random::new(7);
    let (mut roots, mut commits) = (Vec::new(), Vec::new());
    for number in 1..=BLOCKS {
        let diff = block(&mut random, number, size);
        let start = Instant::now();
        let block = chain.build(&diff, Extras::default());
        let computed = Instant::now();
        chain.store.commit(&block).expect("the block fits");
        if number > BLOCKS / 2 {
            roots.push(computed - start);
            commits.push(computed.elapsed());
        }
    }
    println!("{size} accounts, {size} slots; per block {ACCOUNTS_PER_BLOCK} accounts, {SLOTS_PER_BLOCK} slots");
    print("root", roots);
    print("commit, synced", commits);
    for (name, number) in [("head", BLOCKS), ("oldest block", 0)] {
        let view = chain
            .store
            .state_at(BlockNumber::new(number))
            .expect("within the window");
        let start = Instant::now();
        for _ in 0..READS {
            view.account(&address(random.below(size))).expect("readable");
        }
        let reads = start.elapsed();
        let start = Instant::now();
        for _ in 0..PROOFS {
            view.proof(&address(random.below(size)), &[]).expect("provable");
        }
        let proofs = start.elapsed();
        println!(
            "{name}: {:.1} us per account, {:.1} us per account proof",
            reads.as_secs_f64() * 1e6 / READS as f64,
            proofs.as_secs_f64() * 1e6 / PROOFS as f64,
        );
    }
}
