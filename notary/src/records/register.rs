//! Do all records together make sense? One network, one member for each record, keys that occur once, no more nodes than were
//! admitted, and no version of a record that was passed over.
//!
//! Called by the writer with all that will be published; what has not changed was checked when it came, and is held here only against
//! what is new.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    Admission, Deny, Hex32, KeyRole, Network, Node, Nodes, NotaryId, Place, ProofError, RecordError, State,
    proof::peer_key,
};
use crate::tuf::{DelegatedRole, Key, Paths, RoleName, TargetPath, UnixSeconds};

/// Why records do not go together.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// Not of the record's schema.
    #[error("{place}: {source}")]
    Record {
        /// Which.
        place: Place,
        /// What is wrong with it.
        source: RecordError,
    },
    /// A record's path under another role than the one that may speak of it.
    #[error("{path} is listed by {got}, but such a record is listed by {expected}")]
    WrongRole {
        /// The path.
        path: TargetPath,
        /// The role that may list it.
        expected: RoleName,
        /// The role that does.
        got: RoleName,
    },
    /// It speaks of another member than its path does.
    #[error("{place} speaks of member {got}")]
    OtherMember {
        /// Which.
        place: Place,
        /// The member in it.
        got: NotaryId,
    },
    /// It is for another chain.
    #[error("{place} is for network {got}, all others are for {expected}")]
    OtherNetwork {
        /// Which.
        place: Place,
        /// The network of the first record.
        expected: Network,
        /// The network in it.
        got: Network,
    },
    /// Nobody admitted the member.
    #[error("{place} is of a member that has no admission")]
    NotAdmitted {
        /// Which.
        place: Place,
    },
    /// Whoever is admitted by its name on the chain could be either.
    #[error("{second} is called {name:?}, as {first} is already; the chain knows members by their names")]
    NameTwice {
        /// The name on the chain.
        name: String,
        /// Who has it.
        first: NotaryId,
        /// Who wants it as well.
        second: NotaryId,
    },
    /// The member's role is not what the admission says.
    #[error("{role} must be terminating, for {path} alone, and have exactly the member_keys of the admission")]
    Delegation {
        /// The role.
        role: RoleName,
        /// The record that it may write.
        path: TargetPath,
    },
    /// The deny role may do more than suspend.
    #[error("{role} must be terminating and for {path} alone")]
    DenyRole {
        /// The role.
        role: RoleName,
        /// The record that it may write.
        path: TargetPath,
    },
    /// There is a deny role, and no record of it.
    #[error("{role} lists no {path}, without which readers admit nobody: publish one, if with an empty list")]
    DenyMissing {
        /// The role.
        role: RoleName,
        /// The record.
        path: TargetPath,
    },
    /// More nodes than were admitted.
    #[error("{place} has {got} nodes, the admission allows {most}")]
    TooManyNodes {
        /// Which.
        place: Place,
        /// How many may be.
        most: u32,
        /// How many are.
        got: usize,
    },
    /// A change by a member that may not validate.
    #[error("{place} changes, but the member is {state:?}")]
    NotActive {
        /// Which.
        place: Place,
        /// The state in its admission.
        state: State,
    },
    /// Does not follow what is published.
    #[error("{place} has seq {got} and prev_sha256 {prev}, after seq {published} with sha256 {sha256}")]
    Sequence {
        /// Which.
        place: Place,
        /// The published seq.
        published: u64,
        /// sha256 of what is published.
        sha256: Hex32,
        /// The new seq.
        got: u64,
        /// What the new one says of the one before.
        prev: String,
    },
    /// A key has not given its word.
    #[error("{place}: {source}")]
    Proof {
        /// Which.
        place: Place,
        /// Whose word is missing.
        source: ProofError,
    },
    /// One key, two places.
    #[error("{second} has the {role} key {key}, which {first} has already; every key has one place")]
    KeyTwice {
        /// The key.
        key: String,
        /// What it is in the second place.
        role: KeyRole,
        /// Who has it.
        first: NotaryId,
        /// Who wants it as well.
        second: NotaryId,
    },
}

