//! Who types the commands? Runs them one after the other, prints each as it would be typed, and says how long it all takes.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::{
        network::{POLL, say},
        notary,
    },
    Interrupt, NotaryFiles, TestnetError, failed, hold, replace,
};

/// Longest wait for an answer of a server that runs: many times what it takes on a busy machine.
pub(super) const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// The file that one attempt at a time holds, in the folder of the cloud's node.
const LOCK_NAME: &str = "admit.lock";

/// The commands, and when they began.
pub(super) struct Shell {
    started: Instant,
    node: PathBuf,
    /// Held by this attempt, and by each of its commands until it ends, also where the attempt does not live to see that.
    lock: File,
}

/// A command that is being put together.
pub(super) struct Line<'a> {
    shell: &'a Shell,
    program: PathBuf,
    words: Vec<OsString>,
}

impl Shell {
    /// The only one that lets the cloud join whose node's folder this is: an earlier attempt's last command is waited for.
    ///
    /// # Errors
    /// [`TestnetError::Locked`] if another attempt is at work, [`TestnetError::File`].
    pub(super) fn new(started: Instant, folder: &Path) -> Result<Self, TestnetError> {
        let node = std::env::current_exe().map_err(|source| failed("find", Path::new("ledger-node"), source))?;
        let path = folder.join(LOCK_NAME);
        let lock = File::options().create(true).read(true).append(true).open(&path);
        let lock = lock.map_err(|source| failed("open the lock", &path, source))?;
        let is_held = hold(&lock).map_err(|source| failed("lock", &path, source))?;
        let path = folder.to_owned();
        is_held
            .then_some(Self { started, node, lock })
            .ok_or(TestnetError::Locked { path })
    }

    /// Time since the beginning.
    pub(super) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says what comes.
    pub(super) fn tell(&self, words: &str) {
        say(&format!("\n{:>6.1} s  {words}", self.since_start().as_secs_f64()));
    }

    /// Says what an earlier attempt has done.
    pub(super) fn done(&self, words: &str) {
        say(&format!(
            "{:>6.1} s  Done before: {words}.",
            self.since_start().as_secs_f64()
        ));
    }

    /// A command of this program.
    pub(super) fn node(&self, command: &str) -> Line<'_> {
        Line::new(self, self.node.clone(), command)
    }

    /// A command of `ledger-notary`.
    pub(super) fn notary(&self, files: &NotaryFiles, command: &str) -> Result<Line<'_>, TestnetError> {
        Ok(Line::new(self, notary::program(files)?, command))
    }

    /// Waits until `look` finds something.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        within: Duration,
        interrupt: &mut Interrupt,
        look: impl FnMut() -> Option<T>,
    ) -> Result<T, TestnetError> {
        self.tell(&format!("Waiting: {what}."));
        let found = poll(within, interrupt, look)?;
        found.ok_or_else(|| TestnetError::Step {
            command: what.to_owned(),
            words: format!(
                "it did not happen within {} s; see the logs of the nodes and of the notary",
                within.as_secs()
            ),
        })
    }
}

/// What `look` finds within a time, if it does.
pub(super) fn poll<T>(
    within: Duration,
    interrupt: &mut Interrupt,
    mut look: impl FnMut() -> Option<T>,
) -> Result<Option<T>, TestnetError> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return Ok(Some(found));
        }
        if Instant::now() > deadline {
            return Ok(None);
        }
        if interrupt.within(POLL) {
            return Err(TestnetError::Interrupted);
        }
    }
}

impl<'a> Line<'a> {
    fn new(shell: &'a Shell, program: PathBuf, command: &str) -> Self {
        let words = vec![command.into()];
        Self { shell, program, words }
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
        // Nothing is in the file: a command that asks gets no answer.
        let run = |input: File| Command::new(&self.program).args(&self.words).stdin(input).output();
        let output = self.shell.lock.try_clone().and_then(run);
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
