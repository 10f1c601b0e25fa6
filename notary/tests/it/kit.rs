//! A repository in memory whose every document can be changed, signed by anybody and served under any name; and a reader of it
//! that remembers what it kept and what it asked for.

use std::{collections::BTreeMap, num::NonZeroU32};

use ed25519_dalek::{Signer, SigningKey};
use ledger_notary::{
    repository::Unsigned,
    tuf::{
        Answer, DelegatedRole, Delegations, Document, Floor, Key, KeyId, Kind, MetaFile, PathPattern, Paths, Place,
        Request, RoleKeys, RoleName, Roles, Root, Settings, Signature, Snapshot, Stored, Target, TargetFile,
        TargetPath, Targets, Timestamp, UnixSeconds, UpdateError, Verifier, Version, World, find, refresh,
    },
};

/// 2026-11-26T00:00:00Z.
pub const NOW: UnixSeconds = UnixSeconds::new(1_795_651_200);
pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 24 * HOUR;

/// Keys of the roles of the top, by number.
pub const ROOT_KEYS: [u8; 5] = [1, 2, 3, 4, 5];
pub const TARGETS_KEYS: [u8; 3] = [11, 12, 13];
pub const SNAPSHOT_KEY: u8 = 21;
pub const TIMESTAMP_KEY: u8 = 31;

pub fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub fn public(number: u8) -> Key {
    Key::Ed25519(secret(number).verifying_key().to_bytes())
}

pub fn keys(numbers: &[u8]) -> BTreeMap<KeyId, Key> {
    numbers
        .iter()
        .map(|number| (public(*number).id(), public(*number)))
        .collect()
}

pub fn role_keys(numbers: &[u8], threshold: u32) -> RoleKeys {
    RoleKeys {
        keyids: numbers.iter().map(|number| public(*number).id()).collect(),
        threshold: NonZeroU32::new(threshold).unwrap(),
    }
}

pub fn name(text: &str) -> RoleName {
    text.to_owned().try_into().unwrap()
}

pub fn path(text: &str) -> TargetPath {
    text.to_owned().try_into().unwrap()
}

pub fn version(number: u64) -> Version {
    number.try_into().unwrap()
}

/// The file of a document, signed by these keys.
pub fn signed<T: Document>(document: T, signers: &[u8]) -> Vec<u8> {
    let unsigned = Unsigned::new(document);
    let signature = |number: &u8| {
        let signature = secret(*number).sign(unsigned.signable()).to_bytes();
        Signature::new(public(*number).id().into(), &signature).unwrap()
    };
    unsigned.file(&signers.iter().map(signature).collect::<Vec<_>>())
}

pub fn delegation(role: &str, number: u8, patterns: &[&str]) -> DelegatedRole {
    let RoleKeys { keyids, threshold } = role_keys(&[number], 1);
    let patterns = patterns
        .iter()
        .map(|pattern| PathPattern::try_from((*pattern).to_owned()).unwrap());
    DelegatedRole {
        name: name(role),
        keyids,
        threshold,
        terminating: false,
        paths: Paths::Patterns(patterns.collect()),
    }
}

/// Lets a role delegate to another one more.
pub fn delegate(from: &mut Targets, to: DelegatedRole, number: u8) {
    let all = from.delegations.get_or_insert_with(|| Delegations {
        keys: BTreeMap::new(),
        roles: Vec::new(),
    });
    all.keys.extend(keys(&[number]));
    all.roles.push(to);
}

/// A repository. What it serves is `files`; the documents are what the next `put_*` signs.
#[derive(Clone)]
pub struct Sim {
    pub files: BTreeMap<String, Vec<u8>>,
    pub root: Root,
    pub timestamp: Timestamp,
    pub snapshot: Snapshot,
    pub roles: BTreeMap<RoleName, Targets>,
    /// Who signs for which role.
    pub signers: BTreeMap<RoleName, Vec<u8>>,
}

