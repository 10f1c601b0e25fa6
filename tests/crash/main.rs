//! The long crash campaign: hundreds of kills and faults, and a table of what they led to. `make crash` runs it.

use std::{
    error::Error,
    sync::Mutex,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use ledger_tests::crash::{Plan, commit, run};

/// Kill a node, let its disk fail and damage its files, and see that nothing final is lost
#[derive(Clone, Debug, Parser)]
#[command(name = "ledger-crash")]
struct Options {
    /// SIGKILLs at random moments under load
    #[arg(long, default_value_t = 500)]
    kills: u64,
    /// Kills between two runs of `ledger-node db verify --re-execute`
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    verify_every: u64,
    /// Writes and syncs that fail, and disks that are full
    #[arg(long, default_value_t = 200)]
    faults: u64,
    /// Files that are cut or changed
    #[arg(long, default_value_t = 100)]
    damages: u64,
    /// Seed of every random choice; a new one unless it is named
    #[arg(long)]
    seed: Option<u64>,
}

/// Seconds between two lines about progress.
const PROGRESS_SECONDS: u64 = 10;

static TOLD: Mutex<Option<Instant>> = Mutex::new(None);

fn main() -> Result<(), Box<dyn Error>> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let options = Options::parse();
    let plan = Plan {
        seed: options.seed.unwrap_or(since_epoch.as_secs()),
        kills: options.kills,
        verify_every: options.verify_every,
        faults: options.faults,
        damages: options.damages,
    };
    println!("{plan:?}, commit {}", commit());
    println!("{}", run(plan, tell)?.tables());
    Ok(())
}

fn tell(what: &str) {
    let mut told = TOLD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if told.is_none_or(|told| told.elapsed().as_secs() >= PROGRESS_SECONDS) {
        *told = Some(Instant::now());
        println!("{what}");
    }
}
