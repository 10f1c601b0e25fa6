//! libFuzzer on the target `network_request`.
#![no_main]

ledger_fuzz::fuzz!("network_request");
