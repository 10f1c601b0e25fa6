//! What time is it?

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch by the machine's clock.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
