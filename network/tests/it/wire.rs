//! Do messages have the bytes that other versions and other programs expect, and no others?

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use ledger_chainspec::{
    Block, BlockHash, BlockNumber, CheckpointBundle, CheckpointFields, ConsensusKey, Endorsement, FinalityCertificate,
    Header, PrevoteCertificate, PrevoteSignature, SetId, Signature64, Slot, StatementKind, Vote,
};
use ledger_consensus::Reproposal;
use ledger_network::{
    BLOCKS_PER_REQUEST_MAX, CHECKPOINTS_PER_REQUEST_MAX, CheckpointAnchor, CheckpointSignature, CompactProposal,
    ConsensusMessage, GOSSIP_TRANSACTIONS_MAX, GossipMessage, Request, RequestKind, Response, STATE_BYTES_MAX, Topic,
    WireError,
};
use proptest::prelude::*;

use crate::house::status;

/// The RLP of an empty header of block 5, as Ethereum writes it, after its length.
const HEADER: &str = concat!(
    "c107", // 496 bytes, compact
    "f901ed",
    "a00000000000000000000000000000000000000000000000000000000000000000",
    "a01dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "940000000000000000000000000000000000000000",
    "a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "b90100",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "800580808080",
    "a00000000000000000000000000000000000000000000000000000000000000000",
    "880000000000000000",
);

/// Chain id 61, and a contract.
const ANCHOR_BYTES: &str = "3d000000000000000505050505050505050505050505050505050505";

fn anchor() -> CheckpointAnchor {
    CheckpointAnchor {
        mainchain_id: 61,
        contract: Address::repeat_byte(5),
    }
}

/// Signed by the second of two.
fn bundle() -> CheckpointBundle {
    CheckpointBundle {
        checkpoint: CheckpointFields {
            index: 1,
            epoch: 2,
            set_id: 3,
            height: 4,
            block_hash: B256::repeat_byte(0x11),
            state_root: B256::repeat_byte(0x12),
            history_root: B256::repeat_byte(0x13),
            parent: B256::repeat_byte(0x14),
            next_set_hash: B256::repeat_byte(0x15),
        },
        keys: vec![Address::repeat_byte(6), Address::repeat_byte(7)],
        bitmap: U256::from(0b10),
        signatures: vec![0xbb; 65].into(),
    }
}

fn header() -> Header {
    Header {
        number: 5,
        ..Header::default()
    }
}

fn block() -> Block {
    Block {
        header: header(),
        transactions: vec![],
    }
}

fn prevotes() -> PrevoteCertificate {
    PrevoteCertificate {
        set_id: SetId::new(1),
        height: BlockNumber::new(2),
        slot: Slot::new(3),
        hash: BlockHash::new(B256::repeat_byte(0xaa)),
        signatures: vec![PrevoteSignature {
            index: 4,
            valid_slot: Some(Slot::new(2)),
            signature: Signature64::new([0xbb; 64]),
        }],
    }
}

fn finality() -> FinalityCertificate {
    FinalityCertificate {
        set_id: SetId::new(1),
        height: BlockNumber::new(2),
        slot: Slot::new(3),
        hash: BlockHash::new(B256::repeat_byte(0xaa)),
        signatures: vec![(4, Signature64::new([0xbb; 64]))],
    }
}

fn vote() -> Vote {
    Vote {
        set_id: SetId::new(1),
        height: BlockNumber::new(2),
        slot: Slot::new(3),
        kind: StatementKind::Precommit,
        hash: BlockHash::new(B256::repeat_byte(0xaa)),
        valid_slot: None,
        voter: ConsensusKey::new([0xcc; 32]),
        signature: Signature64::new([0xbb; 64]),
    }
}

fn endorsement() -> Endorsement {
    Endorsement {
        slot: Slot::new(3),
        transactions: vec![B256::repeat_byte(0xdd)],
        authority: ConsensusKey::new([0xcc; 32]),
        signature: Signature64::new([0xbb; 64]),
    }
}

/// A number of eight bytes, little-endian.
fn le(number: u64) -> String {
    hex::encode(number.to_le_bytes())
}

fn bytes(byte: &str, count: usize) -> String {
    byte.repeat(count)
}

