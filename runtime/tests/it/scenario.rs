//! Single transactions on states that come from no chain: what our rules add to Ethereum's, and what revm leaves to us.

use std::collections::BTreeMap;

use alloy_consensus::{TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, b256, bytes, keccak256};
use ledger_chainspec::{ChainSpec, Hardfork, Header, Transaction, predeploys::ED25519_PRECOMPILE};
use ledger_runtime::{
    BrokenRule, ChainRules, TRANSACTION_GAS_MAX, TransactionFault, TransactionFlaw, check_transaction, intrinsic_gas,
    scenario::{Scenario, ScenarioAccount, ScenarioOutcome, ScenarioState, TrieScenario},
};
use tempfile::TempDir;

use crate::world::Person;

const CHAIN_ID: u64 = 1;
const CONTRACT: Address = Address::repeat_byte(0xc0);
const EMPTY_ROOT: B256 = b256!("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
const FORKS: [Hardfork; 3] = [Hardfork::Cancun, Hardfork::Prague, Hardfork::Osaka];

struct Stage {
    scenario: Scenario,
    _folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            scenario: Scenario::open(folder.path()).unwrap(),
            _folder: folder,
        }
    }

    /// Plays `transaction` on `state`, with what its database must keep to checked.
    fn play(
        &mut self,
        rules: ChainRules,
        state: &ScenarioState,
        transaction: &Recovered<Transaction>,
    ) -> (ScenarioOutcome, ScenarioState) {
        let root = self.scenario.set_state(state).unwrap();
        let outcome = self.scenario.run(rules, &header(), transaction).unwrap();
        self.scenario.verify().unwrap();
        self.scenario.verify_past(state, root).unwrap();
        (outcome, self.scenario.state().unwrap())
    }
}

fn header() -> Header {
    Header {
        number: 1,
        timestamp: 1_000,
        gas_limit: 100_000_000,
        beneficiary: Address::repeat_byte(0xbe),
        base_fee_per_gas: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        ..Header::default()
    }
}

fn transaction(to: TxKind, gas_limit: u64, input: Bytes) -> Recovered<Transaction> {
    Person::number(0).sign(TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit,
        to,
        input,
        ..TxEip1559::default()
    })
}

fn contract(code: Bytes) -> ScenarioAccount {
    ScenarioAccount {
        nonce: 1,
        code,
        ..ScenarioAccount::default()
    }
}

fn slots(value: u64) -> BTreeMap<U256, U256> {
    BTreeMap::from([(U256::ZERO, U256::from(value))])
}

/// Storage, a balance, and neither code nor nonce.
fn storage_only() -> ScenarioAccount {
    ScenarioAccount {
        balance: U256::from(1),
        slots: slots(9),
        ..ScenarioAccount::default()
    }
}

/// Enough that the 64th which a failed creation leaves its caller pays for a slot.
const GAS: u64 = 4_000_000;

