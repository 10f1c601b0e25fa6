//! How does the network stand? Every node's process and what it says of itself, as a table for people and as JSON.
//!
//! Called by `status`, by `up` while it waits, and by the live view. It changes nothing.

use std::{fmt::Write as _, path::PathBuf, thread};

use alloy_primitives::B256;
use serde::Serialize;

use super::{
    ask::{Answer, ask},
    beside::{self, MainchainReport, NotaryReport},
    folder::{Folder, NodeState, State},
    logs,
    plan::{Planned, Role},
};

/// Lines that are shown of the log of a node that has ended.
const LAST_WORDS_LINES: usize = 12;

/// The condition of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It takes part and is not behind.
    Ready,
    /// It answers, and catches up with its peers.
    Syncing,
    /// Its process is there and does not answer at JSON-RPC: it starts, or it hangs.
    Silent,
    /// It should run and does not.
    Ended,
    /// It was stopped as asked.
    Stopped,
}

/// One node as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// Its number, for commands.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// How it is.
    pub condition: Condition,
    /// Whether it should run.
    pub wanted: bool,
    /// Its process, if that is alive.
    pub pid: Option<u32>,
    /// Where it serves JSON-RPC.
    pub rpc: String,
    /// Where it listens for peers.
    pub p2p_port: u16,
    /// Who it is to its peers.
    pub peer_id: String,
    /// The number of its newest block; every block is final.
    pub height: Option<u64>,
    /// The hash of that block.
    pub head: Option<B256>,
    /// Blocks that it is behind the newest that any node has.
    pub lag_blocks: Option<u64>,
    /// Peers that it is connected to.
    pub peers: Option<u64>,
    /// Its data.
    pub folder: PathBuf,
    /// What it says.
    pub log: PathBuf,
    /// The end of its log, if it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_words: Option<String>,
}

/// The network as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it is.
    pub folder: PathBuf,
    /// What to give a further node as `--chain`.
    pub chain: String,
    /// The hash of block 0, if any node answers.
    pub genesis_hash: Option<B256>,
    /// The highest block that any node has.
    pub height: Option<u64>,
    /// Nodes that should run.
    pub wanted: usize,
    /// Nodes of those that do: their process is there, and it answers.
    pub running: usize,
    /// Every node, in the order of the plan.
    pub nodes: Vec<NodeReport>,
    /// The notary, if the network has one.
    pub notary: Option<NotaryReport>,
    /// The mainchain, if the network has one.
    pub mainchain: Option<MainchainReport>,
}

/// Looks at every node of `state`, at all of them at once.
#[must_use]
pub fn observe(folder: &Folder, state: &State) -> Report {
    let seen: Vec<_> = state
        .planned()
        .map(|(node, known)| (node, known, known.is_alive()))
        .collect();
    let answers: Vec<Option<Answer>> = thread::scope(|scope| {
        let asked: Vec<_> = seen
            .iter()
            .map(|(node, _, alive)| alive.then(|| scope.spawn(|| ask(node.rpc_port))))
            .collect();
        let answers = asked.into_iter();
        answers
            .map(|thread| thread.and_then(|thread| thread.join().expect("asking a node does not panic")))
            .collect()
    });
    let genesis_hash = answers.iter().flatten().map(|answer| answer.status.genesis_hash).next();
    let height = answers.iter().flatten().map(|answer| answer.status.head.number).max();
    let nodes: Vec<_> = seen
        .into_iter()
        .zip(answers)
        .enumerate()
        .map(|(number, ((node, known, _), answer))| report(folder, (number, node, known), answer, height))
        .collect();
    Report {
        folder: folder.path().to_owned(),
        chain: chain_argument(folder, state),
        genesis_hash,
        height,
        wanted: nodes.iter().filter(|node| node.wanted).count(),
        running: nodes.iter().filter(|node| node.wanted && node.answers()).count(),
        nodes,
        notary: beside::notary(folder, state),
        mainchain: beside::mainchain(folder, state),
    }
}

/// What the nodes are given as `--chain`.
#[must_use]
pub fn chain_argument(folder: &Folder, state: &State) -> String {
    match state.shape.is_built_in() {
        true => "testnet".to_owned(),
        false => folder.spec_path().display().to_string(),
    }
}

