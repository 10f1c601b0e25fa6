//! What may a member ask for? To be admitted, to have its admission changed, and to change its nodes; with its own keys, for itself.

use std::collections::BTreeSet;

use super::{
    Desk, Draft, Refusal, SUBMISSIONS_OPEN_MAX, Standing, Submission, SubmissionId,
    check::{Change, Submitted, metadata, not_allowed, one_of, record},
    member::parcel,
    proposal::lists_alone,
};
use crate::{
    records::{Admission, Hex32, Nodes, NotaryId, Place, State},
    tuf::{Targets, UnixSeconds},
};

/// Longest metadata of a role that lists one record: under a kilobyte, and 130 bytes for each signature. Every reader fetches them,
/// and what a member adds that nobody asked for would be kept for good.
pub const LISTING_BYTES_MAX: usize = 8 << 10;

impl Desk {
    pub(super) fn decide_submit(
        &self,
        draft: Draft,
        signers: &BTreeSet<Hex32>,
        now: UnixSeconds,
    ) -> Result<Change, Refusal> {
        let admission = record("the admission", &draft.admission, Admission::parse)?;
        let member = admission.member_id.clone();
        self.check_admission(&admission, "submit", State::Active)?;
        self.check_nodes(&member, &draft.role, &draft.nodes)?;
        if admission.not_after <= now {
            let not_after = admission.not_after;
            return Err(Refusal::Over { member, not_after, now });
        }
        let new: BTreeSet<_> = admission.member_keys.iter().copied().collect();
        let old = self.keys_of_member(&member);
        if let Some(stranger) = signers.iter().find(|key| !new.contains(key) && !old.contains(key)) {
            return Err(not_allowed([stranger].into_iter(), "submit", "the member's own keys"));
        }
        // Nobody speaks for a member that has keys already.
        if !old.is_empty() {
            one_of(
                signers,
                &old,
                "submit",
                "a key that the member has already, and all new ones",
            )?;
        }
        let open = self.open_submission(&member);
        let signers = self.signers_so_far(open, &draft, signers)?;
        // Members are as many as the working group made them; strangers can be any number.
        let is_of_stranger = old.is_empty();
        let is_one_more = is_of_stranger && open.is_none();
        if is_one_more && self.submissions.values().filter(|one| one.is_open()).count() >= SUBMISSIONS_OPEN_MAX {
            let (what, most) = ("submissions are open", SUBMISSIONS_OPEN_MAX);
            return Err(Refusal::TooMany { what, most });
        }
        Ok(Change::Submitted(Submitted {
            open: open.map(|submission| submission.id),
            member,
            draft,
            is_whole: new.is_subset(&signers),
            is_of_stranger,
            signers,
        }))
    }

    /// Who signed the draft, with those who did so before; nobody did if it is another one.
    fn signers_so_far(
        &self,
        open: Option<&Submission>,
        draft: &Draft,
        signers: &BTreeSet<Hex32>,
    ) -> Result<BTreeSet<Hex32>, Refusal> {
        let Some(submission) = open else {
            return Ok(signers.clone());
        };
        if submission.draft_sha256 == draft.sha256() {
            if signers.is_subset(&submission.signers) {
                let what = format!("submission {} with this draft, signed by these keys,", submission.id);
                return Err(Refusal::Unchanged { what });
            }
            return Ok(&submission.signers | signers);
        }
        if signers.is_disjoint(&self.keys_of_submission(submission)) {
            let (member, open) = (submission.member.clone(), submission.id);
            let hint = "another draft is for the keys of the first one; the working group can reject it";
            return Err(Refusal::SubmissionOpen { member, open, hint });
        }
        Ok(signers.clone())
    }

    pub(super) fn decide_withdraw(&self, id: SubmissionId, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        let submission = self.open(id)?;
        let may = self.keys_of_submission(submission);
        one_of(signers, &may, "withdraw", "the keys of the submission's member")?;
        Ok(Change::Withdrawn(id))
    }

    pub(super) fn decide_update_nodes(
        &self,
        role: &str,
        nodes: &str,
        signers: &BTreeSet<Hex32>,
    ) -> Result<Change, Refusal> {
        let member = record("the record of nodes", nodes, Nodes::parse)?.member_id;
        self.check_nodes(&member, role, nodes)?;
        let keys = self.keys_of_member(&member);
        if keys.is_empty() {
            return Err(Refusal::NoMember { member });
        }
        one_of(signers, &keys, "update_nodes", "the keys in the member's admission")?;
        if let Some(submission) = self.open_submission(&member) {
            let open = submission.id;
            let hint = "its nodes are part of that; change or withdraw it";
            return Err(Refusal::SubmissionOpen { member, open, hint });
        }
        let parcel = parcel(&Place::Nodes(member.clone()), role, nodes);
        Ok(Change::NodesUpdated { member, parcel })
    }

