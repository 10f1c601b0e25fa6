//! Signing: the validator's key, and the record of what it has signed.

pub mod guard_store;

pub use guard_store::{GuardStore, GuardStoreError};
