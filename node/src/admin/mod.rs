//! How does an operator's command reach a node that runs, when the node alone may touch its database?
//!
//! Over a Unix socket in the data folder, `admin.sock`: mode 0600, and only the node's own user and root are answered. One
//! line of JSON is asked and one is answered. There is one thing to ask for, a checkpoint of the database, and it takes no
//! argument: the node writes where it always writes, `<data folder>/checkpoint`, and removes it when the connection ends.
//! So whoever asks can make the node neither write elsewhere nor keep anything.
//!
//! [`server`] is started by the assembly; [`client`] is used by `ledger-node db`.

pub mod client;
pub mod server;

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// The socket's name in the data folder.
pub const SOCKET_NAME: &str = "admin.sock";

/// The checkpoint's name in the data folder.
pub const CHECKPOINT_NAME: &str = "checkpoint";

/// Longest line that is read from the other side.
pub const LINE_BYTES_MAX: u64 = 4096;

/// Longest path that the kernel takes for a socket, in bytes.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// What is asked, and nothing beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What for.
    pub method: Method,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A checkpoint of the database, kept for as long as the connection.
    Checkpoint,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The checkpoint is in the data folder.
    Checkpoint {
        /// The head when it was asked for; the checkpoint has it, and perhaps later blocks.
        head: u64,
    },
    /// It cannot be done, and why.
    Error(String),
}

/// The socket in the folder `data` under a path that is short enough for the kernel.
#[derive(Debug)]
struct SocketPath {
    path: PathBuf,
    /// Open for as long as a path through it is used.
    _folder: Option<File>,
}

impl SocketPath {
    fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET_NAME);
        if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            return Ok(Self { path, _folder: None });
        }
        let folder = File::open(data)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET_NAME}", folder.as_raw_fd()));
        Ok(Self {
            path,
            _folder: Some(folder),
        })
    }
}
