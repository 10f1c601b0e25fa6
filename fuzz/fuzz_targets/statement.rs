//! libFuzzer on the target `statement`.
#![no_main]

ledger_fuzz::fuzz!("statement");
