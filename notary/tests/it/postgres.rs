//! Debian's PostgreSQL for one test: a cluster in a folder of its own, reached through a socket in that folder, by nobody else.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where Debian puts the programs, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// How long a new cluster may take until it answers, on a busy machine.
const START_WAIT_MAX: Duration = Duration::from_secs(60);

/// A running server, which ends with the test.
pub struct Postgres {
    server: Child,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// Starts a server, or says why there is none.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: no PostgreSQL under {VERSIONS} (Debian package `postgresql`)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // The server refuses to run as root, and the folder must be its user's.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        if is_root() {
            let done = Command::new("chown")
                .arg("postgres")
                .arg(folder.path())
                .status()
                .unwrap();
            assert!(done.success(), "Debian's package brings the user postgres");
        }
        let data = folder.path().join("data");
        let made = unprivileged(&programs.join("initdb"))
            .args(["--auth=trust", "--username=notary", "--no-sync", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = unprivileged(&programs.join("postgres"))
            .args(["-c", "listen_addresses=", "-k"])
            .arg(folder.path())
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let postgres = Self { server, folder };
        postgres.wait(&programs);
        Some(postgres)
    }

    fn wait(&self, programs: &Path) {
        let started = Instant::now();
        let is_ready = || {
            let asked = Command::new(programs.join("pg_isready"))
                .arg("-q")
                .arg("-h")
                .arg(self.folder.path())
                .status();
            asked.unwrap().success()
        };
        while !is_ready() {
            assert!(started.elapsed() < START_WAIT_MAX, "PostgreSQL does not answer");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The address of a database that is made by this call.
    pub fn database(&self, name: &str) -> String {
        let made = Command::new("psql")
            .args([
                "-q",
                "-U",
                "notary",
                "-d",
                "postgres",
                "-c",
                &format!("CREATE DATABASE {name}"),
                "-h",
            ])
            .arg(self.folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        format!(
            "postgres://notary@localhost/{name}?host={}",
            self.folder.path().display()
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.server);
        // Its quickest end: nothing in the folder is of use afterwards.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.server.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(VERSIONS)
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.retain(|folder| folder.join("postgres").exists());
    folders.sort_unstable();
    folders.pop()
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// A program as the user postgres, where the test runs as root.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
        .arg(program);
    // Somewhere that this user may be.
    command.current_dir("/");
    command
}
