//! Is anything lost when the server is killed? Commands run without a pause, the server gets SIGKILL at a random moment, and then the
//! published folder must verify as it lies there, and every acknowledged command must be in the storage.
//!
//! The seed is printed. Some kills belong to every test run; the example `kills` does as many as it is told.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::SigningKey;
use http::{Method, StatusCode};
use ledger_notary::{
    client::{
        order::{Stamp, sealed},
        papers::{self, Suspend},
        reader::Reader,
    },
    desk::{Body, Command, Entry},
    http::{Http, Patience},
    records::{Hex32, Network, NetworkId, NotaryId, Place},
    signer::{OnlineKeys, Signer},
    storage::Storage,
    tuf::{
        Answer, Floor, Place as Shelf, Request, RoleName, Settings, Stored, UpdateError, Verifier, World, find, refresh,
    },
    wire::Receipt,
};

use crate::{
    kit::{DAY, secret},
    town::{Town, admission, node, nodes, now},
};

/// Longest time that a server lives before it is killed: a few dozen commands.
const LIFE_MAX: Duration = Duration::from_millis(600);

pub fn network() -> Network {
    Network {
        network_id: NetworkId::try_from("test-net".to_owned()).unwrap(),
        chain_id: 6301,
    }
}

fn aurora() -> NotaryId {
    "aurora".to_owned().try_into().unwrap()
}

/// A small generator of numbers (SplitMix64), so that a run can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A command that was acknowledged.
struct Acknowledged {
    seq: u64,
    envelope: Vec<u8>,
}

/// Somebody who sends commands until told to stop, and remembers what was acknowledged.
struct Sender {
    url: String,
    http: Http,
    folder: std::path::PathBuf,
    dice: Dice,
    acknowledged: Vec<Acknowledged>,
    /// Releases that were acknowledged to the signer, by entry.
    released: Vec<u64>,
}

impl Sender {
    fn reader(&self, name: &str) -> Option<Reader> {
        let root = fs::read(self.folder.join("root.json")).unwrap();
        Reader::open(&self.url, &self.folder.join(name), Some(&root)).ok()
    }

    fn send(&mut self, to: (Method, &str), command: Command, key: &SigningKey) -> Option<()> {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let stamp = Stamp::now(micros.try_into().unwrap()).unwrap();
        let envelope = sealed(&network(), stamp, command, std::slice::from_ref(key));
        let address = format!("{}{}", self.url, to.1);
        let reply = self.http.send(to.0, &address, envelope.clone(), 1 << 20).ok()?;
        if reply.status == StatusCode::OK {
            // An answer that was cut off is none.
            let receipt: Receipt = serde_json::from_slice(&reply.body).ok()?;
            let seq = receipt.seq;
            self.acknowledged.push(Acknowledged { seq, envelope });
        }
        Some(())
    }

    /// One thing that somebody does; what is refused is refused.
    fn step(&mut self) -> Option<()> {
        match self.dice.roll(5) {
            0 => self.submit(),
            1 => self.suspend(),
            2 => self.update_nodes(),
            _ => self.sign(),
        }
    }

    /// Another draft each time.
    fn submit(&mut self) -> Option<()> {
        let number = self.dice.roll(1 << 30);
        let mut record = admission("borealis", 42);
        record["registration_no"] = format!("HRB {number}").into();
        let nodes = serde_json::to_string(&nodes("borealis", None, vec![node("borealis", 42)])).unwrap();
        let place = Place::Nodes("borealis".to_owned().try_into().unwrap());
        let first = ledger_notary::tuf::Version::FIRST;
        let role = papers::role(&place, nodes.as_bytes(), first, now().plus(90 * DAY), &[secret(42)]);
        let role = String::from_utf8(role).unwrap();
        let admission = record.to_string();
        self.send(
            (Method::POST, "/v1/submissions"),
            Command::Submit { admission, role, nodes },
            &secret(42),
        )
    }

