//! How is it shown? A row for each fault.

use alloy_primitives::U256;
use serde_json::{Value, json};

use crate::stage::Outcome;

const WEI_PER_GWEI: u64 = 1_000_000_000;

/// A fault and what came of it.
pub struct Row {
    pub name: &'static str,
    pub outcome: Result<Outcome, String>,
    pub seconds: f64,
}

impl Row {
    pub fn is_right(&self) -> bool {
        self.outcome.is_ok()
    }

    fn cells(&self) -> [String; 9] {
        let seconds = format!("{:.1}", self.seconds);
        let Ok(outcome) = &self.outcome else {
            let none = || "-".to_owned();
            return [none(), none(), none(), none(), none(), none(), none(), none(), seconds];
        };
        let each = outcome.checkpoints.max(1);
        let gwei = (outcome.fees_wei / U256::from(each * WEI_PER_GWEI)).to_string();
        [
            outcome.checkpoints.to_string(),
            outcome.transactions.to_string(),
            (outcome.gas / each).to_string(),
            gwei,
            outcome.tally.bumps.to_string(),
            outcome.tally.again.to_string(),
            outcome.tally.taken_back.to_string(),
            outcome.tally.failed.to_string(),
            seconds,
        ]
    }

    /// The row as text.
    pub fn line(&self) -> String {
        let [
            checkpoints,
            transactions,
            gas,
            gwei,
            bumps,
            again,
            back,
            failed,
            seconds,
        ] = self.cells();
        let verdict = match &self.outcome {
            Ok(_) => "once, in order",
            Err(words) => words,
        };
        format!(
            "{:<22}{checkpoints:>12}{transactions:>13}{gas:>16}{gwei:>17}{bumps:>7}{again:>12}{back:>12}{failed:>15}{seconds:>9}  \
             {verdict}",
            self.name
        )
    }
}

/// The whole table.
pub fn text(seed: u64, rows: &[Row]) -> String {
    let mut text = format!(
        "{:<22}{:>12}{:>13}{:>16}{:>17}{:>7}{:>12}{:>12}{:>15}{:>9}  on the mainchain\n",
        "fault",
        "checkpoints",
        "transactions",
        "gas/checkpoint",
        "gwei/checkpoint",
        "bumps",
        "sent again",
        "taken back",
        "failed rounds",
        "seconds"
    );
    for row in rows {
        text += &row.line();
        text.push('\n');
    }
    let right = rows.iter().filter(|row| row.is_right()).count();
    text + &format!("{right} of {} faults were made good; seed {seed}\n", rows.len())
}

/// The same for scripts.
pub fn json(seed: u64, rows: &[Row]) -> Value {
    let rows = rows.iter().map(|row| match &row.outcome {
        Ok(outcome) => json!({
            "fault": row.name, "right": true, "checkpoints": outcome.checkpoints, "transactions": outcome.transactions,
            "gas": outcome.gas, "feesWei": outcome.fees_wei.to_string(), "bumps": outcome.tally.bumps,
            "sentAgain": outcome.tally.again, "takenBack": outcome.tally.taken_back,
            "failedRounds": outcome.tally.failed, "seconds": row.seconds,
        }),
        Err(words) => json!({ "fault": row.name, "right": false, "words": words, "seconds": row.seconds }),
    });
    json!({ "seed": seed, "faults": rows.collect::<Vec<_>>() })
}
