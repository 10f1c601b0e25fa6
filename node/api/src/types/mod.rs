//! The values of the `ledger_*` methods, and of others that alloy has no types for, as JSON carries them.
//!
//! Numbers are quantities, names are camel case, unknown fields of requests are refused and of answers ignored, so that
//! a newer node can say more.

mod anchor;
mod chain;
mod checkpoint;
mod code;
mod consensus;
mod governance;
mod news;
mod pool;
mod proof;
mod recovery;
mod routing;
mod slots;
mod usage;

pub use anchor::{AnchorAlarm, AnchorContradiction, AnchorPoint, AnchorStanding, AnchorStatus};
pub use chain::{BlockPoint, ContractAddresses, NodeStatus, PoolStatus};
pub use checkpoint::{
    CHECKPOINTS_PER_QUESTION_MAX, CheckpointInfo, CheckpointPoint, CheckpointState, CheckpointStatus, CheckpointsQuery,
};
pub use code::{Authorization, CloudRef, CodeEnding, CodeInfo, CodeState, Verdict, Verification, VerifyRequest};
pub use consensus::{
    BrokenRule, EndorsementInfo, EvidenceInfo, EvidenceStanding, OpenHeight, PeerHead, PeerInfo, SilenceKind,
    SlotBlock, StallReport, ValidatorHeard, ValidatorName,
};
pub use governance::{
    NotaryState, NotaryVerdict, ProposalChange, ProposalInfo, ProposalKind, ProposalStatus, ProposalVote,
    ValidatorInfo, ValidatorsInfo,
};
pub use news::{CodeNews, LedgerTopic};
pub use pool::{CloudInfo, OfferInfo, PoolEntry, SpecInfo};
pub use proof::{
    BlockSpan, CODE_PROOF_VERSION, CodeProof, CodeProofRequest, PROOF_HANDOVERS_MAX, PROOF_SPAN_BLOCKS_MAX,
    RequestProof, SetHandover, StateProof, TrustedBlock,
};
pub use recovery::{
    REDEMPTIONS_PER_ANSWER_MAX, RecoveredSpan, RecoveredSpanQuery, SPAN_BLOCKS_PER_ANSWER_MAX, SpanRedemption,
};
pub use routing::{Capabilities, CapabilitiesHead, Capability, DeleteStrategy, SyncInfo, SyncStatus};
pub use slots::{FinalBlock, SLOTS_PER_QUESTION_MAX, SlotInfo, SlotsInfo, TurnsInfo};
pub use usage::{SpecUsage, UsageReport};
