//! Every custom error of every artifact has a sentence.

use alloy_primitives::{Address, Selector, U256, keccak256};
use alloy_sol_types::{Panic, Revert, SolError};
use ledger_contracts::{Bootstrap, CheckpointContract, CodeVerifier, Transact, decode_revert};
use serde_json::Value;

/// Zeroes that decode as any of the contracts' argument lists: dynamic parts point at a zero length.
fn arguments(inputs: &[Value]) -> Vec<u8> {
    let is_dynamic = |input: &Value| matches!(input["type"].as_str(), Some("string" | "bytes"));
    let head = 32 * inputs.len();
    let mut encoded = Vec::new();
    for input in inputs {
        let word = if is_dynamic(input) {
            U256::from(head)
        } else {
            U256::ZERO
        };
        encoded.extend(word.to_be_bytes::<32>());
    }
    encoded.extend([0; 32]);
    encoded
}

#[test]
fn every_error_of_the_artifacts_has_a_name_and_a_sentence() {
    let mut seen = 0;
    for text in [
        include_str!("../../../artifacts/Bootstrap.json"),
        include_str!("../../../artifacts/Transact.json"),
        include_str!("../../../artifacts/PassportToken.json"),
        include_str!("../../../artifacts/Checkpoint.json"),
        include_str!("../../../artifacts/CodeVerifier.json"),
    ] {
        let artifact: Value = serde_json::from_str(text).expect("JSON");
        let abi = artifact["abi"].as_array().expect("a list");
        for error in abi.iter().filter(|item| item["type"] == "error") {
            let inputs = error["inputs"].as_array().expect("a list");
            let types: Vec<_> = inputs.iter().map(|i| i["type"].as_str().expect("text")).collect();
            let name = error["name"].as_str().expect("text");
            let selector = Selector::from_slice(&keccak256(format!("{name}({})", types.join(",")))[..4]);
            let data = [selector.as_slice(), &arguments(inputs)].concat();
            let known = decode_revert(&data).unwrap_or_else(|| panic!("{name} is unknown"));
            assert_eq!(known.name(), name);
            assert!(known.to_string().split(' ').count() >= 4, "{name}: {known}");
            seen += 1;
        }
    }
    assert!(seen > 105, "{seen}");
}

#[test]
fn sentences_carry_both_sides() {
    let spent = Transact::CodeAlreadyRedeemed {
        codeId: (U256::from(1) << 64) | U256::from(42),
        memberId: 2,
    };
    let table = [
        (spent.abi_encode(), "code 1:42 was redeemed already, at member 2"),
        (
            Transact::PoolExhausted {
                specId: 3,
                asked: U256::from(1),
                left: U256::ZERO,
            }
            .abi_encode(),
            "the pool of spec 3 has 0 codes left; 1 was asked for",
        ),
        (
            Bootstrap::ProposalNotOpen {
                proposalId: U256::from(4),
                status: 3,
            }
            .abi_encode(),
            "proposal 4 is executed",
        ),
        (
            Bootstrap::NotValidator { account: Address::ZERO }.abi_encode(),
            "0x0000000000000000000000000000000000000000 is not in the validator set",
        ),
        (
            CheckpointContract::SignaturesInvalid {
                bitmap: U256::from(7),
                valid: U256::from(3),
            }
            .abi_encode(),
            "the bitmap 0x7 names the signers; the signatures of 0x3 are valid",
        ),
        (
            CodeVerifier::CodeIdInvalid {
                codeId: U256::from(1) << 64,
            }
            .abi_encode(),
            "1:0 is the id of no code: spec and sequence start at 1",
        ),
        (Revert::from("no").abi_encode(), "no"),
        (
            Panic { code: U256::from(0x11) }.abi_encode(),
            "the contract stopped at its own check: panic: arithmetic underflow or overflow (0x11)",
        ),
    ];
    for (data, sentence) in table {
        assert_eq!(decode_revert(&data).expect("known").to_string(), sentence);
    }
}

#[test]
fn foreign_bytes_are_no_error_of_ours() {
    let selector = Transact::CodeAlreadyRedeemed::SELECTOR;
    for data in [
        &[][..],
        &[1, 2, 3],
        &[0xff; 4],
        &selector,
        &[selector.as_slice(), &[0xff; 40]].concat(),
    ] {
        assert_eq!(decode_revert(data), None, "{data:02x?}");
    }
}
