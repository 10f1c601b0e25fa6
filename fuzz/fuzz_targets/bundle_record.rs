//! libFuzzer on the target `bundle_record`.
#![no_main]

ledger_fuzz::fuzz!("bundle_record");
