//! How is an answer shown, to people and to scripts?
//!
//! Every command gives a [`Report`], which has both forms: aligned text without colours, and JSON with the names and
//! quantities of the node's JSON-RPC. Pure: nothing here prints.

pub mod chain;
pub mod code;
pub mod consensus;
pub mod pool;
pub mod proof;
pub mod usage;

use serde::Serialize;
use serde_json::Value;

use crate::error::Exit;

/// A command's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// For people; several lines, the last one ended.
    pub text: String,
    /// For scripts.
    pub json: Value,
    /// What to do next, if there is something to say; people get it on standard error.
    pub next: Option<String>,
    /// How the command ends.
    pub exit: Exit,
}

impl Report {
    /// An answer with which the command ends well.
    #[must_use]
    pub fn new(text: String, json: &impl Serialize) -> Self {
        Self {
            text,
            json: serde_json::to_value(json).expect("our own answers have names for keys and no failing parts"),
            next: None,
            exit: Exit::Done,
        }
    }

    /// The same with a next step.
    #[must_use]
    pub fn with_next(self, next: String) -> Self {
        Self {
            next: Some(next),
            ..self
        }
    }

    /// The same with another end.
    #[must_use]
    pub fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

/// Names and values under each other, the values aligned.
#[must_use]
pub fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("{name:width$}  {value}\n"))
        .collect()
}

/// A table with aligned columns. Columns whose cells are all numbers stand to the right.
#[must_use]
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<_> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([header[column].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let is_number = |column: usize| rows.iter().all(|row| row[column].chars().all(|c| c.is_ascii_digit()));
    let line = |cells: &[&str]| {
        let padded: Vec<_> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if !rows.is_empty() && is_number(column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:width$}")
                }
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(header);
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_tables_are_aligned() {
        let rows = [("State", "live".to_owned()), ("Passport code", "003A".to_owned())];
        assert_eq!(pairs(&rows), "State          live\nPassport code  003A\n");
        let rows = [
            vec!["small".to_owned(), "5".to_owned(), "Ärger".to_owned()],
            vec!["medium".to_owned(), "100".to_owned(), String::new()],
        ];
        assert_eq!(
            table(&["SPEC", "LEFT", "CLOUD"], &rows),
            "SPEC    LEFT  CLOUD\nsmall      5  Ärger\nmedium   100\n"
        );
        assert_eq!(table(&["SPEC", "LEFT"], &[]), "SPEC  LEFT\n");
    }
}
