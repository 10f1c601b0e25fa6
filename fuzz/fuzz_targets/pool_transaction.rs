//! libFuzzer on the target `pool_transaction`.
#![no_main]

ledger_fuzz::fuzz!("pool_transaction");
