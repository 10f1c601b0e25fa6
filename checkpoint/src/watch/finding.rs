//! What can be wrong between the chains, in words?
//!
//! Made by the watcher, shown by the commands.

use std::fmt;

use alloy_primitives::{B256, U256};

use crate::{mainchain::Rejection, numbers::Index, sidechain::SideBlock, statement::BadBundle};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Another checkpoint is anchored than the sidechain's.
    Differs {
        /// Which.
        index: Index,
        /// The contract's fingerprint.
        anchored: B256,
        /// The sidechain's.
        own: B256,
    },
    /// The sidechain knows no such checkpoint.
    Unknown {
        /// Which.
        index: Index,
    },
    /// The sidechain's bundle is no good.
    BadBundle {
        /// Which.
        index: Index,
        /// Why.
        reason: BadBundle,
    },
    /// The block that the checkpoint names is not the sidechain's.
    OtherBlock {
        /// Which checkpoint.
        index: Index,
        /// Height of the block.
        height: u64,
        /// What the checkpoint says of it.
        anchored: SideBlock,
        /// What the sidechain has there.
        own: Option<SideBlock>,
    },
    /// Validators signed something else than what was accepted.
    Rejected(Rejection),
    /// The mainchain was reorganised deeper than the limit.
    Reorganised {
        /// How deep.
        depth: u64,
    },
    /// A signed checkpoint waits for too long.
    Overdue {
        /// Which.
        index: Index,
        /// For how many blocks.
        blocks: u64,
    },
    /// The mainchain has shown no new block for too long.
    Stalled {
        /// For how long.
        ms: u64,
    },
    /// The account has less than it should.
    LowBalance {
        /// What it has.
        balance_wei: U256,
        /// What it should have.
        least_wei: U256,
    },
}

impl Finding {
    /// Its name, for metrics and for scripts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Differs { .. } => "differs",
            Self::Unknown { .. } => "unknown",
            Self::BadBundle { .. } => "bad_bundle",
            Self::OtherBlock { .. } => "other_block",
            Self::Rejected(_) => "rejected",
            Self::Reorganised { .. } => "reorganised",
            Self::Overdue { .. } => "overdue",
            Self::Stalled { .. } => "stalled",
            Self::LowBalance { .. } => "low_balance",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { index, anchored, own } => write!(
                f,
                "checkpoint {index}: the mainchain has {anchored}, and the sidechain's own is {own}: one of the two was altered"
            ),
            Self::Unknown { index } => write!(
                f,
                "checkpoint {index} is on the mainchain, and the sidechain's node knows none with this index"
            ),
            Self::BadBundle { index, reason } => {
                write!(
                    f,
                    "checkpoint {index}: the sidechain's node gives a bundle that is no good: {reason}"
                )
            }
            Self::OtherBlock {
                index,
                height,
                anchored,
                own: Some(own),
            } => write!(
                f,
                "checkpoint {index} anchors block {height} as {} with state {}, and the sidechain's node has {} with {}",
                anchored.hash, anchored.state_root, own.hash, own.state_root
            ),
            Self::OtherBlock { index, height, .. } => {
                write!(
                    f,
                    "checkpoint {index} anchors block {height}, which the sidechain's node does not have"
                )
            }
            Self::Rejected(rejection) => write!(
                f,
                "the contract rejected {} for checkpoint {} in block {}: validators {:#b} signed it beside the accepted one",
                rejection.fingerprint, rejection.index, rejection.block.number, rejection.bitmap
            ),
            Self::Reorganised { depth } => write!(f, "the mainchain was reorganised {depth} blocks deep"),
            Self::Overdue { index, blocks } => write!(
                f,
                "checkpoint {index} is signed and has waited {blocks} blocks for the mainchain: is a relayer running?"
            ),
            Self::Stalled { ms } => write!(f, "the mainchain has shown no new block for {} seconds", ms / 1_000),
            Self::LowBalance { balance_wei, least_wei } => {
                write!(f, "the account has {balance_wei} wei, less than {least_wei}")
            }
        }
    }
}
