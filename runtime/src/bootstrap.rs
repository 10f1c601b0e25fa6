//! What does the Bootstrap contract say of the validator set and of reserved senders?
//!
//! The only readings that the runtime itself makes of a contract: the set that governs the next block (R10), and
//! whether a sender may use the reserved lane (R14). Both by the contract's own view functions.

use std::collections::HashMap;

use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use ledger_chainspec::{ConsensusKey, MemberId, SetError, SetId, Validator, ValidatorSet, predeploys::BOOTSTRAP};
use ledger_contracts::{Bootstrap, reserved};
use thiserror::Error;

use crate::{
    executor::{ContractReader, ExecutionError},
    limits::Lane,
    state::{StateError, StateView},
};

/// Why Bootstrap's answer cannot be used.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// The contract did not answer.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The answer is not of the type the interface says.
    #[error("Bootstrap's answer cannot be decoded: {0}")]
    Answer(#[from] alloy_sol_types::Error),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The answer is not a validator set.
    #[error("Bootstrap's validator set is not one: {0}")]
    Set(#[from] SetError),
}

/// The validator set on the state that `reader` reads.
pub(crate) fn validator_set(reader: &mut ContractReader) -> Result<ValidatorSet, BootstrapError> {
    let answer = reader.call(BOOTSTRAP, Bootstrap::validatorSetCall {}.abi_encode().into())?;
    let answer = Bootstrap::validatorSetCall::abi_decode_returns(&answer)?;
    let validators = answer.validators.into_iter().map(|validator| Validator {
        consensus_key: ConsensusKey::new(validator.consensusKey.0),
        account: validator.account,
        checkpoint_key: validator.checkpointKey,
        peer_id: validator.peerId.to_vec(),
        member_id: MemberId::new(validator.memberId),
    });
    Ok(ValidatorSet::new(SetId::new(answer.id), validators.collect())?)
}

/// Whether Bootstrap has no record of `account`, so that it can be in no lane but the open one. Costs three reads; running
/// the contract costs as much as all other checks of a transaction together.
pub(crate) fn is_unknown(view: &StateView, account: &Address) -> Result<bool, StateError> {
    for slot in reserved::slots(account) {
        if !view.storage(&BOOTSTRAP, &slot.into())?.is_zero() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The lanes of a block's senders, asked once per sender on the state of the block's parent.
pub(crate) struct Lanes {
    reader: ContractReader,
    known: HashMap<Address, Lane>,
}

impl Lanes {
    pub(crate) fn new(reader: ContractReader) -> Self {
        Self {
            reader,
            known: HashMap::new(),
        }
    }

    /// The lane of `sender`.
    pub(crate) fn of(&mut self, sender: Address) -> Result<Lane, BootstrapError> {
        if let Some(lane) = self.known.get(&sender) {
            return Ok(*lane);
        }
        let answer = self
            .reader
            .call(BOOTSTRAP, Bootstrap::reservedCall { sender }.abi_encode().into())?;
        let reserved = Bootstrap::reservedCall::abi_decode_returns(&answer)?;
        let lane = if reserved { Lane::Reserved } else { Lane::Open };
        self.known.insert(sender, lane);
        Ok(lane)
    }
}
