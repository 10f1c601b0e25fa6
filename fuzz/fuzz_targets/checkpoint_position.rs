//! libFuzzer on the target `checkpoint_position`.
#![no_main]

ledger_fuzz::fuzz!("checkpoint_position");
