//! Stories of the planner, told step by step.

use ledger_checkpoint::statement::Bundle;
use ledger_network::CheckpointSignature;
use ledger_node::checkpoints::{
    collecting::Open,
    planner::{Complete, EARLY_MAX, OPEN_MAX, Word, Worth},
    record::{Refusal, Signed},
    wire::signature_to_wire,
};

use crate::{
    chain::{Chain, GENESIS, anchor, config, key, set, sign},
    machine::{Broken, Disk, Machine},
};

/// Four validators, a checkpoint every ten blocks.
fn chain() -> Chain {
    let mut chain = Chain::new(set(1, &[0, 1, 2, 3]), config(10, &anchor(1)));
    chain.extend(40);
    chain
}

fn machine(own: Option<u8>) -> Machine {
    Machine::start(own, Broken::Nothing, Disk::default(), 0)
}

/// The signature of validator `k` under the open checkpoint at `index` of `machine`.
fn signature(machine: &Machine, index: u64, k: u8) -> CheckpointSignature {
    let open = machine
        .planner
        .open()
        .find(|open| open.checkpoint.index == index)
        .unwrap();
    let signed = Signed {
        epoch: open.checkpoint.epoch,
        index,
        fingerprint: open.fingerprint,
    };
    let anchor = machine.planner.anchor().unwrap();
    signature_to_wire(&anchor, &signed, sign(k, &open.fingerprint))
}

/// Has `machine` hear these validators about every open checkpoint.
fn hear_all(machine: &mut Machine, validators: &[u8]) {
    let open: Vec<u64> = machine.planner.open().map(|open| open.checkpoint.index).collect();
    for index in open {
        for k in validators {
            if machine.planner.open().any(|open| open.checkpoint.index == index) {
                let message = signature(machine, index, *k);
                machine.hear(&message).unwrap();
            }
        }
    }
}

fn kept(machine: &Machine) -> &[Complete] {
    &machine.disk.bundles
}

#[test]
fn first_checkpoint_follows_genesis_and_the_next_one_follows_it() {
    let chain = chain();
    let mut one = machine(Some(0));
    one.advance(&chain, 25).unwrap();
    let open: Vec<&Open> = one.planner.open().collect();
    assert_eq!(open.len(), 2);
    let [first, second] = [&open[0].checkpoint, &open[1].checkpoint];
    assert_eq!((first.index, first.height, first.parent), (1, 10, GENESIS));
    assert_eq!(
        (second.index, second.height, second.parent),
        (2, 20, open[0].fingerprint)
    );
    assert_eq!(
        (first.epoch, first.setId, first.nextSetHash),
        (0, 1, chain.after(0).set.hash())
    );
    assert_eq!(first.blockHash, chain.hash(10));
    assert_eq!(first.historyRoot, chain.block(10, Some(0)).history_root.unwrap());
    assert_eq!(second.historyRoot, chain.block(20, Some(10)).history_root.unwrap());
    // Its own signature is there, and told.
    assert_eq!((open[0].signed(), one.told.len()), (1, 2));
}

#[test]
fn a_quorum_makes_a_bundle_that_the_relayers_check_accepts() {
    let chain = chain();
    let mut one = machine(Some(2));
    one.advance(&chain, 10).unwrap();
    let second = signature(&one, 1, 0);
    assert_eq!(one.hear(&second), Ok(Worth::Good));
    assert_eq!(one.hear(&second), Ok(Worth::Nothing), "the same again");
    assert!(kept(&one).is_empty(), "two of four are no quorum");
    let third = signature(&one, 1, 3);
    assert_eq!(one.hear(&third), Ok(Worth::Good));
    let bundle = &kept(&one)[0].bundle;
    bundle.check(&anchor(1)).unwrap();
    assert_eq!(bundle.bitmap.to::<u64>(), 0b1101);
    assert_eq!(one.planner.open().count(), 0);
}

