//! `ledger-node testnet admit`: a new cloud joins, from nothing to its first block.
//!
//! Every step is the command of whoever takes it (the cloud, the working group, the cloud's node) and is printed as it would be
//! typed. What nobody has to do is waited for: the signer publishes, the validators check the notary and vote.
//!
//! Which step comes next is read where its outcome lies: in the files ([`newcomer`]), at the notary ([`counter`]), on the chain
//! ([`chain`]). So an attempt that was cut off anywhere is gone on with by the same command.

mod chain;
mod counter;
mod newcomer;
mod papers;
mod shell;

use std::time::{Duration, Instant};

use ledger_chainspec::ChainSpec;
use serde_json::json;

use self::{
    chain::{Chain, OwnBlock, Request},
    counter::Counter,
    newcomer::Newcomer,
    shell::Shell,
};
use crate::{
    cli::{Cli, output},
    error::NodeError,
};

use super::{
    args::AdmitArgs,
    error::TestnetError,
    folder::{Folder, State, failed, hold, replace},
    interrupt::Interrupt,
    launch::{NotaryPlace, notary_arguments},
    network::{Children, Network, Voice, say},
    notary::NotaryFiles,
    plan::{NodeFiles, Planned, Role},
    processes::ProcessId,
    status::chain_argument,
};

/// Longest wait for votes, beside the timelock.
const ADMITTED_WITHIN: Duration = Duration::from_secs(120);

/// Where it joins.
struct Place {
    spec: ChainSpec,
    chain: String,
    rpc_port: u16,
    notary: NotaryPlace,
    notary_port: u16,
    notary_files: NotaryFiles,
}

/// What came about, and when; no time for what an earlier attempt had done.
struct Course {
    published: Option<Duration>,
    admitted: Option<Duration>,
    block: OwnBlock,
}

/// Lets a new cloud join, or goes on with one that was about to.
///
/// # Errors
/// [`NodeError::Testnet`] with the command that failed and its words.
pub fn run(cli: &Cli, args: &AdmitArgs) -> Result<(), NodeError> {
    let started = Instant::now();
    let mut interrupt = Interrupt::install()?;
    let mut network = Network::open(Folder::of(cli)?)?;
    let folder = network.folder.path().to_owned();
    let place = place(&network.folder, &network.state)?;
    let newcomer = Newcomer::find_or_add(&mut network, args, &Chain::new(place.rpc_port))?;
    let shell = Shell::new(started, &newcomer.files.folder)?;
    // With the network goes its lock: from here on others may change it, too.
    let answers = newcomer.start(network, &Voice::of(cli), &shell, &mut interrupt);
    let course = answers.and_then(|()| walk(&newcomer, &place, &shell, &mut interrupt));
    let course = course.inspect_err(|_| {
        say(&format!(
            "What is done stays done. Go on with: ledger-node testnet admit --name '{}' --data-dir {}",
            newcomer.name,
            folder.display()
        ));
    })?;
    let seconds = |moment: Option<Duration>| moment.map(|moment| moment.as_secs_f64());
    let facts = json!({
        "member": newcomer.id, "name": newcomer.name, "node": newcomer.planned.name, "account": newcomer.account,
        "publishedAfter": seconds(course.published), "inTheSetAfter": seconds(course.admitted),
        "ownBlock": course.block.number, "ownBlockAfter": seconds(course.block.after),
    });
    output(cli.telemetry.json, &facts, || course.words(&newcomer))
}

impl Course {
    fn words(&self, newcomer: &Newcomer) -> String {
        let after = |what: &str, moment: Option<Duration>| {
            moment.map(|moment| format!("{what} after {:.1} s", moment.as_secs_f64()))
        };
        let number = self.block.number;
        let steps = [
            after("published", self.published),
            after("admitted", self.admitted),
            match self.admitted {
                Some(_) => after(&format!("its first block is {number},"), self.block.after),
                None => Some(format!("block {number} is its own")),
            },
        ];
        let steps: Vec<_> = steps.into_iter().flatten().collect();
        let (name, node) = (&newcomer.name, &newcomer.planned.name);
        format!("{name} is in the set as {node}: {}.", steps.join(", "))
    }
}

