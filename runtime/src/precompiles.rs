//! What does the chain's own precompile answer, and what does it cost?
//!
//! One precompile is added to Ethereum's: ed25519 verification at
//! [`ledger_chainspec::predeploys::ED25519_PRECOMPILE`], so that Bootstrap can check evidence (R12)
//! by the very rule the nodes use. The executor installs it; nobody else calls in here. These
//! functions know nothing of the EVM and never fail: whatever is not a valid signature is `false`.

use alloy_primitives::{B256, U256};
use ed25519_dalek::{Signature, VerifyingKey};

/// Gas of one verification, before the message is counted.
pub const ED25519_BASE_GAS: u64 = 3_000;

/// Gas per started 32-byte word of the message (it is hashed with SHA-512).
pub const ED25519_WORD_GAS: u64 = 12;

/// Bytes of the input before the message: public key (32), signature (64).
const ED25519_PREFIX_BYTES: usize = 96;

/// The gas that a call with `input_bytes` bytes of input costs, whatever its answer.
#[must_use]
pub fn ed25519_gas(input_bytes: usize) -> u64 {
    let words = input_bytes.saturating_sub(ED25519_PREFIX_BYTES).div_ceil(32);
    let words = u64::try_from(words).unwrap_or(u64::MAX);
    ED25519_WORD_GAS.saturating_mul(words).saturating_add(ED25519_BASE_GAS)
}

/// The 32-byte word that a call with `input` (public key, signature, message) returns: 1 if the
/// strict rule accepts the signature, else 0. Short input and undecodable points are 0 too.
#[must_use]
pub fn ed25519_answer(input: &[u8]) -> B256 {
    B256::from(U256::from(u8::from(ed25519_accepts(input).is_some())))
}

/// `Some(())` if `verify_strict` accepts. An `Option`, so that every refusal takes the same way out.
fn ed25519_accepts(input: &[u8]) -> Option<()> {
    let (key, rest) = input.split_first_chunk::<32>()?;
    let (signature, message) = rest.split_first_chunk::<64>()?;
    let key = VerifyingKey::from_bytes(key).ok()?;
    key.verify_strict(message, &Signature::from_bytes(signature)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1: tests 1, 2 and 3. Public key, message, signature.
    const RFC_8032: [(&str, &str, &str); 3] = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];

    fn input(key: &str, message: &str, signature: &str) -> Vec<u8> {
        hex::decode([key, signature, message].concat()).unwrap()
    }

    fn accepted(input: &[u8]) -> bool {
        match U256::from_be_bytes(ed25519_answer(input).0) {
            U256::ONE => true,
            U256::ZERO => false,
            other => panic!("the answer is a word 0 or 1, not {other}"),
        }
    }

    #[test]
    fn vectors_of_rfc_8032_are_accepted_and_any_flipped_bit_is_refused() {
        for (key, message, signature) in RFC_8032 {
            let good = input(key, message, signature);
            assert!(accepted(&good));
            for byte in 0..good.len() {
                let mut bad = good.clone();
                bad[byte] ^= 1;
                assert!(!accepted(&bad), "byte {byte}");
            }
        }
    }

    #[test]
    fn short_input_is_refused_and_costs_the_base() {
        let good = input(RFC_8032[0].0, RFC_8032[0].1, RFC_8032[0].2);
        for length in 0..ED25519_PREFIX_BYTES {
            assert!(!accepted(&good[..length]));
            assert_eq!(ed25519_gas(length), ED25519_BASE_GAS);
        }
    }

    #[test]
    fn small_order_keys_and_non_canonical_scalars_are_refused() {
        // With the identity as key and as R and with s = 0 the lax equation holds for every message.
        let mut small = vec![0; ED25519_PREFIX_BYTES];
        small[0] = 1;
        small[32] = 1;
        assert!(!accepted(&small));
        // The same s plus the group order: an equal scalar in a second spelling.
        let order = U256::from_str_radix(
            "7237005577332262213973186563042994240857116359379907606001950938285454250989",
            10,
        )
        .unwrap();
        let mut malleable = input(RFC_8032[1].0, RFC_8032[1].1, RFC_8032[1].2);
        let s = U256::from_le_slice(&malleable[64..96]) + order;
        malleable[64..96].copy_from_slice(&s.to_le_bytes::<32>());
        assert!(!accepted(&malleable));
    }

    #[test]
    fn gas_counts_started_words_of_the_message() {
        assert_eq!(ed25519_gas(96), 3_000);
        assert_eq!(ed25519_gas(97), 3_012);
        assert_eq!(ed25519_gas(128), 3_012);
        assert_eq!(ed25519_gas(129), 3_024);
        assert_eq!(ed25519_gas(96 + 106), 3_048);
    }
}
