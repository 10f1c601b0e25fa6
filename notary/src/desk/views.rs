//! How do things stand? What the desk tells to whoever asks; nothing here decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Desk, Member, RootProposal, Standing, Submission, SubmissionId};
use crate::{
    records::{Admission, Hex32, Node, Nodes, NotaryId, Place, State},
    repository::TopSigned,
    tuf::{Document, RoleName, UnixSeconds, Version},
};

/// A member, at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberView<'a> {
    /// Its id.
    pub id: &'a NotaryId,
    /// Where it stands: by what is published, or else by its newest submission.
    pub standing: Standing,
    /// Its admission, as it is published.
    pub admission: Option<Admission>,
    /// Its nodes, as they are published.
    pub nodes: Option<Nodes>,
    /// Its open submission.
    pub submission: Option<SubmissionId>,
    /// When its metadata expire: until then it shows that it holds its keys.
    pub expires: Option<UnixSeconds>,
    /// How it got there.
    pub history: &'a Member,
}

/// A node that is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Validator {
    /// Whose it is.
    pub member: NotaryId,
    /// Where the member stands.
    pub standing: Standing,
    /// Whether it may validate, as far as the notary says.
    pub may_validate: bool,
    /// Its keys and addresses.
    pub node: Node,
    /// Version of the root that vouches for it.
    pub root_version: Version,
    /// sha256 of that root.
    pub root_sha256: Hex32,
    /// Version of the targets.
    pub targets_version: Version,
    /// sha256 of those targets.
    pub targets_sha256: Hex32,
    /// sha256 of the member's admission.
    pub admission_sha256: Hex32,
    /// sha256 of its record of nodes.
    pub nodes_sha256: Hex32,
}

/// How many members stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Members that may validate.
    pub published: usize,
    /// Members that may not for now.
    pub suspended: usize,
    /// Members that may not any more.
    pub revoked: usize,
    /// Members whose admission is over.
    pub expired: usize,
    /// Submissions that are open.
    pub submissions: usize,
}

/// Version and expiry of a role's newest metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// Version.
    pub version: Version,
    /// When they expire.
    pub expires: UnixSeconds,
}

/// Signatures under the proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Approvals {
    /// Different keys of the working group that signed.
    pub got: u32,
    /// Different keys that must.
    pub needed: u32,
}

/// The whole at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The network.
    pub network_id: String,
    /// Its chain id.
    pub chain_id: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Root, targets, snapshot and timestamp, by name.
    pub metadata: BTreeMap<String, Stamp>,
    /// When the last release was.
    pub released_at: UnixSeconds,
    /// How many members stand where.
    pub members: Counts,
    /// Version of the targets that are proposed.
    pub proposal: Option<Version>,
    /// How many have signed them.
    pub approvals: Option<Approvals>,
    /// Version of the root that is proposed.
    pub root_proposal: Option<Version>,
    /// Why nothing can be published: readers would refuse whatever it is.
    pub blocked: Option<String>,
    /// Why the proposal cannot be published, although enough keys have signed it.
    pub proposal_blocked: Option<String>,
}

impl Desk {
    /// A submission, open or over.
    pub fn submission(&self, id: SubmissionId) -> Option<&Submission> {
        self.submissions.get(&id)
    }

    /// All submissions that are remembered, oldest first.
    pub fn submissions(&self) -> impl Iterator<Item = &Submission> {
        self.submissions.values()
    }

    /// The root that is proposed.
    pub fn root_proposal(&self) -> Option<&RootProposal> {
        self.root.as_ref()
    }

