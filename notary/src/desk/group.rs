//! What may the working group ask for, and its deny role? To look at submissions, to propose, to sign what is proposed; and to suspend.

use std::collections::BTreeSet;

use super::{
    Desk, Hex64, Refusal, RootProposal, SubmissionId,
    check::{Change, ed25519, keys_of, one_of, record},
    command::DENY_KEYS_MAX,
    member::parcel,
    members::check_listing,
    proposal::{DenyKeys, MemberChange, PROPOSAL_MEMBERS_MAX},
};
use crate::{
    records::{Admission, Deny, Hex32, NotaryId, Place, PlainText, State},
    tuf::{Key, RoleName, Root, Signature, Version},
};

const GROUP: &str = "the working group's keys, which root names for targets";

impl Desk {
    /// The root that says who is in the working group: the next one, as soon as it has its signatures. A stolen key that it leaves out
    /// could otherwise void the signatures that its release needs, again and again.
    pub(super) fn group_root(&self) -> Option<&Root> {
        let next = self.root.as_ref().filter(|next| self.is_signed(next));
        next.map(RootProposal::root).or(self.shelf.root())
    }

    /// The keys of the working group.
    fn group(&self) -> BTreeSet<Hex32> {
        let keys = self.group_root().map(|root| keys_of(root, &root.roles.targets));
        keys.unwrap_or_default()
    }

    fn by_group(&self, signers: &BTreeSet<Hex32>, command: &'static str) -> Result<Hex32, Refusal> {
        one_of(signers, &self.group(), command, GROUP)
    }

    pub(super) fn decide_verify(
        &self,
        id: SubmissionId,
        draft: Hex32,
        signers: &BTreeSet<Hex32>,
    ) -> Result<Change, Refusal> {
        let verifier = self.by_group(signers, "verify")?;
        let submission = self.looked_at((id, draft), "verify")?;
        self.check_room(&submission.member)?;
        Ok(Change::Verified {
            submission: id,
            verifier,
        })
    }

    pub(super) fn decide_reject(
        &self,
        looked_at: (SubmissionId, Hex32),
        reason: PlainText,
        signers: &BTreeSet<Hex32>,
    ) -> Result<Change, Refusal> {
        let verifier = self.by_group(signers, "reject")?;
        let submission = self.looked_at(looked_at, "reject")?.id;
        Ok(Change::Rejected {
            submission,
            verifier,
            reason,
        })
    }

    pub(super) fn decide_revoke(&self, text: String, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        self.by_group(signers, "revoke")?;
        let admission = record("the admission", &text, Admission::parse)?;
        let member = admission.member_id.clone();
        self.check_admission(&admission, "revoke", State::Revoked)?;
        if self.keys_of_member(&member).is_empty() {
            return Err(Refusal::NoMember { member });
        }
        self.check_room(&member)?;
        let change = MemberChange::Revoke { admission: text };
        if self.changes.members.get(&member) == Some(&change) {
            let what = format!("the revocation of {member} is proposed and");
            return Err(Refusal::Unchanged { what });
        }
        Ok(Change::Proposed { member, change })
    }

    pub(super) fn decide_deny_keys(&self, new: DenyKeys, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        self.by_group(signers, "replace_deny_keys")?;
        let different: BTreeSet<_> = new.keys.iter().collect();
        let is_reachable = new.threshold.get() as usize <= different.len();
        if different.len() != new.keys.len() || different.len() > DENY_KEYS_MAX || !is_reachable {
            let (keys, threshold) = (new.keys.len(), new.threshold);
            let got = format!("{threshold} of {keys} keys, {} of them different", different.len());
            return Err(Refusal::DenyKeys { got });
        }
        let role = Place::Deny.role();
        if self.deny.is_some() {
            return Err(Refusal::Unpublished { role });
        }
        let deny = self.shelf.record(&Place::Deny).unwrap_or_default();
        check_listing(&Place::Deny, &new.role, &String::from_utf8_lossy(deny))?;
        Ok(Change::DenyKeysProposed(new))
    }

    pub(super) fn decide_renew(&self, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        self.by_group(signers, "renew")?;
        Ok(Change::RenewalProposed)
    }

    pub(super) fn decide_clear(&self, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        self.by_group(signers, "clear_proposal")?;
        if self.changes.is_empty() {
            let what = "an empty proposal".to_owned();
            return Err(Refusal::Unchanged { what });
        }
        Ok(Change::ProposalCleared)
    }

    pub(super) fn decide_approve(
        &self,
        version: Version,
        signed: Hex32,
        signature: Hex64,
        signers: &BTreeSet<Hex32>,
    ) -> Result<Change, Refusal> {
        let key = self.by_group(signers, "approve")?;
        let proposal = self.proposal.as_ref().filter(|open| open.version() == version);
        let Some(proposal) = proposal else {
            let open = self.proposal.as_ref().map(super::Proposal::version);
            return Err(Refusal::NoProposal { got: version, open });
        };
        let expected = proposal.signable_sha256();
        if expected != signed {
            return Err(Refusal::ProposalChanged {
                version,
                expected,
                got: signed,
            });
        }
        if proposal.approvals.contains_key(&key) {
            let what = format!("the approval of targets {version} by {key}");
            return Err(Refusal::Unchanged { what });
        }
        if !is_signed_by(key, proposal.signable(), &signature.0) {
            let what = format!("proposal for targets {version}");
            return Err(Refusal::NotSigned { what, key });
        }
        let signature = signature.0;
        Ok(Change::Approved { key, signature })
    }

    pub(super) fn decide_suspend(&self, role: &str, text: &str, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        let place = Place::Deny;
        let deny = record(&place, text, Deny::parse)?;
        self.check_network("deny record", deny.network())?;
        let may = self.deny_keys();
        one_of(
            signers,
            &may,
            "suspend",
            "the keys of wg-deny, which targets delegate to",
        )?;
        check_listing(&place, role, text)?;
        Ok(Change::DenyUpdated(parcel(&place, role, text)))
    }

    /// The keys that suspend.
    fn deny_keys(&self) -> BTreeSet<Hex32> {
        let top = self.shelf.role(&RoleName::targets());
        let mut delegated = top.into_iter().flat_map(|targets| targets.delegated());
        let found = delegated.find(|(_, role)| role.name == Place::Deny.role());
        let keys = found
            .into_iter()
            .flat_map(|(all, role)| role.keyids.iter().filter_map(|id| ed25519(all.keys.get(id))));
        keys.collect()
    }

    /// Whether the proposal can change one member more.
    fn check_room(&self, member: &NotaryId) -> Result<(), Refusal> {
        let members = &self.changes.members;
        if members.len() < PROPOSAL_MEMBERS_MAX || members.contains_key(member) {
            return Ok(());
        }
        let (what, most) = ("members are changed by one proposal", PROPOSAL_MEMBERS_MAX);
        Err(Refusal::TooMany { what, most })
    }
}

/// Whether an ed25519 key signed a document.
pub(super) fn is_signed_by(key: Hex32, signable: &[u8], signature: &[u8; 64]) -> bool {
    let signature = Signature::new(key.to_string(), signature).expect("64 characters are not too long");
    Key::Ed25519(key.0).verifies(signable, &signature)
}
