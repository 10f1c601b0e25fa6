//! Why is a header or a message not taken?
//!
//! The engine answers a peer's message with these; the driver lowers the peer's score by their [`Fault`].

use alloy_primitives::{Address, B256};
use ledger_chainspec::{
    BlockHash, BlockNumber, CertificateError, ConsensusKey, DigestError, RecoveryOrder, SetId, Slot, VoteError,
};
use thiserror::Error;

use crate::error::Fault;

/// Why a header is not one of this chain (header rules).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// `extraData` is no authority digest.
    #[error("authority digest: {0}")]
    Digest(#[from] DigestError),
    /// Not the child of the newest final block.
    #[error("the parent is {got}, but the newest final block is {expected}")]
    Parent {
        /// Parent in the header.
        got: BlockHash,
        /// Hash of the newest final block.
        expected: BlockHash,
    },
    /// Not the height that is open.
    #[error("the header has number {got}, but height {expected} is open")]
    Number {
        /// Number in the header.
        got: u64,
        /// The open height.
        expected: BlockNumber,
    },
    /// The slot does not come after the parent's slot and the slot of the parent's certificate.
    #[error("slot {got} does not come after slot {after} of the parent")]
    Slot {
        /// Slot in the digest.
        got: Slot,
        /// Slot it must come after.
        after: Slot,
    },
    /// Coinbase is not the account of the slot's authority.
    #[error("slot {slot} belongs to the account {expected}, but the coinbase is {got}")]
    WrongAuthority {
        /// Slot in the digest.
        slot: Slot,
        /// Coinbase in the header.
        got: Address,
        /// Account of the slot's authority.
        expected: Address,
    },
    /// The authority sealed the parent too (R2).
    #[error("the authority {account} sealed the parent too")]
    TwiceInARow {
        /// Its account.
        account: Address,
    },
    /// The timestamp is not the slot's start.
    #[error("slot {slot} starts at {expected} s, but the timestamp is {got} s")]
    Timestamp {
        /// Slot in the digest.
        slot: Slot,
        /// Timestamp in the header, Unix seconds.
        got: u64,
        /// The slot's start, Unix seconds.
        expected: u64,
    },
    /// A field that has one value on this chain has another.
    #[error("{field} is {got}, but this chain has {expected}")]
    Constant {
        /// Name of the field.
        field: &'static str,
        /// Value in the header.
        got: B256,
        /// Value of this chain.
        expected: B256,
    },
    /// More transactions than a slot takes (R13).
    #[error("{got} transactions, but a slot takes {limit}")]
    Transactions {
        /// Transactions in the body.
        got: usize,
        /// `transactions_per_slot`.
        limit: u32,
    },
    /// Used more gas than the block may (R13).
    #[error("gas used is {got}, but the limit is {limit}")]
    GasUsed {
        /// Gas used.
        got: u64,
        /// Gas limit.
        limit: u64,
    },
    /// The parent ordered a recovery, and the block is none, or the other way round (R16).
    #[error("the parent ordered {}, but the block is {}", order(.ordered.as_ref()), order(.got.as_ref()))]
    Recovery {
        /// What the block says that it carries out.
        got: Option<RecoveryOrder>,
        /// What the parent ordered.
        ordered: Option<RecoveryOrder>,
    },
    /// A recovery block goes back to a block that is not before it (R16).
    #[error("recovery block {number} goes back to block {height}, which is not before its parent")]
    RecoveryHeight {
        /// The block's number.
        number: BlockNumber,
        /// Where it goes back to.
        height: BlockNumber,
    },
    /// A recovery block holds transactions (R16).
    #[error("a recovery block holds no transactions, and this one has {got}")]
    RecoveryTransactions {
        /// Transactions in the body.
        got: usize,
    },
    /// No seal.
    #[error("the header is not sealed")]
    NoSeal,
    /// The seal is not a signature of the slot's authority.
    #[error("the seal is not a signature of {authority}, the authority of slot {slot}")]
    Seal {
        /// Slot in the digest.
        slot: Slot,
        /// The slot's authority.
        authority: ConsensusKey,
    },
    /// The parent's certificate is missing, or block 1 carries one.
    #[error("a parent certificate is {}, as block {number} must not have it", if *.present { "present" } else { "absent" })]
    CertificatePresence {
        /// Is there one?
        present: bool,
        /// The header's number.
        number: BlockNumber,
    },
    /// The parent's certificate is about another block.
    #[error("the parent certificate is for {got}, but the parent is {expected}")]
    CertificateBlock {
        /// Block of the certificate.
        got: BlockHash,
        /// The parent.
        expected: BlockHash,
    },
    /// The parent's certificate does not verify.
    #[error("parent certificate: {0}")]
    Certificate(CertificateError),
}

