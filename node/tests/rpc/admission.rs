//! What the admission task sees of a chain on which anybody may open any number of requests.

use std::{collections::BTreeSet, sync::Arc};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_api::{ProposalInfo, ProposalKind};
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::Bootstrap::{self, Candidate, NotaryTuple};
use ledger_node::admission::{
    chain::{Facts, Reader},
    following::NEWEST_MAX,
    plan::{self, Step, Verdict},
    sender::Sender,
};

use serde_json::json;

use crate::world::{Person, World};

/// Requests that are put in one block.
const REQUESTS_PER_BLOCK: u64 = 50;

pub fn stranger(number: u64) -> Person {
    Person(PrivateKeySigner::from_bytes(&keccak256(number.to_be_bytes())).unwrap())
}

pub fn request(name: String) -> Bootstrap::requestAdmissionCall {
    let candidate = Candidate {
        memberName: name,
        ..Candidate::default()
    };
    Bootstrap::requestAdmissionCall { candidate }
}

impl World {
    pub fn tells_bootstrap(&self, who: &Person, call: &impl SolCall) {
        let transaction = who.call(self.nonce(who), BOOTSTRAP, call.abi_encode());
        self.pool.submit(&transaction.encoded_2718()).unwrap();
    }

    fn facts(&self, reader: &mut Reader, account: Address) -> Facts {
        let facts = reader.read(&self.runtime, account, &BTreeSet::new()).unwrap();
        reader.end_round();
        facts
    }
}

#[tokio::test]
async fn a_flood_of_free_requests_does_not_hide_a_vote_that_has_to_be_taken_back() {
    let world = World::start().await;
    let validator = Person::number(0);
    let account = validator.address();
    world.tells_bootstrap(&stranger(0), &request("The revoked".to_owned()));
    world.mine();
    let tuple = NotaryTuple {
        rootVersion: 1,
        targetsVersion: 1,
        ..NotaryTuple::default()
    };
    let vote = Bootstrap::voteCall {
        proposalId: U256::from(1),
        support: true,
        tuple,
    };
    world.tells_bootstrap(&validator, &vote);
    world.mine();
    let mut reader = Reader::default();
    let before = world.facts(&mut reader, account);
    assert!(before.knows_removed, "all there is was looked at");
    assert_eq!(before.standing(1).unwrap().ballot, plan::ballot_of(&vote.tuple));

    // Somebody whom the notary has admitted asks, and a validator proposes something.
    world.tells_bootstrap(&stranger(NEWEST_MAX + 1), &request("Patient".to_owned()));
    let limits = Bootstrap::HolderLimits {
        liveCodes: 1,
        requestsPerPeriod: 1,
        periodSeconds: 1,
    };
    world.tells_bootstrap(&validator, &Bootstrap::proposeLimitsCall { limits });
    world.mine();
    let mut other = Reader::default();

    for number in 1..=NEWEST_MAX {
        world.tells_bootstrap(&stranger(number), &request(format!("Cloud {number}")));
        if number % REQUESTS_PER_BLOCK == 0 {
            world.mine();
        }
    }
    while world.pool.counts().pending > 0 {
        world.mine();
    }
    let facts = world.facts(&mut reader, account);
    assert_eq!(
        facts.requests.len() as u64,
        NEWEST_MAX + 1,
        "all of the flood is on the chain"
    );
    let standing = facts.standing(1).expect("it is followed");
    assert_ne!(standing.ballot, B256::ZERO);
    let revoked = Verdict::Refused("revoked".to_owned());
    assert_eq!(plan::admission(standing, &revoked, 0, 0), Step::Unvote);

    // And a process that begins only now finds it.
    let mut reader = Reader::default();
    let facts = world.facts(&mut reader, account);
    assert!(facts.standing(1).is_some() && facts.knows_removed);

    // What nobody has voted on is found in turn, if it is a member's.
    let ids = [2, 3];
    let admitted = BTreeSet::from(["Patient".to_owned()]);
    let mut read = |admitted| other.read(&world.runtime, account, admitted).unwrap();
    let is_there = |facts: &Facts| ids.iter().any(|id| facts.standing(*id).is_some());
    assert!(is_there(&read(&admitted)), "however often a round reads");
    assert!(is_there(&read(&admitted)));
    assert!(!is_there(&read(&BTreeSet::new())));
    let open: Vec<ProposalInfo> = world.ask("ledger_proposals", json!([])).await;
    assert_eq!(
        open[0].kind,
        ProposalKind::SetLimits,
        "what validators propose is always shown"
    );
    world.stop().await;
}

#[tokio::test]
async fn one_thing_is_said_once_however_long_the_chain_stalls() {
    let world = World::start().await;
    let who = stranger(0);
    let (pool, call) = (Arc::clone(&world.pool), request("Patient".to_owned()));
    let mut sender = Sender::new(Arc::clone(&world.runtime), Arc::clone(&pool), who.0.clone());
    let waiting = || -> Vec<B256> {
        let pending = pool.content_of(&who.address()).pending;
        pending.into_values().map(|waiting| waiting.hash()).collect()
    };
    assert!(sender.is_idle(1_000));
    assert!(sender.send(&call, "ask", 1_000));
    let first = waiting();
    for now in [1_001, 1_031, 5_000] {
        assert!(sender.send(&call, "ask", now));
        assert_eq!(waiting(), first, "at {now}");
        assert!(!sender.is_idle(now));
    }
    // The pool loses it: the same goes out again, so that it can come into one block at most.
    pool.drop_slow(&first[0]);
    assert!(waiting().is_empty());
    assert!(sender.send(&call, "ask", 6_000));
    assert_eq!(waiting(), first);
    world.mine();
    assert!(sender.send(&call, "ask", 6_002), "what came of it may not be seen yet");
    assert!(sender.is_idle(6_003));
    assert!(
        !sender.send(&call, "ask", 6_003),
        "the contract takes one request at a time"
    );
    assert!(waiting().is_empty());
    world.stop().await;
}
