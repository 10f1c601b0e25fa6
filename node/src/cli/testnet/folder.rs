//! What is known about the network in a folder: the state file `testnet.json`, the lock beside it, and who may change them.
//!
//! Every command finds the network here and nowhere else. The state is replaced as a whole, so that a reader never sees half
//! of it; whoever changes it, or starts and stops nodes, holds the lock. The kernel lets go of the lock when its holder ends,
//! however that happens.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{cli::Cli, error::NodeError, keys::durable};

use super::{
    error::TestnetError,
    launch::NotaryPlace,
    mainchain::{MainchainFiles, MainchainState},
    notary::NotaryFiles,
    plan::{NodeFiles, Planned, Shape, multiaddress},
    processes::ProcessId,
};

/// The state file's name.
pub const STATE_NAME: &str = "testnet.json";
/// The lock's name.
const LOCK_NAME: &str = "testnet.lock";
/// The version of the state file that is written and read.
const STATE_VERSION: u32 = 1;
/// How long a command waits for another one: longer than stopping all nodes takes.
const LOCK_WAIT: Duration = Duration::from_secs(20);
/// Time between two attempts to take the lock.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The folder of a network.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// The permission to change the network, until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What is known about a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// Its size and ports.
    pub shape: Shape,
    /// Its nodes, in the order of the plan; none until all their keys are written.
    pub nodes: Vec<NodeState>,
    /// Its notary's processes.
    #[serde(default)]
    pub notary: NotaryState,
    /// Its mainchain.
    #[serde(default)]
    pub mainchain: MainchainState,
}

/// What is known about the processes of the notary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotaryState {
    /// Whether they should run.
    pub wanted: bool,
    /// The newest server.
    pub server: Option<ProcessId>,
    /// The newest process that holds the online keys.
    pub signer: Option<ProcessId>,
}

/// What is known about one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeState {
    /// Its name.
    pub name: String,
    /// Who it is to its peers.
    pub peer_id: String,
    /// The cloud that came later and whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// Whether it should run.
    pub wanted: bool,
    /// Whether it was ever seen to answer: since then a validator's guard record exists, or is lost.
    pub answered: bool,
    /// Its newest process.
    pub process: Option<ProcessId>,
}

impl State {
    /// A network that has no nodes yet.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self {
            version: STATE_VERSION,
            shape,
            nodes: Vec::new(),
            notary: NotaryState::default(),
            mainchain: MainchainState::default(),
        }
    }

    /// The nodes with their places in the plan.
    pub fn planned(&self) -> impl Iterator<Item = (Planned, &NodeState)> {
        self.shape.plan().into_iter().zip(&self.nodes)
    }

    /// Where the validators are, but for that named `besides`.
    #[must_use]
    pub fn validator_addresses(&self, besides: &str) -> Vec<String> {
        self.planned()
            .take(self.shape.validators.into())
            .filter(|(node, _)| node.name != besides)
            .map(|(node, state)| multiaddress(node.p2p_port, &state.peer_id))
            .collect()
    }

    /// The index of the node that a person calls `name`: by its name, or by its number in `status`.
    ///
    /// # Errors
    /// [`TestnetError::Usage`] with the names there are.
    pub fn find(&self, name: &str) -> Result<usize, TestnetError> {
        let by_number = name.parse().ok().filter(|index| *index < self.nodes.len());
        let by_name = || self.nodes.iter().position(|node| node.name == name);
        by_number.or_else(by_name).ok_or_else(|| {
            let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            TestnetError::Usage(format!(
                "there is no node `{name}`; say one of {}, or its number from 0",
                names.join(", ")
            ))
        })
    }

    /// Whether some process is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let others = self.notary.processes().chain(&self.mainchain.process);
        self.nodes.iter().any(NodeState::is_alive) || others.into_iter().any(ProcessId::is_alive)
    }
}

impl NotaryState {
    /// Forgets the processes that have ended.
    pub fn forget_dead(&mut self) {
        for known in [&mut self.server, &mut self.signer] {
            known.take_if(|process| !process.is_alive());
        }
    }

    /// Its newest processes.
    pub fn processes(&self) -> impl Iterator<Item = &ProcessId> {
        self.server.iter().chain(&self.signer)
    }
}

impl NodeState {
    /// A node that was never started.
    #[must_use]
    pub fn new(name: String, peer_id: String) -> Self {
        Self {
            name,
            peer_id,
            cloud: None,
            wanted: false,
            answered: false,
            process: None,
        }
    }

    /// Whether its process is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(ProcessId::is_alive)
    }
}

