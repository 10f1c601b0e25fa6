//! `ledger-relayer`: reads the command line, does it, shows the answer and ends with the exit code that it deserves.
//!
//! Answers go to standard output; logs and failures to standard error.

mod cli;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{args::Cli, command, output};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::new(format!("warn,ledger={}", cli.log_level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match cli.json {
        true => log.json().init(),
        false => log.init(),
    }
    let exit = match command(&cli.command, cli.json).await {
        Ok(exit) => exit,
        Err(report) => output::fail(&report, cli.json),
    };
    ExitCode::from(exit as u8)
}
