//! How much may somebody ask for whom nobody knows? Submissions of one address, open at once and over the hours: so that no stranger takes
//! the places of all others, or fills the storage.
//!
//! Called by the writer, for what the desk would take. Members and the working group are not counted. Which address opened a submission
//! this process knows, and writes down nowhere: after a restart everybody begins anew.

use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32};

use governor::Quota;

use super::{
    callers::{Buckets, subscriber},
    limits::{SUBMISSIONS_BURST, SUBMISSIONS_OPEN_PER_CALLER_MAX, SUBMISSIONS_PER_HOUR},
};
use crate::desk::{Desk, Refusal, Submission, SubmissionId};

/// What strangers have asked for.
#[derive(Debug)]
pub struct Strangers {
    pace: Buckets,
    /// Open submissions, and whose address opened each: no more than the desk lets strangers open.
    opened: BTreeMap<SubmissionId, IpAddr>,
}

impl Default for Strangers {
    fn default() -> Self {
        let nonzero = |number| NonZeroU32::new(number).expect("no bound of the server is 0");
        let pace = Quota::per_hour(nonzero(SUBMISSIONS_PER_HOUR)).allow_burst(nonzero(SUBMISSIONS_BURST));
        Self {
            pace: Buckets::new(pace),
            opened: BTreeMap::new(),
        }
    }
}

impl Strangers {
    /// Counts a submission that `desk` would take from somebody who is no member.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] if others with this address have asked for too much already.
    pub fn count(&mut self, desk: &Desk, id: SubmissionId, from: IpAddr) -> Result<(), Refusal> {
        let caller = subscriber(from);
        let is_open = |id: &SubmissionId| desk.submission(*id).is_some_and(Submission::is_open);
        self.opened.retain(|id, _| is_open(id));
        let is_new = !is_open(&id);
        let open = self.opened.values().filter(|by| **by == caller).count();
        if is_new && open >= SUBMISSIONS_OPEN_PER_CALLER_MAX {
            let what = "submissions of one address are open";
            let most = SUBMISSIONS_OPEN_PER_CALLER_MAX;
            return Err(Refusal::TooMany { what, most });
        }
        // A correction is its opener's, wherever it comes from: no key is made for an address that has opened nothing.
        let counted = self.opened.get(&id).copied().unwrap_or(from);
        if self.pace.count(counted).is_err() {
            let what = "submissions of one address are taken in a few hours";
            let most = SUBMISSIONS_BURST as usize;
            return Err(Refusal::TooMany { what, most });
        }
        if is_new {
            self.opened.insert(id, caller);
        }
        Ok(())
    }
}
