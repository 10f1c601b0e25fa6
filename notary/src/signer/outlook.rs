//! What would validators see? What is published, with what is due laid over it; the verifier reads both as one.

use std::collections::BTreeMap;

use super::{Signatures, SignerError, document};
use crate::{
    client::reader::Reader,
    tuf::{
        Answer, Floor, Place, Request, RoleName, Root, Settings, Signed, TargetFile, Targets, TargetsError,
        UnixSeconds, UpdateError, World, find, names::encoded, refresh,
    },
    wire::DueView,
};

/// Files that are not published yet, over those that are. What is learnt here is kept by nobody.
struct Outlook<'a> {
    reader: &'a mut Reader,
    new: BTreeMap<(Place, String), Vec<u8>>,
}

impl World for Outlook<'_> {
    type Error = SignerError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, SignerError> {
        match self.new.get(&(request.place, request.name.clone())) {
            Some(bytes) => Ok(Answer::Bytes(bytes.clone())),
            None => Ok(self.reader.fetch(request)?),
        }
    }

    fn keep(&mut self, _: &RoleName, _: &[u8]) -> Result<(), SignerError> {
        Ok(())
    }

    fn forget(&mut self, _: &RoleName) -> Result<(), SignerError> {
        Ok(())
    }
}

/// Reads what would be published as a validator who was here before.
pub(super) fn verify(
    reader: &mut Reader,
    due: &DueView,
    signatures: &Signatures,
    now: UnixSeconds,
) -> Result<(), SignerError> {
    let stored = reader.stored()?;
    let new = files(due, signatures)?;
    let mut outlook = Outlook { reader, new };
    let floor = Floor::default();
    let mut verifier = refresh(stored, Settings { now, floor }, &mut outlook)?;
    for (path, text) in &due.files {
        let target = find(&mut verifier, path.clone(), &mut outlook)?;
        target.file.check(text.as_bytes()).map_err(|error| SignerError::File {
            path: path.to_string(),
            reason: error.to_string(),
        })?;
    }
    let top = verifier.targets().expect("a refresh ends with targets").get().clone();
    for (role, text) in due.roles.iter().filter(|(role, _)| **role != RoleName::targets()) {
        let signed = Signed::<Targets>::parse(text.as_bytes()).map_err(|source| SignerError::Metadata {
            role: role.clone(),
            source,
        })?;
        let delegation = top.delegated().find(|(_, delegated)| delegated.name == *role);
        let Some((all, delegated)) = delegation else {
            return Err(SignerError::NotDelegated { role: role.clone() });
        };
        // Not only if a reader asks for one of its files: others may be listed by a role that comes before it.
        let checked = signed.check(&all.authority(delegated));
        checked.map_err(|source| UpdateError::from(TargetsError::Unsigned(source)))?;
        for path in signed.unverified().targets.keys() {
            let target = find(&mut verifier, path.clone(), &mut outlook)?;
            if target.role != *role {
                let (path, role, by) = (path.clone(), role.clone(), target.role);
                return Err(SignerError::Shadowed { role, path, by });
            }
        }
    }
    Ok(())
}

/// The files that would be new, under the names that readers ask for.
fn files(due: &DueView, signatures: &Signatures) -> Result<BTreeMap<(Place, String), Vec<u8>>, SignerError> {
    let mut new = BTreeMap::new();
    let mut metadata = |name: String, bytes: &[u8]| new.insert((Place::Metadata, name), bytes.to_vec());
    let versioned = |role: &RoleName, version| format!("{version}.{}.json", encoded(role.as_str()));
    if let Some(text) = &due.root {
        let root = document::<Root>(RoleName::root(), text.as_bytes())?;
        metadata(versioned(&RoleName::root(), root.version), text.as_bytes());
    }
    for (role, text) in &due.roles {
        let targets = document::<Targets>(role.clone(), text.as_bytes())?;
        metadata(versioned(role, targets.version), text.as_bytes());
    }
    if let Some((version, bytes)) = &signatures.snapshot {
        metadata(versioned(&RoleName::snapshot(), *version), bytes);
    }
    metadata("timestamp.json".to_owned(), &signatures.timestamp);
    for (path, text) in &due.files {
        let request = Request::target(path, &TargetFile::of(text.as_bytes()), true);
        new.insert((request.place, request.name), text.clone().into_bytes());
    }
    Ok(new)
}
