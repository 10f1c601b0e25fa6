//! libFuzzer on the target `state_chunk`.
#![no_main]

ledger_fuzz::fuzz!("state_chunk");
