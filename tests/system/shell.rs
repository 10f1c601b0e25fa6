//! Runs the commands of documents as they are printed: bash in a home folder, with our commands in its path and a testnet's nodes as those
//! they ask.

use std::{path::Path, process::Command};

use ledger_tests::harness::{Testnet, built_binary};

/// The fenced blocks of `text` that begin with exactly `fence`, in their order, as one script.
pub fn blocks(text: &str, fence: &str) -> String {
    text.split(&format!("```{fence}\n"))
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

/// A document's commands for `net`, whose first full node answers where the document says.
pub fn on(net: &Testnet, script: &str) -> String {
    script
        .replace("http://127.0.0.1:8545", &net.rpc("node-0").url())
        .replace(".data/testnet", &net.path().display().to_string())
}

/// Runs bash with these arguments in `home`; gives what it printed.
///
/// # Panics
/// If it fails, with all that was said.
pub fn run(net: &Testnet, home: &Path, arguments: &[&str]) -> String {
    let passport = built_binary("passport");
    let binaries = passport
        .parent()
        .expect("a binary lies in a folder")
        .display()
        .to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("PATH", format!("{binaries}:{path}"))
        .env("PASSPORT_RPC", net.rpc("node-0").url())
        .env("LEDGER_RPC", net.rpc("node-0").url())
        .env("LEDGER_SECOND_RPC", net.rpc("validator-1").url())
        .env("CARGO_TARGET_DIR", home)
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
fn only_the_fences_own_blocks_are_taken() {
    let text = "```sh\none\n```\n```sh,run\ntwo\n```\ntext\n```json\nno\n```\n```sh,run\nthree\n```\n";
    assert_eq!(blocks(text, "sh,run"), "two\nthree\n");
    assert_eq!(blocks(text, "sh"), "one\n");
}
