//! What waits for the online keys, and what will fit? Everything that people have signed, put together as far as it can be published
//! now: one thing that cannot go out keeps nothing else back.

use super::{
    Desk, Proposal, RELEASE_FILES_MAX, Refusal,
    check::{Change, Submitted},
    proposal::{Changes, MemberChange, PROPOSAL_LIFE},
};
use crate::{
    records::{NotaryId, Place},
    repository::{Release, SNAPSHOT_LIFE_MAX, TopSigned, Unsigned},
    tuf::{Document, RoleName, Snapshot, UnixSeconds, Version},
};

/// How often a sign of life is due: readers refuse a timestamp that is a day old, so that the signer may be away for most of one.
pub const TIMESTAMP_INTERVAL: u64 = 3_600;

/// How long before its end a snapshot is signed anew: the signer may be away for two days.
pub const SNAPSHOT_RENEWAL: u64 = 2 * 86_400;

const _: () = assert!(TIMESTAMP_INTERVAL < crate::repository::TIMESTAMP_LIFE_MAX);
const _: () = assert!(SNAPSHOT_RENEWAL < SNAPSHOT_LIFE_MAX);

/// How long the online keys may take from asking what is due to bringing the signatures. What members sent in that time may be left out
/// of the release: otherwise one of them, by changing its nodes again and again, could keep everything from being published.
pub const SIGNING_SECONDS_MAX: u64 = 60;

/// Nodes of a member that wait for the online keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Since when.
    pub(super) since: UnixSeconds,
    pub(super) parcel: Release,
}

/// Why something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something is ready to be published.
    Changes,
    /// The snapshot will expire soon.
    Snapshot,
    /// The timestamp is an hour old.
    Timestamp,
}

/// What the online keys must sign next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Why.
    pub why: Why,
    /// What goes out: all of it but snapshot and timestamp, which are empty. Who signs for it looks at it first.
    pub release: Release,
    /// The snapshot to sign, if one is due.
    pub snapshot: Option<Unsigned<Snapshot>>,
    /// Version of the timestamp to sign; it lists the snapshot with its signatures, or the one that is published.
    pub timestamp: Version,
}

impl Desk {
    /// What the online keys must sign next; nothing if there is no news and the last sign of life is not old. Nothing either if
    /// nobody could read it, because root or the top's targets expired: the [status](Self::status) says so then.
    pub fn due(&self, now: UnixSeconds) -> Option<Due> {
        let release = self.draft(now);
        let is_news = release != Release::default();
        if !is_news {
            self.shelf.root()?;
            self.shelf.check_fresh(now).ok()?;
        }
        let expires = self.shelf.snapshot().map(Document::expires);
        let is_ending = expires.is_some_and(|expires| expires <= now.plus(SNAPSHOT_RENEWAL));
        let is_old = self.released_at.plus(TIMESTAMP_INTERVAL) <= now;
        let why = match (is_news, is_ending, is_old) {
            (true, ..) => Why::Changes,
            (false, true, _) => Why::Snapshot,
            (false, false, true) => Why::Timestamp,
            (false, false, false) => return None,
        };
        let snapshot = match why {
            Why::Timestamp => None,
            Why::Changes | Why::Snapshot => {
                let snapshot = self
                    .shelf
                    .newest()
                    .snapshot_after(&release.roles, now.plus(SNAPSHOT_LIFE_MAX));
                Some(snapshot.expect("roles were read before they were taken"))
            }
        };
        let published = self.shelf.timestamp().map(Document::version);
        let timestamp = published.map_or(Some(Version::FIRST), Version::next)?;
        Some(Due {
            why,
            release,
            snapshot,
            timestamp,
        })
    }

    /// All that can be published now, but for snapshot and timestamp.
    pub(super) fn draft(&self, now: UnixSeconds) -> Release {
        let proposal = self.proposal.as_ref().filter(|proposal| !proposal.approvals.is_empty());
        let proposal = proposal.map(|proposal| self.changes.release(proposal.file()));
        self.assemble(proposal, None, now)
    }

