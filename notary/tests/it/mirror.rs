//! How long does somebody wait for a server, and how much is taken from it?

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ledger_notary::{
    http::{Http, HttpError, Patience},
    tuf::Answer,
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Patience = Patience {
    file: Duration::from_millis(400),
    all: Duration::from_secs(60),
    attempts: 3,
};

/// A server that does this with every connection; gives its address and how many came.
fn server(serve: fn(&mut TcpStream)) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/1.root.json", listener.local_addr().unwrap());
    let met = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&met);
    thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut request = [0; 512];
                let _ = stream.read(&mut request);
                serve(&mut stream);
            });
        }
    });
    (address, met)
}

#[test]
fn a_server_that_says_nothing_is_left_after_the_attempts() {
    let (address, met) = server(|_| thread::sleep(Duration::from_secs(30)));
    let started = Instant::now();
    let error = Http::new(PATIENCE).unwrap().get(&address, 100).unwrap_err();
    assert!(matches!(error, HttpError::Late { .. }), "{error}");
    assert_eq!(met.load(Ordering::Relaxed), 3);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_drips_is_left_when_the_time_for_all_files_is_over() {
    let (address, _) = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let patience = Patience {
        file: Duration::from_secs(60),
        all: Duration::from_millis(700),
        attempts: 100,
    };
    let mut http = Http::new(patience).unwrap();
    http.begin();
    let started = Instant::now();
    assert!(matches!(http.get(&address, 1_000_000), Err(HttpError::Late { .. })));
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "attempts that have no time left are none"
    );
}

#[test]
fn who_has_to_be_done_by_a_time_is_done() {
    let (address, _) = server(|_| thread::sleep(Duration::from_secs(30)));
    let mut http = Http::new(Patience::NODE).unwrap();
    let started = Instant::now();
    http.begin_until(started + Duration::from_millis(300));
    assert!(matches!(http.get(&address, 100), Err(HttpError::Late { .. })));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn who_stops_waits_for_no_server() {
    let (address, met) = server(|_| thread::sleep(Duration::from_secs(30)));
    let stop = CancellationToken::new();
    let http = Http::new(Patience::NODE).unwrap().until(stop.clone());
    let canceller = thread::spawn(move || {
        while met.load(Ordering::Relaxed) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        stop.cancel();
    });
    let started = Instant::now();
    let error = http.get(&address, 100).unwrap_err();
    assert!(matches!(error, HttpError::Stopped { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    canceller.join().unwrap();
}

#[test]
fn endless_data_is_cut_and_other_answers_are_told() {
    let (address, _) = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
    });
    let http = Http::new(PATIENCE).unwrap();
    let Answer::Bytes(bytes) = http.get(&address, 100_000).unwrap() else {
        panic!("there is a file");
    };
    assert!(bytes.len() > 100_000 && bytes.len() < 2_000_000, "{}", bytes.len());
    let (address, met) = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    });
    let error = http.get(&address, 100).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{address}: the server answers 503 Service Unavailable")
    );
    assert_eq!(
        met.load(Ordering::Relaxed),
        1,
        "it said so: it is not asked again at once"
    );
    let (address, _) = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    assert_eq!(http.get(&address, 100).unwrap(), Answer::Missing);
    let error = http.get("no address", 100).unwrap_err();
    assert!(matches!(error, HttpError::Address { .. }), "{error}");
}

#[test]
fn a_client_may_end_on_a_thread_that_runs_tasks() {
    let (address, _) = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let http = Http::new(PATIENCE).unwrap();
    assert_eq!(http.get(&address, 100).unwrap(), Answer::Missing);
    let tasks = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tasks.block_on(async move { drop(http) });
}
