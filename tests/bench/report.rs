//! How long does the report of a month with a million promo codes take?
//!
//! `ledger-bench report` fills the chain of a node that is not running: of eight codes, each cloud redeems one and a holder gives one back,
//! and of one spec the others expire. It starts a node of this build on the chain and runs `passport report` as often as asked. It ends with
//! an error if one run takes longer than it may, or if the report is wrong.

use std::{
    error::Error,
    fmt, fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::U256;
use clap::Args;
use ledger_chainspec::{ChainSpec, Month};
use ledger_contracts::Transact::Authorization;
use ledger_tests::harness::{Account, Node, NodeOptions, built_binary, promo};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Options,
    filling::{Filling, OWNERS, REQUESTS, holder, id_of, spec_of},
    reads,
    stats::Phase,
};

/// Measure reports of use of a month with many codes
#[derive(Clone, Debug, Args)]
pub struct ReportOptions {
    /// Codes that were issued in the month
    #[arg(long, default_value_t = 1_000_000)]
    codes: usize,
    /// How often `passport report` is run
    #[arg(long, default_value_t = 20)]
    runs: usize,
}

/// Longest that a report may take, from the start of the command to its end.
const LIMIT: Duration = Duration::from_secs(2);
/// Specs that codes are asked of in turn; the codes of the last one expire soon.
const SPECS: usize = 4;
const TTL_SECONDS: u64 = 30 * 24 * 3600;
const SOON_SECONDS: u64 = 3600;
/// The blocks lie so far back: the day on which codes expired is over, whatever the hour.
const STARTED_BEFORE: Duration = Duration::from_secs(48 * 3600);
/// Longest that making the blocks takes by the chain's own time, and until what expires has: if a month ends in it, that is begun before.
const FILLED_WITHIN: Duration = Duration::from_secs(3 * 3600);
/// Redemptions and cancellations of a block.
const ENDS: usize = 800;

/// What becomes of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Redeemed { by: usize },
    GivenBack,
    Left,
}

/// Of eight codes of a spec, one each.
fn fate(index: usize) -> Fate {
    match (index / SPECS) % 8 {
        0 => Fate::Redeemed { by: 0 },
        3 => Fate::Redeemed { by: 1 },
        6 => Fate::GivenBack,
        _ => Fate::Left,
    }
}

/// How long it took.
pub struct Measured {
    codes: usize,
    command: Phase,
    method: Phase,
}

/// Fills, measures and compares.
pub fn run(options: &Options, report: &ReportOptions) -> Result<Measured, Box<dyn Error>> {
    let folder = TempDir::with_prefix("ledger-bench-")?;
    let spec = Arc::new(spec_of(SPECS, |index, instance| {
        let is_last = index == SPECS - 1;
        instance.ttl_seconds = if is_last { SOON_SECONDS } else { TTL_SECONDS };
        instance.require_authorization = false;
    }));
    let path = folder.path().join("bench.toml");
    fs::write(&path, spec.to_toml())?;
    let month = fill(folder.path(), &spec, report.codes)?;
    let mut node = Node::try_start_in(
        folder.path(),
        NodeOptions {
            chain: path.display().to_string(),
            arguments: vec!["--accept-lost-guard".to_owned()],
            ..NodeOptions::default()
        },
    )
    .map_err(|refused| refused.to_string())?;
    // A block of now, so that the day on which codes expired is over for the chain, too.
    let receipt = node.dev_account(1).send(node.rpc(), &promo::request_code(id_of(0)))?;
    if !promo::succeeded(&receipt) {
        return Err(format!("a request failed: {receipt}").into());
    }
    let is_one_more = Month::of(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()) == month;
    let started = Instant::now();
    let mut samples = Vec::new();
    for _ in 0..report.runs {
        let started = Instant::now();
        let told = passport_report(&node, month)?;
        samples.push(started.elapsed());
        compare(&told, report.codes, is_one_more)?;
    }
    let command = Phase {
        took: started.elapsed(),
        samples,
    };
    let slowest = command.percentile(100);
    if slowest > LIMIT {
        return Err(format!("a report took {slowest:.1?}, and may take {LIMIT:.1?}").into());
    }
    let params = json!([month, 1]);
    let method = reads::run(node.address(), options, |_| ("ledger_usageReport", params.clone()));
    node.terminate();
    Ok(Measured {
        codes: report.codes,
        command,
        method,
    })
}

