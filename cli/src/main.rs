//! `passport`: reads the command line, does it, shows the answer and ends with the exit code that it deserves.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use passport_cli::{
    args::Cli,
    commands,
    error::{CliError, Exit},
    output::Report,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit = match commands::run(&cli).await {
        Ok(report) => show(&report, cli.common.json),
        Err(error) => {
            fail(&error, cli.common.json);
            error.exit()
        }
    };
    ExitCode::from(exit as u8)
}

/// The answer to standard output, what to do next to standard error.
fn show(report: &Report, is_json: bool) -> Exit {
    let text = if is_json {
        format!("{:#}\n", report.json)
    } else {
        report.text.clone()
    };
    // Whoever closed our output (`| head`) has read enough.
    let written = io::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| io::stdout().flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("passport: cannot write the answer: {error}");
        return Exit::Refused;
    }
    if let Some(next) = &report.next
        && !is_json
    {
        eprintln!("{next}");
    }
    report.exit
}

fn fail(error: &CliError, is_json: bool) {
    if is_json {
        let object = serde_json::json!({ "error": { "name": error.name(), "message": error.to_string(), "next": error.next() } });
        eprintln!("{object}");
    } else {
        eprintln!("passport: {error}\n{}", error.next());
    }
}
