//! How does somebody speak with a notary? Reads what it publishes, never its word alone, and sends signed commands.
//!
//! Called by the commands of `ledger-notary`, by the [signer](crate::signer) and by `tuf-client`. One thing after the other, without async.
//!
//! Read in this order: [`reader`] (what is published), [`server`] and [`order`] (what is sent), [`papers`] (what goes with it), [`audit`] (the log).

pub mod audit;
pub mod error;
pub mod order;
pub mod papers;
pub mod reader;
pub mod server;

pub use error::ClientError;
