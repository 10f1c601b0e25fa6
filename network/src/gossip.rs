//! How does a message reach everybody? A gossipsub behaviour for each topic.
//!
//! Each topic has streams, queues and scores of its own, so that a flood of transactions cannot hold up a vote. Nothing is
//! passed on before it was judged. Messages carry no signature of whoever passes them on: what they say is signed inside.

use std::time::Duration;

use libp2p::gossipsub::{
    ConfigBuilder, IdentTopic, MessageAcceptance, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
    TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};

use crate::{
    fault::Verdict,
    host::Gossip,
    message::Topic,
    protocol::ProtocolNames,
    score::{BAN_POINTS, HALF_LIFE},
};

/// How often meshes are looked after: gossipsub's usual second.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Heartbeats for which a message is kept, so that its verdict finds it.
const HISTORY_HEARTBEATS: usize = 12;

/// A message that was not judged after this time is ignored: two slots of the slowest network have passed.
pub(crate) const JUDGE_TIMEOUT: Duration = Duration::from_secs(8);

const _: () = assert!(JUDGE_TIMEOUT.as_secs() < HISTORY_HEARTBEATS as u64 * HEARTBEAT.as_secs());

/// Heartbeats whose messages are offered to peers outside the mesh: a peer that missed one can ask three times.
const GOSSIP_HEARTBEATS: usize = 3;

/// Peers in a mesh: with 6 of them a few hundred nodes are three hops across, and 4 to 6 nodes simply know each other.
const MESH: usize = 6;
/// Below this, more are sought.
const MESH_LOW: usize = 4;
/// Above this, some are let go.
const MESH_HIGH: usize = 12;
/// Of those, the ones that this node chose: others cannot take over its mesh by coming in numbers.
const MESH_OUTBOUND: usize = 2;

/// How long a consensus message is known again: ten hops of two seconds. Shorter than a minute, so that what is said again
/// after a partition is heard.
const CONSENSUS_KNOWN: Duration = Duration::from_secs(20);
/// How long a message of transactions, or a signature under a checkpoint, is known again. Whoever keeps them knows them for longer.
const TRANSACTIONS_KNOWN: Duration = Duration::from_secs(60);

/// From this size on a peer that has a message says so at once, so that others do not send it too. Votes are smaller than
/// what that costs.
const LARGE_MESSAGE_BYTES: usize = 1_000;

/// Messages in one packet that are looked at: 128 validators say some 400 things in a slot.
const PACKET_MESSAGES_MAX: usize = 1_024;

/// Room for the frame around the longest message.
const FRAME_BYTES: usize = 4 << 10;

/// Validators up to which each of them passes everything on to all others (explicit peers). Beyond that the copies, which
/// grow with the square, would cost more than they secure: the author's own flood and the meshes do.
pub(crate) const EXPLICIT_VALIDATORS_MAX: usize = 16;

/// gossipsub looks for explicit peers by itself this often (in heartbeats); the dial plan does that better.
const EXPLICIT_CHECK_HEARTBEATS: u64 = 1 << 20;

/// What gossipsub takes for each invalid message, squared. The first puts the peer out of the mesh; our own score, of which
/// gossipsub is told as well, lets it go after the fifth.
const INVALID_MESSAGE_WEIGHT: f64 = -1.0;

/// The behaviour of one topic.
///
/// # Errors
/// What gossipsub says of its configuration.
pub(crate) fn behaviour(topic: Topic, names: &ProtocolNames) -> Result<Gossip, String> {
    let mut config = ConfigBuilder::default();
    config
        .protocol_id_prefix(names.owned(topic.name()))
        .heartbeat_interval(HEARTBEAT)
        .history_length(HISTORY_HEARTBEATS)
        .history_gossip(GOSSIP_HEARTBEATS)
        .mesh_n(MESH)
        .mesh_n_low(MESH_LOW)
        .mesh_n_high(MESH_HIGH)
        .mesh_outbound_min(MESH_OUTBOUND)
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message| MessageId::new(Topic::message_hash(&message.data).as_slice()))
        .max_transmit_size(topic.bytes_max() + FRAME_BYTES)
        .max_publish_messages(PACKET_MESSAGES_MAX)
        .idontwant_message_size_threshold(LARGE_MESSAGE_BYTES)
        .check_explicit_peers_ticks(EXPLICIT_CHECK_HEARTBEATS)
        // The first copy of an own proposal or vote goes to every peer at once: a hop less for all validators.
        .flood_publish(topic == Topic::Consensus)
        .duplicate_cache_time(match topic {
            Topic::Consensus => CONSENSUS_KNOWN,
            Topic::Transactions | Topic::Reserved | Topic::Checkpoints => TRANSACTIONS_KNOWN,
        });
    let config = config.build().map_err(|error| error.to_string())?;
    // Subscriptions to anything else are not kept.
    let filter = WhitelistSubscriptionFilter([hash(topic)].into());
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
        .map_err(ToOwned::to_owned)?;
    gossip.with_peer_score(score_params(topic), thresholds())?;
    gossip.subscribe(&ident(topic)).map_err(|error| error.to_string())?;
    Ok(gossip)
}

fn ident(topic: Topic) -> IdentTopic {
    IdentTopic::new(topic.name())
}

/// The topic as gossipsub calls it.
pub(crate) fn hash(topic: Topic) -> TopicHash {
    ident(topic).hash()
}

/// The verdict as gossipsub calls it.
pub(crate) const fn acceptance(verdict: Verdict) -> MessageAcceptance {
    match verdict {
        Verdict::Accept => MessageAcceptance::Accept,
        Verdict::Ignore => MessageAcceptance::Ignore,
        Verdict::Reject(_) => MessageAcceptance::Reject,
    }
}

fn score_params(topic: Topic) -> PeerScoreParams {
    let of_topic = TopicScoreParams {
        topic_weight: 1.0,
        // Being there is no merit, or a patient attacker could save up for later.
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_cap: 50.0,
        // A quiet chain has nothing to deliver, so silence is no fault.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: INVALID_MESSAGE_WEIGHT,
        invalid_message_deliveries_decay: 0.99,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: [(hash(topic), of_topic)].into(),
        topic_score_cap: 5.0,
        // Our own points count as they are: -100 is the end.
        app_specific_weight: 1.0,
        // The gate has quotas for neighbours, and peers on one machine are no crime.
        ip_colocation_factor_weight: 0.0,
        retain_score: HALF_LIFE,
        ..PeerScoreParams::default()
    }
}

/// Below them a peer is offered nothing, told nothing, and in the end not heard. That end lies beyond the points at which it is
/// let go: a peer that is connected and not heard would take a place for nothing.
fn thresholds() -> PeerScoreThresholds {
    let ban = f64::from(BAN_POINTS);
    PeerScoreThresholds {
        gossip_threshold: -0.2 * ban,
        publish_threshold: -0.5 * ban,
        graylist_threshold: -2.0 * ban,
        ..PeerScoreThresholds::default()
    }
}
