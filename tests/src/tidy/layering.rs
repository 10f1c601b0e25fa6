//! Who may know whom? The table of the house, as data: which workspace crate may depend on which, which outside crate may be
//! named where, and what the pure layers must not touch.
//!
//! Dependencies come from `cargo metadata`; names in code come from token trees, so comments and strings do not count.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use serde_json::Value;

use super::{
    Finding,
    rooms::{attributes, is_cfg_test},
};

/// Package -> workspace packages that it may depend on, lowest layer first.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("ledger-chainspec", &[]),
    ("ledger-contracts", &[]),
    ("ledger-consensus", &["ledger-chainspec"]),
    // Broken rules: for the simulation alone.
    ("ledger-mutants", &["ledger-chainspec"]),
    ("ledger-runtime", &["ledger-chainspec", "ledger-contracts"]),
    ("ledger-keys", &[]),
    ("ledger-network", &["ledger-chainspec", "ledger-consensus"]),
    ("ledger-notary", &["ledger-chainspec", "ledger-keys"]),
    ("ledger-api", &["ledger-chainspec"]),
    (
        "ledger-checkpoint",
        &[
            "ledger-api",
            "ledger-chainspec",
            "ledger-consensus",
            "ledger-contracts",
            "ledger-keys",
        ],
    ),
    ("ledger-suites", &["ledger-chainspec", "ledger-runtime"]),
    (
        "passport",
        &[
            "ledger-api",
            "ledger-chainspec",
            "ledger-checkpoint",
            "ledger-contracts",
            "ledger-keys",
        ],
    ),
    (
        "ledger-node",
        &[
            "ledger-api",
            "ledger-chainspec",
            "ledger-checkpoint",
            "ledger-consensus",
            "ledger-contracts",
            "ledger-keys",
            "ledger-network",
            "ledger-notary",
            "ledger-runtime",
            "ledger-suites",
            "passport",
        ],
    ),
    (
        "ledger-tests",
        &[
            "ledger-api",
            "ledger-chainspec",
            "ledger-checkpoint",
            "ledger-consensus",
            "ledger-contracts",
            "ledger-keys",
            "ledger-mutants",
            "ledger-network",
            "ledger-node",
            "ledger-notary",
            "ledger-runtime",
        ],
    ),
    (
        "ledger-fuzz-targets",
        &[
            "ledger-api",
            "ledger-chainspec",
            "ledger-checkpoint",
            "ledger-consensus",
            "ledger-contracts",
            "ledger-keys",
            "ledger-network",
            "ledger-node",
            "ledger-notary",
            "ledger-runtime",
            "passport",
        ],
    ),
];

/// The one package whose rules can be broken.
const MUTANTS: &str = "ledger-mutants";

/// Outside packages that only the named workspace packages may depend on.
pub const RESERVED: &[(&str, &[&str])] = &[
    ("alloy-evm", &["ledger-runtime"]),
    ("ethers", &["ledger-checkpoint"]),
    // Through ethers alone, so that all of it has one version.
    ("ethers-core", &[]),
    ("ethers-providers", &[]),
    ("ethers-signers", &[]),
    (
        "jsonrpsee",
        &[
            "ledger-api",
            "ledger-checkpoint",
            "ledger-fuzz-targets",
            "ledger-node",
            "passport",
        ],
    ),
    ("libp2p", &["ledger-network", "ledger-node"]),
    ("revm", &["ledger-runtime"]),
    ("revm-inspectors", &["ledger-runtime"]),
    ("rocksdb", &["ledger-node", "ledger-runtime"]),
    (
        "tokio",
        &[
            "ledger-checkpoint",
            "ledger-fuzz-targets",
            "ledger-network",
            "ledger-node",
            "ledger-notary",
            "ledger-tests",
            "passport",
        ],
    ),
];

