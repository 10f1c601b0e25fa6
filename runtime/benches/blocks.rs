//! How fast are blocks of promo code requests made and imported, how near is that to what the processor allows, and what
//! does a large state change of it?
//!
//! `cargo bench --workspace --bench blocks` fills the dev chain with live codes, each of a holder of its own, and stops at
//! each size to measure blocks: producing, importing, committing, and beside them the ceiling: the same transactions' senders
//! recovered on all processors and then executed by revm alone, all state in memory, no root and no disk. `CODES=10000,1000000`
//! names the sizes. Two databases go in step, so that importing finds nothing warm that producing read.

#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "it is the tests' world, and has more than this needs"
)]
#[path = "../tests/it/world.rs"]
mod world;

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered, transaction::SignerRecoverable};
use alloy_evm::FromRecoveredTx;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::{Block, ChainSpec, FinalityCertificate, InstanceSpec, Transaction, predeploys::TRANSACT};
use ledger_contracts::Transact;
use ledger_runtime::{
    BlockRef, Executed, IncomingBlock, Runtime, RuntimeOptions,
    state::{StateError, StateView},
};
use rayon::prelude::*;
use revm::{
    Context, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{DBErrorMarker, TxEnv},
    database::CacheDB,
    primitives::hardfork::SpecId,
    state::AccountInfo,
};
use world::{Person, certify, commit, seal};

/// Requests of one block: what the open lane of the largest block holds.
const REQUESTS: usize = 1_500;
/// Blocks before those that are measured, to warm what was opened anew.
const WARM_UP: u32 = 5;
const MEASURED: u32 = 40;
/// Specs that codes are asked of.
const SPECS: u32 = 4;
/// What each of the two members offers of each: the most that the contract allows.
const OFFER: u32 = 1_000_000;
/// Bound of the cache of table blocks, as an operator of a large chain sets it; the tries take twice as much.
const CACHE_BYTES: usize = 512 << 20;

/// The allocator of the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let sizes = std::env::var("CODES").unwrap_or_else(|_| "10000,200000".to_owned());
    let folder = tempfile::tempdir().expect("a folder for the databases");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let mut codes = 0;
    println!(
        "{REQUESTS} requests a block, {MEASURED} blocks, of imports the mean and else medians; transactions per second"
    );
    println!(
        "  live codes   produce    import / ceiling, and by processor time   bytes per code (files, and with the log)"
    );
    for size in sizes
        .split(',')
        .map(|size| size.parse::<usize>().expect("CODES is a list of numbers"))
    {
        let runtime = open(&first);
        fill(&runtime, &mut codes, size);
        drop(runtime);
        let _ = fs::remove_dir_all(&second);
        copy(&first, &second);
        let (maker, importer) = (open(&first), open(&second));
        let measured = measure(&maker, &importer, &mut codes);
        let stats = importer.store().stats().expect("the database is readable");
        println!(
            "{size:>12} {:>9.0} {:>9.0} / {:>7.0} = {:.2}, {:.2} {:>9}, {}",
            rate(measured.produce),
            rate(measured.import),
            rate(measured.ceiling),
            measured.ceiling.as_secs_f64() / measured.import.as_secs_f64(),
            measured.ceiling_processor.as_secs_f64() / measured.import_processor.as_secs_f64(),
            stats.bytes_per_code().unwrap_or_default(),
            folder_bytes(&second) / codes as u64,
        );
        let columns = stats.columns.iter().map(|column| {
            let per_code = |bytes: u64| bytes as f64 / stats.codes_issued as f64;
            format!(
                "{} {:.1}+{:.1}",
                column.name,
                per_code(column.file_bytes),
                per_code(column.memtable_bytes)
            )
        });
        println!(
            "             of that, in files and in memory: {}",
            columns.collect::<Vec<_>>().join(", ")
        );
    }
}

fn rate(took: Duration) -> f64 {
    REQUESTS as f64 / took.as_secs_f64()
}

fn open(path: &Path) -> Runtime {
    let mut spec = ChainSpec::dev();
    spec.limits.gas_limit = 160_000_000;
    spec.limits.transactions_per_slot = 7_000;
    spec.instance_specs = (0..SPECS)
        .map(|index| InstanceSpec {
            name: format!("size-{index}"),
            ..spec.instance_specs[0].clone()
        })
        .collect();
    let options = RuntimeOptions {
        cache_bytes: CACHE_BYTES,
        ..RuntimeOptions::new(path, Arc::new(spec))
    };
    Runtime::open(options).expect("the folder opens")
}

