//! Is this release one that this house publishes? Stricter than what readers ask: lifetimes are capped, versions have no holes, a role
//! speaks of its own paths only, and whoever is delegated to is there.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::release::{Offline, Parsed, Published, Release, listed_after, version_after};
use crate::tuf::{
    DelegatedRole, Document, Key, KeyId, Kind, MetaFile, RoleName, Root, TargetPath, Targets, UnixSeconds, Version,
    metadata::MetadataError, names::encoded,
};

const DAY: u64 = 86_400;

/// Longest life of root metadata: its signers meet once a year.
pub const ROOT_LIFE_MAX: u64 = 366 * DAY;
/// Longest life of the top's targets: the working group looks at its members at least every quarter.
pub const TARGETS_LIFE_MAX: u64 = 92 * DAY;
/// Longest life of a delegated role's targets: a member shows twice a year that it holds its keys.
pub const DELEGATED_LIFE_MAX: u64 = 183 * DAY;
/// Longest life of a snapshot: bounds for how long stolen old ones can be shown.
pub const SNAPSHOT_LIFE_MAX: u64 = 7 * DAY;
/// Longest life of a timestamp: how long a reader can be kept from news unnoticed.
pub const TIMESTAMP_LIFE_MAX: u64 = DAY;

/// Why a release breaks the rules of the house.
#[derive(Debug, Error)]
pub enum RuleError {
    /// One of its documents is none.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The first release of a repository has everything.
    #[error("the first release needs root, targets, snapshot and timestamp")]
    FirstIncomplete,
    /// No hole, no way back; also for a name that was used before.
    #[error("{role} version {expected} is next, got {got}")]
    Version {
        /// The role.
        role: RoleName,
        /// The version after the one published.
        expected: Version,
        /// What came.
        got: Version,
    },
    /// No version follows.
    #[error("{role} has the last version that there is: give the role another name")]
    LastVersion {
        /// The role.
        role: RoleName,
    },
    /// Expired, or good for too long.
    #[error("{role} version {version} may expire until {latest}, after {now}, got {got}")]
    Lifetime {
        /// The role.
        role: RoleName,
        /// Its version.
        version: Version,
        /// The time of publishing.
        now: UnixSeconds,
        /// Latest expiry that its kind may have.
        latest: UnixSeconds,
        /// Its expiry.
        got: UnixSeconds,
    },
    /// Readers could meet half of a change.
    #[error("root says consistent_snapshot: false; files here are named by version and hash")]
    Inconsistent,
    /// An id that is not its key's: one key could stand under two of them, and look like two.
    #[error("{role} lists a key as {got}, its id is {expected}")]
    KeyId {
        /// The role whose metadata list it.
        role: RoleName,
        /// The key's id.
        expected: KeyId,
        /// The id that it is listed under.
        got: KeyId,
    },
    /// A name that would be spelt differently in an address and on the disk.
    #[error("the name {name:?} has other characters than letters, digits, - . _ ~")]
    Name {
        /// The role's name or the path.
        name: String,
    },
    /// Metadata that no reader would ask for.
    #[error("nobody delegates to {role} any more; leave its metadata out")]
    NotDelegated {
        /// The role.
        role: RoleName,
    },
    /// A role without metadata.
    #[error("{role} is delegated to and was never published: add its metadata to the release")]
    Unpublished {
        /// The role.
        role: RoleName,
    },
    /// A role speaks of what is not its own.
    #[error("{role} lists {path}, which it may not speak of")]
    OutOfPath {
        /// The role.
        role: RoleName,
        /// The path.
        path: TargetPath,
    },
    /// The snapshot is not that of this release.
    #[error("the snapshot lists {document} as {got}, where {expected} is published; make it with snapshot_after")]
    Listed {
        /// The role's document.
        document: String,
        /// What should be listed.
        expected: String,
        /// What is listed.
        got: String,
    },
    /// Documents change, but not the snapshot that lists them.
    #[error("roles change, so the snapshot must; make it with snapshot_after")]
    SnapshotMissing,
    /// The timestamp names another snapshot.
    #[error("the timestamp lists the snapshot as {got}, where {expected} is published; make it with timestamp_after")]
    TimestampListed {
        /// What should be listed.
        expected: String,
        /// What is listed.
        got: String,
    },
}

