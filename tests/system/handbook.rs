//! Is the handbook true? Its commands run as printed, its chapters are all in the table of contents, and its rules and dashboard name metrics
//! that running nodes have.

use std::{collections::BTreeSet, fs, path::PathBuf};

use ledger_tests::{harness::Testnet, tidy::repository_root};
use tempfile::TempDir;

use crate::shell;

/// Metrics that a healthy network of this test does not show: something has to go wrong first, or a notary or a mainchain has to be
/// there. That they exist, the source says.
const RARE: &[&str] = &[
    "ledger_anchor_age_seconds",
    "ledger_anchor_alarm",
    "ledger_checkpoint_conflicts_total",
    "ledger_consensus_not_taken_total",
    "ledger_missed_slots_total",
    "ledger_network_bans_total",
    "ledger_network_dropped_total",
    "ledger_network_faults_total",
    "ledger_notary_good_timestamp_seconds",
    "ledger_promises_broken_total",
    "ledger_rpc_refused_total",
    "ledger_synced_blocks_total",
];

/// Metrics of other processes than nodes begin so.
const OTHERS: [&str; 2] = ["ledger_relayer_", "ledger_notary_"];

/// Where metrics get their names.
const SOURCES: [&str; 4] = [
    "node/src/telemetry/metering.rs",
    "network/src/telemetry.rs",
    "checkpoint/src/metering.rs",
    "notary/src/server/app.rs",
];

fn book() -> PathBuf {
    repository_root().join("docs/src")
}

fn read(path: &str) -> String {
    fs::read_to_string(repository_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The chapters of the table of contents, in its order.
fn chapters() -> Vec<String> {
    let summary = fs::read_to_string(book().join("SUMMARY.md")).expect("the book has a table of contents");
    let links = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.map(str::to_owned).collect()
}

/// Names of metrics in a text, histograms without their parts.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names = words.filter(|word| word.starts_with("ledger_"));
    let plain = |name: &str| {
        let end = ["_bucket", "_sum", "_count"]
            .into_iter()
            .find(|end| name.ends_with(end));
        name.strip_suffix(end.unwrap_or_default()).unwrap_or(name).to_owned()
    };
    names.map(plain).collect()
}

#[test]
fn its_commands_work_as_printed_and_its_metrics_are_there() {
    let net = Testnet::start(4, 1);
    let mut commands = 0;
    for chapter in chapters() {
        let text = fs::read_to_string(book().join(&chapter)).expect("a chapter can be read");
        let script = shell::on(&net, &shell::blocks(&text, "sh,run"));
        if script.is_empty() {
            continue;
        }
        println!("==== {chapter}");
        commands += script.lines().count();
        let home = TempDir::with_prefix("ledger-handbook-").expect("a temporary folder can be made");
        shell::run(&net, home.path(), &["-euo", "pipefail", "-c", &script]);
    }
    assert!(commands > 80, "only {commands} lines were found");

    let nodes = ["validator-0", "validator-1", "validator-2", "validator-3", "node-0"];
    let shown: BTreeSet<_> = nodes
        .iter()
        .flat_map(|name| metrics(&net.rpc(name).get("/metrics").expect("the node answers").body))
        .collect();
    let made: BTreeSet<_> = SOURCES.iter().flat_map(|path| metrics(&read(path))).collect();
    let named = [
        read("docs/monitoring/ledger.rules.yml"),
        read("docs/monitoring/grafana.json"),
    ];
    let named: BTreeSet<_> = named.iter().flat_map(|text| metrics(text)).collect();
    assert!(named.len() > 25, "only {named:?} were found");
    for name in &named {
        let is_others = OTHERS.iter().any(|start| name.starts_with(start)) || RARE.contains(&name.as_str());
        assert!(shown.contains(name) || is_others, "no node shows {name}: {shown:?}");
        assert!(made.contains(name), "no source makes {name}");
    }
}

#[test]
fn every_chapter_is_in_the_table_of_contents_and_every_command_is_marked() {
    let mut written = BTreeSet::new();
    let mut folders = vec![book()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the book can be read") {
            let path = entry.expect("the book can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(book())
                    .expect("it is in the book")
                    .display()
                    .to_string();
                written.insert(name);
            }
        }
    }
    written.remove("SUMMARY.md");
    let listed: BTreeSet<_> = chapters().into_iter().collect();
    assert_eq!(listed, written);
    for chapter in listed {
        let text = fs::read_to_string(book().join(&chapter)).expect("a chapter can be read");
        let is_run = ["sh,run", "console", "python", "yaml"];
        let fences = text.lines().filter_map(|line| line.strip_prefix("```"));
        for (number, fence) in fences.enumerate() {
            let is_known = if number % 2 == 0 {
                is_run.contains(&fence)
            } else {
                fence.is_empty()
            };
            assert!(
                is_known,
                "{chapter}: a block of {fence:?} is neither run nor marked as not to be"
            );
        }
    }
}

/// Every alert of the rules has its line in the handbook, and no line is about none.
#[test]
fn every_alert_says_what_to_do() {
    let rules = read("docs/monitoring/ledger.rules.yml");
    let alerts: BTreeSet<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    let chapter = read("docs/src/operators/monitoring.md");
    let rows = chapter.lines().filter(|line| line.starts_with("| Ledger"));
    let told: BTreeSet<_> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|names| names.split(',').map(str::trim))
        .collect();
    assert_eq!(alerts, told);
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("docs/monitoring/grafana.json")).expect("the dashboard is JSON");
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 10));
}
