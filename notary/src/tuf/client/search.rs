//! Who vouches for a path? The walk through delegations: pre-order, depth first, no role twice, ended by a terminating one
//! (TUF 5.6.7).
//!
//! Knows where to look next and never looks: the client brings each role's metadata.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::tuf::{
    limits::{ROLES_VISITED_MAX, TARGETS_BYTES_MAX},
    metadata::{Authority, MetaFile, TargetFile, Targets},
    names::{RoleName, TargetPath},
};

/// Why nobody vouches for a path.
#[derive(Debug, Error)]
pub enum SearchError {
    /// Nobody lists it.
    #[error("TUF 5.7.2: no role that may speak of {path} lists it; asked were {asked:?}")]
    NotFound {
        /// The path.
        path: TargetPath,
        /// The roles that were asked, in order.
        asked: Vec<String>,
    },
    /// The walk became too long.
    #[error("TUF 5.6.7.1: {path} is not listed by the first {ROLES_VISITED_MAX} roles that may speak of it")]
    TooManyRoles {
        /// The path.
        path: TargetPath,
    },
    /// A role that is delegated to was never published.
    #[error("TUF 5.6.7.1: {path} leads to {role}, which the snapshot does not list: it was never published")]
    Unpublished {
        /// The path.
        path: TargetPath,
        /// The role.
        role: RoleName,
    },
    /// The one role that may be asked has longer metadata than it needs.
    #[error("{path} leads to {role}, whose metadata have {bytes} bytes by the snapshot; {bytes_max} are read at most")]
    RoleTooLong {
        /// The path.
        path: TargetPath,
        /// The role.
        role: RoleName,
        /// Bytes that the snapshot lists.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
}

/// The one role besides the top that a search asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// The role.
    pub role: RoleName,
    /// Longest metadata that it may have.
    pub bytes_max: u64,
}

/// A target and who vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its path.
    pub path: TargetPath,
    /// The role that lists it.
    pub role: RoleName,
    /// Its length and hashes.
    pub file: TargetFile,
}

/// A walk that is under way.
#[derive(Debug)]
pub(super) struct Search {
    path: TargetPath,
    only: Option<Only>,
    asked: Vec<String>,
    visited: BTreeSet<RoleName>,
    ahead: Vec<Authority>,
}

/// What a role's metadata led to.
#[derive(Debug)]
pub(super) enum Step {
    /// It lists the path.
    Found(Target),
    /// The metadata of this role are needed.
    Ask(Authority),
}

impl Search {
    pub(super) fn new(path: TargetPath) -> Self {
        Self {
            path,
            only: None,
            asked: Vec::new(),
            visited: BTreeSet::new(),
            ahead: Vec::new(),
        }
    }

    pub(super) fn of_one(path: TargetPath, only: Only) -> Self {
        let only = Some(only);
        Self {
            only,
            ..Self::new(path)
        }
    }

    pub(super) fn path(&self) -> &TargetPath {
        &self.path
    }

    /// Bytes that the metadata of `role` may have, which the snapshot lists so.
    pub(super) fn bytes_max(&self, role: &RoleName, listed: &MetaFile) -> Result<u64, SearchError> {
        let Some(Only { bytes_max, .. }) = self.only else {
            return Ok(TARGETS_BYTES_MAX);
        };
        match listed.length {
            Some(bytes) if bytes > bytes_max => Err(SearchError::RoleTooLong {
                path: self.path.clone(),
                role: role.clone(),
                bytes,
                bytes_max,
            }),
            _ => Ok(bytes_max),
        }
    }

    /// Goes on with the metadata of `role`, which was asked for (or is the top's).
    pub(super) fn visit(&mut self, role: &RoleName, targets: &Targets) -> Result<Step, SearchError> {
        self.asked.push(role.to_string());
        self.visited.insert(role.clone());
        if let Some(file) = targets.targets.get(&self.path) {
            return Ok(Step::Found(Target {
                path: self.path.clone(),
                role: role.clone(),
                file: file.clone(),
            }));
        }
        self.plan(targets);
        while let Some(authority) = self.ahead.pop() {
            if self.visited.contains(authority.role()) {
                continue;
            }
            // The top is no delegated role.
            if self.visited.len() > ROLES_VISITED_MAX {
                let path = self.path.clone();
                return Err(SearchError::TooManyRoles { path });
            }
            return Ok(Step::Ask(authority));
        }
        Err(SearchError::NotFound {
            path: self.path.clone(),
            asked: self.asked.clone(),
        })
    }

    /// Puts the roles that may speak of the path before all others that wait; a terminating one lets nobody wait behind it.
    fn plan(&mut self, targets: &Targets) {
        let mut children = Vec::new();
        let may_be_asked = |name: &RoleName| self.only.as_ref().is_none_or(|only| only.role == *name);
        let delegated = targets.delegated().filter(|(_, role)| may_be_asked(&role.name));
        let covering = delegated.filter(|(_, role)| role.paths.cover(&self.path));
        // More could not be visited: a document with thousands of them costs no more than this.
        for (delegations, role) in covering.take(ROLES_VISITED_MAX + 1) {
            children.push(delegations.authority(role));
            if role.terminating {
                self.ahead.clear();
                break;
            }
        }
        self.ahead.extend(children.into_iter().rev());
    }
}
