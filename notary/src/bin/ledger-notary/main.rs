//! `ledger-notary`: the notary's server, its signer, and everything that people do with it from the command line.
//!
//! Answers go to standard output, as text or as JSON; what went wrong to standard error, with what to do next. Exit code 0: done;
//! 1: refused or failed; 2: the command line cannot be understood.

mod args;
mod ceremony;
mod deny;
mod files;
mod orders;
mod output;
mod services;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Cli, Command},
    output::Report,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::new(format!("warn,ledger={}", cli.log_level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let done = run(&cli).and_then(|report| Ok(report.show(cli.json)?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) if cli.json => {
            eprintln!("{}", serde_json::json!({ "error": { "message": told(&report) } }));
            ExitCode::FAILURE
        }
        Err(report) => {
            eprintln!("ledger-notary: {}", told(&report));
            ExitCode::FAILURE
        }
    }
}

/// The whole chain of reasons, each once: many of them repeat the one below.
fn told(report: &eyre::Report) -> String {
    let reasons = report.chain().map(ToString::to_string);
    reasons.fold(String::new(), |told, reason| match told.as_str() {
        "" => reason,
        before if before.contains(&reason) => told,
        _ => format!("{told}: {reason}"),
    })
}

fn run(cli: &Cli) -> eyre::Result<Report> {
    match &cli.command {
        Command::Serve(args) => services::serve(args, cli.json),
        Command::Sign(args) => services::sign(args, cli.json),
        Command::Rebuild(args) => services::rebuild(args),
        Command::Key(command) => ceremony::key(command),
        Command::Root(command) => ceremony::root_command(command),
        Command::Targets(command) => ceremony::targets_command(command),
        Command::Deny(command) => deny::command(command),
        Command::Found(args) => orders::found(args),
        Command::Submit(args) => orders::submit(args),
        Command::Withdraw(args) => orders::withdraw(args),
        Command::Verify(args) => orders::verify(args),
        Command::Reject(args) => orders::reject(args),
        Command::Approve(args) => orders::approve(args),
        Command::Renew(args) => orders::renew(args),
        Command::Clear(args) => orders::clear(args),
        Command::Publish(args) => orders::publish(args),
        Command::Suspend(args) => deny::suspend(args),
        Command::Revoke(args) => orders::revoke(args),
        Command::Rotate(args) => orders::rotate(args),
        Command::Status(args) => services::status(args),
        Command::Audit(args) => services::audit(args),
    }
}
