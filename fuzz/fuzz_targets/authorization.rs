//! libFuzzer on the target `authorization`.
#![no_main]

ledger_fuzz::fuzz!("authorization");
