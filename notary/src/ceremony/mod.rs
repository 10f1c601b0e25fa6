//! How do the offline keys come to sign? The documents of root and targets that are made away from any network, and the signatures that
//! their holders add one after the other.
//!
//! A file goes from holder to holder: the first one makes it, each adds a signature on a machine of its own, and whoever has enough of
//! them hands it to the server. Pure: the keys, the bytes and the time come in. Called by the commands `root` and `targets` of
//! `ledger-notary`.

mod documents;
mod sheet;

pub use documents::{DocumentError, Holders, RootWishes, first_targets, root};
pub use sheet::{Sheet, SheetError};
