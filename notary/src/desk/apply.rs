//! What is different afterwards? The fold: an entry that was checked, or one that was stored, changes the desk.

use std::{collections::BTreeSet, mem};

use thiserror::Error;

use super::{
    Approvals, Body, Checked, Command, Desk, Entry, Event, Member, Order, Proposal, Refusal, SUBMISSIONS_CLOSED_MAX,
    Standing, Submission, SubmissionId,
    check::{Change, Spent, Submitted, keys_of},
    member::forget_closed,
    pending::Waiting,
    proposal::{MemberChange, PROPOSAL_LIFE, difference},
};
use crate::{
    dsse::Envelope,
    records::{Deny, NotaryId, Place, State},
    repository::{Release, Unsigned},
    tuf::{RoleName, UnixSeconds},
};

/// Why stored entries make no desk.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// One is missing, or there twice.
    #[error("entry {expected} is next, got {got}: restore the database from a copy")]
    Hole {
        /// The place of the next entry.
        expected: u64,
        /// The place of the one that came.
        got: u64,
    },
    /// It was never taken by this desk.
    #[error("entry {seq} could not have been taken here: {source}; is this the database of another notary?")]
    Refused {
        /// Its place.
        seq: u64,
        /// Why not.
        source: Refusal,
    },
}

/// Which entry is being applied.
#[derive(Clone, Copy)]
struct At {
    seq: u64,
    at: UnixSeconds,
}

impl Desk {
    /// Does what was checked; its entry is stored by now.
    ///
    /// # Panics
    /// If another entry was applied since the check: each is stored and applied before the next is checked.
    pub fn apply(&mut self, checked: Checked) {
        let Checked { entry, change, spent } = checked;
        assert_eq!(entry.seq, self.next, "each entry is applied before the next is checked");
        let at = At {
            seq: entry.seq,
            at: entry.at,
        };
        self.next += 1;
        if let Some(spent) = spent {
            self.spend(spent, entry.at);
        }
        self.change(change, at);
    }

    /// Applies an entry that was stored. Signatures and files were checked before it was, and are not again.
    ///
    /// # Errors
    /// [`ReplayError`] if it does not follow; the desk is as it was.
    pub fn replay(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let (expected, got) = (self.next, entry.seq);
        if expected != got {
            return Err(ReplayError::Hole { expected, got });
        }
        let refused = |source| ReplayError::Refused { seq: got, source };
        let (change, spent) = self.read(entry).map_err(refused)?;
        let entry = entry.clone();
        self.apply(Checked { entry, change, spent });
        Ok(())
    }

    fn read(&self, entry: &Entry) -> Result<(Change, Option<Spent>), Refusal> {
        match &entry.body {
            Body::Release(release) => {
                self.shelf.check_readable(release)?;
                Ok((Change::Released(release.clone()), None))
            }
            Body::Command(envelope) => {
                let opened = Envelope::parse(envelope)?.opened_before();
                let order = Order::<Command>::parse(&opened)?;
                let spent = Spent {
                    signers: opened.signers().clone(),
                    sequence: order.sequence,
                    nonce: order.nonce,
                    expires: order.expires,
                };
                let change = self.decide(order.command, opened.signers(), entry.at)?;
                Ok((change, Some(spent)))
            }
        }
    }

    fn spend(&mut self, spent: Spent, now: UnixSeconds) {
        let Spent {
            signers,
            sequence,
            nonce,
            expires,
        } = spent;
        self.sequences.extend(signers.into_iter().map(|key| (key, sequence)));
        // An order that expired is refused for that; its nonce need not be known any more.
        self.nonces.retain(|_, expires| *expires > now);
        self.nonces.insert(nonce, expires);
    }

