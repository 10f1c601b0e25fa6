//! Does every link between our documents lead somewhere? Relative links of Markdown files, to files and folders; addresses of the
//! outside world are not looked at.

use std::path::Path;

use super::Finding;

/// Every relative link of the Markdown file at `path` whose target `exists` denies.
pub fn check(path: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let is_outside = target.contains("://") || target.starts_with("mailto:");
            if !is_outside && !file.is_empty() && !exists(&folder.join(file)) {
                findings.push(Finding::new(
                    path,
                    number,
                    format!("links to `{target}`, which does not exist"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_broken_relative_links_are_found() {
        let exists = |path: &Path| path == Path::new("a/b.md") || path == Path::new("a/../c");
        let text =
            "[x](b.md) [x](b.md#part) [x](#here) [x](https://example.org/y) [x](../c)\n[x](gone.md) and [x](b.rs)";
        let found = check("a/README.md", text, exists);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|finding| finding.line == 2));
        assert!(found[0].what.contains("gone.md"));
    }
}
