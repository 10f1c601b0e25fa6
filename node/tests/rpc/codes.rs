//! What clouds hear about promo codes.

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use ledger_api::{
    CodeState, NodeStatus, PoolEntry, ProposalInfo, SpecInfo, UsageReport, ValidatorsInfo, Verdict, Verification,
};
use ledger_chainspec::{
    BlockNumber, Month, PassportCode,
    predeploys::{BOOTSTRAP, TRANSACT},
};
use ledger_contracts::{Bootstrap, CodeId, Redemption, Transact, redemption_digest};
use ledger_node::rpc::error;
use serde_json::{Value, json};

use crate::world::{Person, World, blank};

const SMALL: u32 = 1;
const AURORA: &str = "Aurora Cloud";
const BOREALIS: &str = "Borealis Cloud";

async fn verify(world: &World, id: impl ToString, cloud: &str) -> Verification {
    world
        .ask("ledger_verifyCode", json!([id.to_string(), { "cloud": cloud }]))
        .await
}

/// A code that `holder` asks for: its transaction and its id.
pub async fn request(world: &World, holder: &Person) -> (B256, U256) {
    let hash = world.does(holder, &Transact::requestCodeCall { specId: SMALL }).await;
    let receipt = world.runtime.transaction(&hash).unwrap().unwrap().receipt;
    (hash, ledger_runtime::Runtime::issued_code(&receipt).unwrap())
}

/// The holder's consent, as JSON for the node and as the contract takes it.
pub fn consent(holder: &Person, code: U256, member: u32) -> (Value, Transact::Authorization) {
    let (signup_ref, deadline) = (B256::repeat_byte(5), 4_000_000_000_u64);
    let consent = Redemption {
        codeId: code,
        memberId: member,
        signupRef: signup_ref,
        deadline: U256::from(deadline),
    };
    let signature = holder
        .0
        .sign_hash_sync(&redemption_digest(6300, TRANSACT, &consent))
        .unwrap();
    let signature = Bytes::from(signature.as_bytes().to_vec());
    (
        json!({ "signupRef": signup_ref, "deadline": format!("{deadline:#x}"), "signature": signature }),
        Transact::Authorization {
            signupRef: signup_ref,
            deadline: U256::from(deadline),
            signature,
        },
    )
}

#[tokio::test]
async fn a_code_is_valid_until_a_cloud_confirms_its_use() {
    let world = World::start().await;
    world.offer(SMALL, 5).await;
    let user = Person::number(20);
    let (hash, code) = request(&world, &user).await;

    let seen = verify(&world, hash, AURORA).await;
    assert_eq!(
        (seen.verdict, seen.redeemable, seen.requires_authorization),
        (Verdict::Valid, false, true)
    );
    assert!(
        seen.obstacle.as_ref().unwrap().contains("must sign for Aurora Cloud"),
        "{seen:?}"
    );
    assert!(
        seen.ttl_seconds > 2_591_000 && seen.ttl_seconds <= 2_592_000,
        "{}",
        seen.ttl_seconds
    );
    let info = seen.code.unwrap();
    assert_eq!(
        (info.holder, info.requester, info.state),
        (user.address(), user.address(), CodeState::Live)
    );
    assert_eq!(
        (info.spec.name.as_str(), info.code_id, info.transaction),
        ("small", code, hash)
    );

    let passport_code = &info.passport_code;
    for link in [
        format!("http://127.0.0.1:8545/#/code/{passport_code}"),
        format!("https://cloud.example/sign-up?code={hash}&lang=en"),
    ] {
        let linked: ledger_api::CodeInfo = world.ask("ledger_code", json!([link])).await;
        assert_eq!(linked.transaction, hash, "{link}");
        assert_eq!(verify(&world, &link, AURORA).await.verdict, Verdict::Valid, "{link}");
    }

    let (given, authorization) = consent(&user, code, 1);
    let asked = |cloud: &'static str| json!([passport_code, { "cloud": cloud, "authorization": given }]);
    let seen: Verification = world.ask("ledger_verifyCode", asked(AURORA)).await;
    assert_eq!(
        (seen.verdict, seen.redeemable, seen.obstacle),
        (Verdict::Valid, true, None)
    );
    let other: Verification = world.ask("ledger_verifyCode", asked(BOREALIS)).await;
    assert!(
        !other.redeemable && other.obstacle.is_some(),
        "another cloud's consent: {other:?}"
    );

    world
        .does(
            &Person::number(1),
            &Transact::redeemCall {
                codeId: code,
                authorization,
            },
        )
        .await;
    let seen: Verification = world.ask("ledger_verifyCode", asked(BOREALIS)).await;
    assert_eq!(
        (seen.verdict, seen.redeemable, seen.ttl_seconds),
        (Verdict::Redeemed, false, 0)
    );
    assert!(seen.reason.contains(AURORA), "{}", seen.reason);
    let ending = seen.code.unwrap().ending.unwrap();
    assert_eq!(ending.redeemed_by.unwrap().member_id, 1);
    assert_eq!(ending.block_number, world.runtime.head().number().get());
}

