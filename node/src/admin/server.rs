//! The node's side of the admin socket.
//!
//! Bound by the assembly after the database is open, so that nobody else can serve this data folder. It never waits for a
//! client without a bound, and makes one checkpoint at a time.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ledger_runtime::{Runtime, store::remove_checkpoint};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Mutex, Semaphore},
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Answer, CHECKPOINT_NAME, LINE_BYTES_MAX, Method, Request, SOCKET_NAME, SocketPath};
use crate::error::NodeError;

/// Connections at once: one that works, and some that are told to wait.
pub const CONNECTIONS_MAX: usize = 4;

/// Longest wait for a request, or for somebody to read the answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a command waits for the checkpoint of another one: one that has just ended is still being cleared away.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(2);
/// Pause after a failed accept, which mostly means that there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The socket, listening.
#[derive(Debug)]
pub struct AdminServer {
    listener: UnixListener,
    shared: Arc<Shared>,
    socket: PathBuf,
}

#[derive(Debug)]
struct Shared {
    runtime: Arc<Runtime>,
    /// The checkpoint's folder; held by the connection that has it.
    checkpoint: Mutex<PathBuf>,
    /// The user that the socket belongs to.
    owner: u32,
}

impl AdminServer {
    /// Listens in the folder `data`, and removes what an earlier process left there.
    ///
    /// # Errors
    /// [`NodeError::Environment`] with what the operating system said.
    pub fn bind(data: &Path, runtime: Arc<Runtime>) -> Result<Self, NodeError> {
        let listening = listen(data).map_err(|source| NodeError::Environment {
            action: "cannot listen at the admin socket",
            source,
        });
        let (listener, owner) = listening?;
        Ok(Self {
            listener,
            shared: Arc::new(Shared {
                runtime,
                checkpoint: Mutex::new(data.join(CHECKPOINT_NAME)),
                owner,
            }),
            socket: data.join(SOCKET_NAME),
        })
    }

    /// Answers until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match (accepted, Arc::clone(&places).try_acquire_owned()) {
                (Ok((stream, _)), Ok(place)) => {
                    let (shared, shutdown) = (Arc::clone(&self.shared), shutdown.clone());
                    connections.spawn(async move {
                        let _place = place;
                        tokio::select! {
                            () = shutdown.cancelled() => {}
                            () = shared.serve(stream) => {}
                        }
                    });
                }
                // Closed at once: whoever asks sees that the connection ended.
                (Ok(_), Err(_)) => warn!(target: "ledger::admin", "too many connections to the admin socket"),
                (Err(error), _) => {
                    warn!(target: "ledger::admin", %error, "the admin socket takes no connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        while connections.join_next().await.is_some() {}
        self.shared.remove().await;
        // The next start would remove it too.
        let _ = fs::remove_file(&self.socket);
    }
}

/// The socket in `data`, and the user whom it belongs to.
fn listen(data: &Path) -> io::Result<(UnixListener, u32)> {
    remove_checkpoint(&data.join(CHECKPOINT_NAME))?;
    let socket = data.join(SOCKET_NAME);
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&SocketPath::of(data)?.path)?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
    let owner = fs::metadata(&socket)?.uid();
    Ok((listener, owner))
}

impl Shared {
    async fn serve(&self, mut stream: UnixStream) {
        let peer = stream.peer_cred().map(|peer| peer.uid());
        if !peer.as_ref().is_ok_and(|uid| *uid == self.owner || *uid == 0) {
            warn!(target: "ledger::admin", ?peer, "another user asked at the admin socket");
            return;
        }
        let (reader, mut writer) = stream.split();
        let mut reader = BufReader::new(reader.take(LINE_BYTES_MAX));
        let mut line = String::new();
        let Ok(Ok(_)) = tokio::time::timeout(REQUEST_TIMEOUT, reader.read_line(&mut line)).await else {
            return;
        };
        let (answer, lease) = match serde_json::from_str(&line) {
            Ok(Request {
                method: Method::Checkpoint,
            }) => match tokio::time::timeout(CHECKPOINT_WITHIN, self.checkpoint.lock()).await {
                Ok(folder) => (self.make(&folder).await, Some(folder)),
                Err(_) => (
                    Answer::Error(
                        "another command has a checkpoint of this node; try again when it is done".to_owned(),
                    ),
                    None,
                ),
            },
            Err(error) => (Answer::Error(format!("not a request of this version: {error}")), None),
        };
        let mut bytes = serde_json::to_vec(&answer).expect("an answer is JSON");
        bytes.push(b'\n');
        let written = tokio::time::timeout(REQUEST_TIMEOUT, writer.write_all(&bytes)).await;
        if let Some(folder) = lease {
            if matches!(written, Ok(Ok(()))) {
                // Nothing more is expected: this ends when the other side closes.
                let _ = reader.read_line(&mut line).await;
            }
            let path = folder.clone();
            remove(path).await;
        }
    }

    async fn make(&self, folder: &Path) -> Answer {
        let head = self.runtime.head();
        let (runtime, path) = (Arc::clone(&self.runtime), folder.to_owned());
        let made = spawn_blocking(move || runtime.checkpoint(&path)).await;
        match made {
            Ok(Ok(())) => {
                info!(target: "ledger::admin", number = %head.number(), "checkpoint made");
                Answer::Checkpoint {
                    head: head.number().get(),
                }
            }
            Ok(Err(error)) => Answer::Error(error.to_string()),
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    async fn remove(&self) {
        remove(self.checkpoint.lock().await.clone()).await;
    }
}

async fn remove(path: PathBuf) {
    let removed = spawn_blocking(move || remove_checkpoint(&path)).await;
    if let Ok(Err(error)) = removed {
        warn!(target: "ledger::admin", %error, "the checkpoint cannot be removed; the next start tries again");
    }
}
