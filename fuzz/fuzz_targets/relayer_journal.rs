//! libFuzzer on the target `relayer_journal`.
#![no_main]

ledger_fuzz::fuzz!("relayer_journal");
