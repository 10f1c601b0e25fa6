//! What do millions of live codes change: the rate at which more are issued, how fast one is verified, the disk that each takes?
//!
//! `ledger-bench codes` fills the chain of a node that is not running with live codes, each of a holder of its own, starts a node of
//! this build on it and hands requests in over JSON-RPC, as many as it takes, the first of them uncounted; and goes on to the next
//! size. Requests that fill are signed by nobody, which production does not mind and a start does not look at; those that are measured
//! are signed like any others.

use std::{
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use clap::Args;
use ledger_chainspec::ChainSpec;
use ledger_tests::harness::{Account, Node, NodeOptions, promo, resident_bytes};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Options,
    filling::{Filling, OFFER, REQUESTS, holder, id_of, spec_of},
    load, reads,
    stats::Phase,
    target::side_by_side,
};

/// Measure issuing and verifying codes beside many that live
#[derive(Clone, Debug, Args)]
pub struct CodesOptions {
    /// Sizes at which it is measured: live codes, rising
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    live: Vec<usize>,
    /// Memory of the node for database blocks, in MiB; what it keeps of the tries takes twice as much
    #[arg(long, default_value_t = 512)]
    cache_mib: u64,
    /// How long the node is left alone after its start, in seconds: beside millions of codes it reads tries into memory for most of a minute
    #[arg(long, default_value_t = 0)]
    settle_seconds: u64,
    /// How long requests are sent before the measured ones, in seconds: a node that has just started is not what users meet
    #[arg(long, default_value_t = 6)]
    warm_up_seconds: u64,
    /// Keep the chain in this folder, and go on with the one that is there, for 30 days: for looking again at a size that took long to fill
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Specs that codes are asked of, one after the other.
const SPECS: usize = 4;
/// Codes of one spec.
const CODES_OF_SPEC: usize = 2 * OFFER as usize;
/// How long a code lives: longer than any run, and than a kept folder is of use.
const TTL_SECONDS: u64 = 30 * 24 * 3600;
/// The first block lies so far back; what fills a chain takes one slot a block.
const STARTED_BEFORE: Duration = Duration::from_secs(24 * 3600);

/// What was measured beside `live` codes.
struct Row {
    live: usize,
    issued: Phase,
    verified: Phase,
    bytes_per_code: u64,
    megabytes: u64,
}

/// The rows, the smallest size first.
pub struct Rows(Vec<Row>);

/// Measures each size.
pub fn run(options: &Options, codes: &CodesOptions) -> Result<Rows, Box<dyn Error>> {
    let temporary = TempDir::with_prefix("ledger-bench-")?;
    let folder = codes.folder.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(folder)?;
    let spec = spec_of(SPECS, |_, instance| instance.ttl_seconds = TTL_SECONDS);
    let path = folder.join("bench.toml");
    fs::write(&path, spec.to_toml())?;
    let node = NodeOptions {
        chain: path.display().to_string(),
        arguments: vec![
            "--accept-lost-guard".to_owned(),
            "--cache-mib".to_owned(),
            codes.cache_mib.to_string(),
        ],
        ..NodeOptions::default()
    };
    let mut world = World {
        folder,
        spec: Arc::new(spec),
        node,
        issued: 0,
    };
    let mut rows = Vec::new();
    for &live in &codes.live {
        world.fill(live)?;
        rows.push(world.measure(options, codes)?);
    }
    Ok(Rows(rows))
}

struct World<'a> {
    folder: &'a Path,
    spec: Arc<ChainSpec>,
    node: NodeOptions,
    /// Codes issued so far, all of which live while the chain is younger than [`TTL_SECONDS`].
    issued: usize,
}

impl World<'_> {
    /// Makes blocks until so many codes live.
    fn fill(&mut self, live: usize) -> Result<(), Box<dyn Error>> {
        let chain = Filling::open(self.folder, &self.spec, STARTED_BEFORE)?;
        self.issued = chain.codes_issued()?;
        if self.issued == 0 {
            chain.offer();
        }
        let request = |index| {
            let call = promo::request_code(id_of(index / CODES_OF_SPEC));
            chain.unsigned(holder(index), 0, call)
        };
        chain.fill(REQUESTS, (self.issued..live).map(request))?;
        self.issued = self.issued.max(live);
        Ok(())
    }

    /// Starts a node on what is there, and measures it.
    fn measure(&mut self, options: &Options, codes: &CodesOptions) -> Result<Row, Box<dyn Error>> {
        let &CodesOptions {
            settle_seconds,
            warm_up_seconds,
            ..
        } = codes;
        let warm_up = Options {
            seconds: warm_up_seconds,
            ..options.clone()
        };
        let count = warm_up.transactions() + options.transactions();
        let call = promo::request_code(id_of((self.issued + count) / CODES_OF_SPEC));
        let chain_id = self.spec.chain_id;
        eprintln!("signing code requests, each of a new account");
        let signed = side_by_side(count, &|_| Account::random(chain_id).signed(0, &call));
        let mut node = Node::try_start_in(self.folder, self.node.clone()).map_err(|refused| refused.to_string())?;
        let route = load::Route {
            name: "ledger-node",
            sent_to: node.address(),
            seen_on: node.address(),
        };
        eprintln!("leaving the node alone for {settle_seconds} s");
        thread::sleep(Duration::from_secs(settle_seconds));
        let (first, signed) = signed.split_at(warm_up.transactions());
        eprintln!("warming up for {warm_up_seconds} s");
        self.issued += load::run(route, first, &warm_up)?.included.len();
        eprintln!("sending them for {} s", options.seconds);
        let live = self.issued;
        let done = load::run(route, signed, options)?;
        let hashes = &done.included;
        let verified = reads::run(node.address(), options, |index| {
            let params = json!([hashes[index % hashes.len()], { "cloud": 1 }]);
            ("ledger_verifyCode", params)
        });
        self.issued += hashes.len();
        let megabytes = resident_bytes(node.pid()) / 1_000_000;
        node.terminate();
        let row = Row {
            live,
            issued: done.phase,
            verified,
            bytes_per_code: folder_bytes(&node.data_dir().join("chain"))? / u64::try_from(self.issued)?,
            megabytes,
        };
        eprintln!("{row}");
        Ok(row)
    }
}

/// Bytes of the files in `folder`.
fn folder_bytes(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>10} live  issued {:>6.0}/s  p50 {:>9.2?}  p99 {:>9.2?}  verified {:>6.0}/s  p99 {:>9.2?}  {:>4} bytes of disk a code  {:>5} MB",
            self.live,
            self.issued.per_second(),
            self.issued.percentile(50),
            self.issued.percentile(99),
            self.verified.per_second(),
            self.verified.percentile(99),
            self.bytes_per_code,
            self.megabytes,
        )
    }
}

impl Rows {
    /// A row's rate of issuing, of that with the fewest live codes.
    fn share(&self, row: &Row) -> f64 {
        let first = self.0.first().map_or(f64::NAN, |first| first.issued.per_second());
        row.issued.per_second() / first
    }

    pub fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "live_codes": row.live,
                "issued_per_second": row.issued.per_second(),
                "share_of_first": self.share(row),
                "verified_per_second": row.verified.per_second(),
                "disk_bytes_per_code": row.bytes_per_code,
                "megabytes": row.megabytes,
            })
        };
        self.0.iter().map(row).collect()
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.0 {
            writeln!(f, "{row}  {:.2} of the first rate", self.share(row))?;
        }
        Ok(())
    }
}
