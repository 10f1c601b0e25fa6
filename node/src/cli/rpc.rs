//! What may be said about JSON-RPC on the command line: where it is served, for whom, and within which bounds.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use clap::Args;
use ledger_runtime::{LOG_BLOCKS_MAX, LOG_BYTES_MAX, LOG_BYTES_READ_MAX, LOGS_MAX, ReadLimits, state::PROOF_SLOTS_MAX};

use crate::{
    error::NodeError,
    rpc::{
        RpcLimits, RpcOptions,
        callers::{Allowance, CallerLimits, Net},
        limits::{
            BATCH_REQUESTS_MAX, CALLER_LIMITS, CONNECTIONS_MAX, REQUEST_BYTES_MAX, REQUEST_HEAD_WAIT_MAX,
            REQUEST_WAIT_MAX, RESPONSE_BYTES_MAX, SUBSCRIPTIONS_MAX,
        },
    },
};

/// Port that JSON-RPC is served on unless `--rpc-port` says otherwise: the one that Ethereum's tools look at.
pub const RPC_PORT_DEFAULT: u16 = 8545;

/// Largest bound of a request or an answer that may be asked for, in KiB: one GiB.
const KIB_MAX: i64 = 1 << 20;

/// JSON-RPC.
#[derive(Debug, Args)]
#[command(next_help_heading = "JSON-RPC")]
pub struct RpcArgs {
    /// Address to serve HTTP and WebSocket on
    #[arg(long, env = "LEDGER_RPC_HOST", default_value = "127.0.0.1", value_name = "IP")]
    pub rpc_host: IpAddr,
    /// Port to serve HTTP and WebSocket on; 0 takes a free one. Without it: 8545, or a free one where that is taken
    #[arg(long, env = "LEDGER_RPC_PORT", value_name = "PORT")]
    pub rpc_port: Option<u16>,
    /// Web origins that may call, separated by commas; `*` allows all of them
    #[arg(long, env = "LEDGER_RPC_CORS", value_delimiter = ',', value_name = "ORIGIN")]
    pub rpc_cors: Vec<String>,
    /// What each caller may have.
    #[command(flatten)]
    pub callers: CallerArgs,
    /// What all of them may have, and one request.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// What one question may cost.
    #[command(flatten)]
    pub reads: ReadArgs,
}

/// What each caller may have.
#[derive(Debug, Args)]
#[command(next_help_heading = "JSON-RPC: limits of each caller (an IPv4 address, an IPv6 /64)")]
pub struct CallerArgs {
    /// Networks whose callers these limits do not hold for, separated by commas, or `none`. Behind a proxy on this
    /// machine every caller looks like 127.0.0.1: name the proxy with --rpc-proxy then
    #[arg(
        long,
        env = "LEDGER_RPC_TRUSTED",
        default_value = "127.0.0.0/8,::1/128",
        value_name = "NETS"
    )]
    pub rpc_trusted: Nets,
    /// Proxies, as networks separated by commas, whose X-Forwarded-For says who calls; nobody else's is believed
    #[arg(long, env = "LEDGER_RPC_PROXY", default_value = "none", value_name = "NETS")]
    pub rpc_proxy: Nets,
    /// Connections at once
    #[arg(long, env = "LEDGER_RPC_CALLER_CONNECTIONS", default_value_t = CALLER_LIMITS.connections, value_name = "NUMBER")]
    pub rpc_caller_connections: u32,
    /// Requests over HTTP at once
    #[arg(long, env = "LEDGER_RPC_CALLER_REQUESTS", default_value_t = CALLER_LIMITS.requests, value_name = "NUMBER")]
    pub rpc_caller_requests: u32,
    /// Units per second. One is a tenth of a millisecond of work: a cheap read costs 3, a call what it takes
    #[arg(long, env = "LEDGER_RPC_CALLER_RATE", default_value_t = CALLER_LIMITS.allowance.per_second, value_name = "UNITS",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rpc_caller_rate: u32,
    /// Units that a caller who was quiet may use at once
    #[arg(long, env = "LEDGER_RPC_CALLER_BURST", default_value_t = CALLER_LIMITS.allowance.burst, value_name = "UNITS",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rpc_caller_burst: u32,
}

