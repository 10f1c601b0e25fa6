//! The whole system as its users meet it: a built node, its port, its signals, its words.

mod admission;
mod admit;
mod anchor;
mod bad_input;
mod calls;
mod clients;
mod crash;
mod fifth_cloud;
mod governance;
mod handbook;
mod hostile;
mod mainchain;
mod network;
mod pages;
mod proofs;
mod readme;
mod recovery;
mod shell;
mod state_sync;
mod testnet;
mod verdicts;
