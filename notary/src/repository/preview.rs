//! Would this be published, once the online keys have signed? The same judges, before there is a snapshot.
//!
//! What the verifier says of a release it can only say of all of it. Here each signature is looked at by itself: root's by the old and
//! the new root, that of the top's targets by root, every other one by whoever delegates to it. What passes here passes
//! the [plan](super::plan) as well, if snapshot and timestamp are those that the writer asks for; a test holds the two against each other.

use super::{
    RehearsalError, Release, ReleaseError, contents,
    release::{Offline, Published},
    rules::{self, Outcome, Reached},
};
use crate::tuf::{
    Authority, Document, Kind, Request, RoleName, Root, RootError, Signed, TargetFile, Targets, TargetsError,
    UnixSeconds, UpdateError,
};

/// Whether the working group has signed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopSigned {
    /// It has, or nothing of the top changes.
    Yes,
    /// It will be asked to: everything but its signatures is judged.
    NotYet,
}

pub(super) fn preview(
    before: Option<&Published>,
    release: &Release,
    top: TopSigned,
    now: UnixSeconds,
    read: impl Fn(&Request) -> Option<Vec<u8>> + Copy,
) -> Result<(), ReleaseError> {
    let offline = Offline::of(release)?;
    let outcome = rules::check_offline(before, release, &offline, now)?;
    let root = check_root(before, release, &offline, now)?;
    for reached in &outcome.roles {
        let bytes = release.roles.get(&reached.name);
        let bytes = bytes.or_else(|| Some(&before?.roles.get(&reached.name)?.0));
        let bytes = bytes.expect("a role is reached through its metadata");
        if reached.name == RoleName::targets() {
            check_top(root, reached, bytes, top, now)?;
        } else if reached.is_new || !reached.targets.is_expired(now) {
            // Whoever forgot to renew keeps nobody else from publishing.
            let authority = delegated(&outcome, &reached.name).expect("a role is reached through a delegation");
            check_signed(&authority, bytes)?;
        } else {
            continue;
        }
        check_files(reached, release, read)?;
    }
    contents::check(before, release, &outcome, now, read)?;
    Ok(())
}

/// The root that readers will trust: the new one, if the old one's keys and its own signed it.
fn check_root<'a>(
    before: Option<&'a Published>,
    release: &Release,
    offline: &'a Offline,
    now: UnixSeconds,
) -> Result<&'a Root, UpdateError> {
    let old = before.map(|published| &published.root);
    let root = match (&release.root, &offline.root) {
        (Some(bytes), Some(root)) => {
            let signed = Signed::<Root>::parse(bytes).map_err(RootError::Metadata)?;
            if let Some(old) = old {
                let trusted = old.version;
                let by_old = signed.check(&old.authority(Kind::Root));
                by_old.map_err(|source| RootError::NotByOld { trusted, source })?;
            }
            signed.check(&root.authority(Kind::Root)).map_err(RootError::NotByNew)?;
            root
        }
        _ => old.expect("the first release has a root"),
    };
    check_root_fresh(root, now)?;
    Ok(root)
}

fn check_root_fresh(root: &Root, now: UnixSeconds) -> Result<(), UpdateError> {
    if !root.is_expired(now) {
        return Ok(());
    }
    let (version, expires) = (root.version, root.expires);
    Err(RootError::Expired { version, expires, now }.into())
}

fn check_top_fresh(targets: &Targets, now: UnixSeconds) -> Result<(), UpdateError> {
    if !targets.is_expired(now) {
        return Ok(());
    }
    let (role, version, expires) = (RoleName::targets(), targets.version, targets.expires);
    Err(TargetsError::Expired {
        role,
        version,
        expires,
        now,
    }
    .into())
}

/// Whether anything at all can be read of what is published.
pub(super) fn check_fresh(published: &Published, now: UnixSeconds) -> Result<(), UpdateError> {
    check_root_fresh(&published.root, now)?;
    let top = published.roles.get(&RoleName::targets());
    top.map_or(Ok(()), |(_, targets)| check_top_fresh(targets, now))
}

fn check_top(
    root: &Root,
    reached: &Reached<'_>,
    bytes: &[u8],
    top: TopSigned,
    now: UnixSeconds,
) -> Result<(), UpdateError> {
    check_top_fresh(reached.targets, now)?;
    match top {
        TopSigned::Yes => check_signed(&root.authority(Kind::Targets), bytes),
        TopSigned::NotYet => Ok(()),
    }
}

fn check_signed(authority: &Authority, bytes: &[u8]) -> Result<(), UpdateError> {
    let signed = Signed::<Targets>::parse(bytes).map_err(|source| TargetsError::Metadata {
        role: authority.role().clone(),
        source,
    })?;
    Ok(signed.check(authority).map_err(TargetsError::Unsigned)?)
}

fn check_files(
    reached: &Reached<'_>,
    release: &Release,
    read: impl Fn(&Request) -> Option<Vec<u8>>,
) -> Result<(), RehearsalError> {
    for (path, listed) in &reached.targets.targets {
        let (role, path) = (reached.name.clone(), path.clone());
        let request = Request::target(&path, listed, true);
        // Found as readers find it: by the name that its hash gives it.
        let is_asked = |bytes: &&Vec<u8>| Request::target(&path, &TargetFile::of(bytes), true).name == request.name;
        let new = release.files.get(&path).filter(is_asked).cloned();
        let Some(bytes) = new.or_else(|| read(&request)) else {
            return Err(RehearsalError::FileMissing { role, path });
        };
        let checked = listed.check(&bytes);
        checked.map_err(|source| RehearsalError::File { role, path, source })?;
    }
    Ok(())
}

/// Whose signatures a role's metadata need, by the role that delegates to it.
fn delegated(outcome: &Outcome<'_>, role: &RoleName) -> Option<Authority> {
    let all = outcome.roles.iter().flat_map(|from| from.targets.delegated());
    let (delegations, found) = all.into_iter().find(|(_, to)| to.name == *role)?;
    Some(delegations.authority(found))
}
