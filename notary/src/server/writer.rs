//! Who changes anything? One task: it checks a command, stores it, does it, publishes what comes of it, and only then answers.
//!
//! Everything waits in one line here, so that nothing can come between the check of a command and its deed. When the storage or the disk
//! refuses, nobody can say what is true until both are read again: the task ends, and with it the server.

use std::{net::IpAddr, sync::Arc};

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::{
    app::Desks,
    clock,
    publisher::{Publisher, PublisherError},
    strangers::Strangers,
};
use crate::{
    desk::{Body, Checked, Refusal},
    storage::{Storage, StorageError},
    wire::Receipt,
};

/// What is asked of the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// A command in its envelope.
    Command {
        /// The envelope.
        envelope: Vec<u8>,
        /// The address that sent it: strangers are counted by it.
        from: IpAddr,
    },
    /// The signatures of the online keys in theirs.
    Complete(Vec<u8>),
}

/// A job, and where its answer goes.
#[derive(Debug)]
pub struct Ask {
    /// The job.
    pub job: Job,
    /// Its answer.
    pub answer: oneshot::Sender<Result<Receipt, Refusal>>,
}

/// Why the server stops.
#[derive(Debug, Error)]
pub enum WriterError {
    /// The storage refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder refused.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
}

/// The one who changes something.
#[derive(Debug)]
pub struct Writer {
    storage: Storage,
    publisher: Publisher,
    desks: Arc<Desks>,
    strangers: Strangers,
}

impl Writer {
    /// A writer of a storage that was read into `desks` and `publisher`.
    pub fn new(storage: Storage, publisher: Publisher, desks: Arc<Desks>) -> Self {
        Self {
            storage,
            publisher,
            desks,
            strangers: Strangers::default(),
        }
    }

    /// Works until nobody can ask any more.
    ///
    /// # Errors
    /// [`WriterError`] if the storage or the folder refuse.
    pub async fn run(mut self, mut asks: mpsc::Receiver<Ask>) -> Result<(), WriterError> {
        while let Some(Ask { job, answer }) = asks.recv().await {
            let name = match job {
                Job::Command { .. } => "command",
                Job::Complete(_) => "complete",
            };
            let outcome = self.take(&job).await?;
            let is_taken = if outcome.is_ok() { "taken" } else { "refused" };
            metrics::counter!("ledger_notary_orders_total", "order" => name, "outcome" => is_taken).increment(1);
            // Whoever asked may have gone.
            let _ = answer.send(outcome);
        }
        Ok(self.storage.close().await?)
    }

    async fn take(&mut self, job: &Job) -> Result<Result<Receipt, Refusal>, WriterError> {
        let checked = match self.check(job) {
            Ok(checked) => checked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let entry = checked.entry().clone();
        // There for good before anybody hears of it: a crash after this line repeats the rest, one before it leaves nothing.
        self.storage.append(&entry.encoded()).await?;
        self.desks.write().apply(checked);
        tokio::task::block_in_place(|| self.publisher.publish(&entry))?;
        self.desks.measure();
        let (seq, at) = (entry.seq, entry.at);
        tracing::debug!(target: "ledger::notary", seq, "entry stored");
        Ok(Ok(Receipt { seq, at }))
    }

    fn check(&mut self, job: &Job) -> Result<Checked, Refusal> {
        let now = clock::now();
        tokio::task::block_in_place(|| {
            let desk = self.desks.read();
            match job {
                Job::Command { envelope, from } => {
                    let checked = desk.check(Body::Command(envelope.clone()), now)?;
                    if let Some(id) = checked.submission_of_stranger() {
                        self.strangers.count(&desk, id, *from)?;
                    }
                    Ok(checked)
                }
                Job::Complete(envelope) => desk.complete(envelope, now),
            }
        })
    }
}
