//! What is published together? Files that change, and the snapshot and timestamp that say so.

use std::collections::BTreeMap;

use super::{RuleError, Unsigned};
use crate::tuf::{
    Document, MetaFile, Place, Request, RoleName, Root, Signed, Snapshot, TargetFile, TargetPath, Targets, Timestamp,
    UnixSeconds, Version, metadata::MetadataError, names::encoded,
};

/// Files that go out together. Empty but for the timestamp, it is the hourly sign of life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// A new root.
    pub root: Option<Vec<u8>>,
    /// New targets metadata, of the top and of delegated roles.
    pub roles: BTreeMap<RoleName, Vec<u8>>,
    /// Target files that are new or changed.
    pub files: BTreeMap<TargetPath, Vec<u8>>,
    /// The snapshot, if it changes.
    pub snapshot: Option<Vec<u8>>,
    /// The timestamp.
    pub timestamp: Vec<u8>,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub place: Place,
    /// Its name there.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What is published now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) first_root: Vec<u8>,
    pub(super) root_file: Vec<u8>,
    pub(super) root: Root,
    pub(super) timestamp_file: Vec<u8>,
    pub(super) timestamp: Timestamp,
    pub(super) snapshot_file: Vec<u8>,
    pub(super) snapshot: Snapshot,
    /// Every role that the snapshot lists, revoked ones too: its file and what it says.
    pub(super) roles: BTreeMap<RoleName, (Vec<u8>, Targets)>,
}

/// What is published now, if anything is, for whoever draws up what comes next.
#[derive(Clone, Copy, Debug)]
pub struct Newest<'a>(pub(super) Option<&'a Published>);

/// The documents of a release that are signed by people, read.
pub(super) struct Offline {
    pub(super) root: Option<Root>,
    pub(super) roles: BTreeMap<RoleName, Targets>,
}

/// A release whose documents were read.
pub(super) struct Parsed {
    pub(super) offline: Offline,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) timestamp: Timestamp,
}

impl Offline {
    pub(super) fn of(release: &Release) -> Result<Self, MetadataError> {
        let root = release.root.as_ref().map(|bytes| read::<Root>(bytes)).transpose()?;
        let roles = release
            .roles
            .iter()
            .map(|(role, bytes)| Ok((role.clone(), read(bytes)?)));
        let roles = roles.collect::<Result<_, MetadataError>>()?;
        Ok(Self { root, roles })
    }
}

impl Parsed {
    pub(super) fn of(release: &Release) -> Result<Self, MetadataError> {
        let snapshot = release
            .snapshot
            .as_ref()
            .map(|bytes| read::<Snapshot>(bytes))
            .transpose()?;
        Ok(Self {
            offline: Offline::of(release)?,
            snapshot,
            timestamp: read(&release.timestamp)?,
        })
    }
}

impl Published {
    /// What is published once a release is out; `None` if it is the first and not whole.
    pub(super) fn after(before: Option<Self>, release: &Release, parsed: Parsed) -> Option<Self> {
        let Parsed {
            offline,
            snapshot,
            timestamp,
        } = parsed;
        let (root, snapshot) = (
            release.root.clone().zip(offline.root),
            release.snapshot.clone().zip(snapshot),
        );
        let mut after = match before {
            Some(before) => before,
            None => {
                let ((root_file, root), (snapshot_file, snapshot)) = (root.clone()?, snapshot.clone()?);
                Self {
                    first_root: root_file.clone(),
                    root_file,
                    root,
                    timestamp_file: release.timestamp.clone(),
                    timestamp: timestamp.clone(),
                    snapshot_file,
                    snapshot,
                    roles: BTreeMap::new(),
                }
            }
        };
        if let Some((file, root)) = root {
            (after.root_file, after.root) = (file, root);
        }
        if let Some((file, snapshot)) = snapshot {
            (after.snapshot_file, after.snapshot) = (file, snapshot);
        }
        let roles = offline.roles.into_iter();
        let roles =
            roles.filter_map(|(role, targets)| Some((role.clone(), (release.roles.get(&role)?.clone(), targets))));
        after.roles.extend(roles);
        (after.timestamp_file, after.timestamp) = (release.timestamp.clone(), timestamp);
        Some(after)
    }
}

