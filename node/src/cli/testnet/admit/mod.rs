//! `ledger-node testnet admit`: a new cloud joins, from nothing to its first block.
//!
//! Every step is the command of whoever takes it (the cloud, the working group, the cloud's node) and is printed as it would be
//! typed. What nobody has to do is waited for: the signer publishes, the validators check the notary and vote.

mod chain;
mod papers;
mod shell;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use ledger_chainspec::ChainSpec;
use ledger_notary::records::NotaryId;
use serde_json::{Value, json};

use self::{
    chain::{Chain, OwnBlock},
    papers::admission,
    shell::{Line, Shell},
};
use crate::{
    cli::{Cli, output},
    error::NodeError,
    keys::account,
};

use super::{
    args::AdmitArgs,
    ask::get,
    error::TestnetError,
    files::{address_spec, prepare_joined},
    folder::{Folder, State, failed, replace},
    interrupt::Interrupt,
    network::{Children, Network, Voice, say},
    notary::{self, GROUP, GROUP_THRESHOLD, NotaryFiles},
    plan::{JOINED_MAX, NodeFiles, NotaryPlace, Planned, Role, notary_arguments},
    ports,
    processes::ProcessId,
    status::chain_argument,
};

/// Longest wait for the signer to publish.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(60);
/// Longest wait for votes, beside the timelock.
const ADMITTED_WITHIN: Duration = Duration::from_secs(120);

/// Who joins.
struct Newcomer {
    id: NotaryId,
    name: String,
    planned: Planned,
    files: NodeFiles,
    account: Address,
}

/// Where it joins.
struct Place {
    spec: ChainSpec,
    chain: String,
    rpc_port: u16,
    notary: NotaryPlace,
    notary_port: u16,
    notary_files: NotaryFiles,
}

/// Lets a new cloud join.
///
/// # Errors
/// [`NodeError::Testnet`] with the command that failed and its words.
pub fn run(cli: &Cli, args: &AdmitArgs) -> Result<(), NodeError> {
    let started = Instant::now();
    let mut interrupt = Interrupt::install()?;
    let mut network = Network::open(Folder::of(cli)?)?;
    let place = place(&network.folder, &network.state)?;
    let newcomer = add(&mut network, args, &Chain::new(place.rpc_port))?;
    say(&format!(
        "{} gets keys, a folder and a node: {}",
        newcomer.name, newcomer.planned.name
    ));
    let index = network.state.nodes.len() - 1;
    let mut children = Children::default();
    network.start(&[index], &Voice::of(cli), &mut children, &mut interrupt)?;
    // From here on others may change the network, too.
    drop(network);
    let shell = Shell::new(started)?;
    let steps = walk(&newcomer, &place, &shell, &mut interrupt).inspect_err(|_| {
        let name = &newcomer.planned.name;
        say(&format!(
            "{name} goes on as a full node. What failed can be typed again, as it stands above; or stop the node with: ledger-node \
             testnet stop-node {name}"
        ));
    });
    let (published, admitted, first) = steps?;
    let seconds = |moment: Duration| moment.as_secs_f64();
    let facts = json!({
        "member": newcomer.id, "name": newcomer.name, "node": newcomer.planned.name, "account": newcomer.account,
        "publishedAfter": seconds(published), "inTheSetAfter": seconds(admitted), "firstBlock": first.number,
        "firstBlockAfter": seconds(first.after),
    });
    output(cli.telemetry.json, &facts, || {
        format!(
            "{} is in the set as {}: published after {:.1} s, admitted after {:.1} s, its first block is {}, after {:.1} s.",
            newcomer.name,
            newcomer.planned.name,
            seconds(published),
            seconds(admitted),
            first.number,
            seconds(first.after)
        )
    })
}

