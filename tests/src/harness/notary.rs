//! A notary for a test: a repository that the crate's own writer publishes, and a server of its files on this machine.
//!
//! The keys are made of small numbers. Whoever plays the working group, the deny role or a member says what the records are; metadata,
//! snapshot and timestamp follow by themselves.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::{Signer, SigningKey};
use ledger_notary::{
    records::{Deny, Hex32, Suspension},
    repository::{Release, Repository, Unsigned},
    tuf::{
        DelegatedRole, Delegations, Document, Key, KeyId, PathPattern, Paths, RoleKeys, RoleName, Roles, Root,
        Signature, TargetFile, Targets, UnixSeconds, Version,
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;

const DAY: u64 = 86_400;
const ROOT: u8 = 1;
const WORKING_GROUP: u8 = 2;
const ONLINE: u8 = 3;
const DENY: u8 = 4;
/// Of every member of a test.
const MEMBER: u8 = 5;
const DENY_ROLE: &str = "wg-deny";
const DENY_PATH: &str = "deny.json";

/// A network's notary.
#[derive(Debug)]
pub struct TestNotary {
    folder: TempDir,
    repository: Repository,
    chain: (String, u64),
    roles: BTreeMap<String, Targets>,
    files: BTreeMap<String, Vec<u8>>,
}

fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> Key {
    Key::Ed25519(secret(number).verifying_key().to_bytes())
}

fn role_keys(number: u8) -> RoleKeys {
    RoleKeys {
        keyids: vec![public(number).id()],
        threshold: NonZeroU32::MIN,
    }
}

fn signed<T: Document>(unsigned: &Unsigned<T>, number: u8) -> Vec<u8> {
    let signature = secret(number).sign(unsigned.signable()).to_bytes();
    let signature = Signature::new(public(number).id().into(), &signature);
    unsigned.file(&[signature.expect("a key id is one")])
}

fn name(role: &str) -> RoleName {
    role.to_owned().try_into().expect("a short name")
}

fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixSeconds::new(since.expect("after 1970").as_secs())
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    alloy_primitives::hex::encode(sha2::Sha256::digest(bytes))
}

impl TestNotary {
    /// A notary of the chain of this name and id, with nobody admitted and nobody suspended.
    ///
    /// # Panics
    /// If it cannot be published.
    pub fn new(chain: &str, chain_id: u64) -> Self {
        let folder = TempDir::with_prefix("ledger-notary-").expect("a temporary folder can be made");
        let repository = Repository::open(folder.path()).expect("a new folder is a repository");
        let mut notary = Self {
            folder,
            repository,
            chain: (chain.to_owned(), chain_id),
            roles: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        notary.delegate(DENY_ROLE, DENY_PATH, DENY);
        notary.put_deny(&[]);
        notary.publish(&["targets", DENY_ROLE]);
        notary
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The root file that trust starts from.
    pub fn root(&self) -> PathBuf {
        self.path().join("metadata/1.root.json")
    }

    /// The sha256 of that file.
    ///
    /// # Panics
    /// If it is not there.
    pub fn root_sha256(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(fs::read(self.root()).expect("it was published")).into()
    }

    /// A copy of all files, as they are now.
    ///
    /// # Panics
    /// If they cannot be copied.
    pub fn copy(&self) -> TempDir {
        let copy = TempDir::with_prefix("ledger-notary-").expect("a temporary folder can be made");
        for part in ["metadata", "targets"] {
            let to = copy.path().join(part);
            fs::create_dir(&to).expect("a folder can be made");
            for entry in fs::read_dir(self.path().join(part)).expect("it was published") {
                let entry = entry.expect("it can be listed");
                fs::copy(entry.path(), to.join(entry.file_name())).expect("it can be copied");
            }
        }
        copy
    }

    /// The working group says that the member `id`, which the chain calls `called`, is `state`.
    ///
    /// # Panics
    /// If it cannot be published.
    pub fn admit(&mut self, id: &str, called: &str, state: &str) {
        let mut record = json!({
            "schema": "cloud-ledger-admission/1",
            "network_id": self.chain.0,
            "chain_id": self.chain.1,
            "member_id": id,
            "member_name": called,
            "legal_name": called,
            "registration_no": "1",
            "jurisdiction": "DE",
            "passport": {
                "scheme": "test",
                "cert_id": "1",
                "evidence_sha256": "11".repeat(32),
                "issuer_keyids": ["22".repeat(32)],
            },
            "member_keys": [alloy_primitives::hex::encode(secret(MEMBER).verifying_key().to_bytes())],
            "max_validators": 1,
            "not_before": "2020-01-01T00:00:00Z",
            "not_after": "2090-01-01T00:00:00Z",
            "state": state,
        });
        let path = format!("m.{id}.admission.json");
        self.follow(&path, &mut record);
        self.put("targets", &path, record.to_string().into_bytes());
        let (role, nodes) = (format!("m-{id}"), format!("m.{id}.nodes.json"));
        if self.roles.contains_key(&role) {
            self.publish(&["targets"]);
        } else {
            // A role that is delegated to is there from the start, if with nothing to say.
            self.delegate(&role, &nodes, MEMBER);
            self.roles
                .insert(role.clone(), Targets::new(Version::FIRST, now().plus(DAY)));
            self.publish(&["targets", &role]);
        }
    }

    /// The member `id` publishes its record of nodes.
    ///
    /// # Panics
    /// If it cannot be published.
    pub fn put_nodes(&mut self, id: &str, record: Vec<u8>) {
        let role = format!("m-{id}");
        self.put(&role, &format!("m.{id}.nodes.json"), record);
        self.publish(&[&role]);
    }

    /// The deny role suspends these members, and no others.
    ///
    /// # Panics
    /// If it cannot be published.
    pub fn deny(&mut self, members: &[&str]) {
        self.put_deny(members);
        self.publish(&[DENY_ROLE]);
    }

    fn put_deny(&mut self, members: &[&str]) {
        let suspension = |member: &&str| Suspension {
            member_id: (*member).to_owned().try_into().expect("an id"),
            since: now(),
            reason_sha256: Hex32([3; 32]),
        };
        let record = Deny {
            schema: "cloud-ledger-deny/1".to_owned(),
            network_id: self.chain.0.clone().try_into().expect("a chain's name is one"),
            chain_id: self.chain.1,
            seq: 1,
            prev_sha256: None,
            suspended: members.iter().map(suspension).collect(),
        };
        let mut record = serde_json::to_value(record).expect("a record is JSON");
        self.follow(DENY_PATH, &mut record);
        self.put(DENY_ROLE, DENY_PATH, record.to_string().into_bytes());
    }

    /// Lets a record come after the one that is there.
    fn follow(&self, path: &str, record: &mut Value) {
        record["seq"] = 1.into();
        if let Some(before) = self.files.get(path) {
            let old: Value = serde_json::from_slice(before).expect("it was written here");
            record["seq"] = (old["seq"].as_u64().unwrap_or_default() + 1).into();
            record["prev_sha256"] = sha256(before).into();
        }
    }

    fn delegate(&mut self, role: &str, path: &str, number: u8) {
        let RoleKeys { keyids, threshold } = role_keys(number);
        let top = self.targets("targets");
        let all = top.delegations.get_or_insert_with(|| Delegations {
            keys: BTreeMap::new(),
            roles: Vec::new(),
        });
        all.keys.insert(public(number).id(), public(number));
        let pattern = PathPattern::try_from(path.to_owned()).expect("a short path");
        all.roles.push(DelegatedRole {
            name: name(role),
            keyids,
            threshold,
            terminating: true,
            paths: Paths::Patterns(vec![pattern]),
        });
    }

    fn targets(&mut self, role: &str) -> &mut Targets {
        let empty = || Targets::new(Version::FIRST, now().plus(30 * DAY));
        self.roles.entry(role.to_owned()).or_insert_with(empty)
    }

    fn put(&mut self, role: &str, path: &str, content: Vec<u8>) {
        let at = path.to_owned().try_into().expect("a short path");
        self.targets(role).targets.insert(at, TargetFile::of(&content));
        self.files.insert(path.to_owned(), content);
    }

    /// Publishes these roles with all their files.
    fn publish(&mut self, roles: &[&str]) {
        let time = now();
        let mut release = Release::default();
        if !self.root().exists() {
            let numbers = [ROOT, WORKING_GROUP, ONLINE];
            let keys: BTreeMap<KeyId, Key> = numbers.map(|number| (public(number).id(), public(number))).into();
            let roles = Roles {
                root: role_keys(ROOT),
                targets: role_keys(WORKING_GROUP),
                snapshot: role_keys(ONLINE),
                timestamp: role_keys(ONLINE),
            };
            let root = Root::new(Version::FIRST, time.plus(365 * DAY), keys, roles);
            release.root = Some(signed(&Unsigned::new(root), ROOT));
        }
        for role in roles {
            let number = match *role {
                "targets" => WORKING_GROUP,
                DENY_ROLE => DENY,
                _ => MEMBER,
            };
            let targets = self.targets(role);
            let document = targets.clone();
            targets.version = targets.version.next().expect("a small number has a next");
            for path in document.targets.keys() {
                release.files.insert(path.clone(), self.files[path.as_str()].clone());
            }
            release
                .roles
                .insert(name(role), signed(&Unsigned::new(document), number));
        }
        let snapshot = self
            .repository
            .newest()
            .snapshot_after(&release.roles, time.plus(7 * DAY));
        release.snapshot = Some(signed(&snapshot.expect("roles were signed"), ONLINE));
        let timestamp = self
            .repository
            .newest()
            .timestamp_after(release.snapshot.as_deref(), time.plus(DAY));
        release.timestamp = signed(&timestamp.expect("a snapshot was signed"), ONLINE);
        self.repository
            .publish(&release, time)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A server of the files in a folder, until it is dropped.
#[derive(Debug)]
pub struct FileServer {
    address: SocketAddr,
    folder: Arc<Mutex<Option<PathBuf>>>,
    is_over: Arc<AtomicBool>,
}

impl FileServer {
    /// Serves `folder` at a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If there is none.
    pub fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let is_over = Arc::new(AtomicBool::new(false));
        let folder = Arc::new(Mutex::new(Some(folder.to_owned())));
        let (served, over) = (Arc::clone(&folder), Arc::clone(&is_over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let folder = served.lock().expect("nobody panics with it").clone();
                if let (Ok(stream), Some(folder)) = (stream, folder) {
                    thread::spawn(move || {
                        // A client that went away is none that waits.
                        let _ = answer(&folder, stream);
                    });
                }
            }
        });
        Self {
            address,
            folder,
            is_over,
        }
    }

    /// Serves another folder from now on; none: it hangs up on everybody.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    pub fn serve(&self, folder: Option<&Path>) {
        *self.folder.lock().expect("nobody panics with it") = folder.map(Path::to_owned);
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One request, one answer.
fn answer(folder: &Path, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let is_inside = path.split('/').all(|part| !part.is_empty() && part != "..");
    let found = if is_inside {
        fs::read(folder.join(path)).ok()
    } else {
        None
    };
    let (status, body) = match found {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}
