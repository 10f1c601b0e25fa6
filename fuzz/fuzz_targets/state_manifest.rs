//! libFuzzer on the target `state_manifest`.
#![no_main]

ledger_fuzz::fuzz!("state_manifest");
