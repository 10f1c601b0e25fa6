//! A working group with its desk, members and online keys, whose every order can be signed by anybody; and a reader of what it publishes.

use std::collections::BTreeMap;

use ed25519_dalek::Signer;
use ledger_notary::{
    desk::{Body, Checked, Command, Complete, Desk, Draft, Entry, Hex64, Order, Refusal, Standing, SubmissionId},
    dsse::{Envelope, signable},
    records::{Deny, Hex32, Network, Place, Suspension},
    repository::Unsigned,
    tuf::{
        Answer, DelegatedRole, Delegations, Document, Floor, Request, RoleName, Root, Settings, Stored, TargetFile,
        Targets, UnixSeconds, UpdateError, Version, World, find, refresh,
    },
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    kit::{
        DAY, HOUR, NOW, ROOT_KEYS, SNAPSHOT_KEY, Sim, TIMESTAMP_KEY, keys, name, role_keys, secret, signed, version,
    },
    records::{admission, nodes, own},
};

/// Keys of the working group and of the deny role, by number.
pub const GROUP: [u8; 3] = [11, 12, 13];
pub const DENY: [u8; 2] = [41, 42];
/// A key that nobody knows.
pub const STRANGER: u8 = 99;

pub fn key(number: u8) -> Hex32 {
    Hex32(secret(number).verifying_key().to_bytes())
}

pub fn sha256(bytes: &[u8]) -> Hex32 {
    Hex32(Sha256::digest(bytes).into())
}

pub fn network() -> Network {
    Network {
        network_id: "test".to_owned().try_into().unwrap(),
        chain_id: 6301,
    }
}

pub fn text<T: Document>(document: T, signers: &[u8]) -> String {
    String::from_utf8(signed(document, signers)).unwrap()
}

/// An envelope around anything, signed by these keys.
pub fn sealed<C: Serialize + serde::de::DeserializeOwned>(order: &Order<C>, signers: &[u8]) -> Vec<u8> {
    let payload = order.payload();
    let message = signable(&payload);
    let signature = |number: &u8| (key(*number), secret(*number).sign(&message).to_bytes());
    let signatures = signers.iter().map(signature).collect();
    Envelope::new(payload, signatures).to_bytes()
}

/// Metadata of a role that list one record.
pub fn listing(place: &Place, number: u64, record: &str) -> Targets {
    let mut targets = Targets::new(version(number), NOW.plus(180 * DAY));
    targets.targets.insert(place.path(), TargetFile::of(record.as_bytes()));
    targets
}

pub fn deny_record(seq: u64, before: Option<&str>, suspended: &[&str]) -> String {
    let suspension = |member: &&str| Suspension {
        member_id: (*member).to_owned().try_into().unwrap(),
        since: NOW,
        reason_sha256: Hex32([7; 32]),
    };
    let deny = Deny {
        schema: "cloud-ledger-deny/1".to_owned(),
        network_id: network().network_id,
        chain_id: network().chain_id,
        seq,
        prev_sha256: before.map(|record| sha256(record.as_bytes())),
        suspended: suspended.iter().map(suspension).collect(),
    };
    serde_json::to_string(&deny).unwrap()
}

fn deny_role(threshold: u32) -> DelegatedRole {
    let numbers = &DENY;
    let keys = role_keys(numbers, threshold);
    let mut role = crate::kit::delegation("wg-deny", DENY[0], &["deny.json"]);
    (role.keyids, role.threshold, role.terminating) = (keys.keyids, keys.threshold, true);
    role
}

/// What the working group founds its notary with.
pub struct Founding {
    pub root: Root,
    pub root_text: String,
    pub roles: BTreeMap<RoleName, String>,
    pub files: BTreeMap<ledger_notary::tuf::TargetPath, String>,
}

impl Founding {
    pub fn new() -> Self {
        let root = Sim::new().root;
        let deny = deny_record(1, None, &[]);
        let mut top = Targets::new(Version::FIRST, NOW.plus(90 * DAY));
        top.delegations = Some(Delegations {
            keys: keys(&DENY),
            roles: vec![deny_role(1)],
        });
        Self {
            root_text: text(root.clone(), &ROOT_KEYS[..3]),
            root,
            roles: [
                (RoleName::targets(), text(top, &GROUP[..2])),
                (name("wg-deny"), text(listing(&Place::Deny, 1, &deny), &DENY[..1])),
            ]
            .into(),
            files: [(Place::Deny.path(), deny)].into(),
        }
    }

    pub fn command(&self) -> Command {
        Command::Found {
            root: self.root_text.clone(),
            roles: self.roles.clone(),
            files: self.files.clone(),
        }
    }
}

/// The member's admission, nodes and role metadata, each signed by its key.
#[derive(Clone)]
pub struct Papers {
    pub member: String,
    pub key: u8,
    pub admission: Value,
    /// Numbers of its nodes.
    pub nodes: Vec<u8>,
    pub nodes_seq: u64,
    pub nodes_before: Option<String>,
    /// Version of its metadata.
    pub version: u64,
}

