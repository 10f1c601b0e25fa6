//! The committed artifacts parse, fit their limits and are what genesis, or a deployment, runs.

use alloy_primitives::{Address, B256, hex, keccak256};
use alloy_sol_types::{SolCall, SolEvent};
use ledger_contracts::{Bootstrap, CheckpointContract, CodeVerifier, PassportToken, Transact, initcode};
use serde_json::Value;

const ARTIFACTS: [(&str, &str); 5] = [
    ("Bootstrap", include_str!("../../../artifacts/Bootstrap.json")),
    ("Transact", include_str!("../../../artifacts/Transact.json")),
    ("PassportToken", include_str!("../../../artifacts/PassportToken.json")),
    ("Checkpoint", include_str!("../../../artifacts/Checkpoint.json")),
    ("CodeVerifier", include_str!("../../../artifacts/CodeVerifier.json")),
];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("the artifact is JSON")
}

#[test]
fn artifacts_name_their_contract_and_fit_eip_170() {
    for (name, text) in ARTIFACTS {
        let artifact = parsed(text);
        assert_eq!(artifact["contractName"], name);
        let bytes = artifact["deployedBytes"].as_u64().expect("a number");
        assert!((1..=24_576).contains(&bytes), "{name} has {bytes} bytes");
        assert!(
            !text.contains(env!("CARGO_MANIFEST_DIR")),
            "{name} holds a path of the machine that built it"
        );
    }
}

#[test]
fn initcode_is_the_bytecode_followed_by_the_arguments() {
    let (transact, token) = (Address::repeat_byte(2), Address::repeat_byte(3));
    let code = initcode::passport_token(transact);
    let bytecode = hex::decode(parsed(ARTIFACTS[2].1)["bytecode"].as_str().expect("hex")).expect("hex");
    assert_eq!(&code[..bytecode.len()], bytecode);
    assert_eq!(&code[bytecode.len()..], transact.into_word());

    let code = initcode::code_verifier(transact);
    assert_eq!(
        code,
        [CodeVerifier::BYTECODE.as_ref(), transact.into_word().as_slice()].concat()
    );
    let code = initcode::checkpoint(&CheckpointContract::constructorCall {
        sidechainGenesis: B256::repeat_byte(7),
        setId: 0,
        checkpointKeys: vec![transact],
    });
    assert!(code.starts_with(&CheckpointContract::BYTECODE));
    assert_eq!(code[CheckpointContract::BYTECODE.len()..][..32], [7; 32]);

    let arguments = Transact::constructorCall {
        bootstrap_: Address::repeat_byte(1),
        token_: token,
        specs: vec![],
        limits: Transact::HolderLimits {
            liveCodes: 1,
            requestsPerPeriod: 2,
            periodSeconds: 3,
        },
    };
    let code = initcode::transact(&arguments);
    assert!(code.starts_with(&Transact::BYTECODE));
    assert_eq!(
        code[Transact::BYTECODE.len()..][..32],
        *Address::repeat_byte(1).into_word()
    );
}

#[test]
fn selectors_and_topics_are_golden() {
    let selectors: [(&str, [u8; 4]); 14] = [
        ("requestCode(uint32)", Transact::requestCodeCall::SELECTOR),
        ("transfer(uint256,address)", Transact::transferCall::SELECTOR),
        ("cancel(uint256)", Transact::cancelCall::SELECTOR),
        (
            "redeem(uint256,(bytes32,uint256,bytes))",
            Transact::redeemCall::SELECTOR,
        ),
        ("setOffer(uint32,uint32)", Transact::setOfferCall::SELECTOR),
        ("code(uint256)", Transact::codeCall::SELECTOR),
        ("validatorSet()", Bootstrap::validatorSetCall::SELECTOR),
        ("reserved(address)", Bootstrap::reservedCall::SELECTOR),
        (
            "submitEvidence(bytes32,bytes,bytes)",
            Bootstrap::submitEvidenceCall::SELECTOR,
        ),
        (
            "vote(uint256,bool,(uint64,bytes32,uint64,bytes32,bytes32,bytes32))",
            Bootstrap::voteCall::SELECTOR,
        ),
        ("execute(uint256)", Bootstrap::executeCall::SELECTOR),
        ("setRedeemer(address,bool)", Bootstrap::setRedeemerCall::SELECTOR),
        ("leave()", Bootstrap::leaveCall::SELECTOR),
        ("mint(address,uint256)", PassportToken::mintCall::SELECTOR),
    ];
    for (signature, selector) in selectors {
        assert_eq!(selector, keccak256(signature)[..4], "{signature}");
    }
    let topics = [
        (
            "CodeIssued(uint256,address,uint32,uint64)",
            Transact::CodeIssued::SIGNATURE_HASH,
        ),
        (
            "CodeTransferred(uint256,address,address)",
            Transact::CodeTransferred::SIGNATURE_HASH,
        ),
        (
            "CodeCancelled(uint256,address)",
            Transact::CodeCancelled::SIGNATURE_HASH,
        ),
        (
            "CodeRedeemed(uint256,uint32,address,bytes32,uint256)",
            Transact::CodeRedeemed::SIGNATURE_HASH,
        ),
        ("CodeExpired(uint256)", Transact::CodeExpired::SIGNATURE_HASH),
        (
            "ValidatorSetChanged(uint64)",
            Bootstrap::ValidatorSetChanged::SIGNATURE_HASH,
        ),
    ];
    for (signature, topic) in topics {
        assert_eq!(topic, keccak256(signature), "{signature}");
    }
}
