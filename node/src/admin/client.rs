//! The command's side of the admin socket.
//!
//! Used by `ledger-node db` to look at, or take away, the database of a node that runs.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Answer, CHECKPOINT_NAME, LINE_BYTES_MAX, Method, Request, SocketPath};

/// Longest wait for a checkpoint: memtables are flushed first, on a disk that may be busy.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(120);

/// Why a running node gave no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The connection failed.
    #[error("the running node does not answer at its admin socket: {0}; is it started by another user?")]
    Io(#[from] io::Error),
    /// The node refused.
    #[error("the running node refused: {0}")]
    Refused(String),
    /// The node answered something else.
    #[error("the running node gave an answer that this version does not know: {0}")]
    Unknown(String),
}

/// A checkpoint of a running node's database, kept by the node until this is dropped.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    _connection: UnixStream,
}

impl Lease {
    /// Asks the node of the data folder `data` for a checkpoint; `None` if no node listens there.
    ///
    /// # Errors
    /// [`AdminError`] if there is a node and it gives none.
    pub fn take(data: &Path) -> Result<Option<Self>, AdminError> {
        let connected = SocketPath::of(data).and_then(|socket| UnixStream::connect(&socket.path));
        let mut connection = match connected {
            Ok(connection) => connection,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        connection.set_read_timeout(Some(CHECKPOINT_TIMEOUT))?;
        let request = serde_json::to_string(&Request {
            method: Method::Checkpoint,
        })
        .expect("a request is JSON");
        connection.write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(Read::by_ref(&mut connection).take(LINE_BYTES_MAX)).read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(Answer::Checkpoint { .. }) => Ok(Some(Self {
                path: data.join(CHECKPOINT_NAME),
                _connection: connection,
            })),
            Ok(Answer::Error(why)) => Err(AdminError::Refused(why)),
            Err(_) if line.is_empty() => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Err(_) => Err(AdminError::Unknown(line)),
        }
    }

    /// The checkpoint's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
