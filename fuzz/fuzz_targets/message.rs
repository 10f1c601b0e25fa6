//! libFuzzer on the target `message`.
#![no_main]

ledger_fuzz::fuzz!("message");
