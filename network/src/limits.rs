//! How much of this node may others use? Every limit of the network, with its default and its reason.
//!
//! Whoever builds the node may change them; tests do. The bounds of messages are no limits: they belong to the protocol and
//! are constants beside the messages.

use std::time::Duration;

use ledger_chainspec::VALIDATORS_MAX;

use crate::bucket::Rate;

/// Every limit that an operator could want to change.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkLimits {
    /// Connections that anonymous peers may have open to this node. Validators and reserved peers have places of their own,
    /// so that no number of strangers can take them.
    pub anonymous_incoming_max: usize,
    /// Connections that this node opens to anonymous peers, those of a search included.
    pub anonymous_outgoing_max: usize,
    /// Connections to anonymous peers that this node opens and keeps; the rest of
    /// [`anonymous_outgoing_max`](Self::anonymous_outgoing_max) is for searches.
    pub anonymous_outgoing_wanted: usize,
    /// All connections: bounds open files. When a validator or a reserved peer comes and all are taken, an anonymous peer
    /// gives way.
    pub connections_max: usize,
    /// Connections to one peer: both may dial at the same moment.
    pub connections_per_peer_max: usize,
    /// Anonymous peers on one IP address.
    pub per_ip_max: usize,
    /// Anonymous peers in one /24 (IPv4) or /48 (IPv6): what one customer of one provider has.
    pub per_subnet_max: usize,
    /// Incoming connections that are still being set up: bounds what strangers cost before they are known.
    pub pending_incoming_max: usize,
    /// Incoming connections from one IP address that are still being set up; others must find a place.
    pub pending_per_ip_max: usize,
    /// Outgoing connections that are still being set up.
    pub pending_outgoing_max: usize,

    /// Consensus messages of an anonymous peer. 128 validators say some 400 things in a slot, and a peer passes on all.
    pub consensus_messages: Rate,
    /// Bytes of those.
    pub consensus_bytes: Rate,
    /// Messages of transactions of an anonymous peer: what wallets send to a busy node comes one by one.
    pub transaction_messages: Rate,
    /// Bytes of those: above what blocks can take, below what would keep a node from its work.
    pub transaction_bytes: Rate,
    /// Messages of reserved transactions of an anonymous peer: what a cloud's node gathers in a second, twice over.
    pub reserved_messages: Rate,
    /// Bytes of those.
    pub reserved_bytes: Rate,
    /// Signatures under checkpoints of an anonymous peer: of the largest set for one checkpoint at once, and then as many as come of
    /// a checkpoint in every slot.
    pub checkpoint_messages: Rate,
    /// Bytes of those.
    pub checkpoint_bytes: Rate,
    /// How many times as much a validator or a reserved peer may send and ask.
    pub trusted_factor: u32,
    /// Requests of an anonymous peer.
    pub requests: Rate,
    /// Bytes of responses to an anonymous peer; each kind of request has a least cost.
    pub response_bytes: Rate,
    /// Requests of one peer that are being answered at the same time.
    pub requests_per_peer_max: usize,
    /// Requests of all peers that are being answered at the same time; anonymous peers are refused from half of them on.
    pub requests_answered_max: usize,
    /// Bytes of responses that anonymous peers have not taken yet. Whoever asks and does not read makes this node hold what it
    /// asked for until its request times out, so that a crowd could fill the memory: beyond this they are refused as busy.
    pub anonymous_unsent_bytes_max: usize,
    /// Long payloads that may be on their way in at once, beside one from each connection. Who sends one slowly makes this node
    /// hold what has come of it until the request times out.
    pub uploads_shared_max: usize,
    /// Requests of this node to one peer that are under way.
    pub requests_to_peer_max: usize,
    /// After this time a request has failed.
    pub request_timeout: Duration,

    /// How often a peer is asked how it stands while blocks are being made.
    pub status_interval: Duration,
    /// How often while they are not.
    pub status_interval_idle: Duration,
    /// How long a peer that was let go is refused.
    pub ban: Duration,
    /// How often the file of known peers is written, if something changed.
    pub store_interval: Duration,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        let anonymous_incoming_max = 96;
        let anonymous_outgoing_max = 24;
        Self {
            anonymous_incoming_max,
            anonymous_outgoing_max,
            anonymous_outgoing_wanted: 12,
            // Two for each validator, since both may dial.
            connections_max: anonymous_incoming_max + anonymous_outgoing_max + 2 * VALIDATORS_MAX,
            connections_per_peer_max: 2,
            per_ip_max: 4,
            per_subnet_max: 12,
            pending_incoming_max: 64,
            pending_per_ip_max: 8,
            pending_outgoing_max: 64,
            consensus_messages: Rate::per_second(1_000, 4_000),
            consensus_bytes: Rate::per_second(2 << 20, 8 << 20),
            transaction_messages: Rate::per_second(3_000, 12_000),
            transaction_bytes: Rate::per_second(4 << 20, 16 << 20),
            reserved_messages: Rate::per_second(250, 1_000),
            reserved_bytes: Rate::per_second(512 << 10, 2 << 20),
            checkpoint_messages: Rate::per_second(256, 1_024),
            checkpoint_bytes: Rate::per_second(64 << 10, 256 << 10),
            trusted_factor: 8,
            requests: Rate::per_second(20, 100),
            response_bytes: Rate::per_second(4 << 20, 32 << 20),
            requests_per_peer_max: 8,
            requests_answered_max: 64,
            anonymous_unsent_bytes_max: 128 << 20,
            uploads_shared_max: 32,
            requests_to_peer_max: 16,
            request_timeout: Duration::from_secs(10),
            status_interval: Duration::from_secs(4),
            status_interval_idle: Duration::from_secs(30),
            ban: Duration::from_secs(600),
            store_interval: Duration::from_secs(300),
        }
    }
}
