//! Waiting in a way that Ctrl-C, SIGTERM and the end of the terminal cut short, so that a command can still tidy up.

use std::time::Duration;

use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use crate::error::NodeError;

/// The signals that ask the command to end, taken over for as long as it lives.
#[derive(Debug)]
pub struct Interrupt {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupt {
    /// Takes over the signals.
    ///
    /// # Errors
    /// [`NodeError::Environment`] if the system refuses.
    pub fn install() -> Result<Self, NodeError> {
        let failed = |source| NodeError::Environment {
            action: "cannot handle signals",
            source,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let guard = runtime.enter();
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let hangup = signal(SignalKind::hangup()).map_err(failed)?;
        drop(guard);
        Ok(Self {
            runtime,
            interrupt,
            terminate,
            hangup,
        })
    }

    /// Waits; true if a signal came meanwhile, or before since the last wait.
    pub fn within(&mut self, wait: Duration) -> bool {
        let Self {
            runtime,
            interrupt,
            terminate,
            hangup,
        } = self;
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupt.recv() => true,
                _ = terminate.recv() => true,
                _ = hangup.recv() => true,
                () = sleep(wait) => false,
            }
        })
    }
}
