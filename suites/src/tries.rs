//! Has the node's trie the root that the fixture says, in whatever order its keys come, and does it leave nothing behind?
//!
//! Each change is a block of its own in a database, so that the next one starts from what is on disk. Where the fixture leaves the
//! order open, several are tried, with all changes in one block among them. Then every key is taken away again.

use std::collections::BTreeMap;

use alloy_primitives::{B256, b256, hex, keccak256};
use ledger_runtime::{
    scenario::{ScenarioError, TrieScenario},
    state::TrieChange,
};
use serde_json::Value;

use crate::{
    left_out,
    report::{Report, Verdict},
    suite::{Choice, Entry, SuiteError},
};

/// Root of a trie without keys: keccak-256 of the RLP of nothing.
const EMPTY_ROOT: B256 = b256!("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/// Orders that are tried beside that of the file and its reverse.
const SHUFFLES: u64 = 4;

/// How a report calls these tests.
const KIND: &str = "tries";

/// Plays the trie tests of one file.
pub(crate) fn play(entries: &[Entry<'_>], choice: Choice<'_>, report: &mut Report) -> Result<(), SuiteError> {
    let folder = tempfile::tempdir().map_err(SuiteError::Folder)?;
    let mut trie = None;
    for entry in entries.iter().filter(|entry| choice.takes(&entry.name)) {
        let failed = |source| SuiteError::in_case(&entry.name, source);
        let test = match TrieTest::of(entry) {
            Ok(test) => test,
            Err(verdict) => {
                report.add(KIND, entry.name.clone(), verdict);
                continue;
            }
        };
        let trie = match &mut trie {
            Some(trie) => trie,
            None => trie.insert(TrieScenario::open(folder.path()).map_err(failed)?),
        };
        let mut wrong = Vec::new();
        for blocks in test.runs() {
            play_run(trie, &test, blocks, &mut wrong).map_err(failed)?;
        }
        report.add(KIND, entry.name.clone(), Verdict::of(wrong));
    }
    Ok(())
}

/// Leaves out tests of which key follows which.
pub(crate) fn leave_out_neighbours(entries: &[Entry<'_>], choice: Choice<'_>, report: &mut Report) {
    for entry in entries.iter().filter(|entry| choice.takes(&entry.name)) {
        report.add(KIND, entry.name.clone(), Verdict::LeftOut(left_out::NEIGHBOURS));
    }
}

fn play_run(
    trie: &mut TrieScenario,
    test: &TrieTest,
    blocks: Vec<Vec<TrieChange>>,
    wrong: &mut Vec<String>,
) -> Result<(), ScenarioError> {
    let in_blocks = blocks.len();
    let mut root = EMPTY_ROOT;
    for block in blocks {
        root = trie.change(block)?;
        verify(trie, wrong);
    }
    if root != test.root {
        wrong.push(format!("root {root} after {in_blocks} blocks, expected {}", test.root));
    }
    let keys: BTreeMap<_, _> = test.changes.iter().cloned().collect();
    for (key, _) in keys {
        root = trie.change(vec![(key, None)])?;
        verify(trie, wrong);
    }
    if root != EMPTY_ROOT {
        wrong.push(format!("root {root} when all keys are gone, expected {EMPTY_ROOT}"));
    }
    Ok(())
}

fn verify(trie: &TrieScenario, wrong: &mut Vec<String>) {
    if let Err(error) = trie.verify() {
        wrong.push(error.to_string());
    }
}

struct TrieTest {
    root: B256,
    changes: Vec<TrieChange>,
    /// Whether the changes make the same trie in any order.
    any_order: bool,
}

impl TrieTest {
    /// The test, or how a test ends that is none, or none for this trie.
    fn of(entry: &Entry<'_>) -> Result<Self, Verdict> {
        let malformed = || Verdict::Failed(vec!["the fixture is not a trie test".to_owned()]);
        let root = entry.test["root"].as_str().and_then(|root| root.parse().ok());
        let (pairs, any_order) = match &entry.test["in"] {
            Value::Object(pairs) => (pairs.iter().map(|(key, value)| change(key, value)).collect(), true),
            Value::Array(pairs) => {
                let pairs = pairs.iter().map(|pair| change(pair[0].as_str()?, &pair[1]));
                (pairs.collect::<Option<Vec<_>>>(), false)
            }
            _ => (None, false),
        };
        let (Some(root), Some(pairs)) = (root, pairs) else {
            return Err(malformed());
        };
        // The fixtures tell by their file alone whether keys are hashed.
        let is_secure = entry.file.to_lowercase().contains("secure");
        let key = |key: Vec<u8>| match is_secure {
            true => Ok(keccak256(key)),
            false => B256::try_from(key.as_slice()).map_err(|_| Verdict::LeftOut(left_out::KEYS)),
        };
        let changes = pairs.into_iter().map(|(bytes, value)| Ok((key(bytes)?, value)));
        Ok(Self {
            root,
            changes: changes.collect::<Result<_, Verdict>>()?,
            any_order,
        })
    }

    /// The changes, block by block, in every way that is tried.
    fn runs(&self) -> Vec<Vec<Vec<TrieChange>>> {
        let one_by_one = |changes: Vec<TrieChange>| changes.into_iter().map(|change| vec![change]).collect();
        let last_of_each: BTreeMap<_, _> = self.changes.iter().cloned().collect();
        let mut runs = vec![
            one_by_one(self.changes.clone()),
            vec![last_of_each.into_iter().collect()],
        ];
        if self.any_order {
            runs.push(one_by_one(self.changes.iter().rev().cloned().collect()));
            for seed in 0..SHUFFLES {
                let mut changes = self.changes.clone();
                changes
                    .sort_by_cached_key(|(key, _)| keccak256([seed.to_be_bytes().as_slice(), key.as_slice()].concat()));
                runs.push(one_by_one(changes));
            }
        }
        runs
    }
}

/// A key as it is written, and its new value, if it has one.
fn change(key: &str, value: &Value) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    match value {
        Value::Null => Some((bytes(key)?, None)),
        value => Some((bytes(key)?, Some(bytes(value.as_str()?)?))),
    }
}

/// Text, or bytes in hexadecimal digits after `0x`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).ok(),
        None => Some(text.as_bytes().to_vec()),
    }
}
