//! The network as one task.

use libp2p::PeerId;
use tokio_util::sync::CancellationToken;

use crate::{
    handle::{Ends, NetworkEvents, NetworkHandle, channels},
    options::{BindError, NAMED_PEERS_MAX, NetworkOptions, peer_id_of, split_peer_address},
};

/// The network, listening. [`Network::run`] drives it.
#[derive(Debug)]
pub struct Network {
    local: PeerId,
    ends: Ends,
}

impl Network {
    /// Binds the ports and prepares the connections. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] if a port cannot be had or an address is no peer's.
    pub fn bind(options: NetworkOptions) -> Result<(Self, NetworkHandle, NetworkEvents), BindError> {
        for (what, addresses) in [("bootnodes", &options.bootnodes), ("reserved peers", &options.reserved)] {
            if addresses.len() > NAMED_PEERS_MAX {
                let got = addresses.len();
                return Err(BindError::TooMany { what, got });
            }
            for address in addresses {
                split_peer_address(address)?;
            }
        }
        let local = peer_id_of(&options.identity);
        let (handle, events, ends) = channels(local);
        Ok((Self { local, ends }, handle, events))
    }

    /// Runs until `shutdown`; connections close when this returns.
    pub async fn run(self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
        drop((self.local, self.ends));
    }
}
