//! Tries one fault after the other on one cluster under load, and looks at what each led to.
//!
//! Around each fault there is calm, in which every node has to come to the same height. Afterwards all nodes have to have the same
//! blocks, and every receipt that a user was shown.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    cluster::{Cluster, NODES, name},
    faults::{self, Fault, Needs},
    load::Load,
    report::{Row, Shown},
    stop,
    watch::Watch,
};
use crate::crash::Acknowledged;

/// How far nodes may be apart that are all there: a block may be on its way.
const APART_MAX: u64 = 1;
/// Blocks after a fault that every node has to get.
const NEW_BLOCKS: u64 = 2;
/// How long nodes may take to come together again, on a busy machine.
const TOGETHER_WITHIN: Duration = Duration::from_secs(120);

/// What to try.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names of faults; all if there are none.
    pub only: Vec<String>,
    /// Calm before and after each fault, in slots.
    pub calm_slots: u32,
    /// How long a fault lasts that lasts, in slots.
    pub fault_slots: u32,
    /// Fresh accounts of the flood.
    pub accounts: usize,
    /// Whether the network may be in namespaces.
    pub namespaces: bool,
}

/// What a fault has to say.
#[derive(Debug, Default)]
pub struct Told {
    /// Worth knowing.
    pub notes: Vec<String>,
    /// Not as it should be.
    pub wrong: Vec<String>,
}

impl Told {
    /// Notes what should not be, unless it `holds`.
    pub fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(otherwise());
        }
    }
}

/// A cluster under load.
#[derive(Debug)]
pub struct Campaign {
    // In the order in which they have to end.
    load: Load,
    /// How far the nodes are.
    pub watch: Watch,
    /// The nodes.
    pub cluster: Cluster,
    /// What to try.
    pub plan: Plan,
    progress: fn(&str),
}

/// Runs a campaign; tells `progress` what is done.
///
/// # Errors
/// What went wrong, and where everything was left.
pub fn run(plan: Plan, progress: fn(&str)) -> Result<Shown, String> {
    let started = Instant::now();
    let chosen = faults::chosen(&plan.only)?;
    progress("starting four validators and a full node");
    let cluster = Cluster::start(plan.namespaces)?;
    let nodes: Vec<SocketAddr> = cluster.seats().iter().map(|seat| seat.rpc).collect();
    let mut campaign = Campaign {
        load: Load::start(&nodes, cluster.chain_id()),
        watch: Watch::start(&nodes),
        cluster,
        plan,
        progress,
    };
    campaign.all(&chosen, started).map_err(|what| {
        let Campaign {
            load, watch, cluster, ..
        } = campaign;
        drop((load, watch));
        format!("{what}\neverything is left in {}", cluster.keep().display())
    })
}

