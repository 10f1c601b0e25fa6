//! How much has been answered to strangers that they have not taken yet?
//!
//! Kept by the network's task. An answer is here from the moment it is handed to its stream until it has gone, or the stream
//! ended in another way: libp2p says so exactly once of each.

use std::collections::HashMap;

use libp2p::request_response::InboundRequestId;

/// The answers that are under way to anonymous peers.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    bytes: HashMap<InboundRequestId, usize>,
    total: usize,
}

impl Unsent {
    /// Whether `bytes` more fit within `max`. What is longer than that passes when nothing else is under way.
    pub(crate) fn has_room(&self, bytes: usize, max: usize) -> bool {
        self.total == 0 || self.total.saturating_add(bytes) <= max
    }

    /// An answer leaves.
    pub(crate) fn add(&mut self, id: InboundRequestId, bytes: usize) {
        self.total = self.total.saturating_add(bytes);
        self.bytes.insert(id, bytes);
    }

    /// It has gone, or will never be.
    pub(crate) fn remove(&mut self, id: &InboundRequestId) {
        if let Some(bytes) = self.bytes.remove(id) {
            self.total = self.total.saturating_sub(bytes);
        }
    }
}