#[tokio::test]
async fn every_other_id_has_a_verdict_of_its_own() {
    let world = World::start().await;
    world.offer(SMALL, 2).await;
    let (user, friend) = (Person::number(20), Person::number(21));

    let (moved, code) = request(&world, &user).await;
    world
        .does(
            &user,
            &Transact::transferCall {
                codeId: code,
                to: friend.address(),
            },
        )
        .await;
    let seen = verify(&world, moved, AURORA).await;
    assert_eq!(seen.verdict, Verdict::Transferred);
    assert_eq!(seen.code.as_ref().unwrap().holder, friend.address());
    let (given, _) = consent(&friend, code, 1);
    let seen: Verification = world
        .ask(
            "ledger_verifyCode",
            json!([moved, { "cloud": 1, "authorization": given }]),
        )
        .await;
    assert!(seen.redeemable, "the new holder's consent counts: {seen:?}");
    let (given, _) = consent(&user, code, 1);
    let seen: Verification = world
        .ask(
            "ledger_verifyCode",
            json!([moved, { "cloud": "0x1", "authorization": given }]),
        )
        .await;
    assert!(!seen.redeemable, "the old holder's does not");

    world.does(&friend, &Transact::cancelCall { codeId: code }).await;
    let seen = verify(&world, moved, AURORA).await;
    assert_eq!(
        (seen.verdict, seen.code.unwrap().ending.is_some()),
        (Verdict::Cancelled, true)
    );

    let never = CodeId {
        spec_id: SMALL,
        sequence: 99,
    };
    let no_place = PassportCode::new(BlockNumber::new(2), 77).unwrap();
    for id in [
        B256::repeat_byte(7).to_string(),
        never.to_string(),
        format!("{:#x}", never.to_word()),
        no_place.to_string(),
    ] {
        assert_eq!(verify(&world, id, AURORA).await.verdict, Verdict::NeverIssued);
    }

    let other = world.send(&user.call(world.nonce(&user), Address::ZERO, vec![])).await;
    assert_eq!(verify(&world, other, AURORA).await.verdict, Verdict::Pending);
    world.mine();
    assert_eq!(verify(&world, other, AURORA).await.verdict, Verdict::NotARequest);
    assert_eq!(world.ask::<Value>("ledger_code", json!([other])).await, Value::Null);

    let failed = world.tries(&user, &Transact::requestCodeCall { specId: 77 }).await;
    assert_eq!(verify(&world, failed, AURORA).await.verdict, Verdict::Failed);
}

#[tokio::test]
async fn a_code_expires_by_the_clock_though_no_block_is_made() {
    let world = World::start().await;
    // Slots are times: this chain's blocks lie an hour in the past, and a flash code lives for a minute.
    let slot = |world: &World| world.next_slot().get() - 3600;
    let in_the_past = |world: &World, who: &Person, call: Vec<u8>| {
        let nonce = world.nonce(who);
        world
            .pool
            .submit(&alloy_eips::eip2718::Encodable2718::encoded_2718(
                &who.call(nonce, TRANSACT, call),
            ))
            .unwrap();
        let next = world.runtime.head().slot.get() + 1;
        world.mine_in(ledger_chainspec::Slot::new(slot(world).max(next)));
        world
            .runtime
            .block(ledger_runtime::BlockRef::Head)
            .unwrap()
            .unwrap()
            .transactions[0]
            .tx_hash()
            .to_owned()
    };
    in_the_past(
        &world,
        &Person::number(0),
        Transact::setOfferCall { specId: 3, quantity: 1 }.abi_encode(),
    );
    let hash = in_the_past(
        &world,
        &Person::number(20),
        Transact::requestCodeCall { specId: 3 }.abi_encode(),
    );
    let seen = verify(&world, hash, AURORA).await;
    assert_eq!(
        (seen.verdict, seen.redeemable, seen.ttl_seconds),
        (Verdict::Expired, false, 0)
    );
    assert!(seen.reason.starts_with("expired 3"), "{}", seen.reason);
    assert_eq!(seen.code.unwrap().ending, None, "nobody has swept it yet");

    // The next request sweeps it; then a log says how it ended.
    world
        .does(&Person::number(21), &Transact::requestCodeCall { specId: 3 })
        .await;
    let seen = verify(&world, hash, AURORA).await;
    assert_eq!(seen.verdict, Verdict::Expired);
    let code = seen.code.unwrap();
    assert_eq!(
        (code.state, code.holder),
        (CodeState::Expired, Person::number(20).address())
    );
    assert_eq!(code.ending.unwrap().block_number, world.runtime.head().number().get());
}

