//! PassportToken's errors in words.

use crate::PassportToken::PassportTokenErrors as E;

/// The sentence of one error.
pub(super) fn sentence(error: &E) -> String {
    match error {
        E::NotTransact(e) => format!("only Transact ({}) mints; the caller is {}", e.transact, e.caller),
        E::ERC20InsufficientBalance(e) => format!(
            "{} holds {} token units; the transfer needs {}",
            e.sender, e.balance, e.needed
        ),
        E::ERC20InsufficientAllowance(e) => format!(
            "{} may spend {} token units; the transfer needs {}",
            e.spender, e.allowance, e.needed
        ),
        E::ERC20InvalidSender(e) => format!("{} cannot send tokens", e.sender),
        E::ERC20InvalidReceiver(e) => format!("{} cannot receive tokens", e.receiver),
        E::ERC20InvalidApprover(e) => format!("{} cannot approve a spender", e.approver),
        E::ERC20InvalidSpender(e) => format!("{} cannot be a spender", e.spender),
        E::ERC2612ExpiredSignature(e) => format!("the permit was good until {}", e.deadline),
        E::ERC2612InvalidSigner(e) => format!("the permit of {} was signed by {}", e.owner, e.signer),
        E::InvalidAccountNonce(e) => format!("the next permit of {} has nonce {}", e.account, e.currentNonce),
        E::ECDSAInvalidSignature(_) => "the signature belongs to no key".into(),
        E::ECDSAInvalidSignatureLength(e) => format!("a signature has 65 bytes, not {}", e.length),
        E::ECDSAInvalidSignatureS(e) => format!("the signature's s ({}) is in the upper half", e.s),
        E::InvalidShortString(_) => "a stored short text is broken".into(),
        E::StringTooLong(e) => format!("the text {:?} has more than 31 bytes", e.str),
    }
}