impl Papers {
    /// The first ones of a member with one key and one node.
    pub fn new(member: &str, key: u8, node: u8) -> Self {
        Self {
            member: member.to_owned(),
            key,
            admission: admission(member, key),
            nodes: vec![node],
            nodes_seq: 1,
            nodes_before: None,
            version: 1,
        }
    }

    /// The next ones, after these were published.
    pub fn next(&self) -> Self {
        let draft = self.draft();
        let mut next = self.clone();
        next.version += 1;
        next.nodes_seq += 1;
        next.nodes_before = Some(draft.nodes);
        next.admission["seq"] = (self.admission["seq"].as_u64().unwrap() + 1).into();
        next.admission["prev_sha256"] = sha256(draft.admission.as_bytes()).to_string().into();
        next
    }

    pub fn place(&self) -> Place {
        Place::Nodes(self.member.clone().try_into().unwrap())
    }

    pub fn nodes_text(&self) -> String {
        let list = self.nodes.iter().map(|number| own(&self.member, *number)).collect();
        let mut record = nodes(&self.member, self.nodes_seq, list);
        record.prev_sha256 = self.nodes_before.as_ref().map(|before| sha256(before.as_bytes()));
        serde_json::to_string(&record).unwrap()
    }

    pub fn draft(&self) -> Draft {
        let nodes = self.nodes_text();
        Draft {
            admission: self.admission.to_string(),
            role: text(listing(&self.place(), self.version, &nodes), &[self.key]),
            nodes,
        }
    }

    pub fn submit(&self) -> Command {
        submit(self.draft())
    }

    pub fn update_nodes(&self) -> Command {
        let Draft { role, nodes, .. } = self.draft();
        Command::UpdateNodes { role, nodes }
    }

    /// Its admission's end, after it was published.
    pub fn revoke(&self) -> Command {
        let mut admission = self.next().admission;
        admission["state"] = "revoked".into();
        Command::Revoke {
            admission: admission.to_string(),
        }
    }
}

pub fn submit(draft: Draft) -> Command {
    let Draft { admission, role, nodes } = draft;
    Command::Submit { admission, role, nodes }
}

/// A notary: its desk, what was stored, and what readers see.
#[derive(Clone)]
pub struct House {
    pub desk: Desk,
    pub entries: Vec<Entry>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub now: UnixSeconds,
    pub sequence: u64,
}

impl House {
    /// One that is not founded.
    pub fn empty(founding: &Founding) -> Self {
        Self {
            desk: Desk::new(network(), sha256(founding.root_text.as_bytes())),
            entries: Vec::new(),
            files: BTreeMap::new(),
            now: NOW,
            sequence: 0,
        }
    }

    /// One whose first release is out.
    pub fn new() -> Self {
        let founding = Founding::new();
        let mut house = Self::empty(&founding);
        house.take(founding.command(), &ROOT_KEYS[..1]).unwrap();
        house.release().unwrap();
        house
    }

    /// One with a member, whose papers are published.
    pub fn with(papers: &Papers) -> Self {
        let mut house = Self::new();
        house.admit(papers);
        house
    }

    pub fn order<C>(&mut self, command: C) -> Order<C> {
        self.sequence += 1;
        Order {
            schema: "cloud-ledger-notary-order/1".to_owned(),
            network_id: network().network_id,
            chain_id: network().chain_id,
            nonce: sha256(&self.sequence.to_be_bytes()),
            expires: self.now.plus(HOUR),
            sequence: self.sequence,
            command,
        }
    }

    pub fn apply(&mut self, checked: Checked) -> u64 {
        let entry = checked.entry().clone();
        if let Body::Release(release) = &entry.body {
            let writes = self.desk.shelf().plan(release, entry.at).unwrap();
            self.files
                .extend(writes.into_iter().map(|write| (write.name, write.bytes)));
        }
        self.desk.apply(checked);
        self.entries.push(entry);
        self.desk.next_seq() - 1
    }

    /// Gives an envelope to the desk; the place of its entry if it was taken.
    pub fn send(&mut self, envelope: Vec<u8>) -> Result<u64, Refusal> {
        let checked = self.desk.check(Body::Command(envelope), self.now)?;
        Ok(self.apply(checked))
    }

    pub fn take(&mut self, command: Command, signers: &[u8]) -> Result<u64, Refusal> {
        let order = self.order(command);
        self.send(sealed(&order, signers))
    }

    /// The desk says no, in these words, and nothing has changed.
    #[track_caller]
    pub fn refuse(&mut self, command: Command, signers: &[u8], words: &str) {
        let before = self.desk.clone();
        match self.take(command, signers) {
            Ok(_) => panic!("{words}: was let through"),
            Err(refusal) => assert!(refusal.to_string().contains(words), "{words}: {refusal}"),
        }
        assert!(self.desk == before, "{words}: a refused command changes nothing");
    }

