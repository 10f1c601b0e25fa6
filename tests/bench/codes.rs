//! What do millions of live codes change: the rate at which more are issued, how fast one is verified, the disk that each takes?
//!
//! `ledger-bench codes` fills the chain of a node that is not running with live codes, each of a holder of its own, starts a node of
//! this build on it and hands requests in over JSON-RPC, as many as it takes, the first of them uncounted; and goes on to the next
//! size. Requests that fill are signed by nobody, which production does not mind and a start does not look at; those that are measured
//! are signed like any others.

use std::{
    error::Error,
    fmt, fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Signature, TxKind, U256, keccak256};
use clap::Args;
use ledger_chainspec::{ChainSpec, InstanceSpec, Slot, Transaction};
use ledger_tests::harness::{Account, MadeChain, Node, NodeOptions, decoded, promo, resident_bytes};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Options, load, reads,
    stats::Phase,
    target::{bench_spec, side_by_side},
};

/// Measure issuing and verifying codes beside many that live
#[derive(Clone, Debug, Args)]
pub struct CodesOptions {
    /// Sizes at which it is measured: live codes, rising
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    live: Vec<usize>,
    /// Memory of the node for cached database blocks, in MiB
    #[arg(long, default_value_t = 512)]
    cache_mib: u64,
    /// How long requests are sent before the measured ones, in seconds: a node that has just started is not what users meet
    #[arg(long, default_value_t = 6)]
    warm_up_seconds: u64,
}

/// Requests of a block that fills.
const REQUESTS: usize = 1_500;
/// Specs that codes are asked of, one after the other.
const SPECS: usize = 4;
/// What each of the two members offers of each: the most that the contract allows.
const OFFER: u32 = 1_000_000;
/// Codes of one spec.
const CODES_OF_SPEC: usize = 2 * OFFER as usize;
/// The owners of the dev chain's members are these test accounts.
const OWNERS: [u32; 2] = [0, 2];
/// How long a code lives: longer than any run.
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
    let folder = TempDir::with_prefix("ledger-bench-")?;
    let mut spec = bench_spec();
    let instance = InstanceSpec {
        ttl_seconds: TTL_SECONDS,
        ..spec.instance_specs[0].clone()
    };
    spec.instance_specs = (0..SPECS)
        .map(|index| InstanceSpec {
            name: format!("size-{index}"),
            ..instance.clone()
        })
        .collect();
    let path = folder.path().join("bench.toml");
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
        folder: folder.path(),
        spec: Arc::new(spec),
        node,
        issued: 0,
    };
    let mut rows = Vec::new();
    for &live in &codes.live {
        world.fill(live)?;
        rows.push(world.measure(options, codes.warm_up_seconds)?);
    }
    Ok(Rows(rows))
}

struct World<'a> {
    folder: &'a Path,
    spec: Arc<ChainSpec>,
    node: NodeOptions,
    /// Codes issued so far, all of which live.
    issued: usize,
}

impl World<'_> {
    /// Makes blocks until so many codes live.
    fn fill(&mut self, live: usize) -> Result<(), Box<dyn Error>> {
        let chain = MadeChain::open(self.folder, &self.spec);
        let slot_ms = self.spec.consensus.slot_duration_ms;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let first = now.saturating_sub(STARTED_BEFORE).as_millis() / u128::from(slot_ms);
        let first = Slot::new(u64::try_from(first)?);
        if self.issued == 0 {
            chain.block(first, self.offers().into_iter());
        }
        while self.issued < live {
            let until = live.min(self.issued + REQUESTS);
            let requests = (self.issued..until).map(|index| self.unsigned(index));
            chain.block(first, requests.collect::<Vec<_>>().into_iter());
            self.issued = until;
            if (until / REQUESTS).is_multiple_of(100) {
                eprint!("\r{until} codes ");
            }
        }
        chain.sync();
        eprintln!("\r{} codes", self.issued);
        Ok(())
    }

    /// Both members offer all specs.
    fn offers(&self) -> Vec<Recovered<Transaction>> {
        let offer = |owner: u32| {
            let account = Account::development(owner, self.spec.chain_id);
            (0..SPECS).map(move |spec| {
                let call = promo::set_offer(id_of(spec), OFFER);
                decoded(&account.signed(u64::try_from(spec).unwrap_or_default(), &call).0)
            })
        };
        OWNERS.into_iter().flat_map(offer).collect()
    }

    /// The request of code `index`, with a signature that is none.
    fn unsigned(&self, index: usize) -> Recovered<Transaction> {
        let word = |number: usize| U256::from_be_bytes(keccak256(number.to_le_bytes()).0);
        let call = promo::request_code(id_of(index / CODES_OF_SPEC));
        let request = TxEip1559 {
            chain_id: self.spec.chain_id,
            gas_limit: 200_000,
            to: TxKind::Call(call.to),
            input: call.data,
            ..TxEip1559::default()
        };
        let signature = Signature::new(word(2 * index), word(2 * index + 1), false);
        let holder = Address::from_word(keccak256(index.to_be_bytes()));
        Recovered::new_unchecked(request.into_signed(signature).into(), holder)
    }

    /// Starts a node on what is there, and measures it.
    fn measure(&mut self, options: &Options, warm_up_seconds: u64) -> Result<Row, Box<dyn Error>> {
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

/// The contract counts specs from one.
fn id_of(spec: usize) -> u32 {
    u32::try_from(spec + 1).unwrap_or(u32::MAX)
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
