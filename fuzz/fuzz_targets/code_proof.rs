//! libFuzzer on the target `code_proof`.
#![no_main]

ledger_fuzz::fuzz!("code_proof");
