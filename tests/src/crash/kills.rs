//! The process is killed at random moments, and sometimes the machine loses power.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Chain, Random, Shim,
    load::{Acknowledged, under_load},
};
use crate::harness::{Node, Rpc, built_binary};

/// Longest time under load before a kill.
const LOAD_MS_MAX: u64 = 400;
/// Longest wait for the first block of a node under load.
const FIRST_BLOCK_MAX: Duration = Duration::from_secs(3);
/// Longest time from the start of a process to its kill, where it is killed while it starts.
const START_MS_MAX: u64 = 250;
/// Blocks whose every receipt is asked for after each kill; of older ones a sample is.
const NEWEST_BLOCKS: usize = 40;

/// What the kills showed.
#[derive(Clone, Debug, Default)]
pub struct Kills {
    /// Kills under load.
    pub under_load: u64,
    /// Kills while the process started.
    pub while_starting: u64,
    /// Kills after which bytes that were not synced were lost too.
    pub with_lost_power: u64,
    /// Bytes lost that way.
    pub bytes_lost: u64,
    /// Times that everything was verified with re-execution.
    pub verified: u64,
    /// The head at the end.
    pub head: u64,
}

/// Kills the node of `chain` so many times; every `verify_every` kills it is verified with re-execution.
///
/// # Errors
/// What was lost, or what else went wrong.
pub fn run(chain: &mut Chain, kills: u64, verify_every: u64) -> Result<Kills, String> {
    let mut done = Kills::default();
    for round in 1..=kills {
        let Chain { node, random, shim, .. } = chain;
        let pause = Duration::from_millis(random.below(LOAD_MS_MAX));
        let (address, chain_id) = (node.address(), node.chain_id());
        // Half of the kills hit a node that has just begun, half one in the middle of making blocks.
        let in_the_middle = random.below(2) == 0;
        let (seen, ()) = under_load(address, chain_id, || {
            if in_the_middle {
                await_block(node.rpc());
            }
            thread::sleep(pause);
            node.kill();
        });
        chain.acknowledged.extend(seen);
        done.under_load += 1;
        lose_power(node, shim, random, &mut done)?;
        if random.below(5) == 0 && done.under_load + done.while_starting < kills {
            node.restart_and_kill(Duration::from_millis(random.below(START_MS_MAX)));
            done.while_starting += 1;
            lose_power(node, shim, random, &mut done)?;
        }
        if round % verify_every == 0 {
            chain.node.kill();
            verify(&chain.node.data_dir(), &chain.spec, true)?;
            done.verified += 1;
        }
        chain
            .node
            .try_restart()
            .map_err(|refused| format!("kill {round}: {refused}"))?;
        let sample = chain.acknowledged.sample(NEWEST_BLOCKS, &mut chain.random);
        chain
            .expect_all(&sample)
            .map_err(|lost| format!("kill {round}: {lost}"))?;
        (chain.progress)(&format!("kill {round} of {kills}"));
        if done.under_load + done.while_starting >= kills {
            break;
        }
    }
    let everything: Acknowledged = chain.acknowledged.clone();
    chain.expect_all(&everything)?;
    done.head = everything.blocks.keys().next_back().copied().unwrap_or_default();
    Ok(done)
}

/// Waits until the node has made a block.
fn await_block(rpc: &Rpc) {
    let head = || rpc.try_call("eth_blockNumber", &json!([])).ok();
    let (before, deadline) = (head(), Instant::now() + FIRST_BLOCK_MAX);
    while head() == before && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
}

fn lose_power(node: &Node, shim: &Shim, random: &mut Random, done: &mut Kills) -> Result<(), String> {
    if random.below(2) == 0 {
        let lost = shim
            .lose_power(&node.data_dir(), random)
            .map_err(|error| error.to_string())?;
        done.with_lost_power += 1;
        done.bytes_lost += lost;
    }
    Ok(())
}

/// Runs `ledger-node db verify` on a stopped node's data.
///
/// # Errors
/// What it found.
pub fn verify(data: &Path, spec: &Path, re_execute: bool) -> Result<(), String> {
    let (code, words) = db(
        data,
        spec,
        if re_execute {
            &["verify", "--re-execute"]
        } else {
            &["verify"]
        },
    )?;
    if code == 0 {
        Ok(())
    } else {
        Err(format!("db verify ended with {code}: {words}"))
    }
}

/// Runs a `ledger-node db` command; gives its exit code and words.
///
/// # Errors
/// If it cannot be run or was killed.
pub fn db(data: &Path, spec: &Path, arguments: &[&str]) -> Result<(i32, String), String> {
    let output = Command::new(built_binary("ledger-node"))
        .arg("db")
        .args(arguments)
        .arg("--chain")
        .arg(spec)
        .arg("--data-dir")
        .arg(data)
        .output()
        .map_err(|error| error.to_string())?;
    let words = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let words = String::from_utf8_lossy(&words).into_owned();
    let code = output.status.code();
    code.map(|code| (code, words.clone()))
        .ok_or(format!("{arguments:?} ended with {}: {words}", output.status))
}
