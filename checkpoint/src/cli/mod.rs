//! The commands of `ledger-relayer`. Each makes the parts that it needs and shows what came of them.

pub mod args;
mod deploy;
mod inspect;
mod monitor;
pub mod output;
mod run;

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;
use eyre::{ContextCompat, ensure};
use ledger_checkpoint::{
    mainchain::{Mainchain, Nodes},
    numbers::Index,
    plan::{Questions, Sight},
    sidechain::{Sidechain, SidechainNode},
    statement::Anchor,
};
use ledger_keys::{Password, account};
use tokio::signal::unix::{SignalKind, signal};

use self::{
    args::{ChainsArgs, Command, KeyArgs},
    output::{Answer, Exit},
};

/// Wei in a gwei.
const GWEI: u128 = 1_000_000_000;

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

/// Both chains, found to belong together.
struct Chains {
    mainchain: Nodes,
    sidechain: SidechainNode,
    anchor: Anchor,
}

/// Connects, and makes sure that the contract is this sidechain's.
async fn connect(args: &ChainsArgs) -> eyre::Result<Chains> {
    let mainchain = Nodes::new(&args.mainchain.urls, args.contract)?;
    let sidechain = SidechainNode::new(&args.sidechain)?;
    let anchor = Anchor {
        mainchain_id: mainchain.chain_id().await?,
        contract: args.contract,
    };
    let sight = mainchain.sight(args.contract).await?;
    let expected = genesis_in(&mainchain, &sight).await?;
    let own = sidechain.block(0).await?.map(|block| block.hash);
    ensure!(
        own == Some(expected),
        "the contract {} anchors the sidechain with the genesis block {expected}, and the node at {} has {}: name another --contract or another --sidechain",
        args.contract,
        args.sidechain,
        own.unwrap_or_default()
    );
    Ok(Chains {
        mainchain,
        sidechain,
        anchor,
    })
}

/// The sidechain's genesis hash, as the contract has it.
async fn genesis_in(mainchain: &Nodes, sight: &Sight) -> eyre::Result<B256> {
    let questions = Questions {
        fingerprint: Some(Index::new(0)),
        ..Questions::default()
    };
    let answers = mainchain.answer(sight, &questions).await?;
    Ok(answers.fingerprint.unwrap_or_default())
}

/// The key that signs and pays.
fn unlock(args: &KeyArgs) -> eyre::Result<PrivateKeySigner> {
    let file = args
        .key
        .as_ref()
        .wrap_err("name the account that pays with --key FILE")?;
    let password = Password::unlocking(&file.display().to_string(), args.password_file.as_deref())?;
    Ok(account::read_keystore(file, &password)?)
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
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
