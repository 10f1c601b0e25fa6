//! `ledger-node testnet logs`: the end of the nodes' logs, and what comes.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    cli::{Cli, output},
    error::NodeError,
};

use super::{args::LogsArgs, folder::Folder, processes::START_LINE};

/// Bytes of a log's end that its last lines are looked for in.
const TAIL_BYTES_MAX: u64 = 1 << 20;
/// Bytes of what is new that are read at a time.
const NEWS_BYTES_MAX: u64 = 64 << 10;
/// Time between two looks at logs that are followed.
const FOLLOW_POLL: Duration = Duration::from_millis(200);

/// The log of one node, read up to `offset`.
struct Log {
    name: String,
    path: PathBuf,
    offset: u64,
}

/// Shows the logs that `args` ask for.
///
/// # Errors
/// [`NodeError::Testnet`] if there is no such node, [`NodeError::Environment`] if standard output takes nothing.
pub fn run(cli: &Cli, args: &LogsArgs) -> Result<(), NodeError> {
    let folder = Folder::of(cli)?;
    let state = folder.existing()?;
    let chosen = match &args.node {
        Some(name) => vec![state.find(name)?],
        None => (0..state.nodes.len()).collect(),
    };
    let as_json = cli.telemetry.json;
    let mut shown = Vec::new();
    let mut logs = Vec::new();
    for index in chosen {
        let name = state.nodes[index].name.clone();
        let path = folder.files(&name).log;
        let (text, offset) = tail(&path, args.lines);
        shown.push((name.clone(), text));
        logs.push(Log { name, path, offset });
    }
    if as_json && !args.follow {
        let logs = shown.iter().zip(&logs).map(
            |((name, text), log)| json!({ "node": name, "file": log.path, "lines": text.lines().collect::<Vec<_>>() }),
        );
        return output(true, &json!({ "logs": logs.collect::<Vec<_>>() }), String::new);
    }
    let mut printer = Printer {
        as_json,
        headings: logs.len() > 1,
        last: None,
    };
    for (name, text) in &shown {
        printer.print(name, text)?;
    }
    if args.follow {
        follow(&mut logs, &mut printer)?;
    }
    Ok(())
}

/// Prints what comes until standard output takes no more.
fn follow(logs: &mut [Log], printer: &mut Printer) -> Result<(), NodeError> {
    loop {
        for log in &mut *logs {
            let news = log.news();
            printer.print(&log.name, &news)?;
        }
        thread::sleep(FOLLOW_POLL);
    }
}

/// The last `lines` lines of what the newest process wrote to `log`.
#[must_use]
pub fn last_words(log: &Path, lines: usize) -> String {
    let (text, _) = tail(log, usize::MAX);
    let own = text.rsplit(START_LINE).next().unwrap_or_default().trim();
    let all: Vec<_> = own.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The last `lines` lines of the file at `path`, and where it ends; nothing if there is none.
fn tail(path: &Path, lines: usize) -> (String, u64) {
    let read = || -> io::Result<(String, u64)> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(end.saturating_sub(TAIL_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), end))
    };
    let (text, end) = read().unwrap_or_default();
    let start = text
        .trim_end_matches('\n')
        .rmatch_indices('\n')
        .nth(lines.saturating_sub(1))
        .map_or(0, |(at, _)| at + 1);
    let start = if lines == 0 { text.len() } else { start };
    (text[start..].to_owned(), end)
}

impl Log {
    /// What was written since the last look, in whole lines. A log that became shorter was begun anew.
    fn news(&mut self) -> String {
        let read = |offset: u64| -> io::Result<(Vec<u8>, u64)> {
            let mut file = File::open(&self.path)?;
            let from = if file.metadata()?.len() < offset { 0 } else { offset };
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(NEWS_BYTES_MAX).read_to_end(&mut bytes)?;
            Ok((bytes, from))
        };
        let Ok((mut bytes, from)) = read(self.offset) else {
            return String::new();
        };
        let is_full = bytes.len() as u64 == NEWS_BYTES_MAX;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // A line that is longer than all that is read at a time comes in pieces.
        let whole = if whole == 0 && is_full { bytes.len() } else { whole };
        bytes.truncate(whole);
        self.offset = from.saturating_add(whole as u64);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Writes what the nodes said, each under its name where there are several.
struct Printer {
    as_json: bool,
    headings: bool,
    last: Option<String>,
}

impl Printer {
    fn print(&mut self, name: &str, text: &str) -> Result<(), NodeError> {
        if text.is_empty() {
            return Ok(());
        }
        let mut all = String::new();
        if self.as_json {
            for line in text.lines() {
                all.push_str(&format!("{}\n", json!({ "node": name, "line": line })));
            }
        } else {
            if self.headings && self.last.as_deref() != Some(name) {
                let gap = if self.last.is_some() { "\n" } else { "" };
                all.push_str(&format!("{gap}==> {name} <==\n"));
            }
            all.push_str(text);
            if !text.ends_with('\n') {
                all.push('\n');
            }
        }
        self.last = Some(name.to_owned());
        let mut out = io::stdout().lock();
        out.write_all(all.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|source| NodeError::Environment {
                action: "cannot write to standard output",
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_end_of_a_log_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        for (lines, text) in [(0, ""), (1, "three\n"), (2, "two\nthree\n"), (9, "one\ntwo\nthree\n")] {
            assert_eq!(tail(&path, lines), (text.to_owned(), 14), "{lines} lines");
        }
        assert_eq!(tail(&folder.path().join("none"), 5), (String::new(), 0));
    }

    #[test]
    fn last_words_are_of_the_newest_process_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, format!("{START_LINE}\nold\n{START_LINE}\na\nb\nc\n")).unwrap();
        assert_eq!(last_words(&path, 2), "b\nc");
        assert_eq!(last_words(&path, 9), "a\nb\nc");
    }

    #[test]
    fn a_followed_log_gives_whole_lines_and_survives_being_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "one\ntw").unwrap();
        let mut log = Log {
            name: "node-0".to_owned(),
            path: path.clone(),
            offset: 0,
        };
        assert_eq!(log.news(), "one\n");
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(log.news(), "two\n");
        assert_eq!(log.news(), "");
        fs::write(&path, "new\n").unwrap();
        assert_eq!(log.news(), "new\n");
    }
}
