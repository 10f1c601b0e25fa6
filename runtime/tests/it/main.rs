//! Tests of the runtime through its public interface.

mod chain;
mod golden;
mod state;
mod store;
