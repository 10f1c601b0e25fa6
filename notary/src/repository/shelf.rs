//! What lies in the repository, in memory? The same writer without a disk: whoever decides what is published next holds one, and
//! brings it up to date release by release.
//!
//! Keeps what readers of the newest release may ask for, and nothing that was before.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Release, ReleaseError, RuleError, TopSigned, Write,
    plan::plan,
    preview::{check_fresh, preview},
    release::{Newest, Parsed, Published, versioned, writes},
    rules,
};
use crate::{
    records,
    tuf::{Place, Request, RoleName, Root, Snapshot, Targets, Timestamp, UnixSeconds, Version},
};

/// A repository in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    published: Option<Published>,
    files: BTreeMap<(Place, String), Vec<u8>>,
}

impl Shelf {
    /// The files that a release writes, in order.
    ///
    /// # Errors
    /// [`ReleaseError`] if it may not be published.
    pub fn plan(&self, release: &Release, now: UnixSeconds) -> Result<Vec<Write>, ReleaseError> {
        plan(self.published.as_ref(), release, now, |request| self.read(request))
    }

    /// Whether a release might be published, once the online keys have signed: its snapshot and timestamp are not looked at.
    ///
    /// # Errors
    /// [`ReleaseError`] if it might not.
    pub fn preview(&self, release: &Release, top: TopSigned, now: UnixSeconds) -> Result<(), ReleaseError> {
        preview(self.published.as_ref(), release, top, now, |request| self.read(request))
    }

    /// Whether readers believe what is published, if only its timestamp and snapshot are renewed.
    ///
    /// # Errors
    /// [`ReleaseError`] if root or the top's targets have expired.
    pub fn check_fresh(&self, now: UnixSeconds) -> Result<(), ReleaseError> {
        Ok(self
            .published
            .as_ref()
            .map_or(Ok(()), |published| check_fresh(published, now))?)
    }

    /// Whether a root may come next by the rules of the house, whoever has signed it.
    ///
    /// # Errors
    /// [`RuleError`] if it may not.
    pub fn check_root(&self, root: &Root, now: UnixSeconds) -> Result<(), RuleError> {
        rules::check_root(self.published.as_ref(), root, now)
    }

    /// Takes a release down that was planned.
    ///
    /// # Errors
    /// [`RuleError`] if it never was: one of its documents is none, or the first release is not whole.
    pub fn publish(&mut self, release: &Release) -> Result<(), RuleError> {
        let parsed = self.parsed(release)?;
        let new = writes(release, &parsed);
        let published = Published::after(self.published.take(), release, parsed);
        let published = published.ok_or(RuleError::FirstIncomplete)?;
        let new = new.into_iter().map(|write| ((write.place, write.name), write.bytes));
        self.files.extend(new);
        let needed = needed(&published);
        self.files.retain(|name, _| needed.contains(name));
        self.published = Some(published);
        Ok(())
    }

    /// Whether [`Self::publish`] could take a release down.
    ///
    /// # Errors
    /// As there.
    pub fn check_readable(&self, release: &Release) -> Result<(), RuleError> {
        self.parsed(release).map(drop)
    }

    fn parsed(&self, release: &Release) -> Result<Parsed, RuleError> {
        let parsed = Parsed::of(release)?;
        if self.published.is_none() && (parsed.offline.root.is_none() || parsed.snapshot.is_none()) {
            return Err(RuleError::FirstIncomplete);
        }
        Ok(parsed)
    }

    /// What is published now: the snapshot and the timestamp of the next release follow it.
    pub fn newest(&self) -> Newest<'_> {
        Newest(self.published.as_ref())
    }

    /// The newest root.
    pub fn root(&self) -> Option<&Root> {
        self.published.as_ref().map(|published| &published.root)
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.published.as_ref().map(|published| &published.snapshot)
    }

    /// The newest timestamp.
    pub fn timestamp(&self) -> Option<&Timestamp> {
        self.published.as_ref().map(|published| &published.timestamp)
    }

    /// The newest metadata of a role: of the top's targets, or of one that is or was delegated to.
    pub fn role(&self, role: &RoleName) -> Option<&Targets> {
        self.published.as_ref()?.roles.get(role).map(|(_, targets)| targets)
    }

    /// The file of the newest root, or of a role's newest metadata.
    pub fn metadata(&self, role: &RoleName) -> Option<&[u8]> {
        let published = self.published.as_ref()?;
        if *role == RoleName::root() {
            return Some(&published.root_file);
        }
        published.roles.get(role).map(|(bytes, _)| bytes.as_slice())
    }

    /// A record that is or was published, as its role lists it.
    pub fn record(&self, place: &records::Place) -> Option<&[u8]> {
        let path = place.path();
        let listed = self.role(&place.role())?.targets.get(&path)?;
        let request = Request::target(&path, listed, true);
        self.files.get(&(request.place, request.name)).map(Vec::as_slice)
    }

    fn read(&self, request: &Request) -> Option<Vec<u8>> {
        self.files.get(&(request.place, request.name.clone())).cloned()
    }
}

/// The names that a reader may ask for.
fn needed(published: &Published) -> BTreeSet<(Place, String)> {
    let mut names = BTreeSet::from([(Place::Metadata, "timestamp.json".to_owned())]);
    let mut metadata = |role: &RoleName, version| names.insert((Place::Metadata, versioned(role, version)));
    metadata(&RoleName::snapshot(), published.snapshot.version);
    let mut version = Some(Version::FIRST);
    while let Some(at) = version.filter(|at| *at <= published.root.version) {
        metadata(&RoleName::root(), at);
        version = at.next();
    }
    for (role, (_, targets)) in &published.roles {
        metadata(role, targets.version);
    }
    for (_, targets) in published.roles.values() {
        let requests = targets
            .targets
            .iter()
            .map(|(path, listed)| Request::target(path, listed, true));
        names.extend(requests.map(|request| (request.place, request.name)));
    }
    names
}
