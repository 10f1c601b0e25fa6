//! How much may wait, and for how long? The pool's bounds, by name.
//!
//! Gas is free, so nothing here is bought with a price: what keeps one sender from crowding out the others is a bound on
//! each, and a share kept for the accounts that run the chain (R14).

/// Bytes of one slot of the pool. A transaction takes as many slots as its bytes need, at least one, so that bounds in
/// slots bound both number and memory.
pub const SLOT_BYTES: usize = 4 << 10;

/// Slots of the whole pool: 64 MiB at most, 16,384 transactions of the usual size.
pub const POOL_SLOTS_MAX: usize = 16 << 10;

/// Slots that transactions may take together which no block can take yet: a nonce is missing before them, or balance.
pub const QUEUED_SLOTS_MAX: usize = POOL_SLOTS_MAX / 4;

/// Blocks that one sender may fill its share of, in advance.
pub const SENDER_BLOCKS_MAX: u32 = 4;

/// A transaction that no block can take is dropped after this time: three hours, as geth does.
pub const QUEUED_LIFETIME_MS: u64 = 3 * 60 * 60 * 1000;

/// A transaction that blocks could take and do not is dropped after this time: a day.
pub const PENDING_LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;

/// How often, at most, the pool looks for transactions that are too old.
pub const EXPIRY_INTERVAL_MS: u64 = 60 * 1000;

/// Percent by which both fees of a replacement must be higher, if a price was offered at all.
pub const PRICE_BUMP_PERCENT: u128 = 10;

/// How old a transaction with price 0 must be before another one with price 0 may replace it. Nobody can outbid 0, so
/// time stands in for the price and bounds how often one nonce is gossiped.
pub const REPLACEMENT_WAIT_MS: u64 = 10 * 1000;

/// The bounds that depend on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Slots of the whole pool.
    pub slots: usize,
    /// Of those, slots that only reserved senders may take (R14).
    pub reserved_slots: usize,
    /// Slots for transactions that no block can take yet.
    pub queued_slots: usize,
    /// Slots of one sender.
    pub sender_slots: usize,
    /// Transactions that a block holds (R13).
    pub block_transactions: usize,
    /// Of those, transactions that only reserved senders may have (R14).
    pub block_reserved: usize,
    /// Transactions of one sender that a block holds (R13).
    pub block_sender_transactions: usize,
}

impl PoolLimits {
    /// The bounds of the pool of a chain whose blocks hold `transactions`, `per_sender` of one sender, and keep
    /// `reserved_percent` of themselves for reserved senders.
    #[must_use]
    pub fn new(transactions: u32, per_sender: u32, reserved_percent: u8) -> Self {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let percent = usize::from(reserved_percent.min(100));
        let reserved = |whole: usize| (whole / 100 * percent).saturating_add((whole % 100 * percent).div_ceil(100));
        Self {
            slots: POOL_SLOTS_MAX,
            reserved_slots: reserved(POOL_SLOTS_MAX),
            queued_slots: QUEUED_SLOTS_MAX,
            sender_slots: size(per_sender.saturating_mul(SENDER_BLOCKS_MAX)).clamp(1, POOL_SLOTS_MAX / 4),
            block_transactions: size(transactions),
            block_reserved: reserved(size(transactions)),
            block_sender_transactions: size(per_sender),
        }
    }
}
