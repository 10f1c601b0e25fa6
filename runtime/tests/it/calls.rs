//! Do calls, estimates and access lists say what a transaction would do, now and at a past block?

use alloy_consensus::{TxEip1559, TxReceipt};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, map::HashMap};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::AccountOverride};
use ledger_chainspec::{BlockNumber, predeploys::ED25519_PRECOMPILE};
use ledger_runtime::{
    BlockRef, CallError, CallOutcome, CallOverrides, GAS_CAP_CALL, RuntimeOptions, TRANSACTION_GAS_MAX,
    TransactionFault, ed25519_gas,
};

use crate::world::{Person, World, chain_id};

/// With input: SSTORE(word 1, word 0), and the stored word is logged. Without: returns slot 0.
const STORE: &[u8] = &hex!("36600c575f545f5260205ff35b5f35602035555f355f5260203560205fa100");

fn deployed(world: &World, person: &Person, code: &[u8]) -> Address {
    let length = u16::try_from(code.len()).unwrap().to_be_bytes();
    let init = [&hex!("61")[..], &length, &hex!("80600a5f395ff3"), code].concat();
    let nonce = world
        .runtime
        .account(&person.address(), BlockRef::Head)
        .unwrap()
        .map_or(0, |account| account.nonce);
    world.succeed(person.create(nonce, init)).1.contract.unwrap()
}

fn to(target: Address, input: impl Into<Bytes>) -> TransactionRequest {
    TransactionRequest::default().to(target).input(input.into().into())
}

fn words(words: [u64; 2]) -> Vec<u8> {
    words.map(|word| U256::from(word).to_be_bytes::<32>()).concat()
}

