//! What does a repository say today? Refreshes, and reads the records that judgements rest on, through whoever can fetch.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Findings, Stamp};
use crate::{
    records::{NotaryId, Place, RECORD_BYTES_MAX},
    tuf::{
        Answer, FileError, Only, Request, RoleName, SearchError, Settings, Stored, Target, TargetFile, TargetPath,
        Targets, TargetsError, UpdateError, Verifier, World, find_only, forget_undelegated, refresh,
    },
};

/// Most admissions that are read: eight times the largest validator set. Bounds memory and requests.
pub const ADMISSIONS_MAX: usize = 1_024;

/// Longest metadata of a role that lists one record: the notary takes 8 kB from a member, and those of the deny role have less. Bounds
/// what its holder, or whoever has the online keys, can make every validator fetch at every look.
pub const RECORD_ROLE_BYTES_MAX: u64 = 256 << 10;

/// Why a file that verified metadata list is not to be had.
#[derive(Debug, Error)]
pub enum GatherError {
    /// The repository does not have it.
    #[error("the repository has no {path}, which {role} lists")]
    Missing {
        /// Its path.
        path: TargetPath,
        /// Who lists it.
        role: RoleName,
    },
    /// It has another one.
    #[error("TUF 5.7.3: {path} {source}, as {role} lists it")]
    File {
        /// Its path.
        path: TargetPath,
        /// Who lists it.
        role: RoleName,
        /// The difference.
        source: FileError,
    },
    /// No record has so many bytes.
    #[error("{role} lists {path} with {bytes} bytes, a record has at most {RECORD_BYTES_MAX}")]
    TooLong {
        /// Its path.
        path: TargetPath,
        /// Who lists it.
        role: RoleName,
        /// Its length.
        bytes: u64,
    },
    /// Somebody else lists it.
    #[error("{path} is listed by {got}, but such a record is listed by {expected}")]
    WrongRole {
        /// Its path.
        path: TargetPath,
        /// Who may list it.
        expected: RoleName,
        /// Who does.
        got: RoleName,
    },
    /// More members than anybody has.
    #[error("the working group lists {got} admissions, at most {ADMISSIONS_MAX} are read")]
    TooManyAdmissions {
        /// How many it lists.
        got: usize,
    },
}

/// Files that were read before, by path: what has not changed is not fetched again, and what is no more is forgotten.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<TargetPath, (TargetFile, Vec<u8>)>);

impl Files {
    /// Forgets the records of those who are members no more, by the top's targets.
    fn prune(&mut self, top: &Targets) {
        self.0.retain(|path, _| match Place::of(path) {
            Some(Place::Admission(_)) => top.targets.contains_key(path),
            Some(place @ Place::Nodes(_)) => {
                let expected = place.role();
                top.delegated().any(|(_, role)| role.name == expected)
            }
            Some(Place::Deny) => true,
            None => false,
        });
    }
}

/// Brings `stored` up to date and reads all that judgements rest on, except the members' nodes: [`nodes_of`].
///
/// # Errors
/// The first reason why that cannot be said.
pub fn gather<W>(
    stored: Stored,
    settings: Settings,
    files: &mut Files,
    world: &mut W,
) -> Result<(Verifier, Findings), W::Error>
where
    W: World<Error: From<GatherError>>,
{
    let mut verifier = refresh(stored, settings, world)?;
    // Roles that only a role names are never asked here, whoever kept them: see `record`.
    forget_undelegated(&mut verifier, world)?;
    let (top, timestamp) = (verifier.targets(), verifier.timestamp());
    let top = top.expect("a refresh ends with targets").clone();
    let expires = timestamp.expect("a refresh ends with a timestamp").get().expires;
    let listed = top.get().targets.iter().filter_map(|(path, file)| {
        let Some(Place::Admission(id)) = Place::of(path) else {
            return None;
        };
        let (path, role, file) = (path.clone(), RoleName::targets(), file.clone());
        Some((id, Target { path, role, file }))
    });
    let listed: Vec<_> = listed.collect();
    if listed.len() > ADMISSIONS_MAX {
        return Err(GatherError::TooManyAdmissions { got: listed.len() }.into());
    }
    let mut admissions = Vec::new();
    for (id, target) in listed {
        admissions.push((id, file(&verifier, &target, files, world)?));
    }
    files.prune(top.get());
    let deny = match record(&mut verifier, &Place::Deny, files, world)? {
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    };
    let root = verifier.root();
    let stamps = (
        Stamp {
            version: root.get().version,
            sha256: root.signed_sha256(),
        },
        Stamp {
            version: top.get().version,
            sha256: top.signed_sha256(),
        },
    );
    let findings = Findings::new(stamps, expires, admissions, deny);
    Ok((verifier, findings))
}

