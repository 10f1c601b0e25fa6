//! What kind of number or hash is this? One type per idea, so that a slot is never taken for a height, nor a block's hash
//! for a genesis hash.
//!
//! Used by every crate. Values go in and out through `new` and `get` only: no `From`, no `Deref`, so that every
//! conversion is visible where it happens. All of them are SCALE-encoded as their bytes alone (integers little-endian)
//! and serialised by serde as their inner value (bytes as a 0x-prefixed hex string).

use std::fmt;

use alloy_primitives::{B256, B512};
use ed25519_dalek::SigningKey;
use parity_scale_codec::{Decode, Encode, Error, Input, Output};
use serde::{Deserialize, Serialize};

use crate::codec::decode_array;

macro_rules! number {
    ($(#[doc = $doc:literal])+ $name:ident($inner:ty)) => {
        $(#[doc = $doc])+
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Names a plain number.
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The plain number.
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The one after this; `None` after the last that exists.
            pub const fn next(self) -> Option<Self> {
                match self.0.checked_add(1) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

macro_rules! bytes {
    ($(#[doc = $doc:literal])+ $name:ident($inner:ident, $public:ty)) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.0.as_slice()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }

        impl Encode for $name {
            fn size_hint(&self) -> usize {
                self.0.len()
            }

            fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
                output.write(self.0.as_slice());
            }
        }

        impl Decode for $name {
            fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
                decode_array(input).map(|bytes| Self($inner::new(bytes)))
            }
        }
    };
}

macro_rules! hash {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        bytes! { $(#[doc = $doc])+ $name(B256, B256) }

        impl $name {
            /// Names a plain hash.
            pub const fn new(value: B256) -> Self {
                Self(value)
            }

            /// The plain hash.
            pub const fn get(self) -> B256 {
                self.0
            }
        }
    };
}

number! {
    /// A time slot: `floor(unix_ms / slot_duration_ms)` (R1). The slot of the schedule is the round of the consensus.
    Slot(u64)
}
number! {
    /// A block's number, or the height at which one is decided. Genesis is 0.
    BlockNumber(u64)
}
number! {
    /// The number of a validator set: 0 at genesis, one more with every change (R10).
    SetId(u64)
}
number! {
    /// The number of a member cloud, from 1; 0 stands for "no member" in the contracts.
    MemberId(u32)
}
number! {
    /// Milliseconds since the Unix epoch.
    UnixMillis(u64)
}

hash! {
    /// keccak256 of a header's RLP: the name of a block.
    BlockHash
}
hash! {
    /// The hash of block 0: the name of a chain, signed with every statement.
    GenesisHash
}
hash! {
    /// keccak256 of a validator set's SCALE encoding ([`ValidatorSet::hash`](crate::ValidatorSet::hash)).
    ValidatorSetHash
}

impl BlockHash {
    /// The same hash as the name of the chain that starts with this block.
    pub const fn as_genesis(self) -> GenesisHash {
        GenesisHash(self.0)
    }
}

bytes! {
    /// A validator's ed25519 public key (RFC 8032): its name in the consensus. Any 32 bytes can be held; bytes that are no
    /// point of the curve never verify a signature.
    ConsensusKey(B256, [u8; 32])
}

impl ConsensusKey {
    /// Names plain bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(B256::new(bytes))
    }

    /// The plain bytes.
    pub const fn get(self) -> [u8; 32] {
        self.0.0
    }

    /// The public half of `key`.
    pub fn of(key: &SigningKey) -> Self {
        Self::new(key.verifying_key().to_bytes())
    }
}

bytes! {
    /// An ed25519 signature (RFC 8032): R, then s.
    Signature64(B512, [u8; 64])
}

impl Signature64 {
    /// Names plain bytes.
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(B512::new(bytes))
    }

    /// The plain bytes.
    pub const fn get(self) -> [u8; 64] {
        self.0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_stop_at_the_end() {
        assert_eq!(Slot::new(41).next(), Some(Slot::new(42)));
        assert_eq!(BlockNumber::new(u64::MAX).next(), None);
        assert_eq!(MemberId::new(u32::MAX).next(), None);
    }

    #[test]
    fn numbers_are_encoded_little_endian_and_shown_in_decimal() {
        assert_eq!(Slot::new(0x0102).encode(), [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(MemberId::new(0x0102).encode(), [2, 1, 0, 0]);
        assert_eq!(SetId::new(7).to_string(), "7");
    }

    #[test]
    fn hashes_are_their_bytes_and_are_shown_in_full() {
        let hash = BlockHash::new(B256::repeat_byte(0xab));
        assert_eq!(hash.encode(), [0xab; 32]);
        assert_eq!(hash.to_string(), format!("0x{}", "ab".repeat(32)));
        assert_eq!(hash.as_genesis().get(), hash.get());
    }

    #[test]
    fn bytes_survive_both_encodings() {
        let signature = Signature64::new(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(Signature64::decode(&mut &signature.encode()[..]), Ok(signature));
        assert!(Signature64::decode(&mut &signature.encode()[..63]).is_err());
        let text = serde_json::to_string(&signature).unwrap();
        assert_eq!(serde_json::from_str::<Signature64>(&text).unwrap(), signature);
        assert_eq!(text.len(), 2 + 2 + 128);
    }

    #[test]
    fn consensus_key_is_the_public_half() {
        // RFC 8032, section 7.1, test 1.
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::from_bytes(&seed.try_into().unwrap());
        assert_eq!(
            ConsensusKey::of(&key).to_string(),
            "0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
    }
}
