//! The long crash campaign: hundreds of kills and faults, and a table of what they led to. `make crash` runs it.
//!
//! Arguments, all with a default: `--kills`, `--verify-every`, `--faults`, `--damages`, `--seed`.

use std::{
    error::Error,
    sync::Mutex,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use ledger_tests::crash::{Plan, commit, run};

/// Seconds between two lines about progress.
const PROGRESS_SECONDS: u64 = 10;

static TOLD: Mutex<Option<Instant>> = Mutex::new(None);

fn main() -> Result<(), Box<dyn Error>> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut plan = Plan {
        seed: since_epoch.as_secs(),
        kills: 500,
        verify_every: 25,
        faults: 100,
        damages: 100,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a number"))?
            .parse()?;
        match name.as_str() {
            "--seed" => plan.seed = value,
            "--kills" => plan.kills = value,
            "--verify-every" => plan.verify_every = value.max(1),
            "--faults" => plan.faults = value,
            "--damages" => plan.damages = value,
            _ => return Err(format!("{name} is no argument; see the head of tests/crash/main.rs").into()),
        }
    }
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
