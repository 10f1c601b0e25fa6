//! Was a transaction refused for the reason that the fixture names?
//!
//! A refusal for another reason would hide that the expected rule is not there at all.

use std::fmt::{self, Display};

use ledger_runtime::{BrokenRule, LimitError, TransactionFault, TransactionFlaw};

/// What every exception's name begins with.
const PREFIX: &str = "TransactionException.";

/// Why the node's code refused a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its bytes are no transaction.
    Malformed(String),
    /// Its signature is nobody's.
    Signature,
    /// Its sender cannot pay.
    Funds(String),
    /// The block has not so much gas.
    BlockGas(String),
    /// It breaks a rule that needs no state, or what its sender is.
    Rule(BrokenRule, String),
    /// Another reason, which no fixture expects.
    Other(String),
}

impl Refused {
    /// What the executor said.
    pub(crate) fn of(fault: &TransactionFault) -> Self {
        let words = fault.to_string();
        match fault {
            TransactionFault::Signature => Self::Signature,
            TransactionFault::InsufficientFunds { .. } => Self::Funds(words),
            TransactionFault::Limit(LimitError::Gas { .. }) => Self::BlockGas(words),
            TransactionFault::Refused(refusal) => Self::Rule(refusal.rule(), words),
            TransactionFault::Blob
            | TransactionFault::Recovery { .. }
            | TransactionFault::Limit(_)
            | TransactionFault::NonceTooLow { .. }
            | TransactionFault::NonceTooHigh { .. } => Self::Other(words),
        }
    }

    /// What the check without a state said.
    pub(crate) fn of_flaw(flaw: &TransactionFlaw) -> Self {
        Self::Rule(flaw.rule(), flaw.to_string())
    }

    /// Whether this is what `expected` says: one of several names of exceptions, with `|` between them.
    pub(crate) fn is(&self, expected: &str) -> bool {
        expected
            .split('|')
            .any(|one| self.is_one(one.trim().strip_prefix(PREFIX).unwrap_or(one)))
    }

    fn is_one(&self, name: &str) -> bool {
        use BrokenRule as Rule;
        let is_rule = |rules: &[BrokenRule]| matches!(self, Self::Rule(rule, _) if rules.contains(rule));
        let is_malformed = matches!(self, Self::Malformed(_));
        match name {
            "ADDRESS_TOO_LONG" | "ADDRESS_TOO_SHORT" | "TYPE_4_TX_CONTRACT_CREATION" | "TYPE_NOT_SUPPORTED" => {
                is_malformed
            }
            "EC_RECOVERY_FAIL" | "INVALID_SIGNATURE_VRS" => is_malformed || *self == Self::Signature,
            "GAS_ALLOWANCE_EXCEEDED" => matches!(self, Self::BlockGas(_)),
            "GAS_LIMIT_EXCEEDS_MAXIMUM" => is_rule(&[Rule::GasCap]),
            // The decoder holds prices in 128 bits: a product that overflows 256 has one that it refuses.
            "GASLIMIT_PRICE_PRODUCT_OVERFLOW" => is_malformed || is_rule(&[Rule::CostOverflow]),
            "INITCODE_SIZE_EXCEEDED" => is_rule(&[Rule::InitCodeSize]),
            "INSUFFICIENT_ACCOUNT_FUNDS" => matches!(self, Self::Funds(_)) || is_rule(&[Rule::CostOverflow]),
            "INSUFFICIENT_MAX_FEE_PER_GAS" => is_rule(&[Rule::FeeBelowBaseFee]),
            "INTRINSIC_GAS_TOO_LOW" => is_rule(&[Rule::IntrinsicGas]),
            "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST" => is_rule(&[Rule::FloorGas]),
            "INVALID_CHAINID" => is_malformed || is_rule(&[Rule::ChainId]),
            "NONCE_IS_MAX" | "NONCE_TOO_BIG" => is_rule(&[Rule::NonceMax]),
            "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS" => is_rule(&[Rule::TipAboveFee]),
            // A tip that no 128 bits hold.
            "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2" => is_malformed || is_rule(&[Rule::TipAboveFee]),
            "SENDER_NOT_EOA" => is_rule(&[Rule::SenderHasCode]),
            "TYPE_4_EMPTY_AUTHORIZATION_LIST" => is_rule(&[Rule::NoAuthorizations]),
            "TYPE_4_TX_PRE_FORK" => is_rule(&[Rule::Type]),
            _ if name.starts_with("RLP_") || name.ends_with("_OVERFLOW") => is_malformed,
            _ => false,
        }
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("the signature is not valid"),
            Self::Malformed(words)
            | Self::Funds(words)
            | Self::BlockGas(words)
            | Self::Rule(_, words)
            | Self::Other(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_counts_only_for_its_own_reason() {
        let funds = Refused::Funds(String::new());
        assert!(funds.is("TransactionException.INSUFFICIENT_ACCOUNT_FUNDS"));
        assert!(funds.is("TransactionException.NONCE_IS_MAX|TransactionException.INSUFFICIENT_ACCOUNT_FUNDS"));
        assert!(!funds.is("TransactionException.INTRINSIC_GAS_TOO_LOW"));
        let gas = Refused::Rule(BrokenRule::IntrinsicGas, String::new());
        assert!(gas.is("TransactionException.INTRINSIC_GAS_TOO_LOW"));
        assert!(!gas.is("TransactionException.RLP_INVALID_VALUE"));
        assert!(Refused::Malformed(String::new()).is("TransactionException.RLP_LEADING_ZEROS_NONCE"));
        assert!(!gas.is("TransactionException.OF_A_LATER_TIME"));
    }
}
