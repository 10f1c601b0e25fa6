//! Which keys do the `dev` and `testnet` chains start with?
//!
//! # These keys are public
//! Everybody has them: they are printed here, in the documentation and on the screen. Whoever uses one of them for anything
//! of value gives it away. They exist so that a laptop has a chain in a second and tests are repeatable.
//!
//! Called by the node on the `dev` chain and by tests. No chain but those two may name any of them: a specification that
//! does is refused ([`ChainSpec::from_toml`](crate::ChainSpec::from_toml)).

use alloy_primitives::{Address, address, keccak256};
use ed25519_dalek::SigningKey;

/// The test mnemonic that Ethereum's development tools share. Account `i` is at `m/44'/60'/0'/0/i`.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Accounts of the mnemonic that the `dev` chain funds.
pub const DEV_ACCOUNTS_FUNDED: usize = 10;

/// The first accounts of [`DEV_MNEMONIC`]: ten that are funded, and four that are checkpoint keys.
pub const DEV_ACCOUNTS: [Address; 14] = [
    address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    address!("0x90F79bf6EB2c4f870365E785982E1f101E93b906"),
    address!("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
    address!("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
    address!("0x976EA74026E726554dB657fA54763abd0C3a0aa9"),
    address!("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
    address!("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
    address!("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"),
    address!("0xBcd4042DE499D14e55001CcbB24a551F3b954096"),
    address!("0x71bE63f3384f5fb98995898A86B02Fb2426c5788"),
    address!("0xFABB0ac9d68B0B445fB7357272Ff202C5651694a"),
    address!("0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec"),
];

/// Development validators that the built-in chains name: one on `dev`, four on `testnet`.
pub const DEV_VALIDATORS: u32 = 4;

/// The consensus key of development validator `k`, from 0. Its seed is
/// `keccak256("cloud-ledger development validator {k}")`.
pub fn validator_key(k: u32) -> SigningKey {
    SigningKey::from_bytes(&keccak256(format!("cloud-ledger development validator {k}")).0)
}

/// The network key of development validator `k`, from 0: its public half makes the peer id. Its seed is
/// `keccak256("cloud-ledger development peer {k}")`.
pub fn peer_key(k: u32) -> SigningKey {
    SigningKey::from_bytes(&keccak256(format!("cloud-ledger development peer {k}")).0)
}
