//! Which files are there, and who may say so of others? Targets metadata, of the top and of delegated roles (TUF 4.5).

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use serde::{Deserialize, Serialize};

use super::{Authority, SpecVersion, TargetFile, document, root::refuse_repeated};
use crate::tuf::{
    key::Key,
    limits::TARGETS_BYTES_MAX,
    names::{KeyId, Kind, RoleName, TargetPath, Version},
    pattern::{HashPrefix, PathPattern},
    time::UnixSeconds,
};

/// Targets metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    #[serde(rename = "_type")]
    pub(super) kind: Kind,
    /// The edition it keeps to.
    pub spec_version: SpecVersion,
    /// Its version.
    pub version: Version,
    /// When it stops being trusted.
    pub expires: UnixSeconds,
    /// The files that this role vouches for.
    pub targets: BTreeMap<TargetPath, TargetFile>,
    /// Who else may vouch for which files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
}

document!(Targets, Kind::Targets, TARGETS_BYTES_MAX);

/// The roles that a role delegates to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DelegationsWire")]
pub struct Delegations {
    /// Keys by id.
    pub keys: BTreeMap<KeyId, Key>,
    /// The roles, in the order in which they are asked; no name twice, none of the top's.
    pub roles: Vec<DelegatedRole>,
}

#[derive(Deserialize)]
struct DelegationsWire {
    keys: BTreeMap<KeyId, Key>,
    roles: Vec<DelegatedRole>,
}

impl TryFrom<DelegationsWire> for Delegations {
    type Error = String;

    fn try_from(wire: DelegationsWire) -> Result<Self, String> {
        let DelegationsWire { keys, roles } = wire;
        let mut names = BTreeSet::new();
        for role in &roles {
            if role.name.is_top_level() {
                return Err(format!(
                    "nobody delegates to a role of the top, got {:?}",
                    role.name.as_str()
                ));
            }
            if !names.insert(&role.name) {
                return Err(format!(
                    "a role is delegated to once (TUF 4.5), got {:?} twice",
                    role.name.as_str()
                ));
            }
        }
        Ok(Self { keys, roles })
    }
}

impl Delegations {
    /// Whose signatures the metadata of a delegated role need.
    pub fn authority(&self, role: &DelegatedRole) -> Authority {
        Authority::new(role.name.clone(), &role.keyids, role.threshold, &self.keys)
    }
}

/// A role that is delegated to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RoleWire", into = "RoleWire")]
pub struct DelegatedRole {
    /// Its name.
    pub name: RoleName,
    /// Ids of its keys, each once.
    pub keyids: Vec<KeyId>,
    /// How many different keys must sign.
    pub threshold: NonZeroU32,
    /// Whether nobody after it is asked for its paths.
    pub terminating: bool,
    /// What it may speak of.
    pub paths: Paths,
}

/// What a delegated role may speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paths {
    /// Paths that match one of these.
    Patterns(Vec<PathPattern>),
    /// Paths whose hash starts with one of these.
    HashPrefixes(Vec<HashPrefix>),
}

impl Paths {
    /// Whether a path is among them.
    pub fn cover(&self, path: &TargetPath) -> bool {
        match self {
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.matches(path)),
            Self::HashPrefixes(prefixes) => prefixes.iter().any(|prefix| prefix.matches(path)),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RoleWire {
    name: RoleName,
    keyids: Vec<KeyId>,
    threshold: NonZeroU32,
    #[serde(default)]
    terminating: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<PathPattern>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_hash_prefixes: Option<Vec<HashPrefix>>,
}

impl TryFrom<RoleWire> for DelegatedRole {
    type Error = String;

    fn try_from(wire: RoleWire) -> Result<Self, String> {
        refuse_repeated(&wire.keyids)?;
        let paths = match (wire.paths, wire.path_hash_prefixes) {
            (Some(patterns), None) => Paths::Patterns(patterns),
            (None, Some(prefixes)) => Paths::HashPrefixes(prefixes),
            (patterns, _) => {
                let got = if patterns.is_some() { "both" } else { "neither" };
                return Err(format!(
                    "a delegation has paths or path_hash_prefixes (TUF 4.5), got {got}"
                ));
            }
        };
        Ok(Self {
            name: wire.name,
            keyids: wire.keyids,
            threshold: wire.threshold,
            terminating: wire.terminating,
            paths,
        })
    }
}

impl From<DelegatedRole> for RoleWire {
    fn from(role: DelegatedRole) -> Self {
        let (paths, path_hash_prefixes) = match role.paths {
            Paths::Patterns(patterns) => (Some(patterns), None),
            Paths::HashPrefixes(prefixes) => (None, Some(prefixes)),
        };
        Self {
            name: role.name,
            keyids: role.keyids,
            threshold: role.threshold,
            terminating: role.terminating,
            paths,
            path_hash_prefixes,
        }
    }
}

impl Targets {
    /// Targets metadata without a file and without a delegation.
    pub fn new(version: Version, expires: UnixSeconds) -> Self {
        Self {
            kind: Kind::Targets,
            spec_version: SpecVersion::default(),
            version,
            expires,
            targets: BTreeMap::new(),
            delegations: None,
        }
    }

    /// The roles that it delegates to, in order.
    pub fn delegated(&self) -> impl DoubleEndedIterator<Item = (&Delegations, &DelegatedRole)> {
        self.delegations
            .iter()
            .flat_map(|all| all.roles.iter().map(move |role| (all, role)))
    }
}
