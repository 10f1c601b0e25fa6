//! How is an answer shown, and with which exit code does the program end?
//!
//! Called by `main` and the commands.

use std::io::{self, Write};

use ledger_checkpoint::{
    connection::ConnectionError, deployment::DeploymentError, journal::JournalError, mainchain::MainchainError,
    relayer::RelayerError, sidechain::SidechainError, watch::WatchError,
};
use ledger_keys::KeyError;
use serde_json::{Value, json};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and nothing is wrong.
    Fine = 0,
    /// Something is wrong.
    Wrong = 1,
    /// A chain does not answer.
    Silent = 3,
    /// A key, a password or the journal cannot be used.
    Unusable = 4,
}

/// An answer in both forms.
#[derive(Clone, Debug)]
pub struct Answer {
    /// For people; every line ended.
    pub text: String,
    /// For scripts.
    pub json: Value,
    /// The exit code.
    pub exit: Exit,
}

impl Answer {
    /// Writes it to standard output.
    pub fn show(&self, is_json: bool) -> Exit {
        let text = match is_json {
            true => format!("{:#}\n", self.json),
            false => self.text.clone(),
        };
        let mut stdout = io::stdout().lock();
        // Whoever closed our output (`| head`) has read enough.
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        self.exit
    }
}

/// Writes a failure to standard error; its exit code.
pub fn fail(report: &eyre::Report, is_json: bool) -> Exit {
    let told = told(report);
    match is_json {
        true => eprintln!("{}", json!({ "error": { "message": told } })),
        false => eprintln!("ledger-relayer: {told}"),
    }
    exit_of(report)
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

fn exit_of(report: &eyre::Report) -> Exit {
    let is_silent = |error: &RelayerError| error.is_passing();
    let is_unknown =
        |error: &ConnectionError| matches!(error, ConnectionError::Mainchain(_) | ConnectionError::Sidechain(_));
    match () {
        () if report.is::<MainchainError>() || report.is::<SidechainError>() || report.is::<WatchError>() => {
            Exit::Silent
        }
        () if report.downcast_ref::<ConnectionError>().is_some_and(is_unknown) => Exit::Silent,
        () if report.downcast_ref::<RelayerError>().is_some_and(is_silent) => Exit::Silent,
        () if report.is::<JournalError>() || report.is::<KeyError>() => Exit::Unusable,
        () if report.is::<DeploymentError>() || report.is::<RelayerError>() => Exit::Unusable,
        () => Exit::Wrong,
    }
}