    fn suspend(&mut self) -> Option<()> {
        let mut reader = self.reader("deny")?;
        let mut verifier = reader.refresh(now()).ok()?;
        let published = reader.target(&mut verifier, Place::Deny.path()).ok()?;
        let begin = Suspend::Begin {
            since: now(),
            reason_sha256: Hex32([7; 32]),
        };
        let deny = papers::next_deny(&published, &aurora(), begin);
        let deny = deny
            .or_else(|_| papers::next_deny(&published, &aurora(), Suspend::Lift))
            .unwrap();
        let version = reader.next_version(&Place::Deny.role()).ok()??;
        let role = papers::role(&Place::Deny, &deny, version, now().plus(90 * DAY), &[secret(15)]);
        let [role, deny] = [role, deny].map(|bytes| String::from_utf8(bytes).unwrap());
        self.send(
            (Method::POST, "/v1/suspensions"),
            Command::Suspend { role, deny },
            &secret(15),
        )
    }

    fn update_nodes(&mut self) -> Option<()> {
        let place = Place::Nodes(aurora());
        let mut reader = self.reader("cloud")?;
        let mut verifier = reader.refresh(now()).ok()?;
        let published = reader.target(&mut verifier, place.path()).ok()?;
        let record = nodes("aurora", Some(&published), vec![node("aurora", 41)]);
        let nodes = serde_json::to_string(&record).unwrap();
        let version = reader.next_version(&place.role()).ok()??;
        let role = papers::role(&place, nodes.as_bytes(), version, now().plus(90 * DAY), &[secret(41)]);
        let role = String::from_utf8(role).unwrap();
        let command = Command::UpdateNodes { role, nodes };
        self.send((Method::PUT, "/v1/members/aurora/nodes"), command, &secret(41))
    }

    fn sign(&mut self) -> Option<()> {
        let root = fs::read(self.folder.join("root.json")).unwrap();
        let keys = OnlineKeys {
            snapshot: secret(21),
            timestamp: secret(31),
        };
        let folder = self.folder.join("signer");
        let mut signer = Signer::new(network(), &self.url, (&folder, Some(&root)), keys).ok()?;
        if let Some((_, receipt)) = signer.step(now()).ok()? {
            self.released.push(receipt.seq);
        }
        Some(())
    }
}

/// The published folder, read as it lies on the disk.
pub struct Folder<'a>(pub &'a Path);

impl World for Folder<'_> {
    type Error = UpdateError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, UpdateError> {
        let place = match request.place {
            Shelf::Metadata => "metadata",
            Shelf::Targets => "targets",
        };
        let file = fs::read(self.0.join(place).join(&request.name));
        Ok(file.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, _: &RoleName, _: &[u8]) -> Result<(), UpdateError> {
        Ok(())
    }

    fn forget(&mut self, _: &RoleName) -> Result<(), UpdateError> {
        Ok(())
    }
}

/// What somebody believes of a folder who comes for the first time.
pub fn refreshed(town: &Town, folder: &Path) -> Result<Verifier, String> {
    let root = fs::read(town.path("root.json")).unwrap();
    let stored = Stored {
        root,
        ..Stored::default()
    };
    refresh(stored, settings(), &mut Folder(folder)).map_err(|error| error.to_string())
}

/// What somebody believes of a folder who knows what the town has published.
pub fn refreshed_again(town: &Town, folder: &Path) -> Result<Verifier, String> {
    let root = fs::read(town.path("root.json")).unwrap();
    let mut reader = Reader::open(&town.url, &town.path("knows"), Some(&root)).unwrap();
    reader.refresh(now()).unwrap();
    refresh(reader.stored().unwrap(), settings(), &mut Folder(folder)).map_err(|error| error.to_string())
}

fn settings() -> Settings {
    Settings {
        now: now(),
        floor: Floor::default(),
    }
}

