//! `ledger-relayer-faults`: real faults between the relayer and a mainchain, and a table of what they led to. `make relayer-faults` runs
//! it.
//!
//! The mainchain is anvil with the real contract, the relayer the real one, the validators' keys are real and sign what a real
//! JSON-RPC server gives out; only the sidechain's blocks are made up. Whatever happens, every checkpoint has to be on the mainchain
//! once, in order.

#![allow(dead_code, reason = "the tests use more of the same parts")]

#[path = "../../tests/anvil/chains.rs"]
mod chains;
mod faults;
#[path = "../../tests/anvil/node.rs"]
mod node;
#[path = "../../tests/anvil/program.rs"]
mod program;
#[path = "../../tests/anvil/proxy.rs"]
mod proxy;
#[expect(
    dead_code,
    reason = "it is what all simulations choose by, and has more than this one needs"
)]
#[path = "../../../tests/src/random.rs"]
mod random;
#[path = "../../tests/anvil/side.rs"]
mod side;
mod stage;
mod table;
#[path = "../../tests/it/support/validators.rs"]
mod validators;

use std::{
    process::ExitCode,
    sync::{Mutex, MutexGuard},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use crate::{
    faults::{FAULTS, Fault},
    node::DevNode,
    stage::Outcome,
    table::Row,
};

/// Let everything go wrong between the relayer and its mainchain, and see that every checkpoint comes onto it once, in order
#[derive(Clone, Debug, Parser)]
#[command(name = "ledger-relayer-faults")]
struct Options {
    /// Faults to try, by name [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Say what faults there are, and do nothing
    #[arg(long)]
    list: bool,
    /// SIGKILLs of the program at random moments
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    kills: u64,
    /// Seed of every random choice; a new one unless it is named
    #[arg(long)]
    seed: Option<u64>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Nobody panics while holding a lock here, unless the fault is lost anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panicked")
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.list {
        for fault in FAULTS {
            println!("{:<24} {}", fault.name, fault.what);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| !FAULTS.iter().any(|fault| fault.name == **name))
    {
        eprintln!("there is no fault {unknown}; --list says which there are");
        return ExitCode::from(2);
    }
    if DevNode::start().is_none() {
        return ExitCode::from(3);
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = options.seed.unwrap_or(since_epoch.as_secs());
    eprintln!("seed {seed}");
    let is_wanted = |fault: &&Fault| options.only.is_empty() || options.only.iter().any(|name| name == fault.name);
    let mut rows = Vec::new();
    for fault in FAULTS.iter().filter(is_wanted) {
        let row = try_one(fault, seed, options.kills).await;
        eprintln!("{}", row.line());
        rows.push(row);
    }
    match options.json {
        true => println!("{}", table::json(seed, &rows)),
        false => print!("{}", table::text(seed, &rows)),
    }
    match rows.iter().all(Row::is_right) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// One fault, in a task of its own: whatever breaks there is what its row says.
async fn try_one(fault: &'static Fault, seed: u64, kills: u64) -> Row {
    let began = Instant::now();
    let outcome: Result<Outcome, String> = match tokio::spawn((fault.run)(seed, kills)).await {
        Ok(outcome) => outcome,
        Err(error) => Err(error.to_string()),
    };
    Row {
        name: fault.name,
        outcome,
        seconds: began.elapsed().as_secs_f64(),
    }
}
