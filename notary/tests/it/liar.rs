//! What does the signer sign for a server that somebody else has taken over? Nothing that validators would refuse, and nothing at all
//! once the server shows less than it did before.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use ledger_notary::{
    ceremony::{RootWishes, Sheet, root},
    client::papers,
    records::Place,
    repository::Unsigned,
    signer::{OnlineKeys, Signer},
    tuf::{Root, Signed, TargetFile, Targets},
};
use serde_json::{Value, json};

use crate::{
    kills::network,
    kit::{DAY, secret},
    process::serve,
    town::{Town, copy, now},
};

/// A server that shows a folder and says that something is due.
struct Liar {
    url: String,
    due: Arc<Mutex<Value>>,
    shown: Arc<Mutex<PathBuf>>,
    was_sent: Arc<AtomicBool>,
}

impl Liar {
    fn new(folder: &Path) -> Self {
        let due = Arc::new(Mutex::new(json!({ "due": null })));
        let shown = Arc::new(Mutex::new(folder.to_path_buf()));
        let was_sent = Arc::new(AtomicBool::new(false));
        let url = serve({
            let (due, shown, was_sent) = (due.clone(), shown.clone(), was_sent.clone());
            Arc::new(move |path: &str| match path {
                "/v1/due" => Some(due.lock().unwrap().to_string().into_bytes()),
                "/v1/due/signatures" => {
                    was_sent.store(true, Ordering::Relaxed);
                    None
                }
                file => fs::read(shown.lock().unwrap().join(file.trim_start_matches('/'))).ok(),
            })
        });
        Self {
            url,
            due,
            shown,
            was_sent,
        }
    }

    /// Says that this is due: a root, metadata of a role, a file.
    fn ask(&self, root: Option<&[u8]>, role: Option<(&str, &[u8])>, file: Option<(&str, &[u8])>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let map = |pair: Option<(&str, &[u8])>| pair.map_or(json!({}), |(name, bytes)| json!({ name: text(bytes) }));
        *self.due.lock().unwrap() = json!({ "due": {
            "why": "changes", "root": root.map(text), "roles": map(role), "files": map(file), "snapshot": true,
        } });
    }
}

fn signer(town: &Town, url: &str, trusted: &str) -> Signer {
    let keys = OnlineKeys {
        snapshot: secret(21),
        timestamp: secret(31),
    };
    let root = fs::read(town.path("root.json")).unwrap();
    Signer::new(network(), url, (&town.path(trusted), Some(&root)), keys).unwrap()
}

fn published<T: ledger_notary::tuf::Document + Clone>(town: &Town, name: &str) -> T {
    let bytes = fs::read(town.published().join("metadata").join(name)).unwrap();
    Signed::<T>::parse(&bytes).unwrap().unverified().clone()
}

#[test]
fn a_server_that_was_taken_over_gets_no_signature() {
    let mut town = Town::new(None);
    town.start();
    town.found();
    let founded = town.path("founded");
    copy(&town.published(), &founded);
    town.admit("aurora", 41);
    let liar = Liar::new(&town.published());
    let mut signer = signer(&town, &liar.url, "signer");
    let mut refused = |expected: &str| {
        let said = signer.step(now()).unwrap_err().to_string();
        assert!(said.contains(expected), "{expected}: {said}");
    };

    // A friend is admitted by one key of the working group.
    let mut targets: Targets = published(&town, "2.targets.json");
    targets.version = targets.version.next().unwrap();
    let friend = Place::Admission("friend".to_owned().try_into().unwrap()).path();
    targets.targets.insert(friend.clone(), TargetFile::of(b"friend"));
    let unsigned = Unsigned::new(targets);
    let forged = unsigned.file(&[papers::signature(&secret(11), unsigned.signable())]);
    liar.ask(None, Some(("targets", &forged)), Some((friend.as_str(), b"friend")));
    refused("need the signatures of 2 different keys");

    // Somebody else's nodes for a member.
    let place = Place::Nodes("aurora".to_owned().try_into().unwrap());
    let role = published::<Targets>(&town, "1.m-aurora.json");
    let forged = papers::role(
        &place,
        b"nodes",
        role.version.next().unwrap(),
        now().plus(DAY),
        &[secret(99)],
    );
    liar.ask(
        None,
        Some(("m-aurora", &forged)),
        Some((place.path().as_str(), b"nodes")),
    );
    refused("m-aurora metadata version 2 need the signatures");

    // Metadata of a role whose files nobody would ask it for: the same version once more, then without its signature.
    let mut role: Targets = published(&town, "1.wg-deny.json");
    role.targets = [(friend.clone(), TargetFile::of(b"friend"))].into();
    liar.ask(None, Some(("wg-deny", &Unsigned::new(role.clone()).file(&[]))), None);
    refused("wg-deny version 2 is next, got 1");
    role.version = role.version.next().unwrap();
    let unsigned = Unsigned::new(role);
    liar.ask(None, Some(("wg-deny", &unsigned.file(&[]))), None);
    refused("wg-deny metadata version 2 need the signatures of 1 different keys");
    let signed = unsigned.file(&[papers::signature(&secret(15), unsigned.signable())]);
    liar.ask(None, Some(("wg-deny", &signed)), None);
    refused("TUF 5.7.2");
    let role: Targets = published(&town, "1.m-aurora.json");
    liar.ask(None, Some(("m-nobody", &Unsigned::new(role).file(&[]))), None);
    refused("nobody delegates to m-nobody");

    // Another root, which its holders have not signed.
    let before: Root = published(&town, "1.root.json");
    let next = Sheet::new(root(Some(&before), &RootWishes::default(), now().plus(DAY)).unwrap());
    liar.ask(Some(&next.file()), None, None);
    refused("need the signatures of 2 different keys");

    // What was published is taken back, in part and altogether.
    liar.ask(None, None, None);
    *liar.shown.lock().unwrap() = founded;
    refused("TUF 5.4.3");
    *liar.shown.lock().unwrap() = town.path("nothing");
    refused("and the server publishes nothing");
    assert!(!liar.was_sent.load(Ordering::Relaxed), "no signature left the signer");

    // The honest server is served as before.
    assert_eq!(town.sign()["signed"], Value::Null);
}