fn report(
    folder: &Folder,
    (number, node, known): (usize, Planned, &NodeState),
    answer: Option<Answer>,
    highest: Option<u64>,
) -> NodeReport {
    let files = folder.files(&node.name);
    // Asked again: a node that ended while it was asked has ended, and is not silent.
    let pid = known
        .process
        .as_ref()
        .filter(|process| process.is_alive())
        .map(|process| process.pid);
    let condition = match (&answer, pid) {
        (Some(answer), Some(_)) if answer.ready => Condition::Ready,
        (Some(_), Some(_)) => Condition::Syncing,
        (None, Some(_)) => Condition::Silent,
        (_, None) if known.wanted => Condition::Ended,
        (_, None) => Condition::Stopped,
    };
    let status = answer.filter(|_| pid.is_some()).map(|answer| answer.status);
    let height = status.as_ref().map(|status| status.head.number);
    let last_words = (condition == Condition::Ended).then(|| logs::last_words(&files.log, LAST_WORDS_LINES));
    NodeReport {
        number,
        name: node.name,
        role: node.role,
        condition,
        wanted: known.wanted,
        pid,
        rpc: format!("http://127.0.0.1:{}", node.rpc_port),
        p2p_port: node.p2p_port,
        peer_id: known.peer_id.clone(),
        height,
        head: status.as_ref().map(|status| status.head.hash),
        lag_blocks: highest.zip(height).map(|(highest, own)| highest.saturating_sub(own)),
        peers: status.as_ref().map(|status| status.peers),
        folder: files.folder,
        log: files.log,
        last_words,
    }
}

impl NodeReport {
    /// Whether it runs: its process is there, and it answers.
    #[must_use]
    pub fn answers(&self) -> bool {
        matches!(self.condition, Condition::Ready | Condition::Syncing)
    }

    fn row(&self) -> [String; 7] {
        let shown = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        [
            self.number.to_string(),
            self.name.clone(),
            shown(self.pid.map(u64::from)),
            self.rpc.clone(),
            shown(self.height),
            shown(self.lag_blocks),
            format!("{:<7}{}", shown(self.peers), self.condition.words()),
        ]
    }
}

impl Condition {
    /// As people read it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Syncing => "catching up",
            Self::Silent => "no answer yet",
            Self::Ended => "ENDED",
            Self::Stopped => "stopped",
        }
    }
}

impl Report {
    /// Whether all nodes run that should, the notary and the mainchain answer if they should run, and there are such nodes.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let notary = self.notary.as_ref().map(|notary| notary.condition);
        let mainchain = self.mainchain.as_ref().map(|mainchain| mainchain.condition);
        let is_missed = |condition: &Condition| !matches!(condition, Condition::Ready | Condition::Stopped);
        self.wanted > 0 && self.running == self.wanted && !notary.iter().chain(&mainchain).any(is_missed)
    }

    /// The first node, if all that should run have ended.
    #[must_use]
    pub fn first_of_all_ended(&self) -> Option<&NodeReport> {
        let mut wanted = self.nodes.iter().filter(|node| node.wanted);
        let first = wanted.next().filter(|node| node.condition == Condition::Ended)?;
        wanted.all(|node| node.condition == Condition::Ended).then_some(first)
    }

    /// One sentence about the whole.
    #[must_use]
    pub fn headline(&self) -> String {
        let folder = self.folder.display();
        if self.wanted == 0 {
            return format!("The testnet in {folder} is stopped");
        }
        let height = self
            .height
            .map_or_else(String::new, |height| format!(", block {height} is final"));
        format!(
            "Testnet in {folder}: {} of {} nodes run{height}",
            self.running, self.wanted
        )
    }

    /// Headline, table, and the last words of nodes that have ended.
    #[must_use]
    pub fn table(&self) -> String {
        let head = ["#", "NODE", "PID", "JSON-RPC", "HEIGHT", "LAG", "PEERS  STATE"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head)
            .chain(self.nodes.iter().map(NodeReport::row))
            .collect();
        let mut text = format!("{}\n\n", self.headline());
        for row in &rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
                // Writing to a String does not fail.
                let _ = write!(line, "{cell:<width$}  ");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if let Some(notary) = &self.notary {
            let _ = writeln!(text, "\n{}", notary.words());
        }
        if let Some(mainchain) = &self.mainchain {
            let _ = writeln!(text, "\n{}", mainchain.words());
        }
        for node in &self.nodes {
            if let Some(words) = &node.last_words {
                let _ = write!(
                    text,
                    "\n{} has ended. Its last words, of {}:\n",
                    node.name,
                    node.log.display()
                );
                for line in words.lines() {
                    let _ = writeln!(text, "  | {line}");
                }
            }
        }
        text
    }
}
