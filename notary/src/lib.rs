//! Who may run a validator? A network's working group says so in signed metadata, and anybody can check that it did, whoever
//! serves the files.
//!
//! [`tuf`] reads and checks metadata of The Update Framework 1.0, [`records`] says what the files are that such metadata vouch for,
//! [`judge`] holds a candidate for a validator against both; these are pure. [`mirror`] fetches ([`http`]), [`store`] keeps what was believed,
//! [`repository`] publishes. [`desk`] decides what is published next and who may ask for it, by orders in signed envelopes ([`dsse`]),
//! and leaves every step in a [`log`] that nobody can rewrite; these are pure too. [`storage`] keeps the steps in a database, [`server`]
//! takes orders and publishes, [`signer`] holds the online keys, [`client`] speaks with a server ([`wire`]), [`ceremony`] is what is
//! signed offline. The binary `ledger-notary` is all of it, `tuf-client` reads any repository from the command line. Nothing here talks
//! to a chain.

pub mod ceremony;
pub mod client;
pub mod desk;
pub mod dsse;
pub mod http;
pub mod judge;
pub mod log;
pub mod mirror;
pub mod records;
pub mod repository;
pub mod server;
pub mod signer;
pub mod storage;
pub mod store;
pub mod tuf;
pub mod wire;
