//! libFuzzer on the target `keystore`.
#![no_main]

ledger_fuzz::fuzz!("keystore");
