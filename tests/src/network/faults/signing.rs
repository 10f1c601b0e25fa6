//! Validators that must not sign: with a wrong clock, and without the record of what they signed.

use std::fs;

use serde_json::json;

use crate::{
    crash::Library,
    network::{
        campaign::{Campaign, Told},
        stop,
    },
};

/// Whose clock is wrong.
const WRONG_CLOCK: usize = 3;
/// Whose record is lost.
const FORGETFUL: usize = 2;
/// Slots within which a validator has to make a block again: sixteen turns of its own, on a busy machine.
const SIGNS_WITHIN_SLOTS: u32 = 64;

/// Runs one validator with a clock two seconds ahead: it may sign nothing, and has to say so.
pub fn clock(campaign: &mut Campaign) -> Result<Told, String> {
    let library = Library::compile(include_str!("clock.c"))?;
    let path = library.path().display().to_string();
    let ahead = [("LD_PRELOAD", path.as_str()), ("LEDGER_CLOCK_AHEAD_SECONDS", "2")];
    let node = campaign.cluster.node(WRONG_CLOCK);
    node.terminate();
    node.set_environment(ahead.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
    campaign.cluster.restart(WRONG_CLOCK)?;
    let mut told = Told::default();
    let patience = campaign.slot() * 30;
    let words = "the clock is off: nothing is signed";
    let says_so = stop::until(patience, || campaign.cluster.log_of(WRONG_CLOCK).contains(words))?;
    told.expect(says_so, || format!("validator-{WRONG_CLOCK} does not say `{words}`"));
    let from = campaign.watch.height() + 1;
    campaign.last()?;
    let through = campaign.watch.height();
    let own = blocks_of(campaign, WRONG_CLOCK, from, through)?;
    told.expect(own.is_empty(), || {
        format!("with a wrong clock it made the blocks {own:?}")
    });
    told.notes.push(format!(
        "it said `{words}`, and made none of the blocks {from} to {through}"
    ));
    let node = campaign.cluster.node(WRONG_CLOCK);
    node.terminate();
    node.set_environment(Vec::new());
    campaign.cluster.restart(WRONG_CLOCK)?;
    await_own_block(campaign, WRONG_CLOCK, &mut told)?;
    Ok(told)
}

/// Deletes the record of one validator while it is down: it is silent until a later block is final, and then signs.
pub fn guard_lost(campaign: &mut Campaign) -> Result<Told, String> {
    let node = campaign.cluster.node(FORGETFUL);
    node.terminate();
    let guard = node.data_dir().join("guard");
    fs::remove_dir_all(&guard).map_err(|error| format!("{}: {error}", guard.display()))?;
    campaign.cluster.restart(FORGETFUL)?;
    let mut told = Told::default();
    let words = "no guard record: silent until a later block is final";
    // It serves before its consensus has begun.
    let patience = campaign.slot() * SIGNS_WITHIN_SLOTS;
    let says_so = stop::until(patience, || campaign.cluster.log_of(FORGETFUL).contains(words))?;
    told.expect(says_so, || format!("validator-{FORGETFUL} does not say `{words}`"));
    await_own_block(campaign, FORGETFUL, &mut told)?;
    Ok(told)
}

/// Waits until the validator makes a block, and notes how long that took.
fn await_own_block(campaign: &Campaign, index: usize, told: &mut Told) -> Result<(), String> {
    let from = campaign.watch.height() + 1;
    let started = std::time::Instant::now();
    let patience = campaign.slot() * SIGNS_WITHIN_SLOTS;
    let (mut next, mut found) = (from, None);
    let signs = stop::until(patience, || {
        let height = campaign.watch.height();
        found = blocks_of(campaign, index, next, height)
            .unwrap_or_default()
            .into_iter()
            .next();
        next = height + 1;
        found.is_some()
    })?;
    told.expect(signs, || {
        format!("validator-{index} made no block within {SIGNS_WITHIN_SLOTS} slots of its start")
    });
    if let Some(block) = found {
        let slots = campaign.in_slots(started.elapsed());
        told.notes
            .push(format!("{slots:.1} slots after its start it made block {block}"));
    }
    Ok(())
}

/// Blocks that the validator made, of those from `from` to `through`.
fn blocks_of(campaign: &Campaign, index: usize, from: u64, through: u64) -> Result<Vec<u64>, String> {
    let account = campaign.cluster.spec().validators[index].account;
    let mut own = Vec::new();
    for height in from..=through {
        let params = json!([format!("0x{height:x}"), false]);
        // A node that has it already: the full node may be a moment behind.
        let rpc = (0..campaign.cluster.seats().len()).find(|node| campaign.watch.heights()[*node] >= height);
        let block = campaign
            .cluster
            .rpc(rpc.unwrap_or_default())
            .try_call("eth_getBlockByNumber", &params);
        let block = block.map_err(|error| error.to_string())?;
        let miner = block["miner"].as_str().unwrap_or_default();
        if miner.eq_ignore_ascii_case(&account.to_string()) {
            own.push(height);
        }
    }
    Ok(own)
}
