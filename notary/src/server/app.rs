//! What do all requests share? The desk, the folder, the line to the writer, and the counts.

use std::path::PathBuf;

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::mpsc;

use super::{callers::Callers, writer::Ask};
use crate::{desk::Desk, tuf::Document};

/// The desk, which the writer changes and everybody else reads. Never locked across an await.
#[derive(Debug)]
pub struct Desks(RwLock<Desk>);

impl Desks {
    /// A desk to share.
    pub fn new(desk: Desk) -> Self {
        Self(RwLock::new(desk))
    }

    /// To read.
    pub fn read(&self) -> RwLockReadGuard<'_, Desk> {
        self.0.read()
    }

    /// To change: the writer alone.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Desk> {
        self.0.write()
    }

    /// Shows in the metrics where the desk stands.
    pub fn measure(&self) {
        let desk = self.read();
        let shelf = desk.shelf();
        let timestamp = shelf.timestamp();
        for (name, value) in [
            ("ledger_notary_entries", Some(desk.next_seq())),
            (
                "ledger_notary_timestamp_version",
                timestamp.map(|document| document.version.get()),
            ),
            (
                "ledger_notary_timestamp_expiry_seconds",
                timestamp.map(|document| document.expires().get()),
            ),
            (
                "ledger_notary_snapshot_expiry_seconds",
                shelf.snapshot().map(|document| document.expires().get()),
            ),
            (
                "ledger_notary_root_expiry_seconds",
                shelf.root().map(|document| document.expires().get()),
            ),
        ] {
            // Gauges are floats; seconds and versions are exact in them for as long as anybody cares.
            metrics::gauge!(name).set(value.unwrap_or(0) as f64);
        }
    }
}

/// What all requests share.
#[derive(Debug)]
pub struct App {
    /// The desk.
    pub desks: std::sync::Arc<Desks>,
    /// The published folder.
    pub folder: PathBuf,
    /// The line to the writer.
    pub asks: mpsc::Sender<Ask>,
    /// How much each caller may still ask for.
    pub callers: Callers,
    /// What the metrics say.
    pub metrics: PrometheusHandle,
}
