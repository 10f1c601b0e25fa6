//! libFuzzer on the target `block`.
#![no_main]

ledger_fuzz::fuzz!("block");
