//! The sign limit: what an authority may promise in a slot, and whose promises come first (R13).

use alloy_primitives::{Address, B256};
use ledger_chainspec::{BlockNumber, ConsensusKey, Endorsement, Signature64, Slot};
use ledger_consensus::limits::{
    Candidate, ENDORSED_SLOTS_KEPT, Endorsed, EndorsementBook, EndorsementRefusal, LimitExceeded, SlotLimits,
};

const LIMITS: SlotLimits = SlotLimits {
    transactions: 3,
    transactions_per_sender: 2,
    gas: 1_000,
};

fn candidate(sender: u8, transaction: u8) -> Candidate {
    Candidate {
        transaction: hash(transaction),
        sender: Address::repeat_byte(sender),
        gas: 100,
    }
}

fn hash(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

/// An endorsement whose signature somebody else has checked.
fn endorsement(slot: u64, transactions: &[u8]) -> Endorsement {
    Endorsement {
        slot: Slot::new(slot),
        transactions: transactions.iter().copied().map(hash).collect(),
        authority: ConsensusKey::new([1; 32]),
        signature: Signature64::new([2; 64]),
    }
}

fn first(endorsed: &Endorsed) -> Vec<B256> {
    endorsed.first().copied().collect()
}

#[test]
fn an_authority_promises_no_more_than_a_block_holds() {
    let mut book = EndorsementBook::new(LIMITS);
    let slot = Slot::new(10);
    assert_eq!(book.admit(slot, &candidate(1, 1)), Ok(()));
    assert_eq!(book.admit(slot, &candidate(1, 2)), Ok(()));
    assert_eq!(book.admit(slot, &candidate(1, 1)), Ok(()), "the same again");
    let limit = LimitExceeded::Sender {
        sender: Address::repeat_byte(1),
        limit: 2,
    };
    assert_eq!(book.admit(slot, &candidate(1, 3)), Err(limit.into()));
    let thirsty = Candidate {
        gas: 801,
        ..candidate(2, 4)
    };
    let limit = LimitExceeded::Gas { gas: 801, limit: 1_000 };
    assert_eq!(book.admit(slot, &thirsty), Err(limit.into()));
    assert_eq!(book.admit(slot, &Candidate { gas: 800, ..thirsty }), Ok(()));
    let limit = LimitExceeded::Transactions { limit: 3 };
    assert_eq!(book.admit(slot, &candidate(3, 5)), Err(limit.into()));
}

#[test]
fn a_new_slot_starts_anew_and_an_old_one_is_over() {
    let mut book = EndorsementBook::new(LIMITS);
    for byte in [1, 2] {
        book.admit(Slot::new(10), &candidate(1, byte)).unwrap();
    }
    book.admit(Slot::new(12), &candidate(1, 3)).unwrap();
    let over = EndorsementRefusal::SlotOver {
        slot: Slot::new(10),
        newest: Slot::new(12),
    };
    assert_eq!(book.admit(Slot::new(10), &candidate(1, 4)), Err(over));
}

#[test]
fn promises_come_first_in_their_order_until_a_block_keeps_them() {
    let mut endorsed = Endorsed::new(4);
    let head = BlockNumber::new(7);
    endorsed.take(&endorsement(11, &[3]), head);
    endorsed.take(&endorsement(10, &[1, 2]), head);
    endorsed.take(&endorsement(12, &[1]), head);
    assert_eq!(first(&endorsed), [hash(1), hash(2), hash(3)]);
    assert!(
        endorsed
            .follow(BlockNumber::new(8), Slot::new(12), &[hash(1), hash(9)], |_| true)
            .is_empty()
    );
    assert_eq!(first(&endorsed), [hash(2), hash(3)]);
}

#[test]
fn promises_of_a_chain_that_stands_still_are_forgotten_too_and_none_goes_beyond_its_slot() {
    let mut endorsed = Endorsed::new(2);
    let head = BlockNumber::new(7);
    assert!(endorsed.take(&endorsement(10, &[1, 2]), head));
    assert!(endorsed.take(&endorsement(10, &[2, 1]), head), "the same again");
    assert!(!endorsed.take(&endorsement(10, &[1, 3]), head));
    assert_eq!(first(&endorsed), [hash(1), hash(2)]);
    assert!(endorsed.take(&endorsement(10 + ENDORSED_SLOTS_KEPT, &[4]), head));
    assert_eq!(first(&endorsed), [hash(1), hash(2), hash(4)]);
    assert!(endorsed.take(&endorsement(11 + ENDORSED_SLOTS_KEPT, &[5]), head));
    assert_eq!(first(&endorsed), [hash(4), hash(5)]);
}

#[test]
fn a_block_that_keeps_a_promise_of_a_later_slot_before_an_older_one_breaks_that() {
    let mut endorsed = Endorsed::new(4);
    endorsed.take(&endorsement(10, &[1, 2]), BlockNumber::new(7));
    // One slot, and the order within it may be another elsewhere.
    assert!(
        endorsed
            .follow(BlockNumber::new(8), Slot::new(11), &[hash(2)], |_| true)
            .is_empty()
    );
    endorsed.take(&endorsement(11, &[3, 4]), BlockNumber::new(8));
    assert_eq!(
        endorsed.follow(BlockNumber::new(9), Slot::new(12), &[hash(3)], |_| true),
        [hash(1)]
    );
    // Whoever built this one may not have known of it.
    endorsed.take(&endorsement(12, &[5]), BlockNumber::new(9));
    endorsed.take(&endorsement(13, &[6]), BlockNumber::new(9));
    let told = endorsed.follow(BlockNumber::new(10), Slot::new(13), &[hash(6)], |_| true);
    assert_eq!(told, [hash(4)], "each is told once");
    // What waits no more was included before its promise came, or cannot be.
    endorsed.take(&endorsement(14, &[7]), BlockNumber::new(12));
    let is_waiting = |transaction: &B256| *transaction != hash(5);
    let told = endorsed.follow(BlockNumber::new(13), Slot::new(15), &[hash(7)], is_waiting);
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_slot_promises_within_its_bound_and_old_promises_are_forgotten() {
    let mut endorsed = Endorsed::new(2);
    endorsed.take(&endorsement(10, &[1, 2, 3]), BlockNumber::new(7));
    endorsed.take(&endorsement(10, &[4]), BlockNumber::new(7));
    assert_eq!(first(&endorsed), [hash(1), hash(2)]);
    endorsed.follow(BlockNumber::new(8), Slot::new(10 + ENDORSED_SLOTS_KEPT), &[], |_| true);
    assert_eq!(first(&endorsed).len(), 2);
    endorsed.follow(BlockNumber::new(9), Slot::new(11 + ENDORSED_SLOTS_KEPT), &[], |_| true);
    assert!(first(&endorsed).is_empty());
}
