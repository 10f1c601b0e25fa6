//! Which tasks run, under which names, and how do they end?
//!
//! Owned by the assembly, which alone spawns. A task that ends while nobody asked it to has failed.

use std::{future::Future, pin::Pin, time::Duration};

use futures::FutureExt;
use tokio::{runtime::Handle, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{admin::server::AdminServer, error::NodeError, relaying::RelayerTask, rpc::RpcServer};

/// What of [`STOP_WITHIN`](crate::assembly::STOP_WITHIN) the tasks may take; the rest is for closing the database.
const TASKS_STOP_WITHIN: Duration = Duration::from_secs(4);

/// The node's tasks by name.
pub(crate) struct Tasks {
    set: JoinSet<(&'static str, Result<(), String>)>,
    names: Vec<&'static str>,
    pub(crate) shutdown: CancellationToken,
}

impl Tasks {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self {
            set: JoinSet::new(),
            names: Vec::new(),
            shutdown,
        }
    }

    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), String>> + Send + 'static,
    ) {
        self.spawn_on(&Handle::current(), name, task);
    }

    pub(crate) fn spawn_on(
        &mut self,
        threads: &Handle,
        name: &'static str,
        task: impl Future<Output = Result<(), String>> + Send + 'static,
    ) {
        self.names.push(name);
        self.set.spawn_on(async move { (name, task.await) }, threads);
    }

    /// Spawns what answers others.
    pub(crate) fn spawn_servers(&mut self, ingress: &Handle, rpc: RpcServer, admin: AdminServer) {
        let token = self.shutdown.clone();
        self.spawn_on(ingress, "JSON-RPC", async move {
            rpc.run(token).await.map_err(|error| error.to_string())
        });
        let token = self.shutdown.clone();
        self.spawn("admin socket", admin.run(token).map(Ok));
    }

    /// Spawns the relayer, if there is one.
    pub(crate) fn spawn_relayer(&mut self, ingress: &Handle, relayer: Option<RelayerTask>) {
        if let Some(relayer) = relayer {
            let token = self.shutdown.clone();
            self.spawn_on(ingress, "relayer", relayer.run(token).map(Ok));
        }
    }

    /// Spawns what serves metrics on a port of their own, if anything does.
    pub(crate) fn spawn_exporter(&mut self, exporter: Option<Pin<Box<dyn Future<Output = String> + Send>>>) {
        let Some(exporter) = exporter else { return };
        let token = self.shutdown.clone();
        self.spawn("metrics", async move {
            tokio::select! { () = token.cancelled() => Ok(()), error = exporter => Err(error) }
        });
    }

    /// Waits for a task to end; while nobody asked for it, every end is an error.
    pub(crate) async fn next_end(&mut self) -> Result<(), NodeError> {
        match self.set.join_next().await {
            Some(Ok((task, result))) => {
                self.names.retain(|name| *name != task);
                let reason = result
                    .err()
                    .unwrap_or_else(|| "it ended although nobody asked it to".to_owned());
                Err(NodeError::TaskStopped { task, reason })
            }
            Some(Err(error)) => Err(NodeError::TaskStopped {
                task: "a task",
                reason: error.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// Asks all tasks to stop and waits for them.
    pub(crate) async fn stop(mut self) -> Result<(), NodeError> {
        self.shutdown.cancel();
        let all = async {
            let mut failed = Ok(());
            while let Some(ended) = self.set.join_next().await {
                let (task, result) = match ended {
                    Ok((task, result)) => (task, result),
                    Err(error) => ("a task", Err(error.to_string())),
                };
                self.names.retain(|name| *name != task);
                if let Err(reason) = result {
                    failed = Err(NodeError::TaskStopped { task, reason });
                }
            }
            failed
        };
        match tokio::time::timeout(TASKS_STOP_WITHIN, all).await {
            Ok(result) => result,
            Err(_) => Err(NodeError::StopTimedOut {
                tasks: self.names.join(", "),
            }),
        }
    }
}
