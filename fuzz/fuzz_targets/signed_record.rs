//! libFuzzer on the target `signed_record`.
#![no_main]

ledger_fuzz::fuzz!("signed_record");
