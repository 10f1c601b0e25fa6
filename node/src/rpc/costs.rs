//! What does a request cost? Units, of which a caller has so many per second.
//!
//! One unit is about the work of a cheap read, a tenth of a millisecond of one processor. A method's price in the table is
//! taken before it runs and bounds how many dear ones a caller can have under way; the processor time that it really took, on
//! whatever thread, is charged afterwards, so that calls are paid by their gas, proofs by their slots and logs by the blocks
//! that had to be read. Called by the gate, the charge and the turns.

use std::time::Duration;

/// Work that one unit stands for.
const UNIT: Duration = Duration::from_micros(100);

/// What a request over HTTP costs, whatever is in it.
pub(super) const BASE: u32 = 1;

/// What a page costs: `/metrics` is a hundred kilobytes of text.
pub(super) const PAGE: u32 = 10;

/// What a connection costs that becomes a WebSocket.
pub(super) const UPGRADE: u32 = 5;

/// What a message to a WebSocket costs: whatever it says, it is a task, a frame and a call of the system.
pub(super) const MESSAGE: u32 = 1;

/// Bytes of a request's body that cost a unit: they are read and parsed.
const BODY_BYTES: usize = 4 << 10;

/// Bytes that cost a unit on a WebSocket, where each message is a task of its own, however short.
const SOCKET_BYTES: usize = 256;

/// Bytes of an answer that cost a unit.
const ANSWER_BYTES: usize = 8 << 10;

/// Prices of methods that are not worth [`PRICE_USUAL`].
const PRICES: &[(&str, u32)] = &[
    ("eth_accounts", 1),
    ("eth_blockNumber", 1),
    ("eth_chainId", 1),
    ("eth_gasPrice", 1),
    ("eth_maxPriorityFeePerGas", 1),
    ("eth_syncing", 1),
    ("net_listening", 1),
    ("net_peerCount", 1),
    ("net_version", 1),
    ("web3_clientVersion", 1),
    ("eth_call", 5),
    ("eth_createAccessList", 10),
    ("eth_estimateGas", 10),
    ("eth_feeHistory", 5),
    ("eth_fillTransaction", 10),
    ("eth_getBlockReceipts", 10),
    ("eth_getFilterLogs", 20),
    ("eth_getLogs", 20),
    ("eth_getProof", 5),
    ("eth_getStorageValues", 5),
    ("eth_simulateV1", 50),
    ("ledger_checkpoints", 20),
    ("ledger_codeProof", 20),
    ("ledger_evidence", 20),
    ("ledger_peers", 10),
    ("ledger_recoveredSpan", 20),
    ("ledger_slots", 5),
    ("ledger_usageReport", 10),
    ("ledger_whyStalled", 20),
    ("eth_subscribe", 20),
    ("ledger_subscribe", 20),
    ("rpc.discover", 100),
    ("txpool_content", 100),
    ("txpool_inspect", 100),
];

/// The price of methods that the table does not name: a read of a few records.
const PRICE_USUAL: u32 = 2;

/// The price of every method that begins so: a trace runs a block's transactions again.
const TRACES: (&str, u32) = ("debug_", 50);

/// What `method` costs before it runs.
pub(super) fn of_method(method: &str) -> u32 {
    let found = PRICES.iter().find(|(name, _)| *name == method);
    match found {
        Some((_, units)) => *units,
        None if method.starts_with(TRACES.0) => TRACES.1,
        None => PRICE_USUAL,
    }
}

/// What a turn of this length costs.
pub(super) fn of_time(taken: Duration) -> u32 {
    u32::try_from(taken.as_micros() / UNIT.as_micros()).unwrap_or(u32::MAX)
}

/// What the body of a request costs.
pub(super) fn of_body(bytes: usize) -> u32 {
    units(bytes, BODY_BYTES)
}

/// What bytes on a WebSocket cost.
pub(super) fn of_socket(bytes: usize) -> u32 {
    // Rounded up: bytes that come one by one cost more to read than they are.
    u32::try_from(bytes.div_ceil(SOCKET_BYTES)).unwrap_or(u32::MAX)
}

/// What an answer costs.
pub(super) fn of_answer(bytes: usize) -> u32 {
    units(bytes, ANSWER_BYTES)
}

fn units(bytes: usize, of: usize) -> u32 {
    u32::try_from(bytes / of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use ledger_api::openrpc::METHODS;

    use super::*;

    #[test]
    fn prices_follow_the_work() {
        assert_eq!(of_method("eth_chainId"), 1);
        assert_eq!(of_method("eth_getBalance"), PRICE_USUAL);
        assert!(of_method("eth_getLogs") > of_method("eth_call"));
        assert_eq!(of_method("debug_traceBlockByNumber"), TRACES.1);
        assert_eq!(of_time(Duration::from_secs(1)), 10_000);
        assert_eq!((of_body(100), of_body(1 << 20)), (0, 256));
        assert_eq!((of_socket(1), of_socket(1 << 10)), (1, 4));
    }

    #[test]
    fn cheap_and_dear_methods_of_the_table_are_served() {
        let served: Vec<_> = METHODS.iter().map(|method| method.name).collect();
        let missing: Vec<_> = PRICES.iter().filter(|(name, _)| !served.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?} are no methods: is a name misspelt?");
    }
}
