//! What will the working group sign next? The one open proposal for targets N+1: all that was verified or proposed, in one document.
//!
//! The document is made here, from what is published and from the changes, so that nobody has to trust whoever typed it; its bytes
//! are the same for everybody. Whatever changes the document voids the signatures under it.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Draft, SubmissionId, member::parcel};
use crate::{
    records::{Admission, Hex32, NotaryId, Place},
    repository::{Release, Unsigned},
    tuf::{
        DelegatedRole, Delegations, Key, PathPattern, Paths, RoleName, Signature, TargetFile, TargetPath, Targets,
        UnixSeconds, Version,
    },
};

/// Life of proposed targets, from the last change of the proposal: below the cap by more than a night, so that they can still be
/// published when the signatures come in.
pub const PROPOSAL_LIFE: u64 = 90 * 86_400;

/// Most members that one proposal changes: with three files each they fit a release, beside those that change their nodes by themselves.
pub const PROPOSAL_MEMBERS_MAX: usize = 128;

const _: () = assert!(PROPOSAL_LIFE < crate::repository::TARGETS_LIFE_MAX);
const _: () = assert!(3 * PROPOSAL_MEMBERS_MAX + 8 < super::RELEASE_FILES_MAX);

/// What is proposed for a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MemberChange {
    /// To admit it, or to change its admission.
    Admit { submission: SubmissionId, draft: Draft },
    /// To end its admission.
    Revoke { admission: String },
}

/// Other keys for the deny role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DenyKeys {
    pub(super) keys: Vec<Hex32>,
    pub(super) threshold: NonZeroU32,
    /// Its metadata, signed by them.
    pub(super) role: String,
}

/// All that is proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) members: BTreeMap<NotaryId, MemberChange>,
    pub(super) deny_keys: Option<DenyKeys>,
    /// Another term, if nothing else changes.
    pub(super) renewal: bool,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The targets that follow `base` by these changes.
    pub(super) fn targets(&self, base: &Targets, expires: UnixSeconds) -> Targets {
        let version = base.version.next().expect("versions grow by one from 1");
        let mut targets = Targets::new(version, expires);
        targets.targets = base.targets.clone();
        let mut roles: BTreeMap<RoleName, (DelegatedRole, BTreeSet<Key>)> = base
            .delegated()
            .map(|(all, role)| {
                let keys = role.keyids.iter().filter_map(|id| all.keys.get(id).cloned());
                (role.name.clone(), (role.clone(), keys.collect()))
            })
            .collect();
        for (member, change) in &self.members {
            let (admission, nodes) = (Place::Admission(member.clone()), Place::Nodes(member.clone()));
            let record = match change {
                MemberChange::Admit { draft, .. } => {
                    let keys = Admission::parse(draft.admission.as_bytes()).map(|admission| admission.member_keys);
                    let keys = keys.expect("a draft was read before it was taken");
                    roles.insert(nodes.role(), delegation(&nodes, &keys, NonZeroU32::MIN));
                    &draft.admission
                }
                MemberChange::Revoke { admission } => {
                    roles.remove(&nodes.role());
                    admission
                }
            };
            targets
                .targets
                .insert(admission.path(), TargetFile::of(record.as_bytes()));
        }
        if let Some(DenyKeys { keys, threshold, .. }) = &self.deny_keys {
            roles.insert(Place::Deny.role(), delegation(&Place::Deny, keys, *threshold));
        }
        let keys = roles
            .values()
            .flat_map(|(_, keys)| keys)
            .map(|key| (key.id(), key.clone()));
        targets.delegations = Some(Delegations {
            keys: keys.collect(),
            roles: roles.values().map(|(role, _)| role.clone()).collect(),
        });
        targets
    }

    /// The release that publishes them, with this file of the targets.
    pub(super) fn release(&self, targets: Vec<u8>) -> Release {
        let mut release = Release {
            roles: BTreeMap::from([(RoleName::targets(), targets)]),
            ..Release::default()
        };
        for (member, change) in &self.members {
            let admission = Place::Admission(member.clone()).path();
            match change {
                MemberChange::Admit { draft, .. } => {
                    let Release { roles, files, .. } = parcel(&Place::Nodes(member.clone()), &draft.role, &draft.nodes);
                    release.roles.extend(roles);
                    release.files.extend(files);
                    release.files.insert(admission, draft.admission.clone().into_bytes());
                }
                MemberChange::Revoke { admission: record } => {
                    release.files.insert(admission, record.clone().into_bytes());
                }
            }
        }
        if let Some(DenyKeys { role, .. }) = &self.deny_keys {
            release.roles.insert(Place::Deny.role(), role.clone().into_bytes());
        }
        release
    }
}

