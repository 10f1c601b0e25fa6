//! What does the server do with what it finds at its start, and when its storage goes away?

use std::{fs, process::Stdio, thread, time::Duration};

use serde_json::Value;

use crate::{
    postgres::Postgres,
    town::{Town, files, is_partial},
};

fn founded(storage: Option<String>) -> Town {
    let mut town = Town::new(storage);
    town.start();
    town.found();
    town.admit("aurora", 41);
    town
}

#[test]
fn what_is_missing_in_the_folder_is_written_again() {
    let mut town = founded(None);
    let whole = files(&town.published());
    // As a crash between the storage and the folder leaves it: files of the last release, and not its timestamp; a half checkpoint.
    for gone in [
        &["metadata/timestamp.json", "log/checkpoint"][..],
        &["metadata"],
        &["log"],
        &["targets", "metadata"],
    ] {
        town.kill();
        for name in gone {
            let path = town.published().join(name);
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap()
            } else {
                fs::remove_file(path).unwrap()
            }
        }
        fs::write(town.path("published/timestamp.json.new"), "half").unwrap();
        town.start();
        let again = files(&town.published());
        for (path, bytes) in &whole {
            assert!(
                is_partial(path) || again.get(path) == Some(bytes),
                "{gone:?}: {}",
                path.display()
            );
        }
        town.audit();
    }
}

#[test]
fn a_storage_and_a_folder_of_different_notaries_are_told_apart() {
    let mut town = founded(None);
    town.stop();
    let serve = |town: &Town, storage: &str, more: &[&str]| {
        let arguments = [
            "serve",
            "--storage",
            storage,
            "--root",
            "root.json",
            "--log-key",
            "log.pem",
        ];
        town.refused(
            &[
                &arguments[..],
                &["--folder", "published", "--listen", "127.0.0.1:0"],
                more,
            ]
            .concat(),
        )
    };
    let said = serve(&town, "sqlite:empty.db", &[]);
    assert!(said.contains("shows timestamp 2, and the storage knows none"), "{said}");
    let said = serve(&town, town.storage(), &["--network", "other-net/6301"]);
    assert!(said.contains("give this network a storage of its own"), "{said}");
    let other = founded(None);
    let said = serve(&town, &format!("sqlite:{}", other.path("notary.db").display()), &[]);
    assert!(said.contains("another process writes this storage"), "{said}");
    drop(other);
    // Another root than the one that it was founded with.
    fs::copy(town.path("root.json"), town.path("kept.json")).unwrap();
    fs::write(
        town.path("root.json"),
        [fs::read(town.path("kept.json")).unwrap(), b" ".to_vec()].concat(),
    )
    .unwrap();
    let said = serve(&town, town.storage(), &[]);
    assert!(said.contains("entry 0 could not have been taken here"), "{said}");
    fs::copy(town.path("kept.json"), town.path("root.json")).unwrap();
    // The log that was shown before does not go on from what is stored.
    let checkpoint = town.path("published/log/checkpoint");
    let kept = fs::read(&checkpoint).unwrap();
    town.start();
    town.submit("borealis", 42);
    let longer = fs::read(&checkpoint).unwrap();
    town.stop();
    assert_ne!(kept, longer);
    fs::copy(town.path("notary.db"), town.path("later.db")).unwrap();
    town.start();
    assert_eq!(town.standing("borealis"), "submitted");
}

#[test]
fn a_storage_that_goes_away_stops_the_server() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let mut town = founded(Some(server.database("gone")));
    drop(server);
    let submission = ["renew"];
    let said = town.signed_refused(&submission, &["group-1"]);
    assert!(said.contains("503"), "{said}");
    let stopped = town.wait();
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
}

#[test]
fn a_signer_signs_by_itself_and_outlives_the_server() {
    let mut town = Town::new(None);
    town.start();
    let keys = [
        "sign",
        "--every",
        "1",
        "--snapshot-key",
        "snapshot.pem",
        "--timestamp-key",
        "timestamp.pem",
    ];
    let arguments = [&keys[..], &["--trusted", "signer", "--root", "root.json"]].concat();
    let mut signer = town.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
    town.hand_in_founding();
    let wait = |town: &Town, version: u64| {
        let is_there = |status: &Value| status["metadata"]["snapshot"]["version"].as_u64() >= Some(version);
        let waited = (0..300).any(|_| {
            thread::sleep(Duration::from_millis(100));
            is_there(&town.ok(&["status"]))
        });
        assert!(waited, "snapshot {version} is not there");
    };
    wait(&town, 1);
    let address = town.url.trim_start_matches("http://").to_owned();
    town.stop();
    town.start_at(&address);
    let submission = town.submit("aurora", 41);
    town.signed(&["verify", &submission], &["group-1"]);
    town.approve(&["group-1", "group-2"]);
    wait(&town, 2);
    assert_eq!(town.standing("aurora"), "published");
    signer.kill().unwrap();
    signer.wait().unwrap();
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let mut town = Town::new(None);
    town.start_with(&[
        "--reads-per-second",
        "1",
        "--reads-burst",
        "3",
        "--writes-per-second",
        "1",
        "--writes-burst",
        "1",
    ]);
    let ask = |method: http::Method| {
        let reply = town.ask(method, "/v1/founding", b"{}".to_vec());
        (reply.status.as_u16(), String::from_utf8(reply.body).unwrap())
    };
    let reads: Vec<_> = (0..5).map(|_| ask(http::Method::GET).0).collect();
    assert_eq!(reads[..3], [405, 405, 405]);
    assert!(reads[3..].contains(&429), "{reads:?}");
    assert_eq!(ask(http::Method::POST).0, 400);
    let (status, said) = ask(http::Method::POST);
    assert!(status == 429 && said.contains("come back in 1 s"), "{status} {said}");
}
