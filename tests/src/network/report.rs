//! What did each fault lead to? One row each, for people and as JSON.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::crash::commit;

/// What a campaign showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// One for each fault.
    pub rows: Vec<Row>,
    /// Faults that could not be tried here, and why.
    pub left_out: Vec<(&'static str, String)>,
    /// Receipts that users were shown, and that every node has.
    pub receipts: usize,
    /// Final blocks, the same on every node.
    pub blocks: u64,
    /// How long it took.
    pub took: Duration,
}

/// What one fault led to.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What was done.
    pub done: &'static str,
    /// Blocks that became final before, during and after it.
    pub blocks: [u64; 3],
    /// The longest time without a new final block, in slots.
    pub still_slots: f64,
    /// From the fault's end until every node had a later block, in slots; none if that never was.
    pub back_slots: Option<f64>,
    /// Blocks whose hash is the same on every node.
    pub agreed: u64,
    /// Receipts that users were shown and that every node has.
    pub receipts: usize,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// What should not be.
    pub wrong: Vec<String>,
}

impl Row {
    /// One line, for progress.
    pub fn summary(&self) -> String {
        let back = self
            .back_slots
            .map_or_else(|| "never".to_owned(), |slots| format!("after {slots:.1} slots"));
        let mut text = format!("  stood still for {:.1} slots; all back {back}", self.still_slots);
        for note in &self.notes {
            let _ = write!(text, "; {note}");
        }
        for wrong in &self.wrong {
            let _ = write!(text, "\n  WRONG: {wrong}");
        }
        text
    }
}

impl Shown {
    /// Whether everything was as it should be.
    pub fn is_right(&self) -> bool {
        self.rows.iter().all(|row| row.wrong.is_empty())
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "commit {}, {} s\n\n{:<16} {:>23}  {:>11}  {:>8}  {:>6}  {:>12}\n{:<16} {:>7} {:>7} {:>7}  {:>11}  {:>8}  {:>6}  {:>12}\n",
            commit(),
            self.took.as_secs(),
            "",
            "blocks final",
            "stood still",
            "all back",
            "hashes",
            "acknowledged",
            "fault",
            "before",
            "during",
            "after",
            "slots",
            "slots",
            "agree",
            "and there",
        );
        for row in &self.rows {
            let [before, during, after] = row.blocks;
            let back = row
                .back_slots
                .map_or_else(|| "NEVER".to_owned(), |slots| format!("{slots:.1}"));
            let _ = writeln!(
                text,
                "{:<16} {before:>7} {during:>7} {after:>7}  {:>11.1}  {back:>8}  {:>6}  {:>12}",
                row.name, row.still_slots, row.agreed, row.receipts
            );
        }
        text.push_str("\nWhat was done, and what else was seen\n");
        for row in &self.rows {
            let _ = writeln!(text, "{:<16} {}", row.name, row.done);
            for note in &row.notes {
                let _ = writeln!(text, "{:<16}   {note}", "");
            }
            for wrong in &row.wrong {
                let _ = writeln!(text, "{:<16}   WRONG: {wrong}", "");
            }
        }
        for (name, why) in &self.left_out {
            let _ = writeln!(text, "{name:<16} left out: {why}");
        }
        let _ = writeln!(
            text,
            "\nin the end every node has all {} blocks with the same hashes, and all {} receipts that users were shown",
            self.blocks, self.receipts
        );
        text
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "fault": row.name, "done": row.done,
                "blocks_before": row.blocks[0], "blocks_during": row.blocks[1], "blocks_after": row.blocks[2],
                "stood_still_slots": row.still_slots, "all_back_slots": row.back_slots,
                "blocks_agreed": row.agreed, "receipts_there": row.receipts,
                "notes": row.notes, "wrong": row.wrong,
            })
        });
        let left_out = self
            .left_out
            .iter()
            .map(|(name, why)| json!({ "fault": name, "why": why }));
        json!({
            "commit": commit(), "seconds": self.took.as_secs(), "right": self.is_right(),
            "faults": rows.collect::<Vec<_>>(), "left_out": left_out.collect::<Vec<_>>(),
            "blocks": self.blocks, "receipts": self.receipts,
        })
    }
}
