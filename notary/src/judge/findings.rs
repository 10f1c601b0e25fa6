//! What does the notary say today, and what does that mean for a candidate?

use std::collections::BTreeMap;

use alloy_primitives::Address;
use ledger_chainspec::peer_id_to_text;
use sha2::{Digest, Sha256};

use super::{
    CLOCK_SKEW_SECONDS_MAX, Candidate, Holder, Keys, Refusal, StaleError, TIMESTAMP_AGE_MAX_SECONDS, Terms, Tuple,
};
use crate::{
    records::{Admission, Deny, KeyRole, Network, Node, Nodes, NotaryId, Place, RecordError, State},
    tuf::{UnixSeconds, Version},
};

/// A document of the top, by what was signed: the hash does not depend on who else signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its version.
    pub version: Version,
    /// sha256 of its canonical form.
    pub sha256: [u8; 32],
}

/// How a member stands, for whoever watches over the set.
#[derive(Debug)]
pub enum Standing {
    /// It may validate.
    Active,
    /// It may not, for the reason given: suspended by the deny role, or suspended or revoked by the working group.
    Excluded(Refusal),
    /// The notary does not say so much: no such member, an admission that is over, or no record to read.
    Unclear(Refusal),
}

/// A record of the working group, as it was read.
#[derive(Debug)]
struct Entry {
    sha256: [u8; 32],
    admission: Result<Admission, RecordError>,
}

/// What the notary says of all members.
#[derive(Debug)]
pub struct Findings {
    root: Stamp,
    targets: Stamp,
    timestamp_expires: UnixSeconds,
    admissions: BTreeMap<NotaryId, Entry>,
    /// Members by what the chain calls them.
    names: BTreeMap<String, Vec<NotaryId>>,
    deny: Result<Deny, String>,
}