/// The whole of the targets after a release: every role that delegations lead to, its own delegation, and whether it changes.
pub(super) struct Outcome<'a> {
    pub(super) roles: Vec<Reached<'a>>,
}

pub(super) struct Reached<'a> {
    pub(super) name: RoleName,
    pub(super) targets: &'a Targets,
    pub(super) is_new: bool,
}

/// The whole of the rules.
pub(super) fn check<'a>(
    before: Option<&'a Published>,
    release: &Release,
    parsed: &'a Parsed,
    now: UnixSeconds,
) -> Result<Outcome<'a>, RuleError> {
    if before.is_none() && parsed.snapshot.is_none() {
        return Err(RuleError::FirstIncomplete);
    }
    let outcome = check_offline(before, release, &parsed.offline, now)?;
    check_online(before, parsed, now)?;
    check_listings(before, release, parsed)?;
    Ok(outcome)
}

/// The rules for what people sign: all but snapshot and timestamp.
pub(super) fn check_offline<'a>(
    before: Option<&'a Published>,
    release: &Release,
    offline: &'a Offline,
    now: UnixSeconds,
) -> Result<Outcome<'a>, RuleError> {
    if before.is_none() && (offline.root.is_none() || !offline.roles.contains_key(&RoleName::targets())) {
        return Err(RuleError::FirstIncomplete);
    }
    if let Some(root) = &offline.root {
        check_root(before, root, now)?;
    }
    check_roles(before, offline, now)?;
    for path in release.files.keys() {
        path.as_str().split('/').try_for_each(check_name)?;
    }
    let outcome = reach(before, offline)?;
    let reached: BTreeSet<_> = outcome.roles.iter().map(|role| &role.name).collect();
    match offline.roles.keys().find(|role| !reached.contains(role)) {
        Some(role) => Err(RuleError::NotDelegated { role: role.clone() }),
        None => Ok(outcome),
    }
}

/// Whether a root may come next, whoever has signed it.
pub(super) fn check_root(before: Option<&Published>, root: &Root, now: UnixSeconds) -> Result<(), RuleError> {
    if !root.consistent_snapshot {
        return Err(RuleError::Inconsistent);
    }
    check_key_ids(&RoleName::root(), &root.keys)?;
    check_next(
        RoleName::root(),
        before.map(|published| published.root.version),
        root.version,
    )?;
    check_life(RoleName::root(), root, now)
}

fn check_key_ids(role: &RoleName, keys: &BTreeMap<KeyId, Key>) -> Result<(), RuleError> {
    let mut ids = keys.iter().map(|(got, key)| (got, key.id()));
    let Some((got, expected)) = ids.find(|(got, expected)| *got != expected) else {
        return Ok(());
    };
    let (role, got) = (role.clone(), got.clone());
    Err(RuleError::KeyId { role, expected, got })
}

fn check_roles(before: Option<&Published>, offline: &Offline, now: UnixSeconds) -> Result<(), RuleError> {
    for (role, targets) in &offline.roles {
        check_name(role.as_str())?;
        if let Some(delegations) = &targets.delegations {
            check_key_ids(role, &delegations.keys)?;
        }
        let published = before.and_then(|published| published.snapshot.entry(role));
        check_next(role.clone(), published.map(|listed| listed.version), targets.version)?;
        check_life(role.clone(), targets, now)?;
    }
    Ok(())
}

fn check_online(before: Option<&Published>, parsed: &Parsed, now: UnixSeconds) -> Result<(), RuleError> {
    if let Some(snapshot) = &parsed.snapshot {
        let published = before.map(|published| published.snapshot.version);
        check_next(RoleName::snapshot(), published, snapshot.version)?;
        check_life(RoleName::snapshot(), snapshot, now)?;
    }
    let published = before.map(|published| published.timestamp.version);
    check_next(RoleName::timestamp(), published, parsed.timestamp.version)?;
    check_life(RoleName::timestamp(), &parsed.timestamp, now)
}

