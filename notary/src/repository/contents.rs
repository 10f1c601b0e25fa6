//! What do the records of a release say together? Collects those that will lie in the repository, new and old, for the
//! [`Register`] to hold against each other.
//!
//! Files that are no records are left alone.

use std::collections::BTreeMap;

use super::{
    release::{Published, Release},
    rules::Outcome,
};
use crate::{
    records::{Place, Record, Register, RegisterError},
    tuf::{Request, RoleName, TargetFile, TargetPath, UnixSeconds},
};

pub(super) fn check(
    before: Option<&Published>,
    release: &Release,
    outcome: &Outcome<'_>,
    now: UnixSeconds,
    read: impl Fn(&Request) -> Option<Vec<u8>>,
) -> Result<(), RegisterError> {
    let file = |path: &TargetPath, listed: &TargetFile| {
        let new = release.files.get(path).filter(|bytes| listed.check(bytes).is_ok());
        new.cloned().or_else(|| read(&Request::target(path, listed, true)))
    };
    let mut files = BTreeMap::new();
    for role in &outcome.roles {
        for (path, listed) in &role.targets.targets {
            if Place::of(path).is_some()
                && let Some(bytes) = file(path, listed)
            {
                let old = before.and_then(|published| published.roles.get(&role.name)?.1.targets.get(path));
                let old = old.and_then(|listed| read(&Request::target(path, listed, true)));
                files.insert((&role.name, path), (bytes, old));
            }
        }
    }
    let records = files.iter().map(|((role, path), (bytes, published))| Record {
        path,
        role,
        bytes,
        published: published.as_deref(),
    });
    let top = outcome.roles.iter().find(|role| role.name == RoleName::targets());
    let delegated = top
        .into_iter()
        .flat_map(|top| top.targets.delegated())
        .map(|(all, role)| {
            let keys = role.keyids.iter().filter_map(|id| all.keys.get(id));
            (role, keys.collect())
        });
    Register::check(&records.collect::<Vec<_>>(), delegated, now)
}