/// A terminating role for one record.
fn delegation(place: &Place, keys: &[Hex32], threshold: NonZeroU32) -> (DelegatedRole, BTreeSet<Key>) {
    let keys: BTreeSet<_> = keys.iter().map(|key| Key::Ed25519(key.0)).collect();
    let pattern = PathPattern::try_from(String::from(place.path())).expect("a record's path has no bracket");
    let role = DelegatedRole {
        name: place.role(),
        keyids: keys.iter().map(Key::id).collect(),
        threshold,
        terminating: true,
        paths: Paths::Patterns(vec![pattern]),
    };
    (role, keys)
}

/// The open proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    unsigned: Unsigned<Targets>,
    sha256: Hex32,
    difference: Vec<String>,
    pub(super) approvals: BTreeMap<Hex32, [u8; 64]>,
}

impl Proposal {
    pub(super) fn new(unsigned: Unsigned<Targets>, difference: Vec<String>) -> Self {
        Self {
            sha256: Hex32(Sha256::digest(unsigned.signable()).into()),
            unsigned,
            difference,
            approvals: BTreeMap::new(),
        }
    }

    /// Version of the targets that are proposed.
    pub fn version(&self) -> Version {
        self.unsigned.document().version
    }

    /// The bytes that each key of the working group signs.
    pub fn signable(&self) -> &[u8] {
        self.unsigned.signable()
    }

    /// sha256 of those bytes.
    pub fn signable_sha256(&self) -> Hex32 {
        self.sha256
    }

    /// What would change, in words: one line for each field of each member.
    pub fn difference(&self) -> &[String] {
        &self.difference
    }

    /// The keys that signed.
    pub fn approvals(&self) -> impl Iterator<Item = &Hex32> {
        self.approvals.keys()
    }

    /// The file with the signatures that are there.
    pub(super) fn file(&self) -> Vec<u8> {
        self.unsigned.file(&signatures(&self.approvals))
    }
}

/// Signatures as metadata hold them.
pub(super) fn signatures(by_key: &BTreeMap<Hex32, [u8; 64]>) -> Vec<Signature> {
    let signature = |(key, signature): (&Hex32, &[u8; 64])| {
        let id = Key::Ed25519(key.0).id();
        Signature::new(id.into(), signature).expect("the id of a key is one")
    };
    by_key.iter().map(signature).collect()
}

/// What changes in the targets and in the records, in words; `old` and `new` give a record before and after.
pub(super) fn difference<'a>(
    base: &Targets,
    changes: &Changes,
    old: impl Fn(&Place) -> Option<&'a [u8]>,
    expires: UnixSeconds,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (member, change) in &changes.members {
        let (verb, files) = match change {
            MemberChange::Admit { draft, .. } => (
                "admit",
                vec![
                    (Place::Admission(member.clone()), &draft.admission),
                    (Place::Nodes(member.clone()), &draft.nodes),
                ],
            ),
            MemberChange::Revoke { admission } => ("revoke", vec![(Place::Admission(member.clone()), admission)]),
        };
        lines.push(format!("{verb} {member}"));
        for (place, new) in files {
            let old = old(&place).map_or(Value::Null, value);
            compare(&place.to_string(), &old, &value(new.as_bytes()), &mut lines);
        }
    }
    if let Some(DenyKeys { keys, threshold, .. }) = &changes.deny_keys {
        let keys: Vec<_> = keys.iter().map(Hex32::to_string).collect();
        lines.push(format!("wg-deny: {threshold} of {}", keys.join(", ")));
    }
    lines.push(format!("targets.expires: {} -> {expires}", base.expires));
    lines
}

fn value(record: &[u8]) -> Value {
    serde_json::from_slice(record).unwrap_or(Value::Null)
}

fn compare(name: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    let empty = serde_json::Map::new();
    match (old, new) {
        (Value::Object(_) | Value::Null, Value::Object(new)) => {
            let old = old.as_object().unwrap_or(&empty);
            let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for field in names {
                let side = |fields: &serde_json::Map<String, Value>| fields.get(field).cloned().unwrap_or_default();
                compare(&format!("{name}.{field}"), &side(old), &side(new), lines);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for place in 0..old.len().max(new.len()) {
                let side = |list: &[Value]| list.get(place).cloned().unwrap_or_default();
                compare(&format!("{name}[{place}]"), &side(old), &side(new), lines);
            }
        }
        (Value::Null, new) => lines.push(format!("{name}: {new}")),
        (old, Value::Null) => lines.push(format!("{name}: {old} -> nothing")),
        (old, new) => lines.push(format!("{name}: {old} -> {new}")),
    }
}

/// A path is asked for by whoever lists it.
pub(super) fn lists_alone(targets: &Targets, path: &TargetPath, record: &[u8]) -> bool {
    targets.delegated().next().is_none()
        && targets.targets.len() == 1
        && targets.targets.get(path) == Some(&TargetFile::of(record))
}
