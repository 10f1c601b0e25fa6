//! Writes and syncs fail under a running node: it has to stop with words, and what it acknowledged has to be there.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use super::{
    Chain,
    load::under_load,
    shim::{Fault, FaultyCall},
};
use crate::harness::Refused;

/// The kernel's numbers.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Longest wait under load for the fault to come and the node to stop.
const LOAD: Duration = Duration::from_secs(6);
/// How long a node that goes on after the fault is watched.
const WATCHED: Duration = Duration::from_secs(2);

/// A kind of fault.
#[derive(Clone, Copy, Debug)]
struct Class {
    name: &'static str,
    call: FaultyCall,
    path: &'static str,
    errno: i32,
    once: bool,
    /// Matching calls that may succeed first.
    skip_max: u64,
    /// What the log says if the node goes on, which it may where nothing that it promises depends on the file.
    alarm: Option<&'static str>,
}

const fn class(name: &'static str, call: FaultyCall, path: &'static str, errno: i32, once: bool) -> Class {
    Class {
        name,
        call,
        path,
        errno,
        once,
        skip_max: 12,
        alarm: None,
    }
}

impl Class {
    const fn within(self, skip_max: u64) -> Self {
        Self { skip_max, ..self }
    }

    const fn or_alarm(self, alarm: &'static str) -> Self {
        Self {
            alarm: Some(alarm),
            ..self
        }
    }
}

/// Table files can be written again: their blocks are in the log until then.
const TABLES_ALARM: &str = "table files cannot be written in the background";

/// What fails, in the order in which it is tried.
const CLASSES: [Class; 12] = [
    class("log: one sync fails", FaultyCall::Sync, "*/chain/[0-9]*.log", EIO, true),
    class("log: disk full", FaultyCall::Write, "*/chain/[0-9]*.log", ENOSPC, false),
    class(
        "log: one write fails",
        FaultyCall::Write,
        "*/chain/[0-9]*.log",
        EIO,
        true,
    ),
    class(
        "guard: one sync fails",
        FaultyCall::Sync,
        "*/guard/guard.log*",
        EIO,
        true,
    )
    .within(30),
    class(
        "guard: disk full",
        FaultyCall::Write,
        "*/guard/guard.log*",
        ENOSPC,
        false,
    )
    .within(30),
    class("FINAL: one sync fails", FaultyCall::Sync, "*/chain/FINAL*", EIO, true),
    class("FINAL: one write fails", FaultyCall::Write, "*/chain/FINAL*", EIO, true),
    class("table: one sync fails", FaultyCall::Sync, "*/chain/*.sst", EIO, true)
        .within(8)
        .or_alarm(TABLES_ALARM),
    class("table: disk full", FaultyCall::Write, "*/chain/*.sst", ENOSPC, false)
        .within(4)
        .or_alarm(TABLES_ALARM),
    class(
        "manifest: one sync fails",
        FaultyCall::Sync,
        "*/chain/MANIFEST-*",
        EIO,
        true,
    )
    .within(3),
    class("everything: disk full", FaultyCall::Write, "*/data/*", ENOSPC, false).within(150),
    class(
        "journal: disk full",
        FaultyCall::Write,
        "*/pool.journal*",
        ENOSPC,
        false,
    )
    .within(60)
    .or_alarm("journal not written"),
];

/// What became of the runs of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Runs.
    pub runs: u64,
    /// The node did not start, and said why.
    pub refused: u64,
    /// The node stopped, and said why.
    pub stopped: u64,
    /// The node went on, as it may.
    pub went_on: u64,
    /// The fault was not reached in time.
    pub missed: u64,
}

/// Outcomes by class, in the order of the table.
pub type Faults = BTreeMap<&'static str, Outcomes>;

/// Tries so many faults on the node of `chain`, one after the other, class by class in turn.
///
/// # Errors
/// What was lost, or a fault that was swallowed.
pub fn run(chain: &mut Chain, faults: u64) -> Result<Faults, String> {
    let mut all = Faults::new();
    for (round, class) in (1..=faults).zip(CLASSES.iter().cycle()) {
        let outcome = one(chain, class).map_err(|what| format!("fault {round}, {}: {what}", class.name))?;
        let outcomes = all.entry(class.name).or_default();
        outcomes.runs += 1;
        match outcome {
            Outcome::Refused => outcomes.refused += 1,
            Outcome::Stopped => outcomes.stopped += 1,
            Outcome::WentOn => outcomes.went_on += 1,
            Outcome::Missed => outcomes.missed += 1,
        }
        (chain.progress)(&format!("I/O fault {round} of {faults}"));
    }
    Ok(all)
}

enum Outcome {
    Refused,
    Stopped,
    WentOn,
    Missed,
}

fn one(chain: &mut Chain, class: &Class) -> Result<Outcome, String> {
    let fault = Fault {
        call: class.call,
        path: class.path,
        errno: class.errno,
        skip: chain.random.below(class.skip_max),
        once: class.once,
    };
    let before = chain.shim.faults();
    chain.node.set_environment(chain.shim.environment(Some(&fault)));
    let outcome = match chain.node.try_restart() {
        Err(refused) => {
            said_why(&refused, &[1, 3])?;
            Outcome::Refused
        }
        Ok(()) => under_fault(chain, class, before)?,
    };
    chain.node.kill();
    // The kernel may have dropped what it could not sync.
    if chain.random.below(2) == 0 {
        let data = chain.node.data_dir();
        chain
            .shim
            .lose_power(&data, &mut chain.random)
            .map_err(|error| error.to_string())?;
    }
    chain.node.set_environment(chain.shim.environment(None));
    chain
        .node
        .try_restart()
        .map_err(|refused| format!("afterwards {refused}"))?;
    let sample = chain.acknowledged.sample(30, &mut chain.random);
    chain.expect_all(&sample)?;
    Ok(outcome)
}

/// Loads the node until it stops or the time is up.
fn under_fault(chain: &mut Chain, class: &Class, before: usize) -> Result<Outcome, String> {
    let (node, shim) = (&mut chain.node, &chain.shim);
    let (seen, (came, ended)) = under_load(node.address(), node.chain_id(), || {
        let deadline = Instant::now() + LOAD;
        let mut since = None;
        loop {
            if let Some(ended) = node.ended() {
                return (true, Some(ended));
            }
            let came = since.is_some() || shim.faults() > before;
            if came && since.get_or_insert_with(Instant::now).elapsed() > WATCHED && class.alarm.is_some() {
                return (true, None);
            }
            if Instant::now() > deadline {
                return (came, None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    chain.acknowledged.extend(seen);
    match (came, ended) {
        (_, Some(ended)) => said_why(&ended, &[1]).map(|()| Outcome::Stopped),
        (false, None) => Ok(Outcome::Missed),
        (true, None)
            if class
                .alarm
                .is_some_and(|alarm| chain.node.log_since_start().contains(alarm)) =>
        {
            Ok(Outcome::WentOn)
        }
        (true, None) => Err("the node went on as if nothing had failed".to_owned()),
    }
}

/// Whether the process ended by itself with one of these codes and a sentence that tells what to look at.
fn said_why(ended: &Refused, codes: &[i32]) -> Result<(), String> {
    let code = ended.status.code();
    let named = ["check the disk", "data folder", "db restore"]
        .iter()
        .any(|word| ended.words.contains(word));
    if !code.is_some_and(|code| codes.contains(&code)) || !named || ended.words.contains("panicked") {
        return Err(format!("it does not end as it should: {ended}"));
    }
    Ok(())
}
