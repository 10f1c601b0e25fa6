//! The sign limit: what a slot takes and what its authority may promise (R13).

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use ledger_chainspec::Slot;
use ledger_consensus::limits::{EndorsementBook, EndorsementRefusal, LimitExceeded, SlotLimits};

const LIMITS: SlotLimits = SlotLimits {
    transactions: 3,
    transactions_per_sender: 2,
};

fn sender(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

fn transaction(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

#[test]
fn a_block_is_checked_by_its_senders() {
    let of_sender = |byte| LimitExceeded::Sender {
        sender: sender(byte),
        limit: 2,
    };
    for (senders, expected) in [
        (&[][..], Ok(())),
        (&[1, 1, 2], Ok(())),
        (&[1, 1, 1], Err(of_sender(1))),
        (&[1, 2, 3, 4], Err(LimitExceeded::Transactions { limit: 3 })),
    ] {
        assert_eq!(
            LIMITS.check(senders.iter().map(|byte| sender(*byte))),
            expected,
            "{senders:?}"
        );
    }
}

#[test]
fn an_authority_promises_no_more_than_its_block_holds() {
    let mut book = EndorsementBook::new(LIMITS);
    let slot = Slot::new(10);
    assert_eq!(book.admit(slot, sender(1), transaction(1)), Ok(()));
    assert_eq!(book.admit(slot, sender(1), transaction(2)), Ok(()));
    assert_eq!(book.admit(slot, sender(1), transaction(1)), Ok(()), "the same again");
    let limit = LimitExceeded::Sender {
        sender: sender(1),
        limit: 2,
    };
    assert_eq!(book.admit(slot, sender(1), transaction(3)), Err(limit.into()));
    assert_eq!(book.admit(slot, sender(2), transaction(4)), Ok(()));
    let limit = LimitExceeded::Transactions { limit: 3 };
    assert_eq!(book.admit(slot, sender(3), transaction(5)), Err(limit.into()));
    assert_eq!(book.promised(slot), [transaction(1), transaction(2), transaction(4)]);
}

#[test]
fn a_new_slot_starts_anew_and_an_old_one_is_over() {
    let mut book = EndorsementBook::new(LIMITS);
    book.admit(Slot::new(10), sender(1), transaction(1)).unwrap();
    book.admit(Slot::new(12), sender(1), transaction(2)).unwrap();
    assert_eq!(book.promised(Slot::new(12)), [transaction(2)]);
    assert!(book.promised(Slot::new(10)).is_empty());
    let over = EndorsementRefusal::SlotOver {
        slot: Slot::new(10),
        newest: Slot::new(12),
    };
    assert_eq!(book.admit(Slot::new(10), sender(1), transaction(3)), Err(over));
}

#[test]
fn a_broken_promise_is_visible() {
    let mut book = EndorsementBook::new(LIMITS);
    for byte in [1, 2] {
        book.admit(Slot::new(10), sender(byte), transaction(byte)).unwrap();
    }
    let included = BTreeSet::from([transaction(2), transaction(9)]);
    assert_eq!(book.broken(Slot::new(10), &included), [transaction(1)]);
    assert!(book.broken(Slot::new(11), &included).is_empty());
}
