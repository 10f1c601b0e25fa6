//! Fingerprints, sets and history trees, against what the contract computes (test/vectors/checkpoint.json), and events.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolEventInterface};
use ledger_contracts::{
    CheckpointContract::{CheckpointContractEvents, CheckpointMade, FingerprintRejected, makeCheckpointCall},
    checkpoint::{Checkpoint, fingerprint, quorum, set_hash},
    history::{HistoryTree, Place, history_path, history_root, root_of_path},
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../test/vectors/checkpoint.json")).expect("JSON")
}

fn hash(value: &Value) -> B256 {
    value.as_str().expect("text").parse().expect("a hash")
}

fn address(value: &Value) -> Address {
    value.as_str().expect("text").parse().expect("an address")
}

fn list<T>(value: &Value, read: fn(&Value) -> T) -> Vec<T> {
    value.as_array().expect("a list").iter().map(read).collect()
}

fn checkpoint(value: &Value) -> Checkpoint {
    let number = |name: &str| value[name].as_u64().expect("a number");
    Checkpoint {
        index: number("index"),
        epoch: number("epoch"),
        setId: number("setId"),
        height: number("height"),
        blockHash: hash(&value["blockHash"]),
        stateRoot: hash(&value["stateRoot"]),
        historyRoot: hash(&value["historyRoot"]),
        parent: hash(&value["parent"]),
        nextSetHash: hash(&value["nextSetHash"]),
    }
}

/// As the vectors have them: keccak-256 of their places as words.
fn block_hashes(size: usize) -> Vec<B256> {
    (0..size)
        .map(|at| keccak256(U256::from(at).to_be_bytes::<32>()))
        .collect()
}

#[test]
fn fingerprint_is_the_contracts() {
    let vectors = vectors();
    let chain_id = vectors["chainId"].as_u64().expect("a number");
    let contract = address(&vectors["contract"]);
    let signed = checkpoint(&vectors["checkpoint"]);
    let expected = hash(&vectors["fingerprint"]);
    assert_eq!(fingerprint(chain_id, contract, &signed), expected);
    assert_ne!(fingerprint(chain_id + 1, contract, &signed), expected, "another chain");
    assert_ne!(
        fingerprint(chain_id, Address::ZERO, &signed),
        expected,
        "another contract"
    );
}

#[test]
fn set_hash_is_the_contracts() {
    let vectors = vectors();
    let keys = list(&vectors["keys"], address);
    let set_id = vectors["setId"].as_u64().expect("a number");
    assert_eq!(set_hash(set_id, &keys), hash(&vectors["setHash"]));
    assert_ne!(set_hash(set_id + 1, &keys), hash(&vectors["setHash"]));
}

#[test]
fn quorum_is_more_than_two_thirds() {
    let table = [(1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (21, 15), (256, 171)];
    for (count, expected) in table {
        assert_eq!(quorum(count), expected, "of {count}");
    }
}

#[test]
fn history_roots_and_paths_are_rfc_6962s() {
    let vectors = vectors();
    let histories = vectors["histories"].as_array().expect("a list");
    assert_eq!(histories.len(), 7);
    for (history, size) in histories.iter().zip(1..) {
        let hashes = block_hashes(size);
        assert_eq!(history_root(&hashes), Some(hash(&history["root"])), "of {size}");
        let mut tree = HistoryTree::default();
        hashes.iter().for_each(|hash| tree.push(*hash));
        assert_eq!(tree.root(), history_root(&hashes), "block by block, of {size}");
        let paths = list(&history["paths"], |path| list(path, hash));
        for (index, path) in paths.into_iter().enumerate() {
            assert_eq!(history_path(&hashes, index), Some(path), "{index} of {size}");
        }
    }
}

#[test]
fn every_path_leads_to_the_root_from_its_own_block_alone() {
    for size in (1..=33).chain([64, 65, 100]) {
        let hashes = block_hashes(size);
        let root = history_root(&hashes);
        for index in 0..size {
            let path = history_path(&hashes, index).expect("it is one of them");
            for (claimed, block) in hashes.iter().enumerate() {
                let place = Place {
                    index: claimed as u64,
                    size: size as u64,
                };
                let proven = root_of_path(*block, place, &path) == root;
                assert_eq!(proven, claimed == index, "{claimed} of {size} with the path of {index}");
            }
        }
    }
}

#[test]
fn paths_of_another_length_and_places_outside_lead_nowhere() {
    let hashes = block_hashes(7);
    let path = history_path(&hashes, 2).expect("a path");
    let place = Place { index: 2, size: 7 };
    assert_eq!(root_of_path(hashes[2], place, &path[..2]), None);
    assert_eq!(
        root_of_path(hashes[2], place, &[path.clone(), vec![B256::ZERO]].concat()),
        None
    );
    assert_eq!(root_of_path(hashes[2], Place { index: 7, size: 7 }, &path), None);
    assert_eq!(root_of_path(hashes[2], Place { index: 0, size: 0 }, &[]), None);
    assert_eq!(history_path(&hashes, 7), None);
    assert_eq!(history_root(&[]), None);
}

#[test]
fn place_is_counted_from_the_block_above_the_parent() {
    assert_eq!(Place::of(1, 0, 100), Some(Place { index: 0, size: 100 }));
    assert_eq!(Place::of(200, 100, 200), Some(Place { index: 99, size: 100 }));
    for (height, parent, checkpoint) in [(0, 0, 100), (100, 100, 200), (201, 100, 200), (5, 9, 3)] {
        assert_eq!(
            Place::of(height, parent, checkpoint),
            None,
            "{height} in {parent}..{checkpoint}"
        );
    }
}

#[test]
fn events_hold_the_whole_checkpoint() {
    let vectors = vectors();
    let made = CheckpointMade {
        index: 5,
        fingerprint: hash(&vectors["fingerprint"]),
        checkpoint: checkpoint(&vectors["checkpoint"]),
        setHash: hash(&vectors["setHash"]),
        bitmap: U256::from(7),
    };
    let log = made.encode_log_data();
    assert_eq!(log.topics()[1], B256::with_last_byte(5));
    let decoded = CheckpointContractEvents::decode_raw_log(log.topics(), &log.data).expect("an event of ours");
    assert_eq!(decoded, CheckpointContractEvents::CheckpointMade(made));
    let topics = [
        (
            "CheckpointMade(uint64,bytes32,(uint64,uint64,uint64,uint64,bytes32,bytes32,bytes32,bytes32,bytes32),bytes32,uint256)",
            CheckpointMade::SIGNATURE_HASH,
        ),
        (
            "FingerprintRejected(uint64,bytes32,uint256)",
            FingerprintRejected::SIGNATURE_HASH,
        ),
    ];
    let call =
        "makeCheckpoint((uint64,uint64,uint64,uint64,bytes32,bytes32,bytes32,bytes32,bytes32),address[],uint256,bytes)";
    assert_eq!(makeCheckpointCall::SELECTOR, keccak256(call)[..4], "{call}");
    for (signature, topic) in topics {
        assert_eq!(topic, keccak256(signature), "{signature}");
    }
}
