//! The header rules: each broken rule is refused by its name, and blamed on the right one.

use std::{rc::Rc, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256};
use ledger_chainspec::{
    AuthorityDigest, Block, BlockNumber, FinalityCertificate, RecoveryOrder, RecoveryPoint, Slot, digest_of,
    with_digest,
};
use ledger_consensus::{Fault, FinalHead, HeaderError, Message, Rejection};

use super::kit::{Chain, GENESIS_SLOT, Node, at, authority_key};

/// Slot of the block under test: validator 3 of four, after a block of slot S - 1.
const S: u64 = GENESIS_SLOT + 3;

/// Block 1 of slot S - 1 and the head that it makes.
fn parent(chain: &Chain) -> (Arc<Block>, FinalHead) {
    let genesis = chain.genesis_head();
    let block = chain.sealed(&genesis, S - 1, 1);
    let certificate = chain.finality(&genesis, S - 1, block.hash(), &[0, 1, 2]);
    let head = chain.head_after(&block, certificate);
    (block, head)
}

/// What a node on that head says to a block that `change` was made to, sealed afterwards by the authority of its slot.
fn verdict(change: impl FnOnce(&mut Block, &FinalHead, &Chain)) -> Result<u64, Rejection> {
    verdict_on(&Chain::of(4), change)
}

fn verdict_on(chain: &Rc<Chain>, change: impl FnOnce(&mut Block, &FinalHead, &Chain)) -> Result<u64, Rejection> {
    let (first, head) = parent(chain);
    let mut node = Node::new(chain, 1);
    node.tick(at(S, 10));
    let certificate = head.certificate.clone().unwrap();
    node.input(ledger_consensus::Input::Certified {
        from: ledger_consensus::Origin(1),
        block: first,
        certificate,
    });
    let mut block = chain.build(&chain.request(&head, S), 1);
    change(&mut block, &head, chain);
    let slot = digest_of(&block.header).map_or(S, |digest| digest.slot.get());
    let sealed = match digest_of(&block.header) {
        Ok(_) => chain.seal(&head, block, &authority_key(&head, slot)),
        Err(_) => block,
    };
    node.propose(&Arc::new(sealed));
    node.rejections.pop().map_or(Ok(node.height()), Err)
}

fn change_digest(block: &mut Block, change: impl FnOnce(&mut AuthorityDigest)) {
    let mut digest = digest_of(&block.header).unwrap();
    change(&mut digest);
    block.header = with_digest(block.header.clone(), &digest);
}