impl Sim {
    pub fn new() -> Self {
        let every: Vec<u8> = [&ROOT_KEYS[..], &TARGETS_KEYS, &[SNAPSHOT_KEY, TIMESTAMP_KEY]].concat();
        let roles = Roles {
            root: role_keys(&ROOT_KEYS, 3),
            targets: role_keys(&TARGETS_KEYS, 2),
            snapshot: role_keys(&[SNAPSHOT_KEY], 1),
            timestamp: role_keys(&[TIMESTAMP_KEY], 1),
        };
        let first = Version::FIRST;
        let listed = MetaFile {
            version: first,
            length: None,
            hashes: None,
        };
        let signers = [
            (RoleName::root(), ROOT_KEYS[..3].to_vec()),
            (RoleName::targets(), TARGETS_KEYS[..2].to_vec()),
            (RoleName::snapshot(), vec![SNAPSHOT_KEY]),
            (RoleName::timestamp(), vec![TIMESTAMP_KEY]),
        ];
        let mut sim = Self {
            files: BTreeMap::new(),
            root: Root::new(first, NOW.plus(365 * DAY), keys(&every), roles),
            timestamp: Timestamp::new(first, NOW.plus(DAY), listed),
            snapshot: Snapshot::new(first, NOW.plus(7 * DAY), BTreeMap::new()),
            roles: [(RoleName::targets(), Targets::new(first, NOW.plus(90 * DAY)))].into(),
            signers: signers.into(),
        };
        sim.put_root();
        sim.put_role("targets");
        sim.put_snapshot();
        sim.put_timestamp();
        sim
    }

    pub fn targets(&mut self) -> &mut Targets {
        self.role("targets")
    }

    pub fn role(&mut self, role: &str) -> &mut Targets {
        self.roles.get_mut(&name(role)).unwrap()
    }

    pub fn put_root(&mut self) {
        let file = signed(self.root.clone(), &self.signers[&RoleName::root()]);
        self.files.insert(format!("{}.root.json", self.root.version), file);
    }

    /// Serves a role's metadata and lists them in the snapshot to come.
    pub fn put_role(&mut self, role: &str) {
        let role = name(role);
        let targets = self.roles[&role].clone();
        let file = signed(targets.clone(), &self.signers[&role]);
        self.snapshot
            .meta
            .insert(role.document(), MetaFile::of(targets.version, &file));
        let encoded = ledger_notary::tuf::names::encoded(role.as_str());
        self.files.insert(format!("{}.{encoded}.json", targets.version), file);
    }

    /// Serves the snapshot and lists it in the timestamp to come.
    pub fn put_snapshot(&mut self) {
        let file = signed(self.snapshot.clone(), &self.signers[&RoleName::snapshot()]);
        self.timestamp.meta.snapshot = MetaFile::of(self.snapshot.version, &file);
        self.files
            .insert(format!("{}.snapshot.json", self.snapshot.version), file);
    }

    pub fn put_timestamp(&mut self) {
        let file = signed(self.timestamp.clone(), &self.signers[&RoleName::timestamp()]);
        self.files.insert("timestamp.json".to_owned(), file);
    }

    /// Another snapshot and timestamp.
    pub fn release(&mut self) {
        self.snapshot.version = self.snapshot.version.next().unwrap();
        self.put_snapshot();
        self.release_timestamp();
    }

    pub fn release_timestamp(&mut self) {
        self.timestamp.version = self.timestamp.version.next().unwrap();
        self.put_timestamp();
    }

    /// New metadata of a role, then another snapshot and timestamp.
    pub fn release_role(&mut self, role: &str) {
        let targets = self.role(role);
        targets.version = targets.version.next().unwrap();
        self.put_role(role);
        self.release();
    }

    /// Another root.
    pub fn release_root(&mut self) {
        self.root.version = self.root.version.next().unwrap();
        self.put_root();
    }

    /// A delegated role that `from` delegates to, without files, and with its metadata served.
    pub fn add_role(&mut self, from: &str, to: DelegatedRole, number: u8) {
        let role = to.name.clone();
        delegate(self.role(from), to, number);
        let targets = Targets::new(Version::FIRST, NOW.plus(90 * DAY));
        self.roles.entry(role.clone()).or_insert(targets);
        self.signers.insert(role.clone(), vec![number]);
        self.put_role(role.as_str());
    }

    /// Lets a role list a file, and serves it.
    pub fn add_file(&mut self, role: &str, at: &str, content: &[u8]) {
        let file = TargetFile::of(content);
        self.files
            .insert(format!("{}.{at}", file.hashes.prefix()), content.to_vec());
        self.role(role).targets.insert(path(at), file);
    }

