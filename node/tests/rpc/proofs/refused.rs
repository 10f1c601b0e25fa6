//! Proofs that are true, of codes that are not good; and what the node does not prove.

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use ledger_api::CodeProof;
use ledger_chainspec::{BlockHash, Slot, predeploys::TRANSACT};
use ledger_checkpoint::proof::{Asked, ProofError, ProofFile, Question, Root, Trust, verify};
use ledger_contracts::Transact;
use ledger_node::rpc::{RpcLimits, error};
use ledger_runtime::RuntimeOptions;
use serde_json::{Value, json};

use super::{HOUR, SMALL, Scene};
use crate::{
    codes::{consent, request},
    world::{Person, World},
};

/// Proves from genesis and judges at `now`.
async fn judged(world: &World, hash: B256, now: u64) -> Result<ledger_checkpoint::proof::ProvenCode, ProofError> {
    let genesis = world.runtime.genesis_hash();
    let trust = Trust {
        genesis,
        root: Root::Block(BlockHash::new(genesis.get())),
    };
    let proof: CodeProof = world.ask("ledger_codeProof", json!([hash])).await;
    let question = Question {
        asked: Some(Asked::Transaction(hash)),
        now,
        age_max: HOUR,
    };
    verify(&ProofFile::new(proof, None), &trust, &question)
}

fn now(world: &World) -> u64 {
    world.runtime.head().header.header.timestamp
}

#[tokio::test]
async fn what_is_redeemed_cancelled_or_over_is_proven_to_be_so() {
    let world = World::start().await;
    world.offer(SMALL, 9).await;
    let (user, friend) = (Person::number(20), Person::number(21));

    let (hash, code) = request(&world, &user).await;
    let call = Transact::transferCall {
        codeId: code,
        to: friend.address(),
    };
    world.does(&user, &call).await;
    let moved = judged(&world, hash, now(&world)).await.unwrap();
    assert_eq!((moved.holder, moved.requester), (friend.address(), user.address()));
    let (expires_at, at) = (moved.expires_at, now(&world));
    judged(&world, hash, at + HOUR).await.unwrap();
    let (_, authorization) = consent(&friend, code, 2);
    let call = Transact::redeemCall {
        codeId: code,
        authorization,
    };
    world.does(&Person::number(3), &call).await;
    let error = judged(&world, hash, now(&world)).await.unwrap_err();
    assert!(matches!(error, ProofError::Redeemed { member_id: 2, .. }), "{error}");
    assert!(error.is_about_the_code() && error.name() == "codeRedeemed");
    // A redeemed code stays one, however late it is.
    assert_eq!(
        judged(&world, hash, expires_at + 1).await.unwrap_err().name(),
        "codeRedeemed"
    );

    let (hash, code) = request(&world, &user).await;
    let expires_at = judged(&world, hash, now(&world)).await.unwrap().expires_at;
    let genesis = Question {
        asked: None,
        now: expires_at,
        age_max: u64::MAX,
    };
    let proof: CodeProof = world.ask("ledger_codeProof", json!([hash])).await;
    let trust = Trust {
        genesis: world.runtime.genesis_hash(),
        root: Root::Block(BlockHash::new(world.runtime.genesis_hash().get())),
    };
    let file = ProofFile::new(proof, None);
    assert_eq!(
        verify(&file, &trust, &genesis).unwrap_err(),
        ProofError::Expired {
            expires_at,
            now: expires_at
        }
    );
    verify(
        &file,
        &trust,
        &Question {
            now: expires_at - 1,
            ..genesis
        },
    )
    .unwrap();

    world.does(&user, &Transact::cancelCall { codeId: code }).await;
    assert_eq!(
        judged(&world, hash, now(&world)).await.unwrap_err().name(),
        "codeCancelled"
    );
}

/// The next request deletes the record of an expired code: then the state has none, which is proven as well.
#[tokio::test]
async fn a_code_whose_record_is_gone_is_proven_to_have_none() {
    let world = World::start().await;
    let in_the_past = |who: &Person, call: Vec<u8>| {
        let transaction = who.call(world.nonce(who), TRANSACT, call);
        world
            .pool
            .submit(&alloy_eips::eip2718::Encodable2718::encoded_2718(&transaction))
            .unwrap();
        let next = world.runtime.head().slot.get() + 1;
        world.mine_in(Slot::new((world.next_slot().get() - 600).max(next)));
        *transaction.tx_hash()
    };
    in_the_past(
        &Person::number(0),
        Transact::setOfferCall { specId: 3, quantity: 2 }.abi_encode(),
    );
    let hash = in_the_past(
        &Person::number(20),
        Transact::requestCodeCall { specId: 3 }.abi_encode(),
    );
    judged(&world, hash, 0).await.unwrap();
    world
        .does(&Person::number(21), &Transact::requestCodeCall { specId: 3 })
        .await;
    let error = judged(&world, hash, now(&world)).await.unwrap_err();
    assert!(matches!(error, ProofError::NoRecord { .. }), "{error}");
}

