//! Starting and stopping the nodes of a network.
//!
//! A [`Network`] holds the lock of its folder: whoever has one is the only one who starts or stops nodes there. What should
//! run is written down before it is started or stopped, so that a command that is cut off leaves a state that the next one
//! understands.

use std::{
    ffi::OsString,
    io::{self, Write},
    process::Child,
    time::{Duration, Instant},
};

use ledger_chainspec::ChainSpec;

use crate::cli::{Cli, LogFormat};

use super::{
    error::TestnetError,
    folder::{Folder, Lock, State},
    interrupt::Interrupt,
    launch::{LaunchOptions, arguments},
    plan::{NodeFiles, Planned},
    processes::{self, ProcessId, Stopped},
    status::{Condition, Report, chain_argument, observe},
};

/// Nodes that are started at the same time. Unlocking a key takes a second of a processor and 128 MiB.
const START_AT_ONCE: usize = 6;
/// Longest wait for a node to answer, on a machine that starts several.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Time between two looks at nodes that start.
pub const POLL: Duration = Duration::from_millis(200);

/// A network that this command may change.
#[derive(Debug)]
pub struct Network {
    /// Where it is.
    pub folder: Folder,
    /// What is known about it.
    pub state: State,
    lock: Lock,
}

/// What all nodes of a start have in common.
#[derive(Clone, Debug)]
pub struct Voice {
    log_level: String,
    log_format: LogFormat,
}

/// Processes that this command started. They go on when it ends; until then it is to take note when they do.
#[derive(Debug, Default)]
pub struct Children(Vec<Child>);

/// A node that was stopped.
#[derive(Clone, Debug)]
pub struct StoppedNode {
    /// Its name.
    pub name: String,
    /// How.
    pub how: Stopped,
}

impl Voice {
    /// As the command itself was asked to log.
    #[must_use]
    pub fn of(cli: &Cli) -> Self {
        Self {
            log_level: cli.telemetry.log_level.clone(),
            log_format: cli.telemetry.log_format,
        }
    }
}

impl Children {
    /// Takes one on; gives its number.
    pub fn add(&mut self, child: Child) -> u32 {
        let pid = child.id();
        self.0.push(child);
        pid
    }

