//! `ledger-node validator`: most commands are those of [`passport_cli::validator`]; this shows what comes of them. What a notary is
//! needed for is here: a vote for a candidate, the candidate's own request, and the record that its member signs.

mod notary;
mod record;

use std::io::{self, Write};

use ledger_network::{PeerId, probe};
use passport_cli::{
    error::{CliError, Exit},
    output::Report,
    validator::{
        self, admission,
        args::{DecideArgs, RecoverArgs, RequestArgs, ValidatorCommand},
        recovery,
    },
};
use tokio::runtime::{Builder, Runtime};

use self::notary::Word;
use super::{Cli, output};
use crate::{
    admission::verdicts::one_line,
    config::{data_folder, identity_path},
    error::NodeError,
    keys::consensus,
};

/// Does what `ledger-node validator` asks for.
///
/// # Errors
/// [`NodeError::Validator`], [`NodeError::Environment`], and for what needs a notary [`NodeError::Usage`] and those of keys.
pub fn run(cli: &Cli, args: &DecideArgs) -> Result<(), NodeError> {
    let threads = threads()?;
    let report = match &args.command {
        ValidatorCommand::Vote {
            proposal,
            against: false,
        } => vote(cli, args, *proposal, &threads)?,
        ValidatorCommand::Request(request_args) => request(cli, args, request_args, &threads)?,
        ValidatorCommand::Record(record_args) => return record::run(cli, args, record_args),
        _ => threads.block_on(validator::run(args, cli.validator.password_file.clone()))?,
    };
    show(cli, &report)
}

/// Does what `ledger-node recover` asks for.
///
/// # Errors
/// As [`run`].
pub fn recover(cli: &Cli, args: &RecoverArgs) -> Result<(), NodeError> {
    let report = threads()?.block_on(recovery::run(args, cli.validator.password_file.clone()))?;
    show(cli, &report)
}

fn threads() -> Result<Runtime, NodeError> {
    let threads = Builder::new_current_thread().enable_all().build();
    threads.map_err(|source| NodeError::Environment {
        action: "cannot start threads",
        source,
    })
}

fn show(cli: &Cli, report: &Report) -> Result<(), NodeError> {
    output(cli.telemetry.json, &report.json, || report.text.trim_end().to_owned())?;
    if let Some(next) = &report.next
        && !cli.telemetry.json
    {
        // Where nobody takes it, the answer above still says what was done.
        let _ = writeln!(io::stderr(), "{next}");
    }
    Ok(())
}

/// A vote for a proposal. One for a candidate names what this process verifies at the notary now.
fn vote(cli: &Cli, args: &DecideArgs, proposal: u64, threads: &Runtime) -> Result<Report, NodeError> {
    let password = cli.validator.password_file.clone();
    let Some(applicant) = threads.block_on(admission::applicant(args, proposal))? else {
        return Ok(threads.block_on(validator::run(args, password))?);
    };
    // Waits for servers by itself, and so outside of the threads of this one.
    let word = Word::about(cli, &applicant)?;
    let tuple = word.tuple(&applicant)?;
    if !applicant.candidate.peerId.is_empty() {
        let missing = "A node votes once the candidate's peer answers, and from here it does not";
        say_unless_it_answers(threads, &word.node(&applicant)?, missing);
    }
    Ok(threads.block_on(validator::vote_for(args, password, proposal, tuple))?)
}

/// Asks for admission with what the member's record says of this node, after the judgement that the validators will make.
fn request(cli: &Cli, args: &DecideArgs, asked: &RequestArgs, threads: &Runtime) -> Result<Report, NodeError> {
    let password = cli.validator.password_file.clone();
    let newcomer = admission::newcomer(args, password.clone(), asked.member, asked.name.as_deref());
    let mut applicant = threads.block_on(newcomer)?;
    let word = Word::about(cli, &applicant)?;
    let node = word.node(&applicant)?;
    check_own_keys(cli, asked, &node)?;
    applicant.candidate = word.candidate(&applicant, &node)?;
    word.tuple(&applicant)?;
    let missing = "Validators vote once your node answers, and from here it does not";
    say_unless_it_answers(threads, &node, missing);
    Ok(threads.block_on(validator::request(args, password, applicant.candidate))?)
}

/// Whether this machine's keys are those that the record lists.
fn check_own_keys(cli: &Cli, asked: &RequestArgs, node: &ledger_notary::records::Node) -> Result<(), NodeError> {
    let differs = |what: &str, own: String, listed: String| {
        NodeError::from(CliError::Notary {
            reason: format!("the member's record lists the {what} {listed}, and this node has {own}"),
        })
    };
    let identity = identity_path(&data_folder(cli)?);
    if identity.exists() {
        let own = ledger_network::peer_id_of(&consensus::read_or_create_identity(&identity)?).to_string();
        if own != node.peer_id {
            return Err(differs("peer id", own, node.peer_id.clone()));
        }
    }
    if let Some(file) = &asked.consensus_key {
        let password = asked
            .key_password_file
            .as_ref()
            .or(cli.validator.password_file.as_ref());
        let key = consensus::unlock(file, password.map(AsRef::as_ref))?;
        let own = ledger_chainspec::ConsensusKey::of(&key);
        if own != node.consensus_key {
            return Err(differs(
                "consensus key",
                own.to_string(),
                node.consensus_key.to_string(),
            ));
        }
    }
    Ok(())
}

/// Shakes hands with the node, and says `missing` and why if that does not come about: it is for a person to weigh.
fn say_unless_it_answers(threads: &Runtime, node: &ledger_notary::records::Node, missing: &str) {
    let answered = threads.block_on(async {
        let peer: PeerId = node.peer_id.parse().map_err(|error| format!("{error}"))?;
        probe(peer, &node.endpoints).await.map_err(|error| error.to_string())
    });
    if let Err(reason) = answered {
        let _ = writeln!(io::stderr(), "{missing}: {}", one_line(&reason));
    }
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
