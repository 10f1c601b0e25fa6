//! The small commands that look at a network or change it once it is there: `status`, `stop-node`, `start-node`, `restart`, `down`.

use ledger_chainspec::quorum_of;
use serde_json::json;

use crate::{
    cli::{Cli, output},
    error::NodeError,
};

use super::{
    error::TestnetError,
    files::address_spec,
    folder::{Folder, State},
    interrupt::Interrupt,
    network::{Children, Network, StoppedNode, Voice, say},
    plan::Role,
    ports,
    processes::{Stopped, TERMINATE_WITHIN},
    status::observe,
};

/// Shows how every node stands.
///
/// # Errors
/// [`TestnetError::NotAllRun`] unless all nodes run that should, and there are such nodes.
pub fn status(cli: &Cli) -> Result<(), NodeError> {
    let folder = Folder::of(cli)?;
    let report = observe(&folder, &folder.existing()?);
    let mut facts = json!(report);
    facts["good"] = report.is_good().into();
    output(cli.telemetry.json, &facts, || report.table().trim_end().to_owned())?;
    match report.is_good() {
        true => Ok(()),
        false => Err(TestnetError::NotAllRun(match report.wanted {
            wanted if wanted > 0 && report.running == wanted => {
                "the notary or the mainchain should run and does not, or does not answer".to_owned()
            }
            0 => format!(
                "no node runs; start them with: ledger-node testnet up --data-dir {}",
                folder.path().display()
            ),
            wanted => format!("{} of {wanted} nodes that should run do", report.running),
        })
        .into()),
    }
}

/// Stops one node.
///
/// # Errors
/// [`NodeError::Testnet`]
pub fn stop_node(cli: &Cli, name: &str) -> Result<(), NodeError> {
    let mut network = Network::open(Folder::of(cli)?)?;
    let index = network.state.find(name)?;
    let stopped = network.stop(&[index])?;
    let name = network.state.nodes[index].name.clone();
    warn_of_standstill(&network.state);
    let how = stopped.first().map_or(Stopped::Before, |node| node.how);
    let facts = json!({ "stopped": [{ "node": name, "how": how_word(how) }] });
    output(cli.telemetry.json, &facts, || words_of(&name, how))
}

/// Starts one node, and waits until it answers.
///
/// # Errors
/// [`NodeError::Testnet`]
pub fn start_node(cli: &Cli, name: &str) -> Result<(), NodeError> {
    let network = Network::open(Folder::of(cli)?)?;
    let index = network.state.find(name)?;
    if network.state.nodes[index].is_alive() {
        let name = &network.state.nodes[index].name;
        return output(cli.telemetry.json, &json!({ "started": [] }), || {
            format!("{name} runs already")
        });
    }
    start(cli, network, &[index])
}

/// Stops nodes and starts them again: the one of that name, or all that should run.
///
/// # Errors
/// [`NodeError::Testnet`]
pub fn restart(cli: &Cli, name: Option<&str>) -> Result<(), NodeError> {
    let mut network = Network::open(Folder::of(cli)?)?;
    let chosen = match name {
        Some(name) => vec![network.state.find(name)?],
        None => {
            let nodes = network.state.nodes.iter().enumerate();
            nodes.filter(|(_, node)| node.wanted).map(|(index, _)| index).collect()
        }
    };
    if chosen.is_empty() {
        return Err(TestnetError::Usage(format!(
            "no node of this testnet runs; start them with: ledger-node testnet up --data-dir {}",
            network.folder.path().display()
        ))
        .into());
    }
    network.stop(&chosen)?;
    start(cli, network, &chosen)
}

/// Starts the nodes with these numbers, which are down, and waits until they answer.
fn start(cli: &Cli, mut network: Network, chosen: &[usize]) -> Result<(), NodeError> {
    let mut interrupt = Interrupt::install()?;
    let mut children = Children::default();
    let plan = network.state.shape.plan();
    ports::check(chosen.iter().map(|index| &plan[*index]), &[])?;
    address_spec(&network.folder, &network.state)?;
    network.start(chosen, &Voice::of(cli), &mut children, &mut interrupt)?;
    let names: Vec<_> = chosen
        .iter()
        .map(|index| network.state.nodes[*index].name.clone())
        .collect();
    let facts = json!({ "started": names.iter().map(|name| json!({ "node": name })).collect::<Vec<_>>() });
    output(cli.telemetry.json, &facts, || {
        names
            .iter()
            .map(|name| format!("{name} answers again"))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// Stops all nodes.
///
/// # Errors
/// [`NodeError::Testnet`]
pub fn down(cli: &Cli) -> Result<(), NodeError> {
    let mut network = Network::open(Folder::of(cli)?)?;
    let all: Vec<_> = (0..network.state.nodes.len()).collect();
    let stopped = network.stop(&all)?;
    network.stop_notary()?;
    network.stop_mainchain()?;
    let of = |node: &StoppedNode| json!({ "node": node.name, "how": how_word(node.how) });
    let facts = json!({ "stopped": stopped.iter().map(of).collect::<Vec<_>>() });
    output(cli.telemetry.json, &facts, || {
        let killed = stopped.iter().filter(|node| node.how == Stopped::Killed);
        let mut text: String = killed
            .map(|node| format!("{}\n", words_of(&node.name, node.how)))
            .collect();
        text.push_str(&down_words(&network.folder));
        text
    })
}

/// What is said when nothing runs any more.
#[must_use]
pub fn down_words(folder: &Folder) -> String {
    let folder = folder.path().display();
    format!("The testnet has stopped. Its data stays; go on with: ledger-node testnet up --data-dir {folder}")
}

fn how_word(how: Stopped) -> &'static str {
    match how {
        Stopped::Before => "was_down",
        Stopped::Gracefully => "stopped",
        Stopped::Killed => "killed",
    }
}

fn words_of(name: &str, how: Stopped) -> String {
    match how {
        Stopped::Before => format!("{name} was down already"),
        Stopped::Gracefully => format!("{name} has stopped"),
        Stopped::Killed => format!(
            "{name} did not stop within {} s and was killed",
            TERMINATE_WITHIN.as_secs()
        ),
    }
}

/// Says when too few validators are left to make a block final.
fn warn_of_standstill(state: &State) {
    let validators = usize::from(state.shape.validators);
    let quorum = quorum_of(validators);
    let nodes = state
        .planned()
        .filter(|(node, known)| node.role == Role::Validator && known.wanted);
    let left = nodes.count();
    if left < quorum {
        say(&format!(
            "Now {left} of {validators} validators are left, and {quorum} make a block final: the chain stands still until \
             more are back."
        ));
    }
}
