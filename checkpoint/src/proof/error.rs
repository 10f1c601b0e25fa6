//! Why is a proof not believed, or the code that it proves not good?

use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::{BlockHash, BlockNumber, FinalityFault, GenesisHash};

use super::merkle::MerkleFault;

/// What a header in a proof is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The block that everything begins with.
    Trusted,
    /// A change of the validator set, by its place in the proof.
    Handover(usize),
    /// The block whose state is proven.
    State,
    /// The block of the code's request.
    Request,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trusted => f.write_str("the trusted block"),
            Self::Handover(place) => write!(f, "handover {place}"),
            Self::State => f.write_str("the block of the state"),
            Self::Request => f.write_str("the block of the request"),
        }
    }
}

/// Why a proof shows no code that is good. Those of [`ProofError::is_about_the_code`] say that the proof is believed and the code is not
/// good; `Superseded`, `Stale` and `NotAtCheckpoint`, that it is of another state than is wanted; all others, that it is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Longer than any.
    #[error("the proof has {bytes} bytes; {most} is the most")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// Not the text of a proof.
    #[error("this is no proof of a code: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// Another form.
    #[error("the proof is of version {got}, and version {known} is understood")]
    Version {
        /// Its version.
        got: u64,
        /// Ours.
        known: u64,
    },
    /// Bytes that are no header, certificate or validator set.
    #[error("{part} comes with bytes that are no {what}")]
    Bytes {
        /// Of which block.
        part: Part,
        /// What they should be.
        what: &'static str,
    },
    /// Another chain's.
    #[error("the proof is of the chain with genesis {got}, not of {expected}")]
    OtherChain {
        /// The chain that it names.
        got: GenesisHash,
        /// The chain that is meant.
        expected: GenesisHash,
    },
    /// It begins with a plain block, and a checkpoint is asked for.
    #[error("the proof names no checkpoint; get one by: passport proof CODE --mainchain URL --contract ADDRESS")]
    NoCheckpoint,
    /// Made for another mainchain.
    #[error("the proof's checkpoint is for mainchain {got}, not {expected}")]
    OtherMainchain {
        /// The chain id that it names.
        got: u64,
        /// The chain id that is meant.
        expected: u64,
    },
    /// Made for another contract.
    #[error("the proof's checkpoint is for the contract {got}, not {expected}")]
    OtherContract {
        /// The contract that it names.
        got: Address,
        /// The contract that is meant.
        expected: Address,
    },
    /// Not a checkpoint that the contract accepted: its height, roots, or anything else of it differ.
    #[error("checkpoint {index} with the fingerprint {fingerprint} is none that the contract accepted")]
    NotAccepted {
        /// Its place in the sequence.
        index: u64,
        /// Its fingerprint.
        fingerprint: B256,
    },
    /// It begins with another block than the one that is trusted.
    #[error("the proof begins with block {got}, and {expected} is trusted")]
    OtherBlock {
        /// What it begins with.
        got: BlockHash,
        /// What is trusted.
        expected: BlockHash,
    },
    /// A header of another height than the checkpoint.
    #[error("the trusted block has number {got}, and the checkpoint is of height {expected}")]
    WrongHeight {
        /// The header's number.
        got: u64,
        /// The checkpoint's height.
        expected: u64,
    },
    /// A header with another state root than the checkpoint.
    #[error("the trusted block has the state root {got}, and the checkpoint {expected}")]
    WrongRoot {
        /// The header's.
        got: B256,
        /// The checkpoint's.
        expected: B256,
    },
    /// A certificate without quorum, of another block, set or chain; or a set that its block does not name.
    #[error("{part}: {fault}")]
    Finality {
        /// Of which block.
        part: Part,
        /// What is wrong.
        fault: FinalityFault,
    },
    /// More changes of the validator set than a proof may have.
    #[error("the proof has {got} changes of the validator set; {most} is the most")]
    TooManyHandovers {
        /// How many it has.
        got: usize,
        /// The bound.
        most: u64,
    },
    /// Blocks that do not follow each other.
    #[error("{part}, block {got}, does not come after block {before}")]
    Order {
        /// Which one.
        part: Part,
        /// Its number.
        got: BlockNumber,
        /// The one that it has to come after.
        before: BlockNumber,
    },
    /// The request is after the state.
    #[error("the code was asked for in block {request}, after block {state}, whose state is proven")]
    RequestAfterState {
        /// Block of the request.
        request: BlockNumber,
        /// Block of the state.
        state: BlockNumber,
    },
    /// A state that nothing makes final.
    #[error("block {block} has no certificate, and is not the trusted one")]
    NoCertificate {
        /// Block of the state.
        block: BlockNumber,
    },
    /// A request's block that a span does not have.
    #[error("block {height} is not among the blocks {first} to {last} of the checkpoint")]
    NotInSpan {
        /// The request's block.
        height: u64,
        /// First block of the checkpoint.
        first: u64,
        /// Its last block.
        last: u64,
    },
    /// A path that leads elsewhere.
    #[error("the path of block {height} does not lead to the checkpoint's history root {expected}")]
    NotInHistory {
        /// The request's block.
        height: u64,
        /// The checkpoint's.
        expected: B256,
    },
    /// A span's checkpoint does not follow the one that comes with it.
    #[error("checkpoint {index} follows {expected}, and the proof gives {got} as the one before it")]
    SpanParent {
        /// Which checkpoint.
        index: u64,
        /// What is given.
        got: B256,
        /// What it names.
        expected: B256,
    },
    /// The transaction is not in the request's block.
    #[error("the transaction is not in its block: {0}")]
    TransactionProof(MerkleFault),
    /// The receipt is not in the request's block, or is another transaction's.
    #[error("the receipt is not that of the transaction at this place: {0}")]
    ReceiptProof(MerkleFault),
    /// Bytes that are no receipt.
    #[error("what is proven as a receipt is none")]
    NotAReceipt,
    /// Another transaction than the one asked about.
    #[error("the proof is of transaction {got}, and {expected} was asked about")]
    OtherTransaction {
        /// What is proven.
        got: B256,
        /// What was asked about.
        expected: B256,
    },
    /// Another place than the one asked about.
    #[error("the proof is of the passport code {got}, and {expected} was asked about")]
    OtherPlace {
        /// What is proven.
        got: String,
        /// What was asked about.
        expected: String,
    },
    /// Another code than the one asked about, or than the transaction issued.
    #[error("the proof is of code {got:#x}, and the one in question is {expected:#x}")]
    OtherCode {
        /// What is proven.
        got: U256,
        /// What the transaction issued, or was asked about.
        expected: U256,
    },
    /// The transaction failed.
    #[error("transaction {0} failed, so it issued no code")]
    RequestFailed(B256),
    /// The transaction did something else.
    #[error("transaction {0} issued no code")]
    NotARequest(B256),
    /// Transact's account is not what the state has.
    #[error("the account of the contract is not in the state: {0}")]
    AccountProof(MerkleFault),
    /// The code's record is not what the state has.
    #[error("the code's record is not in the state: {0}")]
    RecordProof(MerkleFault),
    /// The specification is not what the state has.
    #[error("word {place} of the specification is not in the state: {error}")]
    SpecProof {
        /// Which word, from 0.
        place: usize,
        /// What is wrong.
        error: MerkleFault,
    },
    /// Not the slots that hold the code and its specification, or another contract's.
    #[error(
        "the proof has {got} storage slots, or others than the {expected} of the code and its specification in Transact"
    )]
    Slots {
        /// How many it has.
        got: usize,
        /// How many it takes.
        expected: usize,
    },
    /// A word in the state that is no record, or no specification.
    #[error("the state holds no {what} where it should be: {word:#x}")]
    NotARecord {
        /// What should be there.
        what: &'static str,
        /// What is.
        word: U256,
    },
    /// The chain has gone on beyond the state, and the mainchain shows it.
    #[error(
        "the proof is of the state of block {state}, and the mainchain has a checkpoint of block {anchored}: the code may have been used \
         since"
    )]
    Superseded {
        /// Block of the state.
        state: u64,
        /// Height of the newest checkpoint.
        anchored: u64,
    },
    /// The state is older than it may be.
    #[error(
        "the proof is of the state of {age_seconds} s ago, and {most_seconds} s is the most: the code may have been used since"
    )]
    Stale {
        /// Age of the state's block.
        age_seconds: u64,
        /// What was asked for.
        most_seconds: u64,
    },
    /// The state has no record of the code.
    #[error("the state of block {state} has no record of the code: it has ended and was deleted")]
    NoRecord {
        /// Block of the state.
        state: u64,
    },
    /// The chain has recovered to before the request, and gave the code's number to another code since (R16).
    #[error(
        "the request was undone by a recovery of the chain: as of block {state} its number is that of another code, which is good until \
         {expires_at}"
    )]
    LeftBehind {
        /// Until when the other code is good.
        expires_at: u64,
        /// Block of the state.
        state: u64,
    },
    /// A cloud has confirmed its use.
    #[error("the code is redeemed: member {member_id} has confirmed its use, as of block {state}")]
    Redeemed {
        /// Which cloud.
        member_id: u32,
        /// Block of the state.
        state: u64,
    },
    /// Its holder gave it back.
    #[error("the code was given back by its holder, as of block {state}")]
    Cancelled {
        /// Block of the state.
        state: u64,
    },
    /// Its time is over.
    #[error("the code has expired: it was good until {expires_at}, and it is {now} (seconds since the Unix epoch)")]
    Expired {
        /// Until when it was good.
        expires_at: u64,
        /// The time it was judged at.
        now: u64,
    },
    /// The proof cannot be shown to the mainchain's contract.
    #[error(
        "the proof is of the state of block {state}, and the contract on the mainchain knows that of checkpoints only: make one with \
         --at-checkpoint"
    )]
    NotAtCheckpoint {
        /// Block of the state.
        state: u64,
    },
}