/// The record of a member's nodes. The inner error is the member's fault, or that of whoever suspended it, and says that there is none.
///
/// # Errors
/// If it cannot be said whether there is one.
pub fn nodes_of<W>(
    verifier: &mut Verifier,
    member: &NotaryId,
    files: &mut Files,
    world: &mut W,
) -> Result<Result<Vec<u8>, UpdateError>, W::Error>
where
    W: World<Error: From<GatherError>>,
{
    record(verifier, &Place::Nodes(member.clone()), files, world)
}

/// A record under a delegated role. That role alone may speak of it, by the top's word: a walk on through roles that it names would cost
/// every validator whatever its holder thinks of, for a record that would not count.
fn record<W>(
    verifier: &mut Verifier,
    place: &Place,
    files: &mut Files,
    world: &mut W,
) -> Result<Result<Vec<u8>, UpdateError>, W::Error>
where
    W: World<Error: From<GatherError>>,
{
    let only = Only {
        role: place.role(),
        bytes_max: RECORD_ROLE_BYTES_MAX,
    };
    let target = match find_only(verifier, place.path(), only, &mut Searching(world)) {
        Ok(target) => target,
        Err(Ended::Refused(error)) if is_certain(&error) => {
            files.0.remove(&place.path());
            return Ok(Err(error));
        }
        Err(Ended::Refused(error)) => return Err(error.into()),
        Err(Ended::World(error)) => return Err(error),
    };
    if target.role != place.role() {
        let (path, expected, got) = (target.path, place.role(), target.role);
        return Err(GatherError::WrongRole { path, expected, got }.into());
    }
    file(verifier, &target, files, world).map(Ok)
}

/// Whether verified metadata say that there is no record; anything else may be the doing of whoever serves them.
fn is_certain(error: &UpdateError) -> bool {
    matches!(
        error,
        UpdateError::Search(
            SearchError::NotFound { .. } | SearchError::Unpublished { .. } | SearchError::RoleTooLong { .. }
        ) | UpdateError::Targets(TargetsError::Expired { .. })
    )
}

/// The file of a target, as it is listed.
fn file<W>(verifier: &Verifier, target: &Target, files: &mut Files, world: &mut W) -> Result<Vec<u8>, W::Error>
where
    W: World<Error: From<GatherError>>,
{
    let (path, role) = (target.path.clone(), target.role.clone());
    if let Some((listed, bytes)) = files.0.get(&path)
        && *listed == target.file
    {
        return Ok(bytes.clone());
    }
    let bytes = target.file.length;
    if bytes > RECORD_BYTES_MAX as u64 {
        return Err(GatherError::TooLong { path, role, bytes }.into());
    }
    let Answer::Bytes(bytes) = world.fetch(&verifier.request_of(target))? else {
        return Err(GatherError::Missing { path, role }.into());
    };
    let checked = target.file.check(&bytes);
    checked.map_err(|source| GatherError::File {
        path: path.clone(),
        role,
        source,
    })?;
    files.0.insert(path, (target.file.clone(), bytes.clone()));
    Ok(bytes)
}

/// A world that tells a role that cannot be believed from a server that cannot be asked.
struct Searching<'a, W>(&'a mut W);

/// Why a search ended.
enum Ended<E> {
    /// The verifier refuses what came.
    Refused(UpdateError),
    /// It could not be fetched or kept.
    World(E),
}

impl<E> From<UpdateError> for Ended<E> {
    fn from(error: UpdateError) -> Self {
        Self::Refused(error)
    }
}

impl<W: World> World for Searching<'_, W> {
    type Error = Ended<W::Error>;

    fn fetch(&mut self, request: &Request) -> Result<Answer, Self::Error> {
        self.0.fetch(request).map_err(Ended::World)
    }

    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.keep(role, bytes).map_err(Ended::World)
    }

    fn forget(&mut self, role: &RoleName) -> Result<(), Self::Error> {
        self.0.forget(role).map_err(Ended::World)
    }
}