/// A record that will be published, and what lies in its place now.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its path.
    pub path: &'a TargetPath,
    /// The role that lists it.
    pub role: &'a RoleName,
    /// Its file.
    pub bytes: &'a [u8],
    /// The file that is published in its place, if any.
    pub published: Option<&'a [u8]>,
}

impl Record<'_> {
    fn is_new(&self) -> bool {
        self.published != Some(self.bytes)
    }
}

/// All records as they are read.
#[derive(Debug, Default)]
pub struct Register {
    network: Option<Network>,
    admissions: BTreeMap<NotaryId, Admission>,
    nodes: BTreeMap<NotaryId, Nodes>,
    has_deny: bool,
}

impl Register {
    /// Reads all records and holds them against each other, and against the roles that are delegated to.
    ///
    /// # Errors
    /// [`RegisterError`] for the first contradiction.
    pub fn check<'a>(
        records: &[Record<'a>],
        delegated: impl Iterator<Item = (&'a DelegatedRole, Vec<&'a Key>)>,
        now: UnixSeconds,
    ) -> Result<(), RegisterError> {
        let mut register = Self::default();
        let mut changed = Vec::new();
        for record in records {
            let Some(place) = Place::of(record.path) else {
                continue;
            };
            if place.role() != *record.role {
                return Err(RegisterError::WrongRole {
                    path: record.path.clone(),
                    expected: place.role(),
                    got: record.role.clone(),
                });
            }
            register.add(&place, record)?;
            if let (Place::Nodes(id), true) = (place, record.is_new()) {
                changed.push(id);
            }
        }
        register.check_members(delegated)?;
        for id in changed {
            register.check_change(&id, now)?;
        }
        register.check_keys()
    }

    fn add(&mut self, place: &Place, record: &Record<'_>) -> Result<(), RegisterError> {
        let refused = |source| RegisterError::Record {
            place: place.clone(),
            source,
        };
        let (member, network, sequence) = match place {
            Place::Admission(id) => {
                let admission = Admission::parse(record.bytes).map_err(refused)?;
                let before = record.published.map(Admission::parse).transpose().map_err(refused)?;
                let sequence = (before.map(|before| before.seq), admission.seq, admission.prev_sha256);
                let (got, network) = (admission.member_id.clone(), admission.network());
                self.admissions.insert(id.clone(), admission);
                (Some((id, got)), network, sequence)
            }
            Place::Nodes(id) => {
                let nodes = Nodes::parse(record.bytes).map_err(refused)?;
                let before = record.published.map(Nodes::parse).transpose().map_err(refused)?;
                let sequence = (before.map(|before| before.seq), nodes.seq, nodes.prev_sha256);
                let (got, network) = (nodes.member_id.clone(), nodes.network());
                self.nodes.insert(id.clone(), nodes);
                (Some((id, got)), network, sequence)
            }
            Place::Deny => {
                let deny = Deny::parse(record.bytes).map_err(refused)?;
                let before = record.published.map(Deny::parse).transpose().map_err(refused)?;
                let sequence = (before.map(|before| before.seq), deny.seq, deny.prev_sha256);
                self.has_deny = true;
                (None, deny.network(), sequence)
            }
        };
        if let Some((id, got)) = member
            && got != *id
        {
            let place = place.clone();
            return Err(RegisterError::OtherMember { place, got });
        }
        check_sequence(place, record, sequence)?;
        let expected = self.network.get_or_insert_with(|| network.clone());
        if *expected != network {
            return Err(RegisterError::OtherNetwork {
                place: place.clone(),
                expected: expected.clone(),
                got: network,
            });
        }
        Ok(())
    }