/// Reads everything that is published, as one who comes for the first time.
fn verify(town: &Town) {
    let published = town.published();
    let mut folder = Folder(&published);
    let mut verifier = refreshed(town, &published).expect("what is published verifies");
    let paths = [
        Place::Deny.path(),
        Place::Admission(aurora()).path(),
        Place::Nodes(aurora()).path(),
    ];
    for path in paths {
        let target = find(&mut verifier, path, &mut folder).unwrap();
        let Answer::Bytes(bytes) = folder.fetch(&verifier.request_of(&target)).unwrap() else {
            panic!("{} is listed and missing", target.path);
        };
        target.file.check(&bytes).unwrap();
    }
}

/// Looks for every acknowledged command in the storage, and gives the number of entries.
fn look_for(town: &Town, acknowledged: &[Acknowledged], released: &[u64]) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let entries = runtime.block_on(async {
        let mut storage = Storage::open(town.storage(), &network()).await.unwrap();
        let mut entries = Vec::new();
        while let Some(batch) =
            Some(storage.read(entries.len() as u64).await.unwrap()).filter(|batch| !batch.is_empty())
        {
            entries.extend(batch.iter().map(|bytes| Entry::decode(bytes).unwrap()));
        }
        storage.close().await.unwrap();
        entries
    });
    for Acknowledged { seq, envelope } in acknowledged {
        let entry = entries
            .get(usize::try_from(*seq).unwrap())
            .unwrap_or_else(|| panic!("entry {seq} was acknowledged and is gone"));
        assert_eq!(entry.body, Body::Command(envelope.clone()), "entry {seq}");
    }
    for seq in released {
        let entry = entries
            .get(usize::try_from(*seq).unwrap())
            .unwrap_or_else(|| panic!("release {seq} was acknowledged and is gone"));
        assert!(matches!(entry.body, Body::Release(_)), "entry {seq}");
    }
    entries.len() as u64
}

/// Kills the server so many times.
pub fn kill(storage: Option<String>, kills: u64) {
    let seed = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    println!("seed {seed}, {kills} kills");
    let mut dice = Dice(seed);
    let mut town = Town::new(storage);
    town.start();
    town.found();
    town.admit("aurora", 41);
    let (mut acknowledged, mut released) = (Vec::new(), Vec::new());
    for round in 0..kills {
        let is_over = Arc::new(AtomicBool::new(false));
        let sender = Sender {
            url: town.url.clone(),
            http: Http::new(Patience::PERSON).unwrap(),
            folder: town.path(""),
            dice: Dice(dice.roll(u64::MAX)),
            acknowledged: Vec::new(),
            released: Vec::new(),
        };
        let working = thread::spawn({
            let (is_over, mut sender) = (is_over.clone(), sender);
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = sender.step();
                }
                sender
            }
        });
        let life = u64::try_from(LIFE_MAX.as_micros()).unwrap();
        thread::sleep(Duration::from_micros(dice.roll(life)));
        town.kill();
        is_over.store(true, Ordering::Relaxed);
        let sender = working.join().unwrap();
        acknowledged.extend(sender.acknowledged);
        released.extend(sender.released);
        verify(&town);
        let entries = look_for(&town, &acknowledged, &released);
        town.start();
        let status = town.ok(&["status"]);
        assert_eq!(status["entries"], entries, "round {round}: as many as are stored");
        verify(&town);
    }
    println!(
        "{} commands and {} releases acknowledged",
        acknowledged.len(),
        released.len()
    );
    assert!(
        !acknowledged.is_empty() && !released.is_empty(),
        "the kills met no work"
    );
    town.audit();
}

#[test]
fn nothing_is_lost_by_kills_on_sqlite() {
    kill(None, 6);
}

#[test]
fn nothing_is_lost_by_kills_on_postgresql() {
    let Some(server) = crate::postgres::Postgres::start() else {
        return;
    };
    kill(Some(server.database("kills")), 6);
}