/// Blocks of requests that nobody signed, which production does not mind, until `size` codes live.
fn fill(runtime: &Runtime, codes: &mut usize, size: usize) {
    if runtime.head().number().get() == 0 {
        // The owners of the dev chain's two members.
        let offers = [0, 2].map(Person::number).map(|owner| {
            (0..SPECS).map(move |spec| {
                let offer = Transact::setOfferCall {
                    specId: spec + 1,
                    quantity: OFFER,
                };
                owner.call(spec.into(), TRANSACT, offer.abi_encode())
            })
        });
        commit(runtime, produce(runtime, offers.into_iter().flatten().collect()));
    }
    while *codes < size {
        let count = REQUESTS.min(size - *codes);
        let holder = |index: usize| Address::from_word(keccak256(index.to_be_bytes()));
        let word = |index: usize| U256::from_be_bytes(keccak256(index.to_le_bytes()).0);
        let signature = |index: usize| Signature::new(word(2 * index), word(2 * index + 1), false);
        let block = (*codes..*codes + count)
            .map(|index| Recovered::new_unchecked(request(index).into_signed(signature(index)).into(), holder(index)))
            .collect();
        commit(runtime, produce(runtime, block));
        *codes += count;
        if codes.is_multiple_of(100 * REQUESTS) {
            eprintln!("  {codes} codes");
        }
    }
}

/// The request of the code with this number; specs are asked for one after the other.
fn request(index: usize) -> TxEip1559 {
    let spec = u32::try_from(index / OFFER as usize).expect("small") / 2 + 1;
    TxEip1559 {
        chain_id: world::chain_id(),
        gas_limit: 200_000,
        to: TxKind::Call(TRANSACT),
        input: Transact::requestCodeCall { specId: spec }.abi_encode().into(),
        ..TxEip1559::default()
    }
}

fn produce(runtime: &Runtime, candidates: Vec<Recovered<Transaction>>) -> Executed {
    let (slot, count) = (runtime.head().slot.next().expect("slots go on"), candidates.len());
    let produced = world::produce(runtime, slot, candidates);
    assert_eq!(
        produced.executed.transactions().len(),
        count,
        "{:?}",
        produced.skipped.first()
    );
    let mut receipts = produced.executed.receipts().iter();
    let failed = receipts.find(|receipt| !receipt.receipt.success);
    assert!(failed.is_none(), "{failed:?}");
    produced.executed
}

/// Processor time that this process has used.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields behind the command's name, which may hold spaces: user and system time are the 12th and 13th of them.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// Times of one block.
struct Measured {
    produce: Duration,
    /// Executing, computing roots and writing, in a row of blocks.
    import: Duration,
    ceiling: Duration,
    /// The same by processor time, which says more than the clock beside other processes.
    import_processor: Duration,
    ceiling_processor: Duration,
}

/// Blocks that production made, to be imported in a row.
struct Run {
    blocks: Vec<(Block, FinalityCertificate)>,
    produce: Vec<Duration>,
    ceiling: Vec<Duration>,
    ceiling_processor: Duration,
}

fn measure(maker: &Runtime, importer: &Runtime, codes: &mut usize) -> Measured {
    let warm_up = make(maker, codes, WARM_UP);
    import(importer, warm_up.blocks);
    let run = make(maker, codes, MEASURED);
    let (started, used) = (Instant::now(), processor_time());
    import(importer, run.blocks);
    Measured {
        import: started.elapsed() / MEASURED,
        import_processor: processor_time().saturating_sub(used) / MEASURED,
        ceiling_processor: run.ceiling_processor / MEASURED,
        produce: median(run.produce),
        ceiling: median(run.ceiling),
    }
}

