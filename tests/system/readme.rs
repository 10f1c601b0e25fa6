//! Do the commands of the README's first ten minutes work as printed, and does the demo of `make testnet`? Both run as they are.

use std::{fs, process::Command};

use ledger_tests::{
    harness::{Testnet, built_binary},
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
    let net = Testnet::start(4, 1);
    let readme = fs::read_to_string(repository_root().join("README.md")).expect("there is a README");
    let script = shell_blocks(&readme)
        .replace("http://127.0.0.1:8545", &net.rpc("node-0").url())
        .replace(".data/testnet", &net.path().display().to_string());
    assert!(script.lines().count() > 15, "only these commands were found:\n{script}");

    run(&net, &["-euo", "pipefail", "-c", &script]);
}

#[test]
fn the_demo_of_make_testnet_works_twice_on_one_chain() {
    let net = Testnet::start(4, 1);
    let demo = repository_root().join("scripts/demo.sh").display().to_string();
    for _ in 0..2 {
        let said = run(&net, &[&demo]);
        assert!(
            said.ends_with("The story of this promo code worked, from request to reward.\n"),
            "{said}"
        );
    }
}

/// Runs bash in an empty home folder, with our commands in its path and two nodes of `net` as those they ask; gives what it printed.
fn run(net: &Testnet, arguments: &[&str]) -> String {
    let home = TempDir::with_prefix("ledger-readme-").expect("a temporary folder can be made");
    let passport = built_binary("passport");
    let binaries = passport
        .parent()
        .expect("a binary lies in a folder")
        .display()
        .to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(arguments)
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("PATH", format!("{binaries}:{path}"))
        .env("PASSPORT_RPC", net.rpc("node-0").url())
        .env("LEDGER_RPC", net.rpc("node-0").url())
        .env("LEDGER_SECOND_RPC", net.rpc("validator-1").url())
        .env("CARGO_TARGET_DIR", home.path())
        .output()
        .expect("bash is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{arguments:?}\n---- said ----\n{said}\n{complaint}"
    );
    said
}

#[test]
fn only_the_parts_own_blocks_are_taken() {
    let readme = format!(
        "```sh\nno\n```\n{PART}\ntext\n```sh\none\n```\n### x\n```json\nno\n```\n```sh\ntwo\n```\n## Next\n```sh\nno\n```"
    );
    assert_eq!(shell_blocks(&readme), "one\ntwo\n");
}
