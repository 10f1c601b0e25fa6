//! Can strangers in numbers take anything away from those who matter?

use std::time::Duration;

use ledger_network::{BindError, GossipMessage, Network, NetworkOptions, Rate, parse_peer_address};

use crate::{
    house::{GENESIS, Node, count, id, metrics, options, status, until_count, vote},
    stranger::{Happened, Stranger},
};

fn validators() -> Vec<ledger_network::PeerId> {
    vec![id(1), id(2), id(3)]
}

/// A node with few places.
fn small(number: u8) -> NetworkOptions {
    let mut options = options(number);
    options.limits.anonymous_incoming_max = 6;
    options.limits.connections_max = 8;
    options
}

#[tokio::test]
async fn no_number_of_strangers_displaces_a_validator() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let mut node = Node::start(small(1));
    node.handle.set_validators(validators());
    let address = node.address().await;
    let start = |number| {
        let mut options = options(number);
        options.bootnodes = vec![address.clone()];
        let validator = Node::start(options);
        validator.handle.set_validators(validators());
        validator
    };
    let first = start(2);
    node.until_connected(first.id).await;
    let since = node.handle.peers().borrow().get(first.id).unwrap().connected_since;

    let mut strangers: Vec<_> = (0..20).map(|_| Stranger::dial(&address, GENESIS, |_| vec![])).collect();
    until_count(&metrics, ("ledger_network_refused_total", &["anonymous incoming"]), 10).await;
    node.until("full of strangers", |peers| peers.connected.len() >= 7)
        .await;

    // A validator that comes late finds its place, and the first one has kept its own.
    let late = start(3);
    node.until_connected(late.id).await;
    late.until_connected(node.id).await;
    let peers = node.handle.peers().borrow().clone();
    assert_eq!(peers.get(first.id).unwrap().connected_since, since);
    assert!(peers.get(late.id).unwrap().is_validator);
    assert!(peers.connected.iter().filter(|peer| !peer.is_validator).count() <= 6);
    late.handle.send(node.id, vote(5));
    assert_eq!(node.next_consensus().await.message, vote(5));

    let turned_away = strangers.iter_mut().filter_map(|stranger| {
        std::iter::from_fn(|| stranger.happened.try_recv().ok()).find(|what| *what == Happened::Closed)
    });
    assert!(turned_away.count() >= 10);
    for node in [node, first, late] {
        node.stop().await;
    }
}

#[tokio::test]
async fn what_strangers_say_leaves_room_in_the_queue_for_a_validator() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let mut node = Node::start(options(1));
    node.handle.set_validators(validators());
    let address = node.address().await;
    let start = |number| {
        let mut options = options(number);
        options.bootnodes = vec![address.clone()];
        Node::start(options)
    };
    let (validator, stranger) = (start(2), start(9));
    for other in [&validator, &stranger] {
        node.until_connected(other.id).await;
        other.until_connected(node.id).await;
    }
    // Nobody takes anything from the queue.
    let dropped = ("ledger_network_dropped_total", &["consensus", "queue full"][..]);
    let mut said = 0;
    while count(&metrics, dropped.0, dropped.1) == 0 {
        stranger.handle.publish(GossipMessage::Consensus(vote(said)));
        said += 1;
        assert!(said < 10_000, "the queue takes everything");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    validator.handle.send(node.id, vote(u64::MAX));
    until_count(&metrics, ("ledger_network_messages_total", &["direct", "taken"]), 1).await;
    while node.next_consensus().await.from != validator.id {}
    for node in [node, validator, stranger] {
        node.stop().await;
    }
}

#[tokio::test]
async fn when_everything_is_taken_a_stranger_gives_way_to_a_validator() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let mut full = options(1);
    full.limits.connections_max = 3;
    let node = Node::start(full);
    node.handle.set_validators(vec![id(1), id(2)]);
    let address = node.address().await;
    let _strangers: Vec<_> = (0..3).map(|_| Stranger::dial(&address, GENESIS, |_| vec![])).collect();
    node.until("full", |peers| peers.connected.len() == 3).await;
    let mut options = options(2);
    options.bootnodes = vec![address];
    let validator = Node::start(options);
    let peers = node
        .until("the validator", |peers| {
            peers.get(validator.id).is_some() && peers.connected.len() <= 3
        })
        .await;
    assert!(peers.get(validator.id).unwrap().is_validator);
    assert!(count(&metrics, "ledger_network_refused_total", &["gave way"]) >= 1);
    node.stop().await;
    validator.stop().await;
}

