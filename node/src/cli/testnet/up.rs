//! `ledger-node testnet up`: a network from nothing, or what of an earlier one is down.

use std::{
    num::NonZero,
    thread,
    time::{Duration, Instant},
};

use crate::{
    cli::{Cli, output},
    config::P2P_PORT_DEFAULT,
    error::NodeError,
};

use super::{
    args::UpArgs,
    error::TestnetError,
    files::address_spec,
    folder::{Folder, State},
    interrupt::Interrupt,
    mainchain,
    network::{Children, Network, POLL, Voice, await_answers, say},
    plan::{MAINCHAIN_PORT_DEFAULT, NODES_DEFAULT, NOTARY_PORT_DEFAULT, RPC_PORT_DEFAULT, Shape, VALIDATORS_DEFAULT},
    ports,
    processes::ProcessId,
    status::{Condition, Report},
    view,
};

/// From the last node's first answer to a common final block: many slots, for a machine that is busy with the start.
const FIRST_BLOCK_WITHIN: Duration = Duration::from_secs(120);
/// Blocks that a node may be behind another without being called behind: one may be on its way.
const LAG_BLOCKS_MAX: u64 = 1;

/// Brings the network up. Then it is shown until Ctrl-C, or left alone as soon as it works.
///
/// # Errors
/// [`NodeError::Testnet`]; what was started is stopped again then.
pub fn run(cli: &Cli, args: &UpArgs) -> Result<(), NodeError> {
    refuse_other_chain(cli)?;
    let mut interrupt = Interrupt::install()?;
    let mut children = Children::default();
    let folder = Folder::of(cli)?;
    let mut network = open(folder.clone(), args)?;
    let down = network.down();
    let plan = network.state.shape.plan();
    let needs_notary = network.needs_notary();
    let is_server_down = !network.state.notary.server.as_ref().is_some_and(ProcessId::is_alive);
    let is_mainchain_down = !mainchain::is_alive(&network.state);
    let notary = network.state.shape.notary_port.filter(|_| is_server_down);
    let mainchain = network.state.shape.mainchain_port.filter(|_| is_mainchain_down);
    let notary = notary.map(|port| ("the notary", port));
    let mainchain = mainchain.map(|port| ("the mainchain", port));
    let others: Vec<_> = notary.into_iter().chain(mainchain).collect();
    ports::check(down.iter().map(|index| &plan[*index]), &others)?;
    let is_new = network.state.nodes.is_empty();
    if is_new {
        say("A new testnet: making its keys.");
        network.prepare()?;
    }
    address_spec(&folder, &network.state)?;
    network.save()?;
    tell_what_starts(&network.state, is_new, &down);
    tell_what_it_needs(&network.state.shape);
    let notary = match needs_notary {
        true => network.start_notary(&mut children, &mut interrupt),
        false => Ok(()),
    };
    let mainchain = notary.and_then(|()| network.start_mainchain(&mut children, &mut interrupt));
    let started = mainchain.and_then(|()| network.start(&down, &Voice::of(cli), &mut children, &mut interrupt));
    // From here on others may stop nodes, too.
    drop(network);
    let working = match (started, args.detach) {
        (Err(error), _) => Err(error),
        (Ok(()), true) => await_network(&folder, &mut children, &mut interrupt),
        (Ok(()), false) => return view::watch(&folder, &mut children, &mut interrupt, cli.telemetry.json),
    };
    match working {
        Ok(report) => output(cli.telemetry.json, &serde_json::json!(report), || summary(&report)),
        Err(error) => {
            give_up(&folder, &down, (is_server_down, is_mainchain_down), &mut children);
            Err(error.into())
        }
    }
}

/// The network in `folder`, as `args` want it: what is there, or one without nodes.
fn open(folder: Folder, args: &UpArgs) -> Result<Network, TestnetError> {
    folder.make()?;
    let lock = folder.lock()?;
    folder.check_own()?;
    let Some(state) = folder.read()? else {
        let shape = Shape {
            validators: args.validators.unwrap_or(VALIDATORS_DEFAULT),
            nodes: args.nodes.unwrap_or(NODES_DEFAULT),
            p2p_port_base: args.p2p_port_base.unwrap_or(P2P_PORT_DEFAULT),
            rpc_port_base: args.rpc_port_base.unwrap_or(RPC_PORT_DEFAULT),
            notary_port: (!args.no_notary).then(|| args.notary_port.unwrap_or(NOTARY_PORT_DEFAULT)),
            mainchain_port: mainchain_port(args, None),
            joined: 0,
        };
        shape.check()?;
        let mut state = State::new(shape);
        name_anvil(&folder, args, &mut state)?;
        return Ok(Network::with(folder, lock, state));
    };
    let found = state.shape;
    let wanted = Shape {
        validators: args.validators.unwrap_or(found.validators),
        nodes: args.nodes.unwrap_or(found.nodes),
        p2p_port_base: args.p2p_port_base.unwrap_or(found.p2p_port_base),
        rpc_port_base: args.rpc_port_base.unwrap_or(found.rpc_port_base),
        notary_port: found.notary_port.map(|port| args.notary_port.unwrap_or(port)),
        mainchain_port: mainchain_port(args, found.mainchain_port),
        joined: found.joined,
    };
    wanted.check()?;
    let path = folder.path().to_owned();
    if args.no_notary && found.notary_port.is_some() || args.notary_port.is_some() && found.notary_port.is_none() {
        return Err(TestnetError::OtherNotary { path, found });
    }
    if (wanted.validators, wanted.nodes) != (found.validators, found.nodes) {
        return Err(TestnetError::Shape { path, found });
    }
    let mut network = Network::with(folder, lock, state);
    if wanted != found && network.state.is_alive() {
        return Err(TestnetError::PortsInUse { path });
    }
    network.state.shape = wanted;
    name_anvil(&network.folder, args, &mut network.state)?;
    Ok(network)
}