fn gossip() -> Vec<(GossipMessage, String)> {
    let (one, two, three) = (le(1), le(2), le(3));
    let (hash, signature) = (bytes("aa", 32), bytes("bb", 64));
    let certificate = format!("{one}{two}{three}{hash}04040001{two}{signature}");
    let fresh = CompactProposal {
        header: header(),
        transactions: vec![B256::repeat_byte(0xdd), B256::repeat_byte(0xee)],
        again: None,
    };
    let again = CompactProposal {
        again: Some(Reproposal {
            slot: Slot::new(3),
            signature: Signature64::new([0xbb; 64]),
            certificates: vec![prevotes()],
        }),
        transactions: vec![],
        ..fresh.clone()
    };
    let hashes = bytes("dd", 32) + &bytes("ee", 32);
    let consensus = GossipMessage::Consensus;
    vec![
        (
            consensus(ConsensusMessage::Proposal(Box::new(fresh))),
            format!("0100{HEADER}08{hashes}00"),
        ),
        (
            consensus(ConsensusMessage::Proposal(Box::new(again))),
            format!("0100{HEADER}0001{three}{signature}04{certificate}"),
        ),
        (
            consensus(ConsensusMessage::Vote(vote())),
            format!("0101{one}{two}{three}02{hash}00{}{signature}", bytes("cc", 32)),
        ),
        (
            consensus(ConsensusMessage::Justification(vec![prevotes()])),
            format!("010204{certificate}"),
        ),
        (
            consensus(ConsensusMessage::Finality(finality())),
            format!("0103{one}{two}{three}{hash}040400{signature}"),
        ),
        (
            consensus(ConsensusMessage::Endorsement(endorsement())),
            format!("0104{three}04{}{}{signature}", bytes("dd", 32), bytes("cc", 32)),
        ),
        (
            GossipMessage::Transactions(vec![Bytes::from_static(&[1, 2]), Bytes::from_static(&[3])]),
            "010808010204 03".replace(' ', ""),
        ),
        (
            GossipMessage::Reserved(vec![Bytes::from_static(&[1, 2])]),
            "0104080102".to_owned(),
        ),
        (
            GossipMessage::Checkpoint(CheckpointSignature {
                anchor: anchor(),
                epoch: 1,
                index: 2,
                fingerprint: B256::repeat_byte(0xaa),
                signature: [0xbb; 65],
            }),
            format!(
                "01{ANCHOR_BYTES}{}{}{}{}",
                le(1),
                le(2),
                bytes("aa", 32),
                bytes("bb", 65)
            ),
        ),
    ]
}

fn requests() -> Vec<(Request, String)> {
    let hash = BlockHash::new(B256::repeat_byte(0xaa));
    let hash_bytes = bytes("aa", 32);
    vec![
        (
            Request::Status(status(5)),
            format!("0100{}{}{}{}", le(5), bytes("22", 32), le(0), le(0)),
        ),
        (
            Request::Blocks {
                from: BlockNumber::new(5),
                count: 6,
            },
            format!("0101{}06000000", le(5)),
        ),
        (
            Request::Block {
                number: BlockNumber::new(5),
                hash,
            },
            format!("0102{}{hash_bytes}", le(5)),
        ),
        (
            Request::Transactions {
                block: hash,
                hashes: vec![B256::repeat_byte(0xdd)],
            },
            format!("0103{hash_bytes}04{}", bytes("dd", 32)),
        ),
        (
            Request::StateManifest {
                block: BlockNumber::new(5),
            },
            format!("0104{}", le(5)),
        ),
        (
            Request::StateChunk {
                block: hash,
                cursor: vec![7, 8],
            },
            format!("0105{hash_bytes}080708"),
        ),
        (
            Request::Endorse {
                transactions: vec![Bytes::from_static(&[1, 2])],
            },
            "010604080102".to_owned(),
        ),
        (
            Request::Hashes {
                from: BlockNumber::new(5),
                count: 3,
            },
            format!("0108{}03000000", le(5)),
        ),
        (
            Request::Checkpoints {
                anchor: anchor(),
                from: 7,
                count: 16,
            },
            format!("0107{ANCHOR_BYTES}070000000000000010000000"),
        ),
    ]
}