#[tokio::test]
async fn with_reserved_only_nobody_else_is_let_in_or_dialled() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let friend = Node::start(options(2));
    let other = Node::start(options(3));
    let mut closed = options(1);
    closed.reserved = vec![friend.address().await];
    closed.reserved_only = true;
    closed.bootnodes = vec![other.address().await];
    let node = Node::start(closed);
    assert!(node.until_connected(friend.id).await.is_reserved);
    let mut stranger = Stranger::dial(&node.address().await, GENESIS, |_| vec![]);
    while stranger.next().await != Happened::Closed {}
    until_count(&metrics, ("ledger_network_refused_total", &["not reserved"]), 1).await;
    assert_eq!(node.handle.peers().borrow().connected.len(), 1);
    assert!(other.handle.peers().borrow().get(node.id).is_none());
    for node in [node, friend, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_flood_is_cut_to_the_rate_and_blamed() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let mut strict = options(1);
    strict.limits.consensus_messages = Rate::per_second(1, 10);
    let mut node = Node::start(strict);
    let mut options = options(2);
    options.bootnodes = vec![node.address().await];
    let flooder = Node::start(options);
    flooder.until_connected(node.id).await;
    node.until_connected(flooder.id).await;
    let start = tokio::time::Instant::now();
    for number in 0..60 {
        flooder.handle.send(node.id, vote(number));
    }
    until_count(&metrics, ("ledger_network_messages_total", &["direct"]), 60).await;
    let mut taken = 0;
    while node.events.consensus.try_recv().is_ok() {
        taken += 1;
    }
    assert!(
        (10..=11 + start.elapsed().as_secs()).contains(&taken),
        "{taken} in {:?}",
        start.elapsed()
    );
    node.until("blamed", |peers| {
        peers.get(flooder.id).is_some_and(|peer| peer.score < 100)
    })
    .await;
    assert!(count(&metrics, "ledger_network_faults_total", &["too much"]) >= 1);
    // Gossip is held to the same.
    flooder.handle.publish(GossipMessage::Consensus(vote(1_000)));
    until_count(
        &metrics,
        ("ledger_network_messages_total", &["topic=\"consensus\"", "too much"]),
        1,
    )
    .await;
    node.stop().await;
    flooder.stop().await;
}

#[tokio::test]
async fn a_port_in_use_and_a_nameless_peer_are_told_in_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut busy = options(1);
    busy.listen = vec![taken.local_addr().unwrap()];
    let error = Network::bind(busy).unwrap_err();
    assert!(
        matches!(&error, BindError::Listen { address, .. } if *address == taken.local_addr().unwrap()),
        "{error}"
    );
    assert!(error.to_string().contains("is another node running?"));

    let mut alone = options(1);
    alone.reserved_only = true;
    assert_eq!(Network::bind(alone).unwrap_err(), BindError::NobodyReserved);

    let mut nameless = options(1);
    nameless.bootnodes = vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()];
    assert!(matches!(Network::bind(nameless), Err(BindError::Address(_))));

    let mut crowd = options(1);
    crowd.reserved = vec![parse_peer_address(&format!("/ip4/127.0.0.1/tcp/1/p2p/{}", id(2))).unwrap(); 65];
    assert_eq!(
        Network::bind(crowd).unwrap_err(),
        BindError::TooMany {
            what: "reserved peers",
            got: 65
        }
    );
}

#[tokio::test]
async fn a_node_stops_at_once_and_tells_that_it_is_alone() {
    let node = Node::start(options(1));
    let mut options = options(2);
    options.bootnodes = vec![node.address().await];
    let other = Node::start(options);
    other.handle.set_status(status(1));
    node.until_connected(other.id).await;
    let peers = other.handle.peers();
    let handle = other.handle.clone();
    let start = tokio::time::Instant::now();
    other.stop().await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(peers.borrow().connected.is_empty());
    let request = ledger_network::Request::Status(status(1));
    assert_eq!(
        handle.request(node.id, request).await,
        Err(ledger_network::RequestError::Stopped)
    );
    node.until_gone(id(2)).await;
    node.stop().await;
}
