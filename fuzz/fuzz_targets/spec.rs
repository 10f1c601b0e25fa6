//! libFuzzer on the target `spec`.
#![no_main]

ledger_fuzz::fuzz!("spec");
