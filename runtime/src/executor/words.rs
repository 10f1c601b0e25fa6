//! How does geth say that?
//!
//! Wallets and libraries look for geth's words in an error's message, so what the EVM says is said in them, with the facts
//! behind. Used by the executor's other rooms; decides nothing.

use revm::context::result::{HaltReason, InvalidTransaction, OutOfGasError};

/// Why an execution was cut off.
pub(super) fn halt(reason: &HaltReason) -> String {
    let words = match reason {
        HaltReason::OutOfGas(OutOfGasError::InvalidOperand) => "gas uint64 overflow",
        HaltReason::OutOfGas(_) => "out of gas",
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => "invalid opcode: opcode not defined",
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID",
        HaltReason::InvalidJump => "invalid jump destination",
        HaltReason::StackUnderflow => "stack underflow",
        HaltReason::StackOverflow => "stack limit reached",
        HaltReason::OutOfOffset => "return data out of bounds",
        HaltReason::CreateCollision => "contract address collision",
        HaltReason::NonceOverflow => "nonce uint64 overflow",
        HaltReason::CreateContractSizeLimit => "max code size exceeded",
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded",
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => "write protection",
        HaltReason::OutOfFunds | HaltReason::OverflowPayment => "insufficient balance for transfer",
        HaltReason::CallTooDeep => "max call depth exceeded",
        // geth passes on what the precompile says, and so do we.
        HaltReason::PrecompileError | HaltReason::PrecompileErrorWithContext(_) => return reason.to_string(),
    };
    words.to_owned()
}

/// Why a transaction was not executed at all.
pub(super) fn refusal(invalid: &InvalidTransaction) -> String {
    let words = match invalid {
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            return format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}");
        }
        InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            return format!("insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}");
        }
        InvalidTransaction::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            return format!("transaction gas limit too high (cap: {cap}, tx: {gas_limit})");
        }
        InvalidTransaction::RejectCallerWithCode => "sender not an eoa: its account has code",
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => "max priority fee per gas higher than max fee per gas",
        InvalidTransaction::GasPriceLessThanBasefee => "max fee per gas less than block base fee",
        InvalidTransaction::CallerGasLimitMoreThanBlock => "gas limit reached",
        InvalidTransaction::OverflowPaymentInTransaction => {
            "insufficient funds for gas * price + value: required balance exceeds 256 bits"
        }
        InvalidTransaction::NonceOverflowInTransaction => "nonce has max value",
        InvalidTransaction::CreateInitCodeSizeLimit => "max initcode size exceeded",
        InvalidTransaction::InvalidChainId | InvalidTransaction::MissingChainId => "invalid chain id for signer",
        InvalidTransaction::EmptyAuthorizationList => "EIP-7702 transaction with empty auth list",
        InvalidTransaction::AuthorizationListInvalidFields => "EIP-7702 transaction cannot be used to create contract",
        InvalidTransaction::AuthorizationListNotSupported
        | InvalidTransaction::Eip2930NotSupported
        | InvalidTransaction::Eip1559NotSupported
        | InvalidTransaction::Eip4844NotSupported
        | InvalidTransaction::Eip7702NotSupported => "transaction type not supported",
        other => return other.to_string(),
    };
    words.to_owned()
}
