//! Where do the contracts and the precompile live that every chain of this kind has from block 0?
//!
//! Read by genesis, the executor, the RPC and the clients. Never holds code: that is the contracts crate's.

use alloy_primitives::{Address, address};

/// The ed25519 precompile. Input: public key (32 bytes), signature (64), message (the rest). Output: a 32-byte word, 1 if
/// the signature verifies strictly, else 0. Bootstrap checks evidence with it (R12).
pub const ED25519_PRECOMPILE: Address = address!("0x0000000000000000000000000000000000001000");

/// Bootstrap: members, validators, governance, jail, checkpoint configuration.
pub const BOOTSTRAP: Address = address!("0x0000000000000000000000000000000000001001");

/// Transact: instance specifications, offers, promo codes.
pub const TRANSACT: Address = address!("0x0000000000000000000000000000000000001002");

/// PassportToken: the rewards, an ERC-20.
pub const PASSPORT_TOKEN: Address = address!("0x0000000000000000000000000000000000001003");

/// The predeployed contracts in the order in which genesis constructs them.
pub const PREDEPLOYS: [Address; 3] = [BOOTSTRAP, TRANSACT, PASSPORT_TOKEN];