/// A proof tells of one state. What later blocks did is not in it, but that there are later ones may be known.
#[tokio::test]
async fn an_old_state_is_refused_once_it_is_known_to_be_old() {
    let scene = Scene::new().await;
    let file = scene.anchored(false).await;
    scene.judge(&file).unwrap();
    let user = Person::number(29);
    let (_, authorization) = consent(&user, scene.code, 1);
    let call = Transact::redeemCall {
        codeId: scene.code,
        authorization,
    };
    scene.world.does(&Person::number(1), &call).await;

    // By itself the old proof is as true as before: it says so of its block.
    let old = scene.judge(&file).unwrap();
    assert_eq!(old.as_of.number, scene.checkpoints[1].height);
    // With a newer checkpoint on the mainchain it is refused, and so it is once it is too old for whoever asks.
    let newer = |newest| {
        let mut trust = scene.trust();
        if let Root::Checkpoint { newest_height, .. } = &mut trust.root {
            *newest_height = newest;
        }
        trust
    };
    let anchored = scene.world.runtime.head().number().get();
    let judged = verify(&file, &newer(Some(anchored)), &scene.question());
    assert_eq!(
        judged.unwrap_err(),
        ProofError::Superseded {
            state: old.as_of.number,
            anchored
        }
    );
    let late = Question {
        now: old.as_of.timestamp + HOUR + 1,
        ..scene.question()
    };
    let stale = verify(&file, &newer(None), &late).unwrap_err();
    assert_eq!(
        stale,
        ProofError::Stale {
            age_seconds: HOUR + 1,
            most_seconds: HOUR
        }
    );
    // A new proof, from the same checkpoint, knows.
    let newest = scene.anchored(true).await;
    assert_eq!(scene.judge(&newest).unwrap_err().name(), "codeRedeemed");
}

#[tokio::test]
async fn what_the_node_does_not_prove_it_refuses_with_words() {
    let world = World::with(RpcLimits::default(), |options| RuntimeOptions {
        history_blocks: 2,
        ..options
    })
    .await;
    world.offer(SMALL, 5).await;
    let (hash, _) = request(&world, &Person::number(20)).await;
    let other = world
        .does(&Person::number(0), &Transact::pauseCall { specId: SMALL })
        .await;
    for _ in 0..3 {
        world.mine();
    }
    let head = world.runtime.head().number().get();
    let number = |number: u64| json!(format!("{number:#x}"));
    let table: Vec<(Value, i32, &str)> = vec![
        (
            json!([B256::repeat_byte(7)]),
            error::CODE_NOT_FOUND,
            "no code with this id",
        ),
        (json!([other]), error::CODE_NOT_FOUND, "did not ask for a code"),
        (json!(["x"]), error::CODE_PARAMS, ""),
        (json!([hash, { "trusted": "0x0" }]), error::CODE_PARAMS, ""),
        (
            json!([hash, { "trustedBlock": number(head), "stateBlock": number(4) }]),
            error::CODE_PARAMS,
            "lead forward only",
        ),
        (
            json!([hash, { "stateBlock": number(1) }]),
            error::CODE_PARAMS,
            "after block 1",
        ),
        (
            json!([hash, { "trustedBlock": number(head + 1) }]),
            error::CODE_PARAMS,
            "is after block",
        ),
        (
            json!([hash, { "stateBlock": number(head + 1) }]),
            error::CODE_NOT_FOUND,
            "",
        ),
        (json!([hash, { "stateBlock": number(3) }]), error::CODE_UNAVAILABLE, ""),
        (
            json!([hash, { "span": { "after": "0x0", "upTo": "0x10001" } }]),
            error::CODE_LIMIT,
            "65536 is the most",
        ),
        (
            json!([hash, { "span": { "after": "0x0", "upTo": number(head + 1) } }]),
            error::CODE_NOT_FOUND,
            "yet",
        ),
    ];
    for (params, code, words) in table {
        let refused = world.refused("ledger_codeProof", params.clone()).await;
        assert_eq!(refused.code(), code, "{params}: {refused:?}");
        assert!(refused.message().contains(words), "{words:?} is not in {refused:?}");
    }
}