fn responses() -> Vec<(RequestKind, Response, String)> {
    // Two empty lists more than the header, and a longer frame.
    let rlp = format!("f901f3{}c0c0c0", &HEADER[4..]);
    let block_bytes = format!(
        "{}{rlp}",
        hex::encode((u16::try_from(rlp.len() / 2).unwrap() << 2 | 1).to_le_bytes())
    );
    let certificate = format!(
        "{}{}{}{}040400{}",
        le(1),
        le(2),
        le(3),
        bytes("aa", 32),
        bytes("bb", 64)
    );
    let promise = format!("{}04{}{}{}", le(3), bytes("dd", 32), bytes("cc", 32), bytes("bb", 64));
    vec![
        (
            RequestKind::Status,
            Response::Status(status(5)),
            format!("0100{}{}{}{}", le(5), bytes("22", 32), le(0), le(0)),
        ),
        (
            RequestKind::Blocks,
            Response::Blocks {
                blocks: vec![block()],
                certificate: Some(finality()),
            },
            format!("010104{block_bytes}01{certificate}"),
        ),
        (
            RequestKind::Block,
            Response::Block(Some(Box::new(block()))),
            format!("010201{block_bytes}"),
        ),
        (RequestKind::Block, Response::Block(None), "010200".to_owned()),
        (
            RequestKind::Transactions,
            Response::Transactions(vec![Some(Bytes::from_static(&[1, 2])), None]),
            "010308010801 0200".replace(' ', ""),
        ),
        (
            RequestKind::State,
            Response::State(Some(Bytes::from_static(&[1, 2]))),
            "010401080102".to_owned(),
        ),
        (
            RequestKind::Endorse,
            Response::Endorsements(vec![endorsement()]),
            format!("010504{promise}"),
        ),
        (RequestKind::State, Response::Busy, "0106".to_owned()),
        (
            RequestKind::Hashes,
            Response::Hashes(vec![B256::repeat_byte(0x22)]),
            format!("010804{}", bytes("22", 32)),
        ),
        (
            RequestKind::Checkpoints,
            Response::Checkpoints(vec![bundle()]),
            format!(
                "010704{}{}{}{}{}{}{}{}{}08{}{}{}02{}",
                le(1),
                le(2),
                le(3),
                le(4),
                bytes("11", 32),
                bytes("12", 32),
                bytes("13", 32),
                bytes("14", 32),
                bytes("15", 32),
                bytes("06", 20),
                bytes("07", 20),
                bytes("00", 31),
                bytes("bb", 65),
            ),
        ),
    ]
}

#[test]
fn gossip_has_these_bytes() {
    for (message, expected) in gossip() {
        let payload = message.to_payload();
        assert_eq!(hex::encode(&payload), expected, "{message:?}");
        assert_eq!(GossipMessage::from_payload(message.topic(), &payload), Ok(message));
    }
}

#[test]
fn requests_have_these_bytes() {
    for (request, expected) in requests() {
        let payload = request.to_payload();
        assert_eq!(hex::encode(&payload), expected, "{request:?}");
        assert_eq!(Request::from_payload(&payload), Ok(request));
    }
}

#[test]
fn responses_have_these_bytes() {
    for (kind, response, expected) in responses() {
        let payload = response.to_payload();
        assert_eq!(hex::encode(&payload), expected, "{response:?}");
        assert!(response.answers(kind));
        assert_eq!(Response::from_payload(kind, &payload), Ok(response));
    }
}

#[test]
fn only_busy_answers_more_than_one_kind() {
    use RequestKind::{Block, Blocks, Checkpoints, Endorse, Hashes, State, Status, Transactions};
    for (_, response, _) in responses() {
        let all = [Status, Blocks, Block, Transactions, State, Endorse, Hashes, Checkpoints];
        let answered = all.map(|kind| response.answers(kind));
        let count = answered.iter().filter(|answers| **answers).count();
        assert_eq!(count, if response == Response::Busy { 8 } else { 1 }, "{response:?}");
    }
}

#[test]
fn what_is_no_message_has_a_name() {
    let (_, good) = gossip().swap_remove(2);
    let good = hex::decode(good).unwrap();
    let read = |bytes: &[u8]| ConsensusMessage::from_payload(bytes).map_err(|error| error.name());
    assert!(read(&good).is_ok());
    assert_eq!(read(&[]), Err("empty payload"));
    assert_eq!(read(&[&[2], &good[1..]].concat()), Err("unknown version"));
    assert_eq!(read(&[&good[..], &[0]].concat()), Err("trailing bytes"));
    assert_eq!(read(&good[..good.len() - 1]), Err("malformed payload"));
    assert_eq!(
        read(&vec![1; Topic::Consensus.bytes_max() + 1]),
        Err("oversize payload")
    );
    assert_eq!(read(&[1, 5]), Err("malformed payload"));
    let error = ConsensusMessage::from_payload(&[9]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "consensus message of version 9; this node knows version 1"
    );
}

