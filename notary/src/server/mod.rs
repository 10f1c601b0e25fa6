//! Who may run a validator, for whoever asks: the notary's server.
//!
//! Takes commands in signed envelopes, keeps each of them for good before it answers, and publishes static files that carry their own
//! signatures. It holds no key of any role: whoever takes the machine over can withhold, and nothing else. The online keys are in
//! the [signer](crate::signer), the others with people.
//!
//! Read in this order: [`run`] (what belongs together), [`routes`] (what can be asked), [`writer`] (the one who changes something),
//! [`publisher`] (the folder), [`commands`] and [`views`] (the two sides), [`limits`] (every bound), [`callers`] and [`strangers`] (who has reached one).

pub mod answer;
pub mod app;
pub mod callers;
pub mod clock;
pub mod commands;
pub mod connections;
pub mod extract;
pub mod files;
pub mod ledger;
pub mod limits;
pub mod middleware;
pub mod openapi;
pub mod publisher;
pub mod routes;
pub mod strangers;
pub mod views;
pub mod writer;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use ed25519_dalek::SigningKey;
use metrics_exporter_prometheus::PrometheusBuilder;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

use self::{
    app::{App, Desks},
    callers::{Allowance, Callers},
    limits::COMMANDS_WAITING_MAX,
    publisher::PublisherError,
    writer::{Writer, WriterError},
};
use crate::{
    desk::Desk,
    records::{Hex32, Network},
    storage::{Storage, StorageError},
};

/// What a server goes by.
#[derive(Clone)]
pub struct Settings {
    /// Which chain it is the notary of.
    pub network: Network,
    /// sha256 of the first root.
    pub root_sha256: Hex32,
    /// Where the entries are.
    pub storage: String,
    /// Where it publishes.
    pub folder: PathBuf,
    /// Signs the checkpoints of the log.
    pub log_key: SigningKey,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Proxies, whose `X-Forwarded-For` says who calls.
    pub proxies: Vec<IpAddr>,
    /// Reads of one address.
    pub reads: Allowance,
    /// Commands of one address.
    pub writes: Allowance,
}

/// Why there is no server, or no more.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The storage refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder refused, or the entries are none.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// The writer could not go on.
    #[error("stopped, since what is stored or published is not sure any more: {0}; start again to see")]
    Writer(#[from] WriterError),
    /// The address is taken, or not ours.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There are metrics already.
    #[error("the metrics of this process belong to somebody else")]
    Metrics,
}

/// Reads what is stored, brings the folder up to it, and serves until `stop`. Tells `ready` where.
///
/// # Errors
/// [`ServerError`] if it cannot start, or not go on.
pub async fn run(
    settings: Settings,
    ready: impl FnOnce(SocketAddr),
    stop: watch::Receiver<bool>,
) -> Result<(), ServerError> {
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|_| ServerError::Metrics)?;
    let mut storage = Storage::open(&settings.storage, &settings.network).await?;
    let desk = Desk::new(settings.network.clone(), settings.root_sha256);
    let (desk, publisher) = publisher::restore(&mut storage, desk, (&settings.folder, settings.log_key)).await?;
    let desks = Arc::new(Desks::new(desk));
    desks.measure();
    let address = settings.listen;
    let listen = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let (asks, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
    let app = App {
        desks: desks.clone(),
        folder: settings.folder,
        asks,
        callers: Callers::new(settings.reads, settings.writes),
        metrics,
    };
    // The two tasks of the server; each ends the other, and this waits for both.
    let (end, ended) = watch::channel(false);
    let mut writing = tokio::spawn(Writer::new(storage, publisher, desks).run(asked));
    let routes = routes::router(Arc::new(app));
    let serve = async move { connections::serve(listener, routes, &settings.proxies, ended).await };
    let mut serving = tokio::spawn(serve);
    ready(bound);
    let mut stop = stop;
    let early = tokio::select! {
        _ = stop.wait_for(|is_stopped| *is_stopped) => None,
        written = &mut writing => Some(written),
        _ = &mut serving => None,
    };
    end.send_replace(true);
    if !serving.is_finished() {
        let _ = serving.await;
    }
    // The connections are gone, and with them everybody who could ask: the writer ends by itself.
    let written = match early {
        Some(written) => written,
        None => writing.await,
    };
    Ok(written.expect("the writer does not panic")?)
}
