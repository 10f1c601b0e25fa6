//! Who may run a validator? A network's working group says so in signed metadata, and anybody can check that it did, whoever
//! serves the files.
//!
//! [`tuf`] reads and checks metadata of The Update Framework 1.0, [`records`] says what the files are that such metadata vouch for; both
//! are pure. [`judge`] holds a candidate for a validator against both. [`mirror`] fetches, [`store`] keeps what was believed,
//! [`repository`] publishes. The binary `tuf-client` reads any repository from the command line. Nothing here talks to a chain.

pub mod judge;
pub mod mirror;
pub mod records;
pub mod repository;
pub mod store;
pub mod tuf;
