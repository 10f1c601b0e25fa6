//! What kind of number is this? One type per idea, so that a checkpoint's index is never taken for a block of the mainchain.
//!
//! Used by every module. Values go in and out through `new` and `get` only.

use std::fmt;

use alloy_primitives::B256;
use parity_scale_codec::{Decode, Encode};

macro_rules! number {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        pub struct $name(u64);

        impl $name {
            /// Names a plain number.
            #[must_use]
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one `count` after this; the last that exists if there is none.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add(count))
            }

            /// How many steps lie between an earlier one and this; none if `earlier` is not earlier.
            #[must_use]
            pub const fn since(self, earlier: Self) -> u64 {
                self.0.saturating_sub(earlier.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A checkpoint's place in the sequence, from 1; 0 stands for the sidechain's genesis.
    Index
}

number! {
    /// Number of a block of the mainchain.
    BlockNumber
}

number! {
    /// Number of a transaction of one account of the mainchain.
    Nonce
}

/// A block of the mainchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: B256,
}
