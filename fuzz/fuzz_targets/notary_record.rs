//! libFuzzer on the target `notary_record`.
#![no_main]

ledger_fuzz::fuzz!("notary_record");
