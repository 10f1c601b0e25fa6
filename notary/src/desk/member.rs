//! Where does a member stand, and how did it get there? Submissions, and the history that each command and release leaves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::SubmissionId;
use crate::{
    records::{Hex32, NotaryId, Place, PlainText},
    repository::Release,
    tuf::UnixSeconds,
};

/// Most events that are kept of a member; those before are in the log.
pub const HISTORY_MAX: usize = 256;

/// Where a submission or a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Some of the member's keys have not signed yet.
    Draft,
    /// The member asks to be looked at.
    Submitted,
    /// The working group found it to be true and proposes it.
    Verified,
    /// Some of the working group's keys have signed the proposal that it is part of.
    Approved {
        /// Different keys that signed.
        got: u32,
        /// Different keys that must.
        needed: u32,
    },
    /// It is published, and the member may validate.
    Published,
    /// It may not for now.
    Suspended,
    /// It may not any more.
    Revoked,
    /// Its admission is over.
    Expired,
    /// The working group found it not to be true.
    Rejected,
    /// The member took it back.
    Withdrawn,
}

/// The files of a submission, as they will be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// The admission.
    pub admission: String,
    /// Metadata of the role `m-<id>`.
    pub role: String,
    /// The record of nodes.
    pub nodes: String,
}

impl Draft {
    /// What verifiers name it by: sha256 of the three files' sha256, in the order of the fields.
    pub fn sha256(&self) -> Hex32 {
        let files = [&self.admission, &self.role, &self.nodes];
        let hashes: Vec<u8> = files.iter().flat_map(|file| Sha256::digest(file.as_bytes())).collect();
        Hex32(Sha256::digest(hashes).into())
    }
}

/// What a member asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submission {
    /// Its number.
    pub id: SubmissionId,
    /// Whose it is.
    pub member: NotaryId,
    /// Where it stands.
    pub standing: Standing,
    /// What verifiers name its draft by.
    pub draft_sha256: Hex32,
    /// Its files, while it is open.
    pub draft: Option<Draft>,
    /// The keys that signed the draft.
    pub signers: BTreeSet<Hex32>,
    /// When it came in, or changed.
    pub changed_at: UnixSeconds,
    /// Who of the working group looked at it last.
    pub verifier: Option<Hex32>,
    /// Why it was rejected.
    pub reason: Option<PlainText>,
}

impl Submission {
    /// Whether something can still come of it.
    pub fn is_open(&self) -> bool {
        self.draft.is_some()
    }
}

/// Forgets the oldest of those that are over, if they are more than `most`.
pub(super) fn forget_closed(submissions: &mut BTreeMap<SubmissionId, Submission>, most: usize) {
    let closed = submissions.values().filter(|one| !one.is_open()).map(|one| one.id);
    let closed: Vec<_> = closed.collect();
    for id in closed.iter().take(closed.len().saturating_sub(most)) {
        submissions.remove(id);
    }
}

/// A step of a member's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The entry of the log that brought it.
    pub seq: u64,
    /// When.
    pub at: UnixSeconds,
    /// Where the member stood from then on.
    pub standing: Standing,
}

/// A member, or who wants to be one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its submissions that are open: one at most.
    pub submission: Option<SubmissionId>,
    /// What happened, oldest first.
    pub history: VecDeque<Event>,
}

impl Member {
    pub(super) fn note(&mut self, event: Event) {
        if self.history.back().is_some_and(|last| last.standing == event.standing) {
            return;
        }
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(event);
    }
}

/// Files of one role that go out together: its metadata, and the record that they list.
pub(super) fn parcel(place: &Place, role: &str, record: &str) -> Release {
    Release {
        roles: BTreeMap::from([(place.role(), role.as_bytes().to_vec())]),
        files: BTreeMap::from([(place.path(), record.as_bytes().to_vec())]),
        ..Release::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_tells_each_step_once_and_forgets_the_oldest() {
        let mut member = Member::default();
        let event = |seq: u64, standing| Event {
            seq,
            at: UnixSeconds::new(seq),
            standing,
        };
        member.note(event(0, Standing::Draft));
        member.note(event(1, Standing::Draft));
        assert_eq!(member.history, [event(0, Standing::Draft)]);
        let standings = [Standing::Published, Standing::Suspended];
        for (seq, standing) in (2..).zip(standings.iter().cycle().take(HISTORY_MAX)) {
            member.note(event(seq, *standing));
        }
        assert_eq!(member.history.len(), HISTORY_MAX);
        assert_eq!(member.history[0], event(2, Standing::Published));
    }

    #[test]
    fn only_the_oldest_that_are_over_are_forgotten() {
        let submission = |number: u64, is_open: bool| Submission {
            id: SubmissionId(number),
            member: "a".to_owned().try_into().unwrap(),
            standing: Standing::Draft,
            draft_sha256: Hex32([0; 32]),
            draft: is_open.then(|| Draft {
                admission: String::new(),
                role: String::new(),
                nodes: String::new(),
            }),
            signers: BTreeSet::new(),
            changed_at: UnixSeconds::new(0),
            verifier: None,
            reason: None,
        };
        let all = [(1, true), (2, false), (3, false), (4, true), (5, false)];
        let mut all: BTreeMap<_, _> = all
            .map(|(number, is_open)| (SubmissionId(number), submission(number, is_open)))
            .into();
        forget_closed(&mut all, 2);
        assert_eq!(all.keys().map(|id| id.0).collect::<Vec<_>>(), [1, 3, 4, 5]);
        forget_closed(&mut all, 2);
        assert_eq!(all.len(), 4);
    }
}
