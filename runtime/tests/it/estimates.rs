//! Is an estimate enough, and hardly more than enough, whatever a call does? Contracts are put together from what makes gas
//! hard to foresee: refunds, calls in calls that keep a 64th each, stipends, memory, creations, and data with a floor price.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use alloy_rpc_types_eth::TransactionRequest;
use ledger_runtime::{BlockRef, CallError, CallOutcome, CallOverrides, TransactionFault};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::world::{Person, World, chain_id};

/// Slots that a contract finds set to 1.
const SET_SLOTS: u8 = 6;

/// Wei that a contract has to give away.
const COINS: u64 = 1_000;

/// What a contract does, once it is called deep enough.
#[derive(Clone, Debug)]
enum Step {
    /// SSTORE: sets, changes or clears.
    Store { slot: u8, value: u8 },
    /// Sends 1 wei with all gas.
    Pay { to: u8 },
    /// Sends 1 wei with no gas: the callee has the stipend.
    PayBare { to: u8 },
    /// Touches memory up there.
    Memory { at: u16 },
    /// Leaves 64 bytes of log.
    Log,
    /// Creates a contract of one byte.
    Create,
    /// Reads an account.
    Balance { of: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SET_SLOTS + 4, 0..3_u8).prop_map(|(slot, value)| Step::Store { slot, value }),
        2 => any::<u8>().prop_map(|to| Step::Pay { to }),
        2 => any::<u8>().prop_map(|to| Step::PayBare { to }),
        1 => (0..20_000_u16).prop_map(|at| Step::Memory { at }),
        1 => Just(Step::Log),
        1 => Just(Step::Create),
        1 => any::<u8>().prop_map(|of| Step::Balance { of }),
    ]
}

/// Bytes before the code in a contract's creation: one SSTORE for each set slot, and the copy.
const PROLOGUE: u8 = SET_SLOTS * 5 + 10;

/// The creation of a contract that calls itself as often as word 0 of its data says and then does `steps`. Whatever fails in
/// it makes it revert.
fn creation(steps: &[Step]) -> Vec<u8> {
    const BODY: usize = 29;
    let mut body = Vec::new();
    // Stands where the place of the failing end goes, once that is known.
    const FAIL: [u8; 5] = hex!("1561ffff57");
    for step in steps {
        match step {
            Step::Store { slot, value } => body.extend([0x60, *value, 0x60, *slot, 0x55]),
            Step::Pay { to } => {
                body.extend(hex!("5f5f5f5f600161aa"));
                body.extend([*to, 0x5a, 0xf1]);
                body.extend(FAIL);
            }
            Step::PayBare { to } => {
                body.extend(hex!("5f5f5f5f600161aa"));
                body.extend([*to, 0x5f, 0xf1]);
                body.extend(FAIL);
            }
            Step::Memory { at } => body.extend([&hex!("5f61")[..], &at.to_be_bytes(), &hex!("52")].concat()),
            Step::Log => body.extend(hex!("60405fa0")),
            Step::Create => {
                body.extend(hex!("6760015f5360015ff35f52600860185ff0"));
                body.extend(FAIL);
            }
            Step::Balance { of } => body.extend([0x61, 0xaa, *of, 0x31, 0x50]),
        }
    }
    let fail = u16::try_from(BODY + 1 + body.len() + 1).unwrap().to_be_bytes();
    let again = [
        &hex!("5f35801561")[..],
        &u16::try_from(BODY).unwrap().to_be_bytes(),
        &hex!("57600190035f525f5f60205f5f305af1"),
        &FAIL,
        &hex!("00"),
    ]
    .concat();
    assert_eq!(again.len(), BODY);
    let mut code = [&again[..], &hex!("5b"), &body, &hex!("005b5f5ffd")].concat();
    for place in 0..code.len() - FAIL.len() {
        if code[place..].starts_with(&FAIL) {
            code[place + 2..place + 4].copy_from_slice(&fail);
        }
    }
    let set: Vec<u8> = (0..SET_SLOTS).flat_map(|slot| [0x60, 1, 0x60, slot, 0x55]).collect();
    let length = u16::try_from(code.len()).unwrap().to_be_bytes();
    [
        &set[..],
        &hex!("61"),
        &length,
        &[0x80, 0x60, PROLOGUE, 0x5f, 0x39, 0x5f, 0xf3],
        &code,
    ]
    .concat()
}

fn works(world: &World, request: &TransactionRequest, gas_limit: u64) -> bool {
    let call = request.clone().gas_limit(gas_limit);
    match world.runtime.call(call, BlockRef::Head, CallOverrides::default()) {
        Ok(done) => matches!(done.outcome, CallOutcome::Returned(_)),
        Err(CallError::Fault(TransactionFault::Refused(refusal))) if refusal.is_too_little_gas() => false,
        Err(other) => panic!("{other}"),
    }
}

/// The least gas that is enough, up to `enough`.
fn least(world: &World, request: &TransactionRequest, enough: u64) -> u64 {
    let (mut fails, mut works_with) = (0, enough);
    while works_with - fails > 1 {
        let middle = fails + (works_with - fails) / 2;
        match works(world, request, middle) {
            true => works_with = middle,
            false => fails = middle,
        }
    }
    works_with
}

fn sent(nonce: u64, request: &TransactionRequest, gas_limit: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: chain_id(),
        nonce,
        gas_limit,
        to: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        input: request.input.input().cloned().unwrap_or_default(),
        ..TxEip1559::default()
    }
}

#[test]
fn an_estimate_succeeds_and_is_at_most_one_and_a_half_percent_above_the_least() {
    let world = World::dev();
    let person = Person::number(5);
    let nonce = || {
        let account = world.runtime.account(&person.address(), BlockRef::Head).unwrap();
        account.map_or(0, |account| account.nonce)
    };
    let check = |request: TransactionRequest| {
        let request = request.from(person.address());
        let estimate = world
            .runtime
            .estimate_gas(request.clone(), BlockRef::Head, CallOverrides::default())
            .unwrap();
        let least = least(&world, &request, estimate);
        assert!(
            estimate * 1_000 <= least * 1_015,
            "{estimate} is estimated, {least} is enough"
        );
        let transaction = person.sign(sent(nonce(), &request, estimate));
        let receipt = world.block(vec![transaction]).remove(0);
        assert!(
            receipt.receipt.success,
            "a transaction with the estimated {estimate} gas fails"
        );
        receipt.contract
    };
    let cases = (
        vec(step(), 0..6),
        0..24_u64,
        vec(prop_oneof![Just(0), Just(7_u8)], 0..2_000),
    );
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let ran = runner.run(&cases, |(steps, depth, tail)| {
        let create = TransactionRequest {
            to: Some(TxKind::Create),
            value: Some(U256::from(COINS)),
            ..TransactionRequest::default()
        };
        let contract = check(create.input(Bytes::from(creation(&steps)).into())).unwrap();
        let input = [&U256::from(depth).to_be_bytes::<32>()[..], &tail].concat();
        check(
            TransactionRequest::default()
                .to(contract)
                .input(Bytes::from(input).into()),
        );
        check(
            TransactionRequest::default()
                .to(Address::repeat_byte(0x99))
                .value(U256::ONE),
        );
        Ok(())
    });
    ran.unwrap();
}
