//! Is a message passed on exactly when somebody found it right, and is whoever passes on wrong ones let go?

use alloy_primitives::Bytes;
use ledger_network::{GossipMessage, Incoming, Verdict};

use crate::house::{GENESIS, Node, count, id, metrics, options, patiently, until_count, vote};

/// A - B - C: the two at the ends know B only and cannot find each other.
async fn line() -> [Node; 3] {
    let middle = Node::start(options(2));
    let address = middle.address().await;
    let end = |number| {
        let mut options = options(number);
        options.reserved = vec![address.clone()];
        options.reserved_only = true;
        Node::start(options)
    };
    let ends = [end(1), end(3)];
    for end in &ends {
        middle.until_connected(end.id).await;
        end.until_connected(middle.id).await;
    }
    let [one, other] = ends;
    [one, middle, other]
}

/// Publishes messages made by `make` until one arrives: before that the two may not know of each other's subscriptions.
async fn publish_until_taken<T>(
    from: &Node,
    make: impl Fn(u64) -> GossipMessage,
    taken: &mut tokio::sync::mpsc::Receiver<Incoming<T>>,
) -> Incoming<T> {
    let published = async {
        for number in 0.. {
            from.handle.publish(make(number));
            let wait = std::time::Duration::from_millis(100);
            if let Ok(incoming) = tokio::time::timeout(wait, taken.recv()).await {
                return incoming.unwrap();
            }
        }
        unreachable!("numbers do not end")
    };
    patiently(published).await
}