/// All steps from the submission to the first block; gives when it was published, when admitted, and the block.
fn walk(
    newcomer: &Newcomer,
    place: &Place,
    shell: &Shell,
    interrupt: &mut Interrupt,
) -> Result<(Duration, Duration, OwnBlock), NodeError> {
    let published = publish(newcomer, place, shell, interrupt)?;
    request(newcomer, place, shell)?;
    let chain = Chain::new(place.rpc_port);
    let within = ADMITTED_WITHIN + Duration::from_secs(place.spec.governance.timelock_seconds);
    let (admitted, head) = chain.follow(&newcomer.account, within, shell, interrupt)?;
    let signer = account::read_keystore(&newcomer.files.account, &password(newcomer)?)?;
    let first = chain.first_block(&signer, head, shell, interrupt)?;
    Ok((published, admitted, first))
}

fn password(newcomer: &Newcomer) -> Result<crate::keys::Password, NodeError> {
    Ok(crate::keys::Password::from_file(&newcomer.files.password)?)
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

/// Adds the newcomer's node to the network, with its keys.
fn add(network: &mut Network, args: &AdmitArgs, chain: &Chain) -> Result<Newcomer, NodeError> {
    if let Some(name) = args.name.as_ref().filter(|name| chain.has_cloud(name)) {
        return Err(TestnetError::Usage(format!("the chain has a cloud {name:?} already: give another --name")).into());
    }
    let shape = &mut network.state.shape;
    if shape.joined >= JOINED_MAX {
        return Err(TestnetError::Usage(format!(
            "{JOINED_MAX} clouds have joined this testnet, which is the most"
        ))
        .into());
    }
    shape.joined += 1;
    shape.check()?;
    let planned = shape.plan().pop().expect("somebody joined");
    ports::check(std::iter::once(&planned), None)?;
    let number = planned.number.saturating_add(1);
    let name = args.name.clone().unwrap_or_else(|| format!("Cloud {number}"));
    let id = NotaryId::try_from(format!("cloud-{number}")).map_err(|error| TestnetError::Usage(error.to_string()))?;
    let node = prepare_joined(&network.folder, &planned)?;
    network.state.nodes.push(node);
    address_spec(&network.folder, &network.state)?;
    network.save()?;
    let files = network.folder.files(&planned.name);
    Ok(Newcomer {
        id,
        name,
        account: account::keystore_address(&files.account)?,
        planned,
        files,
    })
}

/// The notary's commands.
struct Counter<'a> {
    place: &'a Place,
    shell: &'a Shell,
}

impl Counter<'_> {
    fn command(&self, command: &str) -> Result<Line, TestnetError> {
        self.shell.notary(&self.place.notary_files, command)
    }

    /// A command that is signed.
    fn order(&self, command: &str, key: &Path, password: &Path) -> Result<Line, TestnetError> {
        let line = self.command(command)?;
        Ok(line
            .flag("--network", notary::network_argument(&self.place.spec))
            .flag("--server", &self.place.notary.url)
            .flag("--key", key)
            .flag("--password-file", password))
    }

    /// The same, of one who verifies what is published first.
    fn informed(&self, command: &str, (key, reader): (&Path, &str), password: &Path) -> Result<Line, TestnetError> {
        let line = self.order(command, key, password)?;
        Ok(line
            .flag("--trusted", self.place.notary_files.trusted(reader))
            .flag("--root", &self.place.notary.root))
    }

    /// The same, of one of the working group.
    fn group(&self, holder: &str) -> (PathBuf, PathBuf) {
        (self.place.notary_files.key(holder), self.place.notary_files.password())
    }

    fn status(&self, words: &[&str]) -> Result<Value, TestnetError> {
        let line = self.command("status")?.flag("--server", &self.place.notary.url);
        line.words(words.iter().copied()).json()
    }
}

/// The cloud submits, the working group verifies and approves; gives when the signer has published.
fn publish(
    newcomer: &Newcomer,
    place: &Place,
    shell: &Shell,
    interrupt: &mut Interrupt,
) -> Result<Duration, NodeError> {
    let counter = Counter { place, shell };
    let submission = submit(newcomer, &counter)?;
    approve(&submission, &counter)?;
    let path = format!("/v1/members/{}", newcomer.id);
    let is_published = || {
        let member = get(place.notary_port, &path)?;
        (member.get("standing")? == "published").then_some(())
    };
    shell.wait("the signer publishes", PUBLISHED_WITHIN, interrupt, is_published)?;
    Ok(shell.since_start())
}

