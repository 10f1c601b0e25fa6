//! Does a node keep what it acknowledged, whatever happens to its process, its disk and its files?
//!
//! A campaign of three parts on one chain: the process is killed at random moments and loses what was not synced
//! (`kills`), writes and syncs fail (`faults`), and files are damaged (`damage`). After each, everything that a client was
//! told is final has to be there, or the node has to say in words what is wrong and what to do. Everything that is chosen
//! comes from a seed, which is printed. The short campaign is a test (`tests/system/crash.rs`), the long one is
//! `make crash`.

mod damage;
mod faults;
mod kills;
mod load;
mod shim;

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use ledger_chainspec::ChainSpec;
use tempfile::TempDir;

pub use crate::random::Random;
pub use damage::Damages;
pub use faults::Faults;
pub use kills::Kills;
pub use load::{Acknowledged, number};
pub use shim::{Fault, FaultyCall, Library, Shim};

use crate::harness::{
    Node, NodeOptions,
    promo::{self, SMALL},
};

/// Slots of the campaign's chain: short, so that a node is killed in the middle of many blocks.
const SLOT_MS: u64 = 100;

/// What to try, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where chance begins.
    pub seed: u64,
    /// Kills of the process.
    pub kills: u64,
    /// Kills between two verifications with re-execution.
    pub verify_every: u64,
    /// Writes and syncs that fail.
    pub faults: u64,
    /// Files that are damaged.
    pub damages: u64,
}

/// The node under test, and what it has acknowledged.
#[derive(Debug)]
pub struct Chain {
    node: Node,
    spec: PathBuf,
    _spec_folder: TempDir,
    shim: Shim,
    random: Random,
    acknowledged: Acknowledged,
    progress: fn(&str),
}

/// What a campaign showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The plan.
    pub plan: Plan,
    /// Kills.
    pub kills: Kills,
    /// Writes and syncs that failed.
    pub faults: Faults,
    /// Damaged files.
    pub damages: Damages,
    /// Receipts that were acknowledged, and that are there.
    pub receipts: usize,
    /// Blocks that were reported final, and that are there.
    pub blocks: usize,
    /// How long it took.
    pub took: Duration,
}

impl Chain {
    fn start(seed: u64, progress: fn(&str)) -> Result<Self, String> {
        let folder = TempDir::with_prefix("ledger-crash-spec-").map_err(|error| error.to_string())?;
        let path = folder.path().join("chain.toml");
        let mut spec = ChainSpec::dev();
        spec.consensus.slot_duration_ms = SLOT_MS;
        fs::write(&path, spec.to_toml()).map_err(|error| error.to_string())?;
        let shim = Shim::build()?;
        let node = Node::start_with(NodeOptions {
            chain: path.display().to_string(),
            environment: shim.environment(None),
            ..NodeOptions::default()
        });
        let offer = node
            .dev_account(0)
            .send(node.rpc(), &promo::set_offer(SMALL, 1_000_000));
        let offer = offer.map_err(|error| error.to_string())?;
        if !promo::succeeded(&offer) {
            return Err(format!("the offer was refused: {offer}"));
        }
        Ok(Self {
            node,
            spec: path,
            _spec_folder: folder,
            shim,
            random: Random::new(seed),
            acknowledged: Acknowledged::default(),
            progress,
        })
    }

    /// Everything in `acknowledged` is there, and the node can read it.
    fn expect_all(&self, acknowledged: &Acknowledged) -> Result<(), String> {
        let checked = acknowledged.check(self.node.rpc())?;
        if checked.told.is_empty() {
            Ok(())
        } else {
            Err(format!("the node cannot read: {:?}", checked.told))
        }
    }
}

/// Runs a campaign; tells `progress` what is done.
///
/// # Errors
/// What went wrong, with the seed, the commit, and the folder in which everything was left.
pub fn run(plan: Plan, progress: fn(&str)) -> Result<Shown, String> {
    let started = Instant::now();
    let mut chain = Chain::start(plan.seed, progress)?;
    parts(&plan, &mut chain, started).map_err(|what| {
        let folder = chain.node.keep_folder().display();
        format!(
            "{what}\nseed {}, commit {}, everything is left in {folder}",
            plan.seed,
            commit()
        )
    })
}

fn parts(plan: &Plan, chain: &mut Chain, started: Instant) -> Result<Shown, String> {
    let kills = kills::run(chain, plan.kills, plan.verify_every)?;
    let faults = faults::run(chain, plan.faults)?;
    let damages = damage::run(chain, plan.damages)?;
    // Whatever happened, the chain is one that anybody who executes it comes to.
    chain.node.kill();
    kills::verify(&chain.node.data_dir(), &chain.spec, true)?;
    chain
        .node
        .try_restart()
        .map_err(|refused| format!("at the end, {refused}"))?;
    let everything = chain.acknowledged.clone();
    chain.expect_all(&everything)?;
    if chain.node.log().contains("panicked") {
        return Err(format!("a node panicked:\n{}", chain.node.log()));
    }
    Ok(Shown {
        plan: *plan,
        kills,
        faults,
        damages,
        receipts: everything.receipts.len(),
        blocks: everything.blocks.len(),
        took: started.elapsed(),
    })
}

/// The commit that is tested, or a word for that nobody knows.
pub fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let said = asked.ok().filter(|output| output.status.success());
    said.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

impl Shown {
    /// The tables for people.
    #[must_use]
    pub fn tables(&self) -> String {
        let Kills {
            under_load,
            while_starting,
            with_lost_power,
            bytes_lost,
            verified,
            ..
        } = self.kills;
        let mut text = format!(
            "seed {}, commit {}, {} s\n\nkills                         {}\n  under load                  {under_load}\n  \
             while starting              {while_starting}\n  with unsynced bytes lost    {with_lost_power} ({bytes_lost} \
             bytes)\nverified with re-execution    {}\nacknowledged and there        {} receipts, {} blocks\n",
            self.plan.seed,
            commit(),
            self.took.as_secs(),
            under_load + while_starting,
            verified + 1,
            self.receipts,
            self.blocks,
        );
        text.push_str("\nI/O fault                   runs  refused  stopped  went on  not reached\n");
        for (name, one) in &self.faults {
            let _ = writeln!(
                text,
                "{name:<26} {:>5} {:>8} {:>8} {:>8} {:>12}",
                one.runs, one.refused, one.stopped, one.went_on, one.missed
            );
        }
        text.push_str("\nDamaged file                        runs  refused  restored  told  harmless\n");
        for ((file, way), one) in &self.damages {
            let _ = writeln!(
                text,
                "{:<34} {:>5} {:>8} {:>9} {:>5} {:>9}",
                format!("{file}, {way}"),
                one.runs,
                one.refused,
                one.restored,
                one.told,
                one.harmless
            );
        }
        text
    }
}
