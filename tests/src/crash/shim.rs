//! The library that makes a node's writes and syncs fail, and that knows what a loss of power would leave.
//!
//! Compiled from `shim.c` with the system's compiler, which building RocksDB needs anyway.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::Random;

/// A call that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultyCall {
    /// `fsync` and `fdatasync`.
    Sync,
    /// `write` and its relatives.
    Write,
}

/// What goes wrong in one run of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The call.
    pub call: FaultyCall,
    /// Pattern of the paths.
    pub path: &'static str,
    /// The number of the error.
    pub errno: i32,
    /// Matching calls that succeed first.
    pub skip: u64,
    /// One call fails, or all from then on.
    pub once: bool,
}

/// A library to be loaded before all others, compiled and gone with this.
#[derive(Debug)]
pub struct Library {
    folder: TempDir,
}

/// The library that fails, and the log that it keeps.
#[derive(Debug)]
pub struct Shim {
    library: Library,
}

impl Library {
    /// Compiles it.
    ///
    /// # Errors
    /// The compiler's words.
    pub fn compile(code: &str) -> Result<Self, String> {
        let folder = TempDir::with_prefix("ledger-shim-").map_err(|error| error.to_string())?;
        let source = folder.path().join("shim.c");
        fs::write(&source, code).map_err(|error| error.to_string())?;
        let library = Self { folder };
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(library.path())
            .arg(&source)
            .arg("-ldl")
            .output()
            .map_err(|error| format!("cc cannot be run: {error}; install a C compiler (make setup)"))?;
        match compiled.status.success() {
            true => Ok(library),
            false => Err(String::from_utf8_lossy(&compiled.stderr).into_owned()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("shim.so")
    }
}

impl Shim {
    /// Compiles it.
    ///
    /// # Errors
    /// The compiler's words.
    pub fn build() -> Result<Self, String> {
        let library = Library::compile(include_str!("shim.c"))?;
        Ok(Self { library })
    }

    fn log(&self) -> PathBuf {
        self.library.folder.path().join("log")
    }

    /// The environment of a node that runs with it.
    pub fn environment(&self, fault: Option<&Fault>) -> Vec<(String, String)> {
        let library = self.library.path().display().to_string();
        let mut pairs = vec![
            ("LD_PRELOAD", library),
            ("LEDGER_FAULT_LOG", self.log().display().to_string()),
        ];
        if let Some(fault) = fault {
            let call = match fault.call {
                FaultyCall::Sync => "sync",
                FaultyCall::Write => "write",
            };
            pairs.push(("LEDGER_FAULT_CALL", call.to_owned()));
            pairs.push(("LEDGER_FAULT_PATH", fault.path.to_owned()));
            pairs.push(("LEDGER_FAULT_ERRNO", fault.errno.to_string()));
            pairs.push(("LEDGER_FAULT_SKIP", fault.skip.to_string()));
            pairs.push(("LEDGER_FAULT_ONCE", u8::from(fault.once).to_string()));
        }
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// How many runs came to their fault so far.
    pub fn faults(&self) -> usize {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().filter(|line| *line == "fault").count()
    }

    /// Takes away from the files in `data` what was never synced: some of it, or all, or makes it garbage. Gives how many
    /// bytes were lost.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn lose_power(&self, data: &Path, random: &mut Random) -> std::io::Result<u64> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let mut synced = BTreeMap::new();
        for line in log.lines() {
            let mut words = line.split(' ');
            if let (Some("sync"), Some(inode), Some(bytes)) = (words.next(), words.next(), words.next())
                && let (Ok(inode), Ok(bytes)) = (inode.parse::<u64>(), bytes.parse::<u64>())
            {
                synced.insert(inode, bytes);
            }
        }
        let mut lost = 0;
        for folder in ["chain", "guard"] {
            for entry in fs::read_dir(data.join(folder))? {
                let path = entry?.path();
                if is_synced_in_order(&path) {
                    let inode = fs::metadata(&path)?.ino();
                    lost += lose_tail(&path, synced.get(&inode).copied().unwrap_or(0), random)?;
                }
            }
        }
        Ok(lost)
    }
}

/// Files that are appended to, and that something is promised of.
fn is_synced_in_order(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".log") || name.ends_with(".sst") || name.starts_with("MANIFEST-")
}

fn lose_tail(path: &Path, synced: u64, random: &mut Random) -> std::io::Result<u64> {
    let file = OpenOptions::new().write(true).open(path)?;
    let length = file.metadata()?.len();
    let Some(unsynced) = length.checked_sub(synced).filter(|unsynced| *unsynced > 0) else {
        return Ok(0);
    };
    let kept = match random.below(3) {
        0 => 0,
        _ => random.below(unsynced),
    };
    file.set_len(synced + kept)?;
    if kept > 0 && random.below(2) == 0 {
        let garbage: Vec<u8> = (0..kept.min(4096)).map(|_| random.byte()).collect();
        file.write_all_at(&garbage, synced + kept - garbage.len() as u64)?;
    }
    (&file).flush()?;
    Ok(unsynced - kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_write_fails_and_others_do_not() {
        let shim = Shim::build().expect("it compiles");
        let folder = TempDir::with_prefix("ledger-shim-test-").expect("a folder");
        let run = |fault: Option<&Fault>, name: &str| {
            let script = format!("set -o pipefail; printf onetwo | dd bs=3 of={name} status=none");
            let mut command = Command::new("bash");
            command
                .args(["-c", &script])
                .current_dir(folder.path())
                .envs(shim.environment(fault));
            command.output().expect("bash runs").status.success()
        };
        let full = Fault {
            call: FaultyCall::Write,
            path: "*/chosen",
            errno: 28,
            skip: 1,
            once: true,
        };
        assert!(run(None, "chosen"));
        assert!(run(Some(&full), "other"));
        assert_eq!(shim.faults(), 0);
        assert!(!run(Some(&full), "chosen"));
        assert_eq!(shim.faults(), 1);
        assert_eq!(fs::read(folder.path().join("chosen")).expect("readable"), b"one");
    }

    #[test]
    fn a_loss_of_power_takes_what_was_not_synced_and_nothing_else() {
        let shim = Shim::build().expect("it compiles");
        let data = TempDir::with_prefix("ledger-shim-test-").expect("a folder");
        for folder in ["chain", "guard"] {
            fs::create_dir(data.path().join(folder)).expect("made");
        }
        let log = data.path().join("chain/000004.log");
        let script = format!("printf durable > {0} && sync {0} && printf lost >> {0}", log.display());
        let done = Command::new("bash")
            .args(["-c", &script])
            .envs(shim.environment(None))
            .status();
        assert!(done.expect("bash runs").success());
        let mut random = Random::new(3);
        let lost = shim.lose_power(data.path(), &mut random).expect("the files can be cut");
        let left = fs::read(&log).expect("readable");
        assert!(
            left.starts_with(b"durable") && left.len() as u64 + lost == 11,
            "{lost}: {left:?}"
        );
        let again = shim.lose_power(data.path(), &mut random).expect("the files can be cut");
        assert!(again <= 4 - lost);
    }
}
