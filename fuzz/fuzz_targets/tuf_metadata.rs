//! libFuzzer on the target `tuf_metadata`.
#![no_main]

ledger_fuzz::fuzz!("tuf_metadata");