/// Crate name as written in code -> path prefixes of the only files that may name it.
pub const NAMED_ONLY_IN: &[(&str, &[&str])] = &[
    ("revm", &["runtime/src/executor"]),
    ("revm_inspectors", &["runtime/src/executor"]),
    ("alloy_evm", &["runtime/src/executor"]),
    ("ethers", &["checkpoint/src/mainchain/"]),
    ("rocksdb", &["runtime/src/store/", "node/src/signer/guard_store"]),
    ("libp2p", &["network/src/", "node/src/network/"]),
];

/// What code of layers 0 and 1 must not name, with the folders that are layer 0 or 1 and the reason.
const PURE_FOLDERS: &[&str] = &[
    "chainspec/src/",
    "checkpoint/src/outbox.rs",
    "checkpoint/src/plan/",
    "checkpoint/src/proof/",
    "checkpoint/src/reading/",
    "checkpoint/src/statement.rs",
    "consensus/src/",
    "contracts/bindings/",
    "notary/src/desk/",
    "notary/src/dsse/",
    "notary/src/judge/",
    "notary/src/log/",
    "notary/src/records/",
    "notary/src/tuf/",
    "runtime/src/",
];
const IMPURE: &[(&str, &str)] = &[
    ("SystemTime", "no clock: time comes in as an argument"),
    ("Instant", "no clock: time comes in as an argument"),
    ("getrandom", "no source of randomness"),
    ("TcpStream", "no socket"),
    ("TcpListener", "no socket"),
    ("UdpSocket", "no socket"),
    ("async", "no async below the node"),
    ("tokio", "no async below the node"),
    ("println", "no output below the node"),
    ("eprintln", "no output below the node"),
];

/// Files of layers 0 and 1 that may touch the disk.
const DISK_ALLOWED: &[&str] = &["runtime/src/store/", "chainspec/src/spec/"];

/// Everything wrong with the dependencies that `cargo metadata --no-deps` reports.
pub fn check_metadata(metadata: &Value) -> Vec<Finding> {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let reserved: BTreeMap<_, _> = RESERVED.iter().copied().collect();
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(friends) = allowed.get(name) else {
            findings.push(Finding::new(
                "tests/src/tidy/layering.rs",
                0,
                format!("package {name} is not in the table"),
            ));
            continue;
        };
        // A feature is shared by all packages of a build: the simulation's would be on in the node built beside it.
        if name != MUTANTS && package["features"].get("mutants").is_some() {
            let what = format!("{name} must have no feature `mutants`; only {MUTANTS} may break rules");
            findings.push(Finding::new(&manifest(package), 0, what));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            if allowed.contains_key(on) && !friends.contains(&on) {
                let what = format!("{name} must not depend on {on}; it may know only {friends:?}");
                findings.push(Finding::new(&manifest(package), 0, what));
            }
            let is_test_only = dependency["kind"].as_str() == Some("dev");
            if let Some(owners) = reserved.get(on)
                && !owners.contains(&name)
                && !is_test_only
            {
                let what = format!("{name} must not depend on {on}; only {owners:?} may");
                findings.push(Finding::new(&manifest(package), 0, what));
            }
        }
    }
    findings
}

