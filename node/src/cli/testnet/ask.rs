//! What does a node say of itself, or a notary? Its `/ready` page and `ledger_status`, or a page of the notary's, asked over plain HTTP on
//! this machine.
//!
//! Bounded in time and size, so that a server that hangs costs the command a second and no more.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use ledger_api::NodeStatus;
use serde_json::{Value, json};

/// Longest wait for a connection, and for each piece of an answer.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Longest answer that is read: many times what both take.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What a node said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it takes part and is not behind.
    pub ready: bool,
    /// How it and its chain stand.
    pub status: NodeStatus,
}

/// Asks the node with JSON-RPC at `port`; `None` if there is none that answers as one.
#[must_use]
pub fn ask(port: u16) -> Option<Answer> {
    let status = serde_json::from_value(call(port, "ledger_status", &json!([]))?).ok()?;
    let (code, _) = exchange(port, "GET", "/ready", "")?;
    Some(Answer {
        ready: code == 200,
        status,
    })
}

/// What the node with JSON-RPC at `port` answers to a call; `None` if it does not, or refuses.
#[must_use]
pub fn call(port: u16, method: &str, parameters: &Value) -> Option<Value> {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters }).to_string();
    let (_, body) = exchange(port, "POST", "/", &call)?;
    let mut answer: Value = serde_json::from_str(&body).ok()?;
    Some(answer.get_mut("result")?.take())
}

/// What the server at `port` answers to a question, if it answers well.
#[must_use]
pub fn get(port: u16, path: &str) -> Option<Value> {
    look(port, path)?
}

/// The same, of a server that may have no such page: then it answers well and says so.
#[must_use]
pub fn look(port: u16, path: &str) -> Option<Option<Value>> {
    match exchange(port, "GET", path, "")? {
        (200, body) => Some(Some(serde_json::from_str(&body).ok()?)),
        (404, _) => Some(None),
        _ => None,
    }
}

/// Status code and body of what a server answers.
fn exchange(port: u16, verb: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, WAIT_MAX).ok()?;
    stream.set_read_timeout(Some(WAIT_MAX)).ok()?;
    stream.set_write_timeout(Some(WAIT_MAX)).ok()?;
    // In HTTP 1.0 an answer ends with its connection and is never in chunks.
    let request = format!(
        "{verb} {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).ok()?;
    parse(&answer)
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let code = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((code, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread, time::Instant};

    use super::*;

    #[test]
    fn answers_are_a_code_and_a_body() {
        let answer = "HTTP/1.0 503 Service Unavailable\r\ncontent-type: application/json\r\n\r\n{\"ready\":false}";
        assert_eq!(parse(answer), Some((503, "{\"ready\":false}".to_owned())));
        for none in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
            assert_eq!(parse(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_does_not_answer_costs_no_more_than_the_bound() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        let started = Instant::now();
        assert!(ask(port).is_none());
        assert!(started.elapsed() < 3 * WAIT_MAX, "{:?}", started.elapsed());
        drop(silent);
        assert!(ask(port).is_none());
    }

    #[test]
    fn another_server_is_no_node() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = other.local_addr().unwrap().port();
        let served = thread::spawn(move || {
            let (mut stream, _) = other.accept().unwrap();
            let mut request = [0; 512];
            let _ = stream.read(&mut request).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                .unwrap();
        });
        assert!(ask(port).is_none());
        served.join().unwrap();
    }
}