    /// What the online keys send for what is due; nothing if nothing is.
    pub fn completion(&mut self) -> Option<Order<Complete>> {
        let due = self.desk.due(self.now)?;
        let snapshot = due
            .snapshot
            .map(|unsigned| signed(unsigned.document().clone(), &[SNAPSHOT_KEY]));
        let timestamp = self
            .desk
            .shelf()
            .newest()
            .timestamp_after(snapshot.as_deref(), self.now.plus(DAY));
        let timestamp: Unsigned<_> = timestamp.unwrap();
        assert_eq!(timestamp.document().version, due.timestamp);
        let complete = Complete {
            snapshot: snapshot.map(|bytes| String::from_utf8(bytes).unwrap()),
            timestamp: text(timestamp.document().clone(), &[TIMESTAMP_KEY]),
        };
        Some(self.order(complete))
    }

    /// Lets the online keys sign what is due, and readers read it.
    pub fn release(&mut self) -> Result<u64, Refusal> {
        let Some(order) = self.completion() else {
            return Err(Refusal::NotDue { got: "nothing is" });
        };
        let checked = self.desk.complete(&sealed(&order, &[TIMESTAMP_KEY]), self.now)?;
        let seq = self.apply(checked);
        self.read();
        Ok(seq)
    }

    /// The newest submission.
    pub fn submission(&self) -> (SubmissionId, Hex32) {
        let newest = self.desk.submissions().last().unwrap();
        (newest.id, newest.draft_sha256)
    }

    pub fn verify(&self) -> Command {
        let (submission, draft_sha256) = self.submission();
        Command::Verify {
            submission,
            draft_sha256,
        }
    }

    /// An approval of what is proposed, with the signature of a key.
    pub fn approve(&self, number: u8) -> Command {
        let proposal = self.desk.proposal().unwrap();
        Command::Approve {
            version: proposal.version(),
            signable_sha256: proposal.signable_sha256(),
            signature: Hex64(secret(number).sign(proposal.signable()).to_bytes()),
        }
    }

    /// Two of the working group sign what is proposed, and it is published.
    pub fn pass(&mut self) {
        for number in &GROUP[..2] {
            self.take(self.approve(*number), &[*number]).unwrap();
        }
        self.release().unwrap();
    }

    /// All the way from papers to a member.
    pub fn admit(&mut self, papers: &Papers) {
        self.take(papers.submit(), &[papers.key]).unwrap();
        self.take(self.verify(), &GROUP[..1]).unwrap();
        self.pass();
    }

    pub fn suspend(&self, number: u64, suspended: &[&str]) -> (String, String) {
        let before = self.desk.shelf().record(&Place::Deny).unwrap();
        let deny = deny_record(number, Some(str::from_utf8(before).unwrap()), suspended);
        (text(listing(&Place::Deny, number, &deny), &DENY[..1]), deny)
    }

    pub fn standing(&self, member: &str) -> Standing {
        let id = member.to_owned().try_into().unwrap();
        self.desk.member(&id, self.now).unwrap().standing
    }

    /// Reads all of it as somebody who comes for the first time, with the verifier that nodes have; every record, by its path.
    pub fn read(&self) -> BTreeMap<String, Vec<u8>> {
        let mut world = Files(&self.files);
        let settings = Settings {
            now: self.now,
            floor: Floor::default(),
        };
        let stored = Stored {
            root: self.files["1.root.json"].clone(),
            ..Stored::default()
        };
        let mut verifier = refresh(stored, settings, &mut world).expect("what is published can be read");
        let mut records = BTreeMap::new();
        let top = verifier.targets().unwrap().get().clone();
        let listed = top.targets.keys().cloned();
        let delegated = top.delegated().map(|(_, role)| match &role.paths {
            ledger_notary::tuf::Paths::Patterns(patterns) => String::from(patterns[0].clone()).try_into().unwrap(),
            ledger_notary::tuf::Paths::HashPrefixes(_) => panic!("this house delegates by path"),
        });
        for path in listed.chain(delegated).collect::<Vec<_>>() {
            let Ok(target) = find(&mut verifier, path.clone(), &mut world) else {
                // A member's metadata may have expired; then it is no member for readers.
                continue;
            };
            let Ok(Answer::Bytes(bytes)) = world.fetch(&verifier.request_of(&target)) else {
                panic!("{path} is listed and missing");
            };
            target.file.check(&bytes).expect("a published file is the one listed");
            records.insert(path.to_string(), bytes);
        }
        records
    }
}

struct Files<'a>(&'a BTreeMap<String, Vec<u8>>);

impl World for Files<'_> {
    type Error = UpdateError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, UpdateError> {
        let file = self.0.get(&request.name).cloned();
        Ok(file.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, _: &RoleName, _: &[u8]) -> Result<(), UpdateError> {
        Ok(())
    }

    fn forget(&mut self, _: &RoleName) -> Result<(), UpdateError> {
        Ok(())
    }
}