/// The name of a version of a role's document.
pub(super) fn versioned(role: &RoleName, version: Version) -> String {
    format!("{version}.{}.json", encoded(role.as_str()))
}

pub(super) fn read<T: Document + Clone>(bytes: &[u8]) -> Result<T, MetadataError> {
    Ok(Signed::<T>::parse(bytes)?.unverified().clone())
}

/// What the snapshot must list once `roles` are out: all that was ever listed, with the new ones in place of theirs.
pub(super) fn listed_after(
    before: Option<&Published>,
    roles: &BTreeMap<RoleName, Vec<u8>>,
) -> Result<BTreeMap<String, MetaFile>, MetadataError> {
    let mut meta = before
        .map(|published| published.snapshot.meta.clone())
        .unwrap_or_default();
    for (role, bytes) in roles {
        let version = read::<Targets>(bytes)?.version;
        meta.insert(role.document(), MetaFile::of(version, bytes));
    }
    Ok(meta)
}

/// The version that follows the one published.
pub(super) fn version_after(role: RoleName, before: Option<Version>) -> Result<Version, RuleError> {
    match before {
        None => Ok(Version::FIRST),
        Some(version) => version.next().ok_or(RuleError::LastVersion { role }),
    }
}

impl Newest<'_> {
    /// The snapshot to sign for a release with these roles.
    ///
    /// # Errors
    /// [`RuleError`] if one of them is no targets metadata.
    pub fn snapshot_after(
        self,
        roles: &BTreeMap<RoleName, Vec<u8>>,
        expires: UnixSeconds,
    ) -> Result<Unsigned<Snapshot>, RuleError> {
        let before = self.0.map(|published| published.snapshot.version);
        let version = version_after(RoleName::snapshot(), before)?;
        let meta = listed_after(self.0, roles)?;
        Ok(Unsigned::new(Snapshot::new(version, expires, meta)))
    }

    /// The timestamp to sign for a release with this snapshot, or with the one that is published.
    ///
    /// # Errors
    /// [`RuleError`] if there is none, or it is none.
    pub fn timestamp_after(
        self,
        snapshot: Option<&[u8]>,
        expires: UnixSeconds,
    ) -> Result<Unsigned<Timestamp>, RuleError> {
        let before = self.0.map(|published| published.timestamp.version);
        let version = version_after(RoleName::timestamp(), before)?;
        let listed = match (snapshot, self.0) {
            (Some(bytes), _) => MetaFile::of(read::<Snapshot>(bytes)?.version, bytes),
            (None, Some(published)) => published.timestamp.meta.snapshot.clone(),
            (None, None) => return Err(RuleError::FirstIncomplete),
        };
        Ok(Unsigned::new(Timestamp::new(version, expires, listed)))
    }
}

/// The files of a release in the order in which they are written: a reader meets the old or the new, never half of it.
pub(super) fn writes(release: &Release, parsed: &Parsed) -> Vec<Write> {
    let metadata = |name: String, bytes: &Vec<u8>| Write {
        place: Place::Metadata,
        name,
        bytes: bytes.clone(),
    };
    let mut writes = Vec::new();
    for (path, bytes) in &release.files {
        let request = Request::target(path, &TargetFile::of(bytes), true);
        let (place, name, bytes) = (Place::Targets, request.name, bytes.clone());
        writes.push(Write { place, name, bytes });
    }
    for (role, bytes) in &release.roles {
        writes.push(metadata(versioned(role, parsed.offline.roles[role].version), bytes));
    }
    if let (Some(bytes), Some(snapshot)) = (&release.snapshot, &parsed.snapshot) {
        writes.push(metadata(versioned(&RoleName::snapshot(), snapshot.version), bytes));
    }
    // Root is seen as soon as it is there. It comes as late as it can, since it may name new keys for the timestamp.
    if let (Some(bytes), Some(root)) = (&release.root, &parsed.offline.root) {
        writes.push(metadata(versioned(&RoleName::root(), root.version), bytes));
    }
    writes.push(metadata("timestamp.json".to_owned(), &release.timestamp));
    writes
}
