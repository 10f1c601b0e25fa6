//! Which bytes make each contract?
//!
//! Creation code followed by the ABI encoding of the constructor's arguments. Genesis puts those of the sidechain's contracts
//! as code at the fixed address, calls it with empty input and installs what comes back (runtime's genesis only). Those of the
//! mainchain's are what a transaction without a recipient carries.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolConstructor;

use crate::{Bootstrap, CheckpointContract, CodeVerifier, PassportToken, Transact};

/// Bootstrap: founding members (ids from 1 in their order), the first validator set in the order of the schedule, the
/// times of governance, the way of anchoring, and Transact's address (`transact_`).
pub fn bootstrap(arguments: &Bootstrap::constructorCall) -> Bytes {
    concat(&Bootstrap::BYTECODE, &arguments.abi_encode())
}

/// Transact: the addresses of Bootstrap (`bootstrap_`) and of the token (`token_`), the first specs (ids from 1 in their
/// order), the limits of holders.
pub fn transact(arguments: &Transact::constructorCall) -> Bytes {
    concat(&Transact::BYTECODE, &arguments.abi_encode())
}

/// PassportToken, which only `transact` mints.
pub fn passport_token(transact: Address) -> Bytes {
    let arguments = PassportToken::constructorCall { transact_: transact };
    concat(&PassportToken::BYTECODE, &arguments.abi_encode())
}

/// Checkpoint: the sidechain's genesis hash, and the set that signs first: its number and its checkpoint keys in its order.
pub fn checkpoint(arguments: &CheckpointContract::constructorCall) -> Bytes {
    concat(&CheckpointContract::BYTECODE, &arguments.abi_encode())
}

/// CodeVerifier, over the checkpoints of the contract at `checkpoint`.
pub fn code_verifier(checkpoint: Address) -> Bytes {
    let arguments = CodeVerifier::constructorCall {
        checkpoints_: checkpoint,
    };
    concat(&CodeVerifier::BYTECODE, &arguments.abi_encode())
}

fn concat(code: &Bytes, arguments: &[u8]) -> Bytes {
    [code.as_ref(), arguments].concat().into()
}