fn check_next(role: RoleName, published: Option<Version>, got: Version) -> Result<(), RuleError> {
    let expected = version_after(role.clone(), published)?;
    if got == expected {
        Ok(())
    } else {
        Err(RuleError::Version { role, expected, got })
    }
}

fn check_life<T: Document>(role: RoleName, document: &T, now: UnixSeconds) -> Result<(), RuleError> {
    let life = match T::KIND {
        Kind::Root => ROOT_LIFE_MAX,
        Kind::Targets if role == RoleName::targets() => TARGETS_LIFE_MAX,
        Kind::Targets => DELEGATED_LIFE_MAX,
        Kind::Snapshot => SNAPSHOT_LIFE_MAX,
        Kind::Timestamp => TIMESTAMP_LIFE_MAX,
    };
    let (latest, got) = (now.plus(life), document.expires());
    if got > now && got <= latest {
        return Ok(());
    }
    Err(RuleError::Lifetime {
        role,
        version: document.version(),
        now,
        latest,
        got,
    })
}

fn check_name(name: &str) -> Result<(), RuleError> {
    if encoded(name) == name {
        return Ok(());
    }
    Err(RuleError::Name { name: name.to_owned() })
}

fn check_listings(before: Option<&Published>, release: &Release, parsed: &Parsed) -> Result<(), RuleError> {
    let expected = listed_after(before, &release.roles)?;
    let snapshot = match (&parsed.snapshot, before) {
        (Some(snapshot), _) => snapshot,
        (None, Some(published)) if release.roles.is_empty() => &published.snapshot,
        _ => return Err(RuleError::SnapshotMissing),
    };
    let names: BTreeSet<_> = expected.keys().chain(snapshot.meta.keys()).collect();
    for document in names {
        let (expected, got) = (expected.get(document), snapshot.meta.get(document));
        if expected != got {
            return Err(RuleError::Listed {
                document: document.clone(),
                expected: shown(expected),
                got: shown(got),
            });
        }
    }
    let bytes = release
        .snapshot
        .as_ref()
        .or(before.map(|published| &published.snapshot_file));
    let expected = MetaFile::of(snapshot.version, bytes.ok_or(RuleError::FirstIncomplete)?);
    let got = &parsed.timestamp.meta.snapshot;
    if *got == expected {
        return Ok(());
    }
    Err(RuleError::TimestampListed {
        expected: expected.to_string(),
        got: got.to_string(),
    })
}

fn shown(listed: Option<&MetaFile>) -> String {
    listed.map_or_else(|| "nothing".to_owned(), MetaFile::to_string)
}

/// Follows delegations from the top through what will be published.
fn reach<'a>(before: Option<&'a Published>, offline: &'a Offline) -> Result<Outcome<'a>, RuleError> {
    let mut found = BTreeMap::new();
    let mut ahead: Vec<(RoleName, Option<&DelegatedRole>)> = vec![(RoleName::targets(), None)];
    while let Some((name, delegation)) = ahead.pop() {
        let old = before.and_then(|published| published.roles.get(&name));
        let new = offline.roles.get(&name);
        let Some(targets) = new.or(old.map(|(_, targets)| targets)) else {
            return Err(RuleError::Unpublished { role: name });
        };
        let covers = |path| delegation.is_none_or(|role| role.paths.cover(path));
        if let Some(path) = targets.targets.keys().find(|path| !covers(path)) {
            return Err(RuleError::OutOfPath {
                role: name,
                path: path.clone(),
            });
        }
        let is_new = new.is_some();
        if found.insert(name.clone(), Reached { name, targets, is_new }).is_none() {
            ahead.extend(targets.delegated().map(|(_, role)| (role.name.clone(), Some(role))));
        }
    }
    Ok(Outcome {
        roles: found.into_values().collect(),
    })
}