fn header_error(change: impl FnOnce(&mut Block, &FinalHead, &Chain)) -> HeaderError {
    match verdict(change) {
        Err(Rejection::Header(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_honest_header_is_taken() {
    assert_eq!(verdict(|_, _, _| {}), Ok(1));
}

#[test]
fn fields_with_one_value_are_refused_by_name() {
    type Change = fn(&mut Block);
    let table: [(&str, Change); 6] = [
        ("difficulty", |block| block.header.difficulty = U256::from(1)),
        ("nonce", |block| block.header.nonce.0[7] = 1),
        ("ommersHash", |block| block.header.ommers_hash = B256::ZERO),
        ("baseFeePerGas", |block| block.header.base_fee_per_gas = Some(7)),
        ("baseFeePerGas", |block| block.header.base_fee_per_gas = None),
        ("gasLimit", |block| block.header.gas_limit += 1),
    ];
    for (name, change) in table {
        match header_error(|block, _, _| change(block)) {
            HeaderError::Constant { field, got, expected } => {
                assert_eq!(field, name);
                assert_ne!(got, expected);
            }
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn slot_timestamp_and_authority_must_agree() {
    let error = header_error(|block, _, _| block.header.beneficiary = Address::ZERO);
    assert!(matches!(error, HeaderError::WrongAuthority { slot, .. } if slot == Slot::new(S)));
    let error = header_error(|block, _, _| block.header.timestamp += 1);
    assert!(matches!(error, HeaderError::Timestamp { got, expected, .. } if got == expected + 1));
    // The digest says another slot than the coinbase and the timestamp do.
    let error = header_error(|block, _, _| change_digest(block, |digest| digest.slot = Slot::new(S + 1)));
    assert!(matches!(error, HeaderError::WrongAuthority { slot, .. } if slot == Slot::new(S + 1)));
}

#[test]
fn a_slot_not_after_the_parents_is_refused() {
    for slot in [S - 1, S - 2] {
        let error = header_error(|block, head, chain| *block = chain.build(&chain.request(head, slot), 1));
        assert_eq!(
            error,
            HeaderError::Slot {
                got: Slot::new(slot),
                after: Slot::new(S - 1)
            }
        );
    }
}

#[test]
fn a_slot_not_after_the_parents_certificate_is_refused() {
    let error = header_error(|block, head, chain| {
        let certificate = chain.finality(&chain.genesis_head(), S, head.header.hash, &[0, 1, 2]);
        change_digest(block, |digest| digest.parent_certificate = Some(certificate));
    });
    assert_eq!(
        error,
        HeaderError::Slot {
            got: Slot::new(S),
            after: Slot::new(S)
        }
    );
}

#[test]
fn the_authority_of_the_parent_is_refused() {
    let chain = Chain::of(4);
    let (_, head) = parent(&chain);
    let account = head.header.header.beneficiary;
    let mut node = Node::new(&chain, 1);
    let (first, _) = parent(&chain);
    let certificate = head.certificate.clone().unwrap();
    node.tick(at(S + 3, 10));
    node.input(ledger_consensus::Input::Certified {
        from: ledger_consensus::Origin(1),
        block: first,
        certificate,
    });
    node.hear(Message::Proposal(chain.proposal(&head, S + 3, 1)));
    assert_eq!(node.rejections.pop(), Some(HeaderError::TwiceInARow { account }.into()));
}

#[test]
fn the_parents_certificate_must_be_there_be_its_own_and_verify() {
    let with = |make: fn(&FinalHead, &Chain) -> Option<FinalityCertificate>| {
        header_error(|block, head, chain| {
            let certificate = make(head, chain);
            change_digest(block, |digest| digest.parent_certificate = certificate);
        })
    };
    assert!(matches!(
        with(|_, _| None),
        HeaderError::CertificatePresence { present: false, .. }
    ));
    let error = with(|head, chain| {
        let hash = chain.genesis.hash;
        assert_ne!(hash, head.header.hash);
        Some(chain.finality(&chain.genesis_head(), S - 1, hash, &[0, 1, 2]))
    });
    assert!(matches!(error, HeaderError::CertificateBlock { .. }));
    let error = with(|head, chain| Some(chain.finality(&chain.genesis_head(), S - 1, head.header.hash, &[0, 1])));
    assert!(matches!(error, HeaderError::Certificate(_)));
    // Other signers than the node saw are as good.
    let taken = verdict(|block, head, chain| {
        let other = chain.finality(&chain.genesis_head(), S - 1, head.header.hash, &[1, 2, 3]);
        change_digest(block, |digest| digest.parent_certificate = Some(other));
    });
    assert_eq!(taken, Ok(1));
}

#[test]
fn block_one_carries_no_certificate() {
    let chain = Chain::of(4);
    let genesis = chain.genesis_head();
    let mut block = chain.build(&chain.request(&genesis, S), 1);
    let stray = chain.finality(&genesis, S - 1, genesis.header.hash, &[0, 1, 2]);
    change_digest(&mut block, |digest| digest.parent_certificate = Some(stray));
    let block = chain.seal(&genesis, block, &authority_key(&genesis, S));
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    node.propose(&Arc::new(block));
    assert!(matches!(
        node.rejections.pop(),
        Some(Rejection::Header(HeaderError::CertificatePresence {
            present: true,
            ..
        }))
    ));
}

#[test]
fn gas_above_the_limit_is_refused() {
    let error = header_error(|block, _, _| block.header.gas_used = block.header.gas_limit + 1);
    assert!(matches!(error, HeaderError::GasUsed { .. }));
}

#[test]
fn a_seal_of_another_validator_or_none_is_refused() {
    let chain = Chain::of(4);
    let genesis = chain.genesis_head();
    let unsealed = chain.build(&chain.request(&genesis, S), 1);
    let forged = chain.seal(&genesis, unsealed.clone(), &authority_key(&genesis, S + 1));
    for (block, error) in [
        (unsealed, HeaderError::NoSeal),
        (
            forged,
            HeaderError::Seal {
                slot: Slot::new(S),
                authority: genesis.set.authority(Slot::new(S)).consensus_key,
            },
        ),
    ] {
        let mut node = Node::new(&chain, 1);
        node.tick(at(S, 10));
        node.propose(&Arc::new(block));
        let rejection = node.rejections.pop().unwrap();
        assert_eq!((rejection.fault(), rejection), (Fault::Sender, error.into()));
        assert!(node.outgoing.is_empty());
    }
}

#[test]
fn garbage_in_the_digest_is_refused() {
    let error = header_error(|block, _, _| block.header.extra_data = Bytes::from_static(b"geth"));
    assert!(matches!(error, HeaderError::Digest(_)));
}

#[test]
fn a_block_on_another_parent_is_nobodys_fault() {
    let rejection = verdict(|block, _, _| block.header.parent_hash = B256::ZERO).unwrap_err();
    assert!(matches!(rejection, Rejection::Header(HeaderError::Parent { .. })));
    assert_eq!(rejection.fault(), Fault::Timing);
}

fn transaction() -> ledger_chainspec::Transaction {
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_primitives::Signature;
    ledger_chainspec::Transaction::Legacy(TxLegacy::default().into_signed(Signature::test_signature()))
}

#[test]
fn too_many_transactions_are_refused() {
    let error = header_error(|block, _, _| block.transactions = vec![transaction(); 101]);
    assert_eq!(error, HeaderError::Transactions { got: 101, limit: 100 });
}

const ORDER: RecoveryOrder = RecoveryOrder {
    epoch: 1,
    checkpoint: 3,
};

fn point(order: RecoveryOrder, height: u64) -> RecoveryPoint {
    RecoveryPoint {
        order,
        height: BlockNumber::new(height),
        state_root: B256::repeat_byte(5),
    }
}

#[test]
fn after_an_order_comes_the_recovery_block_and_nothing_else() {
    let chain = Chain::ordering(4, 1, ORDER);
    let refused = |recovery: Option<RecoveryPoint>| {
        let verdict = verdict_on(&chain, |block, _, _| {
            change_digest(block, |digest| digest.recovery = recovery)
        });
        match verdict {
            Err(Rejection::Header(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(verdict_on(&chain, |_, _, _| {}), Ok(1));
    let ordered = Some(ORDER);
    assert_eq!(refused(None), HeaderError::Recovery { got: None, ordered });
    for other in [
        RecoveryOrder { epoch: 2, ..ORDER },
        RecoveryOrder { checkpoint: 2, ..ORDER },
    ] {
        let got = Some(other);
        assert_eq!(refused(Some(point(other, 0))), HeaderError::Recovery { got, ordered });
    }
    // Its parent, block 1, ordered it: it can only go back to what was before.
    let (number, height) = (BlockNumber::new(2), BlockNumber::new(1));
    assert_eq!(
        refused(Some(point(ORDER, 1))),
        HeaderError::RecoveryHeight { number, height }
    );
}

#[test]
fn a_recovery_block_holds_no_transaction() {
    let chain = Chain::ordering(4, 1, ORDER);
    let verdict = verdict_on(&chain, |block, _, _| block.transactions = vec![transaction()]);
    assert_eq!(
        verdict,
        Err(Rejection::Header(HeaderError::RecoveryTransactions { got: 1 }))
    );
}

#[test]
fn a_recovery_that_nobody_ordered_is_refused() {
    let error = header_error(|block, _, _| change_digest(block, |digest| digest.recovery = Some(point(ORDER, 0))));
    let got = Some(ORDER);
    assert_eq!(error, HeaderError::Recovery { got, ordered: None });
}