#[tokio::test]
async fn a_paused_cloud_hears_what_is_in_its_way() {
    let world = World::start().await;
    world.offer(SMALL, 2).await;
    let user = Person::number(20);
    let (hash, code) = request(&world, &user).await;
    world
        .does(&Person::number(2), &Transact::pauseCall { specId: SMALL })
        .await;
    let (given, _) = consent(&user, code, 2);
    let seen: Verification = world
        .ask(
            "ledger_verifyCode",
            json!([hash, { "cloud": "borealis cloud", "authorization": given }]),
        )
        .await;
    assert_eq!((seen.verdict, seen.redeemable), (Verdict::Valid, false));
    assert_eq!(seen.obstacle.unwrap(), "member 2 has paused spec 1");

    let pool: Vec<PoolEntry> = world.ask("ledger_pool", json!([])).await;
    assert_eq!((pool[0].live_codes, pool[0].offered, pool[0].available), (1, 2, 1));
    let offers: Vec<_> = pool[0]
        .offers
        .iter()
        .map(|offer| (offer.cloud.as_str(), offer.left, offer.paused))
        .collect();
    assert_eq!(offers, [(AURORA, 2, false), (BOREALIS, 2, true)]);
}

#[tokio::test]
async fn clouds_and_ids_that_make_no_sense_are_refused_with_words() {
    let world = World::start().await;
    let id = B256::repeat_byte(7);
    for (params, code, words) in [
        (
            json!([id, { "cloud": "Nobody" }]),
            error::CODE_NOT_FOUND,
            "no member cloud \"Nobody\"",
        ),
        (
            json!([id, { "cloud": 99 }]),
            error::CODE_NOT_FOUND,
            "no member cloud 99",
        ),
        (json!([id, { "cloud": 0 }]), error::CODE_NOT_FOUND, "no member cloud 0"),
        (
            json!(["003A-G00A-R7VJ".replace('A', "B"), { "cloud": 1 }]),
            error::CODE_PARAMS,
            "typing error",
        ),
        (
            json!(["0x1234zz", { "cloud": 1 }]),
            error::CODE_PARAMS,
            "64 hexadecimal digits",
        ),
        (
            json!(["x".repeat(5000), { "cloud": 1 }]),
            error::CODE_PARAMS,
            "at most 256 characters",
        ),
        (json!([id]), error::CODE_PARAMS, ""),
        (json!([id, { "cloud": 1, "color": "red" }]), error::CODE_PARAMS, ""),
    ] {
        let error = world.refused("ledger_verifyCode", params.clone()).await;
        assert_eq!(error.code(), code, "{params}: {error:?}");
        assert!(error.message().contains(words), "{words:?} is not in {error:?}");
    }
}

#[tokio::test]
async fn specs_validators_and_status_are_those_of_the_chain() {
    let world = World::start().await;
    let specs: Vec<SpecInfo> = world.ask("ledger_specs", json!([])).await;
    let shown: Vec<_> = specs
        .iter()
        .map(|spec| (spec.spec_id, spec.name.as_str(), spec.ttl_seconds))
        .collect();
    assert_eq!(
        shown,
        [(1, "small", 2_592_000), (2, "medium", 2_592_000), (3, "flash", 60)]
    );
    let set: ValidatorsInfo = world.ask("ledger_validators", json!([])).await;
    assert_eq!((set.set_id, set.quorum, set.validators.len()), (0, 1, 1));
    assert_eq!(
        (set.validators[0].cloud.as_str(), set.validators[0].account),
        (AURORA, Person::number(0).address())
    );
    assert!(
        set.validators[0].peer_id.starts_with("12D3KooW"),
        "{}",
        set.validators[0].peer_id
    );
    let status: NodeStatus = world.ask("ledger_status", json!([])).await;
    assert_eq!(
        (status.chain.as_str(), status.chain_id, status.head.number),
        ("dev", 6300, 0)
    );
    assert_eq!(
        (status.genesis_hash, status.contracts.transact),
        (world.runtime.genesis_hash().get(), TRANSACT)
    );
}