#[tokio::test]
async fn a_message_goes_down_the_line_only_after_it_was_accepted() {
    let [one, mut middle, mut other] = line().await;
    // Until the far end hears something, whatever the middle takes is accepted.
    let accepted = patiently(async {
        for number in 0.. {
            one.handle.publish(GossipMessage::Consensus(vote(number)));
            let wait = std::time::Duration::from_millis(200);
            while let Ok(Some(incoming)) = tokio::time::timeout(wait, middle.events.consensus.recv()).await {
                assert_eq!(incoming.from, one.id);
                middle.handle.judge(incoming.id.unwrap(), Verdict::Accept);
            }
            if let Ok(incoming) = other.events.consensus.try_recv() {
                return incoming;
            }
        }
        unreachable!("numbers do not end")
    })
    .await;
    assert_eq!(accepted.from, middle.id);
    while other.events.consensus.try_recv().is_ok() {}

    // Now the middle lets one of three lie, rejects one and accepts one: the far end hears the last alone.
    for number in [1_001, 1_002, 1_003] {
        one.handle.publish(GossipMessage::Consensus(vote(number)));
        let incoming = loop {
            let incoming = middle.next_consensus().await;
            if incoming.message == vote(number) {
                break incoming;
            }
        };
        match number {
            1_001 => {}
            1_002 => middle.handle.judge(incoming.id.unwrap(), Verdict::Reject("test")),
            _ => middle.handle.judge(incoming.id.unwrap(), Verdict::Accept),
        }
    }
    let heard = loop {
        let incoming = other.next_consensus().await;
        if incoming.message != accepted.message {
            break incoming;
        }
    };
    assert_eq!(heard.message, vote(1_003));
    for node in [one, middle, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn transactions_go_down_the_line() {
    let [one, mut middle, mut other] = line().await;
    let list = |number: u64| {
        vec![
            Bytes::copy_from_slice(&number.to_be_bytes()),
            Bytes::from_static(&[2; 100]),
        ]
    };
    let heard = patiently(async {
        for number in 0.. {
            one.handle.publish(GossipMessage::Transactions(list(number)));
            let wait = std::time::Duration::from_millis(200);
            while let Ok(Some(incoming)) = tokio::time::timeout(wait, middle.events.transactions.recv()).await {
                middle.handle.judge(incoming.id.unwrap(), Verdict::Accept);
            }
            if let Ok(incoming) = other.events.transactions.try_recv() {
                return (incoming, number);
            }
        }
        unreachable!("numbers do not end")
    })
    .await;
    assert_eq!(heard.0.from, middle.id);
    assert!((0..=heard.1).any(|number| heard.0.message == list(number)));
    for node in [one, middle, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn whoever_passes_on_wrong_messages_loses_points_and_in_the_end_the_connection() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let mut judge = Node::start(options(1));
    let mut options = options(2);
    options.bootnodes = vec![judge.address().await];
    let liar = Node::start(options);
    judge.until_connected(liar.id).await;
    let mut rejected = 0;
    let mut make = 0;
    while rejected < 5 {
        let incoming = publish_until_taken(
            &liar,
            |number| GossipMessage::Consensus(vote(1_000 * make + number)),
            &mut judge.events.consensus,
        )
        .await;
        make += 1;
        judge
            .handle
            .judge(incoming.id.unwrap(), Verdict::Reject("vote of nobody"));
        rejected += 1;
        let least = 100 - 20 * rejected;
        judge
            .until("points lost", |peers| {
                peers.get(liar.id).map_or(rejected == 5, |peer| peer.score <= least)
            })
            .await;
    }
    judge.until_gone(liar.id).await;
    assert_eq!(
        count(&metrics, "ledger_network_faults_total", &["fault=\"vote of nobody\""]),
        5
    );
    assert_eq!(count(&metrics, "ledger_network_bans_total", &[]), 1);
    assert!(
        count(
            &metrics,
            "ledger_network_messages_total",
            &["consensus", "verdict=\"reject\""]
        ) >= 5
    );
    // It dials again, since the other one is its bootnode, and is refused.
    until_count(&metrics, ("ledger_network_refused_total", &["limit=\"banned\""]), 1).await;
    assert!(judge.handle.peers().borrow().get(liar.id).is_none());
    judge.stop().await;
    liar.stop().await;
}

#[tokio::test]
async fn a_message_to_one_peer_arrives_there_alone() {
    let [mut one, middle, mut other] = line().await;
    for number in 0..20 {
        middle.handle.send(other.id, vote(number));
    }
    middle.handle.send(one.id, vote(99));
    let mut heard = Vec::new();
    for _ in 0..20 {
        let incoming = other.next_consensus().await;
        assert_eq!((incoming.from, incoming.id), (middle.id, None));
        heard.push(incoming.message);
    }
    assert!((0..20).all(|number| heard.contains(&vote(number))));
    let incoming = one.next_consensus().await;
    assert_eq!((incoming.message, incoming.id), (vote(99), None));
    assert!(one.events.consensus.try_recv().is_err());
    // To nobody in reach: nothing happens.
    one.handle.send(id(77), vote(1));
    for node in [one, middle, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_peer_of_another_chain_is_let_go() {
    let (recorder, metrics) = metrics();
    let _set = ::metrics::set_default_local_recorder(&recorder);
    let node = Node::start(options(1));
    let address = node.address().await;
    let mut foreign = options(2);
    foreign.genesis = ledger_chainspec::GenesisHash::new(alloy_primitives::B256::repeat_byte(0x99));
    foreign.bootnodes = vec![address.clone()];
    let foreign = Node::start(foreign);
    let mut own = options(3);
    own.bootnodes = vec![address];
    let own = Node::start(own);
    assert_ne!(GENESIS.get(), alloy_primitives::B256::repeat_byte(0x99));
    until_count(&metrics, ("ledger_network_faults_total", &["fault=\"other chain\""]), 1).await;
    let peers = node.until("one of its own", |peers| peers.get(own.id).is_some()).await;
    assert!(peers.get(foreign.id).is_none());
    foreign.until("alone", |peers| peers.connected.is_empty()).await;
    for node in [node, foreign, own] {
        node.stop().await;
    }
}

#[tokio::test]
async fn validators_tell_each_other_at_once_and_everybody_else_through_them() {
    // 1 and 2 are validators, 3 is a guest of 2.
    let validators = vec![id(1), id(2)];
    let start = |number, bootnodes| {
        let mut options = options(number);
        options.bootnodes = bootnodes;
        let node = Node::start(options);
        node.handle.set_validators(validators.clone());
        node
    };
    let mut one = start(1, vec![]);
    let mut other = start(2, vec![one.address().await]);
    let mut guests = options(3);
    guests.reserved = vec![other.address().await];
    guests.reserved_only = true;
    let mut guest = Node::start(guests);
    assert!(one.until_connected(other.id).await.is_validator);
    other.until_connected(guest.id).await;
    let heard = publish_until_taken(
        &one,
        |number| GossipMessage::Consensus(vote(number)),
        &mut other.events.consensus,
    )
    .await;
    assert_eq!(heard.from, one.id);
    // And the other way, on to the guest.
    let message = |number| GossipMessage::Consensus(vote(5_000 + number));
    let heard = publish_until_taken(&guest, message, &mut other.events.consensus).await;
    other.handle.judge(heard.id.unwrap(), Verdict::Accept);
    let passed_on = loop {
        let incoming = one.next_consensus().await;
        if incoming.message == heard.message {
            break incoming;
        }
    };
    assert_eq!(passed_on.from, other.id);
    // Who is no validator any more is told as everybody else.
    other.handle.set_validators(vec![]);
    other
        .until("no validators", |peers| {
            peers.connected.iter().all(|peer| !peer.is_validator)
        })
        .await;
    let message = |number| GossipMessage::Consensus(vote(9_000 + number));
    publish_until_taken(&other, message, &mut guest.events.consensus).await;
    for node in [one, other, guest] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_larger_set_is_linked_each_with_each_and_hears_its_author_at_once() {
    // Beyond sixteen validators, who do not pass everything on to each other any more.
    let validators: Vec<_> = (1..=18).map(id).collect();
    let first = Node::start(options(1));
    let address = first.address().await;
    let mut nodes = vec![first];
    for number in 2..=18 {
        let mut options = options(number);
        options.bootnodes = vec![address.clone()];
        nodes.push(Node::start(options));
    }
    for node in &nodes {
        node.handle.set_validators(validators.clone());
    }
    for node in &nodes {
        let linked = |peers: &ledger_network::Peers| peers.connected.iter().filter(|peer| peer.is_validator).count();
        node.until("linked with all others", |peers| linked(peers) == 17).await;
    }
    let author = nodes.remove(0);
    // Nobody judges anything, so that whoever hears it hears the author.
    for node in &mut nodes {
        let heard = publish_until_taken(
            &author,
            |number| GossipMessage::Consensus(vote(number)),
            &mut node.events.consensus,
        );
        assert_eq!(heard.await.from, author.id);
    }
    for node in nodes {
        node.stop().await;
    }
    author.stop().await;
}