#[test]
fn nothing_is_created_where_there_is_storage() {
    let sender = Person::number(0).address();
    // The contracts put ISZERO of what CREATE or CREATE2 answered into slot 0.
    let ways = [
        ("a transaction", sender.create(0), None, bytes!("5f5ff3")),
        (
            "CREATE",
            CONTRACT.create(1),
            Some(bytes!("5f5f5ff0155f5500")),
            Bytes::new(),
        ),
        (
            "CREATE2",
            CONTRACT.create2(B256::ZERO, keccak256([])),
            Some(bytes!("5f5f5f5ff5155f5500")),
            Bytes::new(),
        ),
    ];
    let mut stage = Stage::new();
    for hardfork in FORKS {
        for (way, place, code, input) in &ways {
            let to = code.as_ref().map_or(TxKind::Create, |_| TxKind::Call(CONTRACT));
            let transaction = transaction(to, GAS, input.clone());
            let rules = ChainRules::ethereum(CHAIN_ID, hardfork);
            let mut state: ScenarioState = code.iter().map(|code| (CONTRACT, contract(code.clone()))).collect();

            let (free, after) = stage.play(rules, &state, &transaction);
            assert!(free.receipt.unwrap().success, "{way}, {hardfork:?}");
            assert_eq!(after[place].nonce, 1, "{way}, {hardfork:?}");

            state.insert(*place, storage_only());
            let (taken, after) = stage.play(rules, &state, &transaction);
            let receipt = taken.receipt.unwrap();
            assert_eq!(after[place], storage_only(), "{way}, {hardfork:?}");
            match code {
                None => assert_eq!((receipt.success, receipt.cumulative_gas_used), (false, GAS)),
                Some(_) => {
                    assert_eq!(
                        (after[&CONTRACT].nonce, &after[&CONTRACT].slots),
                        (2, &slots(1)),
                        "{way}"
                    );
                    assert!(
                        receipt.success && receipt.cumulative_gas_used > GAS / 64 * 63,
                        "{way}: {receipt:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn an_account_of_storage_can_be_paid_and_found_empty_handed() {
    // EXTCODEHASH and EXTCODESIZE of the place, in slots 0 and 1: what shows revm a nonce must not show it to a contract.
    let code = bytes!("73cacacacacacacacacacacacacacacacacacacaca803f5f553b60015500");
    let place = Address::repeat_byte(0xca);
    let state = ScenarioState::from([(CONTRACT, contract(code)), (place, storage_only())]);
    let call = transaction(TxKind::Call(CONTRACT), 1_000_000, Bytes::new());
    let rules = ChainRules::ethereum(CHAIN_ID, Hardfork::Osaka);
    let (_, after) = Stage::new().play(rules, &state, &call);
    let hash = U256::from_be_bytes(keccak256([]).0);
    assert_eq!(after[&CONTRACT].slots, BTreeMap::from([(U256::ZERO, hash)]));
    assert_eq!(after[&place], storage_only());
}

#[test]
fn our_rules_are_ethereums_with_a_cap_and_a_precompile_more() {
    let mut spec = ChainSpec::dev();
    for hardfork in FORKS {
        spec.hardfork = hardfork;
        let ours = ChainRules::of(&spec);
        assert_eq!(
            ours,
            ChainRules {
                transaction_gas_max: Some(TRANSACTION_GAS_MAX),
                has_ed25519: true,
                ..ChainRules::ethereum(spec.chain_id, hardfork)
            }
        );
    }
}

#[test]
fn only_a_chain_of_ours_caps_gas_before_osaka() {
    let mut stage = Stage::new();
    let above = transaction(TxKind::Call(CONTRACT), TRANSACTION_GAS_MAX + 1, Bytes::new());
    for hardfork in FORKS {
        let ethereum = ChainRules::ethereum(CHAIN_ID, hardfork);
        let ours = ChainRules {
            transaction_gas_max: Some(TRANSACTION_GAS_MAX),
            ..ethereum
        };
        let mut is_capped = |rules| {
            let (outcome, after) = stage.play(rules, &ScenarioState::new(), &above);
            match outcome.receipt {
                Ok(_) => false,
                Err(TransactionFault::Refused(refusal)) => {
                    assert_eq!(refusal.rule(), BrokenRule::GasCap);
                    assert_eq!((outcome.state_root, after.len()), (EMPTY_ROOT, 0));
                    true
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert!(is_capped(ours));
        assert_eq!(is_capped(ethereum), hardfork == Hardfork::Osaka);
    }
}

#[test]
fn only_a_chain_of_ours_has_the_ed25519_precompile() {
    // Calls the precompile with nothing, and puts RETURNDATASIZE into slot 0.
    let code = [
        bytes!("5f5f5f5f73").as_ref(),
        ED25519_PRECOMPILE.as_slice(),
        &bytes!("5afa503d5f5500"),
    ]
    .concat();
    let state = ScenarioState::from([(CONTRACT, contract(code.into()))]);
    let call = transaction(TxKind::Call(CONTRACT), 100_000, Bytes::new());
    let ethereum = ChainRules::ethereum(CHAIN_ID, Hardfork::Osaka);
    let ours = ChainRules {
        has_ed25519: true,
        ..ethereum
    };
    let mut stage = Stage::new();
    assert!(stage.play(ethereum, &state, &call).1[&CONTRACT].slots.is_empty());
    assert_eq!(stage.play(ours, &state, &call).1[&CONTRACT].slots, slots(32));
}

#[test]
fn a_state_replaces_the_one_before_it_whole() {
    let mut stage = Stage::new();
    let rich = ScenarioState::from([
        (CONTRACT, contract(bytes!("00"))),
        (Address::repeat_byte(5), storage_only()),
    ]);
    let first = stage.scenario.set_state(&rich).unwrap();
    let other = ScenarioState::from([(Address::repeat_byte(5), contract(Bytes::new()))]);
    let second = stage.scenario.set_state(&other).unwrap();
    assert_ne!(first, second);
    assert_eq!(stage.scenario.state().unwrap(), other);
    assert_eq!(stage.scenario.set_state(&rich).unwrap(), first);
    assert_eq!(stage.scenario.set_state(&ScenarioState::new()).unwrap(), EMPTY_ROOT);
    let empty = stage.scenario.verify().unwrap();
    assert_eq!((empty.accounts, empty.slots, empty.nodes), (0, 0, 0));
}

#[test]
fn the_past_is_compared_with_what_it_must_have_been() {
    let mut stage = Stage::new();
    let place = Address::repeat_byte(5);
    let state = |balance: u64, value| {
        let account = ScenarioAccount {
            balance: U256::from(balance),
            slots: slots(value),
            ..contract(bytes!("00"))
        };
        ScenarioState::from([(place, account)])
    };
    let root = stage.scenario.set_state(&state(1, 2)).unwrap();
    stage.scenario.set_state(&ScenarioState::new()).unwrap();
    stage.scenario.set_state(&state(1, 2)).unwrap();
    let empty = stage.scenario.verify_past(&ScenarioState::new(), EMPTY_ROOT);
    empty.unwrap();
    stage.scenario.set_state(&state(3, 4)).unwrap();
    stage.scenario.verify_past(&state(1, 2), root).unwrap();
    for (wrong, root, words) in [
        (state(9, 2), root, "in the past, and was"),
        (state(1, 9), root, "slot"),
        (ScenarioState::new(), root, "in the past, and was None"),
        (state(1, 2), EMPTY_ROOT, "the proof of"),
    ] {
        let said = stage.scenario.verify_past(&wrong, root).unwrap_err().to_string();
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    }
}

#[test]
fn a_trie_of_any_values_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut trie = TrieScenario::open(folder.path()).unwrap();
    let change = |key: u8, value: Option<&str>| (B256::repeat_byte(key), value.map(|value| value.as_bytes().to_vec()));
    let first = trie.change(vec![change(0x12, Some("one"))]).unwrap();
    let records = trie.verify().unwrap();
    let long = "a value that makes its leaf longer than a hash of it would be";
    // More than a subtree without records holds.
    let keys = 0x20..0x40;
    trie.change(keys.clone().map(|key| change(key, Some(long))).collect())
        .unwrap();
    assert!(trie.verify().unwrap() > records);
    let removals = keys.map(|key| change(key, None)).chain([change(0x44, None)]);
    let back = trie.change(removals.collect()).unwrap();
    assert_eq!((back, trie.verify().unwrap()), (first, records));
    assert_eq!(trie.change(vec![change(0x12, None)]).unwrap(), EMPTY_ROOT);
    assert_eq!(trie.verify().unwrap(), 0);
}

#[test]
fn the_least_gas_by_the_pools_count_is_the_least_by_the_evms() {
    let mut stage = Stage::new();
    for hardfork in FORKS {
        for input in [Bytes::new(), Bytes::from(vec![0; 500]), Bytes::from(vec![7; 500])] {
            for to in [TxKind::Create, TxKind::Call(CONTRACT)] {
                let none = transaction(to, 0, input.clone());
                let Err(TransactionFlaw::IntrinsicGas { needed, .. }) = check_transaction(&none, hardfork, CHAIN_ID)
                else {
                    panic!("no gas is too little");
                };
                assert!(needed >= intrinsic_gas(&none));
                let rules = ChainRules::ethereum(CHAIN_ID, hardfork);
                for (gas_limit, is_taken) in [(needed, true), (needed - 1, false)] {
                    let transaction = transaction(to, gas_limit, input.clone());
                    let (outcome, _) = stage.play(rules, &ScenarioState::new(), &transaction);
                    assert_eq!(outcome.receipt.is_ok(), is_taken, "{hardfork:?} {to:?} {gas_limit}");
                }
            }
        }
    }
}
