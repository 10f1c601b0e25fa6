//! The log: text for people or JSON lines, on standard error.
//!
//! Targets are `ledger::<part>`; at `info` a block is one line at most.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::{cli::LogFormat, config::TelemetryConfig, error::NodeError};

/// Starts logging for the whole process; a second call in one process changes nothing.
///
/// # Errors
/// [`NodeError::Usage`] if the level is neither a level nor directives.
pub fn init(config: &TelemetryConfig) -> Result<(), NodeError> {
    let filter = filter(&config.log_level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error means that a subscriber is set already (tests in one process), and that one stays.
    let _ = match config.log_format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_ansi(false).try_init(),
    };
    Ok(())
}

/// What libraries say with a bare level: warnings, but for libp2p's about messages that come twice and lists that are empty at
/// the start, which are no news to an operator.
const LIBRARIES: &str = "warn,libp2p_gossipsub=error,libp2p_kad=error";

/// A bare level is meant for this project's targets; libraries then speak from `warn` on.
fn filter(level: &str) -> Result<EnvFilter, NodeError> {
    let directives = match level.to_ascii_lowercase().as_str() {
        level @ ("error" | "warn" | "info" | "debug" | "trace") => format!("{LIBRARIES},ledger={level}"),
        _ => level.to_owned(),
    };
    EnvFilter::try_new(&directives).map_err(|error| {
        NodeError::Usage(format!(
            "--log-level {level}: {error}; try error, warn, info, debug or trace"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_level_is_for_our_own_targets() {
        let directives = filter("DEBUG").unwrap().to_string();
        for part in ["ledger=debug", "libp2p_gossipsub=error", "warn"] {
            assert!(directives.split(',').any(|directive| directive == part), "{directives}");
        }
        assert_eq!(
            filter("info,ledger::driver=trace").unwrap().to_string(),
            "ledger::driver=trace,info"
        );
    }

    #[test]
    fn level_that_is_none_is_a_usage_error() {
        for wrong in ["ledger=loud", "a=b=c"] {
            assert_eq!(filter(wrong).unwrap_err().code(), 2, "{wrong}");
        }
    }
}