/// sha256 of a file.
fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl Findings {
    /// Findings of verified documents: the trusted root, the top's targets, when the timestamp expires, the files of all
    /// admissions, and that of the deny role or why there is none.
    pub fn new(
        (root, targets): (Stamp, Stamp),
        timestamp_expires: UnixSeconds,
        admissions: impl IntoIterator<Item = (NotaryId, Vec<u8>)>,
        deny: Result<Vec<u8>, String>,
    ) -> Self {
        let read = |(id, bytes): (NotaryId, Vec<u8>)| {
            let (sha256, admission) = (sha256(&bytes), Admission::parse(&bytes));
            (id, Entry { sha256, admission })
        };
        let admissions: BTreeMap<_, _> = admissions.into_iter().map(read).collect();
        let mut names: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, entry) in &admissions {
            if let Ok(admission) = &entry.admission {
                let name = admission.member_name.to_string();
                names.entry(name).or_default().push(id.clone());
            }
        }
        Self {
            root,
            targets,
            timestamp_expires,
            admissions,
            names,
            deny: deny.and_then(|bytes| Deny::parse(&bytes).map_err(|error| error.to_string())),
        }
    }

    /// The trusted root.
    pub fn root(&self) -> Stamp {
        self.root
    }

    /// The targets of the top.
    pub fn targets(&self) -> Stamp {
        self.targets
    }

    /// Whether `other` says the same of everything that a judgement rests on. Snapshots and timestamps may be of different hours.
    ///
    /// # Errors
    /// What differs, as found here and there.
    pub fn agrees(&self, other: &Self) -> Result<(), String> {
        for (name, here, there) in [
            ("root", self.root, other.root),
            ("targets", self.targets, other.targets),
        ] {
            if here != there {
                let words = |stamp: Stamp| format!("version {} ({})", stamp.version, hex::encode(stamp.sha256));
                return Err(format!("{name} {} and {}", words(here), words(there)));
            }
        }
        match (&self.deny, &other.deny) {
            (Ok(here), Ok(there)) if here != there => Err(format!("deny.json seq {} and {}", here.seq, there.seq)),
            (Ok(_), Err(reason)) | (Err(reason), Ok(_)) => Err(format!("deny.json, and none: {reason}")),
            _ => Ok(()),
        }
    }

    /// Whether the findings are of today.
    ///
    /// # Errors
    /// [`StaleError`]
    pub fn check_fresh(&self, now: UnixSeconds) -> Result<(), StaleError> {
        let expires = self.timestamp_expires;
        if expires <= now {
            return Err(StaleError::Expired { expires, now });
        }
        if expires > now.plus(TIMESTAMP_AGE_MAX_SECONDS + CLOCK_SKEW_SECONDS_MAX) {
            return Err(StaleError::LivesTooLong { expires, now });
        }
        Ok(())
    }

    /// Which member the chain calls so, if it may validate now. Its record of nodes is what [`Findings::judge`] needs next.
    ///
    /// # Errors
    /// [`Refusal`] for the first reason why not.
    pub fn admitted(&self, name: &str, network: &Network, now: UnixSeconds) -> Result<&NotaryId, Refusal> {
        self.check_fresh(now)?;
        self.active(name, network, now).map(|(member, ..)| member)
    }

    /// What the chain calls the members that may validate now.
    pub fn names_admitted<'a>(&'a self, network: &'a Network, now: UnixSeconds) -> impl Iterator<Item = &'a str> {
        let names = self.names.keys().map(String::as_str);
        names.filter(move |name| self.admitted(name, network, now).is_ok())
    }

    /// Which member the chain calls so.
    ///
    /// # Errors
    /// [`Refusal`] if there is none, or more than one.
    pub fn member(&self, name: &str) -> Result<&NotaryId, Refusal> {
        match self.names.get(name).map(Vec::as_slice) {
            None | Some([]) => Err(Refusal::NoAdmission { name: name.to_owned() }),
            Some([id]) => Ok(id),
            Some([first, second, ..]) => Err(Refusal::TwoAdmissions {
                name: name.to_owned(),
                first: first.clone(),
                second: second.clone(),
            }),
        }
    }

    /// How the member that the chain calls `name` stands.
    pub fn standing(&self, name: &str, network: &Network, now: UnixSeconds) -> Standing {
        match self.admitted(name, network, now) {
            Ok(_) => Standing::Active,
            Err(refusal @ (Refusal::Denied { .. } | Refusal::NotActive { .. })) => Standing::Excluded(refusal),
            Err(refusal) => Standing::Unclear(refusal),
        }
    }

    /// Members that somebody has suspended or revoked, by what the chain calls each, with the reason: whatever the time, and also where there
    /// is no deny record to admit anybody by. It takes away and gives nothing, so it holds until the notary says something newer.
    pub fn exclusions(&self, network: &Network) -> BTreeMap<String, Refusal> {
        let deny = self.deny.as_ref().ok().filter(|deny| deny.network() == *network);
        let excluded = |name: &String| {
            let (member, _, admission) = self.admission(name, network).ok()?;
            Some((name.clone(), exclusion(member, admission, deny)?))
        };
        self.names.keys().filter_map(excluded).collect()
    }

    /// The tuple to vote for, if everything about the candidate is as it should be; `nodes` is its member's record.
    ///
    /// # Errors
    /// [`Refusal`] for the first rule that is broken.
    pub fn judge(&self, candidate: &Candidate, nodes: &[u8], terms: &Terms<'_>) -> Result<Tuple, Refusal> {
        self.check_fresh(terms.now)?;
        let (root, targets) = (self.root, self.targets);
        terms.floor.check(root.version, (targets.version, targets.sha256))?;
        let (member, entry, admission) = self.active(&candidate.member_name, terms.network, terms.now)?;
        let (most, got) = (admission.max_validators, terms.validators);
        if candidate.keys.is_some() && got >= most {
            let member = member.clone();
            return Err(Refusal::TooManyValidators { member, most, got });
        }
        let nodes_sha256 = check_nodes(member, candidate, nodes, terms)?;
        Ok(Tuple {
            root,
            targets,
            admission_sha256: entry.sha256,
            nodes_sha256,
        })
    }

    /// The admission by which this member may validate now.
    fn active(
        &self,
        name: &str,
        network: &Network,
        now: UnixSeconds,
    ) -> Result<(&NotaryId, &Entry, &Admission), Refusal> {
        let missing = |reason: String| Refusal::DenyMissing { reason };
        let deny = self.deny.as_ref().map_err(|reason| missing(reason.clone()))?;
        check_network(Place::Deny, &deny.network(), network)?;
        let (member, entry, admission) = self.admission(name, network)?;
        if let Some(refusal) = exclusion(member, admission, Some(deny)) {
            return Err(refusal);
        }
        let owned = || member.clone();
        let (not_before, not_after) = (admission.not_before, admission.not_after);
        if now < not_before {
            let member = owned();
            return Err(Refusal::NotYet {
                member,
                not_before,
                now,
            });
        }
        if not_after <= now {
            let member = owned();
            return Err(Refusal::Over { member, not_after, now });
        }
        Ok((member, entry, admission))
    }

    /// The member that the chain calls so, with its admission to this network.
    fn admission(&self, name: &str, network: &Network) -> Result<(&NotaryId, &Entry, &Admission), Refusal> {
        let member = self.member(name)?;
        let entry = &self.admissions[member];
        let admission = entry.admission.as_ref().expect("member() finds those that were read");
        let place = Place::Admission(member.clone());
        check_network(place.clone(), &admission.network(), network)?;
        if admission.member_id != *member {
            let got = admission.member_id.clone();
            return Err(Refusal::OtherMember { place, got });
        }
        Ok((member, entry, admission))
    }
}

