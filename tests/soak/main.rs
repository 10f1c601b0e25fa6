//! The long simulation: many thousand seeded runs of the consensus, and a table of what they came to. `make soak` runs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::Mutex,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use ledger_tests::{
    crash::commit,
    simulation::{
        campaign::{Plan, campaign},
        catalogue::{Entry, catalogue, mutants},
        explore::{Scope, explore},
        run, run_with_lines,
    },
};

/// Let simulated validators agree under everything that can go wrong, many thousand times
#[derive(Clone, Debug, Parser)]
#[command(name = "ledger-soak")]
struct Options {
    /// Runs of all setups together, at least
    #[arg(long, default_value_t = 100_000)]
    runs: u64,
    /// The first seed; a new one unless it is named
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; as many as there are processors unless they are named
    #[arg(long)]
    threads: Option<usize>,
    /// Only these numbers of validators
    #[arg(long, value_delimiter = ',')]
    validators: Vec<usize>,
    /// Only setups with this in their names
    #[arg(long)]
    setup: Option<String>,
    /// Break one rule at a time instead, and tell how it is noticed
    #[arg(long)]
    mutants: bool,
    /// Try every order of things for so many slots instead, with three honest validators and one that equivocates
    #[arg(long)]
    explore: Option<u64>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Print everything that happens in one run, that of --seed in the first setup that fits
    #[arg(long, requires = "seed")]
    trace: bool,
}

impl Options {
    fn entries(&self) -> Vec<Entry> {
        let fits = |entry: &Entry| {
            let is_named = self
                .setup
                .as_ref()
                .is_none_or(|name| entry.setup.name.contains(name.as_str()));
            is_named && (self.validators.is_empty() || self.validators.contains(&entry.setup.validators))
        };
        catalogue().into_iter().filter(fits).collect()
    }
}

/// Seconds between two lines about progress.
const PROGRESS_SECONDS: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let entries = options.entries();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let seed = options.seed.unwrap_or(since_epoch.as_secs());
    if options.trace {
        let entry = entries.first().ok_or("no setup fits --validators and --setup")?;
        let (outcome, lines) = run_with_lines(&entry.setup, seed);
        for line in lines {
            println!("{line}");
        }
        println!("{}, seed {seed}: {outcome:?}", entry.setup);
        return Ok(());
    }
    if let Some(slots) = options.explore {
        let explored = explore(Scope {
            slots,
            hears_late: true,
            restarts: true,
            broken: None,
        });
        println!("{explored:?}");
        return match explored.conflict {
            None => Ok(()),
            Some(_) => Err("two blocks of one height can be final".into()),
        };
    }
    if options.mutants {
        return break_rules(seed);
    }
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        runs: options.runs,
        seed,
        threads: options.threads.unwrap_or(available),
    };
    eprintln!("{} setups, {plan:?}, commit {}", entries.len(), commit());
    let started = Instant::now();
    let told = Mutex::new(Instant::now());
    let report = campaign(&entries, plan, |done, count| {
        let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.elapsed().as_secs() >= PROGRESS_SECONDS {
            *told = Instant::now();
            eprintln!("{done} of {count} runs, {} s", started.elapsed().as_secs());
        }
    });
    if options.json {
        println!("{}", report.json());
    } else {
        println!("{report}");
        println!("{} s", started.elapsed().as_secs());
    }
    match report.bad_runs() {
        0 => Ok(()),
        bad => Err(format!("{bad} runs showed what must not be; a seed of each setup is named above").into()),
    }
}

/// Runs every broken rule's seeds, and tells how many of them notice it.
fn break_rules(seed: u64) -> Result<(), Box<dyn Error>> {
    let mut unnoticed = 0;
    for case in mutants() {
        let mut noticed: BTreeMap<&str, u64> = BTreeMap::new();
        for seed in seed..seed + case.seeds {
            let names: BTreeSet<_> = run(&case.setup, seed)
                .violations
                .iter()
                .map(ledger_tests::simulation::Violation::name)
                .collect();
            for name in names {
                *noticed.entry(name).or_default() += 1;
            }
        }
        let is_noticed = case.noticed_as.iter().any(|name| noticed.contains_key(name));
        unnoticed += u64::from(!is_noticed);
        println!(
            "{:?} in {}: {} seeds, {noticed:?}",
            case.setup.broken, case.setup, case.seeds
        );
    }
    match unnoticed {
        0 => Ok(()),
        count => Err(format!("{count} broken rules went unnoticed").into()),
    }
}