impl ProofError {
    /// Whether the proof is believed, and what it proves is that the code is not good.
    #[must_use]
    pub const fn is_about_the_code(&self) -> bool {
        matches!(
            self,
            Self::NoRecord { .. }
                | Self::LeftBehind { .. }
                | Self::Redeemed { .. }
                | Self::Cancelled { .. }
                | Self::Expired { .. }
                | Self::RequestFailed(_)
                | Self::NotARequest(_)
        )
    }

    /// The failure's name for scripts; it stays the same from version to version.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "proofTooLong",
            Self::Malformed { .. } => "proofMalformed",
            Self::Version { .. } => "proofVersion",
            Self::Bytes { .. } => "proofBytes",
            Self::OtherChain { .. } => "proofOtherChain",
            Self::NoCheckpoint => "proofNoCheckpoint",
            Self::OtherMainchain { .. } => "proofOtherMainchain",
            Self::OtherContract { .. } => "proofOtherContract",
            Self::NotAccepted { .. } => "proofNotAccepted",
            Self::OtherBlock { .. } => "proofOtherBlock",
            Self::WrongHeight { .. } => "proofWrongHeight",
            Self::WrongRoot { .. } => "proofWrongRoot",
            Self::Finality { .. } => "proofNotFinal",
            Self::TooManyHandovers { .. } => "proofTooManyHandovers",
            Self::Order { .. } => "proofOrder",
            Self::RequestAfterState { .. } => "proofRequestAfterState",
            Self::NoCertificate { .. } => "proofNoCertificate",
            Self::NotInSpan { .. } => "proofNotInSpan",
            Self::NotInHistory { .. } => "proofNotInHistory",
            Self::SpanParent { .. } => "proofSpanParent",
            Self::TransactionProof(_) => "proofTransaction",
            Self::ReceiptProof(_) => "proofReceipt",
            Self::NotAReceipt => "proofNotAReceipt",
            Self::OtherTransaction { .. } => "proofOtherTransaction",
            Self::OtherPlace { .. } => "proofOtherPlace",
            Self::OtherCode { .. } => "proofOtherCode",
            Self::RequestFailed(_) => "requestFailed",
            Self::NotARequest(_) => "notARequest",
            Self::AccountProof(_) => "proofAccount",
            Self::RecordProof(_) => "proofRecord",
            Self::SpecProof { .. } => "proofSpec",
            Self::Slots { .. } => "proofSlots",
            Self::NotARecord { .. } => "proofNotARecord",
            Self::Superseded { .. } => "proofSuperseded",
            Self::Stale { .. } => "proofStale",
            Self::NoRecord { .. } => "codeNoRecord",
            Self::LeftBehind { .. } => "codeLeftBehind",
            Self::Redeemed { .. } => "codeRedeemed",
            Self::Cancelled { .. } => "codeCancelled",
            Self::Expired { .. } => "codeExpired",
            Self::NotAtCheckpoint { .. } => "proofNotAtCheckpoint",
        }
    }
}
