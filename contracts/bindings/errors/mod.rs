//! Why did a call revert, in words?
//!
//! Every custom error of the contracts has a sentence with both sides in it. Used by RPC (the message beside the raw data)
//! and the CLI. Never guesses: what it does not know is `None`, and the caller shows the bytes.

mod bootstrap;
mod checkpoint;
mod token;
mod transact;

use std::fmt;

use alloy_sol_types::{ContractError, Panic, Revert, SolInterface};

use crate::{
    Bootstrap::BootstrapErrors, CheckpointContract::CheckpointContractErrors, CodeVerifier::CodeVerifierErrors,
    PassportToken::PassportTokenErrors, Transact::TransactErrors,
};

/// A revert of one of the contracts, or one that Solidity itself makes. Its `Display` is the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownError {
    /// Of Bootstrap.
    Bootstrap(BootstrapErrors),
    /// Of Transact.
    Transact(TransactErrors),
    /// Of PassportToken.
    PassportToken(PassportTokenErrors),
    /// Of Checkpoint.
    Checkpoint(CheckpointContractErrors),
    /// Of CodeVerifier.
    CodeVerifier(CodeVerifierErrors),
    /// `revert("...")` of any contract.
    Revert(Revert),
    /// A failed check of the compiler's own, such as an overflow.
    Panic(Panic),
}

/// The error in a revert's data; `None` for data that no contract of ours reverts with (empty data included).
pub fn decode_revert(data: &[u8]) -> Option<KnownError> {
    if let Ok(error) = TransactErrors::abi_decode(data) {
        return Some(KnownError::Transact(error));
    }
    if let Ok(error) = PassportTokenErrors::abi_decode(data) {
        return Some(KnownError::PassportToken(error));
    }
    if let Ok(error) = CheckpointContractErrors::abi_decode(data) {
        return Some(KnownError::Checkpoint(error));
    }
    if let Ok(error) = CodeVerifierErrors::abi_decode(data) {
        return Some(KnownError::CodeVerifier(error));
    }
    match ContractError::<BootstrapErrors>::abi_decode(data).ok()? {
        ContractError::CustomError(error) => Some(KnownError::Bootstrap(error)),
        ContractError::Revert(revert) => Some(KnownError::Revert(revert)),
        ContractError::Panic(panic) => Some(KnownError::Panic(panic)),
    }
}

impl KnownError {
    /// The error's name in Solidity, for programs to branch on.
    pub fn name(&self) -> &'static str {
        let name = match self {
            Self::Bootstrap(error) => BootstrapErrors::name_by_selector(error.selector()),
            Self::Transact(error) => TransactErrors::name_by_selector(error.selector()),
            Self::PassportToken(error) => PassportTokenErrors::name_by_selector(error.selector()),
            Self::Checkpoint(error) => CheckpointContractErrors::name_by_selector(error.selector()),
            Self::CodeVerifier(error) => CodeVerifierErrors::name_by_selector(error.selector()),
            Self::Revert(_) => Some("Error"),
            Self::Panic(_) => Some("Panic"),
        };
        name.expect("a decoded error has one of its contract's selectors")
    }
}

impl fmt::Display for KnownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bootstrap(error) => f.write_str(&bootstrap::sentence(error)),
            Self::Transact(error) => f.write_str(&transact::sentence(error)),
            Self::PassportToken(error) => f.write_str(&token::sentence(error)),
            Self::Checkpoint(error) => f.write_str(&checkpoint::sentence(error)),
            Self::CodeVerifier(error) => f.write_str(&checkpoint::verifier_sentence(error)),
            Self::Revert(revert) => f.write_str(&revert.reason),
            Self::Panic(panic) => write!(f, "the contract stopped at its own check: {panic}"),
        }
    }
}

impl std::error::Error for KnownError {}
