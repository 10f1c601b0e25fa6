//! libFuzzer on the target `passport_code`.
#![no_main]

ledger_fuzz::fuzz!("passport_code");
