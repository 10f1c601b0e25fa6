//! Why is something not done? One reason for each refusal, with what was expected, what came, and what to do.

use thiserror::Error;

use super::{Standing, SubmissionId};
use crate::{
    dsse::EnvelopeError,
    records::{Hex32, Network, NotaryId, Place, RecordError, State},
    repository::{ReleaseError, RuleError},
    tuf::{RoleName, TargetPath, UnixSeconds, Version, metadata::MetadataError},
};

/// Whose fault it is, and what helps: for whoever answers over a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// It cannot be read: 400.
    Malformed,
    /// It is not signed by whom it says: 401.
    Unsigned,
    /// Its signers may not ask for that: 403.
    Forbidden,
    /// There is no such thing: 404.
    NotFound,
    /// Something changed in the meantime: look again, 409.
    Conflict,
    /// It came too late: sign it anew, 410.
    Expired,
    /// It is longer than anything of its kind: 413.
    TooLong,
    /// It can be read, and breaks a rule: 422.
    Rule,
    /// There are too many of them already: 429.
    TooMany,
}

/// Why an order or a release was refused. Nothing changed.
#[derive(Debug, Error)]
pub enum Refusal {
    /// No envelope, or nobody's.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The payload is no order.
    #[error("the payload is no order with a command that is known here: {0}")]
    Order(serde_json::Error),
    /// It is of another edition.
    #[error("an order has the schema {:?}, got {got:?}", super::command::ORDER_SCHEMA)]
    Schema {
        /// What it says, at most 64 characters of it.
        got: String,
    },
    /// It is for another chain.
    #[error("this is the notary of {expected}, the {what} is for {got}")]
    OtherNetwork {
        /// What was looked at.
        what: String,
        /// The chain of this notary.
        expected: Network,
        /// The chain in it.
        got: Network,
    },
    /// Too late.
    #[error("the order expired at {expires}, and it is {now}: sign it anew")]
    Expired {
        /// When.
        expires: UnixSeconds,
        /// The time of the check.
        now: UnixSeconds,
    },
    /// It would be good for too long.
    #[error("an order may expire until {latest}, got {got}")]
    Lifetime {
        /// Latest expiry.
        latest: UnixSeconds,
        /// Its expiry.
        got: UnixSeconds,
    },
    /// It was carried out before, or one after it was.
    #[error("{key} has signed a command with sequence {last} already, got {got}: the next has a higher one")]
    Sequence {
        /// Whose sequence.
        key: Hex32,
        /// The highest of those that were taken.
        last: u64,
        /// What came.
        got: u64,
    },
    /// It was carried out before.
    #[error("an order with the nonce {nonce} was taken already: make a new nonce for each")]
    Nonce {
        /// The nonce.
        nonce: Hex32,
    },
    /// None of its signers may ask for that.
    #[error("{command} is for {allowed}; signed by {got}")]
    NotAllowed {
        /// The command.
        command: &'static str,
        /// Who may.
        allowed: &'static str,
        /// Who asked.
        got: String,
    },
    /// There is nothing yet that could be changed.
    #[error("nothing was published yet: the notary is founded first (found), then the online keys sign")]
    NotFounded,
    /// There is one already.
    #[error("this notary is founded already")]
    Founded,
    /// Another root than the one that is pinned.
    #[error("this notary's first root has sha256 {expected}, got one with {got}")]
    OtherRoot {
        /// The pinned root.
        expected: Hex32,
        /// What came.
        got: Hex32,
    },
    /// A role that this house does not have, or a missing one.
    #[error("the first release has the roles targets, wg-deny and m-<member>, got {got}")]
    FoundingRoles {
        /// What is there and should not be, or the other way round.
        got: String,
    },
    /// A file that is no record, or a missing one.
    #[error("the first release has deny.json and records of members, got {got}")]
    FoundingFiles {
        /// What is there and should not be, or the other way round.
        got: String,
    },
    /// No such submission, or it is over.
    #[error("there is no open submission {id}")]
    NoSubmission {
        /// The number.
        id: SubmissionId,
    },
    /// Nobody admitted it.
    #[error("there is no member {member} that is admitted")]
    NoMember {
        /// Its id.
        member: NotaryId,
    },
    /// Nothing is proposed.
    #[error("no targets of version {got} are proposed; open is {}", open.map_or("no proposal".to_owned(), |open| format!("version {open}")))]
    NoProposal {
        /// The version in the command.
        got: Version,
        /// The version that is proposed.
        open: Option<Version>,
    },
    /// The member sent another draft in the meantime.
    #[error("the draft of submission {id} has sha256 {expected}, got {got}: it changed, look at it again")]
    DraftChanged {
        /// The submission.
        id: SubmissionId,
        /// The draft of today.
        expected: Hex32,
        /// The draft in the command.
        got: Hex32,
    },
    /// The proposal changed in the meantime; its signatures are void.
    #[error("the proposal for targets {version} has sha256 {expected}, got {got}: it changed, look at it again")]
    ProposalChanged {
        /// The proposal.
        version: Version,
        /// Its bytes of today.
        expected: Hex32,
        /// The bytes in the command.
        got: Hex32,
    },
    /// Not at this point of its life.
    #[error("submission {id} is {got:?}, {command} is for one that is {expected}")]
    Standing {
        /// The submission.
        id: SubmissionId,
        /// The command.
        command: &'static str,
        /// Where it should be.
        expected: &'static str,
        /// Where it is.
        got: Standing,
    },
    /// It says what is so already.
    #[error("{what} is so already")]
    Unchanged {
        /// What.
        what: String,
    },
    /// Somebody else was first, or the member itself with something else.
    #[error("{member} has submission {open} open: {hint}")]
    SubmissionOpen {
        /// The member.
        member: NotaryId,
        /// Its submission.
        open: SubmissionId,
        /// What to do.
        hint: &'static str,
    },
    /// The online keys have not signed yet what came before.
    #[error("metadata of {role} wait for the online keys already: ask again when they are published")]
    Unpublished {
        /// The role.
        role: RoleName,
    },
    /// More than anybody can look at.
    #[error("at most {most} {what}, and this is one too many")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        most: usize,
    },
    /// A signature of another key, or over something else.
    #[error("{key} did not sign the {what}")]
    NotSigned {
        /// What should have been signed.
        what: String,
        /// Whose signature it should be.
        key: Hex32,
    },
    /// A record that is none.
    #[error("{place}: {source}")]
    Record {
        /// Which.
        place: String,
        /// Why not.
        source: RecordError,
    },
    /// Metadata that are none.
    #[error("metadata of {role}: {source}")]
    Metadata {
        /// Of which role.
        role: RoleName,
        /// Why not.
        source: MetadataError,
    },
    /// A role speaks of more or of less than its record.
    #[error("{role} lists {path} alone, as the record that is sent with it, and delegates to nobody; got {got}")]
    Listing {
        /// The role.
        role: RoleName,
        /// The one path that it lists.
        path: TargetPath,
        /// What it lists.
        got: String,
    },
    /// Longer than any of its kind.
    #[error("metadata of {role} list one record and have at most {most} bytes, got {got}")]
    MetadataTooLong {
        /// The role.
        role: RoleName,
        /// Bytes that they may have.
        most: usize,
        /// Bytes that came.
        got: usize,
    },
    /// An admission of another state than the command is for.
    #[error("the admission of {member} is {expected:?} for {command}, got {got:?}")]
    AdmissionState {
        /// The member.
        member: NotaryId,
        /// The command.
        command: &'static str,
        /// The state that it should have.
        expected: State,
        /// The state that it has.
        got: State,
    },
    /// It would be over before it began.
    #[error("the admission of {member} ends at {not_after}, and it is {now}")]
    Over {
        /// The member.
        member: NotaryId,
        /// Its end.
        not_after: UnixSeconds,
        /// The time of the check.
        now: UnixSeconds,
    },
    /// The first record of its place has the first number.
    #[error("{place} was never published: its seq is 1, got {got}")]
    FirstSeq {
        /// Which.
        place: Place,
        /// The number in it.
        got: u64,
    },
    /// A threshold that keys cannot reach, or a list of keys that is too long or names one twice.
    #[error("the deny role has 1 to {most} different keys and a threshold of at most as many, got {got}", most = super::command::DENY_KEYS_MAX)]
    DenyKeys {
        /// What came.
        got: String,
    },
    /// A root with fields that would get lost.
    #[error("this root has fields that are not known here, and would be written without them: leave them out")]
    RootFields,
    /// Not a root that may follow.
    #[error(transparent)]
    Root(#[from] RuleError),
    /// The repository would not publish it.
    #[error("it would not be published, because {0}")]
    Release(#[from] ReleaseError),
    /// Something else is due now, or nothing.
    #[error("not what is due: {got}; ask what is due and sign that")]
    NotDue {
        /// The difference.
        got: &'static str,
    },
}

impl Refusal {
    /// Whose fault it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::Envelope(EnvelopeError::TooLong { .. }) | Self::MetadataTooLong { .. } => RefusalKind::TooLong,
            Self::Envelope(EnvelopeError::NotSigned { .. } | EnvelopeError::Signatures { .. }) => RefusalKind::Unsigned,
            Self::Envelope(
                EnvelopeError::Malformed(_)
                | EnvelopeError::Base64 { .. }
                | EnvelopeError::PayloadType { .. }
                | EnvelopeError::Twice { .. }
                | EnvelopeError::Length { .. },
            )
            | Self::Order(_)
            | Self::Schema { .. }
            | Self::Metadata { .. }
            | Self::Record { .. } => RefusalKind::Malformed,
            Self::NotSigned { .. } => RefusalKind::Unsigned,
            Self::NotAllowed { .. } | Self::OtherRoot { .. } => RefusalKind::Forbidden,
            Self::NoSubmission { .. } | Self::NoMember { .. } | Self::NoProposal { .. } => RefusalKind::NotFound,
            Self::Sequence { .. }
            | Self::Nonce { .. }
            | Self::NotFounded
            | Self::Founded
            | Self::DraftChanged { .. }
            | Self::ProposalChanged { .. }
            | Self::Standing { .. }
            | Self::Unchanged { .. }
            | Self::SubmissionOpen { .. }
            | Self::Unpublished { .. }
            | Self::NotDue { .. } => RefusalKind::Conflict,
            Self::Expired { .. } => RefusalKind::Expired,
            Self::OtherNetwork { .. }
            | Self::Lifetime { .. }
            | Self::FoundingRoles { .. }
            | Self::FoundingFiles { .. }
            | Self::Listing { .. }
            | Self::AdmissionState { .. }
            | Self::Over { .. }
            | Self::FirstSeq { .. }
            | Self::DenyKeys { .. }
            | Self::RootFields
            | Self::Root(_)
            | Self::Release(_) => RefusalKind::Rule,
            Self::TooMany { .. } => RefusalKind::TooMany,
        }
    }
}