    fn change(&mut self, change: Change, at: At) {
        match change {
            Change::Founded(release) => self.founding = Some(release),
            Change::Submitted(submitted) => self.submitted(submitted, at),
            Change::Withdrawn(id) => self.close(id, Standing::Withdrawn, at),
            Change::Verified { submission, verifier } => {
                let (member, change) = self.admit(submission);
                self.stand(submission, Standing::Verified, at);
                self.update(submission, |submission| submission.verifier = Some(verifier));
                self.propose(member, change, at);
            }
            Change::Rejected {
                submission,
                verifier,
                reason,
            } => {
                self.update(submission, |submission| {
                    submission.verifier = Some(verifier);
                    submission.reason = Some(reason);
                });
                self.close(submission, Standing::Rejected, at);
            }
            Change::Proposed { member, change } => self.propose(member, change, at),
            Change::DenyKeysProposed(keys) => {
                self.changes.deny_keys = Some(keys);
                self.draw_up(at);
            }
            Change::RenewalProposed => {
                self.changes.renewal = true;
                self.draw_up(at);
            }
            Change::ProposalCleared => {
                for change in mem::take(&mut self.changes).members.values() {
                    self.put_back(change, at);
                }
                self.draw_up(at);
            }
            Change::Approved { key, signature } => {
                let proposal = self.proposal.as_mut().expect("an approval is of the open proposal");
                proposal.approvals.insert(key, signature);
                self.count_approvals(at);
            }
            Change::NodesUpdated { member, parcel } => {
                let since = at.at;
                self.nodes.insert(member, Waiting { since, parcel });
            }
            Change::DenyUpdated(parcel) => {
                self.deny = Some(parcel);
                // It takes the version of wg-deny that the proposed metadata have.
                if self.changes.deny_keys.take().is_some() {
                    self.draw_up(at);
                }
            }
            Change::RootSigned(root) => {
                self.root = Some(root);
                self.count_approvals(at);
            }
            Change::Released(release) => self.released(&release, at),
        }
    }

    fn submitted(&mut self, submitted: Submitted, at: At) {
        let Submitted {
            open,
            member,
            draft,
            signers,
            is_whole,
            is_of_stranger: _,
        } = submitted;
        let id = open.unwrap_or(SubmissionId(at.seq));
        let draft_sha256 = draft.sha256();
        let is_same = open.is_some_and(|id| self.submissions[&id].draft_sha256 == draft_sha256);
        if is_same && self.submissions[&id].standing != Standing::Draft {
            self.update(id, |submission| submission.signers = signers);
            return;
        }
        let submission = Submission {
            id,
            member: member.clone(),
            standing: Standing::Draft,
            draft_sha256,
            draft: Some(draft),
            signers,
            changed_at: at.at,
            verifier: None,
            reason: None,
        };
        self.submissions.insert(id, submission);
        // The draft has nodes too, with the same version of their metadata.
        self.nodes.remove(&member);
        self.members.entry(member.clone()).or_default().submission = Some(id);
        self.stand(id, if is_whole { Standing::Submitted } else { Standing::Draft }, at);
        // Another draft than the one that was verified: out of the proposal, whose signatures are void with that.
        if self.is_proposed(id) {
            self.changes.members.remove(&member);
            self.draw_up(at);
        }
    }

    fn is_proposed(&self, id: SubmissionId) -> bool {
        self.changes
            .members
            .values()
            .filter_map(submission_of)
            .any(|proposed| proposed == id)
    }

    fn propose(&mut self, member: NotaryId, change: MemberChange, at: At) {
        if let Some(old) = self.changes.members.insert(member, change) {
            self.put_back(&old, at);
        }
        self.draw_up(at);
    }

    /// A submission that is not proposed any more is where it was before it was verified.
    fn put_back(&mut self, change: &MemberChange, at: At) {
        if let Some(submission) = submission_of(change) {
            self.stand(submission, Standing::Submitted, at);
        }
    }

    fn close(&mut self, id: SubmissionId, standing: Standing, at: At) {
        self.stand(id, standing, at);
        let submission = self.submissions.get_mut(&id).expect("it was open");
        submission.draft = None;
        let member = submission.member.clone();
        self.members.entry(member.clone()).or_default().submission = None;
        if self.is_proposed(id) {
            self.changes.members.remove(&member);
            self.draw_up(at);
        }
        forget_closed(&mut self.submissions, SUBMISSIONS_CLOSED_MAX);
    }

