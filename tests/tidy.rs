//! Does the repository keep its own rules? Layering, sizes, words, pins: each rule is described and tested in
//! `ledger_tests::tidy`; here they meet the tree. A failure lists every finding at once.

use std::process::Command;

use ledger_tests::tidy::{
    Finding, SourceFile, is_shipped_rust, layering, links, packages, read_tree, repository_root, rooms, words,
};

fn tree() -> Vec<SourceFile> {
    let files = read_tree(&repository_root()).expect("the repository can be read");
    assert!(
        files.len() > 20,
        "found only {} files: looking in the wrong folder?",
        files.len()
    );
    files
}

fn assert_none(findings: &[Finding]) {
    let list: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} finding(s):\n{}", list.len(), list.join("\n"));
}

#[test]
fn crates_depend_only_downwards() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(repository_root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    assert_none(&layering::check_metadata(&metadata));
}

#[test]
fn code_names_only_what_its_layer_may_know() {
    let findings: Vec<_> = tree()
        .iter()
        .filter(|file| is_shipped_rust(&file.path))
        .flat_map(|file| layering::check_names(&file.path, &file.text))
        .collect();
    assert_none(&findings);
}

#[test]
fn files_and_functions_fit_their_rooms() {
    let findings: Vec<_> = tree()
        .iter()
        .flat_map(|file| match file.path.rsplit('.').next() {
            Some("rs") => rooms::check_rust(&file.path, &file.text),
            Some("sol" | "ts" | "tsx" | "css") => rooms::check_lines(&file.path, &file.text),
            _ => Vec::new(),
        })
        .collect();
    assert_none(&findings);
}

#[test]
fn nothing_is_left_open_and_no_machine_is_named() {
    assert_none(
        &tree()
            .iter()
            .flat_map(|file| words::check(&file.path, &file.text))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn packages_are_pinned_and_crates_share_their_lints() {
    let findings: Vec<_> = tree()
        .iter()
        .flat_map(|file| match file.path.rsplit('/').next() {
            Some("package.json") => packages::check_package_json(&file.path, &file.text),
            Some("package-lock.json") => packages::check_package_lock(&file.path, &file.text),
            // The roots of the two workspaces hold the tables of versions.
            Some("Cargo.toml") if !matches!(file.path.as_str(), "Cargo.toml" | "fuzz/Cargo.toml") => {
                packages::check_manifest(&file.path, &file.text)
            }
            _ => Vec::new(),
        })
        .collect();
    assert_none(&findings);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = repository_root();
    let findings: Vec<_> = tree()
        .iter()
        .filter(|file| file.path.ends_with(".md"))
        .flat_map(|file| links::check(&file.path, &file.text, |target| root.join(target).exists()))
        .collect();
    assert_none(&findings);
}
