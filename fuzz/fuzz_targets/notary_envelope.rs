//! libFuzzer on the target `notary_envelope`.
#![no_main]

ledger_fuzz::fuzz!("notary_envelope");