    /// All that can be published now of what waits, with this proposal and without the nodes of a member.
    fn assemble(&self, proposal: Option<Release>, without: Option<&NotaryId>, now: UnixSeconds) -> Release {
        let mut draft = Release::default();
        if let Some(founding) = &self.founding {
            self.add(&mut draft, founding, now);
            return draft;
        }
        let root = self.root.as_ref().filter(|root| self.is_signed(root));
        let root = root.map(|root| Release {
            root: Some(root.file()),
            ..Release::default()
        });
        // A suspension never waits for anything, if it can go out alone. A root with other keys for targets needs targets that
        // these have signed, and the other way round.
        let is_denied = self.deny.as_ref().is_some_and(|deny| self.add(&mut draft, deny, now));
        let both = root
            .clone()
            .zip(proposal.clone())
            .map(|(root, proposal)| merged(root, proposal));
        if !both.is_some_and(|both| self.add(&mut draft, &both, now)) {
            for one in [root, proposal].into_iter().flatten() {
                self.add(&mut draft, &one, now);
            }
        }
        if let Some(deny) = self.deny.as_ref().filter(|_| !is_denied) {
            self.add(&mut draft, deny, now);
        }
        let parcels = self.nodes.iter().filter(|(member, _)| Some(*member) != without);
        let parcels: Vec<_> = parcels.map(|(_, waiting)| &waiting.parcel).collect();
        let all = parcels.iter().copied().cloned().reduce(merged);
        // Almost always all of them fit, and are looked at once.
        if !all.is_none_or(|all| self.add(&mut draft, &all, now)) {
            for parcel in parcels {
                self.add(&mut draft, parcel, now);
            }
        }
        draft
    }

    /// Adds files to a release if it can be published with them.
    fn add(&self, draft: &mut Release, parcel: &Release, now: UnixSeconds) -> bool {
        let with = merged(draft.clone(), parcel.clone());
        let fits = files_of(&with) <= RELEASE_FILES_MAX && self.shelf.preview(&with, TopSigned::Yes, now).is_ok();
        if fits {
            *draft = with;
        }
        fits
    }

    /// Whether all that waits, and all that is proposed, could be published together with something more.
    fn try_with(
        &self,
        parcel: Release,
        edit: impl FnOnce(&mut Changes),
        without: Option<&NotaryId>,
        now: UnixSeconds,
    ) -> Result<(), Refusal> {
        let release = self.assemble(None, without, now);
        let mut changes = self.changes.clone();
        if let Some(member) = without {
            changes.members.remove(member);
        }
        // What was verified may have become old in the meantime; that is no fault of what is looked at now.
        if !changes.is_empty() && self.preview_with(release.clone(), &changes, now).is_err() {
            changes = Changes::default();
        }
        edit(&mut changes);
        let release = merged(release, parcel);
        if changes.is_empty() {
            return Ok(self.shelf.preview(&release, TopSigned::Yes, now)?);
        }
        self.preview_with(release, &changes, now)
    }

    fn preview_with(&self, release: Release, changes: &Changes, now: UnixSeconds) -> Result<(), Refusal> {
        let base = self.shelf.role(&RoleName::targets()).ok_or(Refusal::NotFounded)?;
        let targets = Unsigned::new(changes.targets(base, now.plus(PROPOSAL_LIFE)));
        let release = merged(release, changes.release(targets.file(&[])));
        Ok(self.shelf.preview(&release, TopSigned::NotYet, now)?)
    }

