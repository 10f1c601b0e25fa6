//! Which cases are not played, and why not?

/// A transaction of type 3.
pub(crate) const BLOB: &str = "a blob transaction (type 3): no chain of this kind takes one";

/// A fixture of an older format.
pub(crate) const NO_BYTES: &str = "the fixture has no bytes of a signed transaction, and nothing here signs";

/// Tests of neighbours in a trie.
pub(crate) const NEIGHBOURS: &str =
    "asks for the keys before and after a key, which the node's trie cannot be asked for";

/// Tests of tries whose keys are not hashed.
pub(crate) const KEYS: &str = "a key has not 32 bytes: the node's trie is that of the state, whose keys are hashes";

/// Transactions whose price does not fit into 128 bits.
const PRICE: &str =
    "the price is above 2^128 wei per gas, which Ethereum's rules allow, nobody could pay, and the decoder refuses";

/// Transaction tests by the end of their name.
const TRANSACTIONS: [(&str, &str); 3] = [
    (": GasLimitPriceProductOverflowtMinusOne", PRICE),
    (": TransactionWithHighGasPrice", PRICE),
    (": V_equals38", PRICE),
];

/// Why the transaction test with this name is not played, if it is not.
pub(crate) fn transaction(name: &str) -> Option<&'static str> {
    let found = TRANSACTIONS.iter().find(|(end, _)| name.ends_with(end));
    found.map(|(_, reason)| *reason)
}
