//! The book of promises, on a real chain: whose promise counts, and what a wrong one is worth as a message.

use alloy_primitives::B256;
use ledger_chainspec::{ChainSpec, Endorsement, GenesisHash, Slot, dev_keys};
use ledger_network::Verdict;
use ledger_node::endorse::Endorsements;
use ledger_runtime::{Runtime, RuntimeOptions};

const SLOT: Slot = Slot::new(1_000);

/// A promise of the development validator `k` about transactions named by these numbers.
fn promise(genesis: GenesisHash, k: u32, transactions: impl IntoIterator<Item = u8>) -> Endorsement {
    let hashes = transactions.into_iter().map(B256::repeat_byte).collect();
    Endorsement::sign(genesis, SLOT, hashes, &dev_keys::validator_key(k))
}

#[test]
fn only_a_promise_that_the_authority_never_made_is_held_against_whoever_passed_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let spec = std::sync::Arc::new(ChainSpec::testnet());
    let runtime = Runtime::open(RuntimeOptions::new(folder.path(), spec)).unwrap();
    let (genesis, head) = (runtime.genesis_hash(), runtime.head());
    let authority = u32::try_from(SLOT.get() % 4).unwrap();
    let promises = Endorsements::new(genesis, 2);
    let take = |promise: &Endorsement, slot: u64| promises.take(promise.clone(), &head, Slot::new(slot));

    let good = promise(genesis, authority, [1, 2]);
    assert_eq!(take(&good, SLOT.get() + 2), Verdict::Ignore, "too late");
    assert_eq!(take(&good, SLOT.get()), Verdict::Accept);
    assert_eq!(promises.receipt(&B256::repeat_byte(1)).as_deref(), Some(&good));
    assert_eq!(take(&good, SLOT.get()), Verdict::Accept, "the same again");

    // More than a slot holds: nothing of it is kept, so that it crowds out no other receipt.
    let more = promise(genesis, authority, [3]);
    assert_eq!(take(&more, SLOT.get()), Verdict::Ignore);
    assert_eq!(promises.receipt(&B256::repeat_byte(3)), None);

    // Authorities of a set that this node does not know yet speak like this: it may be far behind, and has to ask its peers.
    for k in [authority + 1, 77] {
        assert_eq!(
            take(&promise(genesis, k, [4]), SLOT.get()),
            Verdict::Ignore,
            "validator {k}"
        );
    }

    let forged = Endorsement {
        transactions: vec![B256::repeat_byte(5)],
        ..good
    };
    assert!(matches!(take(&forged, SLOT.get()), Verdict::Reject(_)));
}