fn manifest(package: &Value) -> String {
    let path = package["manifest_path"].as_str().unwrap_or_default();
    let parts: Vec<_> = path.rsplit('/').take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// Everything that the code of one shipped Rust file names and must not.
pub fn check_names(path: &str, text: &str) -> Vec<Finding> {
    let Ok(file) = syn::parse_file(text) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for item in &file.items {
        if !attributes(item).iter().any(is_cfg_test) {
            collect(item.to_token_stream(), &mut names);
        }
    }
    let is_pure = PURE_FOLDERS.iter().any(|folder| path.starts_with(folder));
    let mut findings = Vec::new();
    for (name, line) in names {
        if let Some((_, homes)) = NAMED_ONLY_IN.iter().find(|(crate_name, _)| *crate_name == name)
            && !homes.iter().any(|home| path.starts_with(home))
        {
            findings.push(Finding::new(
                path,
                line,
                format!("names `{name}`, which only {homes:?} may"),
            ));
        }
        if let Some((_, why)) = IMPURE.iter().find(|(word, _)| *word == name)
            && is_pure
        {
            findings.push(Finding::new(
                path,
                line,
                format!("names `{name}` in a pure layer: {why}"),
            ));
        }
        if name == "fs" && is_pure && !DISK_ALLOWED.iter().any(|home| path.starts_with(home)) {
            findings.push(Finding::new(
                path,
                line,
                format!("touches the disk; below the node only {DISK_ALLOWED:?} may"),
            ));
        }
    }
    findings
}

fn collect(tokens: TokenStream, names: &mut Vec<(String, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => names.push((ident.to_string(), ident.span().start().line)),
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|(on, kind)| json!({ "name": on, "kind": kind }))
            .collect();
        json!({ "packages": [{ "name": name, "manifest_path": "x/y/Cargo.toml", "dependencies": dependencies }] })
    }

    #[test]
    fn consensus_and_runtime_never_meet() {
        for (name, on) in [
            ("ledger-consensus", "ledger-runtime"),
            ("ledger-runtime", "ledger-consensus"),
            ("ledger-chainspec", "ledger-contracts"),
            ("passport", "ledger-node"),
        ] {
            for kind in [None, Some("dev"), Some("build")] {
                let found = check_metadata(&package(name, &[(on, kind)]));
                assert_eq!(found.len(), 1, "{name} -> {on} as {kind:?}");
                assert!(found[0].what.contains(on));
            }
        }
        assert!(check_metadata(&package("ledger-consensus", &[("ledger-chainspec", None)])).is_empty());
    }

    #[test]
    fn broken_rules_stay_with_the_simulation() {
        for (name, allowed) in [
            ("ledger-tests", 0),
            ("ledger-node", 1),
            ("ledger-consensus", 1),
            ("passport", 1),
        ] {
            let found = check_metadata(&package(name, &[("ledger-mutants", None)]));
            assert_eq!(found.len(), allowed, "{name}");
        }
        let mut switched = package("ledger-consensus", &[]);
        switched["packages"][0]["features"] = json!({ "mutants": [] });
        assert!(check_metadata(&switched)[0].what.contains("mutants"));
    }

    #[test]
    fn reserved_crates_stay_with_their_owner() {
        assert_eq!(check_metadata(&package("ledger-node", &[("revm", None)])).len(), 1);
        assert!(check_metadata(&package("ledger-runtime", &[("revm", None)])).is_empty());
        assert!(check_metadata(&package("ledger-consensus", &[("tokio", Some("dev"))])).is_empty());
    }

    #[test]
    fn a_package_outside_the_table_is_found() {
        assert!(
            check_metadata(&package("ledger-extra", &[]))[0]
                .what
                .contains("not in the table")
        );
    }

    #[test]
    fn names_count_in_code_only() {
        let quiet = "//! revm\n/// rocksdb\nconst A: &str = \"revm\"; // revm\n";
        assert!(check_names("runtime/src/produce.rs", quiet).is_empty());
        let found = check_names(
            "runtime/src/produce.rs",
            "fn f() { g(revm::context::TxEnv::default()) }",
        );
        assert_eq!(
            found,
            [Finding::new("runtime/src/produce.rs", 1, found[0].what.clone())]
        );
        assert!(check_names("runtime/src/executor/env.rs", "use revm::X;").is_empty());
        assert_eq!(check_names("node/src/driver.rs", "use rocksdb::DB;").len(), 1);
    }

    #[test]
    fn the_pure_layers_have_no_clock_disk_or_async() {
        for code in [
            "use std::time::SystemTime;",
            "async fn f() {}",
            "use std::fs;",
            "fn f() { println!() }",
        ] {
            assert_eq!(check_names("consensus/src/engine.rs", code).len(), 1, "{code}");
            assert!(check_names("node/src/driver.rs", code).is_empty(), "{code}");
        }
        assert!(check_names("runtime/src/store/mod.rs", "use std::fs;").is_empty());
        assert!(check_names("consensus/src/engine.rs", "#[cfg(test)] mod tests { use std::fs; }").is_empty());
    }
}
