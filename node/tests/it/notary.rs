//! What becomes of a node's word about requests when its notary is not to be had, or one of its mirrors?

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256};
use ledger_node::admission::{
    AdmissionConfig, NotaryConfig, RootPin,
    chain::{Facts, Request, Standing},
    judging::Judging,
    plan::Verdict,
};
use ledger_notary::{judge::Candidate, records::Network};
use tempfile::tempdir;
use tokio_util::sync::CancellationToken;

#[expect(
    dead_code,
    reason = "it is what the tests of the whole system use, and has more than this needs"
)]
#[path = "../../../tests/src/harness/notary.rs"]
mod files;

use files::{FileServer, TestNotary};

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A notary of the chain `test` with id 1, with its files at these addresses.
fn config(folder: &Path, urls: Vec<String>, sha256: [u8; 32], refresh: Duration) -> AdmissionConfig {
    AdmissionConfig {
        votes: false,
        notary: Some(NotaryConfig {
            urls,
            pin: RootPin::Hash { version: 1, sha256 },
            network: Network {
                network_id: "test".to_owned().try_into().unwrap(),
                chain_id: 1,
            },
            folder: folder.to_path_buf(),
        }),
        refresh,
        account: None,
    }
}

/// A notary at an address where nobody listens.
fn nobodys(folder: &Path) -> AdmissionConfig {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    config(
        folder,
        vec![format!("http://{nobody}")],
        [7; 32],
        Duration::from_secs(60),
    )
}

/// A node that looks at the notary whenever it is told to.
fn judging(folder: &Path, servers: &[&FileServer], notary: &TestNotary) -> Judging {
    let urls = servers.iter().map(|server| server.url()).collect();
    let config = config(folder, urls, notary.root_sha256(), Duration::ZERO);
    Judging::new(&config, None, CancellationToken::new())
}

/// What it finds now about the request of the fifth cloud, which asks for membership alone.
fn found(judging: &mut Judging) -> Verdict {
    let request = Request {
        standing: Standing {
            id: 7,
            proposer: Address::ZERO,
            passed: None,
            executable_at: 0,
            ballot: B256::ZERO,
        },
        candidate: Candidate {
            member_name: "Fifth Cloud".to_owned(),
            account: Address::ZERO,
            keys: None,
            record_hash: [0; 32],
        },
        validators: 0,
    };
    let facts = Facts {
        requests: vec![request],
        ..Facts::default()
    };
    judging.ask(&facts, unix_seconds);
    judging.verdicts(&facts, unix_seconds())[&7].clone()
}

#[track_caller]
fn refused(verdict: &Verdict, words: &str) {
    assert!(
        matches!(verdict, Verdict::Refused(reason) if reason.contains(words)),
        "{words}: {verdict:?}"
    );
}

#[track_caller]
fn unknown(verdict: &Verdict, words: &str) {
    assert!(
        matches!(verdict, Verdict::Unknown(reason) if reason.contains(words)),
        "{words}: {verdict:?}"
    );
}

