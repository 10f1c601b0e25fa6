//! libFuzzer on the target `notary_order`.
#![no_main]

ledger_fuzz::fuzz!("notary_order");