/// All steps that are left, from the submission to the first block.
fn walk(newcomer: &Newcomer, place: &Place, shell: &Shell, interrupt: &mut Interrupt) -> Result<Course, NodeError> {
    let (chain, account) = (Chain::new(place.rpc_port), &newcomer.account);
    if chain.request(account, interrupt)? == Request::Admitted {
        shell.done("the notary has published it, and the validators have admitted it");
        let block = match chain.recent_block(account, shell) {
            Some(block) => block,
            None => chain.first_block(&newcomer.signer()?, chain.height()?, shell, interrupt)?,
        };
        let (published, admitted) = (None, None);
        return Ok(Course {
            published,
            admitted,
            block,
        });
    }
    let published = Counter::new(place, newcomer, shell).publish(interrupt)?;
    request(newcomer, place, shell, interrupt)?;
    let within = ADMITTED_WITHIN + Duration::from_secs(place.spec.governance.timelock_seconds);
    let (admitted, head) = chain.follow(account, within, shell, interrupt)?;
    Ok(Course {
        published,
        admitted: Some(admitted),
        block: chain.first_block(&newcomer.signer()?, head, shell, interrupt)?,
    })
}

/// Where somebody can join.
fn place(folder: &Folder, state: &State) -> Result<Place, TestnetError> {
    let usage = |reason: &str| {
        let folder = folder.path().display();
        TestnetError::Usage(format!(
            "{reason}; start all of it with: ledger-node testnet up --data-dir {folder}"
        ))
    };
    let (Some(notary), Some(notary_port)) = (folder.notary_place(&state.shape), state.shape.notary_port) else {
        return Err(TestnetError::Usage(
            "this testnet was made without a notary, which admits clouds; make another one without --no-notary"
                .to_owned(),
        ));
    };
    if state.notary.processes().filter(|process| process.is_alive()).count() < 2 {
        return Err(usage("the notary does not run"));
    }
    let is_up = |(node, known): &(Planned, &super::folder::NodeState)| {
        known
            .process
            .as_ref()
            .is_some_and(ProcessId::is_alive)
            .then_some((node.role != Role::FullNode, node.rpc_port))
    };
    let running: Vec<_> = state.planned().filter_map(|one| is_up(&one)).collect();
    // A full node first: it is the one to ask.
    let entry = running
        .iter()
        .min()
        .ok_or_else(|| usage("no node of this testnet runs"))?;
    let chain = chain_argument(folder, state);
    Ok(Place {
        spec: ChainSpec::load(&chain)?,
        chain,
        rpc_port: entry.1,
        notary,
        notary_port,
        notary_files: folder.notary(),
    })
}

/// The node asks the chain, unless it has.
fn request(newcomer: &Newcomer, place: &Place, shell: &Shell, interrupt: &mut Interrupt) -> Result<(), NodeError> {
    let (chain, account) = (Chain::new(place.rpc_port), &newcomer.account);
    let mut standing = chain.request(account, interrupt)?;
    if standing == Request::Underway {
        chain.settle(account, shell, interrupt)?;
        standing = chain.request(account, interrupt)?;
    }
    if standing != Request::None {
        shell.done("it has asked the chain");
        return Ok(());
    }
    shell.tell("The cloud asks the chain. Its node is judged first as every validator will judge it.");
    let files = &newcomer.files;
    let line = shell
        .node("validator")
        .words(["request"])
        .flag("--chain", &place.chain)
        .flag("--data-dir", &files.folder)
        .flag("--rpc", format!("http://127.0.0.1:{}", place.rpc_port))
        .flag("--wallet-dir", &files.wallets)
        .flag("--wallet", "account")
        .flag("--password-file", &files.password)
        .flag("--consensus-key", &files.key);
    line.words(notary_arguments(&place.notary))
        .flag("--name", &newcomer.name)
        .json()?;
    Ok(())
}