fn returned(world: &World, request: TransactionRequest, at: BlockRef, overrides: CallOverrides) -> U256 {
    match world.runtime.call(request, at, overrides).unwrap().outcome {
        CallOutcome::Returned(output) => U256::from_be_slice(&output),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_reads_each_block_as_it_was() {
    let world = World::dev();
    let person = Person::number(5);
    let store = deployed(&world, &person, STORE);
    for value in 1..=3 {
        world.succeed(person.call(value, store, words([value * 10, 0])));
    }
    for (number, value) in [(1, 0), (2, 10), (3, 20), (4, 30)] {
        let at = BlockRef::Number(BlockNumber::new(number));
        assert_eq!(
            returned(&world, to(store, []), at, CallOverrides::default()),
            U256::from(value)
        );
        assert_eq!(
            world.runtime.storage(&store, &U256::ZERO, at).unwrap(),
            U256::from(value)
        );
    }
    assert_eq!(
        returned(&world, to(store, []), BlockRef::Head, CallOverrides::default()),
        U256::from(30)
    );
    let future = BlockRef::Number(BlockNumber::new(9));
    assert!(matches!(
        world.runtime.call(to(store, []), future, CallOverrides::default()),
        Err(CallError::Read(_))
    ));
}

#[test]
fn a_call_before_the_window_names_the_oldest_block_and_an_archive_has_no_window() {
    for archive in [false, true] {
        let world = World::with(|options| RuntimeOptions {
            archive,
            history_blocks: 2,
            ..options
        });
        for _ in 0..5 {
            world.block(vec![]);
        }
        let old = BlockRef::Number(BlockNumber::new(1));
        let done = world.runtime.call(to(Address::ZERO, []), old, CallOverrides::default());
        match done {
            Ok(_) => assert!(archive),
            Err(refused) => {
                assert!(!archive);
                assert!(
                    refused.to_string().contains("oldest block available here is 3"),
                    "{refused}"
                );
            }
        }
    }
}

#[test]
fn overrides_change_state_and_block_for_one_call() {
    let world = World::dev();
    let store = deployed(&world, &Person::number(5), STORE);
    let slots = HashMap::from_iter([(B256::ZERO, B256::with_last_byte(77))]);
    let account = AccountOverride {
        state_diff: Some(slots),
        ..AccountOverride::default()
    };
    let overrides = CallOverrides {
        state: Some(HashMap::from_iter([(store, account)])),
        block: None,
    };
    assert_eq!(
        returned(&world, to(store, []), BlockRef::Head, overrides),
        U256::from(77)
    );
    assert_eq!(
        returned(&world, to(store, []), BlockRef::Head, CallOverrides::default()),
        U256::ZERO
    );
    // Code that returns the time, put where nothing is.
    let clock = Address::repeat_byte(0xc1);
    let account = AccountOverride {
        code: Some(hex!("425f5260205ff3").into()),
        ..AccountOverride::default()
    };
    let block = BlockOverrides {
        time: Some(4_000_000_000),
        ..BlockOverrides::default()
    };
    let overrides = CallOverrides {
        state: Some(HashMap::from_iter([(clock, account)])),
        block: Some(Box::new(block)),
    };
    assert_eq!(
        returned(&world, to(clock, []), BlockRef::Head, overrides),
        U256::from(4_000_000_000_u64)
    );
}

#[test]
fn a_revert_comes_back_raw_and_an_endless_loop_ends_at_the_cap() {
    let world = World::dev();
    let person = Person::number(5);
    // MSTORE(0, 0xdead), REVERT(30, 2)
    let refusing = deployed(&world, &person, &hex!("61dead5f526002601efd"));
    let result = world
        .runtime
        .call(to(refusing, []), BlockRef::Head, CallOverrides::default())
        .unwrap();
    assert_eq!(result.outcome, CallOutcome::Reverted(hex!("dead").into()));
    let refused = world
        .runtime
        .estimate_gas(to(refusing, []), BlockRef::Head, CallOverrides::default());
    assert!(matches!(refused, Err(CallError::Reverted { output }) if output[..] == hex!("dead")));
    let endless = deployed(&world, &person, &hex!("5b5f56"));
    let result = world
        .runtime
        .call(to(endless, []), BlockRef::Head, CallOverrides::default())
        .unwrap();
    assert!(matches!(result.outcome, CallOutcome::Halted(_)));
    assert_eq!(result.gas_used, GAS_CAP_CALL);
    let refused = world
        .runtime
        .estimate_gas(to(endless, []), BlockRef::Head, CallOverrides::default());
    assert!(matches!(
        refused,
        Err(CallError::Allowance {
            allowance: TRANSACTION_GAS_MAX
        })
    ));
}

#[test]
fn a_short_call_says_what_a_call_says_and_a_long_one_says_nothing() {
    let world = World::dev();
    let person = Person::number(5);
    let store = deployed(&world, &person, STORE);
    world.succeed(person.call(1, store, words([77, 0])));
    let endless = deployed(&world, &person, &hex!("5b5f56"));
    // Calls it with all gas or with 100,000, then returns the word that it returned.
    let calling = |target: Address, gas: &[u8]| {
        let call = [&hex!("60205f5f5f73")[..], target.as_slice(), gas, &hex!("fa5060205ff3")].concat();
        to(deployed(&world, &person, &call), [])
    };
    let repeating = [&hex!("5b5f5f5f5f73")[..], store.as_slice(), &hex!("5afa505f56")].concat();
    let code = |code: &[u8]| to(deployed(&world, &person, code), []);
    let short = [
        to(Address::repeat_byte(9), []),
        to(store, []),
        to(store, words([5, 1])),
        to(store, []).gas_limit(21_100),
        code(&hex!("61dead5f526002601efd")),
        code(&hex!("fe")),
        // Returns the gas that it has left.
        code(&hex!("5a5f5260205ff3")),
        calling(store, &hex!("5a")),
        calling(endless, &hex!("620186a0")),
        // Hashes 64 KiB.
        code(&hex!("620100005f205f5260205ff3")),
    ];
    for request in short {
        let (at, overrides) = (BlockRef::Head, CallOverrides::default());
        let done = world.runtime.call_if_short(&request, at, &overrides).unwrap();
        let called = world.runtime.call(request.clone(), at, overrides).unwrap();
        assert_eq!(done, Some(called), "{request:?}");
    }
    let long = [
        to(endless, []),
        to(Address::with_last_byte(2), []),
        to(ED25519_PRECOMPILE, []),
        TransactionRequest::default().input(Bytes::from_static(STORE).into()),
        calling(endless, &hex!("5a")),
        calling(Address::with_last_byte(2), &hex!("5a")),
        code(&repeating),
        // Hashes 200,000 bytes; creates an empty contract.
        code(&hex!("62030d405f2000")),
        code(&hex!("5f5f5ff000")),
        TransactionRequest {
            access_list: Some(AccessList::default()),
            ..to(store, [])
        },
    ];
    for request in long {
        let done = world
            .runtime
            .call_if_short(&request, BlockRef::Head, &CallOverrides::default());
        assert_eq!(done.unwrap(), None, "{request:?}");
    }
}

#[test]
fn an_estimate_is_enough_and_not_much_more() {
    let world = World::dev();
    let person = Person::number(5);
    let store = deployed(&world, &person, STORE);
    // Wants 200,000 gas left, though it needs little: what is used says nothing.
    let greedy = deployed(&world, &person, &hex!("62030d405a11600c575f5ffd5b00"));
    let requests = [
        to(Address::repeat_byte(9), []),
        to(store, words([1, 1])),
        to(store, words([0, 1])),
        to(store, []),
        to(greedy, []),
    ];
    for (nonce, request) in (2..).zip(requests) {
        let request = request.from(person.address());
        let gas = world
            .runtime
            .estimate_gas(request.clone(), BlockRef::Head, CallOverrides::default())
            .unwrap();
        let run = |gas_limit| {
            let call = request.clone().gas_limit(gas_limit);
            world.runtime.call(call, BlockRef::Head, CallOverrides::default())
        };
        assert!(
            matches!(run(gas).unwrap().outcome, CallOutcome::Returned(_)),
            "{gas} is too little"
        );
        let little = gas * 97 / 100;
        let fails = match run(little) {
            Ok(result) => !matches!(result.outcome, CallOutcome::Returned(_)),
            Err(CallError::Fault(TransactionFault::Refused(refusal))) => refusal.is_too_little_gas(),
            Err(other) => panic!("{other}"),
        };
        assert!(fails, "{gas} is estimated, but {little} is enough");
        let transaction = person.sign(TxEip1559 {
            chain_id: chain_id(),
            nonce,
            gas_limit: gas,
            to: request.to.unwrap(),
            input: request.input.input().cloned().unwrap_or_default(),
            ..TxEip1559::default()
        });
        let receipt = world.block(vec![transaction]).remove(0);
        assert!(receipt.receipt.status(), "a transaction with {gas} gas fails");
    }
}

#[test]
fn an_estimate_of_what_cannot_be_paid_says_so() {
    let world = World::dev();
    let poor = Person::number(40).address();
    let request = to(Address::repeat_byte(9), []).from(poor).value(U256::from(1));
    let refused = world
        .runtime
        .estimate_gas(request, BlockRef::Head, CallOverrides::default())
        .unwrap_err();
    assert!(refused.to_string().starts_with("insufficient funds"), "{refused}");
}

#[test]
fn an_access_list_names_what_is_touched_and_makes_it_warm() {
    let world = World::dev();
    let person = Person::number(5);
    let store = deployed(&world, &person, STORE);
    let request = to(store, words([5, 3])).from(person.address());
    let listed = world
        .runtime
        .create_access_list(request.clone(), BlockRef::Head, CallOverrides::default())
        .unwrap();
    let expected = AccessListItem {
        address: store,
        storage_keys: vec![B256::with_last_byte(3)],
    };
    assert_eq!(listed.access_list.0, [expected]);
    assert!(matches!(listed.result.outcome, CallOutcome::Returned(_)));
    let with_list = request.access_list(listed.access_list.clone());
    let result = world
        .runtime
        .call(with_list, BlockRef::Head, CallOverrides::default())
        .unwrap();
    assert_eq!(result.gas_used, listed.result.gas_used);
}

#[test]
fn blobs_and_contradictions_are_no_calls() {
    let world = World::dev();
    let blob = TransactionRequest {
        blob_versioned_hashes: Some(vec![B256::with_last_byte(1)]),
        ..to(Address::ZERO, [])
    };
    let refused = world.runtime.call(blob, BlockRef::Head, CallOverrides::default());
    assert!(matches!(refused, Err(CallError::Fault(TransactionFault::Blob))));
    let both = TransactionRequest {
        gas_price: Some(1),
        max_fee_per_gas: Some(2),
        ..to(Address::ZERO, [])
    };
    let refused = world.runtime.call(both, BlockRef::Head, CallOverrides::default());
    assert!(matches!(refused, Err(CallError::Request(_))));
}

#[test]
fn the_ed25519_precompile_answers_and_is_paid_for() {
    let world = World::dev();
    // RFC 8032, section 7.1, test 2: key, signature, message.
    let good = hex!(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        "72"
    );
    let ask = |input: &[u8]| {
        returned(
            &world,
            to(ED25519_PRECOMPILE, input.to_vec()),
            BlockRef::Head,
            CallOverrides::default(),
        )
    };
    assert_eq!(ask(&good), U256::from(1));
    let mut bad = good;
    bad[96] = 0x73;
    assert_eq!(ask(&bad), U256::ZERO);
    assert_eq!(ask(&[]), U256::ZERO);
    // STATICCALL with just enough gas, and with one less: MSTORE8 of its success is returned.
    let exact = |gas: u64| {
        let gas = u16::try_from(gas).unwrap().to_be_bytes();
        let code = [&hex!("365f5f3760206080365f61100061")[..], &gas, &hex!("fa5f5260205ff3")].concat();
        let caller = Address::repeat_byte(0xca);
        let account = AccountOverride {
            code: Some(code.into()),
            ..AccountOverride::default()
        };
        let overrides = CallOverrides {
            state: Some(HashMap::from_iter([(caller, account)])),
            block: None,
        };
        returned(&world, to(caller, good.to_vec()), BlockRef::Head, overrides)
    };
    let gas = ed25519_gas(good.len());
    assert_eq!(exact(gas), U256::from(1));
    assert_eq!(exact(gas - 1), U256::ZERO);
}

#[test]
fn a_contract_may_call_in_its_own_name_and_create() {
    let world = World::dev();
    let store = deployed(&world, &Person::number(5), STORE);
    let result = world
        .runtime
        .call(to(store, []).from(store), BlockRef::Head, CallOverrides::default())
        .unwrap();
    assert!(matches!(result.outcome, CallOutcome::Returned(_)));
    let create = TransactionRequest {
        to: Some(TxKind::Create),
        ..to(store, hex!("60016000f3").to_vec())
    };
    let result = world
        .runtime
        .call(create, BlockRef::Head, CallOverrides::default())
        .unwrap();
    assert_eq!(result.outcome, CallOutcome::Returned(hex!("00").into()));
}
