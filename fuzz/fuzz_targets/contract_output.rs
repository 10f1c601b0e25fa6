//! libFuzzer on the target `contract_output`.
#![no_main]

ledger_fuzz::fuzz!("contract_output");
