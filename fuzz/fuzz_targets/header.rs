//! libFuzzer on the target `header`.
#![no_main]

ledger_fuzz::fuzz!("header");
