//! libFuzzer on the target `storage_record`.
#![no_main]

ledger_fuzz::fuzz!("storage_record");