fn make(maker: &Runtime, codes: &mut usize, count: u32) -> Run {
    let mut run = Run {
        blocks: Vec::new(),
        produce: Vec::new(),
        ceiling: Vec::new(),
        ceiling_processor: Duration::ZERO,
    };
    for _ in 0..count {
        let candidates: Vec<_> = (0..REQUESTS)
            .into_par_iter()
            .map(|index| Person(PrivateKeySigner::random()).sign(request(*codes + index)))
            .collect();
        let started = Instant::now();
        let executed = produce(maker, candidates);
        run.produce.push(started.elapsed());
        let (ceiling, processor) = ceiling(maker, &executed);
        run.ceiling.push(ceiling);
        run.ceiling_processor += processor;
        let executed = seal(maker, executed);
        let certificate = certify(maker, &executed);
        run.blocks.push((executed.block(), certificate.clone()));
        maker.commit(executed, certificate).expect("the disk works");
        *codes += REQUESTS;
    }
    run
}

/// Imports and commits blocks as `db verify --re-execute` does: while one is written, the senders of the next are
/// recovered.
fn import(importer: &Runtime, blocks: Vec<(Block, FinalityCertificate)>) {
    let mut blocks = blocks.into_iter();
    let mut announced = || {
        let (block, certificate) = blocks.next()?;
        Some((IncomingBlock::announce(block), certificate))
    };
    let mut next = announced();
    while let Some((block, certificate)) = next {
        let executed = importer.import(block).expect("what was produced is imported");
        next = announced();
        importer.commit(executed, certificate).expect("the disk works");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The time that recovery and revm alone take for the block's transactions.
fn ceiling(runtime: &Runtime, executed: &Executed) -> (Duration, Duration) {
    let (_, view) = runtime.state(BlockRef::Head).expect("the head is readable");
    let transactions = executed.block().transactions;
    let mut memory = CacheDB::new(Stored(view));
    let chain_id = world::chain_id();
    let run = |memory: &mut CacheDB<Stored>| {
        let (started, used) = (Instant::now(), processor_time());
        let senders: Vec<Address> = transactions
            .par_iter()
            .map(|transaction| transaction.recover_signer().expect("it is signed"))
            .collect();
        let header = executed.header();
        let mut evm = Context::mainnet()
            .with_db(memory)
            .modify_cfg_chained(|cfg| {
                cfg.chain_id = chain_id;
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            })
            .modify_block_chained(|block| {
                block.number = U256::from(header.number);
                block.timestamp = U256::from(header.timestamp);
                block.gas_limit = header.gas_limit;
                block.beneficiary = header.beneficiary;
            })
            .build_mainnet();
        for (transaction, sender) in transactions.iter().zip(senders) {
            let result = evm.transact_commit(TxEnv::from_recovered_tx(transaction, sender));
            assert!(result.expect("it is valid").is_success());
        }
        (started.elapsed(), processor_time().saturating_sub(used))
    };
    // Once to read everything into memory; what it wrote is forgotten with its copy.
    run(&mut memory);
    let mut warm = CacheDB::new(Stored(memory.db.0.clone()));
    warm_up(&mut warm, &memory);
    run(&mut warm)
}

/// Puts into `warm` what the database holds under all that the first run touched.
fn warm_up(warm: &mut CacheDB<Stored>, touched: &CacheDB<Stored>) {
    use revm::Database;
    for (address, account) in &touched.cache.accounts {
        warm.basic(*address).expect("readable");
        for slot in account.storage.keys() {
            warm.storage(*address, *slot).expect("readable");
        }
    }
    for hash in touched.cache.contracts.keys().filter(|hash| !hash.is_zero()) {
        warm.code_by_hash(*hash).expect("readable");
    }
}

/// The state of the head, as revm reads it.
struct Stored(StateView);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Unreadable(#[from] StateError);

impl DBErrorMarker for Unreadable {}

impl DatabaseRef for Stored {
    type Error = Unreadable;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Unreadable> {
        let Some(account) = self.0.account(&address)? else {
            return Ok(None);
        };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            ..AccountInfo::default().with_code(self.code_by_hash_ref(account.code_hash)?)
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Unreadable> {
        let code = self.0.code(&hash)?.unwrap_or_default();
        Ok(Bytecode::new_raw(Bytes::from(code.to_vec())))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Unreadable> {
        Ok(self.0.storage(&address, &slot)?)
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, Unreadable> {
        Ok(B256::ZERO)
    }
}

fn folder_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path).expect("a folder");
    entries
        .map(|entry| entry.and_then(|entry| entry.metadata()).map_or(0, |file| file.len()))
        .sum()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("readable");
        if entry.file_name() != "LOCK" {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}
