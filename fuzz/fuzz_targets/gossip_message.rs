//! libFuzzer on the target `gossip_message`.
#![no_main]

ledger_fuzz::fuzz!("gossip_message");
