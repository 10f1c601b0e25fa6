//! Waiting for a moment that may not have been named.

use tokio::time::{Instant, sleep_until};

/// Sleeps until `moment`, or for ever without one.
pub(crate) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