#[tokio::test]
async fn open_proposals_are_listed_with_their_votes() {
    let world = World::start().await;
    assert_eq!(world.ask::<Vec<ProposalInfo>>("ledger_proposals", json!([])).await, []);
    let limits = Transact::HolderLimits {
        liveCodes: 7,
        requestsPerPeriod: 8,
        periodSeconds: 9,
    };
    let limits = Bootstrap::HolderLimits {
        liveCodes: limits.liveCodes,
        requestsPerPeriod: limits.requestsPerPeriod,
        periodSeconds: limits.periodSeconds,
    };
    let validator = Person::number(0);
    let call = |nonce, input: Vec<u8>| {
        validator.sign(TxEip1559 {
            to: TxKind::Call(BOOTSTRAP),
            input: input.into(),
            gas_limit: 2_000_000,
            ..blank(nonce)
        })
    };
    world
        .send(&call(0, Bootstrap::proposeLimitsCall { limits }.abi_encode()))
        .await;
    world.mine();
    let open: Vec<ProposalInfo> = world.ask("ledger_proposals", json!([])).await;
    let [proposal] = &open[..] else { panic!("{open:?}") };
    assert_eq!(
        (proposal.proposal_id, proposal.proposer, proposal.votes_needed),
        (1, validator.address(), 1)
    );
    assert_eq!(serde_json::to_value(proposal.kind).unwrap(), json!("setLimits"));
    let now = "Change what one holder may ask for: live codes from 100 to 7, requests in one period from 1000 to 8, period from \
               86400 seconds to 9 seconds.";
    assert_eq!(proposal.summary, now);
    let named: Option<ProposalInfo> = world.ask("ledger_proposal", json!(["0x1"])).await;
    assert_eq!(named.as_ref(), Some(proposal));
    for other in ["0x0", "0x2", "0xffffffffffffffff"] {
        let none: Option<ProposalInfo> = world.ask("ledger_proposal", json!([other])).await;
        assert_eq!(none, None);
    }
    let changes: Vec<_> = proposal
        .changes
        .iter()
        .map(|change| (change.from.as_deref(), &*change.to))
        .collect();
    assert_eq!(
        changes,
        [
            (Some("100"), "7"),
            (Some("1000"), "8"),
            (Some("86400 seconds"), "9 seconds")
        ]
    );
}

