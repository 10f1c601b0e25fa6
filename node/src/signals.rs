//! Which signals ask the process to stop? SIGINT and SIGTERM, from the first moment on.
//!
//! Called by the assembly.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::NodeError;

/// Both signals.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes over both signals, so that one that comes while the node still starts is not lost.
    ///
    /// # Errors
    /// [`NodeError::Environment`] if the system does not let it.
    pub fn install() -> Result<Self, NodeError> {
        let install = |kind| {
            signal(kind).map_err(|source| NodeError::Environment {
                action: "cannot handle signals",
                source,
            })
        };
        Ok(Self {
            interrupt: install(SignalKind::interrupt())?,
            terminate: install(SignalKind::terminate())?,
        })
    }

    /// The next one, by its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
