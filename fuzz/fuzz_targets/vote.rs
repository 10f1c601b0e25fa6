//! libFuzzer on the target `vote`.
#![no_main]

ledger_fuzz::fuzz!("vote");
