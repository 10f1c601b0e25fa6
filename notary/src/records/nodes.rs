//! Which nodes does the member run, and with which keys? The member's own record.

use alloy_primitives::Address;
use ledger_chainspec::{ConsensusKey, is_endpoint, peer_id_from_text};
use serde::{Deserialize, Serialize};

use super::{
    Hex32, Network, NetworkId, NotaryId, PlainText, ProofError, Proofs, RecordError, Statement,
    admission::check_sequence, bounded, read,
};
use crate::tuf::UnixSeconds;

/// Most nodes of a member: a quarter of the largest validator set.
pub const NODES_MAX: usize = 32;

/// Most addresses of a node.
pub const ENDPOINTS_MAX: usize = 8;

/// Longest address, in bytes.
pub const ENDPOINT_BYTES_MAX: usize = 256;

/// What the record says that it is.
pub const NODES_SCHEMA: &str = "cloud-ledger-nodes/1";

/// A node, with the keys of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its libp2p peer id, in base58.
    pub peer_id: String,
    /// Its ed25519 key in the consensus.
    pub consensus_key: ConsensusKey,
    /// Its secp256k1 account in governance.
    pub account: Address,
    /// The secp256k1 address that signs checkpoints.
    pub checkpoint_key: Address,
    /// Where it listens: multiaddresses without the peer id.
    #[serde(deserialize_with = "bounded::<_, _, 1, ENDPOINTS_MAX>")]
    pub endpoints: Vec<String>,
    /// Where it stands, for people.
    pub region: PlainText,
    /// Each key's word for it.
    pub proofs: Proofs,
}

/// The first reason why a node's fields are not what they should be.
fn check_node(node: &Node) -> Result<(), String> {
    peer_id_from_text(&node.peer_id).map_err(|error| error.to_string())?;
    let is_good = |endpoint: &String| endpoint.len() <= ENDPOINT_BYTES_MAX && is_endpoint(endpoint);
    if let Some(bad) = node.endpoints.iter().find(|endpoint| !is_good(endpoint)) {
        let got: String = bad.chars().take(ENDPOINT_BYTES_MAX).collect();
        return Err(format!(
            "an endpoint is an address such as /dns4/host/tcp/30303, got {got:?}"
        ));
    }
    for (key, name) in [(node.account, "account"), (node.checkpoint_key, "checkpoint_key")] {
        if key.is_zero() {
            return Err(format!("{name} is the zero address, which nobody has the key of"));
        }
    }
    Ok(())
}

/// The record `m.<id>.nodes.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// [`NODES_SCHEMA`].
    pub schema: String,
    /// The network.
    pub network_id: NetworkId,
    /// Its chain id.
    pub chain_id: u64,
    /// What the notary calls the member.
    pub member_id: NotaryId,
    /// 1, and one more with every change.
    pub seq: u64,
    /// sha256 of the record before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_sha256: Option<Hex32>,
    /// Its nodes.
    #[serde(deserialize_with = "bounded::<_, _, 0, NODES_MAX>")]
    pub nodes: Vec<Node>,
}

impl Nodes {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] for the first reason why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = read(bytes)?;
        record.check().map_err(RecordError::Rule)?;
        Ok(record)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != NODES_SCHEMA {
            return Err(format!("schema is {NODES_SCHEMA:?}, got {:?}", self.schema));
        }
        check_sequence(self.seq, self.prev_sha256)?;
        self.nodes.iter().try_for_each(check_node)
    }

    /// Which chain it is for.
    pub fn network(&self) -> Network {
        Network {
            network_id: self.network_id.clone(),
            chain_id: self.chain_id,
        }
    }

    /// What the keys of one of its nodes sign.
    pub fn statement(&self, node: &Node) -> Statement {
        Statement {
            network: self.network(),
            member_id: self.member_id.clone(),
            peer_id: node.peer_id.clone(),
            consensus_key: node.consensus_key,
            account: node.account,
            checkpoint_key: node.checkpoint_key,
            expires: node.proofs.expires,
        }
    }

    /// Whether every key of every node has given its word, and it still holds.
    ///
    /// # Errors
    /// [`ProofError`] for the first that has not.
    pub fn check_proofs(&self, now: UnixSeconds) -> Result<(), ProofError> {
        self.nodes
            .iter()
            .try_for_each(|node| node.proofs.check(&self.statement(node), now))
    }
}