#[test]
fn bundles_are_kept_in_order() {
    let mut one = machine(Some(0));
    one.advance(&chain(), 20).unwrap();
    for k in [1, 2] {
        let message = signature(&one, 2, k);
        one.hear(&message).unwrap();
    }
    assert!(kept(&one).is_empty(), "the first one waits");
    hear_all(&mut one, &[1, 2]);
    let indices: Vec<_> = kept(&one).iter().map(|kept| kept.bundle.checkpoint.index).collect();
    assert_eq!(indices, [1, 2]);
    let [first, second] = [&kept(&one)[0].bundle, &kept(&one)[1].bundle];
    second.check_after(&anchor(1), &first.checkpoint).unwrap();
}

#[test]
fn the_old_set_hands_over_and_the_new_one_goes_on() {
    let mut chain = Chain::new(set(1, &[0, 1, 2, 3]), config(10, &anchor(1)));
    chain.extend(14);
    chain.change(|after| after.set = set(2, &[1, 2, 3, 4]));
    chain.extend(20);
    let mut gone = machine(Some(0));
    let mut come = machine(Some(4));
    for one in [&mut gone, &mut come] {
        one.advance(&chain, 30).unwrap();
        hear_all(one, &[1, 2, 3]);
    }
    for one in [&gone, &come] {
        let bundles: Vec<&Bundle> = kept(one).iter().map(|kept| &kept.bundle).collect();
        assert_eq!(bundles.len(), 3);
        for pair in bundles.windows(2) {
            pair[1].check(&anchor(1)).unwrap();
            pair[1].check_after(&anchor(1), &pair[0].checkpoint).unwrap();
        }
        // The set changed before block 20, whose checkpoint the old one signs and names the new one.
        let ids: Vec<_> = bundles.iter().map(|bundle| bundle.checkpoint.setId).collect();
        assert_eq!(ids, [1, 1, 2]);
    }
    let indices = |one: &Machine| one.signed.iter().map(|(_, signed)| signed.index).collect::<Vec<_>>();
    assert_eq!((indices(&gone), indices(&come)), (vec![1, 2], vec![3]));
}

#[test]
fn another_interval_holds_from_the_block_that_brings_it() {
    let mut chain = Chain::new(set(1, &[0]), config(10, &anchor(1)));
    chain.extend(13);
    chain.change(|after| after.config.interval_blocks = 4);
    chain.extend(10);
    let mut one = machine(Some(0));
    one.advance(&chain, 24).unwrap();
    let heights: Vec<_> = kept(&one).iter().map(|kept| kept.bundle.checkpoint.height).collect();
    assert_eq!(heights, [10, 16, 20, 24]);
}

#[test]
fn without_a_contract_nothing_is_signed_and_the_first_one_for_it_follows_genesis() {
    let mut chain = Chain::new(set(1, &[0]), config(5, &anchor(0)));
    chain.extend(12);
    let mut one = machine(Some(0));
    one.advance(&chain, 12).unwrap();
    assert_eq!((one.planner.anchor(), one.signed.len()), (None, 0));
    chain.change(|after| after.config.contract = anchor(7).contract);
    chain.extend(4);
    one.advance(&chain, 17).unwrap();
    let first = &kept(&one)[0].bundle;
    assert_eq!((first.checkpoint.index, first.checkpoint.height), (1, 15));
    assert_eq!(first.checkpoint.parent, GENESIS);
    assert_eq!(
        first.checkpoint.historyRoot,
        chain.block(15, Some(0)).history_root.unwrap()
    );
    first.check(&anchor(7)).unwrap();
}

#[test]
fn another_contract_begins_another_sequence() {
    let mut chain = Chain::new(set(1, &[0]), config(5, &anchor(1)));
    chain.extend(12);
    chain.change(|after| after.config.contract = anchor(2).contract);
    chain.extend(10);
    let mut one = machine(Some(0));
    one.advance(&chain, 20).unwrap();
    let all: Vec<_> = kept(&one)
        .iter()
        .map(|kept| {
            (
                kept.anchor == anchor(2),
                kept.bundle.checkpoint.index,
                kept.bundle.checkpoint.height,
            )
        })
        .collect();
    assert_eq!(all, [(false, 1, 5), (false, 2, 10), (true, 1, 15), (true, 2, 20)]);
    for complete in kept(&one) {
        complete.bundle.check(&complete.anchor).unwrap();
    }
}

