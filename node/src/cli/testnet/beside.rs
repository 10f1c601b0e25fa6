//! How do those stand that are no nodes of the network: the notary and the mainchain?
//!
//! Called by [`super::status`]. It changes nothing.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    ask::get,
    folder::{Folder, State},
    mainchain,
    notary::STATUS_PATH,
    processes::ProcessId,
    status::Condition,
};

/// The notary as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct NotaryReport {
    /// Where it answers.
    pub url: String,
    /// How its server is.
    pub condition: Condition,
    /// Its server's process, if that is alive.
    pub pid: Option<u32>,
    /// The process with the online keys, if that is alive.
    pub signer_pid: Option<u32>,
    /// Members that may validate, if it answers.
    pub members: Option<u64>,
    /// Its files.
    pub folder: PathBuf,
}

/// The mainchain as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct MainchainReport {
    /// Its JSON-RPC.
    pub url: String,
    /// How it is.
    pub condition: Condition,
    /// Its process, if that is alive.
    pub pid: Option<u32>,
    /// Number of its newest block.
    pub height: Option<u64>,
    /// Checkpoints that its contract has.
    pub checkpoints: Option<u64>,
    /// Its files.
    pub folder: PathBuf,
}

/// The notary, if the network has one.
#[must_use]
pub fn notary(folder: &Folder, state: &State) -> Option<NotaryReport> {
    let (port, known) = (state.shape.notary_port?, &state.notary);
    let alive = |process: &Option<ProcessId>| {
        let process = process.as_ref().filter(|process| process.is_alive());
        process.map(|process| process.pid)
    };
    let answer = alive(&known.server).and_then(|_| get(port, STATUS_PATH));
    let (pid, signer_pid) = (alive(&known.server), alive(&known.signer));
    let condition = match (&answer, pid, signer_pid) {
        (Some(_), Some(_), Some(_)) => Condition::Ready,
        (None, Some(_), Some(_)) => Condition::Silent,
        _ if known.wanted => Condition::Ended,
        _ => Condition::Stopped,
    };
    Some(NotaryReport {
        url: format!("http://127.0.0.1:{port}"),
        condition,
        pid,
        signer_pid,
        members: answer.and_then(|answer| answer.pointer("/members/published")?.as_u64()),
        folder: folder.notary().folder().to_owned(),
    })
}

/// The mainchain, if the network has one.
#[must_use]
pub fn mainchain(folder: &Folder, state: &State) -> Option<MainchainReport> {
    let (port, known) = (state.shape.mainchain_port?, &state.mainchain);
    let process = known.process.as_ref().filter(|process| process.is_alive());
    let height = process.and_then(|_| mainchain::height(port));
    let condition = match (process, height) {
        (Some(_), Some(_)) => Condition::Ready,
        (Some(_), None) => Condition::Silent,
        (None, _) if known.wanted => Condition::Ended,
        (None, _) => Condition::Stopped,
    };
    Some(MainchainReport {
        url: mainchain::url(port),
        condition,
        pid: process.map(|process| process.pid),
        height,
        checkpoints: height.and_then(|_| mainchain::checkpoints(port)),
        folder: folder.mainchain().folder().to_owned(),
    })
}

impl NotaryReport {
    /// As people read it.
    #[must_use]
    pub fn words(&self) -> String {
        let members = self.members.map_or_else(String::new, |members| match members {
            1 => ", 1 member may validate by its word".to_owned(),
            members => format!(", {members} members may validate by its word"),
        });
        let folder = self.folder.display();
        match self.condition {
            Condition::Ended => format!(
                "The notary has ended, server or signer; see the logs in {folder}. Start it again with: ledger-node testnet up"
            ),
            condition => format!("Notary at {}: {}{members}", self.url, condition.words()),
        }
    }
}

impl MainchainReport {
    /// As people read it.
    #[must_use]
    pub fn words(&self) -> String {
        let folder = self.folder.display();
        let height = self
            .height
            .map_or_else(String::new, |height| format!(", block {height}"));
        let checkpoints = match self.checkpoints {
            None => String::new(),
            Some(1) => ", 1 checkpoint".to_owned(),
            Some(count) => format!(", {count} checkpoints"),
        };
        match self.condition {
            Condition::Ended => {
                format!("The mainchain has ended; see its log in {folder}. Start it again with: ledger-node testnet up")
            }
            condition => format!("Mainchain at {}: {}{height}{checkpoints}", self.url, condition.words()),
        }
    }
}
