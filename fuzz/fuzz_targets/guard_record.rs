//! libFuzzer on the target `guard_record`.
#![no_main]

ledger_fuzz::fuzz!("guard_record");
