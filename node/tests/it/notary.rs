//! What becomes of a node's word about requests when its notary is not to be had?

use std::{fs, time::Duration};

use ledger_node::admission::{AdmissionConfig, NotaryConfig, RootPin, chain::Facts, judging::Judging};
use ledger_notary::records::Network;
use tempfile::tempdir;
use tokio_util::sync::CancellationToken;

#[test]
fn a_notary_whose_folder_cannot_be_made_is_opened_once_it_can() {
    let folder = tempdir().unwrap();
    let place = folder.path().join("notary");
    fs::write(&place, b"in the way").unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = AdmissionConfig {
        votes: false,
        notary: Some(NotaryConfig {
            urls: vec![format!("http://{nobody}")],
            pin: RootPin::Hash {
                version: 1,
                sha256: [7; 32],
            },
            network: Network {
                network_id: "test".to_owned().try_into().unwrap(),
                chain_id: 1,
            },
            folder: place.clone(),
        }),
        refresh: Duration::from_secs(60),
        account: None,
    };
    let mut judging = Judging::new(&config, None, CancellationToken::new());
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
