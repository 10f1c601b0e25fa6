//! Does the code that a node runs do what Ethereum's public tests say?
//!
//! `ledger-node statetest` and `ledger-node trietest` call [`run`] with files, folders or archives of fixtures in the formats of
//! ethereum/tests and of the execution specifications' tests. [`files`] finds them, `suite` hands them to threads, `state`,
//! `transactions`, `tries` and `rlp` play them, and a [`Report`] says what came of each case.
//!
//! Nothing is executed, hashed or decoded here: [`ledger_runtime::scenario`] and the functions that the node itself calls do
//! that. A case that is not played is left out by name, with a reason that `left_out` or the code beside the decision gives.

mod exceptions;
pub mod files;
mod left_out;
pub mod report;
mod rlp;
mod state;
mod suite;
mod transactions;
mod tries;

pub use files::FilesError;
pub use report::{Failure, Report};
pub use suite::{Family, Options, Sample, SuiteError, run};
