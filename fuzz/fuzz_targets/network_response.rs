//! libFuzzer on the target `network_response`.
#![no_main]

ledger_fuzz::fuzz!("network_response");