    /// What records cannot say of themselves: for this chain, in the right state, and with the first number if it is the first.
    pub(super) fn check_admission(
        &self,
        admission: &Admission,
        command: &'static str,
        expected: State,
    ) -> Result<(), Refusal> {
        let (member, got) = (admission.member_id.clone(), admission.state);
        self.check_network("admission", admission.network())?;
        if got != expected {
            return Err(Refusal::AdmissionState {
                member,
                command,
                expected,
                got,
            });
        }
        self.check_first(Place::Admission(member), admission.seq)
    }

    fn check_nodes(&self, member: &NotaryId, role: &str, nodes: &str) -> Result<(), Refusal> {
        let place = Place::Nodes(member.clone());
        let record = record(&place, nodes, Nodes::parse)?;
        self.check_network("record of nodes", record.network())?;
        self.check_first(place.clone(), record.seq)?;
        check_listing(&place, role, nodes)
    }

    /// A record follows the one before it, says the register; the first one follows nothing, says this.
    fn check_first(&self, place: Place, got: u64) -> Result<(), Refusal> {
        if got == 1 || self.shelf.record(&place).is_some() {
            Ok(())
        } else {
            Err(Refusal::FirstSeq { place, got })
        }
    }

    /// The keys in the member's admission; none if it never was one or is one no more.
    pub(super) fn keys_of_member(&self, member: &NotaryId) -> BTreeSet<Hex32> {
        match self.admission(member) {
            Some(admission) if admission.state != State::Revoked => admission.member_keys.into_iter().collect(),
            _ => BTreeSet::new(),
        }
    }

    /// The keys that may change or withdraw a submission: its own, and the member's of before.
    fn keys_of_submission(&self, submission: &Submission) -> BTreeSet<Hex32> {
        &submission.signers | &self.keys_of_member(&submission.member)
    }

    /// The published admission of a member.
    pub(super) fn admission(&self, member: &NotaryId) -> Option<Admission> {
        let record = self.shelf.record(&Place::Admission(member.clone()))?;
        Admission::parse(record).ok()
    }

    pub(super) fn open_submission(&self, member: &NotaryId) -> Option<&Submission> {
        self.submissions.get(&self.members.get(member)?.submission?)
    }

    pub(super) fn open(&self, id: SubmissionId) -> Result<&Submission, Refusal> {
        let found = self.submissions.get(&id).filter(|submission| submission.is_open());
        found.ok_or(Refusal::NoSubmission { id })
    }

    /// The draft that somebody looked at, if it is still that one and all keys have signed it.
    pub(super) fn looked_at(
        &self,
        (id, got): (SubmissionId, Hex32),
        command: &'static str,
    ) -> Result<&Submission, Refusal> {
        let submission = self.open(id)?;
        let (expected, standing) = (submission.draft_sha256, submission.standing);
        if expected != got {
            return Err(Refusal::DraftChanged { id, expected, got });
        }
        if command == "verify" && standing != Standing::Submitted {
            let (expected, got) = (
                "submitted: signed by every key of the member, and not verified",
                standing,
            );
            return Err(Refusal::Standing {
                id,
                command,
                expected,
                got,
            });
        }
        Ok(submission)
    }
}

/// A role's metadata that are sent with a record list that record, and nothing else.
pub(super) fn check_listing(place: &Place, role: &str, record: &str) -> Result<(), Refusal> {
    let (most, got) = (LISTING_BYTES_MAX, role.len());
    if got > most {
        let role = place.role();
        return Err(Refusal::MetadataTooLong { role, most, got });
    }
    let signed = metadata::<Targets>(&place.role(), role)?;
    let targets = signed.unverified();
    if lists_alone(targets, &place.path(), record.as_bytes()) {
        return Ok(());
    }
    let listed = targets.targets.iter();
    let listed: Vec<_> = listed
        .take(3)
        .map(|(path, file)| format!("{path} ({} bytes, {})", file.length, file.hashes.prefix()))
        .collect();
    Err(Refusal::Listing {
        role: place.role(),
        path: place.path(),
        got: format!("{} files: {}", targets.targets.len(), listed.join(", ")),
    })
}