    /// The document of the proposal, from what is published and what changes; signatures under the one before are void.
    fn draw_up(&mut self, at: At) {
        let had_approvals = self.proposal.take().is_some_and(|old| !old.approvals.is_empty());
        if let Some(base) = self.shelf.role(&RoleName::targets())
            && !self.changes.is_empty()
        {
            let expires = at.at.plus(PROPOSAL_LIFE);
            let unsigned = Unsigned::new(self.changes.targets(base, expires));
            let lines = difference(base, &self.changes, |place| self.shelf.record(place), expires);
            self.proposal = Some(Proposal::new(unsigned, lines));
        }
        if had_approvals {
            self.count_approvals(at);
        }
    }

    /// Lets every submission of the proposal stand where its signatures put it.
    fn count_approvals(&mut self, at: At) {
        let standing = match self.approvals() {
            Some(Approvals { got, needed }) if got > 0 => Standing::Approved { got, needed },
            _ => Standing::Verified,
        };
        let proposed: Vec<_> = self.changes.members.values().filter_map(submission_of).collect();
        for id in proposed {
            self.stand(id, standing, at);
        }
    }

    /// How many keys of the working group have signed the proposal, and how many must.
    pub(super) fn approvals(&self) -> Option<Approvals> {
        let (proposal, root) = (self.proposal.as_ref()?, self.group_root()?);
        let keys = keys_of(root, &root.roles.targets);
        let got = proposal.approvals().filter(|key| keys.contains(key)).count();
        let got = u32::try_from(got).expect("fewer keys than a root has");
        let needed = root.roles.targets.threshold.get();
        Some(Approvals { got, needed })
    }

    fn stand(&mut self, id: SubmissionId, standing: Standing, at: At) {
        self.update(id, |submission| submission.standing = standing);
        let member = self.submissions[&id].member.clone();
        self.note(member, standing, at);
    }

    fn update(&mut self, id: SubmissionId, edit: impl FnOnce(&mut Submission)) {
        edit(self.submissions.get_mut(&id).expect("it was looked up before"));
    }

    fn note(&mut self, member: NotaryId, standing: Standing, At { seq, at }: At) {
        let member: &mut Member = self.members.entry(member).or_default();
        member.note(Event { seq, at, standing });
    }

    fn released(&mut self, release: &Release, at: At) {
        let suspended_before = self.suspended();
        self.shelf
            .publish(release)
            .expect("a release was read before it was taken");
        self.released_at = at.at;
        self.founding = None;
        if release.root.is_some() {
            self.root = None;
        }
        if release.roles.contains_key(&Place::Deny.role()) {
            self.deny = None;
        }
        self.nodes
            .retain(|member, _| !release.roles.contains_key(&Place::Nodes(member.clone()).role()));
        for path in release.files.keys() {
            if let Some(Place::Admission(member)) = Place::of(path) {
                self.admitted(member, at);
            }
        }
        if release.roles.contains_key(&RoleName::targets()) {
            let published = mem::take(&mut self.changes);
            self.proposal = None;
            for (member, change) in &published.members {
                // Nodes of a member that is none any more wait in vain.
                self.nodes.remove(member);
                if let Some(id) = submission_of(change) {
                    self.close(id, Standing::Published, at);
                }
            }
        }
        let suspended = self.suspended();
        for member in suspended_before.symmetric_difference(&suspended) {
            self.admitted(member.clone(), at);
        }
    }

    /// Notes where a member stands by what is published.
    fn admitted(&mut self, member: NotaryId, at: At) {
        let standing = match self.admission(&member).map(|admission| admission.state) {
            None => return,
            Some(State::Revoked) => Standing::Revoked,
            Some(State::Suspended) => Standing::Suspended,
            Some(State::Active) if self.suspended().contains(&member) => Standing::Suspended,
            Some(State::Active) => Standing::Published,
        };
        self.note(member, standing, at);
    }

    /// The members that the published deny record names.
    pub(super) fn suspended(&self) -> BTreeSet<NotaryId> {
        let deny = self
            .shelf
            .record(&Place::Deny)
            .and_then(|record| Deny::parse(record).ok());
        let suspended = deny.into_iter().flat_map(|deny| deny.suspended);
        suspended.map(|suspension| suspension.member_id).collect()
    }
}

fn submission_of(change: &MemberChange) -> Option<SubmissionId> {
    match change {
        MemberChange::Admit { submission, .. } => Some(*submission),
        MemberChange::Revoke { .. } => None,
    }
}
