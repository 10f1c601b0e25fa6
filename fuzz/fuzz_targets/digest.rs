//! libFuzzer on the target `digest`.
#![no_main]

ledger_fuzz::fuzz!("digest");