#[test]
fn recoveries_count_as_the_contract_takes_them_one_by_one() {
    let mut chain = Chain::new(set(1, &[0]), config(5, &anchor(1)));
    chain.extend(6);
    chain.change(|after| after.recoveries = 2);
    chain.extend(20);
    let mut one = machine(Some(0));
    one.advance(&chain, 25).unwrap();
    let epochs: Vec<_> = kept(&one).iter().map(|kept| kept.bundle.checkpoint.epoch).collect();
    assert_eq!(epochs, [0, 1, 2, 2, 2]);
}

#[test]
fn what_is_said_before_its_time_is_kept_and_counts_then() {
    let chain = chain();
    let mut fast = machine(Some(1));
    fast.advance(&chain, 10).unwrap();
    let told = fast.told.pop().unwrap();
    let mut slow = machine(Some(0));
    // Before the first block was looked at there is no sequence to keep it for: it is asked for later.
    assert_eq!(slow.hear(&told), Ok(Worth::Nothing));
    slow.advance(&chain, 10).unwrap();
    fast.advance(&chain, 20).unwrap();
    let told = fast.told.pop().unwrap();
    assert_eq!(slow.hear(&told), Ok(Worth::Nothing));
    slow.advance(&chain, 20).unwrap();
    assert_eq!(slow.planner.open().last().unwrap().signed(), 2);
    // Any number of them takes a bounded place.
    for index in 0..2 * EARLY_MAX as u64 {
        assert_eq!(
            slow.hear(&CheckpointSignature {
                index: 3 + index,
                ..told
            }),
            Ok(Worth::Nothing)
        );
    }
}

#[test]
fn signatures_of_nobody_are_held_against_whoever_passed_them_on() {
    let chain = chain();
    let mut one = machine(Some(0));
    one.advance(&chain, 10).unwrap();
    let good = signature(&one, 1, 1);
    let stranger = signature(&one, 1, 9);
    assert_eq!(one.hear(&stranger), Ok(Worth::Wrong));
    let mut torn = good;
    torn.signature[40] ^= 1;
    assert_eq!(one.hear(&torn), Ok(Worth::Wrong));
    let mut high = good;
    high.signature[64] = 0;
    assert_eq!(one.hear(&high), Ok(Worth::Wrong), "the contract takes 27 and 28 only");
    // For another contract it says nothing here.
    let other = CheckpointSignature {
        anchor: ledger_node::checkpoints::wire::anchor_to_wire(&anchor(2)),
        ..stranger
    };
    assert_eq!(one.hear(&other), Ok(Worth::Nothing));
    let mut bundle = one.planner.open().next().unwrap().bundle();
    bundle.signatures = [&bundle.signatures[..], &stranger.signature].concat().into();
    assert_eq!(one.take(&[bundle]), Ok(Worth::Wrong));
    assert_eq!(one.planner.open().next().unwrap().signed(), 1);
}

#[test]
fn a_validator_that_signs_something_else_is_named_once() {
    let chain = chain();
    let mut one = machine(Some(0));
    one.advance(&chain, 10).unwrap();
    let mut liar = machine(Some(3));
    liar.advance(&chain.altered(4), 10).unwrap();
    let told = liar.told.pop().unwrap();
    for _ in 0..3 {
        assert_eq!(one.hear(&told), Ok(Worth::Nothing));
    }
    let [
        Word::Conflict {
            index: 1,
            signer,
            theirs,
            ours,
        },
    ] = one.words.as_slice()
    else {
        panic!("{:?}", one.words);
    };
    assert_eq!(*signer, key(3));
    assert_eq!(
        (*theirs, *ours),
        (told.fingerprint, one.planner.open().next().unwrap().fingerprint)
    );
    assert_eq!(one.planner.open().next().unwrap().signed(), 1);
}