/// What all callers may have, and one request.
#[derive(Debug, Args)]
#[command(next_help_heading = "JSON-RPC: limits of connections and requests")]
pub struct SizeArgs {
    /// Connections of all callers at once; when all are taken, the caller with the most gives way
    #[arg(long, env = "LEDGER_RPC_CONNECTIONS", default_value_t = CONNECTIONS_MAX, value_name = "NUMBER",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rpc_connections: u32,
    /// Largest request, in KiB
    #[arg(long, env = "LEDGER_RPC_REQUEST_KIB", default_value_t = REQUEST_BYTES_MAX >> 10, value_name = "KIB",
          value_parser = clap::value_parser!(u32).range(1..=KIB_MAX))]
    pub rpc_request_kib: u32,
    /// Largest answer, in KiB
    #[arg(long, env = "LEDGER_RPC_ANSWER_KIB", default_value_t = RESPONSE_BYTES_MAX >> 10, value_name = "KIB",
          value_parser = clap::value_parser!(u32).range(1..=KIB_MAX))]
    pub rpc_answer_kib: u32,
    /// Requests in one batch
    #[arg(long, env = "LEDGER_RPC_BATCH", default_value_t = BATCH_REQUESTS_MAX, value_name = "NUMBER")]
    pub rpc_batch: u32,
    /// Subscriptions on one WebSocket
    #[arg(long, env = "LEDGER_RPC_SUBSCRIPTIONS", default_value_t = SUBSCRIPTIONS_MAX, value_name = "NUMBER")]
    pub rpc_subscriptions: u32,
    /// From a request's head to its answer, over HTTP
    #[arg(long, env = "LEDGER_RPC_WAIT_SECONDS", default_value_t = REQUEST_WAIT_MAX.as_secs(), value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub rpc_wait_seconds: u64,
    /// From one request's end to the whole head of the next, over HTTP
    #[arg(long, env = "LEDGER_RPC_IDLE_SECONDS", default_value_t = REQUEST_HEAD_WAIT_MAX.as_secs(), value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub rpc_idle_seconds: u64,
}

/// What one question may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "JSON-RPC: limits of methods")]
pub struct ReadArgs {
    /// Blocks that one eth_getLogs covers
    #[arg(long, env = "LEDGER_RPC_LOG_BLOCKS", default_value_t = LOG_BLOCKS_MAX, value_name = "BLOCKS",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub rpc_log_blocks: u64,
    /// Logs that one eth_getLogs gives
    #[arg(long, env = "LEDGER_RPC_LOGS", default_value_t = LOGS_MAX as u64, value_name = "NUMBER")]
    pub rpc_logs: u64,
    /// KiB of logs that one eth_getLogs gives
    #[arg(long, env = "LEDGER_RPC_LOG_KIB", default_value_t = LOG_BYTES_MAX as u64 >> 10, value_name = "KIB")]
    pub rpc_log_kib: u64,
    /// KiB of logs that one eth_getLogs looks at
    #[arg(long, env = "LEDGER_RPC_LOG_READ_KIB", default_value_t = LOG_BYTES_READ_MAX as u64 >> 10, value_name = "KIB")]
    pub rpc_log_read_kib: u64,
    /// Slots that one eth_getProof covers
    #[arg(long, env = "LEDGER_RPC_PROOF_SLOTS", default_value_t = PROOF_SLOTS_MAX as u64, value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(..=PROOF_SLOTS_MAX as u64))]
    pub rpc_proof_slots: u64,
}

/// Networks, as a person writes them: separated by commas, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nets(Vec<Net>);

impl FromStr for Nets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "none" {
            return Ok(Self(Vec::new()));
        }
        text.split(',')
            .map(|net| net.trim().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Nets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let nets: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&nets.join(","))
    }
}

