//! libFuzzer on the target `peer_store`.
#![no_main]

ledger_fuzz::fuzz!("peer_store");
