//! How much does one node do on this machine, client included, and what does anvil do beside it?
//!
//! `make bench` builds for release and runs it. It starts a node of the same build on a new folder, with blocks large enough
//! to be no bound, and anvil if npm brought it; measures them in turns, round after round, with the same client and the same signed
//! transactions; and prints one table. Every figure is of this run: on a shared machine compare columns, not days.

mod anvil;
mod beside;
mod codes;
mod filling;
mod load;
mod network;
mod reads;
mod report;
mod stats;
mod sync;
mod target;

use std::{error::Error, thread, time::Duration};

use clap::Parser;
use serde_json::json;

use anvil::Anvil;
use stats::{Row, Table};

/// Measure a node of this build, and anvil beside it.
#[derive(Clone, Debug, Parser)]
#[command(name = "ledger-bench")]
pub struct Options {
    /// How long transactions are sent, in seconds
    #[arg(long, default_value_t = 9)]
    seconds: u64,
    /// How long each kind of read is measured, in seconds
    #[arg(long, default_value_t = 6)]
    read_seconds: u64,
    /// Rounds that this time is taken in beside anvil, each of a second at least, so that a slow minute of the machine meets both
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Connections of the client, each with one request under way
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Transactions signed ahead for each second of sending; more than any target takes
    #[arg(long, default_value_t = 25_000)]
    signed_per_second: usize,
    /// Measure the node alone
    #[arg(long)]
    without_anvil: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// What to measure instead of a single node
    #[command(subcommand)]
    measured: Option<Measured>,
}

/// What else can be measured.
#[derive(Clone, Debug, clap::Subcommand)]
enum Measured {
    /// Latency and rate of a network of validators, from one node to another
    Network(network::NetworkOptions),
    /// Time and memory of catching up with a long chain
    Sync(sync::SyncOptions),
    /// Rate and disk beside many live codes
    Codes(codes::CodesOptions),
    /// Time of a report of use about many codes
    Report(report::ReportOptions),
}

/// Requests of `ledger_verifyCode` per second at which its latency is measured.
const PACED_PER_SECOND: u32 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let cores = thread::available_parallelism()?;
    eprintln!("{cores} cores, client included; {} connections", options.connections);
    if let Some(Measured::Network(network)) = &options.measured {
        return show(&options, &network::run(&options, network)?);
    }
    if let Some(Measured::Sync(sync)) = &options.measured {
        println!("{:#}", sync::run(sync)?);
        return Ok(());
    }
    if let Some(Measured::Codes(codes)) = &options.measured {
        let rows = codes::run(&options, codes)?;
        match options.json {
            true => println!("{}", rows.to_json()),
            false => print!("{rows}"),
        }
        return Ok(());
    }
    if let Some(Measured::Report(report)) = &options.measured {
        let measured = report::run(&options, report)?;
        match options.json {
            true => println!("{}", measured.to_json()),
            false => print!("{measured}"),
        }
        return Ok(());
    }
    let mut table = Table::default();
    let ours = target::Ours::start()?;
    let anvil = match options.without_anvil {
        true => None,
        false => Anvil::start()?,
    };
    if anvil.is_none() && !options.without_anvil {
        eprintln!("anvil is not installed (npm ci in tests/js): the node is measured alone");
    }
    let mut targets = vec![&ours.target];
    targets.extend(anvil.as_ref().map(|anvil| &anvil.target));
    beside::measure(&options, &targets, &mut table)?;
    let beside = anvil.map(|anvil| Row::memory("anvil", anvil.pid()));
    measure_codes(&options, &ours, &mut table)?;
    table.push(Row::memory("ledger-node", ours.pid()));
    beside.into_iter().for_each(|row| table.push(row));
    show(&options, &table)
}

fn show(options: &Options, table: &Table) -> Result<(), Box<dyn Error>> {
    match options.json {
        true => println!("{}", table.to_json()),
        false => print!("{table}"),
    }
    Ok(())
}

/// What only a ledger does: codes requested and verified.
fn measure_codes(options: &Options, ours: &target::Ours, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let target = &ours.target;
    eprintln!("{}: signing code requests, each of a new account", target.name);
    let signed = ours.code_requests(options.transactions())?;
    eprintln!("{}: sending them for {} s", target.name, options.seconds);
    let done = load::run(target.route(), &signed, options)?;
    table.push(Row::load("promo codes issued", target.name, &done));
    let hashes = &done.included;
    let verify = |index: usize| {
        (
            "ledger_verifyCode",
            json!([hashes[index % hashes.len()], { "cloud": 1 }]),
        )
    };
    let phase = reads::run(target.address, options, verify);
    table.push(Row::reads("ledger_verifyCode", target.name, &phase));
    let phase = reads::paced(target.address, options, PACED_PER_SECOND, verify);
    table.push(Row::reads("ledger_verifyCode, 2,000/s asked", target.name, &phase));
    Ok(())
}

impl Options {
    fn rounds(&self) -> usize {
        self.rounds as usize
    }

    /// The part of one round.
    fn of_a_round(&self) -> Self {
        let part = |seconds: u64| (seconds / u64::from(self.rounds)).max(1);
        Self {
            seconds: part(self.seconds),
            read_seconds: part(self.read_seconds),
            ..self.clone()
        }
    }

    fn transactions(&self) -> usize {
        self.signed_per_second * usize::try_from(self.seconds).unwrap_or(usize::MAX)
    }

    fn sending(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn reading(&self) -> Duration {
        Duration::from_secs(self.read_seconds)
    }
}
