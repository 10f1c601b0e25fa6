//! Whatever peers send, the engine answers with words and goes on: damaged, foreign and absurd messages.

use std::sync::Arc;

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, BlockNumber, SetId, Signature64, Slot, StatementKind};
use ledger_consensus::{
    EARLY_PROPOSALS_MAX, Fault, Input, Message, Origin, Proposal, Rejection, Reproposal, ValidationOutcome,
    message::JUSTIFICATION_CERTIFICATES_MAX,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use proptest::prelude::*;

use super::kit::{Cast, Chain, GENESIS_SLOT, Node, at, precommit, prevote};

const S: u64 = GENESIS_SLOT + 2;

/// One valid message of each kind for the open height, in slot S.
fn messages(chain: &Chain) -> Vec<Message> {
    let head = chain.genesis_head();
    let block = chain.sealed(&head, S - 1, 1);
    let certificate = chain.prevotes(&head, S - 1, block.hash(), &[(0, None), (2, None), (3, None)]);
    vec![
        Message::Proposal(chain.proposal(&head, S, 1)),
        Message::Proposal(chain.reproposal(&head, &block, S, vec![certificate.clone()])),
        Message::Vote(chain.vote(&head, 3, prevote(S, block.hash()))),
        Message::Vote(chain.vote(&head, 3, precommit(S, block.hash()))),
        Message::Justification(vec![certificate]),
        Message::Finality(chain.finality(&head, S, block.hash(), &[0, 2, 3])),
    ]
}

fn node(chain: &std::rc::Rc<Chain>) -> Node {
    let mut node = Node::new(chain, 1);
    node.tick(at(S, 10));
    node
}

#[test]
fn messages_survive_the_wire() {
    for (index, message) in messages(&Chain::of(4)).into_iter().enumerate() {
        let bytes = message.encode();
        assert_eq!(
            bytes[0],
            [0, 0, 1, 1, 2, 3][index],
            "the variant's number is part of the format"
        );
        assert_eq!(Message::decode_all(&mut &bytes[..]), Ok(message));
        for length in 0..bytes.len() {
            assert!(Message::decode(&mut &bytes[..length]).is_err());
        }
    }
}

#[test]
fn forged_votes_are_the_senders_fault() {
    let chain = Chain::of(4);
    let head = chain.genesis_head();
    let good = chain.vote(&head, 3, prevote(S, BlockHash::new(B256::ZERO)));
    let forged = [
        ledger_chainspec::Vote {
            signature: Signature64::new([0; 64]),
            ..good.clone()
        },
        ledger_chainspec::Vote {
            hash: BlockHash::new(B256::repeat_byte(1)),
            ..good.clone()
        },
        ledger_chainspec::Vote {
            voter: chain.vote(&head, 2, prevote(S, good.hash)).voter,
            ..good.clone()
        },
        ledger_chainspec::Vote {
            voter: super::kit::validator(9).consensus_key,
            ..good.clone()
        },
        ledger_chainspec::Vote {
            kind: StatementKind::Seal,
            ..good.clone()
        },
        chain.vote(
            &head,
            3,
            Cast {
                valid: Some(S),
                ..prevote(S, good.hash)
            },
        ),
        chain.vote(
            &head,
            3,
            Cast {
                valid: Some(S - 1),
                ..precommit(S, good.hash)
            },
        ),
    ];
    for vote in forged {
        let mut node = node(&chain);
        node.hear(Message::Vote(vote.clone()));
        assert_eq!(
            node.rejections.pop().map(|rejection| rejection.fault()),
            Some(Fault::Sender),
            "{vote:?}"
        );
        assert!(node.engine.status().heard.iter().all(|(_, slot)| slot.is_none()));
    }
}

#[test]
fn votes_from_elsewhere_in_time_are_nobodys_fault() {
    let chain = Chain::of(4);
    let head = chain.genesis_head();
    let good = chain.vote(&head, 3, prevote(S, BlockHash::new(B256::ZERO)));
    let elsewhere = [
        ledger_chainspec::Vote {
            set_id: SetId::new(1),
            ..good.clone()
        },
        ledger_chainspec::Vote {
            slot: Slot::new(S + 2),
            ..good.clone()
        },
        ledger_chainspec::Vote {
            slot: Slot::new(u64::MAX),
            ..good.clone()
        },
        ledger_chainspec::Vote {
            slot: Slot::new(0),
            ..good.clone()
        },
    ];
    for vote in elsewhere {
        let mut node = node(&chain);
        node.hear(Message::Vote(vote.clone()));
        assert_eq!(
            node.rejections.pop().map(|rejection| rejection.fault()),
            Some(Fault::Timing),
            "{vote:?}"
        );
    }
}

#[test]
fn a_reproposal_needs_its_authority_and_a_certificate_of_its_block() {
    let chain = Chain::of(4);
    let head = chain.genesis_head();
    let block = chain.sealed(&head, S - 1, 1);
    let other = chain.sealed(&head, S - 1, 2);
    let voters = [(0, None), (2, None), (3, None)];
    let good = chain.prevotes(&head, S - 1, block.hash(), &voters);
    let again = |slot, certificates| chain.reproposal(&head, &block, slot, certificates);
    let thin = chain.prevotes(&head, S - 1, block.hash(), &voters[..2]);
    let future = chain.prevotes(&head, S, block.hash(), &voters);
    let too_old = chain.prevotes(&head, S - 2, block.hash(), &voters);
    let foreign = chain.prevotes(&head, S - 1, other.hash(), &voters);
    let mut forged = again(S, vec![good.clone()]);
    let signature = again(S + 1, vec![good.clone()]).again.unwrap().signature;
    forged.again = Some(Reproposal {
        signature,
        ..forged.again.unwrap()
    });
    let bad = [
        forged,
        again(S, vec![]),
        again(S, vec![thin]),
        again(S, vec![future]),
        again(S, vec![too_old]),
        again(S, vec![foreign]),
        again(S, vec![good.clone(); 2]),
        again(S, vec![good.clone(); JUSTIFICATION_CERTIFICATES_MAX + 1]),
    ];
    for (index, proposal) in bad.into_iter().enumerate() {
        let mut node = node(&chain);
        node.hear(Message::Proposal(proposal));
        assert_eq!(node.rejections.len(), 1, "proposal {index}");
        assert_eq!(
            node.rejections[0].fault(),
            Fault::Sender,
            "proposal {index}: {}",
            node.rejections[0]
        );
        assert!(node.signed.is_empty() && node.evidence.is_empty(), "proposal {index}");
    }
    let mut node = node(&chain);
    node.hear(Message::Proposal(again(S, vec![good])));
    assert!(node.rejections.is_empty());
    assert_eq!(node.signed.len(), 1);
}

#[test]
fn early_proposals_are_bounded() {
    let chain = Chain::of(4);
    let genesis = chain.genesis_head();
    let block = chain.sealed(&genesis, S - 1, 1);
    let mut node = node(&chain);
    node.outcome = ValidationOutcome::Valid;
    // The certificate arrives inside the children's headers, but the block itself is withheld.
    let certificate = chain.finality(&genesis, S - 1, block.hash(), &[0, 2, 3]);
    let head = chain.head_after(&block, certificate);
    let count = u64::try_from(EARLY_PROPOSALS_MAX).unwrap() + 4;
    for slot in S..S + count {
        node.now = at(slot, 10);
        if slot % 4 != (S - 1) % 4 {
            node.hear(Message::Proposal(chain.proposal(&head, slot, 1)));
        }
    }
    assert!(node.rejections.is_empty(), "{:?}", node.rejections);
    node.input(Input::Fetched { from: Origin(1), block });
    assert_eq!(node.height(), 1);
    // What was kept is looked at now: four proposals, of which one is of the current slot.
    assert_eq!(node.engine.status().height, BlockNumber::new(2));
}

#[test]
fn a_block_of_the_wrong_height_is_refused_whatever_the_message() {
    let chain = Chain::of(4);
    let head = chain.genesis_head();
    let mut block = chain.build(&chain.request(&head, S), 1);
    for number in [0, 3, u64::MAX] {
        block.header.number = number;
        let sealed = Arc::new(chain.seal(&head, block.clone(), &super::kit::authority_key(&head, S)));
        let mut node = node(&chain);
        node.propose(&sealed);
        let certificate = chain.finality(&head, S, sealed.hash(), &[0, 2, 3]);
        node.input(Input::Certified {
            from: Origin(1),
            block: sealed.clone(),
            certificate,
        });
        node.input(Input::Fetched {
            from: Origin(1),
            block: sealed,
        });
        assert_eq!((node.rejections.len(), node.height()), (3, 0), "number {number}");
    }
}

#[test]
fn a_follower_signs_nothing_and_follows() {
    let chain = Chain::of(4);
    let key = super::kit::key(7);
    let mut node = Node::start(
        &chain,
        key,
        super::kit::Disk::default(),
        ledger_consensus::GuardStart::Fresh,
        at(S, 0),
    );
    let head = node.head();
    node.input(Input::PoolChanged { has_work: true });
    let proposal = chain.proposal(&head, S, 1);
    let hash = proposal.block.hash();
    node.hear(Message::Proposal(proposal));
    node.hear(Message::Finality(chain.finality(&head, S, hash, &[0, 2, 3])));
    assert_eq!((node.height(), node.signed.len(), node.wake), (1, 0, None));
    node.hear(Message::Finality(chain.finality(&head, S, hash, &[0, 2])));
    assert_eq!(node.rejections, [], "what is known already is not looked at again");
}

#[test]
fn a_certified_block_that_does_not_execute_halts_the_node() {
    let chain = Chain::of(4);
    let mut node = node(&chain);
    node.outcome = ValidationOutcome::Invalid;
    let head = node.head();
    let block = chain.sealed(&head, S, 1);
    let certificate = chain.finality(&head, S, block.hash(), &[0, 2, 3]);
    node.input(Input::Certified {
        from: Origin(1),
        block: block.clone(),
        certificate,
    });
    let number = BlockNumber::new(1);
    assert_eq!(
        node.alarms,
        [ledger_consensus::Alarm::CertifiedBlockInvalid {
            number,
            hash: block.hash()
        }]
    );
    assert_eq!(node.height(), 0);
}

#[test]
fn rejections_say_what_they_mean() {
    let chain = Chain::of(4);
    let mut node = node(&chain);
    let head = node.head();
    node.hear(Message::Vote(chain.vote(
        &head,
        3,
        prevote(S + 5, BlockHash::new(B256::ZERO)),
    )));
    assert_eq!(
        node.rejections[0].to_string(),
        format!("slot {} is too far ahead of slot {S}", S + 5)
    );
    assert!(matches!(node.rejections[0], Rejection::SlotAhead { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// A flipped bit anywhere in a message is refused or harmless: nothing panics, nothing becomes final, nobody is accused.
    #[test]
    fn damaged_messages_are_harmless(which in 0..6_usize, position in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let chain = Chain::of(4);
        let mut bytes = messages(&chain)[which].encode();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        if let Ok(message) = Message::decode_all(&mut &bytes[..]) {
            let mut node = node(&chain);
            node.hear(message);
            prop_assert_eq!(node.height(), 0);
            prop_assert!(node.alarms.is_empty() && node.evidence.is_empty());
            prop_assert!(!node.rejections.is_empty() || node.signed.is_empty());
        }
    }

    /// Random bytes are no message, or one that the engine survives.
    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(message) = Message::decode(&mut &bytes[..]) {
            let mut node = node(&Chain::of(4));
            node.hear(message);
            prop_assert_eq!(node.rejections.len(), 1);
        }
    }

    /// Messages in any order, doubled or missing, lead to the same block or to none, and contradict nothing.
    #[test]
    fn order_and_repetition_do_not_matter(order in prop::collection::vec(0..8_usize, 0..24), times in prop::collection::vec(0..900_u64, 24)) {
        let chain = Chain::of(4);
        let mut node = node(&chain);
        let head = node.head();
        let block = chain.sealed(&head, S, 1);
        let hash = block.hash();
        let mut script = vec![Message::Proposal(Proposal { block, again: None })];
        for index in [0, 2, 3] {
            script.push(Message::Vote(chain.vote(&head, index, prevote(S, hash))));
            script.push(Message::Vote(chain.vote(&head, index, precommit(S, hash))));
        }
        script.push(Message::Finality(chain.finality(&head, S, hash, &[0, 2, 3])));
        for (step, time) in order.iter().zip(times) {
            node.now = node.now.max(at(S, time));
            node.hear(script[*step].clone());
        }
        prop_assert!(node.height() <= 1);
        prop_assert!(node.height() == 0 || node.head().header.hash == hash);
        prop_assert!(node.alarms.is_empty() && node.evidence.is_empty());
        super::kit::assert_consistent(&node.signed);
    }
}