impl RpcArgs {
    /// What the server is to be.
    #[must_use]
    pub fn options(&self) -> RpcOptions {
        let (callers, sizes) = (&self.callers, &self.sizes);
        RpcOptions {
            address: SocketAddr::new(self.rpc_host, self.rpc_port.unwrap_or(RPC_PORT_DEFAULT)),
            cors: self.rpc_cors.clone(),
            limits: RpcLimits {
                request_bytes: sizes.rpc_request_kib << 10,
                response_bytes: sizes.rpc_answer_kib << 10,
                batch_requests: sizes.rpc_batch,
                connections: sizes.rpc_connections,
                subscriptions: sizes.rpc_subscriptions,
                request_wait: Duration::from_secs(sizes.rpc_wait_seconds),
                idle_wait: Duration::from_secs(sizes.rpc_idle_seconds),
                caller: CallerLimits {
                    connections: callers.rpc_caller_connections,
                    requests: callers.rpc_caller_requests,
                    allowance: Allowance {
                        per_second: callers.rpc_caller_rate,
                        burst: callers.rpc_caller_burst,
                    },
                },
            },
            trusted: callers.rpc_trusted.0.clone(),
            proxies: callers.rpc_proxy.0.clone(),
        }
    }
}

impl ReadArgs {
    /// The bounds of single questions.
    ///
    /// # Errors
    /// [`NodeError::Usage`] for more than this machine can address.
    pub fn limits(&self) -> Result<ReadLimits, NodeError> {
        let size = |flag: &str, number: Option<u64>| {
            number
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| NodeError::Usage(format!("{flag} is more than this machine can address")))
        };
        Ok(ReadLimits {
            log_blocks: self.rpc_log_blocks,
            logs: size("--rpc-logs", Some(self.rpc_logs))?,
            log_bytes: size("--rpc-log-kib", self.rpc_log_kib.checked_mul(1024))?,
            log_bytes_read: size("--rpc-log-read-kib", self.rpc_log_read_kib.checked_mul(1024))?,
            proof_slots: size("--rpc-proof-slots", Some(self.rpc_proof_slots))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn parsed(arguments: &[&str]) -> RpcArgs {
        let arguments = ["ledger-node", "--chain", "dev"].iter().chain(arguments);
        Cli::try_parse_from(arguments).expect("these are arguments").rpc
    }

    #[test]
    fn the_defaults_are_the_servers_own() {
        let options = parsed(&[]).options();
        assert_eq!((options.address.port(), parsed(&[]).rpc_port), (RPC_PORT_DEFAULT, None));
        assert_eq!(options.limits, RpcLimits::default());
        assert_eq!(Nets(options.trusted).to_string(), "127.0.0.0/8,::1/128");
        assert!(options.proxies.is_empty());
        assert_eq!(parsed(&[]).reads.limits().ok(), Some(ReadLimits::default()));
    }

    #[test]
    fn networks_are_lists_or_none() {
        let options = parsed(&["--rpc-trusted", "none", "--rpc-proxy", "10.0.0.1, fd00::/8"]).options();
        assert!(options.trusted.is_empty());
        assert_eq!(Nets(options.proxies).to_string(), "10.0.0.1/32,fd00::/8");
        assert!("10.0.0.0/40".parse::<Nets>().is_err() && "".parse::<Nets>().is_err());
    }

    #[test]
    fn limits_are_as_asked() {
        let arguments = parsed(&[
            "--rpc-caller-rate",
            "7",
            "--rpc-answer-kib",
            "3",
            "--rpc-log-blocks",
            "5",
            "--rpc-proof-slots",
            "2",
        ]);
        let limits = arguments.options().limits;
        assert_eq!((limits.caller.allowance.per_second, limits.response_bytes), (7, 3072));
        let reads = arguments.reads.limits().unwrap();
        assert_eq!((reads.log_blocks, reads.proof_slots), (5, 2));
    }
}
