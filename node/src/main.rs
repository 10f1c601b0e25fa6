//! The `ledger-node` binary: parses the command line, runs, and says in one sentence what went wrong.

use std::{
    io::{self, Write},
    process::ExitCode,
};

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
            // Where nobody can be told, as on a full disk, the exit code still says it; `eprintln!` would panic.
            let _ = writeln!(io::stderr(), "error: {error}");
            error.exit_code()
        }
    }
}
