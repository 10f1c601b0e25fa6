//! What can somebody do who has stolen both online keys? Keep news back for a day, and nothing else: neither the server takes what it
//! did not ask for, nor do those who read a repository that the thief shows them believe more than before.

use std::{collections::BTreeMap, fs, path::PathBuf};

use http::Method;
use ledger_notary::{
    client::{papers, server::Server},
    desk::Complete,
    records::Place,
    repository::Unsigned,
    tuf::{
        Document, MetaFile, RoleName, Signed, Snapshot, TargetFile, Targets, Timestamp, UnixSeconds, Version,
        names::encoded,
    },
};

use crate::{
    kills::{Folder, network, refreshed},
    kit::{DAY, secret},
    town::{Town, copy, now, suspension},
};

/// The thief's copy of what is published, and the two keys.
struct Thief {
    folder: PathBuf,
    snapshot: Snapshot,
    timestamp: Timestamp,
}

fn read<T: Document + Clone>(bytes: &[u8]) -> T {
    Signed::<T>::parse(bytes).unwrap().unverified().clone()
}

impl Thief {
    fn new(town: &Town, name: &str) -> Self {
        let folder = town.path(name);
        copy(&town.published(), &folder);
        let timestamp: Timestamp = read(&fs::read(folder.join("metadata/timestamp.json")).unwrap());
        let version = timestamp.meta.snapshot.version;
        let snapshot = read(&fs::read(folder.join(format!("metadata/{version}.snapshot.json"))).unwrap());
        Self {
            folder,
            snapshot,
            timestamp,
        }
    }

    fn put(&self, role: &RoleName, version: Version, bytes: &[u8]) {
        let name = format!("metadata/{version}.{}.json", encoded(role.as_str()));
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// Lists a role's metadata in the next snapshot.
    fn list(&mut self, role: &RoleName, version: Version, bytes: &[u8]) {
        self.put(role, version, bytes);
        self.snapshot.meta.insert(role.document(), MetaFile::of(version, bytes));
    }

    /// Signs snapshot and timestamp, good ones by the online keys.
    fn sign(&mut self, now: UnixSeconds) -> (Vec<u8>, Vec<u8>) {
        let (version, meta) = (self.snapshot.version.next().unwrap(), self.snapshot.meta.clone());
        let unsigned = Unsigned::new(Snapshot::new(version, now.plus(7 * DAY), meta));
        let snapshot = unsigned.file(&[papers::signature(&secret(21), unsigned.signable())]);
        self.put(&RoleName::snapshot(), version, &snapshot);
        let next = self.timestamp.version.next().unwrap();
        let unsigned = Unsigned::new(Timestamp::new(next, now.plus(DAY), MetaFile::of(version, &snapshot)));
        let timestamp = unsigned.file(&[papers::signature(&secret(31), unsigned.signable())]);
        fs::write(self.folder.join("metadata/timestamp.json"), &timestamp).unwrap();
        (snapshot, timestamp)
    }
}

/// Targets that admit nobody knows whom, signed by whoever the thief is.
fn forged(now: UnixSeconds, version: Version, signer: u8) -> Vec<u8> {
    let mut targets = Targets::new(version, now.plus(90 * DAY));
    let place = Place::Admission("thief".to_owned().try_into().unwrap());
    targets.targets.insert(place.path(), TargetFile::of(b"{}"));
    let unsigned = Unsigned::new(targets);
    unsigned.file(&[papers::signature(&secret(signer), unsigned.signable())])
}

#[test]
fn stolen_online_keys_admit_nobody() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    town.admit("aurora", 41);
    let now = now();
    let known = refreshed(&town, &town.published()).expect("what is published verifies");
    let top = known.targets().unwrap().get().clone();
    let two = Version::FIRST.next().unwrap();
    assert_eq!(top.version, two);

    // Targets that the working group never saw, signed by one of its keys or by the thief's own.
    for (name, signer) in [("one-of-the-group", 11), ("own", 99)] {
        let mut thief = Thief::new(&town, name);
        let three = two.next().unwrap();
        thief.list(&RoleName::targets(), three, &forged(now, three, signer));
        thief.sign(now);
        let said = refreshed(&town, &thief.folder).unwrap_err();
        assert!(said.contains("need the signatures of 2 different keys"), "{said}");
    }
    // The targets of before aurora was there: known readers see that they are older.
    let mut thief = Thief::new(&town, "older");
    let first = fs::read(thief.folder.join("metadata/1.targets.json")).unwrap();
    thief.list(&RoleName::targets(), Version::FIRST, &first);
    thief.sign(now);
    let said = crate::kills::refreshed_again(&town, &thief.folder).unwrap_err();
    assert!(said.contains("TUF 5.5.5"), "{said}");
    // A member's metadata, signed by the thief.
    let mut thief = Thief::new(&town, "member");
    let place = Place::Nodes("aurora".to_owned().try_into().unwrap());
    let nodes = papers::role(&place, b"{}", two, now.plus(DAY), &[secret(99)]);
    thief.list(&place.role(), two, &nodes);
    thief.sign(now);
    let mut verifier = refreshed(&town, &thief.folder).unwrap();
    let found = ledger_notary::tuf::find(&mut verifier, place.path(), &mut Folder(&thief.folder));
    let said = found.unwrap_err().to_string();
    assert!(
        said.contains("m-aurora metadata version 2 need the signatures of 1 different keys"),
        "{said}"
    );
}

#[test]
fn the_server_takes_no_more_from_the_online_keys_than_it_asked_for() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    town.submit("aurora", 41);
    let now = now();
    let server = Server::new(&town.url).unwrap();
    let complete = |snapshot: Option<Vec<u8>>, timestamp: Vec<u8>, key: u8| {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let complete = Complete {
            snapshot: snapshot.map(text),
            timestamp: text(timestamp),
        };
        let sent = server.send(
            (Method::POST, "/v1/due/signatures"),
            &network(),
            complete,
            &[secret(key)],
        );
        sent.unwrap_err().to_string()
    };
    let (snapshot, timestamp) = Thief::new(&town, "unasked").sign(now);
    let said = complete(Some(snapshot), timestamp, 31);
    assert!(said.contains("409") && said.contains("nothing is"), "{said}");

    // Something is due now, but not that.
    town.signed(&suspension("aurora"), &["deny"]);
    let (snapshot, timestamp) = Thief::new(&town, "without").sign(now);
    let said = complete(Some(snapshot.clone()), timestamp.clone(), 31);
    assert!(
        said.contains("422") && said.contains("lists wg-deny.json"),
        "a snapshot that keeps the suspension back: {said}"
    );
    let said = complete(Some(snapshot), timestamp, 99);
    assert!(said.contains("403"), "{said}");
    assert_eq!(town.sign()["signed"], "changes");
    let listed: BTreeMap<_, _> = crate::town::files(&town.published());
    assert!(listed.contains_key(std::path::Path::new("metadata/2.wg-deny.json")));
}
