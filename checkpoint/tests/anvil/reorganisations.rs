//! Reorganisations of every depth, on a real EVM that forgets what it takes back.

use ledger_checkpoint::{
    numbers::Index,
    plan::{Alarm, Note},
};

use crate::chains::{Chains, policy, round, rounds, senders};

#[tokio::test]
async fn checkpoints_of_changing_sets_come_onto_the_chain_once_and_become_final() {
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, _folder) = chains.one().await;
    chains.grow(12);
    let mut alarms = rounds(&chains, &mut relayer, 14).await;
    chains.check_all_made().await;
    assert_eq!(senders(&chains).await.len(), 12, "one transaction each");
    let last = lock_last(&chains);
    let sight = round(&mut relayer).await.sight;
    assert_eq!(
        (sight.head_index, sight.head_fingerprint),
        last,
        "as the contract computes it"
    );
    chains.node.mine(policy().final_blocks).await;
    alarms.extend(round(&mut relayer).await.alarms);
    assert!(relayer.planner().outbox().entries().is_empty());
    assert_eq!(alarms, []);
}

fn lock_last(chains: &Chains) -> (Index, alloy_primitives::B256) {
    let history = crate::lock(&chains.history);
    let last = history.bundles.last().expect("there is one");
    let print = chains.anchor.fingerprint(&last.checkpoint);
    (Index::new(last.checkpoint.index), print)
}

/// A reorganisation of this depth, with checkpoints in the blocks that go.
async fn reorganise(depth: u64) {
    let Some(chains) = Chains::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let deep = ledger_checkpoint::plan::Policy {
        final_blocks: 2_000,
        ..policy()
    };
    let urls = [chains.node.url.clone()];
    let mut relayer = chains.relayer(0, deep, folder.path(), &urls).await;
    // Not so deep that the contract goes, too.
    chains.node.mine(5).await;
    let snapshot = chains.node.snapshot().await;
    let height = chains.node.height().await;
    chains.grow(3);
    rounds(&chains, &mut relayer, 3).await;
    chains.node.mine(depth.saturating_sub(6)).await;
    chains.grow(2);
    rounds(&chains, &mut relayer, 2).await;
    round(&mut relayer).await;
    chains.check_all_made().await;
    match depth {
        900 => {
            let gone = chains.node.height().await - height;
            assert!(gone >= depth - 2, "{gone} blocks go");
            chains.node.branch_off(snapshot, gone + 1).await;
        }
        _ => chains.node.reorganise(depth).await,
    }
    let left = chains.made().await.len();
    assert!(left < 5, "depth {depth}: {left} are left");
    let report = round(&mut relayer).await;
    let lost = report
        .notes
        .iter()
        .filter(|note| matches!(note, Note::Reorganised { .. }));
    assert_eq!(lost.count(), 5 - left, "depth {depth}");
    assert_eq!(report.sendings.len(), 5 - left, "all of them are sent again at once");
    let is_deep = report
        .alarms
        .iter()
        .any(|alarm| matches!(alarm, Alarm::DeepReorganisation { .. }));
    assert_eq!(is_deep, depth >= 12, "depth {depth}");
    rounds(&chains, &mut relayer, 4).await;
    chains.check_all_made().await;
    assert_eq!(senders(&chains).await.len(), 5, "nothing was paid for twice");
}

#[tokio::test]
async fn a_reorganisation_of_one_block_is_made_good() {
    reorganise(1).await;
}

#[tokio::test]
async fn a_reorganisation_of_thirty_blocks_is_made_good() {
    reorganise(30).await;
}

#[tokio::test]
async fn a_reorganisation_of_nine_hundred_blocks_is_made_good() {
    reorganise(900).await;
}

#[tokio::test]
async fn a_relayer_that_was_away_during_a_reorganisation_notices_at_its_start() {
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, folder) = chains.one().await;
    chains.grow(4);
    rounds(&chains, &mut relayer, 5).await;
    drop(relayer);
    chains.node.reorganise(3).await;
    let urls = [chains.node.url.clone()];
    let mut relayer = chains.relayer(0, policy(), folder.path(), &urls).await;
    rounds(&chains, &mut relayer, 3).await;
    chains.check_all_made().await;
}
