//! `ledger-node`: the node of a Cloud Ledger chain, and the only crate that knows both consensus and runtime.
//!
//! The reader's path: [`cli`] is what a person can ask for (a whole network on this machine, too), [`config`] what was asked for,
//! [`assembly`] builds the node out of it in one function. [`driver`] carries time, blocks and signatures between the consensus engine and
//! the runtime; [`signer`] and [`keys`] are what it signs with; [`txpool`] holds what waits to be included, [`endorse`] tells others of it;
//! [`slot_log`] remembers how its slots went; [`network`] is what is told, asked and answered, [`sync`] gets the blocks that were missed;
//! [`evidence`] is what becomes of proof against a validator, [`admission`] of requests to become one; [`checkpoints`] are what its
//! validators sign for the mainchain, [`relaying`] brings them there, where that is asked for, and [`anchor`] reads them back; [`recovery`]
//! says which checkpoint the chain may go back to. [`telemetry`] is what the node says about itself. [`wiring`] has the channels between
//! them, [`ports`] where it listens, [`signals`] what ends it; `unlocking` opens the keys, `descriptors` asks for the open
//! files that it needs.

pub mod admin;
pub mod admission;
pub mod anchor;
pub mod assembly;
pub mod backup;
pub mod checkpoints;
pub mod cli;
pub mod config;
mod descriptors;
pub mod driver;
pub mod endorse;
pub mod error;
pub mod evidence;
pub mod network;
pub mod ports;
pub mod recovery;
pub mod relaying;
pub mod rpc;
pub mod signals;
pub mod signer;
pub mod slot_log;
pub mod sync;
mod tasks;
pub mod telemetry;
pub mod transaction;
pub mod txpool;
mod unlocking;
mod until;
pub mod wiring;

pub use ledger_keys as keys;

use std::{io, num::NonZero, thread, time::Duration};

use cli::{Cli, Command};
use config::NodeConfig;
use error::NodeError;
use ledger_suites::Family;
use rustix::process::{getpriority_process, setpriority_process};

/// Threads that run async tasks. Little is done on them: execution and what comes from outside have their own.
const ASYNC_THREADS: usize = 2;
/// Threads of what comes from outside for each processor. Reads run on them from end to end: while one waits for the disk, another
/// goes on.
const INGRESS_THREADS_PER_PROCESSOR: usize = 2;
/// Threads of what comes from outside at most.
const INGRESS_THREADS_MAX: usize = 16;
/// How much nicer those threads are than the rest, in the steps of `nice`: where processors are short, blocks get three quarters.
const INGRESS_NICENESS: i32 = 5;
/// The nicest that a thread can be.
const NICENESS_MAX: i32 = 19;
/// Most threads for blocking work: reads for JSON-RPC, one block, and what waits for the disk.
const BLOCKING_THREADS_MAX: usize = 64;
/// How long threads that still work are waited for once all tasks have ended.
const THREADS_STOP_WITHIN: Duration = Duration::from_millis(500);

/// Does what the command line asks for.
///
/// # Errors
/// [`NodeError`], which says what to do and has the exit code.
pub fn run(cli: &Cli) -> Result<(), NodeError> {
    match &cli.command {
        Some(Command::Keys(args)) => cli::keys::run(cli, args),
        Some(Command::Spec(args)) => cli::spec::run(cli, args),
        Some(Command::Statetest(args)) => cli::suites::run(cli, args, Family::State),
        Some(Command::Trietest(args)) => cli::suites::run(cli, args, Family::Encoding),
        Some(Command::Db(args)) => cli::db::run(cli, args),
        Some(Command::Testnet(args)) => cli::testnet::run(cli, args),
        Some(Command::Validator(args)) => cli::validator::run(cli, args),
        Some(Command::Recover(args)) => cli::validator::recover(cli, args),
        None => run_node(NodeConfig::resolve(cli)?),
    }
}

fn run_node(config: NodeConfig) -> Result<(), NodeError> {
    telemetry::logging::init(&config.telemetry)?;
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let main = threads("ledger", ASYNC_THREADS, || {})?;
    share_out_threads()?;
    let count = processors
        .saturating_mul(INGRESS_THREADS_PER_PROCESSOR)
        .min(INGRESS_THREADS_MAX);
    let niceness = getpriority_process(None).unwrap_or_default();
    let niceness = niceness.saturating_add(INGRESS_NICENESS).min(NICENESS_MAX);
    let ingress = threads("ingress", count, move || be_nice(niceness))?;
    let result = main.block_on(assembly::run(config, ingress.handle()));
    ingress.shutdown_timeout(THREADS_STOP_WITHIN);
    main.shutdown_timeout(THREADS_STOP_WITHIN);
    result
}

fn threads(
    name: &str,
    count: usize,
    on_start: impl Fn() + Send + Sync + 'static,
) -> Result<tokio::runtime::Runtime, NodeError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(count)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name(name)
        .on_thread_start(on_start)
        .enable_all()
        .build()
        .map_err(|source| NodeError::Environment {
            action: "cannot start threads",
            source,
        })
}

/// Starts the threads that a block's work is divided among. Whoever needs them first would do it otherwise, and they would be as
/// nice as that one.
fn share_out_threads() -> Result<(), NodeError> {
    rayon::ThreadPoolBuilder::new()
        .thread_name(|index| format!("share-{index}"))
        .build_global()
        .map_err(|error| NodeError::Environment {
            action: "cannot start threads",
            source: io::Error::other(error),
        })
}

/// Has this thread give way to those that make blocks.
fn be_nice(niceness: i32) {
    // A value and no step: a thread begins as nice as the one that starts it. Nobody is ever refused to be nicer.
    let _ = setpriority_process(None, niceness);
}
