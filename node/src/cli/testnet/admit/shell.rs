//! Who types the commands? Runs them one after the other, prints each as it would be typed, and says how long it all takes.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::{
        network::{POLL, say},
        notary,
    },
    Interrupt, NotaryFiles, TestnetError, failed, replace,
};

/// The commands, and when they began.
pub(super) struct Shell {
    started: Instant,
    node: PathBuf,
}

/// A command that is being put together.
pub(super) struct Line {
    program: PathBuf,
    words: Vec<OsString>,
}

impl Shell {
    pub(super) fn new(started: Instant) -> Result<Self, TestnetError> {
        let node = std::env::current_exe().map_err(|source| failed("find", Path::new("ledger-node"), source))?;
        Ok(Self { started, node })
    }

    /// Time since the beginning.
    pub(super) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says what comes.
    pub(super) fn tell(&self, words: &str) {
        say(&format!("\n{:>6.1} s  {words}", self.since_start().as_secs_f64()));
    }

    /// A command of this program.
    pub(super) fn node(&self, command: &str) -> Result<Line, TestnetError> {
        Ok(Line::new(self.node.clone(), command))
    }

    /// A command of `ledger-notary`.
    pub(super) fn notary(&self, files: &NotaryFiles, command: &str) -> Result<Line, TestnetError> {
        Ok(Line::new(notary::program(files)?, command))
    }

    /// Waits until `look` finds something.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        within: Duration,
        interrupt: &mut Interrupt,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, TestnetError> {
        self.tell(&format!("Waiting: {what}."));
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(TestnetError::Step {
                    command: what.to_owned(),
                    words: format!(
                        "it did not happen within {} s; see the logs of the nodes and of the notary",
                        within.as_secs()
                    ),
                });
            }
            if interrupt.within(POLL) {
                return Err(TestnetError::Interrupted);
            }
        }
    }
}

impl Line {
    fn new(program: PathBuf, command: &str) -> Self {
        let words = vec![command.into()];
        Self { program, words }
    }

    pub(super) fn words<W: Into<OsString>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    pub(super) fn path(self, path: &Path) -> Self {
        self.words([path])
    }

    pub(super) fn flag(self, flag: &str, value: impl AsRef<OsStr>) -> Self {
        self.words([OsStr::new(flag), value.as_ref()])
    }

    /// Runs it; gives its answer as JSON.
    pub(super) fn json(self) -> Result<Value, TestnetError> {
        let typed = self.typed();
        let answer = self.words(["--json"]).run(&typed)?;
        serde_json::from_slice(&answer).map_err(|error| TestnetError::Step {
            command: typed,
            words: format!("its answer is no JSON: {error}"),
        })
    }

    /// Runs it; puts its answer into a file.
    pub(super) fn into_file(self, path: &Path) -> Result<(), TestnetError> {
        let typed = format!("{} > {}", self.typed(), path.display());
        let answer = self.run(&typed)?;
        replace(path, &answer)
    }

    fn run(self, typed: &str) -> Result<Vec<u8>, TestnetError> {
        say(&format!("   $ {typed}"));
        let output = Command::new(&self.program)
            .args(&self.words)
            .stdin(Stdio::null())
            .output();
        let output = output.map_err(|source| TestnetError::Spawn {
            node: self.program.display().to_string(),
            source,
        })?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(TestnetError::Step {
                command: typed.to_owned(),
                words: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
            }),
        }
    }

    /// As a person would type it.
    fn typed(&self) -> String {
        let name = self.program.file_name().unwrap_or_default();
        let words = std::iter::once(name).chain(self.words.iter().map(OsString::as_os_str));
        let quoted = words.map(|word| match word.to_string_lossy() {
            word if word.contains(char::is_whitespace) => format!("'{word}'"),
            word => word.into_owned(),
        });
        quoted.collect::<Vec<_>>().join(" ")
    }
}
