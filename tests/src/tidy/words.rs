//! Are there words in the tree that should not be there: work left open, places of one machine, package hosts?
//!
//! Plain text rules over every text file; a rule that would find itself here is written in two halves.

use super::{Finding, is_shipped_rust};

/// Work that was left open, in any file that is code.
const LEFT_OPEN: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("todo", "!("),
    concat!("unimpl", "emented!("),
    concat!("dbg", "!("),
    concat!("#[ig", "nore"),
];

/// Folders that exist on one machine only, in any file.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

/// Part of the notary's addresses, which looks like one of them.
const NO_PLACE: &str = concat!("/v1/ro", "ot/");

/// Package hosts: a lockfile or script that names one breaks wherever a mirror is used.
const PACKAGE_HOSTS: &[&str] = &[
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("deb.de", "bian.org"),
    concat!("yarn", "pkg.com"),
];

/// Ways to end a process or skip a lock that shipped code must not use.
const SHIPPED_RUST: &[(&str, &str)] = &[
    (
        concat!(".unw", "rap()"),
        "say why it cannot fail with expect(), or return an error",
    ),
    (
        concat!("env:", ":var("),
        "configuration comes through clap, resolved once",
    ),
    (concat!("std::process::", "exit("), "return an exit code from main"),
    (concat!("unsa", "fe {"), "unsafe code is forbidden"),
];

/// Everything wrong with the words of one text file.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_lock = path.ends_with("Cargo.lock");
    let is_code = ["rs", "sol", "sh", "mjs", "js", "ts", "tsx", "css", "html", "toml", "py"]
        .iter()
        .any(|end| path.ends_with(&format!(".{end}")))
        || matches!(path, "Makefile" | ".ci/run");
    for (number, line) in (1..).zip(text.lines()) {
        if is_code {
            for word in LEFT_OPEN.iter().filter(|word| line.contains(*word)) {
                findings.push(Finding::new(
                    path,
                    number,
                    format!("`{word}` leaves work open: finish it or take it out"),
                ));
            }
        }
        let places = line.replace(NO_PLACE, "");
        for place in MACHINE_PATHS.iter().filter(|place| places.contains(*place)) {
            findings.push(Finding::new(
                path,
                number,
                format!("`{place}` is a folder of one machine"),
            ));
        }
        if !is_lock {
            for host in PACKAGE_HOSTS.iter().filter(|host| line.contains(*host)) {
                findings.push(Finding::new(
                    path,
                    number,
                    format!("`{host}` is a package host; name none"),
                ));
            }
        }
    }
    if is_shipped_rust(path) {
        findings.extend(shipped_rust(path, text));
    }
    if path.ends_with(".sh") || path == ".ci/run" {
        findings.extend(shell(path, text));
    }
    findings
}

/// Lines up to the file's inline tests, comments left out.
fn shipped_rust(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for (word, advice) in SHIPPED_RUST.iter().filter(|(word, _)| code.contains(word)) {
            findings.push(Finding::new(
                path,
                number,
                format!("`{word}` in shipped code: {advice}"),
            ));
        }
    }
    findings
}

fn shell(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("#!/usr/bin/env bash\n") {
        findings.push(Finding::new(path, 1, "a script starts with `#!/usr/bin/env bash`"));
    }
    if !text.lines().any(|line| line.starts_with("set -euo pipefail")) {
        findings.push(Finding::new(
            path,
            1,
            "a script sets `set -euo pipefail`: a failed step ends it",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_word_is_found() {
        for word in LEFT_OPEN {
            assert_eq!(
                check("a/tests/it/x.rs", &format!("fn f() {{}} // {word}\n")).len(),
                1,
                "{word}"
            );
        }
        for place in MACHINE_PATHS {
            assert_eq!(check("README.md", &format!("see {place}x\n")).len(), 1, "{place}");
        }
        for host in PACKAGE_HOSTS {
            assert_eq!(
                check(
                    "contracts/package-lock.json",
                    &format!("\"resolved\": \"https://x.{host}/y\"\n")
                )
                .len(),
                1
            );
            assert!(check("Cargo.lock", &format!("source = \"{host}\"\n")).is_empty());
        }
        for (word, _) in SHIPPED_RUST {
            assert_eq!(
                check("a/src/x.rs", &format!("fn f() {{ {word} }}\n")).len(),
                1,
                "{word}"
            );
            assert!(
                check(
                    "a/src/x.rs",
                    &format!("// {word}\n#[cfg(test)]\nmod tests {{ {word} }}\n")
                )
                .is_empty()
            );
        }
    }

    #[test]
    fn clean_text_has_no_finding() {
        assert!(check("a/src/x.rs", "//! Page.\nfn f() -> Result<(), E> { g()? }\n").is_empty());
        assert!(check("scripts/x.sh", "#!/usr/bin/env bash\nset -euo pipefail\ntrue\n").is_empty());
    }

    #[test]
    fn a_script_that_goes_on_after_a_failure_is_found() {
        assert_eq!(check("scripts/x.sh", "#!/bin/sh\ntrue\n").len(), 2);
        assert_eq!(check(".ci/run", "#!/usr/bin/env bash\ntrue\n").len(), 1);
    }
}
