//! `ledger-node validator`: the commands are those of [`passport_cli::validator`]; this shows what comes of them.

use std::io::{self, Write};

use passport_cli::{
    error::Exit,
    validator::{self, args::DecideArgs},
};
use tokio::runtime::Builder;

use super::{Cli, output};
use crate::error::NodeError;

/// Does what `ledger-node validator` asks for.
///
/// # Errors
/// [`NodeError::Validator`], [`NodeError::Environment`].
pub fn run(cli: &Cli, args: &DecideArgs) -> Result<(), NodeError> {
    let threads = Builder::new_current_thread().enable_all().build();
    let threads = threads.map_err(|source| NodeError::Environment {
        action: "cannot start threads",
        source,
    })?;
    let report = threads.block_on(validator::run(args, cli.validator.password_file.clone()))?;
    output(cli.telemetry.json, &report.json, || report.text.trim_end().to_owned())?;
    if let Some(next) = &report.next
        && !cli.telemetry.json
    {
        // Where nobody takes it, the answer above still says what was done.
        let _ = writeln!(io::stderr(), "{next}");
    }
    Ok(())
}

/// The node's exit code for what stopped such a command.
pub(crate) const fn code(exit: Exit) -> u8 {
    match exit {
        Exit::Done => 0,
        Exit::Usage => 2,
        Exit::Wallet => 4,
        Exit::Refused | Exit::Unreachable | Exit::CodeNotGood | Exit::Unsettled => 1,
    }
}