    /// A member.
    pub fn member(&self, id: &NotaryId, now: UnixSeconds) -> Option<MemberView<'_>> {
        let (id, member) = self.members.get_key_value(id)?;
        let place = Place::Nodes(id.clone());
        let nodes = self.shelf.record(&place).and_then(|record| Nodes::parse(record).ok());
        let last = member.history.back().map(|event| event.standing);
        Some(MemberView {
            id,
            standing: self.standing(id, &self.suspended(), now).or(last)?,
            admission: self.admission(id),
            nodes,
            submission: member.submission,
            expires: self.shelf.role(&place.role()).map(Document::expires),
            history: member,
        })
    }

    /// Where a member stands by what is published.
    fn standing(&self, member: &NotaryId, suspended: &BTreeSet<NotaryId>, now: UnixSeconds) -> Option<Standing> {
        let admission = self.admission(member)?;
        Some(match admission.state {
            State::Revoked => Standing::Revoked,
            _ if admission.not_after <= now => Standing::Expired,
            State::Suspended => Standing::Suspended,
            State::Active if suspended.contains(member) => Standing::Suspended,
            State::Active => Standing::Published,
        })
    }

    /// The published node with a key: its peer id, consensus key, account or checkpoint key, as texts.
    pub fn validator(&self, key: &str, now: UnixSeconds) -> Option<Validator> {
        let is_it = |node: &Node| {
            let keys = [
                node.consensus_key.to_string(),
                node.account.to_string(),
                node.checkpoint_key.to_string(),
            ];
            node.peer_id == key || keys.iter().any(|text| text.eq_ignore_ascii_case(key))
        };
        self.members.keys().find_map(|member| {
            let place = Place::Nodes(member.clone());
            let record = self.shelf.record(&place)?;
            let nodes = Nodes::parse(record).ok()?;
            let node = nodes.nodes.into_iter().find(is_it)?;
            let standing = self.standing(member, &self.suspended(), now)?;
            let admission = self.admission(member)?;
            let (root, targets) = (self.shelf.root()?, self.shelf.role(&RoleName::targets())?);
            let metadata = |role| Some(sha256(self.shelf.metadata(&role)?));
            let is_fresh = self.shelf.role(&place.role()).is_some_and(|role| !role.is_expired(now));
            Some(Validator {
                member: member.clone(),
                standing,
                may_validate: standing == Standing::Published && admission.not_before <= now && is_fresh,
                node,
                root_version: root.version,
                root_sha256: metadata(RoleName::root())?,
                targets_version: targets.version,
                targets_sha256: metadata(RoleName::targets())?,
                admission_sha256: sha256(self.shelf.record(&Place::Admission(member.clone()))?),
                nodes_sha256: sha256(record),
            })
        })
    }

    /// The whole at a glance.
    pub fn status(&self, now: UnixSeconds) -> Status {
        let mut metadata = BTreeMap::new();
        let mut tell = |name: RoleName, version, expires| metadata.insert(name.to_string(), Stamp { version, expires });
        if let (Some(root), Some(snapshot), Some(timestamp)) =
            (self.shelf.root(), self.shelf.snapshot(), self.shelf.timestamp())
        {
            tell(RoleName::root(), root.version, root.expires);
            tell(RoleName::snapshot(), snapshot.version, snapshot.expires);
            tell(RoleName::timestamp(), timestamp.version, timestamp.expires);
        }
        if let Some(targets) = self.shelf.role(&RoleName::targets()) {
            tell(RoleName::targets(), targets.version, targets.expires);
        }
        Status {
            network_id: self.network.network_id.to_string(),
            chain_id: self.network.chain_id,
            entries: self.next,
            metadata,
            released_at: self.released_at,
            members: self.counts(now),
            proposal: self.proposal.as_ref().map(super::Proposal::version),
            approvals: self.approvals(),
            root_proposal: self.root.as_ref().map(|root| root.root().version),
            blocked: self.shelf.check_fresh(now).err().map(|error| error.to_string()),
            proposal_blocked: self.proposal_blocked(now),
        }
    }

    /// What the judges say of the proposal, once it has its signatures.
    fn proposal_blocked(&self, now: UnixSeconds) -> Option<String> {
        let proposal = self.proposal.as_ref()?;
        self.approvals().filter(|count| count.got >= count.needed)?;
        let mut release = self.changes.release(proposal.file());
        release.root = self
            .root
            .as_ref()
            .filter(|next| self.is_signed(next))
            .map(RootProposal::file);
        let checked = self.shelf.preview(&release, TopSigned::Yes, now);
        checked.err().map(|error| error.to_string())
    }

    fn counts(&self, now: UnixSeconds) -> Counts {
        let mut counts = Counts {
            submissions: self.submissions.values().filter(|one| one.is_open()).count(),
            ..Counts::default()
        };
        // Read once: whoever likes asks for this, and members are many.
        let suspended = self.suspended();
        for member in self.members.keys() {
            match self.standing(member, &suspended, now) {
                Some(Standing::Published) => counts.published += 1,
                Some(Standing::Suspended) => counts.suspended += 1,
                Some(Standing::Revoked) => counts.revoked += 1,
                Some(Standing::Expired) => counts.expired += 1,
                _ => {}
            }
        }
        counts
    }
}

fn sha256(bytes: &[u8]) -> Hex32 {
    Hex32(Sha256::digest(bytes).into())
}
