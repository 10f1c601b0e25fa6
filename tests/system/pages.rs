//! Do the pages that the node carries work in a real browser, on a real network? Each test starts a network and runs a file of
//! `web/e2e` against it. Without Chromium, or without the pages' packages, there is nothing to run, and the test says so; where CI
//! runs, that is a failure.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use ledger_tests::{
    harness::{Testnet, built_binary},
    tidy::repository_root,
};

/// Where Debian and others put Chromium; `web/e2e/world.ts` has the same.
const CHROMIUM: [&str; 3] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
];

/// Python with what `examples/signup` needs, where `scripts/signup-check.sh` puts it: below the cache.
const SIGNUP_PYTHON: &str = "signup-python/bin/python";

/// Where the scripts keep what is made once.
fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/cloud-ledger");
    std::env::var_os("CLOUD_LEDGER_CACHE").map_or_else(home, PathBuf::from)
}

/// Runs `files`, one after the other, against a network of their own.
fn browse(files: &[&str]) {
    browse_on(files, || Some(Testnet::start(4, 1)));
}

/// Runs `files` against the network that `start` starts, if it does.
fn browse_on(files: &[&str], start: impl FnOnce() -> Option<Testnet>) {
    let web = repository_root().join("web");
    if let Err(missing) = is_ready(&web) {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("skipped: {missing}");
        return;
    }
    let Some(net) = start() else { return };
    let entry = net.rpc("node-0");
    let binaries = built_binary("passport");
    let binaries = binaries.parent().expect("a binary lies in a folder");
    let output = Command::new("node")
        .args(["node_modules/vitest/vitest.mjs", "run", "--project", "e2e"])
        .args(files)
        .current_dir(&web)
        .env("LEDGER_RPC", entry.url())
        .env("LEDGER_BIN", binaries)
        .env("LEDGER_TESTNET", net.path())
        .env("LEDGER_SIGNUP_PYTHON", cache().join(SIGNUP_PYTHON))
        .output()
        .expect("Node.js is installed");
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{words}");
    assert!(told.contains("passed"), "no test ran:\n{told}\n{words}");
}

fn is_ready(web: &Path) -> Result<(), String> {
    if !CHROMIUM.iter().any(|path| Path::new(path).exists()) {
        return Err("there is no Chromium: install it, or run `make setup`".to_owned());
    }
    if !web.join("node_modules/vitest/vitest.mjs").exists() || !web.join("dist/pages/index.html").exists() {
        return Err("the pages are not built: run `make build`, or scripts/web.sh and then cargo".to_owned());
    }
    Ok(())
}

#[test]
fn a_promo_code_is_asked_for_scanned_used_once_and_rewarded_in_a_browser() {
    browse(&["e2e/story.test.ts", "e2e/camera.test.ts"]);
}

#[test]
fn a_cloud_signs_a_user_up_by_the_code_and_another_refuses_it() {
    let python = cache().join(SIGNUP_PYTHON);
    if !python.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", python.display());
        println!(
            "skipped: {} is missing; scripts/signup-check.sh makes it",
            python.display()
        );
        return;
    }
    browse(&["e2e/signup.test.ts"]);
}

#[test]
fn every_page_is_legible_in_every_size_and_light() {
    browse(&["e2e/looks.test.ts", "e2e/faults.test.ts"]);
}

#[test]
fn every_state_of_the_pages_is_legible_and_no_quorum_and_no_node_are_explained() {
    browse(&["e2e/states.test.ts"]);
}

#[test]
fn the_network_page_shows_a_validator_die_and_come_back() {
    browse(&["e2e/network.test.ts"]);
}

#[test]
fn the_network_page_shows_checkpoints_come_onto_the_mainchain_and_back() {
    browse_on(&["e2e/checkpoints.test.ts"], || Testnet::start_with_mainchain(4, 1));
}

#[test]
fn the_pages_show_a_recovery_and_what_it_left_behind() {
    browse_on(&["e2e/recovery.test.ts"], || Testnet::start_with_mainchain(4, 1));
}
