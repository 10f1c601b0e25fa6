//! Do unmodified Ethereum clients tell the whole story? Runs tests/js/story.mjs with each of them against a node of its own.

use std::process::Command;

use ledger_tests::{harness::Node, tidy::repository_root};

fn tell_story(client: &str) {
    let folder = repository_root().join("tests/js");
    assert!(
        folder.join("node_modules").is_dir(),
        "the npm packages of tests/js are missing; run `make test`, or `npm ci --ignore-scripts` in tests/js"
    );
    let node = Node::start();
    let output = Command::new("node")
        .args(["story.mjs", &node.rpc().url(), client])
        .current_dir(folder)
        .output()
        .expect("Node.js is installed");
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(
        output.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let last = told.lines().last().unwrap_or_default();
    assert!(
        last.contains("units of the passport token"),
        "the story stopped early:\n{told}"
    );
}

#[test]
fn viem_tells_the_whole_story() {
    tell_story("viem");
}

#[test]
fn ethers_js_tells_the_whole_story() {
    tell_story("ethers");
}

#[test]
fn cast_tells_the_whole_story() {
    tell_story("cast");
}