impl Folder {
    /// The folder that `cli` names.
    ///
    /// # Errors
    /// [`NodeError::Usage`] if none is named and there is no home folder, [`TestnetError::File`] if there is no current one.
    pub fn of(cli: &Cli) -> Result<Self, NodeError> {
        let path = match &cli.chain.data_dir {
            Some(folder) => folder.clone(),
            None => crate::config::home_folder()?.join("local-testnet"),
        };
        // Nodes are given absolute paths, so that it does not matter where a command is run.
        let path = std::path::absolute(&path).map_err(|source| failed("use", &path, source))?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files of the node `name`.
    #[must_use]
    pub fn files(&self, name: &str) -> NodeFiles {
        NodeFiles::of(&self.path, name)
    }

    /// The files of the notary.
    #[must_use]
    pub fn notary(&self) -> NotaryFiles {
        NotaryFiles::of(&self.path)
    }

    /// The files of the mainchain.
    #[must_use]
    pub fn mainchain(&self) -> MainchainFiles {
        MainchainFiles::of(&self.path)
    }

    /// Where the notary of a network of this shape is.
    #[must_use]
    pub fn notary_place(&self, shape: &Shape) -> Option<NotaryPlace> {
        let port = shape.notary_port?;
        Some(NotaryPlace {
            url: format!("http://127.0.0.1:{port}"),
            root: self.notary().root(),
        })
    }

    /// The specification of a chain that is not built in.
    #[must_use]
    pub fn spec_path(&self) -> PathBuf {
        self.path.join("spec.toml")
    }

    /// Makes the folder if there is none.
    ///
    /// # Errors
    /// [`TestnetError::Foreign`] if it holds something that is no network, [`TestnetError::File`] if it cannot be made.
    pub fn make(&self) -> Result<(), TestnetError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|source| failed("make the folder", &self.path, source))?;
        match self.check_own() {
            // Another command may be making a network here, and made its lock first: that is looked at again once the lock is held.
            Err(TestnetError::Foreign { .. }) if self.path.join(LOCK_NAME).exists() => Ok(()),
            known => known,
        }
    }

    /// Whether there is a network or nothing in the folder.
    ///
    /// # Errors
    /// [`TestnetError::Foreign`] if it holds something else, [`TestnetError::File`] if it cannot be read.
    pub fn check_own(&self) -> Result<(), TestnetError> {
        if self.path.join(STATE_NAME).exists() {
            return Ok(());
        }
        let mut entries = fs::read_dir(&self.path).map_err(|source| failed("read the folder", &self.path, source))?;
        match entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK_NAME)) {
            true => Err(TestnetError::Foreign {
                path: self.path.clone(),
            }),
            false => Ok(()),
        }
    }

    /// Takes the lock, waiting for another command's end.
    ///
    /// # Errors
    /// [`TestnetError::Locked`] if it lasts longer than any command should, [`TestnetError::None`] if there is no folder.
    pub fn lock(&self) -> Result<Lock, TestnetError> {
        let path = self.path.join(LOCK_NAME);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.nothing(),
            _ => failed("open the lock", &path, source),
        })?;
        match hold(&file) {
            Ok(true) => Ok(Lock { _file: file }),
            Ok(false) => Err(TestnetError::Locked {
                path: self.path.clone(),
            }),
            Err(source) => Err(failed("lock", &path, source)),
        }
    }

    /// The lock and the state of the network in the folder.
    ///
    /// # Errors
    /// [`TestnetError::None`] if there is no network, else as [`Folder::lock`] and [`Folder::read`].
    pub fn open(&self) -> Result<(Lock, State), TestnetError> {
        if !self.path.join(STATE_NAME).exists() {
            return Err(self.nothing());
        }
        let lock = self.lock()?;
        Ok((lock, self.existing()?))
    }

    /// The state of the network in the folder, for whoever changes nothing.
    ///
    /// # Errors
    /// [`TestnetError::None`] if there is none, else as [`Folder::read`].
    pub fn existing(&self) -> Result<State, TestnetError> {
        match self.read()? {
            Some(state) if !state.nodes.is_empty() => Ok(state),
            _ => Err(self.nothing()),
        }
    }

    /// The state file, if there is one.
    ///
    /// # Errors
    /// [`TestnetError::State`] for a file that is none, [`TestnetError::File`] if it cannot be read.
    pub fn read(&self) -> Result<Option<State>, TestnetError> {
        let path = self.path.join(STATE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(failed("read", &path, source)),
        };
        let wrong = |reason: String| TestnetError::State {
            path: path.clone(),
            reason,
        };
        let state: State = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if state.version != STATE_VERSION {
            return Err(wrong(format!(
                "it has version {}, and this program reads version {STATE_VERSION}",
                state.version
            )));
        }
        state.shape.check().map_err(|error| wrong(error.to_string()))?;
        let names = state.shape.plan().into_iter().map(|node| node.name);
        if !state.nodes.is_empty() && !names.eq(state.nodes.iter().map(|node| node.name.clone())) {
            return Err(wrong("its nodes are not those of its shape".to_owned()));
        }
        Ok(Some(state))
    }

    /// Replaces the state file.
    ///
    /// # Errors
    /// [`TestnetError::File`]
    pub fn write(&self, _lock: &Lock, state: &State) -> Result<(), TestnetError> {
        let path = self.path.join(STATE_NAME);
        let text = serde_json::to_string_pretty(state).expect("a state has a form in JSON");
        replace(&path, text.as_bytes())
    }

    fn nothing(&self) -> TestnetError {
        TestnetError::None {
            path: self.path.clone(),
        }
    }
}

/// Locks a file for as long as it, or a copy of it, is open somewhere; false if somebody else holds it longer than any command should.
///
/// # Errors
/// What the operating system says.
pub fn hold(file: &File) -> io::Result<bool> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(source)) => return Err(source),
        }
    }
}

/// Puts `contents` at `path`: all of them or, after a crash, what was there before.
///
/// # Errors
/// [`TestnetError::File`]
pub fn replace(path: &Path, contents: &[u8]) -> Result<(), TestnetError> {
    durable::replace(path, contents).map_err(|source| failed("write", path, source))
}

/// A file that could not be used.
pub fn failed(action: &'static str, path: &Path, source: io::Error) -> TestnetError {
    TestnetError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
