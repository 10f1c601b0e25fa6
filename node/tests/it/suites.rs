//! `ledger-node statetest` and `trietest`: exit codes, and what a script reads.

use std::path::Path;

use serde_json::{Value, json};

use crate::node::run;

fn fixtures(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../suites/tests/fixtures");
    folder.join(path).to_str().unwrap().to_owned()
}

#[test]
fn good_fixtures_end_with_code_0_and_counts_in_json() {
    let good = fixtures("good");
    for (command, passed, left_out) in [("statetest", 12, 3), ("trietest", 7, 2)] {
        let ended = run(&[command, &good, "--json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let facts: Value = serde_json::from_str(&ended.stdout).unwrap();
        let counts = ["run", "passed", "failed", "left_out"].map(|key| facts[key].clone());
        assert_eq!(counts, [json!(passed), json!(passed), json!(0), json!(left_out)]);
        let names = facts["report"]["left_out"].as_object().unwrap().values();
        assert_eq!(
            names.map(|names| names.as_array().unwrap().len()).sum::<usize>(),
            left_out
        );
    }
}

#[test]
fn a_wrong_root_ends_with_code_1_and_says_what_differs() {
    for (command, file, words) in [
        ("statetest", "bad/wrong_root.json", "balance: 1000, expected 1001"),
        ("trietest", "bad/wrong_trie_root.json", "after 3 blocks, expected"),
    ] {
        let ended = run(&[command, &fixtures(file)]);
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(
            ended.stdout.contains("FAILED") && ended.stdout.contains(words),
            "{}",
            ended.stdout
        );
        assert!(ended.stderr.contains("1 of 1 cases failed"), "{}", ended.stderr);
    }
}

#[test]
fn nothing_to_play_is_no_success() {
    let nothing = run(&["statetest", &fixtures("good/encoding")]);
    assert_eq!(nothing.code, Some(1));
    let absent = run(&["statetest", &fixtures("absent.json")]);
    assert_eq!(absent.code, Some(1));
    assert!(absent.stderr.contains("cannot read"), "{}", absent.stderr);
}