    /// Whether what a command brings could be published, by the judges of the repository.
    pub(super) fn inspect(&self, change: &Change, now: UnixSeconds) -> Result<(), Refusal> {
        let none = Release::default;
        match change {
            Change::Founded(release) if files_of(release) > RELEASE_FILES_MAX => {
                let (what, most) = ("files go out at once", RELEASE_FILES_MAX);
                Err(Refusal::TooMany { what, most })
            }
            Change::Founded(release) => Ok(self.shelf.preview(release, TopSigned::Yes, now)?),
            // It goes out before anything else, so nothing else can be in its way.
            Change::DenyUpdated(parcel) => Ok(self.shelf.preview(parcel, TopSigned::Yes, now)?),
            Change::NodesUpdated { member, parcel } => {
                self.check_not_waiting(member, now)?;
                self.try_with(parcel.clone(), |_| {}, Some(member), now)
            }
            Change::Submitted(Submitted {
                member, draft, open, ..
            }) => {
                self.check_not_waiting(member, now)?;
                let submission = open.unwrap_or(super::SubmissionId(self.next));
                let draft = draft.clone();
                let admit = MemberChange::Admit { submission, draft };
                let edit = |changes: &mut Changes| drop(changes.members.insert(member.clone(), admit));
                self.try_with(none(), edit, Some(member), now)
            }
            Change::Verified { submission, .. } => {
                let (member, change) = self.admit(*submission);
                let edit = |changes: &mut Changes| drop(changes.members.insert(member.clone(), change));
                self.try_with(none(), edit, Some(&member), now)
            }
            Change::Proposed { member, change } => {
                let edit = |changes: &mut Changes| drop(changes.members.insert(member.clone(), change.clone()));
                self.try_with(none(), edit, Some(member), now)
            }
            Change::DenyKeysProposed(keys) => {
                self.try_with(none(), |changes| changes.deny_keys = Some(keys.clone()), None, now)
            }
            Change::RootSigned(root) => self.inspect_root(root, now),
            Change::Withdrawn(_)
            | Change::Rejected { .. }
            | Change::RenewalProposed
            | Change::ProposalCleared
            | Change::Approved { .. }
            | Change::Released(_) => Ok(()),
        }
    }

    /// What a submission changes.
    pub(super) fn admit(&self, id: super::SubmissionId) -> (NotaryId, MemberChange) {
        let submission = &self.submissions[&id];
        let draft = submission.draft.clone().expect("an open submission has its draft");
        let change = MemberChange::Admit { submission: id, draft };
        (submission.member.clone(), change)
    }

    /// Whether a member's nodes are about to go out: nothing takes them back then.
    fn check_not_waiting(&self, member: &NotaryId, now: UnixSeconds) -> Result<(), Refusal> {
        let role = Place::Nodes(member.clone()).role();
        if self.nodes.contains_key(member) && self.draft(now).roles.contains_key(&role) {
            return Err(Refusal::Unpublished { role });
        }
        Ok(())
    }

    /// Takes out of a release the nodes that its snapshot does not list: they came after it was signed.
    pub(super) fn leave_out_unlisted(&self, release: &mut Release, snapshot: Option<&Snapshot>) {
        for member in self.nodes.keys() {
            let place = Place::Nodes(member.clone());
            let role = place.role();
            let bytes = release.roles.get(&role);
            let listed = snapshot.and_then(|snapshot| snapshot.entry(&role));
            if bytes.is_some_and(|bytes| listed.is_none_or(|listed| listed.check(bytes).is_err())) {
                leave_out(release, &place);
            }
        }
    }

    /// Whether a release is what is due, and may be published. Nodes that had only just come may be left for the next one.
    pub(super) fn check_release(&self, release: &Release, now: UnixSeconds) -> Result<Change, Refusal> {
        let not_due = |got| Err(Refusal::NotDue { got });
        let Some(due) = self.due(now) else {
            return not_due("nothing is");
        };
        let mut expected = due.release.clone();
        for (member, waiting) in &self.nodes {
            let place = Place::Nodes(member.clone());
            if now < waiting.since.plus(SIGNING_SECONDS_MAX) && !release.roles.contains_key(&place.role()) {
                leave_out(&mut expected, &place);
            }
        }
        let Release { root, roles, files, .. } = release;
        if (root, roles, files) != (&expected.root, &expected.roles, &expected.files) {
            return not_due("the files are others than those that wait");
        }
        let has_snapshot = release.snapshot.is_some();
        let is_early = expected == Release::default() && expected != due.release;
        if has_snapshot != due.snapshot.is_some() && !is_early {
            return not_due("a snapshot too many, or one too few");
        }
        self.shelf.plan(release, now)?;
        Ok(Change::Released(release.clone()))
    }

    /// The open proposal.
    pub fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_ref()
    }
}

/// Both releases in one; what the second has in a place of the first comes in its stead.
fn merged(mut one: Release, other: Release) -> Release {
    one.root = other.root.or(one.root);
    one.roles.extend(other.roles);
    one.files.extend(other.files);
    one
}

fn leave_out(release: &mut Release, place: &Place) {
    release.roles.remove(&place.role());
    release.files.remove(&place.path());
}

fn files_of(release: &Release) -> usize {
    usize::from(release.root.is_some()) + release.roles.len() + release.files.len()
}
