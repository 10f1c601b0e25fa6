//! Reading back from the real contract: firm step by step, through reorganisations, restarts, and nodes that lie or fall silent.

use std::path::Path;

use ledger_checkpoint::{
    mainchain::Nodes,
    numbers::{BlockNumber, Index},
    reader::{Reader, Report},
    reading::{Alarm, Place, Policy, SILENCE_MS, Standing},
};
use tempfile::TempDir;

use crate::{
    chains::{Chains, rounds, tick},
    proxy::{Manner, Proxy},
    validators::genesis,
};

const SOFT: u64 = 8;
const FINAL: u64 = 60;

fn open(chains: &Chains, folder: &Path, urls: &[String]) -> Reader<Nodes> {
    let nodes = Nodes::new(urls, chains.anchor.contract).expect("these are addresses");
    let place = Place {
        anchor: chains.anchor,
        genesis: genesis(),
    };
    let policy = Policy {
        soft_blocks: SOFT,
        final_blocks: FINAL,
        from: BlockNumber::new(0),
        overdue_ms: u64::MAX,
        silence_ms: SILENCE_MS,
    };
    Reader::open(nodes, folder, place, policy).expect("what was confirmed can be read")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

async fn read(reader: &mut Reader<Nodes>) -> Report {
    let report = reader.round(tick(), None).await.expect("the mainchain answers");
    assert!(!report.again, "{report:?}");
    report
}

fn standings(reader: &Reader<Nodes>) -> Vec<Standing> {
    reader.book().entries().values().map(|entry| entry.standing).collect()
}

#[tokio::test]
async fn checkpoints_come_back_firmer_and_firmer_and_what_a_reorganisation_takes_is_withdrawn() {
    use Standing::{Final, Mined, Soft};
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, _journal) = chains.one().await;
    let place = folder();
    let urls = [chains.node.url.clone()];
    let mut reader = open(&chains, place.path(), &urls);
    assert!(!reader.is_through());
    // Not so deep that the contract goes, too.
    chains.node.mine(5).await;
    chains.grow(2);
    rounds(&chains, &mut relayer, 3).await;
    assert_eq!(read(&mut reader).await.alarms, []);
    assert!(reader.is_through());
    assert_eq!(standings(&reader), [Mined, Mined]);
    chains.node.mine(SOFT).await;
    read(&mut reader).await;
    assert_eq!(standings(&reader), [Soft, Soft]);
    chains.grow(1);
    rounds(&chains, &mut relayer, 2).await;
    read(&mut reader).await;
    assert_eq!(standings(&reader), [Soft, Soft, Mined]);

    // A restart knows what was believed, and finds out the rest.
    drop(reader);
    let mut reader = open(&chains, place.path(), &urls);
    assert_eq!(standings(&reader), [Soft, Soft]);
    read(&mut reader).await;
    assert_eq!(standings(&reader), [Soft, Soft, Mined]);

    // The two that were believed go with the third.
    chains.node.reorganise(SOFT + 6).await;
    let report = read(&mut reader).await;
    assert!(
        report
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::DeepReorganisation { .. })),
        "{report:?}"
    );
    assert_eq!(standings(&reader), []);
    rounds(&chains, &mut relayer, 5).await;
    chains.node.mine(FINAL).await;
    assert_eq!(read(&mut reader).await.alarms, []);
    assert_eq!(standings(&reader), [Final, Final, Final]);
    drop(reader);
    assert_eq!(standings(&open(&chains, place.path(), &urls)), [Final, Final, Final]);
}

#[tokio::test]
async fn one_node_of_three_that_lies_or_is_gone_changes_nothing() {
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, _journal) = chains.one().await;
    chains.grow(2);
    rounds(&chains, &mut relayer, 3).await;
    chains.node.mine(SOFT).await;
    for manner in [Manner::Liar, Manner::ErrorOneIn(2)] {
        let bad = Proxy::start(&chains.node.url, manner, 4).await;
        let good = Proxy::start(&chains.node.url, Manner::Honest, 4).await;
        let urls = [bad.url, good.url, chains.node.url.clone()];
        let place = folder();
        let mut reader = open(&chains, place.path(), &urls);
        read(&mut reader).await;
        assert_eq!(standings(&reader), [Standing::Soft, Standing::Soft], "{manner:?}");
    }
}

#[tokio::test]
async fn a_lone_liar_makes_nobody_believe_what_the_contract_has_not() {
    let Some(chains) = Chains::start().await else { return };
    let (mut relayer, _journal) = chains.one().await;
    chains.grow(1);
    rounds(&chains, &mut relayer, 2).await;
    chains.node.mine(SOFT).await;
    let node = Proxy::start(&chains.node.url, Manner::Liar, 4).await;
    let place = folder();
    let mut reader = open(&chains, place.path(), std::slice::from_ref(&node.url));
    let said = reader.round(tick(), None).await;
    assert!(reader.book().entries().is_empty() && !reader.is_through(), "{said:?}");
    node.set(Manner::Honest);
    read(&mut reader).await;
    assert_eq!(standings(&reader), [Standing::Soft]);
    node.set(Manner::Liar);
    let said = reader.round(tick(), None).await;
    assert_eq!(
        reader.book().newest().map(|(index, _)| index),
        Some(Index::new(1)),
        "{said:?}"
    );
}
