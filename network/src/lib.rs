//! How do the nodes of one chain find each other and talk?
//!
//! libp2p behind a handle and five queues: [`Network::bind`] makes them, and the node runs [`Network::run`] as one task.
//! It carries messages, names their senders, and lets go of peers that do wrong. It never looks at state, never checks a
//! signature and never decides what a block is worth: whoever takes a message says so with [`NetworkHandle::judge`].
//! `README.md` beside this crate has the protocols, their bounds, and the rules of who gets a place.

mod address;
mod asking;
mod bucket;
mod checkpoint;
mod codec;
mod company;
mod dial;
mod direct;
mod discovery;
mod fault;
mod frame;
mod gate;
mod gossip;
mod handle;
mod host;
mod incoming;
mod judgements;
mod limits;
mod links;
mod message;
mod network;
mod options;
mod peers;
mod probe;
mod protocol;
mod request;
mod response;
pub mod score;
mod slots;
mod store;
pub mod telemetry;
mod unsent;
mod uploads;

pub use libp2p::{Multiaddr, PeerId};

pub use bucket::Rate;
pub use checkpoint::{CHECKPOINT_BYTES_MAX, CHECKPOINTS_PER_REQUEST_MAX, CheckpointAnchor, CheckpointSignature};
pub use codec::{WIRE_VERSION, WireError};
pub use fault::{Misbehaviour, RequestError, Verdict};
pub use handle::{GossipId, Incoming, IncomingRequest, NetworkEvents, NetworkHandle};
pub use limits::NetworkLimits;
pub use message::{
    BLOCK_TRANSACTIONS_MAX, CONSENSUS_BYTES_MAX, CompactProposal, ConsensusMessage, GOSSIP_TRANSACTIONS_MAX,
    GossipMessage, HEADER_BYTES_MAX, TRANSACTIONS_BYTES_MAX, Topic,
};
pub use network::Network;
pub use options::{AddressError, BindError, NAMED_PEERS_MAX, NetworkOptions, parse_peer_address, peer_id_of};
pub use peers::{Peer, Peers};
pub use probe::{ProbeError, probe};
pub use request::{
    BLOCKS_BYTES_TARGET, BLOCKS_PER_REQUEST_MAX, ENDORSE_TRANSACTIONS_MAX, HASHES_PER_REQUEST_MAX, PeerStatus,
    REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, Request, RequestKind, STATE_BYTES_MAX, STATE_CURSOR_BYTES_MAX,
    TRANSACTIONS_PER_REQUEST_MAX,
};
pub use response::Response;
pub use store::{KnownPeer, STORE_BYTES_MAX, STORE_PEERS_MAX, StoreError, read_known_peers, write_known_peers};
pub use telemetry::describe_metrics;
