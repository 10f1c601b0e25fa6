//! Do the decoders of what nodes tell and ask each other keep to one encoding per value, and to their memory?

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use ledger_chainspec::{
    Block, BlockHash, BlockNumber, CHECKPOINT_SIGNATURE_BYTES, CheckpointBundle, CheckpointFields, Header,
};
use ledger_network::{
    CheckpointAnchor, CheckpointSignature, CompactProposal, ConsensusMessage, GossipMessage, KnownPeer, PeerStatus,
    Request, RequestKind, Response, Topic, peer_id_of, read_known_peers, write_known_peers,
};

use crate::{
    Target,
    seeds::{self, Seed},
};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target::lists("gossip_message", gossip_message, 64 << 10),
    Target::lists("network_request", network_request, 64 << 10),
    Target::lists("network_response", network_response, 64 << 10),
    Target::lists("peer_store", peer_store, 64 << 10),
];

/// The kinds of requests; the first byte of a response's input says which one it answers.
const KINDS: [RequestKind; 8] = [
    RequestKind::Status,
    RequestKind::Blocks,
    RequestKind::Block,
    RequestKind::Transactions,
    RequestKind::State,
    RequestKind::Endorse,
    RequestKind::Hashes,
    RequestKind::Checkpoints,
];

/// A contract for the seeds.
pub(crate) const ANCHOR: CheckpointAnchor = CheckpointAnchor {
    mainchain_id: 61,
    contract: Address::repeat_byte(0xc5),
};

/// A checkpoint of a set of four, signed by those of `bitmap`.
pub(crate) fn checkpoint_bundle(bitmap: U256) -> CheckpointBundle {
    CheckpointBundle {
        checkpoint: CheckpointFields {
            index: 1,
            epoch: 0,
            set_id: 1,
            height: 100,
            block_hash: B256::repeat_byte(1),
            state_root: B256::repeat_byte(2),
            history_root: B256::repeat_byte(3),
            parent: B256::repeat_byte(4),
            next_set_hash: B256::repeat_byte(5),
        },
        keys: (1..=4).map(Address::repeat_byte).collect(),
        bitmap,
        signatures: vec![27; bitmap.count_ones() * CHECKPOINT_SIGNATURE_BYTES].into(),
    }
}

