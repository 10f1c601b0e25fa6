//! libFuzzer on the target `pool_journal`.
#![no_main]

ledger_fuzz::fuzz!("pool_journal");
