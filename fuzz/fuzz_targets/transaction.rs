//! libFuzzer on the target `transaction`.
#![no_main]

ledger_fuzz::fuzz!("transaction");
