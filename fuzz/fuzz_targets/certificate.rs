//! libFuzzer on the target `certificate`.
#![no_main]

ledger_fuzz::fuzz!("certificate");