/// Who says that this member may not validate, if anybody does.
fn exclusion(member: &NotaryId, admission: &Admission, deny: Option<&Deny>) -> Option<Refusal> {
    let owned = || member.clone();
    if admission.state != State::Active {
        let (member, state) = (owned(), admission.state);
        return Some(Refusal::NotActive { member, state });
    }
    let suspension = deny?.suspension(member)?;
    let (member, since) = (owned(), suspension.since);
    Some(Refusal::Denied { member, since })
}

fn check_network(place: Place, got: &Network, expected: &Network) -> Result<(), Refusal> {
    if got == expected {
        return Ok(());
    }
    let (expected, got) = (expected.clone(), got.clone());
    Err(Refusal::OtherNetwork { place, expected, got })
}

/// Whether the member's record has the candidate's node, by the words of all its keys; gives the record's hash.
fn check_nodes(member: &NotaryId, candidate: &Candidate, bytes: &[u8], terms: &Terms<'_>) -> Result<[u8; 32], Refusal> {
    let place = Place::Nodes(member.clone());
    let record = Nodes::parse(bytes).map_err(|source| Refusal::Record {
        place: place.clone(),
        source,
    })?;
    check_network(place.clone(), &record.network(), terms.network)?;
    if record.member_id != *member {
        let got = record.member_id;
        return Err(Refusal::OtherMember { place, got });
    }
    let hash = sha256(bytes);
    if candidate.record_hash != hash {
        let (expected, got) = (hex::encode(hash), hex::encode(candidate.record_hash));
        return Err(Refusal::RecordHash { expected, got });
    }
    let account = candidate.account;
    let node = record.nodes.iter().find(|node| node.account == account);
    let Some(node) = node else {
        return Err(Refusal::NoSuchNode { place, account });
    };
    if let Some(keys) = &candidate.keys {
        check_keys(&place, account, node, keys)?;
        check_holders(account, keys, terms.holders)?;
    }
    let checked = node.proofs.check(&record.statement(node), terms.now);
    checked.map_err(|source| Refusal::Proof { place, source })?;
    Ok(hash)
}

/// The keys of a candidate as texts, beside what they are for.
fn texts(keys: &Keys) -> [(KeyRole, String); 3] {
    [
        (KeyRole::Consensus, keys.consensus_key.to_string()),
        (KeyRole::Checkpoint, keys.checkpoint_key.to_string()),
        (KeyRole::Peer, peer_id_to_text(&keys.peer_id)),
    ]
}

fn check_keys(place: &Place, account: Address, node: &Node, keys: &Keys) -> Result<(), Refusal> {
    let listed = [
        node.consensus_key.to_string(),
        node.checkpoint_key.to_string(),
        node.peer_id.clone(),
    ];
    for ((role, got), expected) in texts(keys).into_iter().zip(listed) {
        if got != expected {
            return Err(Refusal::OtherKey {
                role,
                account,
                place: place.clone(),
                expected,
                got,
            });
        }
    }
    Ok(())
}

/// The candidate's own keys of before are no other's.
fn check_holders(account: Address, keys: &Keys, holders: &[Holder]) -> Result<(), Refusal> {
    for holder in holders.iter().filter(|holder| holder.account != account) {
        for ((role, key), (_, taken)) in texts(keys).into_iter().zip(texts(&holder.keys)) {
            if key == taken {
                return Err(Refusal::KeyTwice {
                    role,
                    key,
                    account,
                    holder: holder.account,
                });
            }
        }
    }
    Ok(())
}