    /// Who may sign for a role of the top from the next root on, and who does.
    pub fn hand_over(&mut self, kind: Kind, numbers: &[u8], threshold: u32) {
        self.root.keys.extend(keys(numbers));
        let keys = role_keys(numbers, threshold);
        let (role, place) = match kind {
            Kind::Root => (RoleName::root(), &mut self.root.roles.root),
            Kind::Targets => (RoleName::targets(), &mut self.root.roles.targets),
            Kind::Snapshot => (RoleName::snapshot(), &mut self.root.roles.snapshot),
            Kind::Timestamp => (RoleName::timestamp(), &mut self.root.roles.timestamp),
        };
        *place = keys;
        self.signers.insert(role, numbers.to_vec());
    }
}

/// A reader: what it kept, and what it asked for last time.
#[derive(Clone)]
pub struct Reader {
    pub stored: Stored,
    pub asked: Vec<String>,
    pub now: UnixSeconds,
    pub floor: Floor,
}

struct Visit<'a> {
    sim: &'a Sim,
    reader: &'a mut Reader,
}

impl World for Visit<'_> {
    type Error = UpdateError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, UpdateError> {
        if request.place == Place::Metadata {
            self.reader.asked.push(request.name.clone());
        }
        let file = self.sim.files.get(&request.name).cloned();
        Ok(file.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), UpdateError> {
        if *role == RoleName::root() {
            self.reader.stored.root = bytes.to_vec();
        } else {
            self.reader.stored.others.insert(role.clone(), bytes.to_vec());
        }
        Ok(())
    }

    fn forget(&mut self, role: &RoleName) -> Result<(), UpdateError> {
        self.reader.stored.others.remove(role);
        Ok(())
    }
}

impl Reader {
    /// A reader that comes for the first time.
    pub fn new(sim: &Sim) -> Self {
        Self {
            stored: Stored {
                root: sim.files["1.root.json"].clone(),
                ..Stored::default()
            },
            asked: Vec::new(),
            now: NOW,
            floor: Floor::default(),
        }
    }

    /// A reader that was here before.
    pub fn of(sim: &Sim) -> Self {
        let mut reader = Self::new(sim);
        reader.refresh(sim).expect("what the kit serves by itself is good");
        reader
    }

    pub fn refresh(&mut self, sim: &Sim) -> Result<Verifier, UpdateError> {
        self.asked.clear();
        let (now, floor) = (self.now, self.floor);
        let stored = self.stored.clone();
        refresh(stored, Settings { now, floor }, &mut Visit { sim, reader: self })
    }

    /// Refreshes, then searches.
    pub fn find(&mut self, sim: &Sim, at: &str) -> Result<Target, UpdateError> {
        let mut verifier = self.refresh(sim)?;
        find(&mut verifier, path(at), &mut Visit { sim, reader: self })
    }

    /// Searches, and fetches what was found.
    pub fn download(&mut self, sim: &Sim, at: &str) -> Result<Vec<u8>, String> {
        let mut verifier = self.refresh(sim).map_err(|error| error.to_string())?;
        let mut visit = Visit { sim, reader: self };
        let target = find(&mut verifier, path(at), &mut visit).map_err(|error| error.to_string())?;
        let answer = visit
            .fetch(&verifier.request_of(&target))
            .map_err(|error| error.to_string())?;
        let Answer::Bytes(bytes) = answer else {
            return Err("missing".to_owned());
        };
        target.file.check(&bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// Versions of what is kept, by role; 0 for what is not.
    pub fn kept(&self, role: &str) -> u64 {
        let bytes = if role == "root" {
            Some(&self.stored.root)
        } else {
            self.stored.others.get(&name(role))
        };
        let number = |bytes: &Vec<u8>| {
            let file: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            file["signed"]["version"].as_u64().unwrap()
        };
        bytes.map_or(0, number)
    }
}

/// The rule that a refusal names: the words up to the second space, such as `TUF 5.4.3.1:`.
#[track_caller]
pub fn assert_refused<T>(outcome: Result<T, UpdateError>, words: &str) {
    let error = outcome
        .err()
        .unwrap_or_else(|| panic!("{words}: was let through"))
        .to_string();
    assert!(error.contains(words), "{words}: {error}");
}
