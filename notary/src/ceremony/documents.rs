//! What is to be signed? The next root, and the first targets.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use thiserror::Error;

use crate::{
    records::Place,
    tuf::{
        DelegatedRole, Delegations, Key, KeyId, PathPattern, Paths, RoleKeys, Roles, Root, Targets, UnixSeconds,
        Version,
    },
};

/// Whose signatures a role needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// Their public keys.
    pub keys: Vec<Key>,
    /// How many of them must sign.
    pub threshold: NonZeroU32,
}

/// What changes with the next root; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootWishes {
    /// Who signs root metadata.
    pub root: Option<Holders>,
    /// The working group.
    pub targets: Option<Holders>,
    /// Who signs snapshots.
    pub snapshot: Option<Holders>,
    /// Who signs timestamps.
    pub timestamp: Option<Holders>,
}

/// Why a document cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// The first root names everybody.
    #[error("the first root needs keys for {role}")]
    NoHolders {
        /// The role that nobody was named for.
        role: &'static str,
    },
    /// More signatures than there are keys, or one key twice.
    #[error("{role} needs {threshold} signatures and has {keys} different keys")]
    Threshold {
        /// The role.
        role: &'static str,
        /// Signatures needed.
        threshold: NonZeroU32,
        /// Different keys given.
        keys: usize,
    },
    /// One key twice in one role.
    #[error("{role} names the key {key} twice; it would look like two holders and be one")]
    KeyTwice {
        /// The role.
        role: &'static str,
        /// The key's id.
        key: KeyId,
    },
    /// No version follows.
    #[error("root has the last version that there is")]
    LastVersion,
}

impl Holders {
    fn check(&self, role: &'static str) -> Result<(), DocumentError> {
        let mut different = BTreeSet::new();
        if let Some(key) = self.keys.iter().find(|key| !different.insert(*key)) {
            return Err(DocumentError::KeyTwice { role, key: key.id() });
        }
        let (threshold, keys) = (self.threshold, different.len());
        if keys < threshold.get() as usize {
            return Err(DocumentError::Threshold { role, threshold, keys });
        }
        Ok(())
    }

    fn role_keys(&self) -> RoleKeys {
        RoleKeys {
            keyids: self.keys.iter().map(Key::id).collect(),
            threshold: self.threshold,
        }
    }
}

/// The root that follows `before`, or the first one.
///
/// # Errors
/// [`DocumentError`] if it could not be signed.
pub fn root(before: Option<&Root>, wishes: &RootWishes, expires: UnixSeconds) -> Result<Root, DocumentError> {
    let mut keys = BTreeMap::new();
    let mut role = |role, wish: &Option<Holders>, old: Option<&RoleKeys>| match (wish, old, before) {
        (Some(holders), _, _) => {
            holders.check(role)?;
            keys.extend(holders.keys.iter().map(|key| (key.id(), key.clone())));
            Ok(holders.role_keys())
        }
        (None, Some(old), Some(before)) => {
            let kept = old
                .keyids
                .iter()
                .filter_map(|id| Some((id.clone(), before.keys.get(id)?.clone())));
            keys.extend(kept);
            Ok(old.clone())
        }
        _ => Err(DocumentError::NoHolders { role }),
    };
    let old = before.map(|before| &before.roles);
    let roles = Roles {
        root: role("root", &wishes.root, old.map(|old| &old.root))?,
        targets: role("targets", &wishes.targets, old.map(|old| &old.targets))?,
        snapshot: role("snapshot", &wishes.snapshot, old.map(|old| &old.snapshot))?,
        timestamp: role("timestamp", &wishes.timestamp, old.map(|old| &old.timestamp))?,
    };
    let version = match before {
        None => Version::FIRST,
        Some(before) => before.version.next().ok_or(DocumentError::LastVersion)?,
    };
    Ok(Root::new(version, expires, keys, roles))
}

/// The first targets: no member yet, and the role that may suspend.
///
/// # Errors
/// [`DocumentError`] if that role could not sign.
///
/// # Panics
/// Never: the path of a record is a pattern.
pub fn first_targets(deny: &Holders, expires: UnixSeconds) -> Result<Targets, DocumentError> {
    deny.check("wg-deny")?;
    let RoleKeys { keyids, threshold } = deny.role_keys();
    let path = PathPattern::try_from(String::from(Place::Deny.path())).expect("the path of a record is a pattern");
    let mut targets = Targets::new(Version::FIRST, expires);
    targets.delegations = Some(Delegations {
        keys: deny.keys.iter().map(|key| (key.id(), key.clone())).collect(),
        roles: vec![DelegatedRole {
            name: Place::Deny.role(),
            keyids,
            threshold,
            terminating: true,
            paths: Paths::Patterns(vec![path]),
        }],
    });
    Ok(targets)
}
