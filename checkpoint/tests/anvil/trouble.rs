//! Lost transactions, prices, poverty, broken and lying nodes, other relayers.

use alloy_primitives::U256;
use ledger_checkpoint::{
    mainchain::{Mainchain, Nodes},
    numbers::Nonce,
    plan::{Alarm, Policy},
    relayer::SendingKind,
    signing::{self, Order},
};

use crate::{
    chains::{Chains, policy, purse, round, rounds, senders, tick},
    node::{CHAIN_ID, DevNode, Kind},
    proxy::{Manner, Proxy},
};

const GWEI: u64 = 1_000_000_000;

#[tokio::test]
async fn transactions_that_the_nodes_dropped_are_sent_again() {
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, _folder) = chains.one().await;
    chains.grow(2);
    for _ in 0..4 {
        round(&mut relayer).await;
        chains.node.drop_transactions().await;
        chains.node.mine(1).await;
    }
    assert!(chains.made().await.is_empty());
    rounds(&chains, &mut relayer, 5).await;
    chains.check_all_made().await;
}

#[tokio::test]
async fn a_price_that_jumps_is_followed_up_to_the_highest_and_no_further() {
    let Some(chains) = Chains::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let capped = Policy {
        gas_price_max_wei: u128::from(20 * GWEI),
        ..policy()
    };
    let urls = [chains.node.url.clone()];
    let mut relayer = chains.relayer(0, capped, folder.path(), &urls).await;
    chains.grow(1);
    let first = round(&mut relayer).await;
    assert_eq!(first.sendings.len(), 1);
    let mut kinds = Vec::new();
    let mut alarms = Vec::new();
    for _ in 0..12 {
        chains.node.set_price(60 * GWEI).await;
        chains.node.mine(1).await;
        let report = round(&mut relayer).await;
        kinds.extend(report.sendings.iter().map(|sending| sending.kind));
        alarms.extend(report.alarms);
    }
    assert!(chains.made().await.is_empty(), "nobody takes it at that price");
    assert!(kinds.contains(&SendingKind::Raised));
    assert!(alarms.iter().any(|alarm| matches!(alarm, Alarm::PriceCapped { .. })));
    let (_, entry) = relayer.planner().outbox().last().unwrap();
    assert!(
        entry
            .attempts
            .iter()
            .all(|attempt| attempt.gas_price_wei <= u128::from(20 * GWEI))
    );
    chains.node.set_price(GWEI).await;
    chains.node.mine(1).await;
    rounds(&chains, &mut relayer, 2).await;
    chains.check_all_made().await;
}

#[tokio::test]
async fn an_empty_account_says_so_and_goes_on_when_it_is_filled() {
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, _folder) = chains.one().await;
    chains.node.fund(Chains::signer(0).address(), U256::from(1)).await;
    chains.node.mine(1).await;
    chains.grow(1);
    let alarms = rounds(&chains, &mut relayer, 3).await;
    assert!(alarms.iter().all(|alarm| matches!(alarm, Alarm::LowBalance { .. })));
    assert!(alarms.len() >= 2 && chains.made().await.is_empty());
    chains.node.fund(Chains::signer(0).address(), purse()).await;
    chains.node.mine(1).await;
    let alarms = rounds(&chains, &mut relayer, 3).await;
    assert_eq!(alarms, []);
    chains.check_all_made().await;
}

#[tokio::test]
async fn a_node_with_errors_slows_the_relayer_down_and_nothing_else() {
    let Some(chains) = Chains::start().await else { return };
    let proxy = Proxy::start(&chains.node.url, Manner::ErrorOneIn(6), 3).await;
    let folder = tempfile::tempdir().unwrap();
    let mut relayer = chains
        .relayer(0, policy(), folder.path(), std::slice::from_ref(&proxy.url))
        .await;
    chains.grow(6);
    let mut failed = 0;
    for _ in 0..80 {
        match relayer.round(tick()).await {
            Ok(_) => {}
            Err(error) => {
                assert!(error.is_passing(), "{error}");
                failed += 1;
            }
        }
        chains.node.mine(1).await;
    }
    assert!(failed > 5, "{failed} rounds failed");
    proxy.set(Manner::Honest);
    rounds(&chains, &mut relayer, 8).await;
    chains.check_all_made().await;
}

#[tokio::test]
async fn a_node_that_leaves_some_questions_unanswered_is_asked_again() {
    let Some(chains) = Chains::start().await else { return };
    let proxy = Proxy::start(&chains.node.url, Manner::HangOneIn(60), 6).await;
    let folder = tempfile::tempdir().unwrap();
    let mut relayer = chains
        .relayer(0, policy(), folder.path(), std::slice::from_ref(&proxy.url))
        .await;
    chains.grow(4);
    for _ in 0..14 {
        if let Err(error) = relayer.round(tick()).await {
            assert!(error.is_passing(), "{error}");
        }
        chains.node.mine(1).await;
    }
    chains.check_all_made().await;
}

