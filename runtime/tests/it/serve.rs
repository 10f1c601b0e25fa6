//! What a node gives to those that follow the chain.

use ledger_chainspec::{Block, BlockNumber, digest_of};
use ledger_runtime::{CertifiedBlocks, IncomingBlock, ReadError};

use crate::world::{Person, World};

/// What the bound counts for each block beside its header and transactions.
const BASE: usize = 12;
const PLENTY: usize = usize::MAX;

/// A chain of `blocks` blocks of two transfers each.
fn chain(blocks: u64) -> World {
    let world = World::dev();
    let (one, two) = (Person::number(0), Person::number(1));
    for nonce in 0..blocks {
        world.block(vec![one.pay(nonce, two.address(), 1), two.pay(nonce, one.address(), 1)]);
    }
    world
}

fn serve(world: &World, from: u64, count: u32, bytes_max: usize) -> CertifiedBlocks {
    world
        .runtime
        .certified_blocks(BlockNumber::new(from), count, bytes_max)
        .unwrap()
}

fn numbers(served: &CertifiedBlocks) -> Vec<u64> {
    served.blocks.iter().map(|block| block.header.number).collect()
}

#[test]
fn blocks_come_with_all_that_another_node_needs_to_import_them() {
    let (one, other) = (chain(7), World::dev());
    while other.head().number() < one.head().number() {
        let CertifiedBlocks { blocks, certificate } = serve(&one, other.head().number().get() + 1, 3, PLENTY);
        let certificates: Vec<_> = blocks[1..]
            .iter()
            .map(|block| digest_of(&block.header).unwrap().parent_certificate)
            .chain([certificate])
            .collect();
        for (block, certificate) in blocks.into_iter().zip(certificates) {
            let executed = other.runtime.import(IncomingBlock::announce(block)).unwrap();
            let certificate = certificate.unwrap();
            certificate
                .verify(other.runtime.genesis_hash(), &other.head().set)
                .unwrap();
            other.runtime.commit(executed, certificate).unwrap();
        }
    }
    assert_eq!(other.head(), one.head());
}

#[test]
fn count_bytes_and_head_bound_what_is_given_and_one_block_always_is() {
    let world = chain(5);
    assert_eq!(numbers(&serve(&world, 2, 2, PLENTY)), [2, 3]);
    assert_eq!(numbers(&serve(&world, 4, 100, PLENTY)), [4, 5]);
    assert_eq!(numbers(&serve(&world, 5, 0, 0)), [5]);
    assert_eq!(numbers(&serve(&world, 1, 100, 0)), [1]);
    let length = |blocks: &[Block]| blocks.iter().map(|block| block.to_rlp().len()).sum::<usize>();
    let all = serve(&world, 1, 100, PLENTY);
    assert_eq!(numbers(&all), [1, 2, 3, 4, 5]);
    for count in 1..=4 {
        let exact = length(&all.blocks[..count]) + BASE * count;
        let served = serve(&world, 1, 100, exact);
        assert_eq!(numbers(&served).len(), count, "{exact} bytes");
        assert_eq!(numbers(&serve(&world, 1, 100, exact - 100)).len(), (count - 1).max(1));
        assert!(length(&served.blocks) <= exact);
    }
    let genesis = serve(&world, 0, 1, PLENTY);
    assert_eq!((numbers(&genesis), genesis.certificate), (vec![0], None));
    let error = world
        .runtime
        .certified_blocks(BlockNumber::new(6), 1, PLENTY)
        .unwrap_err();
    assert!(matches!(error, ReadError::NoBlock(_)), "{error}");
    assert_eq!(world.runtime.oldest_block().get(), 0);
}
