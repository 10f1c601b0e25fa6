//! Does `tuf-client` do what its command line says, against a real server, and is what it keeps whole after it was killed?

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ledger_notary::{
    store::Store,
    tuf::{Floor, RoleName, Settings, UnixSeconds, Verifier},
};

use crate::kit::{DAY, Sim, delegation, version};

/// What a server answers to a path.
pub type Serve = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// A server that is as simple as HTTP allows; `/endless` never ends. Lives as long as the test.
pub fn serve(files: Arc<Serve>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, files) = (stream.unwrap(), files.clone());
            thread::spawn(move || answer(stream, &*files));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, files: &Serve) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    while !lines.next()?.ok()?.is_empty() {}
    let path = first.split(' ').nth(1)?;
    match files(path) {
        Some(bytes) if bytes == b"endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").ok()?;
            while stream.write_all(&[b' '; 4096]).is_ok() {}
        }
        Some(bytes) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                bytes.len()
            );
            stream.write_all(&[head.as_bytes(), &bytes].concat()).ok()?;
        }
        None => stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .ok()?,
    }
    Some(())
}

/// A repository that is good today, and the address of a server that shows it as it is at each moment.
struct Served {
    sim: Arc<Mutex<Sim>>,
    url: String,
    folder: tempfile::TempDir,
}

impl Served {
    fn new() -> Self {
        let mut sim = Sim::new();
        let now = UnixSeconds::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
        sim.root.expires = now.plus(9 * DAY);
        sim.snapshot.expires = now.plus(9 * DAY);
        sim.timestamp.expires = now.plus(9 * DAY);
        sim.targets().expires = now.plus(9 * DAY);
        sim.add_role("targets", delegation("m-a", 60, &["m.a.*"]), 60);
        sim.role("m-a").expires = now.plus(9 * DAY);
        sim.add_file("m-a", "m.a.nodes.json", b"nodes of a");
        for role in ["m-a", "targets"] {
            sim.put_role(role);
        }
        sim.put_root();
        sim.put_snapshot();
        sim.put_timestamp();
        let sim = Arc::new(Mutex::new(sim));
        let shown = sim.clone();
        let url = serve(Arc::new(move |path: &str| {
            let name = path.trim_start_matches("/metadata/").trim_start_matches("/targets/");
            shown.lock().unwrap().files.get(name).cloned()
        }));
        let folder = tempfile::tempdir().unwrap();
        let served = Self { sim, url, folder };
        let root = served.folder.path().join("trusted.json");
        fs::write(&root, &served.sim.lock().unwrap().files["1.root.json"]).unwrap();
        let done = served.command(&["init", root.to_str().unwrap()]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        served
    }

    fn trusted(&self) -> PathBuf {
        self.folder.path().join("trusted")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tuf-client"));
        command.arg("--metadata-dir").arg(self.trusted());
        command.args(["--metadata-url", &format!("{}/metadata/", self.url)]);
        command.args(arguments);
        command
    }

    fn refresh(&self) -> Output {
        self.command(&["refresh"]).output().unwrap()
    }

    fn download(&self, name: &str) -> Output {
        let mut command = self.command(&[
            "--target-name",
            name,
            "--target-base-url",
            &format!("{}/targets", self.url),
        ]);
        command
            .arg("--target-dir")
            .arg(self.folder.path().join("got"))
            .arg("download");
        command.output().unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn it_refreshes_and_downloads() {
    let served = Served::new();
    let done = served.refresh();
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(
        names(&served.trusted()),
        ["root.json", "snapshot.json", "targets.json", "timestamp.json"]
    );
    let done = served.download("m.a.nodes.json");
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(
        fs::read(served.folder.path().join("got/m.a.nodes.json")).unwrap(),
        b"nodes of a"
    );
    assert!(served.trusted().join("m-a.json").exists());

    // What is there already is not fetched again.
    served
        .sim
        .lock()
        .unwrap()
        .files
        .retain(|name, _| !name.contains("nodes"));
    assert!(served.download("m.a.nodes.json").status.success());
    fs::write(served.folder.path().join("got/m.a.nodes.json"), b"altered").unwrap();
    let done = served.download("m.a.nodes.json");
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("which m-a lists"), "{}", said(&done));
}

#[test]
fn it_says_what_is_wrong_and_exits_with_1() {
    let served = Served::new();
    let done = served.download("nobody's");
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("TUF 5.7.2"), "{}", said(&done));
    assert!(
        served.trusted().join("targets.json").exists(),
        "the refresh before the search went well"
    );

    served.sim.lock().unwrap().files.remove("timestamp.json");
    let done = served.refresh();
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("TUF 5.4.1"), "{}", said(&done));

    fs::remove_file(served.trusted().join("root.json")).unwrap();
    assert!(said(&served.refresh()).contains("tuf-client init"));
}

#[test]
fn endless_data_is_left_at_the_bound() {
    let served = Served::new();
    for name in ["2.root.json", "timestamp.json"] {
        served
            .sim
            .lock()
            .unwrap()
            .files
            .insert(name.to_owned(), b"endless".to_vec());
        let done = served.refresh();
        assert_eq!(done.status.code(), Some(1));
        assert!(said(&done).contains("endless data?"), "{}", said(&done));
        served.sim.lock().unwrap().files.remove(name);
    }
}

#[test]
fn what_it_keeps_is_whole_whenever_it_is_killed() {
    let served = Served::new();
    assert!(served.refresh().status.success());
    let store = Store::open(&served.trusted()).unwrap();
    let mut seen = 1;
    for round in 0..24_u64 {
        {
            let mut sim = served.sim.lock().unwrap();
            if round % 3 == 0 {
                sim.release_root();
            }
            let next = sim.targets().version.get() + 1;
            sim.targets().version = version(next);
            sim.put_role("targets");
            sim.release();
        }
        let mut child = served.command(&["refresh"]).spawn().unwrap();
        // Within the few milliseconds that a refresh takes here.
        thread::sleep(Duration::from_micros(700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let stored = store.load().expect("whatever is kept can be read");
        let now = UnixSeconds::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
        let settings = Settings {
            now,
            floor: Floor::default(),
        };
        Verifier::start(stored.clone(), settings).expect("the root that is kept is a whole one");
        let targets: serde_json::Value = serde_json::from_slice(&stored.others[&RoleName::targets()]).unwrap();
        let kept = targets["signed"]["version"].as_u64().unwrap();
        assert!(kept >= seen, "never back");
        seen = kept;
    }
    let done = served.refresh();
    assert!(done.status.success(), "{}", said(&done));
}
