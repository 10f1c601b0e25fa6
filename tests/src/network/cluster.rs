//! Four validators and a full node, each a real process, on one chain.
//!
//! Started, stopped and started again one by one by whoever tries a fault. Everything ends with it: processes, network, files.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use ledger_chainspec::ChainSpec;
use tempfile::TempDir;

use super::{
    files,
    wiring::{Seat, TRUSTED, Wiring},
};
use crate::harness::{
    Account, Node, NodeOptions, Refused, Rpc,
    promo::{self, SMALL},
};

/// Validators of the testnet.
pub const VALIDATORS: usize = 4;
/// The node that makes no blocks.
pub const FULL_NODE: usize = VALIDATORS;
/// Nodes of a cluster.
pub const NODES: usize = VALIDATORS + 1;
/// The place of a node that does not belong.
const STRANGER: usize = NODES;
/// Codes that a cloud offers: more than any load asks for.
const OFFERED: u32 = 1_000_000;

/// The nodes, validators first.
#[derive(Debug)]
pub struct Cluster {
    // In the order in which they have to end.
    nodes: Vec<Node>,
    wiring: Wiring,
    spec: ChainSpec,
    spec_path: PathBuf,
    folder: Option<TempDir>,
}

impl Cluster {
    /// Starts them all, and has a cloud offer codes.
    ///
    /// # Errors
    /// What a node said instead of starting.
    pub fn start(wants_namespaces: bool) -> Result<Self, String> {
        let folder = TempDir::with_prefix("ledger-faults-").map_err(|error| error.to_string())?;
        let wiring = Wiring::make(NODES + 1, wants_namespaces)?;
        let mut spec = ChainSpec::testnet();
        let spec_path = folder.path().join("testnet.toml");
        files::write_spec(&spec_path, &mut spec, &wiring.seats)?;
        let mut cluster = Self {
            nodes: Vec::new(),
            wiring,
            spec,
            spec_path,
            folder: Some(folder),
        };
        cluster.start_nodes()?;
        cluster.offer()?;
        Ok(cluster)
    }

    /// Starts all at once, since opening a key takes a while.
    fn start_nodes(&mut self) -> Result<(), String> {
        let options: Vec<_> = (0..NODES).map(|index| self.options(index)).collect::<Result<_, _>>()?;
        let folders: Vec<_> = (0..NODES).map(|index| self.folder_of(index)).collect();
        let started: Vec<_> = thread::scope(|scope| {
            let starting: Vec<_> = options
                .into_iter()
                .zip(&folders)
                .map(|(options, folder)| scope.spawn(move || Node::try_start_in(folder, options)))
                .collect();
            let ends = starting.into_iter();
            ends.map(|start| start.join().expect("a start does not panic"))
                .collect()
        });
        for (index, node) in started.into_iter().enumerate() {
            let mut node = node.map_err(|refused| format!("node {index}: {refused}"))?;
            // From now on a key that finds no record has lost it.
            node.set_arguments(self.arguments(index, &["--fresh-guard"]));
            self.nodes.push(node);
        }
        Ok(())
    }

    fn options(&self, index: usize) -> Result<NodeOptions, String> {
        let folder = self.folder_of(index);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let seat = &self.wiring.seats[index];
        if index < VALIDATORS {
            files::write_keys(&folder, index)?;
        }
        Ok(NodeOptions {
            chain: self.spec_path.display().to_string(),
            arguments: self.arguments(index, &[]),
            environment: Vec::new(),
            prefix: seat.prefix.clone(),
            rpc: Some(seat.rpc),
        })
    }

    /// The arguments of a node, but for those in `without`.
    fn arguments(&self, index: usize, without: &[&str]) -> Vec<String> {
        let seat = &self.wiring.seats[index];
        let mut arguments = vec!["--listen".to_owned(), seat.peers.to_string()];
        arguments.extend(["--rpc-trusted".to_owned(), TRUSTED.to_owned()]);
        if index < VALIDATORS {
            arguments.extend(files::key_arguments(&self.folder_of(index)));
            arguments.push("--fresh-guard".to_owned());
        }
        arguments.retain(|argument| !without.contains(&argument.as_str()));
        arguments
    }

    fn offer(&self) -> Result<(), String> {
        let owner = Account::development(0, self.chain_id());
        let receipt = owner.send(self.rpc(0), &promo::set_offer(SMALL, OFFERED));
        let receipt = receipt.map_err(|error| error.to_string())?;
        match promo::succeeded(&receipt) {
            true => Ok(()),
            false => Err(format!("the offer was refused: {receipt}")),
        }
    }

    /// A node of another chain, who believes that ours is its own and knows all addresses.
    ///
    /// # Errors
    /// What it said instead of starting.
    pub fn start_stranger(&self) -> Result<Node, String> {
        let folder = self.root().join("stranger");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let path = folder.join("testnet.toml");
        let mut spec = self.spec.clone();
        spec.genesis_timestamp += 1;
        files::write_spec(&path, &mut spec, &self.wiring.seats)?;
        let seat = self.stranger_seat();
        let options = NodeOptions {
            chain: path.display().to_string(),
            arguments: vec!["--listen".to_owned(), seat.peers.to_string()],
            prefix: seat.prefix.clone(),
            rpc: Some(seat.rpc),
            ..NodeOptions::default()
        };
        Node::try_start_in(&folder, options).map_err(|refused| refused.to_string())
    }

    /// The place of a node that does not belong.
    pub fn stranger_seat(&self) -> &Seat {
        &self.wiring.seats[STRANGER]
    }

    /// Starts a node again that has ended.
    ///
    /// # Errors
    /// What it said instead of starting.
    pub fn restart(&mut self, index: usize) -> Result<(), String> {
        let started = self.nodes[index].try_restart();
        started.map_err(|Refused { status, words }| {
            format!("{} did not start again, but ended with {status}:\n{words}", name(index))
        })
    }

    /// A node.
    pub fn node(&mut self, index: usize) -> &mut Node {
        &mut self.nodes[index]
    }

    /// What a node wrote since its last start.
    pub fn log_of(&self, index: usize) -> String {
        self.nodes[index].log_since_start()
    }

    /// The node's JSON-RPC.
    pub fn rpc(&self, index: usize) -> &Rpc {
        self.nodes[index].rpc()
    }

    /// Where nodes listen.
    pub fn seats(&self) -> &[Seat] {
        &self.wiring.seats[..NODES]
    }

    /// The network between them.
    pub const fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// The chain.
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// Its id.
    pub const fn chain_id(&self) -> u64 {
        self.spec.chain_id
    }

    fn root(&self) -> &Path {
        let folder = self.folder.as_ref().expect("the folder is there until the end");
        folder.path()
    }

    fn folder_of(&self, index: usize) -> PathBuf {
        self.root().join(name(index))
    }

    /// Whether a node has panicked so far, with its log.
    pub fn panic(&self) -> Option<String> {
        let mut logs = self.nodes.iter().map(Node::log).enumerate();
        logs.find(|(_, log)| log.contains("panicked"))
            .map(|(index, log)| format!("{} panicked:\n{log}", name(index)))
    }

    /// Ends all nodes and leaves their folders for a person to look at.
    pub fn keep(mut self) -> PathBuf {
        self.nodes.clear();
        self.folder.take().expect("the folder is there until the end").keep()
    }
}

/// What a node is called: `validator-2`, `node-0`.
pub fn name(index: usize) -> String {
    match index.checked_sub(VALIDATORS) {
        None => format!("validator-{index}"),
        Some(number) => format!("node-{number}"),
    }
}