#[test]
fn what_the_record_forbids_is_not_signed_and_a_word_says_so() {
    let chain = chain();
    let mut one = machine(Some(0));
    one.advance(&chain, 10).unwrap();
    let mut again = Machine::start(Some(0), Broken::Nothing, one.disk, 10);
    again.advance(&chain.altered(4), 10).unwrap();
    assert!(again.signed.is_empty());
    assert!(
        matches!(
            again.words.as_slice(),
            [Word::Refused {
                index: 1,
                refusal: Refusal::Other { .. }
            }]
        ),
        "{:?}",
        again.words
    );
    // The same again is no second statement.
    let mut same = Machine::start(Some(0), Broken::Nothing, again.disk, 10);
    same.advance(&chain, 10).unwrap();
    assert_eq!(same.signed.len(), 1);
}

#[test]
fn a_key_whose_record_is_lost_signs_nothing_of_before() {
    let chain = chain();
    let mut one = Machine::start(Some(0), Broken::Nothing, Disk::default(), 20);
    one.advance(&chain, 30).unwrap();
    let indices: Vec<_> = one.signed.iter().map(|(_, signed)| signed.index).collect();
    assert_eq!(indices, [3], "blocks 10 and 20 were there when the record began");
}

#[test]
fn while_too_many_wait_nothing_more_is_taken_in() {
    let mut chain = Chain::new(set(1, &[0, 1, 2, 3]), config(1, &anchor(1)));
    chain.extend(OPEN_MAX as u64 + 9);
    let mut one = machine(Some(0));
    one.advance(&chain, chain.height()).unwrap();
    assert!(one.planner.is_full());
    assert_eq!((one.at, one.planner.open().count()), (OPEN_MAX as u64, OPEN_MAX));
    for k in [1, 2] {
        let message = signature(&one, 1, k);
        one.hear(&message).unwrap();
    }
    assert!(!one.planner.is_full());
    one.advance(&chain, chain.height()).unwrap();
    assert_eq!(one.at, OPEN_MAX as u64 + 1);
}

#[test]
fn whoever_begins_with_a_state_goes_on_from_a_checkpoint_that_its_own_set_has_signed() {
    let mut chain = Chain::new(set(1, &[0, 1, 2, 3]), config(10, &anchor(1)));
    chain.extend(11);
    chain.change(|after| after.set = set(2, &[1, 2, 3, 4]));
    chain.extend(30);
    let mut old = machine(Some(1));
    old.advance(&chain, 40).unwrap();
    hear_all(&mut old, &[2, 3]);
    assert_eq!(kept(&old).len(), 4);

    let from = Disk {
        from: 15,
        ..Disk::default()
    };
    let mut new = Machine::start(Some(4), Broken::Nothing, from, 15);
    new.advance(&chain, 35).unwrap();
    assert_eq!((new.planner.missing(), new.signed.len()), (Some(0), 0));
    // Forged by validators of nobody's.
    let forged: Vec<Bundle> = old.answer(&anchor(1), 0);
    let forged: Vec<Bundle> = forged
        .into_iter()
        .map(|bundle| Bundle {
            keys: [5, 6, 7, 8].map(key).to_vec(),
            ..bundle
        })
        .collect();
    new.take(&forged).unwrap();
    assert!(kept(&new).is_empty());
    // The checkpoint of block 20 is signed by a set which a node cannot know that begins at 15; that of block 30 is not.
    let told = old.answer(&anchor(1), 0);
    assert_eq!(new.take(&told), Ok(Worth::Good));
    assert_eq!(kept(&new)[0].bundle.checkpoint.index, 3);
    new.advance(&chain, 40).unwrap();
    assert_eq!(
        new.signed.iter().map(|(_, signed)| signed.index).collect::<Vec<_>>(),
        [4]
    );
    assert_eq!(
        new.planner.open().next().unwrap().fingerprint,
        anchor(1).fingerprint(&kept(&old)[3].bundle.checkpoint)
    );
}
