//! Processes that outlive the command that started them: started apart from the terminal, known again later, and ended
//! within a bound.
//!
//! A process id alone is not enough: the kernel gives it to another process one day. So a process is known by its id, the
//! tick of its start and the boot it belongs to, and it is signalled through a handle that was compared with all three: a
//! process that only has the same number is never touched.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::assembly;

/// From SIGTERM to SIGKILL: twice what a node takes at most.
pub const TERMINATE_WITHIN: Duration = Duration::from_secs(10);
/// From SIGKILL until a process is given up, which happens only if it hangs in the kernel.
const KILL_WITHIN: Duration = Duration::from_secs(5);
/// Time between two looks at processes that are to end.
const END_POLL: Duration = Duration::from_millis(20);
/// A log that is longer is put aside at the next start, so that at most two of them are kept.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// The line in a log before everything that one process says.
pub const START_LINE: &str = "---- the node is started ----";

const _: () = assert!(TERMINATE_WITHIN.as_secs() >= 2 * assembly::STOP_WITHIN.as_secs());

/// First arguments of a node that tell whose it is: `--chain X --data-dir Y --rpc-host`, which nobody types by chance.
const TELLING_ARGUMENTS: usize = 5;
/// Those of them that name the chain, by a name or a path.
const CHAIN_ARGUMENTS: usize = 2;
/// What the names of all environment variables begin with that stand for arguments.
const OWN_VARIABLES: &[u8] = b"LEDGER_";

/// A process, as it can be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it was started, in the kernel's ticks since the machine's start.
    start_ticks: u64,
    /// Which start of the machine that was.
    boot_id: String,
}

/// How a process ended that was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was not there any more.
    Before,
    /// It ended at SIGTERM.
    Gracefully,
    /// It had to be killed.
    Killed,
}

impl ProcessId {
    /// The process with the number `pid`; `None` if there is none.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            start_ticks: stat(pid)?.start_ticks,
            boot_id: boot_id()?,
        })
    }

    /// Whether it still runs: it exists, is this one, and is no zombie.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        boot_id().as_ref() == Some(&self.boot_id)
            && stat(self.pid).is_some_and(|stat| stat.start_ticks == self.start_ticks && !stat.has_ended)
    }

    /// Sends a signal; false if the process has ended.
    fn signal(&self, signal: Signal) -> io::Result<bool> {
        let number = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(number) = number else { return Ok(false) };
        // The handle is of whatever has the number now, for good: so it is opened first, and compared then.
        let handle = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if !self.is_alive() {
            return Ok(false);
        }
        match pidfd_send_signal(handle, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Ends all `processes` at once: SIGTERM, and SIGKILL for those that are still there after [`TERMINATE_WITHIN`]. Says of each
/// how it ended.
#[must_use]
pub fn stop(processes: &[ProcessId]) -> Vec<io::Result<Stopped>> {
    let asked: Vec<_> = processes.iter().map(|process| process.signal(Signal::TERM)).collect();
    await_end(processes, TERMINATE_WITHIN);
    let killed: Vec<_> = processes.iter().map(|process| process.signal(Signal::KILL)).collect();
    await_end(processes, KILL_WITHIN);
    let ended = processes.iter().zip(asked.into_iter().zip(killed));
    ended
        .map(|(process, (asked, killed))| match (asked?, killed?) {
            _ if process.is_alive() => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "it is there even after SIGKILL",
            )),
            (false, _) => Ok(Stopped::Before),
            (true, false) => Ok(Stopped::Gracefully),
            (true, true) => Ok(Stopped::Killed),
        })
        .collect()
}

fn await_end(processes: &[ProcessId], within: Duration) {
    let deadline = Instant::now() + within;
    while processes.iter().any(ProcessId::is_alive) && Instant::now() < deadline {
        thread::sleep(END_POLL);
    }
}

/// The program of that name beside this one.
///
/// # Errors
/// If the operating system does not say where this one is.
pub fn beside(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Starts a program with `arguments`, apart from the terminal, with everything it says in the file `log`.
///
/// It is in a process group of its own, so that Ctrl-C and the end of the terminal do not reach it, and it inherits none of
/// the environment variables that stand for arguments: they were meant for the command, and one folder or key must not serve
/// two nodes.
///
/// # Errors
/// If the log cannot be written or the program not be started.
pub fn spawn(program: &Path, arguments: &[OsString], log: &Path) -> io::Result<Child> {
    let log = open_log(log)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    forget_own_variables(&mut command);
    command.spawn()
}

/// Keeps from `command` the environment variables that stand for arguments: they were meant for this one.
pub fn forget_own_variables(command: &mut Command) {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.as_bytes().starts_with(OWN_VARIABLES)) {
        command.env_remove(name);
    }
}