#[tokio::test]
async fn one_of_three_nodes_may_lie_or_be_gone() {
    for manner in [Manner::Liar, Manner::Mute] {
        let Some(chains) = Chains::start().await else { return };
        let mut urls = Vec::new();
        for kind in [manner, Manner::Honest, Manner::Honest] {
            urls.push(Proxy::start(&chains.node.url, kind, 4).await.url);
        }
        let folder = tempfile::tempdir().unwrap();
        let mut relayer = chains.relayer(0, policy(), folder.path(), &urls).await;
        chains.grow(2);
        rounds(&chains, &mut relayer, 3).await;
        chains.check_all_made().await;
        chains.node.reorganise(2).await;
        rounds(&chains, &mut relayer, 2).await;
        chains.check_all_made().await;
        assert_eq!(senders(&chains).await.len(), 2, "{manner:?}");
    }
}

#[tokio::test]
async fn two_nodes_have_to_agree_and_a_liar_among_them_stops_everything() {
    let Some(chains) = Chains::start().await else { return };
    let honest = Proxy::start(&chains.node.url, Manner::Honest, 5).await;
    let other = Proxy::start(&chains.node.url, Manner::Liar, 5).await;
    let folder = tempfile::tempdir().unwrap();
    let urls = [honest.url.clone(), other.url.clone()];
    let mut relayer = chains.relayer(0, policy(), folder.path(), &urls).await;
    chains.grow(1);
    let error = relayer.round(tick()).await.unwrap_err();
    assert!(error.is_passing());
    assert!(
        error.to_string().contains("2 of 2 mainchain nodes have to agree"),
        "{error}"
    );
    other.set(Manner::Honest);
    rounds(&chains, &mut relayer, 2).await;
    chains.check_all_made().await;
}

/// Relayers that know of each other, and relayers that do not.
async fn race(relayers: u64, staggered: bool) {
    let Some(chains) = Chains::start().await else { return };
    let mut all = Vec::new();
    for rank in 0..relayers {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let policy = Policy {
            rank: if staggered { rank } else { 0 },
            relayers: if staggered { relayers } else { 1 },
            ..policy()
        };
        let urls = [chains.node.url.clone()];
        all.push((chains.relayer(rank, policy, folder.path(), &urls).await, folder));
    }
    for step in 0..40 {
        if step % 4 == 0 && step < 32 {
            chains.grow(1);
        }
        if step == 18 {
            chains.node.reorganise(6).await;
        }
        for (relayer, _) in &mut all {
            round(relayer).await;
        }
        chains.node.mine(1).await;
    }
    chains.check_all_made().await;
    let sent = senders(&chains).await;
    if staggered {
        assert_eq!(sent.len(), 8, "nobody pays for what another brings: {sent:?}");
    }
    let distinct: std::collections::BTreeSet<_> = sent.iter().collect();
    assert_eq!(distinct.len() as u64, relayers);
}

#[tokio::test]
async fn two_relayers_in_turn() {
    race(2, true).await;
}

#[tokio::test]
async fn three_relayers_in_turn() {
    race(3, true).await;
}

#[tokio::test]
async fn three_relayers_that_do_not_know_of_each_other() {
    race(3, false).await;
}

#[tokio::test]
async fn transactions_are_taken_where_there_is_nothing_but_type_0() {
    let Some(node) = DevNode::start_as(Kind::AnvilBeforeBaseFees) else {
        return;
    };
    let signer = Chains::signer(7);
    node.fund(signer.address(), purse()).await;
    node.mine(1).await;
    let nodes = Nodes::new(std::slice::from_ref(&node.url), signer.address()).unwrap();
    let order = Order {
        chain_id: CHAIN_ID,
        nonce: Nonce::new(0),
        gas_price_wei: nodes.gas_price_wei().await.unwrap(),
        gas_limit: 30_000,
        to: alloy_primitives::TxKind::Call(signer.address()),
        data: vec![1, 2, 3].into(),
    };
    let (hash, raw) = signing::sign(&signer, order).unwrap();
    nodes.send(&raw).await.unwrap();
    nodes.send(&raw).await.expect("a node that has it already took it");
    node.mine(1).await;
    let receipt = nodes.receipt(hash).await.unwrap().unwrap();
    assert!(receipt.succeeded);
    assert_eq!(nodes.purse(signer.address()).await.unwrap().nonce, Nonce::new(1));
}