impl Campaign {
    fn all(&mut self, chosen: &[&'static Fault], started: Instant) -> Result<Shown, String> {
        let (mut rows, mut left_out) = (Vec::new(), Vec::new());
        for fault in chosen {
            match self.missing(fault.needs) {
                None => rows.push(self.one(fault)?),
                Some(why) => {
                    self.tell(&format!("{} is left out: {why}", fault.name));
                    left_out.push((fault.name, why));
                }
            }
        }
        let together = self.together(self.watch.height())?;
        if !together {
            return Err(format!("in the end the nodes are apart: {}", self.apart()));
        }
        self.tell("comparing everything on every node");
        let (blocks, receipts) = self.compare(1)?;
        if let Some(panic) = self.cluster.panic() {
            return Err(panic);
        }
        Ok(Shown {
            rows,
            left_out,
            receipts,
            blocks,
            took: started.elapsed(),
        })
    }

    /// Why a fault cannot be tried here.
    fn missing(&self, needs: Needs) -> Option<String> {
        match needs {
            Needs::Nothing => None,
            Needs::Namespaces => self.cluster.wiring().why_not.clone(),
        }
    }

    fn one(&mut self, fault: &'static Fault) -> Result<Row, String> {
        if !self.together(self.watch.height() + NEW_BLOCKS)? {
            return Err(format!("before {}, the nodes are apart: {}", fault.name, self.apart()));
        }
        let (begun, first) = (Instant::now(), self.watch.height());
        self.rest(self.plan.calm_slots)?;
        self.tell(&format!("{}: {}", fault.name, fault.done));
        let struck = Instant::now();
        let mut told = (fault.strike)(self)?;
        let over = Instant::now();
        let is_back = self.together(self.watch.height() + NEW_BLOCKS)?;
        let back = Instant::now();
        self.rest(self.plan.calm_slots)?;
        told.expect(is_back, || format!("the nodes do not come together: {}", self.apart()));
        let end = Instant::now();
        let heights = [begun, struck, over, end].map(|moment| self.watch.height_at(moment));
        let still = self.watch.longest_gap(struck, end);
        let still_slots = self.in_slots(still);
        if let Some(most) = fault.still_slots_max {
            told.expect(still_slots <= most, || {
                format!("no block was final for {still_slots:.1} slots, and {most:.0} are the most")
            });
        }
        let (agreed, receipts) = if is_back { self.compare(first)? } else { (0, 0) };
        let row = Row {
            name: fault.name,
            done: fault.done,
            blocks: [1, 2, 3].map(|index| heights[index] - heights[index - 1]),
            still_slots,
            back_slots: is_back.then(|| self.in_slots(back - over)),
            agreed,
            receipts,
            notes: told.notes,
            wrong: told.wrong,
        };
        self.tell(&row.summary());
        Ok(row)
    }

    /// Waits until all nodes have the block `height`, and are not apart.
    fn together(&self, height: u64) -> Result<bool, String> {
        stop::until(TOGETHER_WITHIN, || {
            let heights = self.watch.heights();
            let (lowest, highest) = (heights.iter().min(), heights.iter().max());
            lowest >= Some(&height) && highest.zip(lowest).is_some_and(|(high, low)| high - low <= APART_MAX)
        })
    }

    /// How far each node is, with the last words of those that are behind.
    fn apart(&self) -> String {
        let heights = self.watch.heights();
        let mut text = String::new();
        for (index, height) in heights.iter().enumerate() {
            let _ = write!(text, "{} at {height}, ", name(index));
            if *height + APART_MAX < self.watch.height() {
                let log = self.cluster.log_of(index);
                let lines: Vec<_> = log.lines().rev().take(10).collect();
                for line in lines.iter().rev() {
                    let _ = write!(text, "\n    {line}");
                }
                text.push('\n');
            }
        }
        text
    }

    /// All nodes have the same blocks from `first` on, and all receipts of those that users were shown; gives how many.
    fn compare(&self, first: u64) -> Result<(u64, usize), String> {
        let last = self.watch.heights().into_iter().min().unwrap_or_default();
        let mut expected = Acknowledged::default();
        for height in first..=last {
            let params = json!([format!("0x{height:x}"), false]);
            let block = self.cluster.rpc(0).try_call("eth_getBlockByNumber", &params);
            let mut block = block.map_err(|error| format!("block {height} of {}: {error}", name(0)))?;
            expected.blocks.insert(height, block["hash"].take());
        }
        expected.receipts = self.load.receipts();
        expected.receipts.retain(|_, receipt| {
            let height = crate::crash::number(&receipt["blockNumber"]);
            height.is_some_and(|height| (first..=last).contains(&height))
        });
        let count = expected.blocks.len() + expected.receipts.len();
        for index in 0..NODES {
            let checked = expected.check(self.cluster.rpc(index));
            let checked = checked.map_err(|what| format!("SOMETHING FINAL IS LOST on {}: {what}", name(index)))?;
            if checked.there != count {
                return Err(format!("{} cannot read: {:?}", name(index), checked.told));
            }
        }
        Ok((expected.blocks.len() as u64, expected.receipts.len()))
    }

    /// Waits so many slots.
    ///
    /// # Errors
    /// If somebody asked to end.
    pub fn rest(&self, slots: u32) -> Result<(), String> {
        stop::sleep(self.slot() * slots)
    }

    /// As long as a fault lasts.
    ///
    /// # Errors
    /// If somebody asked to end.
    pub fn last(&self) -> Result<(), String> {
        self.rest(self.plan.fault_slots)
    }

    /// The duration of a slot.
    pub fn slot(&self) -> Duration {
        Duration::from_millis(self.cluster.spec().consensus.slot_duration_ms)
    }

    /// A time in slots.
    pub fn in_slots(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.slot().as_secs_f64()
    }

    /// Tells the person who waits.
    pub fn tell(&self, what: &str) {
        (self.progress)(what);
    }
}
