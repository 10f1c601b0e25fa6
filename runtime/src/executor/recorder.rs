//! What is kept of an execution while it runs, and when is it too much?
//!
//! [`Recorder`] stands between the EVM and one of the usual tracers (revm-inspectors). It adds up what the records take and
//! stops the execution when they pass [`TRACE_BYTES_MAX`], because gas does not bound them: a loop that costs next to
//! nothing makes a record of every step, with a copy of the stack in each. Used by [`super::trace`] alone.

use std::collections::{HashMap, HashSet};

use alloy_primitives::{Address, Log, U256};
use alloy_rpc_types_trace::geth::GethDefaultTracingOptions;
use revm::{
    Inspector,
    bytecode::opcode,
    context::ContextTr,
    context_interface::context::ContextError,
    handler::FrameResult,
    inspector::JournalExt,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, FrameInput, Interpreter,
        interpreter_types::{InputsTr, Jumps, MemoryTr, ReturnData},
    },
};
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError};

/// Bytes that the records of one request may take, all its transactions together. A step takes some 300 with its stack, so
/// that this is 100,000 steps: ten times what a transaction of the chain's own contracts makes.
pub const TRACE_BYTES_MAX: usize = 32 << 20;

/// Bytes of the record of a step, without stack, memory and storage.
const STEP_BYTES: usize = 192;

/// Bytes of the record of a call, without its input and output.
const CALL_BYTES: usize = 768;

/// Bytes of the record of a log, without its data; four topics are in it.
const LOG_BYTES: usize = 256;

/// Bytes of a word on the stack.
const WORD_BYTES: usize = 32;

/// Bytes of a storage slot in a record: key and value.
const SLOT_BYTES: usize = 2 * WORD_BYTES;

/// One of the usual tracers with a bound on what it keeps.
pub(super) struct Recorder {
    tracer: DebugInspector,
    steps: Option<StepMeter>,
    bytes: usize,
}

/// What a log of steps keeps of each step.
struct StepMeter {
    options: GethDefaultTracingOptions,
    /// Slots that were named so far: every later record of a step on storage repeats those of its contract.
    slots: HashMap<Address, HashSet<U256>>,
    /// Steps that may still be kept, if the caller set a limit: what goes unrecorded costs nothing.
    left: Option<u64>,
}

impl Recorder {
    pub(super) fn new(tracer: DebugInspector) -> Self {
        let steps = match &tracer {
            DebugInspector::Default(_, options) => Some(StepMeter::new(*options)),
            _ => None,
        };
        Self {
            tracer,
            steps,
            bytes: 0,
        }
    }

    /// The tracer, to ask for its result.
    pub(super) const fn tracer(&mut self) -> &mut DebugInspector {
        &mut self.tracer
    }

    /// Makes ready for the next transaction. What was kept so far still counts.
    pub(super) fn begin_anew(&mut self) -> Result<(), DebugInspectorError> {
        if let Some(steps) = &mut self.steps {
            *steps = StepMeter::new(steps.options);
        }
        self.tracer.fuse()
    }

    /// Counts what a tracer keeps beside its records.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether the execution was stopped because its records took too much.
    pub(super) const fn is_full(&self) -> bool {
        self.bytes > TRACE_BYTES_MAX
    }

    fn stop_if_full<CTX: ContextTr>(&self, interpreter: &mut Interpreter, context: &mut CTX) {
        if self.is_full() && context.error().is_ok() {
            *context.error() = Err(ContextError::Custom("the trace is too long".to_owned()));
            interpreter.halt_fatal();
        }
    }
}

impl StepMeter {
    fn new(options: GethDefaultTracingOptions) -> Self {
        Self {
            options,
            slots: HashMap::new(),
            left: options.limit.filter(|limit| *limit > 0),
        }
    }

    fn bytes_of(&mut self, interpreter: &Interpreter) -> usize {
        match &mut self.left {
            Some(0) => return 0,
            Some(left) => *left -= 1,
            None => {}
        }
        let mut bytes = STEP_BYTES;
        if !self.options.disable_stack.unwrap_or_default() {
            bytes += interpreter.stack.len() * WORD_BYTES;
        }
        if self.options.is_memory_enabled() {
            bytes += interpreter.memory.size();
        }
        if self.options.is_return_data_enabled() {
            bytes += interpreter.return_data.buffer().len();
        }
        let on_storage = matches!(interpreter.bytecode.opcode(), opcode::SLOAD | opcode::SSTORE);
        if on_storage && self.options.is_storage_enabled() {
            let slots = self.slots.entry(interpreter.input.target_address()).or_default();
            slots.extend(interpreter.stack.peek(0));
            bytes += slots.len() * SLOT_BYTES;
        }
        bytes
    }
}

impl<CTX: ContextTr<Journal: JournalExt>> Inspector<CTX> for Recorder {
    fn initialize_interp(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        self.tracer.initialize_interp(interpreter, context);
    }

    fn step(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        self.tracer.step(interpreter, context);
        let kept = self.steps.as_mut().map_or(0, |steps| steps.bytes_of(interpreter));
        self.keep(kept);
        self.stop_if_full(interpreter, context);
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        self.tracer.step_end(interpreter, context);
    }

    fn log(&mut self, context: &mut CTX, log: Log) {
        self.keep(LOG_BYTES + log.data.data.len());
        self.tracer.log(context, log);
    }

    fn log_full(&mut self, interpreter: &mut Interpreter, context: &mut CTX, log: Log) {
        self.keep(LOG_BYTES + log.data.data.len());
        self.tracer.log_full(interpreter, context, log);
    }

    fn frame_start(&mut self, context: &mut CTX, input: &mut FrameInput) -> Option<FrameResult> {
        self.tracer.frame_start(context, input)
    }

    fn frame_end(&mut self, context: &mut CTX, input: &FrameInput, result: &mut FrameResult) {
        self.tracer.frame_end(context, input, result);
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.keep(CALL_BYTES + inputs.input.len());
        self.tracer.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut CTX, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.keep(outcome.result.output.len());
        self.tracer.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.keep(CALL_BYTES + inputs.init_code().len());
        self.tracer.create(context, inputs)
    }

    fn create_end(&mut self, context: &mut CTX, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.keep(outcome.result.output.len());
        self.tracer.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        Inspector::<CTX>::selfdestruct(&mut self.tracer, contract, target, value);
    }
}

#[cfg(test)]
mod tests {
    use alloy_evm::{Evm, EvmEnv, eth::EthEvmBuilder};
    use alloy_primitives::{TxKind, hex};
    use revm::{bytecode::Bytecode, context::TxEnv, database::InMemoryDB, state::AccountInfo};

    use super::*;

    #[test]
    fn an_execution_stops_as_soon_as_its_records_are_full() {
        let there = Address::repeat_byte(7);
        let mut database = InMemoryDB::default();
        // JUMPDEST PUSH0 JUMP: for ever.
        let code = Bytecode::new_legacy(hex!("5b5f56").into());
        database.insert_account_info(there, AccountInfo::default().with_code(code));
        let tracer = DebugInspector::new(Default::default()).unwrap();
        let mut evm = EthEvmBuilder::new(database, EvmEnv::default())
            .activate_inspector(Recorder::new(tracer))
            .build();
        let sent = TxEnv {
            kind: TxKind::Call(there),
            gas_limit: 10_000_000,
            ..TxEnv::default()
        };
        assert!(evm.transact(sent).is_err());
        let kept = evm.inspector().bytes;
        assert!(
            kept > TRACE_BYTES_MAX && kept < TRACE_BYTES_MAX + 2 * STEP_BYTES,
            "{kept}"
        );
    }
}