#[test]
fn lists_end_at_their_bounds() {
    let transactions = |count| GossipMessage::Transactions(vec![Bytes::from_static(&[1]); count]).to_payload();
    let read = |count| GossipMessage::from_payload(Topic::Transactions, &transactions(count));
    assert!(read(GOSSIP_TRANSACTIONS_MAX).is_ok());
    for count in [0, GOSSIP_TRANSACTIONS_MAX + 1] {
        assert!(matches!(read(count), Err(WireError::Malformed { .. })), "{count}");
    }
    let blocks = |count| {
        let from = BlockNumber::new(1);
        Request::from_payload(&Request::Blocks { from, count }.to_payload())
    };
    assert!(blocks(BLOCKS_PER_REQUEST_MAX).is_ok());
    for count in [0, BLOCKS_PER_REQUEST_MAX + 1] {
        assert!(matches!(blocks(count), Err(WireError::Malformed { .. })), "{count}");
    }
    let checkpoints = |count| {
        let (anchor, from) = (anchor(), 1);
        Request::from_payload(&Request::Checkpoints { anchor, from, count }.to_payload())
    };
    assert!(checkpoints(CHECKPOINTS_PER_REQUEST_MAX).is_ok());
    for count in [0, CHECKPOINTS_PER_REQUEST_MAX + 1] {
        assert!(
            matches!(checkpoints(count), Err(WireError::Malformed { .. })),
            "{count}"
        );
    }
    let state = |bytes| Response::State(Some(vec![0; bytes].into())).to_payload();
    assert!(Response::from_payload(RequestKind::State, &state(STATE_BYTES_MAX)).is_ok());
    assert!(Response::from_payload(RequestKind::State, &state(STATE_BYTES_MAX + 1)).is_err());
    // The same bytes are too many for another question.
    let error = Response::from_payload(RequestKind::Status, &state(2_000)).unwrap_err();
    assert_eq!(error.name(), "oversize payload");
}

#[test]
fn a_claimed_length_takes_no_memory() {
    // Lists and strings that say they are four gigabytes long.
    for payload in ["0102feffffff", "0100feffffff", "0103feffffff"] {
        assert!(ConsensusMessage::from_payload(&hex::decode(payload).unwrap()).is_err());
    }
    for kind in [1, 3, 4, 5] {
        let payload = [&[1, kind, 1][..], &[0xfe, 0xff, 0xff, 0xff]].concat();
        assert!(Response::from_payload(RequestKind::Blocks, &payload).is_err());
    }
}

#[test]
fn the_longest_messages_fit_into_their_topics() {
    let certificate = PrevoteCertificate {
        signatures: vec![prevotes().signatures[0].clone(); ledger_chainspec::VALIDATORS_MAX],
        ..prevotes()
    };
    let mut long = header();
    long.extra_data = vec![7; ledger_chainspec::EXTRA_DATA_BYTES_MAX].into();
    let proposal = CompactProposal {
        header: long,
        transactions: vec![B256::ZERO; ledger_network::BLOCK_TRANSACTIONS_MAX],
        again: Some(Reproposal {
            slot: Slot::new(3),
            signature: Signature64::new([1; 64]),
            certificates: vec![certificate; ledger_consensus::message::JUSTIFICATION_CERTIFICATES_MAX],
        }),
    };
    let message = ConsensusMessage::Proposal(Box::new(proposal));
    let payload = message.to_payload();
    assert!(payload.len() <= Topic::Consensus.bytes_max());
    assert_eq!(ConsensusMessage::from_payload(&payload), Ok(message));
}

#[test]
fn the_most_checkpoints_of_the_largest_set_fit_into_a_response_and_a_bitmap_beyond_its_set_does_not() {
    let most = CheckpointBundle {
        keys: vec![Address::repeat_byte(1); ledger_chainspec::VALIDATORS_MAX],
        bitmap: (U256::ONE << ledger_chainspec::VALIDATORS_MAX) - U256::ONE,
        signatures: vec![2; 65 * ledger_chainspec::VALIDATORS_MAX].into(),
        ..bundle()
    };
    let count = usize::try_from(CHECKPOINTS_PER_REQUEST_MAX).unwrap();
    let response = Response::Checkpoints(vec![most; count]);
    let payload = response.to_payload();
    assert_eq!(Response::from_payload(RequestKind::Checkpoints, &payload), Ok(response));
    for bitmap in [0b100, 0b11] {
        let beyond = CheckpointBundle {
            bitmap: U256::from(bitmap),
            ..bundle()
        };
        let payload = Response::Checkpoints(vec![beyond]).to_payload();
        assert!(
            Response::from_payload(RequestKind::Checkpoints, &payload).is_err(),
            "{bitmap:#b}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_as_it_was(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0_u8..9) {
        let payload = [&[1, kind][..], &bytes].concat();
        if let Ok(message) = ConsensusMessage::from_payload(&payload) {
            prop_assert_eq!(message.to_payload(), payload.clone());
        }
        if let Ok(request) = Request::from_payload(&payload) {
            prop_assert_eq!(request.to_payload(), payload.clone());
        }
        if let Ok(response) = Response::from_payload(RequestKind::Transactions, &payload) {
            prop_assert_eq!(response.to_payload(), payload);
        }
    }
}
