//! The network on the screen until Ctrl-C: a table that is refreshed in place on a terminal, else a line for every change.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::error::NodeError;

use super::{
    error::TestnetError,
    folder::Folder,
    interrupt::Interrupt,
    network::{Children, Network, say},
    status::{Condition, NodeReport, Report, observe},
};

/// Time between two looks.
const REFRESH: Duration = Duration::from_secs(1);
/// Time between two lines about the height alone, where there is no table.
const HEIGHT_LINE_EVERY: Duration = Duration::from_secs(10);

/// What is printed, and how.
enum Screen {
    /// A table, redrawn; holds the lines it has now.
    Table { lines: usize },
    /// A line for every change; holds what was said last.
    Lines {
        as_json: bool,
        said: BTreeMap<String, (Condition, Option<u32>)>,
        height: Option<u64>,
        height_said: Option<Instant>,
    },
}

/// Shows the network until a signal comes, and stops all its nodes then.
///
/// # Errors
/// [`NodeError::Testnet`] if all nodes have ended by themselves, or one cannot be stopped, [`NodeError::Environment`] if standard output takes nothing.
pub fn watch(
    folder: &Folder,
    children: &mut Children,
    interrupt: &mut Interrupt,
    as_json: bool,
) -> Result<(), NodeError> {
    let mut screen = Screen::new(as_json);
    let shown = loop {
        let report = observe(folder, &folder.existing()?);
        if report.wanted == 0 {
            say("Another command has stopped the testnet.");
            return Ok(());
        }
        if let Err(error) = screen.show(&report) {
            // Nobody sees them any more, as nobody would press Ctrl-C: the nodes stop all the same.
            break Err(error);
        }
        children.reap();
        if let Some(node) = report.first_of_all_ended() {
            return Err(TestnetError::ended(node).into());
        }
        if interrupt.within(REFRESH) {
            break Ok(());
        }
    };
    say("Stopping everything.");
    let mut network = Network::open(folder.clone())?;
    let all: Vec<_> = (0..network.state.nodes.len()).collect();
    network.stop(&all)?;
    network.stop_notary()?;
    network.stop_mainchain()?;
    children.reap();
    say(&super::commands::down_words(folder));
    shown.map_err(|source| NodeError::Environment {
        action: "cannot write to standard output",
        source,
    })
}

impl Screen {
    fn new(as_json: bool) -> Self {
        match io::stdout().is_terminal() && !as_json {
            true => Self::Table { lines: 0 },
            false => Self::Lines {
                as_json,
                said: BTreeMap::new(),
                height: None,
                height_said: None,
            },
        }
    }

    fn show(&mut self, report: &Report) -> io::Result<()> {
        let text = match self {
            Self::Table { lines } => {
                let table = format!("{}\nCtrl-C stops all nodes; their data stays.\n", report.table());
                let drawn = redraw(*lines, &table);
                *lines = table.lines().count();
                drawn
            }
            Self::Lines { .. } => self.news(report),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// What has changed since the last look, in lines.
    fn news(&mut self, report: &Report) -> String {
        let Self::Lines {
            as_json,
            said,
            height,
            height_said,
        } = self
        else {
            return String::new();
        };
        let mut changed = Vec::new();
        for node in &report.nodes {
            let now = (node.condition, node.pid);
            if said.insert(node.name.clone(), now) != Some(now) {
                changed.push(node);
            }
        }
        let is_higher = report.height > *height && height_said.is_none_or(|said| said.elapsed() >= HEIGHT_LINE_EVERY);
        if changed.is_empty() && !is_higher {
            return String::new();
        }
        (*height, *height_said) = (report.height, Some(Instant::now()));
        if *as_json {
            return format!("{}\n", json!(report));
        }
        let mut text: String = changed.into_iter().map(line).collect();
        text.push_str(&format!("{}\n", report.headline()));
        text
    }
}

fn line(node: &NodeReport) -> String {
    let process = node.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
    let mut text = format!("{}: {}{process}, {}\n", node.name, node.condition.words(), node.rpc);
    if let Some(words) = &node.last_words {
        text.push_str(&format!("  Its last words, of {}:\n", node.log.display()));
        for word in words.lines() {
            text.push_str(&format!("  | {word}\n"));
        }
    }
    text
}

/// `table` in the place of the `lines` that were drawn before. Lines that are too long are cut off, not wrapped: the next
/// redrawing counts on it.
fn redraw(lines: usize, table: &str) -> String {
    const NO_WRAP: &str = "\x1b[?7l";
    const WRAP: &str = "\x1b[?7h";
    let up = if lines > 0 {
        format!("\x1b[{lines}A")
    } else {
        String::new()
    };
    format!("{up}\x1b[J{NO_WRAP}{table}{WRAP}")
}
