//! Is this call over before anybody would notice?
//!
//! Most calls of contracts take some microseconds, and a few take a second; which it is shows only when it runs. So
//! [`Executor::call_if_short`] begins a call with all the gas that it may use, looks on, and gives up once it has turned out to be
//! long: what it says of a short call is what [`Executor::prepare`] and a run would have said. For callers that may not block.

use alloy_consensus::Header;
use alloy_evm::{Database, Evm, eth::EthEvmContext};
use alloy_primitives::U256;
use alloy_rpc_types_eth::TransactionRequest;
use revm::{
    Inspector,
    bytecode::opcode::KECCAK256,
    context::JournalTr,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, InstructionResult, Interpreter, interpreter_types::Jumps,
    },
};

use super::{
    Executor,
    call::{CallError, CallOverrides, CallResult, result_of},
};
use crate::state::StateView;

/// Gas that a short call spends at most, give or take one step: the work of about a millisecond, or some two hundred reads of
/// the state.
pub const SHORT_CALL_GAS: u64 = 500_000;

/// Bytes that a short call hashes at once. Of all single steps only the hash of a large memory takes milliseconds; its gas would be
/// counted when it is done.
const SHORT_HASH_BYTES: u64 = 128 << 10;

impl Executor {
    /// What `request` does in the environment of `header`, on the state after it; none if it is not short.
    pub(crate) fn call_if_short(
        &self,
        view: StateView,
        header: &Header,
        request: &TransactionRequest,
        overrides: &CallOverrides,
    ) -> Result<Option<CallResult>, CallError> {
        if !may_be_short(request, overrides) {
            return Ok(None);
        }
        let mut call = self.prepare_with(view, header, request.clone(), overrides.clone(), Watch::default())?;
        call.evm.set_inspector_enabled(true);
        let done = call.run_as_call();
        if call.evm.components().1.is_long {
            return Ok(None);
        }
        Ok(Some(result_of(done?.result)))
    }
}

/// Whether it has no parts that take long before the first step: code to hash, signatures to recover, lists to load.
const fn may_be_short(request: &TransactionRequest, overrides: &CallOverrides) -> bool {
    overrides.state.is_none() && request.access_list.is_none() && request.authorization_list.is_none()
}

/// Ends a run that turns out to be long. What the run then says means nothing.
#[derive(Debug, Default)]
struct Watch {
    /// Gas that all frames have spent, without what they gave to others.
    gas_spent: u64,
    /// Gas of the running frame before its current step.
    gas_before: u64,
    is_long: bool,
}

impl<DB: Database> Inspector<EthEvmContext<DB>> for Watch {
    fn step(&mut self, frame: &mut Interpreter, _: &mut EthEvmContext<DB>) {
        self.gas_before = frame.gas.remaining();
        if self.gas_spent > SHORT_CALL_GAS || hashes_much(frame) {
            self.is_long = true;
        }
        if self.is_long {
            frame.halt(InstructionResult::OutOfGas);
        }
    }

    fn step_end(&mut self, frame: &mut Interpreter, _: &mut EthEvmContext<DB>) {
        let step = self.gas_before.saturating_sub(frame.gas.remaining());
        self.gas_spent = self.gas_spent.saturating_add(step);
    }

    fn call(&mut self, context: &mut EthEvmContext<DB>, inputs: &mut CallInputs) -> Option<CallOutcome> {
        // The caller's step took it; what the callee spends of it is counted there.
        self.gas_spent = self.gas_spent.saturating_sub(inputs.gas_limit);
        let precompiles = context.journaled_state.precompile_addresses();
        // A precompile may spend all that it is given in its only step.
        self.is_long |= precompiles.contains(&inputs.bytecode_address);
        self.is_long
            .then(|| CallOutcome::new_oog(inputs.gas_limit, inputs.return_memory_offset.clone(), inputs.reservoir))
    }

    fn create(&mut self, _: &mut EthEvmContext<DB>, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.is_long = true;
        Some(CreateOutcome::new_oog(inputs.gas_limit(), inputs.reservoir()))
    }
}

fn hashes_much(frame: &Interpreter) -> bool {
    let is_much = |bytes: U256| bytes > U256::from(SHORT_HASH_BYTES);
    frame.bytecode.opcode() == KECCAK256 && frame.stack.peek(1).is_ok_and(is_much)
}
