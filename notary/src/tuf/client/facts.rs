//! What does a verifier go by, and what does it say?

use std::collections::BTreeMap;

use super::{Floor, Request, Target, UpdateError};
use crate::tuf::{names::RoleName, time::UnixSeconds};

/// What was kept by earlier updates: the bytes of each role's document. Nothing in it is believed before it is checked again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The trusted root; without it nothing can start.
    pub root: Vec<u8>,
    /// All others.
    pub others: BTreeMap<RoleName, Vec<u8>>,
}

/// What an update goes by.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The fixed time of the update's start (TUF 5.1).
    pub now: UnixSeconds,
    /// What the chain has seen already.
    pub floor: Floor,
}

/// What is to be done about a document, before anything else is fetched or believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep it in place of the one before, for good.
    Keep {
        /// Whose.
        role: RoleName,
        /// The file.
        bytes: Vec<u8>,
    },
    /// Keep the document of this role no longer.
    Forget(RoleName),
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Fetch this, and feed what comes.
    Fetch(Request),
    /// The four roles are up to date; targets can be searched for.
    Refreshed,
    /// The search has found who vouches for the path.
    Found(Target),
}

/// What a step led to. The effects are due even if the step failed: what was checked before it failed is good.
#[derive(Debug)]
pub struct Outcome {
    /// To be done in this order.
    pub effects: Vec<Effect>,
    /// And then.
    pub next: Result<Next, UpdateError>,
}
