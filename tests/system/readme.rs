//! Do the commands of the README's first ten minutes work as printed, and does the demo of `make testnet`? Both run as they are.

use std::fs;

use ledger_tests::{harness::Testnet, tidy::repository_root};
use tempfile::TempDir;

use crate::shell;

/// The part of the README whose shell blocks are run, in their order, as one script.
const PART: &str = "## The first ten minutes";

fn shell_blocks(readme: &str) -> String {
    let part = readme.split_once(PART).expect("the README has this part").1;
    shell::blocks(part.split("\n## ").next().unwrap_or_default(), "sh")
}

fn home() -> TempDir {
    TempDir::with_prefix("ledger-readme-").expect("a temporary folder can be made")
}

#[test]
fn the_readmes_first_ten_minutes_work_as_printed() {
    let net = Testnet::start(4, 1);
    let readme = fs::read_to_string(repository_root().join("README.md")).expect("there is a README");
    let script = shell::on(&net, &shell_blocks(&readme));
    assert!(script.lines().count() > 15, "only these commands were found:\n{script}");

    shell::run(&net, home().path(), &["-euo", "pipefail", "-c", &script]);
}

#[test]
fn the_demo_of_make_testnet_works_twice_on_one_chain() {
    let net = Testnet::start(4, 1);
    let demo = repository_root().join("scripts/demo.sh").display().to_string();
    for _ in 0..2 {
        let said = shell::run(&net, home().path(), &[&demo]);
        assert!(
            said.ends_with("The story of this promo code worked, from request to reward.\n"),
            "{said}"
        );
    }
}

#[test]
fn only_the_parts_own_blocks_are_taken() {
    let readme = format!(
        "```sh\nno\n```\n{PART}\ntext\n```sh\none\n```\n### x\n```json\nno\n```\n```sh\ntwo\n```\n## Next\n```sh\nno\n```"
    );
    assert_eq!(shell_blocks(&readme), "one\ntwo\n");
}
