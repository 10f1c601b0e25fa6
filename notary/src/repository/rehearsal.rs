//! What would readers say? The real verifier reads a release before it is out: as a reader who comes for the first time, and as one who
//! has what was published before.
//!
//! Roles that expired and do not change are left out: one member who forgot to renew must not keep all others from publishing.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    release::{Published, Write},
    rules::Outcome,
};
use crate::tuf::{
    Answer, Document, FileError, Floor, Place, Request, RoleName, Settings, Stored, TargetPath, UnixSeconds,
    UpdateError, Verifier, World, find, refresh,
};

/// Why readers would refuse a release.
#[derive(Debug, Error)]
pub enum RehearsalError {
    /// What the verifier says.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A reader would be told something else.
    #[error("{role} lists {path}, but readers would be told of it by {by}")]
    Shadowed {
        /// The role that lists it.
        role: RoleName,
        /// The path.
        path: TargetPath,
        /// The role that comes before it.
        by: RoleName,
    },
    /// A listed file is not there.
    #[error("{role} lists {path}, but the file is neither published nor in the release")]
    FileMissing {
        /// The role.
        role: RoleName,
        /// The path.
        path: TargetPath,
    },
    /// A listed file is another.
    #[error("TUF 5.7.3: {path}, which {role} lists, {source}")]
    File {
        /// The role.
        role: RoleName,
        /// The path.
        path: TargetPath,
        /// The difference.
        source: FileError,
    },
}

/// What readers will see: the release over what is there.
struct Outlook<'a, R> {
    writes: BTreeMap<(Place, &'a str), &'a [u8]>,
    read: R,
}

impl<R: Fn(&Request) -> Option<Vec<u8>>> World for Outlook<'_, R> {
    type Error = RehearsalError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, RehearsalError> {
        let new = self.writes.get(&(request.place, request.name.as_str()));
        let bytes = new.map(|bytes| bytes.to_vec()).or_else(|| (self.read)(request));
        Ok(bytes.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, _: &RoleName, _: &[u8]) -> Result<(), RehearsalError> {
        Ok(())
    }

    fn forget(&mut self, _: &RoleName) -> Result<(), RehearsalError> {
        Ok(())
    }
}

/// Reads the release in both ways; `read` reads what is published already.
pub(super) fn rehearse(
    before: Option<&Published>,
    writes: &[Write],
    outcome: &Outcome<'_>,
    now: UnixSeconds,
    read: impl Fn(&Request) -> Option<Vec<u8>>,
) -> Result<(), RehearsalError> {
    let names = writes
        .iter()
        .map(|write| ((write.place, write.name.as_str()), write.bytes.as_slice()));
    let mut outlook = Outlook {
        writes: names.collect(),
        read,
    };
    let settings = Settings {
        now,
        floor: Floor::default(),
    };
    let first_root = before.map(|published| published.first_root.as_slice());
    let first_root = first_root.or_else(|| outlook.writes.get(&(Place::Metadata, "1.root.json")).copied());
    let newcomer = Stored {
        root: first_root.unwrap_or_default().to_vec(),
        ..Stored::default()
    };
    let mut verifier = refresh(newcomer, settings, &mut outlook)?;
    if let Some(published) = before {
        refresh(published.as_stored(), settings, &mut outlook)?;
    }
    for role in &outcome.roles {
        if !role.is_new && role.targets.is_expired(now) {
            continue;
        }
        for path in role.targets.targets.keys() {
            check_target(&mut verifier, &role.name, path, &mut outlook)?;
        }
    }
    Ok(())
}

fn check_target<W: World<Error = RehearsalError>>(
    verifier: &mut Verifier,
    role: &RoleName,
    path: &TargetPath,
    outlook: &mut W,
) -> Result<(), RehearsalError> {
    let (role, path) = (role.clone(), path.clone());
    let target = find(verifier, path.clone(), outlook)?;
    if target.role != role {
        let by = target.role;
        return Err(RehearsalError::Shadowed { role, path, by });
    }
    let Answer::Bytes(bytes) = outlook.fetch(&verifier.request_of(&target))? else {
        return Err(RehearsalError::FileMissing { role, path });
    };
    target
        .file
        .check(&bytes)
        .map_err(|source| RehearsalError::File { role, path, source })
}

impl Published {
    /// What a reader has who was here after the last release.
    fn as_stored(&self) -> Stored {
        let mut others: BTreeMap<_, _> = self
            .roles
            .iter()
            .map(|(role, (bytes, _))| (role.clone(), bytes.clone()))
            .collect();
        others.insert(RoleName::timestamp(), self.timestamp_file.clone());
        others.insert(RoleName::snapshot(), self.snapshot_file.clone());
        Stored {
            root: self.root_file.clone(),
            others,
        }
    }
}
