//! libFuzzer on the target `relayer_deployment`.
#![no_main]

ledger_fuzz::fuzz!("relayer_deployment");