/// A gossip message; the first byte says on which topic.
pub fn gossip_message(bytes: &[u8]) {
    let Some((topic, payload)) = bytes.split_first() else {
        return;
    };
    let topic = Topic::ALL[usize::from(*topic) % Topic::ALL.len()];
    match GossipMessage::from_payload(topic, payload) {
        Ok(message) => {
            assert_eq!(message.topic(), topic);
            assert_eq!(message.to_payload(), payload, "a second encoding of {message:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.name().is_empty()),
    }
}

/// A request.
pub fn network_request(bytes: &[u8]) {
    if let Ok(request) = Request::from_payload(bytes) {
        assert_eq!(request.to_payload(), bytes, "a second encoding of {request:?}");
    }
}

/// A response; the first byte says to what kind of request.
pub fn network_response(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first() else {
        return;
    };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    if let Ok(response) = Response::from_payload(kind, payload) {
        assert_eq!(response.to_payload(), payload, "a second encoding of {response:?}");
        assert!(payload.len() <= kind.response_bytes_max());
    }
}

/// The file of known peers, with the checksum that it has and with the right one.
pub fn peer_store(bytes: &[u8]) {
    let whole = [bytes, keccak256(bytes).as_slice()].concat();
    for file in [bytes, &whole] {
        if let Ok(peers) = read_known_peers(file) {
            assert_eq!(write_known_peers(&peers), file, "a second encoding of {peers:?}");
        }
    }
}

/// Seeds of these targets.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let mut seeds = gossip_seeds();
    for (name, request) in requests() {
        seeds.push(("network_request", name, request.to_payload()));
    }
    for (kind, name, response) in responses() {
        seeds.push(("network_response", name, [&[kind][..], &response.to_payload()].concat()));
    }
    let peers = [1, 2].map(|number| KnownPeer {
        peer: peer_id_of(&seeds::key(number)),
        addresses: vec![
            "/ip4/192.0.2.1/tcp/30333".parse().expect("an address"),
            "/dns4/node.example/udp/30333/quic-v1".parse().expect("an address"),
        ],
        seen: 1_700_000_000,
    });
    let file = write_known_peers(&peers);
    let content = file[..file.len() - 32].to_vec();
    seeds.push(("peer_store", "two", content));
    seeds.push(("peer_store", "whole", file));
    seeds
}

fn gossip_seeds() -> Vec<Seed> {
    let fresh = CompactProposal {
        header: Header::default(),
        transactions: vec![B256::repeat_byte(1), B256::repeat_byte(2)],
        again: None,
    };
    let again = CompactProposal {
        again: Some(seeds::reproposal()),
        ..fresh.clone()
    };
    let messages = [
        ("proposal", ConsensusMessage::Proposal(Box::new(fresh))),
        ("reproposal", ConsensusMessage::Proposal(Box::new(again))),
        ("vote", ConsensusMessage::Vote(seeds::vote())),
        (
            "justification",
            ConsensusMessage::Justification(vec![seeds::prevotes(); 2]),
        ),
        ("finality", ConsensusMessage::Finality(seeds::finality())),
        ("endorsement", ConsensusMessage::Endorsement(seeds::endorsement())),
    ];
    let mut seeds: Vec<Seed> = Vec::new();
    for (name, message) in messages {
        seeds.push(("gossip_message", name, [&[0][..], &message.to_payload()].concat()));
    }
    let transactions = GossipMessage::Transactions(vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")]);
    let payload = transactions.to_payload();
    seeds.push(("gossip_message", "transactions", [&[1][..], &payload].concat()));
    let checkpoint = GossipMessage::Checkpoint(CheckpointSignature {
        anchor: ANCHOR,
        epoch: 0,
        index: 1,
        fingerprint: B256::repeat_byte(6),
        signature: [28; CHECKPOINT_SIGNATURE_BYTES],
    });
    let payload = checkpoint.to_payload();
    seeds.push(("gossip_message", "checkpoint", [&[3][..], &payload].concat()));
    seeds
}

const STATUS: PeerStatus = PeerStatus {
    head: BlockNumber::new(9),
    head_hash: BlockHash::new(B256::repeat_byte(0x22)),
    oldest: BlockNumber::new(1),
    unix_ms: 1_700_000_000_000,
};

fn requests() -> Vec<(&'static str, Request)> {
    let (number, hash) = (STATUS.head, STATUS.head_hash);
    let transactions = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    vec![
        ("status", Request::Status(STATUS)),
        ("blocks", Request::Blocks { from: number, count: 5 }),
        ("block", Request::Block { number, hash }),
        (
            "transactions",
            Request::Transactions {
                block: hash,
                hashes: vec![B256::repeat_byte(3); 2],
            },
        ),
        ("manifest", Request::StateManifest { block: number }),
        (
            "chunk",
            Request::StateChunk {
                block: hash,
                cursor: vec![1, 2, 3],
            },
        ),
        ("endorse", Request::Endorse { transactions }),
        ("hashes", Request::Hashes { from: number, count: 5 }),
        (
            "checkpoints",
            Request::Checkpoints {
                anchor: ANCHOR,
                from: 1,
                count: 16,
            },
        ),
    ]
}

fn responses() -> Vec<(u8, &'static str, Response)> {
    let block = Block {
        header: Header::default(),
        transactions: vec![],
    };
    let endorsement = seeds::endorsement();
    let blocks = Response::Blocks {
        blocks: vec![block.clone()],
        certificate: Some(seeds::finality()),
    };
    vec![
        (0, "status", Response::Status(STATUS)),
        (1, "blocks", blocks),
        (2, "block", Response::Block(Some(Box::new(block)))),
        (
            3,
            "transactions",
            Response::Transactions(vec![None, Some(Bytes::from_static(b"one"))]),
        ),
        (4, "state", Response::State(Some(Bytes::from_static(b"state")))),
        (5, "endorsements", Response::Endorsements(vec![endorsement])),
        (5, "busy", Response::Busy),
        (6, "hashes", Response::Hashes(vec![B256::repeat_byte(4); 2])),
        (
            7,
            "checkpoints",
            Response::Checkpoints(vec![
                checkpoint_bundle(U256::ZERO),
                checkpoint_bundle(U256::from(0b1011)),
            ]),
        ),
    ]
}