    /// Every record of nodes has an admission, and every admitted member and the deny role are delegated to as they should be.
    fn check_members<'a>(
        &self,
        delegated: impl Iterator<Item = (&'a DelegatedRole, Vec<&'a Key>)>,
    ) -> Result<(), RegisterError> {
        let roles: BTreeMap<_, _> = delegated
            .map(|(role, keys)| (role.name.clone(), (role, keys)))
            .collect();
        for (id, nodes) in &self.nodes {
            let place = Place::Nodes(id.clone());
            let Some(admission) = self.admissions.get(id) else {
                return Err(RegisterError::NotAdmitted { place });
            };
            let (most, got) = (admission.max_validators, nodes.nodes.len());
            if got > most as usize {
                return Err(RegisterError::TooManyNodes { place, most, got });
            }
        }
        for (id, admission) in &self.admissions {
            let place = Place::Nodes(id.clone());
            if let Some((role, keys)) = roles.get(&place.role())
                && !is_members(role, keys, admission, &place)
            {
                let (role, path) = (place.role(), place.path());
                return Err(RegisterError::Delegation { role, path });
            }
        }
        self.check_names()?;
        let (role, path) = (Place::Deny.role(), Place::Deny.path());
        match roles.get(&role) {
            Some((found, _)) if !speaks_of_alone(found, &Place::Deny) => Err(RegisterError::DenyRole { role, path }),
            Some(_) if !self.has_deny => Err(RegisterError::DenyMissing { role, path }),
            _ => Ok(()),
        }
    }

    fn check_names(&self) -> Result<(), RegisterError> {
        let mut seen = BTreeMap::new();
        for (second, admission) in &self.admissions {
            let name = admission.member_name.to_string();
            if let Some(first) = seen.insert(name.clone(), second) {
                let (first, second) = (NotaryId::clone(first), second.clone());
                return Err(RegisterError::NameTwice { name, first, second });
            }
        }
        Ok(())
    }

    fn check_change(&self, id: &NotaryId, now: UnixSeconds) -> Result<(), RegisterError> {
        let place = || Place::Nodes(id.clone());
        let state = self.admissions[id].state;
        if state != State::Active {
            return Err(RegisterError::NotActive { place: place(), state });
        }
        let checked = self.nodes[id].check_proofs(now);
        checked.map_err(|source| RegisterError::Proof { place: place(), source })
    }

    /// Every key has one place, across nodes and members and whatever it is used for.
    fn check_keys(&self) -> Result<(), RegisterError> {
        let mut seen = BTreeMap::new();
        for (second, nodes) in &self.nodes {
            for node in &nodes.nodes {
                for (role, key) in keys_of(node) {
                    if let Some(first) = seen.insert(key.clone(), second) {
                        let (first, second) = (first.clone(), second.clone());
                        return Err(RegisterError::KeyTwice {
                            key,
                            role,
                            first,
                            second,
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

fn keys_of(node: &Node) -> [(KeyRole, String); 4] {
    let peer = peer_key(&node.peer_id).expect("a node that was read has a peer id with a key");
    [
        (KeyRole::Peer, peer.to_string()),
        (KeyRole::Consensus, node.consensus_key.to_string()),
        (KeyRole::Account, node.account.to_string()),
        (KeyRole::Checkpoint, node.checkpoint_key.to_string()),
    ]
}

/// Whether a role is the member's: its keys, its record and nothing else.
fn is_members(role: &DelegatedRole, keys: &[&Key], admission: &Admission, place: &Place) -> bool {
    let mut have: Vec<_> = keys.iter().copied().cloned().collect();
    let mut want: Vec<_> = admission.member_keys.iter().map(|key| Key::Ed25519(key.0)).collect();
    have.sort_unstable();
    want.sort_unstable();
    speaks_of_alone(role, place) && have == want
}

/// Whether a role's word on a record is final, and it may speak of nothing else.
fn speaks_of_alone(role: &DelegatedRole, place: &Place) -> bool {
    let Paths::Patterns(patterns) = &role.paths else {
        return false;
    };
    let only = place.path().to_string();
    role.terminating && patterns.len() == 1 && String::from(patterns[0].clone()) == only
}

/// A record that changes names the one before it, so that none is passed over.
fn check_sequence(
    place: &Place,
    record: &Record<'_>,
    (before, got, prev): (Option<u64>, u64, Option<Hex32>),
) -> Result<(), RegisterError> {
    let (Some(bytes), Some(published), true) = (record.published, before, record.is_new()) else {
        return Ok(());
    };
    let sha256 = Hex32(Sha256::digest(bytes).into());
    if published.checked_add(1) == Some(got) && prev == Some(sha256) {
        return Ok(());
    }
    Err(RegisterError::Sequence {
        place: place.clone(),
        published,
        sha256,
        got,
        prev: prev.map_or_else(|| "none".to_owned(), |prev| prev.to_string()),
    })
}
