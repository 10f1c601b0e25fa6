//! Does the tree still keep the rules that a compiler cannot check? `tests/tidy.rs` runs these rules over the repository; each
//! rule is a plain function from a path and its text to findings, so that its own tests show what it catches.
//!
//! Never fixes anything and never reads outside the repository.

pub mod layering;
pub mod links;
pub mod packages;
pub mod rooms;
pub mod words;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path from the repository's root.
    pub path: String,
    /// Line, counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong, with the measured value and the limit.
    pub what: String,
}

impl Finding {
    /// A finding at `line` of `path`.
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// One text file of the repository.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path from the repository's root, with `/` between the parts.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Folders that hold what is built, fetched or run, never sources.
const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", ".git", ".data", "cache", "out", "dist"];

/// Extensions of the files that the rules read.
const TEXT_EXTENSIONS: &[&str] = &[
    "rs", "sol", "toml", "md", "sh", "mjs", "js", "cjs", "ts", "tsx", "css", "html", "json", "yml", "yaml", "py",
    "txt", "npmrc",
];

/// The repository's root: the folder above this crate.
pub fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate lies in the repository")
        .to_path_buf()
}

/// Every text file of the repository, sorted by path.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn read_tree(root: &Path) -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_symlink() || SKIPPED_FOLDERS.contains(&name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if is_text(&path, name) {
                let relative = path
                    .strip_prefix(root)
                    .expect("found below the root")
                    .to_string_lossy()
                    .replace('\\', "/");
                files.push(SourceFile {
                    path: relative,
                    text: fs::read_to_string(&path)?,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_text(path: &Path, name: &str) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    TEXT_EXTENSIONS.contains(&extension) || matches!(name, "Makefile" | "run" | "LICENSE" | ".npmrc" | "Cargo.lock")
}

/// Is this Rust file part of what ships (as opposed to a test, a benchmark or the tests crate)?
pub fn is_shipped_rust(path: &str) -> bool {
    path.ends_with(".rs") && !is_test_path(path)
}

/// Does this path lie in a test folder?
pub fn is_test_path(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "tests" | "test" | "benches" | "fuzz"))
}
