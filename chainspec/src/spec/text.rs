//! How are addresses and large numbers written in a specification?
//!
//! Used by serde for the types of this folder: addresses with EIP-55's check in their capitals, amounts in decimal.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

fn parse_address<E: Error>(text: &str) -> Result<Address, E> {
    let letters = || text.trim_start_matches("0x").chars().filter(char::is_ascii_alphabetic);
    let has_check = letters().any(|c| c.is_ascii_uppercase()) && letters().any(|c| c.is_ascii_lowercase());
    let address = if has_check {
        Address::parse_checksummed(text, None).map_err(|error| error.to_string())
    } else {
        text.parse::<Address>().map_err(|error| error.to_string())
    };
    address.map_err(|reason| E::custom(format_args!("{text:?} is no address: {reason}")))
}

/// One address: capitals and small letters carry EIP-55's check; one case alone carries none.
pub(super) mod address {
    use super::*;

    pub(in crate::spec) fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&address.to_checksum(None))
    }

    pub(in crate::spec) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        parse_address(&String::deserialize(deserializer)?)
    }
}

/// A list of addresses.
pub(super) mod addresses {
    use super::*;

    pub(in crate::spec) fn serialize<S: Serializer>(list: &[Address], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|address| address.to_checksum(None)))
    }

    pub(in crate::spec) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Address>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|text| parse_address(text))
            .collect()
    }
}

/// An amount in its smallest unit, as a string of decimal digits in which underscores may stand for the eye.
pub(super) mod amount {
    use super::*;

    pub(in crate::spec) fn serialize<S: Serializer>(amount: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&amount.to_string())
    }

    pub(in crate::spec) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let amount = is_number.then(|| U256::from_str_radix(&digits, 10).ok()).flatten();
        amount.ok_or_else(|| {
            D::Error::custom(format_args!(
                "{text:?} is no amount: write decimal digits in quotes, below 2^256"
            ))
        })
    }
}
