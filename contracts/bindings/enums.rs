//! What do the contracts' enum numbers mean?
//!
//! The ABI carries enums as `uint8`; these are their names, in the contracts' order. For whoever reads what the bindings
//! return.

use std::fmt;

/// A number that the contract's enum does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The enum.
    pub of: &'static str,
    /// The number.
    pub value: u8,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no value {}", self.of, self.value)
    }
}

impl std::error::Error for UnknownValue {}

/// Declares an enum with its numbers (from 0, in order) and each value in words.
macro_rules! contract_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal $words:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = $words] $variant,)*
        }

        impl TryFrom<u8> for $name {
            type Error = UnknownValue;

            fn try_from(value: u8) -> Result<Self, UnknownValue> {
                match value {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(UnknownValue { of: stringify!($name), value }),
                }
            }
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> u8 {
                match value {
                    $($name::$variant => $number,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $words,)*
                })
            }
        }
    };
}

contract_enum! {
    /// What became of a validator. Only active ones are in the set.
    ValidatorStatus {
        None = 0 "never was one",
        Active = 1 "in the set",
        Jailed = 2 "equivocated",
        Removed = 3 "removed by governance",
        Left = 4 "left on its own accord",
    }
}

contract_enum! {
    /// What a proposal does, and what its payload encodes.
    ProposalKind {
        None = 0 "no proposal",
        Admit = 1 "admit a validator or a member",
        Remove = 2 "remove a validator",
        RemoveMember = 3 "remove a member",
        SetCheckpointConfig = 4 "anchor in another way",
        DefineSpec = 5 "define an instance spec",
        SetLimits = 6 "set the limits of holders",
        Recover = 7 "go on from a checkpoint",
    }
}

contract_enum! {
    /// Where a proposal stands.
    ProposalStatus {
        None = 0 "no proposal",
        Open = 1 "open for votes",
        Passed = 2 "passed; waiting for its timelock and execution",
        Executed = 3 "executed",
        Expired = 4 "expired",
        Withdrawn = 5 "withdrawn",
    }
}

contract_enum! {
    /// What an equivocator did (R12).
    Offence {
        DoubleSeal = 0 "two seals in one slot",
        DoubleVote = 1 "two votes of one kind in one slot",
        Amnesia = 2 "a vote against its own lock",
    }
}

contract_enum! {
    /// What a code is worth now.
    CodeStatus {
        NeverIssued = 0 "never issued",
        Live = 1 "live",
        Expired = 2 "expired",
        Redeemed = 3 "redeemed",
        Cancelled = 4 "cancelled",
        Deleted = 5 "ended, and its record deleted; the logs say how",
    }
}
