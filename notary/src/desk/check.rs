//! May this be done? Every order passes here: whole, signed, for this chain, in time, not done before, by a key that may; then what
//! the command itself needs.

use std::collections::BTreeSet;

use super::{
    Body, Command, Complete, Desk, Draft, Entry, Order, Refusal, RootProposal, SubmissionId,
    command::ORDER_LIFE_MAX,
    proposal::{DenyKeys, MemberChange},
};
use crate::{
    dsse::{Envelope, Opened},
    records::{Hex32, Network, NotaryId, PlainText, RecordError},
    repository::Release,
    tuf::{Document, Key, RoleKeys, RoleName, Root, Signed, Snapshot, UnixSeconds},
};

/// What an entry does to the desk.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Founded(Release),
    Submitted(Submitted),
    Withdrawn(SubmissionId),
    Verified {
        submission: SubmissionId,
        verifier: Hex32,
    },
    Rejected {
        submission: SubmissionId,
        verifier: Hex32,
        reason: PlainText,
    },
    Proposed {
        member: NotaryId,
        change: MemberChange,
    },
    DenyKeysProposed(DenyKeys),
    RenewalProposed,
    ProposalCleared,
    Approved {
        key: Hex32,
        signature: [u8; 64],
    },
    NodesUpdated {
        member: NotaryId,
        parcel: Release,
    },
    DenyUpdated(Release),
    RootSigned(RootProposal),
    Released(Release),
}

/// A draft with one signature more, or another draft.
#[derive(Clone, Debug)]
pub(super) struct Submitted {
    /// The submission that it belongs to, if one is open.
    pub(super) open: Option<SubmissionId>,
    pub(super) member: NotaryId,
    pub(super) draft: Draft,
    /// Who signed this draft, now and before.
    pub(super) signers: BTreeSet<Hex32>,
    /// Whether every key has.
    pub(super) is_whole: bool,
    /// Whether the member has no keys yet, so that anybody may have sent this.
    pub(super) is_of_stranger: bool,
}

/// What an order uses up.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) signers: BTreeSet<Hex32>,
    pub(super) sequence: u64,
    pub(super) nonce: Hex32,
    pub(super) expires: UnixSeconds,
}

/// An entry that may be stored, and then be applied to the very desk that checked it.
#[derive(Clone, Debug)]
pub struct Checked {
    pub(super) entry: Entry,
    pub(super) change: Change,
    pub(super) spent: Option<Spent>,
}

impl Checked {
    /// What to store before it is applied.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The submission that somebody opens or changes who is no member. Of these there can be any number: whoever asks in the name of
    /// the desk bounds how many it takes from one of them.
    pub fn submission_of_stranger(&self) -> Option<SubmissionId> {
        match &self.change {
            Change::Submitted(submitted) if submitted.is_of_stranger => {
                Some(submitted.open.unwrap_or(SubmissionId(self.entry.seq)))
            }
            _ => None,
        }
    }
}

impl Desk {
    /// Whether something may be done now. Changes nothing.
    ///
    /// # Errors
    /// [`Refusal`] with the first reason why not.
    pub fn check(&self, body: Body, now: UnixSeconds) -> Result<Checked, Refusal> {
        let (change, spent) = match &body {
            Body::Release(release) => (self.check_release(release, now)?, None),
            Body::Command(envelope) => {
                let opened = Envelope::parse(envelope)?.open()?;
                let order = Order::<Command>::parse(&opened)?;
                self.check_order(&order, now)?;
                let spent = self.check_unspent(&order, &opened)?;
                let change = self.decide(order.command, &spent.signers, now)?;
                self.inspect(&change, now)?;
                (change, Some(spent))
            }
        };
        let (seq, at) = (self.next, now);
        let entry = Entry { seq, at, body };
        Ok(Checked { entry, change, spent })
    }

    /// The release that the online keys complete with this envelope (an order of [`Complete`]). Changes nothing; an order may be sent
    /// twice, since each version is published once.
    ///
    /// # Errors
    /// [`Refusal`] with the first reason why it is none.
    pub fn complete(&self, envelope: &[u8], now: UnixSeconds) -> Result<Checked, Refusal> {
        let opened = Envelope::parse(envelope)?.open()?;
        let order = Order::<Complete>::parse(&opened)?;
        self.check_order(&order, now)?;
        let mut release = self.draft(now);
        let new = release
            .root
            .as_ref()
            .and_then(|bytes| Signed::<Root>::parse(bytes).ok());
        let root = new.as_ref().map(Signed::unverified).or(self.shelf.root());
        let root = root.ok_or(Refusal::NotFounded)?;
        let mut online = keys_of(root, &root.roles.snapshot);
        online.extend(keys_of(root, &root.roles.timestamp));
        one_of(opened.signers(), &online, "complete", "the online keys that root names")?;
        let snapshot = order.command.snapshot;
        let signed = snapshot
            .as_deref()
            .map(|text| metadata::<Snapshot>(&RoleName::snapshot(), text));
        let signed = signed.transpose()?;
        self.leave_out_unlisted(&mut release, signed.as_ref().map(Signed::unverified));
        release.snapshot = snapshot.map(String::into_bytes);
        release.timestamp = order.command.timestamp.into_bytes();
        self.check(Body::Release(release), now)
    }