#[tokio::test]
async fn a_candidates_name_reaches_no_terminal_as_it_is() {
    let world = World::start().await;
    let candidate = Bootstrap::Candidate {
        memberName: "Nimbus\u{1b}[2J\nProposal 2: nothing".to_owned(),
        consensusKey: B256::repeat_byte(7),
        checkpointKey: Address::repeat_byte(8),
        peerId: vec![9; 38].into(),
        recordHash: B256::repeat_byte(10),
        ..Bootstrap::Candidate::default()
    };
    let stranger = Person::number(5);
    let request = Bootstrap::requestAdmissionCall { candidate }.abi_encode();
    world.send(&stranger.call(0, BOOTSTRAP, request)).await;
    world.mine();
    let open: Vec<ProposalInfo> = world.ask("ledger_proposals", json!([])).await;
    let [proposal] = &open[..] else { panic!("{open:?}") };
    let name = r#""Nimbus\u{1b}[2J\nProposal 2: nothing""#;
    let whole = format!(
        "Admit a new cloud {name}, owned by {0}, with its validator {0}.",
        stranger.address()
    );
    assert_eq!(proposal.summary, whole);
    let names: Vec<_> = proposal.changes.iter().map(|change| &*change.name).collect();
    let expected = [
        "validators",
        "votes that make a block final",
        "consensus key",
        "checkpoint key",
        "peer id",
        "notary's record",
    ];
    assert_eq!(names, expected);
    // However many ask, what validators propose comes before.
    let limits = Bootstrap::HolderLimits {
        liveCodes: 1,
        requestsPerPeriod: 1,
        periodSeconds: 1,
    };
    let proposed = Bootstrap::proposeLimitsCall { limits }.abi_encode();
    world.send(&Person::number(0).call(0, BOOTSTRAP, proposed)).await;
    world.mine();
    let again = Bootstrap::Candidate {
        memberName: "Stratus".to_owned(),
        ..Bootstrap::Candidate::default()
    };
    let request = Bootstrap::requestAdmissionCall { candidate: again }.abi_encode();
    world.send(&Person::number(6).call(0, BOOTSTRAP, request)).await;
    world.mine();
    let open: Vec<ProposalInfo> = world.ask("ledger_proposals", json!([])).await;
    let ids: Vec<_> = open.iter().map(|proposal| proposal.proposal_id).collect();
    assert_eq!(ids, [2, 3, 1]);
    assert_eq!(
        open[1].summary,
        format!(
            "Admit a new cloud \"Stratus\", owned by {}, without a validator.",
            Person::number(6).address()
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_is_told_of_all_the_while_its_block_becomes_the_head() {
    const ROUNDS: u32 = 12;
    let world = Arc::new(World::start().await);
    world.offer(SMALL, 2 * ROUNDS).await;
    for round in 0..ROUNDS {
        let user = Person::number(40 + round);
        let call = Transact::requestCodeCall { specId: SMALL }.abi_encode();
        let hash = world.send(&user.call(0, TRANSACT, call)).await;
        let asking = Arc::clone(&world);
        let asked = tokio::spawn(async move {
            loop {
                let seen = verify(&asking, hash, AURORA).await;
                match seen.verdict {
                    Verdict::Pending => assert_eq!(seen.code, None),
                    Verdict::Valid => return seen,
                    other => panic!("round {round}: {other:?}"),
                }
            }
        });
        assert_eq!(world.mine(), []);
        let seen = asked.await.unwrap();
        assert_eq!(seen.block.number, seen.code.unwrap().block_number);
    }
}

#[tokio::test]
async fn usage_is_counted_by_month_cloud_and_specification() {
    let world = World::start().await;
    world.offer(SMALL, 5).await;
    let user = Person::number(20);
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(request(&world, &user).await.1);
    }
    let (_, authorization) = consent(&user, codes[0], 1);
    let redeem = Transact::redeemCall {
        codeId: codes[0],
        authorization,
    };
    world.does(&Person::number(1), &redeem).await;
    world.does(&user, &Transact::cancelCall { codeId: codes[1] }).await;

    let month = Month::of(world.runtime.head().header.header.timestamp);
    let report = async |cloud: Value| -> UsageReport { world.ask("ledger_usageReport", json!([month, cloud])).await };
    let aurora = report(json!(AURORA)).await;
    assert_eq!(
        (aurora.month, aurora.from, aurora.is_over),
        (month, month.start(), false)
    );
    assert!((month.start()..month.end()).contains(&aurora.until));
    assert_eq!(aurora.cloud.map(|cloud| cloud.member_id), Some(1));
    let [small] = aurora.specs.as_slice() else {
        panic!("{:?}", aurora.specs)
    };
    assert_eq!((small.spec_id, small.name.as_str()), (SMALL, "small"));
    assert_eq!(
        (small.issued, small.redeemed, small.cancelled, small.expired),
        (3, 1, 1, 0)
    );
    assert_eq!(small.redeemed_by_cloud, Some(1));
    let borealis = report(json!(2)).await;
    assert_eq!(
        (borealis.specs[0].redeemed, borealis.specs[0].redeemed_by_cloud),
        (1, Some(0))
    );
    let all = report(Value::Null).await;
    assert_eq!((all.cloud, all.specs[0].redeemed_by_cloud), (None, None));

    let before: UsageReport = world.ask("ledger_usageReport", json!(["2025-12"])).await;
    assert_eq!(
        (before.specs.len(), before.is_over, before.until),
        (0, true, before.month.end())
    );
    let refused = world.refused("ledger_usageReport", json!(["2999-01"])).await;
    assert!(refused.message().contains("month 2999-01 has not begun"), "{refused}");
    for bad in ["2026", "2026-13", "November"] {
        let refused = world.refused("ledger_usageReport", json!([bad])).await;
        assert_eq!(refused.code(), error::CODE_PARAMS, "{refused}");
    }
    let refused = world.refused("ledger_usageReport", json!([month, "Nimbus"])).await;
    assert_eq!(refused.code(), error::CODE_NOT_FOUND, "{refused}");
}