    /// Lets the kernel forget those that have ended.
    pub fn reap(&mut self) {
        self.0.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

impl Network {
    /// The network in `folder`, to be changed.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open(folder: Folder) -> Result<Self, TestnetError> {
        let (lock, state) = folder.open()?;
        Ok(Self::with(folder, lock, state))
    }

    /// The network whose state and lock are at hand already.
    #[must_use]
    pub fn with(folder: Folder, lock: Lock, state: State) -> Self {
        let mut network = Self { folder, state, lock };
        network.find_strays();
        network
    }

    /// Writes down what is known.
    ///
    /// # Errors
    /// [`TestnetError::File`]
    pub fn save(&self) -> Result<(), TestnetError> {
        self.folder.write(&self.lock, &self.state)
    }

    /// Makes the nodes' files, for a network that has none.
    ///
    /// # Errors
    /// As [`super::files::prepare`].
    pub fn prepare(&mut self) -> Result<(), TestnetError> {
        super::files::prepare(&self.folder, &self.lock, &mut self.state)
    }

    /// Whether the notary should be started: the network has one, and not both of its processes are alive.
    #[must_use]
    pub fn needs_notary(&self) -> bool {
        let alive = self.state.notary.processes().filter(|process| process.is_alive());
        self.state.shape.notary_port.is_some() && alive.count() < 2
    }

    /// Starts what of the notary is down, and waits until it has published.
    ///
    /// # Errors
    /// [`TestnetError`] if a process cannot be started, ends, or does not answer, or a signal comes.
    pub fn start_notary(&mut self, children: &mut Children, interrupt: &mut Interrupt) -> Result<(), TestnetError> {
        super::notary::start(self, children, interrupt)
    }

    /// Starts the mainchain if it is down, with the contract on it.
    ///
    /// # Errors
    /// As [`super::mainchain::start`].
    pub fn start_mainchain(&mut self, children: &mut Children, interrupt: &mut Interrupt) -> Result<(), TestnetError> {
        super::mainchain::start(self, children, interrupt)
    }

    /// Numbers of the nodes whose process is not alive.
    #[must_use]
    pub fn down(&self) -> Vec<usize> {
        let is_alive = |index: &usize| self.state.nodes.get(*index).is_some_and(|node| node.is_alive());
        (0..self.state.shape.plan().len())
            .filter(|index| !is_alive(index))
            .collect()
    }

    /// Starts the nodes with these numbers, a few at a time, and waits until they answer.
    ///
    /// # Errors
    /// [`TestnetError`] if a process cannot be started, ends, or does not answer, or a signal comes.
    pub fn start(
        &mut self,
        indices: &[usize],
        voice: &Voice,
        children: &mut Children,
        interrupt: &mut Interrupt,
    ) -> Result<(), TestnetError> {
        for wave in indices.chunks(START_AT_ONCE) {
            for index in wave {
                self.start_one(*index, voice, children)?;
            }
            let names: Vec<_> = wave.iter().map(|index| self.state.nodes[*index].name.clone()).collect();
            await_answers(&self.folder, &names, children, interrupt)?;
            for index in wave {
                self.state.nodes[*index].answered = true;
            }
            self.save()?;
        }
        Ok(())
    }

    fn start_one(&mut self, index: usize, voice: &Voice, children: &mut Children) -> Result<(), TestnetError> {
        let (planned, files, arguments) = self.command_line(index, voice);
        let node = &mut self.state.nodes[index];
        (node.wanted, node.process) = (true, None);
        self.save()?;
        let started = std::env::current_exe().and_then(|program| processes::spawn(&program, &arguments, &files.log));
        let child = started.map_err(|source| TestnetError::Spawn {
            node: planned.name.clone(),
            source,
        })?;
        let pid = children.add(child);
        self.state.nodes[index].process = ProcessId::of(pid);
        self.save()?;
        say(&format!(
            "{:<14} process {pid}, JSON-RPC on http://127.0.0.1:{}, log in {}",
            planned.name,
            planned.rpc_port,
            files.log.display()
        ));
        Ok(())
    }

    fn command_line(&self, index: usize, voice: &Voice) -> (Planned, NodeFiles, Vec<OsString>) {
        let planned = self.state.shape.plan().swap_remove(index);
        let files = self.folder.files(&planned.name);
        let options = LaunchOptions {
            chain: chain_argument(&self.folder, &self.state).into(),
            bootnodes: self.unnamed_validators(&planned.name),
            is_fresh: self.is_fresh(index, &files),
            has_checkpoint_key: files.checkpoint.exists(),
            notary: self.folder.notary_place(&self.state.shape),
            mainchain: self.state.shape.mainchain_port.map(super::mainchain::url),
            relayers: self.state.shape.relayers(),
            log_level: voice.log_level.clone(),
            log_format: voice.log_format,
        };
        let arguments = arguments(&planned, &files, &options);
        (planned, files, arguments)
    }

    /// Addresses of the validators that the chain itself does not name, but for that named `besides`.
    fn unnamed_validators(&self, besides: &str) -> Vec<String> {
        if !self.state.shape.is_built_in() {
            // The chain in the folder names them all.
            return Vec::new();
        }
        let named = ChainSpec::testnet().network.bootnodes;
        let mut addresses = self.state.validator_addresses(besides);
        addresses.retain(|address| !named.contains(address));
        addresses
    }

    /// Whether the key of this node has never signed on this chain: it never got as far as to answer, and has no guard store.
    fn is_fresh(&self, index: usize, files: &NodeFiles) -> bool {
        !self.state.nodes[index].answered && !files.guard.exists()
    }

    /// Stops the nodes with these numbers, all at once; they are not to run from then on.
    ///
    /// # Errors
    /// [`TestnetError::Signal`] for the first that could not be stopped, [`TestnetError::File`].
    pub fn stop(&mut self, indices: &[usize]) -> Result<Vec<StoppedNode>, TestnetError> {
        for index in indices {
            self.state.nodes[*index].wanted = false;
        }
        self.save()?;
        let known: Vec<_> = indices
            .iter()
            .filter_map(|index| Some((*index, self.state.nodes[*index].process.clone()?)))
            .collect();
        let ids: Vec<_> = known.iter().map(|(_, process)| process.clone()).collect();
        let mut ends = Vec::new();
        let mut failure = None;
        for ((index, process), how) in known.into_iter().zip(processes::stop(&ids)) {
            let node = &mut self.state.nodes[index];
            let name = node.name.clone();
            match how {
                Ok(how) => {
                    node.process = None;
                    ends.push(StoppedNode { name, how });
                }
                Err(source) => {
                    let pid = process.pid;
                    failure.get_or_insert(TestnetError::Signal {
                        node: name,
                        pid,
                        source,
                    });
                }
            }
        }
        self.save()?;
        failure.map_or(Ok(ends), Err)
    }

    /// Stops the notary; it is not to run from then on.
    ///
    /// # Errors
    /// [`TestnetError::Signal`] for the first process that could not be stopped, [`TestnetError::File`].
    pub fn stop_notary(&mut self) -> Result<(), TestnetError> {
        self.state.notary.wanted = false;
        self.save()?;
        let known: Vec<_> = self.state.notary.processes().cloned().collect();
        for (process, how) in known.iter().zip(processes::stop(&known)) {
            how.map_err(|source| TestnetError::Signal {
                node: "the notary".to_owned(),
                pid: process.pid,
                source,
            })?;
        }
        (self.state.notary.server, self.state.notary.signer) = (None, None);
        self.save()
    }

    /// Stops the mainchain, which writes its chain down first; it is not to run from then on.
    ///
    /// # Errors
    /// [`TestnetError::Signal`] if it could not be stopped, [`TestnetError::File`].
    pub fn stop_mainchain(&mut self) -> Result<(), TestnetError> {
        self.state.mainchain.wanted = false;
        self.save()?;
        let known: Vec<_> = self.state.mainchain.process.iter().cloned().collect();
        for (process, how) in known.iter().zip(processes::stop(&known)) {
            how.map_err(|source| TestnetError::Signal {
                node: "the mainchain".to_owned(),
                pid: process.pid,
                source,
            })?;
        }
        self.state.mainchain.process = None;
        self.save()
    }

    /// Finds nodes whose process was started and not written down, because the command was cut off in between.
    fn find_strays(&mut self) {
        let down: Vec<_> = self
            .down()
            .into_iter()
            .filter(|index| *index < self.state.nodes.len())
            .collect();
        let voice = Voice {
            log_level: String::new(),
            log_format: LogFormat::Text,
        };
        let lines: Vec<_> = down.iter().map(|index| self.command_line(*index, &voice).2).collect();
        for (index, found) in down.into_iter().zip(processes::find(&lines)) {
            if found.is_some() {
                self.state.nodes[index].process = found;
            }
        }
        super::notary::find_strays(&self.folder, &mut self.state);
        super::mainchain::find_strays(&self.folder, &mut self.state);
    }
}

/// Waits until the nodes with these names answer.
///
/// # Errors
/// [`TestnetError::Ended`], [`TestnetError::Silent`], [`TestnetError::Interrupted`], [`TestnetError::StoppedElsewhere`].
pub fn await_answers(
    folder: &Folder,
    names: &[String],
    children: &mut Children,
    interrupt: &mut Interrupt,
) -> Result<Report, TestnetError> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    loop {
        children.reap();
        let report = observe(folder, &folder.existing()?);
        let awaited = || report.nodes.iter().filter(|node| names.contains(&node.name));
        if let Some(node) = awaited().find(|node| node.condition == Condition::Ended) {
            return Err(TestnetError::ended(node));
        }
        if awaited().any(|node| !node.wanted) {
            return Err(TestnetError::StoppedElsewhere);
        }
        let silent: Vec<_> = awaited()
            .filter(|node| !node.answers())
            .map(|node| node.name.clone())
            .collect();
        if silent.is_empty() {
            return Ok(report);
        }
        if Instant::now() > deadline {
            return Err(TestnetError::Silent {
                nodes: silent.join(", "),
                within: ANSWER_WITHIN,
                path: folder.path().to_owned(),
            });
        }
        if interrupt.within(POLL) {
            return Err(TestnetError::Interrupted);
        }
    }
}

/// Tells the person at the terminal how far it is. Standard output is for the answer alone.
pub fn say(words: &str) {
    // Where nobody can be told, the exit code still says how it ended.
    let _ = writeln!(io::stderr(), "{words}");
}
