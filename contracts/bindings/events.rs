//! What happened in the contracts, according to a log?
//!
//! Used by runtime (the index of codes, the change of the validator set) and RPC. The caller checks which contract emitted
//! the log: anybody can emit the same topics.

use alloy_primitives::LogData;
use alloy_sol_types::SolEventInterface;

use crate::{Bootstrap::BootstrapEvents, PassportToken::PassportTokenEvents, Transact::TransactEvents};

/// An event of one of the contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownEvent {
    /// Who runs the chain.
    Bootstrap(BootstrapEvents),
    /// Promo codes and offers.
    Transact(TransactEvents),
    /// The reward's token.
    PassportToken(PassportTokenEvents),
}

/// The event in a log; `None` if none of the contracts has it or the data does not fit it. OpenZeppelin's
/// `EIP712DomainChanged`, which two of them declare and none emits, reads as Transact's.
pub fn decode_event(log: &LogData) -> Option<KnownEvent> {
    let (topics, data) = (log.topics(), &log.data);
    BootstrapEvents::decode_raw_log(topics, data)
        .map(KnownEvent::Bootstrap)
        .or_else(|_| TransactEvents::decode_raw_log(topics, data).map(KnownEvent::Transact))
        .or_else(|_| PassportTokenEvents::decode_raw_log(topics, data).map(KnownEvent::PassportToken))
        .ok()
}
