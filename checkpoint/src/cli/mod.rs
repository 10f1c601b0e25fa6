//! The commands of `ledger-relayer`. Each makes the parts that it needs and shows what came of them.

pub mod args;
mod deploy;
mod inspect;
mod monitor;
pub mod output;
mod run;

use alloy_signer_local::PrivateKeySigner;
use eyre::ContextCompat;
use ledger_checkpoint::connection::{Chains, ConnectionError, Places};
use ledger_keys::account;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    args::{ChainsArgs, Command, KeyArgs},
    output::{Answer, Exit},
};

/// Does what the command says.
///
/// # Errors
/// What went wrong, in words that say what to do next.
pub async fn command(command: &Command, is_json: bool) -> eyre::Result<Exit> {
    let answer: Answer = match command {
        Command::Run(args) if args.dry_run => run::dry(args).await?,
        Command::Run(args) => return run::run(args).await,
        Command::Deploy(args) => deploy::deploy(args).await?,
        Command::Status(args) => inspect::status(args).await?,
        Command::Verify(args) => inspect::verify(args).await?,
        Command::Monitor(args) if args.once => monitor::once(args).await?,
        Command::Monitor(args) => return monitor::run(args).await,
    };
    Ok(answer.show(is_json))
}

/// Connects, and makes sure that the contract is this sidechain's.
async fn connect(args: &ChainsArgs) -> Result<Chains, ConnectionError> {
    let places = Places {
        mainchain: args.mainchain.urls.clone(),
        contract: args.contract,
        sidechain: args.sidechain.clone(),
    };
    places.connect().await
}

/// The key that signs and pays.
fn unlock(args: &KeyArgs) -> eyre::Result<PrivateKeySigner> {
    let file = args
        .key
        .as_ref()
        .wrap_err("name the account that pays with --key FILE")?;
    Ok(account::unlock(file, args.password_file.as_deref())?)
}

/// Comes back when the process is asked to end.
async fn asked_to_end() -> eyre::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
