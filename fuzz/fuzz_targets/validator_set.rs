//! libFuzzer on the target `validator_set`.
#![no_main]

ledger_fuzz::fuzz!("validator_set");