/// The processes that [`spawn`] started with each of these arguments and that nobody wrote down. The folder of the data
/// tells whose they are; a node's other arguments may have been different then.
#[must_use]
pub fn find(arguments: &[Vec<OsString>]) -> Vec<Option<ProcessId>> {
    let mut found = vec![None; arguments.len()];
    let Ok(processes) = fs::read_dir("/proc") else {
        return found;
    };
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(line) = fs::read(process.path().join("cmdline")) else {
            continue;
        };
        for (own, found) in arguments.iter().zip(&mut found) {
            if is_started_with(&line, own) {
                *found = ProcessId::of(pid);
            }
        }
    }
    found
}

/// Whether the command line in `/proc` is of a node that was started here with the data folder in `arguments`.
fn is_started_with(line: &[u8], arguments: &[OsString]) -> bool {
    let mut words = line.split(|byte| *byte == 0).skip(1);
    let own = || arguments.iter().map(|word| word.as_bytes()).take(TELLING_ARGUMENTS);
    let theirs: Vec<_> = words.by_ref().take(TELLING_ARGUMENTS).collect();
    theirs.len() == TELLING_ARGUMENTS && own().skip(CHAIN_ARGUMENTS).eq(theirs.into_iter().skip(CHAIN_ARGUMENTS))
}

fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    let mut log = File::options().create(true).append(true).open(path)?;
    writeln!(log, "{START_LINE}")?;
    Ok(log)
}

/// The part of `/proc/<pid>/stat` that tells processes apart.
struct Stat {
    start_ticks: u64,
    has_ended: bool,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The program's name, in parentheses, may hold anything; the fields count from behind it (proc(5): 3 and 22).
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        start_ticks: fields.get(19)?.parse().ok()?,
        has_ended: matches!(*fields.first()?, "Z" | "X" | "x"),
    })
}

fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> (Child, ProcessId) {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        (child, id)
    }

    #[test]
    fn a_process_with_a_reused_number_is_never_signalled() {
        let (mut child, id) = sleeper();
        let others = [
            ProcessId {
                start_ticks: id.start_ticks - 1,
                ..id.clone()
            },
            ProcessId {
                boot_id: "another".to_owned(),
                ..id.clone()
            },
        ];
        for other in &others {
            assert!(!other.is_alive());
        }
        let ended = stop(&others);
        assert!(
            ended.iter().all(|ended| matches!(ended, Ok(Stopped::Before))),
            "{ended:?}"
        );
        assert!(id.is_alive() && child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_ended_is_gone_even_while_nobody_has_waited_for_it() {
        let (mut child, id) = sleeper();
        let ended = stop(std::slice::from_ref(&id));
        assert!(matches!(ended[..], [Ok(Stopped::Gracefully)]), "{ended:?}");
        assert!(!id.is_alive());
        assert!(matches!(stop(&[id])[..], [Ok(Stopped::Before)]));
        child.wait().unwrap();
    }

    #[test]
    fn a_node_is_known_by_its_folder() {
        let own: Vec<OsString> = [
            "--chain",
            "testnet",
            "--data-dir",
            "/x/node-0",
            "--rpc-host",
            "127.0.0.1",
        ]
        .map(OsString::from)
        .to_vec();
        for (line, is_own) in [
            (
                "ledger-node --chain testnet --data-dir /x/node-0 --rpc-host 127.0.0.1",
                true,
            ),
            ("/a/b --chain /x/spec.toml --data-dir /x/node-0 --rpc-host ::1", true),
            (
                "ledger-node --chain testnet --data-dir /x/node-00 --rpc-host 127.0.0.1",
                false,
            ),
            ("ledger-node --chain testnet --data-dir /x/node-0", false),
            (
                "ledger-node db verify --chain testnet --data-dir /x/node-0 --rpc-host",
                false,
            ),
            ("", false),
        ] {
            let bytes = format!("{}\0", line.replace(' ', "\0"));
            assert_eq!(is_started_with(bytes.as_bytes(), &own), is_own, "{line}");
        }
    }

    #[test]
    fn the_programs_name_does_not_hide_its_fields() {
        let text = "7 (a) Z b)) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 1";
        let stat = parse_stat(text).unwrap();
        assert_eq!((stat.start_ticks, stat.has_ended), (4711, false));
        assert!(parse_stat(&text.replace(") S", ") Z")).unwrap().has_ended);
        assert!(parse_stat("7 (a").is_none() && parse_stat("7 (a) S 1").is_none());
    }
}
