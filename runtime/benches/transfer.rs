//! How long does it take to come to the state of a chain by taking it, and how long by executing its blocks?
//!
//! `cargo bench --workspace --bench transfer` fills the dev chain with live codes, each asked for by a key of its own, and then
//! brings two new nodes to its head: one imports the blocks as a node does that catches up, one takes the state with what
//! comes along. `CODES=100000` names the size. Whoever gives and whoever takes run one after the other here.

#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "it is the tests' world, and has more than this needs"
)]
#[path = "../tests/it/world.rs"]
mod world;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{TxEip1559, transaction::Recovered};
use alloy_primitives::{TxKind, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::{BlockNumber, ChainSpec, Transaction, digest_of, predeploys::TRANSACT};
use ledger_contracts::Transact;
use ledger_runtime::{
    CertifiedBlocks, IncomingBlock, Runtime, RuntimeOptions,
    transfer::{CHUNK_BYTES_ASKED_MAX, StateChunk, StateCursor, StateImport},
};
use rayon::prelude::*;
use world::Person;

/// Requests of one block: what the open lane of the largest block holds.
const REQUESTS: usize = 1_500;
/// More than are asked for.
const OFFER: u32 = 1_000_000;
/// Blocks that are fetched at once.
const BATCH: u32 = 16;

/// The allocator of the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let codes = std::env::var("CODES").unwrap_or_else(|_| "100000".to_owned());
    let codes: usize = codes.parse().expect("CODES is a number");
    let folder = tempfile::tempdir().expect("a folder for the databases");
    let giver = Runtime::open(options(&folder.path().join("giver"))).expect("the folder opens");
    fill(&giver, codes);
    let head = giver.head().number();
    println!("{codes} live codes in {head} blocks");

    let follower = Runtime::open(options(&folder.path().join("follower"))).expect("the folder opens");
    let started = Instant::now();
    follow(&giver, &follower);
    let executed = started.elapsed();
    assert_eq!(follower.head(), giver.head());
    println!(
        "executing the blocks         {executed:>10.2?} {:>9.0} codes/s",
        rate(codes, executed)
    );

    let taken = take(&giver, &folder.path().join("taker"));
    for (name, part) in [("state", &taken.state), ("the last 256 blocks", &taken.blocks)] {
        println!(
            "{name:<20} given in {:>10.2?}, taken in {:>10.2?}: {} chunks, {} bytes",
            part.given, part.taken, part.chunks, part.bytes
        );
    }
    let state = taken.state.given + taken.state.taken;
    println!(
        "state, given and taken       {state:>10.2?} {:>9.0} codes/s, {:.1} times as fast as executing",
        rate(codes, state),
        executed.as_secs_f64() / state.as_secs_f64()
    );
    let all = state + taken.blocks.given + taken.blocks.taken + taken.finish;
    println!(
        "with its blocks              {all:>10.2?} {:>9.0} codes/s, {:.1} times as fast as executing",
        rate(codes, all),
        executed.as_secs_f64() / all.as_secs_f64()
    );
}

fn rate(codes: usize, took: Duration) -> f64 {
    codes as f64 / took.as_secs_f64()
}

fn options(path: &Path) -> RuntimeOptions {
    let mut spec = ChainSpec::dev();
    spec.limits.gas_limit = 160_000_000;
    spec.limits.transactions_per_slot = 7_000;
    RuntimeOptions::new(path, Arc::new(spec))
}

fn fill(runtime: &Runtime, codes: usize) {
    let offer = Transact::setOfferCall {
        specId: 1,
        quantity: OFFER,
    };
    block(runtime, vec![Person::number(0).call(0, TRANSACT, offer.abi_encode())]);
    for first in (0..codes).step_by(REQUESTS) {
        let requests = (first..codes.min(first + REQUESTS))
            .into_par_iter()
            .map(|index| {
                let key = PrivateKeySigner::from_bytes(&keccak256(index.to_be_bytes())).expect("a key");
                Person(key).sign(TxEip1559 {
                    chain_id: world::chain_id(),
                    gas_limit: 200_000,
                    to: TxKind::Call(TRANSACT),
                    input: Transact::requestCodeCall { specId: 1 }.abi_encode().into(),
                    ..TxEip1559::default()
                })
            })
            .collect();
        block(runtime, requests);
    }
}

fn block(runtime: &Runtime, candidates: Vec<Recovered<Transaction>>) {
    let (slot, count) = (runtime.head().slot.next().expect("slots go on"), candidates.len());
    let produced = world::produce(runtime, slot, candidates);
    assert_eq!(
        produced.executed.transactions().len(),
        count,
        "{:?}",
        produced.skipped.first()
    );
    world::commit(runtime, produced.executed);
}

/// Imports all blocks as a node does that catches up: in batches, senders ahead, one sync for each batch.
fn follow(giver: &Runtime, follower: &Runtime) {
    while follower.head().number() < giver.head().number() {
        let from = BlockNumber::new(follower.head().number().get() + 1);
        let served = giver.certified_blocks(from, BATCH, usize::MAX).expect("they are kept");
        let CertifiedBlocks { blocks, certificate } = served;
        let certificates = blocks[1..]
            .iter()
            .map(|block| digest_of(&block.header).expect("a digest").parent_certificate);
        let certificates: Vec<_> = certificates.chain([certificate]).collect();
        let mut blocks = blocks.into_iter();
        let mut next = blocks.next().map(IncomingBlock::announce);
        for certificate in certificates {
            let executed = follower
                .import(next.take().expect("one for each"))
                .expect("what was made is imported");
            next = blocks.next().map(IncomingBlock::announce);
            let certificate = certificate.expect("blocks after genesis have one");
            follower.commit_unsynced(executed, certificate).expect("the disk works");
        }
        follower.sync().expect("the disk works");
    }
}

/// Time and size of one kind of chunks.
#[derive(Default)]
struct Part {
    given: Duration,
    taken: Duration,
    chunks: usize,
    bytes: usize,
}

#[derive(Default)]
struct Taken {
    state: Part,
    blocks: Part,
    finish: Duration,
}

fn take(giver: &Runtime, path: &Path) -> Taken {
    let head = giver.head();
    let manifest = giver
        .state_manifest(head.number())
        .expect("readable")
        .expect("it is kept");
    let mut import = StateImport::begin(&options(path), &manifest).expect("an empty folder");
    let mut taken = Taken::default();
    while let Some(cursor) = import.progress().next {
        let started = Instant::now();
        let chunk = giver.state_chunk(head.hash(), &cursor, CHUNK_BYTES_ASKED_MAX);
        let chunk = chunk.expect("readable").expect("it is kept");
        let given = started.elapsed();
        let started = Instant::now();
        let decoded = StateChunk::decode(&chunk).expect("a chunk");
        import.accept(&cursor, decoded).expect("it is right");
        let part = match cursor {
            StateCursor::Blocks { .. } => &mut taken.blocks,
            StateCursor::Accounts { .. } | StateCursor::Slots { .. } => &mut taken.state,
        };
        part.given += given;
        part.taken += started.elapsed();
        part.chunks += 1;
        part.bytes += chunk.len();
    }
    let started = Instant::now();
    import.finish().expect("all is there");
    taken.finish = started.elapsed();
    let taker = Runtime::open(options(path)).expect("it is whole");
    assert_eq!(taker.head(), head);
    taken
}
