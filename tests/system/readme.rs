//! Do the commands of the README's first ten minutes work as printed? Takes them from the README itself.

use std::{fs, process::Command};

use ledger_tests::{
    harness::{Node, built_binary},
    tidy::repository_root,
};
use tempfile::TempDir;

/// The part of the README whose shell blocks are run, in their order, as one script.
const PART: &str = "## The first ten minutes";

fn shell_blocks(readme: &str) -> String {
    let part = readme.split_once(PART).expect("the README has this part").1;
    let part = part.split("\n## ").next().unwrap_or_default();
    part.split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn the_readmes_first_ten_minutes_work_as_printed() {
    let node = Node::start();
    let readme = fs::read_to_string(repository_root().join("README.md")).expect("there is a README");
    let script = shell_blocks(&readme).replace("http://127.0.0.1:8545", &node.rpc().url());
    assert!(script.lines().count() > 15, "only these commands were found:\n{script}");

    let home = TempDir::with_prefix("ledger-readme-").expect("a temporary folder can be made");
    let passport = built_binary("passport");
    let binaries = passport
        .parent()
        .expect("a binary lies in a folder")
        .display()
        .to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("PATH", format!("{binaries}:{path}"))
        .env("PASSPORT_RPC", node.rpc().url())
        .output()
        .expect("bash is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success(),
        "{script}\n---- said ----\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn only_the_parts_own_blocks_are_taken() {
    let readme = format!(
        "```sh\nno\n```\n{PART}\ntext\n```sh\none\n```\n### x\n```json\nno\n```\n```sh\ntwo\n```\n## Next\n```sh\nno\n```"
    );
    assert_eq!(shell_blocks(&readme), "one\ntwo\n");
}