/// Port of the mainchain that `args` want, beside what there was.
fn mainchain_port(args: &UpArgs, found: Option<u16>) -> Option<u16> {
    match args.mainchain {
        true => args.mainchain_port.or(found).or(Some(MAINCHAIN_PORT_DEFAULT)),
        false => found,
    }
}

/// Finds the program of the mainchain, before anything is made or started.
fn name_anvil(folder: &Folder, args: &UpArgs, state: &mut State) -> Result<(), TestnetError> {
    let is_known = state.mainchain.anvil.as_ref().is_some_and(|path| path.is_file());
    if state.shape.mainchain_port.is_some() && !(is_known && args.anvil.is_none()) {
        state.mainchain.anvil = Some(mainchain::program(folder, args.anvil.as_deref())?);
    }
    Ok(())
}

fn refuse_other_chain(cli: &Cli) -> Result<(), TestnetError> {
    match cli.chain.chain.as_deref() {
        None | Some("testnet") => Ok(()),
        Some(other) => Err(TestnetError::Usage(format!(
            "a local testnet cannot run the chain {other}: it runs the built-in `testnet`, or one like it with other \
             validators. Leave out --chain (and LEDGER_CHAIN)"
        ))),
    }
}

fn tell_what_starts(state: &State, is_new: bool, down: &[usize]) {
    let names = || {
        let names: Vec<_> = down.iter().map(|index| state.nodes[*index].name.as_str()).collect();
        names.join(", ")
    };
    match (is_new, down.len()) {
        (true, _) => {}
        (false, 0) => say("All nodes of this testnet run already."),
        (false, count) if count == state.nodes.len() => {
            say("No node of this testnet runs: starting all of them again.")
        }
        (false, _) => say(&format!(
            "Of this testnet these are down and started again: {}",
            names()
        )),
    }
}

fn tell_what_it_needs(shape: &Shape) {
    // A machine that does not tell how many processors it has gets no advice either.
    let processors = thread::available_parallelism().map_or(usize::MAX, NonZero::get);
    if let Some(words) = shape.strain(processors, !cfg!(debug_assertions)) {
        say(&words);
    }
}

/// Waits until all nodes answer and have a final block in common.
fn await_network(folder: &Folder, children: &mut Children, interrupt: &mut Interrupt) -> Result<Report, TestnetError> {
    let names: Vec<_> = folder.existing()?.nodes.into_iter().map(|node| node.name).collect();
    let mut report = await_answers(folder, &names, children, interrupt)?;
    let deadline = Instant::now() + FIRST_BLOCK_WITHIN;
    while !agree(&report) {
        if Instant::now() > deadline {
            return Err(TestnetError::NoBlock {
                heights: heights(&report),
                within: FIRST_BLOCK_WITHIN,
                path: folder.path().to_owned(),
            });
        }
        if interrupt.within(POLL) {
            return Err(TestnetError::Interrupted);
        }
        report = await_answers(folder, &names, children, interrupt)?;
    }
    Ok(report)
}

/// Whether all nodes are ready, connected, and at the same final block, or one on its way from there.
fn agree(report: &Report) -> bool {
    let is_alone = report.wanted == 1;
    let mut running = report.nodes.iter().filter(|node| node.wanted);
    running.all(|node| {
        node.condition == Condition::Ready
            && (is_alone || node.peers.is_some_and(|peers| peers > 0))
            && node.height.is_some_and(|height| height > 0)
            && node.lag_blocks.is_some_and(|lag| lag <= LAG_BLOCKS_MAX)
    })
}

fn heights(report: &Report) -> String {
    let heights = report.nodes.iter().map(|node| match (node.height, node.peers) {
        (Some(height), Some(peers)) => format!("{} at block {height} with {peers} peers", node.name),
        _ => format!("{}: {}", node.name, node.condition.words()),
    });
    heights.collect::<Vec<_>>().join(", ")
}

/// Stops what this command has started: of the notary, both processes if it started the server.
fn give_up(folder: &Folder, started: &[usize], (with_notary, with_mainchain): (bool, bool), children: &mut Children) {
    let stopped = Network::open(folder.clone()).and_then(|mut network| {
        network.stop(started)?;
        if with_notary {
            network.stop_notary()?;
        }
        match with_mainchain {
            true => network.stop_mainchain(),
            false => Ok(()),
        }
    });
    children.reap();
    match stopped {
        Ok(()) => say("What was started is stopped again; data and logs stay."),
        Err(error) => say(&format!("What was started could not be stopped again: {error}")),
    }
}

fn summary(report: &Report) -> String {
    let folder = report.folder.display();
    format!(
        "{}\nThe testnet runs in the background.\n  Watch it  ledger-node testnet status --data-dir {folder}\n  \
         Stop it   ledger-node testnet down --data-dir {folder}\n  Join it   ledger-node --chain {}",
        report.table(),
        report.chain
    )
}
