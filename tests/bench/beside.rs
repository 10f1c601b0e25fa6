//! What do the node and anvil do with the same requests?
//!
//! Both run from the beginning, and each figure is measured on one and then on the other, round after round, so that a slow minute
//! of the machine meets both. Who is not measured has nothing to do.

use std::error::Error;

use alloy_primitives::B256;
use serde_json::{Value, json};

use super::{
    Options,
    load::{self, Load},
    reads,
    stats::{Phase, Row, Table},
    target::{Signed, Target},
};

/// One of them, and what it has included so far.
struct Side<'a> {
    target: &'a Target,
    signed: Vec<Signed>,
    load: Load,
}

/// The parameters of one request.
type Params = fn(&Side<'_>, usize) -> Value;

/// Reads of what the transfers left: the figure's name, the method, its parameters.
const READS: [(&str, &str, Params); 4] = [
    ("eth_call balanceOf", "eth_call", |side, _| {
        let data = side.target.balance_of(side.target.holder());
        json!([{ "to": side.target.token, "data": data }, "latest"])
    }),
    (
        "eth_getTransactionReceipt",
        "eth_getTransactionReceipt",
        |side, index| {
            let included = &side.load.included;
            json!([included[index % included.len()]])
        },
    ),
    ("eth_getBalance", "eth_getBalance", |side, _| {
        json!([side.target.holder(), "latest"])
    }),
    ("eth_getProof, one slot", "eth_getProof", |side, _| {
        json!([side.target.token, [B256::ZERO], "latest"])
    }),
];

/// Measures token transfers and then [`READS`] on each of `targets` in turn.
pub fn measure(options: &Options, targets: &[&Target], table: &mut Table) -> Result<(), Box<dyn Error>> {
    let round = options.of_a_round();
    let mut sides = Vec::with_capacity(targets.len());
    for target in targets {
        eprintln!("{}: signing token transfers", target.name);
        sides.push(Side {
            target,
            signed: target.transfers(options.rounds() * round.transactions()),
            load: Load::default(),
        });
    }
    for number in 1..=options.rounds() {
        for side in &mut sides {
            let name = side.target.name;
            eprintln!("{name}: sending them for {} s, round {number}", round.seconds);
            // What is sent is included when a round ends: the next one goes on behind it.
            let left = side.signed.get(side.load.included.len()..).unwrap_or_default();
            let done = load::run(side.target.route(), left, &round)?;
            side.load.add(done);
        }
    }
    for side in &sides {
        table.push(Row::load("token transfers included", side.target.name, &side.load));
    }
    for (name, method, params) in READS {
        let mut phases = vec![Phase::default(); sides.len()];
        for _ in 1..=options.rounds() {
            for (side, phase) in sides.iter().zip(&mut phases) {
                let done = reads::run(side.target.address, &round, |index| (method, params(side, index)));
                phase.add(done);
            }
        }
        for (side, phase) in sides.iter().zip(&phases) {
            table.push(Row::reads(name, side.target.name, phase));
        }
    }
    Ok(())
}
