//! libFuzzer on the target `rpc_request`.
#![no_main]

ledger_fuzz::fuzz!("rpc_request");
