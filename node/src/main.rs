//! The `ledger-node` binary: parses the command line, runs, and says in one sentence what went wrong.

use std::process::ExitCode;

use clap::Parser;
use ledger_node::cli::Cli;
use mimalloc::MiMalloc;

/// A block's changes are many small pieces of memory, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match ledger_node::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}
