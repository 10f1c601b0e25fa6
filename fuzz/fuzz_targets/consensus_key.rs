//! libFuzzer on the target `consensus_key`.
#![no_main]

ledger_fuzz::fuzz!("consensus_key");
