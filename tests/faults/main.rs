//! Real faults on a network of real nodes, and a table of what they led to. `make faults` runs it.

use std::{error::Error, process::ExitCode};

use clap::Parser;
use ledger_tests::network::{Plan, names, run, stop};

/// Kill, hold, cut off, deceive and flood the nodes of a network, and see that nothing final is lost
#[derive(Clone, Debug, Parser)]
#[command(name = "ledger-faults")]
struct Options {
    /// Faults to try, by name [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Say what faults there are, and do nothing
    #[arg(long)]
    list: bool,
    /// Slots of calm before and after each fault
    #[arg(long, default_value_t = 8, value_name = "SLOTS")]
    calm: u32,
    /// Slots that a fault lasts
    #[arg(long, default_value_t = 15, value_name = "SLOTS")]
    lasting: u32,
    /// Fresh accounts of the flood
    #[arg(long, default_value_t = 10_000, value_name = "NUMBER")]
    accounts: usize,
    /// Leave network namespaces alone: all nodes on 127.0.0.1, and no cuts
    #[arg(long)]
    loopback: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = Options::parse();
    if options.list {
        println!("{}", names().join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    stop::listen()?;
    let plan = Plan {
        only: options.only,
        calm_slots: options.calm,
        fault_slots: options.lasting,
        accounts: options.accounts,
        namespaces: !options.loopback,
    };
    let shown = run(plan, |what| eprintln!("{what}"))?;
    match options.json {
        true => println!("{}", shown.to_json()),
        false => print!("{}", shown.table()),
    }
    Ok(if shown.is_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
