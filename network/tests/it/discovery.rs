//! Do nodes find each other again, and those that nobody told them of?

use std::time::Duration;

use ledger_network::read_known_peers;

use crate::house::{Node, id, options};

#[tokio::test]
async fn a_validator_is_found_through_a_third_node() {
    // Two validators that know nothing but a bootnode, which is no validator and dials nobody.
    let bootnode = Node::start(options(9));
    let address = bootnode.address().await;
    let start = |number| {
        let mut options = options(number);
        options.bootnodes = vec![address.clone()];
        // Without a search they would not meet: neither wants connections to strangers.
        options.limits.anonymous_outgoing_wanted = 0;
        let validator = Node::start(options);
        validator.handle.set_validators(vec![id(1), id(2)]);
        validator
    };
    let (one, other) = (start(1), start(2));
    let peer = one.until_connected(other.id).await;
    assert!(peer.is_validator);
    other.until_connected(one.id).await;
    for node in [bootnode, one, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn known_peers_are_found_again_without_a_bootnode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers");
    let friend = Node::start(options(1));
    let mut first = options(2);
    first.peer_store = Some(path.clone());
    first.bootnodes = vec![friend.address().await];
    let node = Node::start(first);
    node.until_connected(friend.id).await;
    node.stop().await;
    let known = read_known_peers(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].peer, friend.id);

    friend.until_gone(id(2)).await;
    let again = || {
        let mut options = options(2);
        options.peer_store = Some(path.clone());
        Node::start(options)
    };
    let node = again();
    node.until_connected(friend.id).await;
    node.stop().await;

    // A damaged file costs the memory, not the start.
    std::fs::write(&path, b"clpeers\x01 and then something else than a list of peers").unwrap();
    friend.until_gone(id(2)).await;
    let node = again();
    let mut options = options(3);
    options.bootnodes = vec![node.address().await];
    let other = Node::start(options);
    node.until_connected(other.id).await;
    node.stop().await;
    assert!(read_known_peers(&std::fs::read(&path).unwrap()).is_ok());
    for node in [friend, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn the_file_is_written_while_the_node_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers");
    let friend = Node::start(options(1));
    let mut options = options(2);
    options.peer_store = Some(path.clone());
    options.limits.store_interval = Duration::from_millis(100);
    options.bootnodes = vec![friend.address().await];
    let node = Node::start(options);
    let written = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    crate::house::patiently(written).await;
    assert_eq!(
        read_known_peers(&std::fs::read(&path).unwrap()).unwrap()[0].peer,
        friend.id
    );
    node.stop().await;
    friend.stop().await;
}

#[tokio::test]
async fn both_transports_lead_to_a_node() {
    let node = Node::start(options(1));
    for (number, transport) in [(2, "/tcp/"), (3, "/quic-v1")] {
        let mut options = options(number);
        options.bootnodes = vec![node.addresses(transport).await];
        let other = Node::start(options);
        let peer = other.until_connected(node.id).await;
        assert!(peer.address.to_string().contains(transport), "{}", peer.address);
        assert!(!peer.is_incoming);
        node.until_connected(other.id).await;
        other.stop().await;
    }
    node.stop().await;
}

#[tokio::test]
async fn a_peer_that_comes_back_is_linked_again() {
    let mut options_of_first = options(1);
    let first = Node::start(options(1));
    let address = first.address().await;
    let port = address
        .iter()
        .find_map(|part| part.to_string().strip_prefix("/tcp/").map(ToOwned::to_owned));
    let mut options = options(2);
    options.reserved = vec![address];
    let node = Node::start(options);
    node.until_connected(first.id).await;
    first.stop().await;
    node.until_gone(id(1)).await;
    options_of_first.listen = vec![format!("127.0.0.1:{}", port.unwrap()).parse().unwrap()];
    let first = Node::start(options_of_first);
    node.until_connected(first.id).await;
    node.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn strangers_meet_through_a_bootnode() {
    let bootnode = Node::start(options(9));
    let mut nodes = Vec::new();
    for number in 1..=4 {
        let mut options = options(number);
        options.bootnodes = vec![bootnode.address().await];
        nodes.push(Node::start(options));
    }
    for node in &nodes {
        node.until("everybody", |peers| peers.connected.len() == 4).await;
    }
    nodes.push(bootnode);
    for node in nodes {
        node.stop().await;
    }
}
