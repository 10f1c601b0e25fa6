//! What the node says about itself: logs, metrics, and the words it starts with.
//!
//! Called by `main` and the assembly. Nothing here changes what the node does.

pub mod banner;
pub mod logging;
pub mod metering;