    fn check_order<C>(&self, order: &Order<C>, now: UnixSeconds) -> Result<(), Refusal> {
        let got = Network {
            network_id: order.network_id.clone(),
            chain_id: order.chain_id,
        };
        self.check_network("order", got)?;
        let (expires, latest) = (order.expires, now.plus(ORDER_LIFE_MAX));
        if expires <= now {
            return Err(Refusal::Expired { expires, now });
        }
        if expires > latest {
            let got = expires;
            return Err(Refusal::Lifetime { latest, got });
        }
        Ok(())
    }

    fn check_unspent(&self, order: &Order<Command>, opened: &Opened) -> Result<Spent, Refusal> {
        let (got, nonce) = (order.sequence, order.nonce);
        for key in opened.signers() {
            if let Some(last) = self.sequences.get(key)
                && got <= *last
            {
                let (key, last) = (*key, *last);
                return Err(Refusal::Sequence { key, last, got });
            }
        }
        if self.nonces.contains_key(&nonce) {
            return Err(Refusal::Nonce { nonce });
        }
        Ok(Spent {
            signers: opened.signers().clone(),
            sequence: order.sequence,
            nonce,
            expires: order.expires,
        })
    }

    /// What a command does, if its signers may give it and the desk is where it should be. Quick: what would be published is
    /// [inspected](Self::inspect) after that.
    pub(super) fn decide(
        &self,
        command: Command,
        signers: &BTreeSet<Hex32>,
        now: UnixSeconds,
    ) -> Result<Change, Refusal> {
        if let Command::Found { root, roles, files } = command {
            return self.decide_found(root, roles, files, signers);
        }
        if self.shelf.root().is_none() {
            return Err(Refusal::NotFounded);
        }
        match command {
            Command::Found { .. } => Err(Refusal::Founded),
            Command::Submit { admission, role, nodes } => {
                let draft = Draft { admission, role, nodes };
                self.decide_submit(draft, signers, now)
            }
            Command::Withdraw { submission } => self.decide_withdraw(submission, signers),
            Command::UpdateNodes { role, nodes } => self.decide_update_nodes(&role, &nodes, signers),
            Command::Suspend { role, deny } => self.decide_suspend(&role, &deny, signers),
            Command::SignRoot { root } => self.decide_sign_root(&root, signers),
            Command::Verify {
                submission,
                draft_sha256,
            } => self.decide_verify(submission, draft_sha256, signers),
            Command::Reject {
                submission,
                draft_sha256,
                reason,
            } => self.decide_reject((submission, draft_sha256), reason, signers),
            Command::Revoke { admission } => self.decide_revoke(admission, signers),
            Command::ReplaceDenyKeys { keys, threshold, role } => {
                self.decide_deny_keys(DenyKeys { keys, threshold, role }, signers)
            }
            Command::Renew {} => self.decide_renew(signers),
            Command::ClearProposal {} => self.decide_clear(signers),
            Command::Approve {
                version,
                signable_sha256,
                signature,
            } => self.decide_approve(version, signable_sha256, signature, signers),
        }
    }

    pub(super) fn check_network(&self, what: impl Into<String>, got: Network) -> Result<(), Refusal> {
        if got == self.network {
            return Ok(());
        }
        let (what, expected) = (what.into(), self.network.clone());
        Err(Refusal::OtherNetwork { what, expected, got })
    }
}

/// The ed25519 keys of a role that root names.
pub(super) fn keys_of(root: &Root, role: &RoleKeys) -> BTreeSet<Hex32> {
    role.keyids.iter().filter_map(|id| ed25519(root.keys.get(id))).collect()
}

pub(super) fn ed25519(key: Option<&Key>) -> Option<Hex32> {
    match key? {
        Key::Ed25519(bytes) => Some(Hex32(*bytes)),
        Key::Other { .. } => None,
    }
}

/// The signer that may give a command.
pub(super) fn one_of(
    signers: &BTreeSet<Hex32>,
    may: &BTreeSet<Hex32>,
    command: &'static str,
    allowed: &'static str,
) -> Result<Hex32, Refusal> {
    let found = signers.iter().find(|key| may.contains(key));
    found
        .copied()
        .ok_or_else(|| not_allowed(signers.iter(), command, allowed))
}

pub(super) fn not_allowed<'a>(
    signers: impl Iterator<Item = &'a Hex32>,
    command: &'static str,
    allowed: &'static str,
) -> Refusal {
    let got = signers.map(Hex32::to_string).collect::<Vec<_>>().join(", ");
    Refusal::NotAllowed { command, allowed, got }
}

/// Metadata of a role that somebody sends, signed by whomever.
pub(super) fn metadata<T: Document>(role: &RoleName, text: &str) -> Result<Signed<T>, Refusal> {
    Signed::parse(text.as_bytes()).map_err(|source| Refusal::Metadata {
        role: role.clone(),
        source,
    })
}

/// A record that somebody sends.
pub(super) fn record<T>(
    what: impl ToString,
    text: &str,
    parse: impl Fn(&[u8]) -> Result<T, RecordError>,
) -> Result<T, Refusal> {
    parse(text.as_bytes()).map_err(|source| Refusal::Record {
        place: what.to_string(),
        source,
    })
}
