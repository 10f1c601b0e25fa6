//! Is what we fetch pinned? npm packages by exact version with a lockfile that names no host, crates by the workspace table
//! alone, and every workspace crate under the workspace's lints.

use serde_json::Value;

use super::Finding;

/// Everything wrong with one `package.json`: versions must be exact.
pub fn check_package_json(path: &str, text: &str) -> Vec<Finding> {
    let Ok(package) = serde_json::from_str::<Value>(text) else {
        return vec![Finding::new(path, 0, "is not JSON")];
    };
    let mut findings = Vec::new();
    for section in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (name, version) in package[section].as_object().into_iter().flatten() {
            let version = version.as_str().unwrap_or_default();
            if !is_exact(version) {
                findings.push(Finding::new(
                    path,
                    0,
                    format!("{name} is `{version}`: pin an exact version"),
                ));
            }
        }
    }
    findings
}

fn is_exact(version: &str) -> bool {
    let numbers: Vec<_> = version
        .split(['-', '+'])
        .next()
        .unwrap_or_default()
        .split('.')
        .collect();
    numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
}

/// Everything wrong with one `package-lock.json`: integrity hashes yes, addresses no.
pub fn check_package_lock(path: &str, text: &str) -> Vec<Finding> {
    let Ok(lock) = serde_json::from_str::<Value>(text) else {
        return vec![Finding::new(path, 0, "is not JSON")];
    };
    let mut findings = Vec::new();
    for (name, entry) in lock["packages"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.is_empty())
    {
        if entry.get("resolved").is_some() {
            findings.push(Finding::new(
                path,
                0,
                format!("{name} names the address it was fetched from"),
            ));
        }
        if entry.get("integrity").is_none() && entry.get("link").is_none() {
            findings.push(Finding::new(path, 0, format!("{name} has no integrity hash")));
        }
    }
    findings
}

/// Everything wrong with one workspace crate's `Cargo.toml`.
pub fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.contains("[lints]\nworkspace = true") {
        findings.push(Finding::new(
            path,
            0,
            "is outside the workspace's lints: add `[lints] workspace = true`",
        ));
    }
    let description = text.lines().find_map(|line| line.strip_prefix("description = "));
    if description.is_none_or(|words| words.len() < 20) {
        findings.push(Finding::new(path, 0, "has no description worth the name"));
    }
    let mut in_dependencies = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            let what = format!("`{line}`: versions stand in the root's [workspace.dependencies]");
            findings.push(Finding::new(path, number, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_npm_versions_pass() {
        for (version, findings) in [
            ("1.2.3", 0),
            ("1.2.3-beta.1", 0),
            ("^1.2.3", 1),
            ("~1.2.3", 1),
            ("*", 1),
            ("1.2", 1),
        ] {
            let text = format!(r#"{{ "devDependencies": {{ "x": "{version}" }} }}"#);
            assert_eq!(check_package_json("package.json", &text).len(), findings, "{version}");
        }
        assert_eq!(check_package_json("package.json", "{").len(), 1);
    }

    #[test]
    fn a_lockfile_names_hashes_and_no_addresses() {
        let lock = |entry: &str| format!(r#"{{ "packages": {{ "": {{}}, "node_modules/x": {entry} }} }}"#);
        assert!(check_package_lock("l", &lock(r#"{ "integrity": "sha512-x" }"#)).is_empty());
        assert_eq!(
            check_package_lock("l", &lock(r#"{ "integrity": "sha512-x", "resolved": "https://x" }"#)).len(),
            1
        );
        assert_eq!(check_package_lock("l", &lock("{}")).len(), 1);
    }

    #[test]
    fn a_manifest_without_lints_or_with_its_own_versions_is_found() {
        let good = "description = \"What the chain is, as data\"\n[lints]\nworkspace = true\n[dependencies]\na.workspace = true\n";
        assert!(check_manifest("x/Cargo.toml", good).is_empty());
        assert_eq!(
            check_manifest("x/Cargo.toml", &good.replace("[lints]\nworkspace = true\n", "")).len(),
            1
        );
        assert_eq!(
            check_manifest("x/Cargo.toml", &good.replace("What the chain is, as data", "x")).len(),
            1
        );
        assert_eq!(
            check_manifest("x/Cargo.toml", &good.replace("a.workspace = true", "a = \"1\"")).len(),
            1
        );
    }
}