#[test]
fn a_revocation_at_one_mirror_refuses_whatever_the_other_says_or_keeps_back() {
    const REVOKED: &str = "the admission of fifth is Revoked";
    const NO_NODES: &str = "no role that may speak of m.fifth.nodes.json lists it";
    for is_first in [true, false] {
        let mut notary = TestNotary::new("test", 1);
        notary.admit("fifth", "Fifth Cloud", "active");
        let before = notary.copy();
        let (honest, other) = (FileServer::start(notary.path()), FileServer::start(before.path()));
        let urls = if is_first { [&honest, &other] } else { [&other, &honest] };
        let folder = tempdir().unwrap();
        let mut node = judging(folder.path(), &urls, &notary);
        refused(&found(&mut node), NO_NODES);
        other.serve(None);
        unknown(&found(&mut node), "does not answer");

        // It is silent, then it shows what was before, then it is silent again.
        notary.admit("fifth", "Fifth Cloud", "revoked");
        refused(&found(&mut node), REVOKED);
        other.serve(Some(before.path()));
        refused(&found(&mut node), REVOKED);
        let problem = node.problem(unix_seconds()).unwrap();
        assert!(problem.words.contains("disagree"), "{problem:?}");
        other.serve(None);
        // What was seen once is known when nobody says it any more, and after a restart.
        honest.serve(None);
        refused(&found(&mut node), REVOKED);
        drop(node);
        let mut node = judging(folder.path(), &urls, &notary);
        refused(&found(&mut node), REVOKED);

        // Only the mirror that said it takes it back, with something newer.
        notary.admit("fifth", "Fifth Cloud", "active");
        other.serve(Some(notary.path()));
        refused(&found(&mut node), REVOKED);
        honest.serve(Some(notary.path()));
        refused(&found(&mut node), NO_NODES);
        other.serve(None);
        unknown(&found(&mut node), "does not answer");
    }
}

#[test]
fn a_lie_of_one_mirror_is_told_although_the_other_is_down() {
    let mut notary = TestNotary::new("test", 1);
    let before = notary.copy();
    notary.admit("fifth", "Fifth Cloud", "active");
    let (down, liar) = (FileServer::start(notary.path()), FileServer::start(notary.path()));
    let folder = tempdir().unwrap();
    let mut node = judging(folder.path(), &[&down, &liar], &notary);
    found(&mut node);
    assert!(
        node.problem(unix_seconds())
            .is_none_or(|problem| problem.is_of_a_member)
    );
    down.serve(None);
    liar.serve(Some(before.path()));
    found(&mut node);
    let problem = node.problem(unix_seconds()).unwrap();
    assert!(
        problem.is_alarm && problem.words.contains("a rollback attack?"),
        "{problem:?}"
    );
}

#[test]
fn a_notary_whose_folder_cannot_be_made_is_opened_once_it_can() {
    let folder = tempdir().unwrap();
    let place = folder.path().join("notary");
    fs::write(&place, b"in the way").unwrap();
    let mut judging = Judging::new(&nobodys(&place), None, CancellationToken::new());
    assert!(judging.problem(1_000).is_none(), "nothing was tried");
    judging.ask(&Facts::default(), || 1_000);
    let problem = judging.problem(1_000).unwrap();
    assert!(problem.words.contains("cannot make the folder"), "{problem:?}");
    assert!(!problem.is_alarm && judging.good_at().is_none());

    fs::remove_file(&place).unwrap();
    judging.ask(&Facts::default(), || 1_059);
    assert_eq!(judging.problem(1_059), Some(problem), "its time has not come");
    judging.ask(&Facts::default(), || 1_060);
    let problem = judging.problem(1_060).unwrap();
    assert!(problem.words.contains("does not answer"), "{problem:?}");
}

#[test]
fn a_clock_that_is_set_back_does_not_put_off_the_next_look() {
    let folder = tempdir().unwrap();
    let place = folder.path().join("notary");
    fs::write(&place, b"in the way").unwrap();
    let mut judging = Judging::new(&nobodys(&place), None, CancellationToken::new());
    judging.ask(&Facts::default(), || 20_000);
    fs::remove_file(&place).unwrap();
    judging.ask(&Facts::default(), || 10_000);
    let problem = judging.problem(10_000).unwrap();
    assert!(problem.words.contains("does not answer"), "{problem:?}");
}

#[test]
fn what_a_mirror_said_last_has_to_be_readable() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("mirror-1-excluded.json"), b"{").unwrap();
    let mut judging = Judging::new(&nobodys(folder.path()), None, CancellationToken::new());
    judging.ask(&Facts::default(), || 1_000);
    let problem = judging.problem(1_000).unwrap();
    assert!(
        problem.words.contains("whom a mirror excluded last cannot be read"),
        "{problem:?}"
    );
}