/// Makes the blocks, and says in which month.
fn fill(folder: &Path, spec: &Arc<ChainSpec>, codes: usize) -> Result<Month, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let month_before = |ago: Duration| Month::of(now.saturating_sub(ago).as_secs());
    let ends_meanwhile = month_before(STARTED_BEFORE) != month_before(STARTED_BEFORE.saturating_sub(FILLED_WITHIN));
    let ago = STARTED_BEFORE + if ends_meanwhile { FILLED_WITHIN } else { Duration::ZERO };
    let chain = Filling::open(folder, spec, ago)?;
    chain.offer();
    let request = |index| chain.unsigned(holder(index), 0, promo::request_code(id_of(index % SPECS)));
    chain.fill(REQUESTS, (0..codes).map(request))?;

    let owners = OWNERS.map(|owner| Account::development(owner, spec.chain_id).address());
    let mut nonces = OWNERS.map(|_| u64::try_from(SPECS).unwrap_or_default());
    let end = |index: usize| {
        let code = code_of(index);
        match fate(index) {
            Fate::Redeemed { by } => {
                let nonce = nonces[by];
                nonces[by] += 1;
                Some(chain.unsigned(owners[by], nonce, promo::redeem(code, &Authorization::default())))
            }
            Fate::GivenBack => Some(chain.unsigned(holder(index), 1, promo::cancel(code))),
            Fate::Left => None,
        }
    };
    chain.fill(ENDS, (0..codes).filter_map(end))?;
    Ok(month_before(ago))
}

/// Its number in the contract, which counts each spec's codes from one.
fn code_of(index: usize) -> U256 {
    let sequence = U256::from(index / SPECS + 1);
    (U256::from(id_of(index % SPECS)) << 64) | sequence
}

/// What the command prints.
fn passport_report(node: &Node, month: Month) -> Result<Value, Box<dyn Error>> {
    let output = Command::new(built_binary("passport"))
        .args([
            "report",
            "--json",
            "--cloud",
            "1",
            "--month",
            &month.to_string(),
            "--rpc",
        ])
        .arg(format!("http://{}", node.address()))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Whether the report says what was done; `is_one_more` if the block of now is in the month.
fn compare(told: &Value, codes: usize, is_one_more: bool) -> Result<(), Box<dyn Error>> {
    for spec in 0..SPECS {
        let of_spec = || (spec..codes).step_by(SPECS);
        let with = |wanted: &dyn Fn(Fate) -> bool| of_spec().filter(|index| wanted(fate(*index))).count();
        let expired = match spec == SPECS - 1 {
            true => with(&|fate| fate == Fate::Left),
            false => 0,
        };
        let wanted = [
            ("issued", of_spec().count() + usize::from(is_one_more && spec == 0)),
            ("redeemed", with(&|fate| matches!(fate, Fate::Redeemed { .. }))),
            ("redeemedByCloud", with(&|fate| fate == Fate::Redeemed { by: 0 })),
            ("cancelled", with(&|fate| fate == Fate::GivenBack)),
            ("expired", expired),
        ];
        for (field, wanted) in wanted {
            let got = &told["specs"][spec][field];
            if *got != json!(format!("{wanted:#x}")) {
                return Err(format!("spec {}: {field} is {got}, and {wanted:#x} were", id_of(spec)).into());
            }
        }
    }
    Ok(())
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |phase: &Phase| {
            let [middle, late, slowest] = [50, 99, 100].map(|percent| phase.percentile(percent));
            format!(
                "p50 {middle:>9.2?}  p99 {late:>9.2?}  slowest {slowest:>9.2?}  ({})",
                phase.samples.len()
            )
        };
        writeln!(f, "a report of a month with {} codes", self.codes)?;
        writeln!(f, "passport report     {}", line(&self.command))?;
        writeln!(f, "ledger_usageReport  {}", line(&self.method))
    }
}

impl Measured {
    pub fn to_json(&self) -> Value {
        let times = |phase: &Phase| {
            let seconds = |percent| phase.percentile(percent).as_secs_f64();
            json!({ "p50_seconds": seconds(50), "p99_seconds": seconds(99), "slowest_seconds": seconds(100) })
        };
        json!({ "codes": self.codes, "passport_report": times(&self.command), "ledger_usageReport": times(&self.method) })
    }
}