/// The cloud says who it is and which node it runs; gives the number of its submission.
fn submit(newcomer: &Newcomer, counter: &Counter<'_>) -> Result<String, TestnetError> {
    let (place, shell, files) = (counter.place, counter.shell, &newcomer.files);
    let file = |name: &str| files.folder.join(name);
    let (member_key, nodes, draft) = (file("member.pem"), file("nodes.json"), file("admission.json"));
    shell.tell("The cloud makes the key that speaks for it, and its node's four keys give their word.");
    let made = counter
        .command("key")?
        .words(["new"])
        .path(&member_key)
        .flag("--password-file", &files.password)
        .json()?;
    let public_key = made["public_key"].as_str().unwrap_or_default();
    let address = format!("/ip4/127.0.0.1/tcp/{}", newcomer.planned.p2p_port);
    shell
        .node("validator")?
        .words(["record"])
        .flag("--chain", &place.chain)
        .flag("--data-dir", &files.folder)
        .flag("--wallet-dir", &files.wallets)
        .flag("--wallet", "account")
        .flag("--password-file", &files.password)
        .flag("--member-id", newcomer.id.to_string())
        .flag("--consensus-key", &files.key)
        .flag("--checkpoint-key", &files.checkpoint)
        .flag("--endpoint", address)
        .flag("--region", "this machine")
        .into_file(&nodes)?;
    let text = admission(newcomer, place, public_key)?;
    replace(&draft, text.as_bytes())?;
    shell.tell("The cloud submits: who it is, and which node it runs.");
    let reader = newcomer.id.to_string();
    let submitted = counter
        .informed("submit", (&member_key, &reader), &files.password)?
        .flag("--admission", &draft)
        .flag("--nodes", &nodes)
        .json()?;
    Ok(submitted["entry"].to_string())
}

/// The working group looks at a submission, and signs the list of members with it.
fn approve(submission: &str, counter: &Counter<'_>) -> Result<(), TestnetError> {
    let words = format!(
        "Somebody of the working group looks at it and finds it true; {GROUP_THRESHOLD} of {} sign the new list of members.",
        GROUP.len()
    );
    counter.shell.tell(&words);
    let (key, password) = counter.group(GROUP[0]);
    counter.order("verify", &key, &password)?.words([submission]).json()?;
    let version = counter.status(&[])?["proposal"].to_string();
    let proposal = counter.status(&["--proposal", &version])?;
    let sha256 = proposal["signable_sha256"].as_str().unwrap_or_default();
    for holder in &GROUP[..GROUP_THRESHOLD] {
        let (key, password) = counter.group(holder);
        let line = counter.informed("approve", (&key, holder), &password)?;
        line.flag("--sha256", sha256).words([version.as_str()]).json()?;
    }
    Ok(())
}

/// The node asks the chain.
fn request(newcomer: &Newcomer, place: &Place, shell: &Shell) -> Result<(), NodeError> {
    shell.tell("The cloud asks the chain. Its node is judged first as every validator will judge it.");
    let files = &newcomer.files;
    let mut line = shell
        .node("validator")?
        .words(["request"])
        .flag("--chain", &place.chain)
        .flag("--data-dir", &files.folder)
        .flag("--rpc", format!("http://127.0.0.1:{}", place.rpc_port))
        .flag("--wallet-dir", &files.wallets)
        .flag("--wallet", "account")
        .flag("--password-file", &files.password)
        .flag("--consensus-key", &files.key);
    for argument in notary_arguments(&place.notary) {
        line = line.words([argument]);
    }
    line.flag("--name", &newcomer.name).json()?;
    Ok(())
}
