//! libFuzzer on the target `notary_entry`.
#![no_main]

ledger_fuzz::fuzz!("notary_entry");