/// A recovery in words.
fn order(order: Option<&RecoveryOrder>) -> String {
    order.map_or_else(
        || "no recovery".to_owned(),
        |RecoveryOrder { epoch, checkpoint }| format!("recovery {epoch}, to checkpoint {checkpoint}"),
    )
}

impl HeaderError {
    /// Who is to blame: a header is checked before it is passed on, so the sender.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Parent { .. } | Self::Number { .. } => Fault::Timing,
            Self::Digest(_)
            | Self::Slot { .. }
            | Self::WrongAuthority { .. }
            | Self::TwiceInARow { .. }
            | Self::Timestamp { .. }
            | Self::Constant { .. }
            | Self::Transactions { .. }
            | Self::GasUsed { .. }
            | Self::Recovery { .. }
            | Self::RecoveryHeight { .. }
            | Self::RecoveryTransactions { .. }
            | Self::NoSeal
            | Self::Seal { .. }
            | Self::CertificatePresence { .. }
            | Self::CertificateBlock { .. }
            | Self::Certificate(_) => Fault::Sender,
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The header breaks a rule.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A certificate does not verify.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The voter is not in the set that governs the height.
    #[error("{voter} is not a validator of set {set_id}")]
    NotAValidator {
        /// Who signed.
        voter: ConsensusKey,
        /// The set.
        set_id: SetId,
    },
    /// The signature does not verify.
    #[error("the signature of {voter} does not verify")]
    Signature {
        /// Who is said to have signed.
        voter: ConsensusKey,
    },
    /// The vote is of a form that is never cast, or is not the voter's.
    #[error("vote: {0}")]
    Vote(#[from] VoteError),
    /// For a set that does not govern the height.
    #[error("set {got} does not govern the height, set {expected} does")]
    WrongSet {
        /// Set in the message.
        got: SetId,
        /// Set that governs.
        expected: SetId,
    },
    /// For a height that is final already.
    #[error("height {height} is final")]
    HeightFinal {
        /// Height of the message.
        height: BlockNumber,
    },
    /// For a height too far ahead to be kept (R9).
    #[error("height {height} is too far ahead of the open height {open}")]
    HeightAhead {
        /// Height of the message.
        height: BlockNumber,
        /// The open height.
        open: BlockNumber,
    },
    /// For a slot more than one ahead (R9).
    #[error("slot {slot} is too far ahead of slot {current}")]
    SlotAhead {
        /// Slot of the message.
        slot: Slot,
        /// The current slot.
        current: Slot,
    },
    /// For a slot that is too long past to be kept.
    #[error("slot {slot} is too long before slot {current}")]
    SlotPast {
        /// Slot of the message.
        slot: Slot,
        /// The current slot.
        current: Slot,
    },
    /// The slot has a proposal, and this is another: its authority sealed twice.
    #[error("slot {slot} has another proposal")]
    SecondProposal {
        /// The slot.
        slot: Slot,
    },
    /// A vote that differs from the same validator's vote of the same kind and slot.
    #[error("{voter} voted twice in slot {slot}")]
    SecondVote {
        /// Who voted.
        voter: ConsensusKey,
        /// The slot.
        slot: Slot,
    },
    /// A list of certificates that is empty, too long, out of order, or of several blocks.
    #[error("{certificates} certificates do not form a justification of one block, newest first")]
    Justification {
        /// How many there are.
        certificates: usize,
    },
    /// A vote in a certificate states a slot whose certificate is not known (R3).
    #[error("the certificate of slot {slot} refers to a certificate of slot {valid_slot} that is not known")]
    NotGrounded {
        /// Slot of the certificate.
        slot: Slot,
        /// Slot it refers to.
        valid_slot: Slot,
    },
    /// A block that nobody asked for.
    #[error("block {hash} was not asked for")]
    NotAskedFor {
        /// Its hash.
        hash: BlockHash,
    },
    /// The block contradicts a confirmed checkpoint (R15).
    #[error("block {number} is {got}, but a confirmed checkpoint says {confirmed}")]
    Checkpoint {
        /// Height of the checkpoint.
        number: BlockNumber,
        /// Block of the message.
        got: BlockHash,
        /// Block of the checkpoint.
        confirmed: BlockHash,
    },
}

impl Rejection {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Header(error) => error.fault(),
            Self::Certificate(_)
            | Self::NotAValidator { .. }
            | Self::Signature { .. }
            | Self::Vote(_)
            | Self::Justification { .. } => Fault::Sender,
            // The equivocator is to blame, not the peer that shows it; the rest crossed with newer messages.
            Self::SecondProposal { .. }
            | Self::SecondVote { .. }
            | Self::WrongSet { .. }
            | Self::HeightFinal { .. }
            | Self::HeightAhead { .. }
            | Self::SlotAhead { .. }
            | Self::SlotPast { .. }
            | Self::NotGrounded { .. }
            | Self::NotAskedFor { .. }
            | Self::Checkpoint { .. } => Fault::Timing,
        }
    }
}
