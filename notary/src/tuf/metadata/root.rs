//! Who may sign for the four roles of the top? Root metadata (TUF 4.3).

use std::{collections::BTreeMap, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use super::{Authority, SpecVersion, document};
use crate::tuf::{
    key::Key,
    limits::ROOT_BYTES_MAX,
    names::{KeyId, Kind, RoleName, Version},
    time::UnixSeconds,
};

/// Root metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    #[serde(rename = "_type")]
    pub(super) kind: Kind,
    /// The edition it keeps to.
    pub spec_version: SpecVersion,
    /// Whether files are named by version and hash, so that a reader never meets half of a change.
    #[serde(default)]
    pub consistent_snapshot: bool,
    /// Its version.
    pub version: Version,
    /// When it stops being trusted.
    pub expires: UnixSeconds,
    /// Keys by id.
    pub keys: BTreeMap<KeyId, Key>,
    /// Who may sign for whom.
    pub roles: Roles,
}

document!(Root, Kind::Root, ROOT_BYTES_MAX);

/// The four roles of the top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Signs root metadata.
    pub root: RoleKeys,
    /// Signs snapshot metadata.
    pub snapshot: RoleKeys,
    /// Signs the targets metadata of the top.
    pub targets: RoleKeys,
    /// Signs timestamp metadata.
    pub timestamp: RoleKeys,
}

/// Whose signatures make a role's, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct RoleKeys {
    /// Ids of the keys, each once.
    pub keyids: Vec<KeyId>,
    /// How many different keys must sign.
    pub threshold: NonZeroU32,
}

#[derive(Deserialize)]
struct Wire {
    keyids: Vec<KeyId>,
    threshold: NonZeroU32,
}

impl TryFrom<Wire> for RoleKeys {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let Wire { keyids, threshold } = wire;
        refuse_repeated(&keyids)?;
        Ok(Self { keyids, threshold })
    }
}

/// Refuses a list that names a key id twice: it would look like more keys than there are.
pub(super) fn refuse_repeated(keyids: &[KeyId]) -> Result<(), String> {
    let mut sorted: Vec<_> = keyids.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!(
            "a role names each key id once (TUF 4.3), got {:?} twice",
            pair[0].as_str()
        )),
        None => Ok(()),
    }
}

impl Root {
    /// Root metadata of a repository that names its files by version and hash.
    pub fn new(version: Version, expires: UnixSeconds, keys: BTreeMap<KeyId, Key>, roles: Roles) -> Self {
        Self {
            kind: Kind::Root,
            spec_version: SpecVersion::default(),
            consistent_snapshot: true,
            version,
            expires,
            keys,
            roles,
        }
    }

    /// Whose signatures the documents of a kind need.
    pub fn authority(&self, kind: Kind) -> Authority {
        let role = match kind {
            Kind::Root => &self.roles.root,
            Kind::Targets => &self.roles.targets,
            Kind::Snapshot => &self.roles.snapshot,
            Kind::Timestamp => &self.roles.timestamp,
        };
        Authority::new(RoleName::top_level(kind), &role.keyids, role.threshold, &self.keys)
    }
}
