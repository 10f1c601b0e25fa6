//! Why could a transaction, or the whole block, not be executed?

use std::error::Error;

use alloy_evm::block::{BlockExecutionError, BlockValidationError};
use alloy_primitives::{Address, U256};
use revm::context::result::InvalidTransaction;
use thiserror::Error;

use super::words;
use crate::limits::LimitError;

/// A block could not be executed at all: the database failed, or an invariant of ours is broken.
#[derive(Debug, Error)]
pub enum ExecutionError {
    /// The EVM could not go on; the cause is the database nearly always.
    #[error("execution stopped: {0}")]
    Evm(#[source] Box<dyn Error + Send + Sync>),
    /// A view function that the chain rests on did not answer.
    #[error("the call of {contract} {what}")]
    View {
        /// The contract.
        contract: Address,
        /// What came instead of an answer.
        what: String,
    },
}

/// Why a transaction cannot stand at this place of this block. No trace of it is left in the state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransactionFault {
    /// Type 3: this chain keeps no blobs.
    #[error("transactions with blobs (type 3) are not accepted here")]
    Blob,
    /// Nobody's signature, or one with a high `s` (EIP-2).
    #[error("the transaction's signature is not valid")]
    Signature,
    /// A transaction with this nonce is in the chain already.
    #[error("nonce too low: next nonce {state}, tx nonce {transaction}")]
    NonceTooLow {
        /// The transaction's nonce.
        transaction: u64,
        /// The sender's next nonce.
        state: u64,
    },
    /// Transactions of the sender are missing before this one.
    #[error("nonce too high: next nonce {state}, tx nonce {transaction}")]
    NonceTooHigh {
        /// The transaction's nonce.
        transaction: u64,
        /// The sender's next nonce.
        state: u64,
    },
    /// The sender offers a price or a value that it cannot pay. A price of 0 needs no balance.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// Gas limit times price, plus value, in wei.
        cost: U256,
        /// The sender's balance in wei.
        balance: U256,
    },
    /// It orders a recovery to a checkpoint that whoever makes the block does not know (R16).
    #[error(
        "it orders a recovery to checkpoint {checkpoint}, which this node does not know to be on the mainchain and of this chain"
    )]
    Recovery {
        /// Index of the checkpoint.
        checkpoint: u64,
    },
    /// A limit of the block (R13, R14).
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The EVM refuses it on every state, or because of what its sender is.
    #[error("{0}")]
    Refused(Refusal),
}

/// What the EVM's own check of a transaction said.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", words::refusal(.0))]
pub struct Refusal(pub(crate) InvalidTransaction);

/// Which of Ethereum's rules a refused transaction breaks, as far as [`TransactionFault`] has no variant of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BrokenRule {
    /// The tip is higher than the whole fee (EIP-1559).
    TipAboveFee,
    /// The fee is lower than the block's base fee (EIP-1559).
    FeeBelowBaseFee,
    /// The gas limit is above what the fork gives one transaction (EIP-7825).
    GasCap,
    /// The gas limit does not cover what the transaction costs before it does anything.
    IntrinsicGas,
    /// The gas limit does not cover the floor of its data's price (EIP-7623).
    FloorGas,
    /// The sender is a contract (EIP-3607).
    SenderHasCode,
    /// Gas limit times price, plus value, is no 256-bit number.
    CostOverflow,
    /// The nonce is the largest there is (EIP-2681).
    NonceMax,
    /// The code of a creation is too long (EIP-3860).
    InitCodeSize,
    /// Signed for another chain (EIP-155).
    ChainId,
    /// The fork has no transactions of this type.
    Type,
    /// A type 4 transaction without authorizations (EIP-7702).
    NoAuthorizations,
    /// Any other.
    Other,
}

impl Refusal {
    /// The rule that is broken.
    #[must_use]
    pub const fn rule(&self) -> BrokenRule {
        use InvalidTransaction as Invalid;
        match &self.0 {
            Invalid::PriorityFeeGreaterThanMaxFee => BrokenRule::TipAboveFee,
            Invalid::GasPriceLessThanBasefee => BrokenRule::FeeBelowBaseFee,
            Invalid::TxGasLimitGreaterThanCap { .. } => BrokenRule::GasCap,
            Invalid::CallGasCostMoreThanGasLimit { .. } => BrokenRule::IntrinsicGas,
            Invalid::GasFloorMoreThanGasLimit { .. } => BrokenRule::FloorGas,
            Invalid::RejectCallerWithCode => BrokenRule::SenderHasCode,
            Invalid::OverflowPaymentInTransaction => BrokenRule::CostOverflow,
            Invalid::NonceOverflowInTransaction => BrokenRule::NonceMax,
            Invalid::CreateInitCodeSizeLimit => BrokenRule::InitCodeSize,
            Invalid::InvalidChainId | Invalid::MissingChainId => BrokenRule::ChainId,
            Invalid::Eip2930NotSupported | Invalid::Eip1559NotSupported | Invalid::Eip7702NotSupported => {
                BrokenRule::Type
            }
            Invalid::EmptyAuthorizationList => BrokenRule::NoAuthorizations,
            _ => BrokenRule::Other,
        }
    }

    /// Whether the gas limit does not cover what a transaction costs before it does anything.
    #[must_use]
    pub const fn is_too_little_gas(&self) -> bool {
        matches!(self.rule(), BrokenRule::IntrinsicGas | BrokenRule::FloorGas)
    }
}

impl TransactionFault {
    /// Whether the same transaction may apply to a later block, or in another place of this one.
    #[must_use]
    pub const fn may_pass_later(&self) -> bool {
        match self {
            // The mainchain may confirm the checkpoint later.
            Self::NonceTooHigh { .. } | Self::InsufficientFunds { .. } | Self::Limit(_) | Self::Recovery { .. } => true,
            Self::Blob | Self::Signature | Self::NonceTooLow { .. } | Self::Refused(_) => false,
        }
    }
}

impl From<InvalidTransaction> for TransactionFault {
    fn from(invalid: InvalidTransaction) -> Self {
        match invalid {
            InvalidTransaction::NonceTooLow { tx, state } => Self::NonceTooLow { transaction: tx, state },
            InvalidTransaction::NonceTooHigh { tx, state } => Self::NonceTooHigh { transaction: tx, state },
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => Self::InsufficientFunds {
                cost: *fee,
                balance: *balance,
            },
            other => Self::Refused(Refusal(other)),
        }
    }
}

/// The fault of the transaction, or the reason why the block is lost.
pub(super) fn fault(failure: BlockExecutionError) -> Result<TransactionFault, ExecutionError> {
    match failure {
        BlockExecutionError::Validation(BlockValidationError::InvalidTx { hash, error }) => {
            match error.as_invalid_tx_err() {
                Some(invalid) => Ok(invalid.clone().into()),
                None => Err(fatal(BlockValidationError::InvalidTx { hash, error }.into())),
            }
        }
        BlockExecutionError::Validation(BlockValidationError::TransactionGasLimitMoreThanAvailableBlockGas {
            transaction_gas_limit,
            block_available_gas,
        }) => Ok(TransactionFault::Limit(LimitError::Gas {
            gas_limit: transaction_gas_limit,
            available: block_available_gas,
        })),
        other => Err(fatal(other)),
    }
}

pub(super) fn fatal(failure: BlockExecutionError) -> ExecutionError {
    ExecutionError::Evm(Box::new(failure))
}
