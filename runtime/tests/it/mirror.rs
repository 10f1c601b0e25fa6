//! Do production and import agree on every block? And do two nodes that run the same blocks?

use alloy_primitives::{Address, Bytes, hex};
use ledger_chainspec::{ChainSpec, Slot};
use ledger_runtime::{BlockRef, Executed};
use proptest::prelude::*;

use crate::world::{Person, World, certify, seal};

/// Something that one of a few people does.
#[derive(Clone, Debug)]
enum Deed {
    Pay { to: u8, wei: u64 },
    Create { seed: u8 },
    Call { contract: u8, input: Vec<u8> },
    WrongNonce,
}

fn deed() -> impl Strategy<Value = (u32, Deed)> {
    let deeds = prop_oneof![
        4 => (any::<u8>(), 0..10_u64).prop_map(|(to, wei)| Deed::Pay { to, wei }),
        2 => any::<u8>().prop_map(|seed| Deed::Create { seed }),
        4 => (any::<u8>(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(contract, input)| Deed::Call { contract, input }),
        1 => Just(Deed::WrongNonce),
    ];
    (0..6_u32, deeds)
}

/// A contract that stores its first word of input under its second and logs both; with no input it destroys itself.
fn scribe(seed: u8) -> Bytes {
    // With input: SSTORE(word 1, word 0), LOG1 of word 0 under word 1. Without: SELFDESTRUCT to `seed`.
    let code = [
        &hex!("36600757")[..],
        &[0x60, seed, 0xff],
        &hex!("5b5f35602035555f355f5260203560205fa100"),
    ];
    code.concat().into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn import_makes_of_a_block_what_production_made(blocks in prop::collection::vec(prop::collection::vec(deed(), 0..12), 1..6)) {
        let maker = World::dev();
        let follower = World::dev();
        let mut contracts: Vec<Address> = Vec::new();
        for (step, deeds) in (1..).zip(blocks) {
            let mut nonces = [(); 6].map(|()| None);
            let mut candidates = Vec::new();
            for (index, deed) in deeds {
                let person = Person::number(index + 4);
                let place = usize::try_from(index).unwrap();
                let state = || maker.runtime.account(&person.address(), BlockRef::Head).unwrap();
                let nonce: u64 = *nonces[place].get_or_insert_with(|| state().map_or(0, |account| account.nonce));
                candidates.push(match deed {
                    Deed::Pay { to, wei } => person.pay(nonce, Address::repeat_byte(to), wei),
                    Deed::Create { seed } => {
                        let code = scribe(seed);
                        let init = [&hex!("61")[..], &u16::try_from(code.len()).unwrap().to_be_bytes(), &hex!("80600a5f395ff3"), &code].concat();
                        contracts.push(person.address().create(nonce));
                        person.create(nonce, init)
                    }
                    Deed::Call { contract, input } if !contracts.is_empty() => {
                        person.call(nonce, contracts[usize::from(contract) % contracts.len()], input)
                    }
                    Deed::Call { .. } => person.pay(nonce, Address::ZERO, 0),
                    Deed::WrongNonce => {
                        candidates.push(person.pay(nonce + 7, Address::ZERO, 1));
                        continue;
                    }
                });
                nonces[place] = Some(nonce + 1);
            }
            let slot = Slot::new(maker.head().slot.get() + step);
            let made = seal(&maker.runtime, maker.produce_in(slot, candidates).executed);
            let followed = follower.runtime.import(made.block()).unwrap();
            prop_assert_eq!(facts(&made), facts(&followed));
            let certificate = certify(&maker.runtime, &made);
            maker.runtime.commit(made, certificate.clone()).unwrap();
            follower.runtime.commit(followed, certificate).unwrap();
            prop_assert_eq!(maker.head(), follower.head());
        }
    }
}

fn facts(executed: &Executed) -> (&alloy_consensus::Header, Vec<ledger_runtime::store::StoredReceipt>) {
    (executed.header(), executed.receipts().to_vec())
}

#[test]
fn an_empty_block_is_a_block() {
    let world = World::dev();
    assert_eq!(world.block(vec![]), []);
    assert_eq!(world.head().number().get(), 1);
    let world = world.restarted();
    assert_eq!(world.head().number().get(), 1);
    world.block(vec![]);
}

#[test]
fn every_fork_of_a_specification_makes_blocks() {
    use ledger_chainspec::Hardfork;
    for hardfork in [Hardfork::Cancun, Hardfork::Prague, Hardfork::Osaka] {
        let world = World::of(ChainSpec {
            hardfork,
            ..ChainSpec::dev()
        });
        world.succeed(Person::number(5).pay(0, Address::repeat_byte(1), 1));
        let header = &world.head().header.header;
        assert_eq!(header.requests_hash.is_some(), hardfork != Hardfork::Cancun);
        assert_eq!(header.base_fee_per_gas, Some(0));
    }
}
