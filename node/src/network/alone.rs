//! Is there nobody to talk to, and what can the operator do about it?
//!
//! [`watch`] is a task of the wiring: it says so in the log once per bout, some seconds after the last peer is gone or the node has
//! started. The words are shown by `ledger_whyStalled` too. Never dials: that is the network's.

use std::{sync::Arc, time::Duration};

use ledger_network::{Multiaddr, Peers};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::NetworkConfig;

/// How long a node may be without a peer before it says so: many times what dialling a bootnode that runs takes, and little
/// for a person who waits.
pub const ALONE_MAX: Duration = Duration::from_secs(10);

/// Bootnodes that are named in a sentence; the others are counted.
const NAMED_MAX: usize = 4;

/// Whom the node looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The chain's name.
    pub chain: String,
    /// Addresses of bootnodes and reserved peers.
    pub addresses: Vec<String>,
}

impl Wanted {
    /// Whom a node of `chain` with this configuration looks for.
    #[must_use]
    pub fn new(chain: &str, config: &NetworkConfig) -> Self {
        let bootnodes: &[Multiaddr] = match config.reserved_only {
            true => &[],
            false => &config.bootnodes,
        };
        let addresses = bootnodes.iter().chain(&config.reserved);
        Self {
            chain: chain.to_owned(),
            addresses: addresses.map(ToString::to_string).collect(),
        }
    }

    /// Who was tried, as a sentence without its full stop.
    #[must_use]
    pub fn tried(&self) -> String {
        let named: Vec<_> = self.addresses.iter().take(NAMED_MAX).cloned().collect();
        let more = self.addresses.len().saturating_sub(named.len());
        match (named.as_slice(), more) {
            ([], _) => "no peer is connected, and no bootnode is known".to_owned(),
            (named, 0) => format!("no peer is connected; tried {}", named.join(", ")),
            (named, more) => format!("no peer is connected; tried {} and {more} more", named.join(", ")),
        }
    }

    /// What to do about it, as a sentence without its full stop.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match (self.chain.as_str(), self.addresses.is_empty()) {
            ("testnet", _) => "start one with: ledger-node testnet up --detach",
            (_, true) => "name one with --bootnode",
            (_, false) => "see that one of them runs and can be reached, or name another with --bootnode",
        }
    }
}

/// Says in the log when there has been no peer for [`ALONE_MAX`], and when there is one again.
pub async fn watch(mut peers: watch::Receiver<Arc<Peers>>, wanted: Wanted, shutdown: CancellationToken) {
    let bouts = async {
        loop {
            let met = peers.wait_for(|peers| !peers.connected.is_empty());
            if let Ok(met) = timeout(ALONE_MAX, met).await {
                // The network has ended: so does the node.
                if met.is_err() {
                    return;
                }
            } else {
                warn!(
                    target: "ledger::network", chain = wanted.chain, tried = ?wanted.addresses, advice = wanted.advice(),
                    "no peer answers"
                );
                match peers.wait_for(|peers| !peers.connected.is_empty()).await {
                    Ok(peers) => info!(target: "ledger::network", peers = peers.connected.len(), "connected to a peer"),
                    Err(_) => return,
                }
            }
            if peers.wait_for(|peers| peers.connected.is_empty()).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = bouts => shutdown.cancelled().await,
        () = shutdown.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(chain: &str, count: usize) -> Wanted {
        Wanted {
            chain: chain.to_owned(),
            addresses: (0..count).map(|number| format!("/ip4/10.0.0.{number}/tcp/1")).collect(),
        }
    }

    #[test]
    fn the_words_name_who_was_tried_and_what_to_do() {
        let table = [
            (
                "testnet",
                1,
                "tried /ip4/10.0.0.0/tcp/1",
                "ledger-node testnet up --detach",
            ),
            (
                "testnet",
                6,
                "10.0.0.3/tcp/1 and 2 more",
                "ledger-node testnet up --detach",
            ),
            ("other", 0, "no bootnode is known", "name one with --bootnode"),
            ("other", 2, "10.0.0.0/tcp/1, /ip4/10.0.0.1", "see that one of them runs"),
        ];
        for (chain, count, tried, advice) in table {
            let wanted = wanted(chain, count);
            assert!(wanted.tried().contains(tried), "{}", wanted.tried());
            assert!(wanted.advice().contains(advice), "{}", wanted.advice());
        }
    }

    #[tokio::test]
    async fn the_watch_ends_with_the_node_and_not_before() {
        let (sender, peers) = watch::channel(Arc::new(Peers::default()));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(watch(peers, wanted("testnet", 1), shutdown.clone()));
        drop(sender);
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "a task that ends by itself stops the node");
        shutdown.cancel();
        task.await.unwrap();
    }
}
