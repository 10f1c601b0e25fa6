//! What time is it? The one clock of the server.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::tuf::UnixSeconds;

/// Now; a clock before 1970 shows 1970, at which nothing is good yet.
pub fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::new(since.as_secs())
}
