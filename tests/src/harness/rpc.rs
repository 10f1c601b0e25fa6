//! JSON-RPC over one kept-alive HTTP connection, with nothing between the test and the bytes.

use std::{
    fmt,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use serde_json::{Value, json};

/// Longest wait for one answer; a node that needs longer is broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A client of one node. Calls take turns on one connection, which is opened anew when the node closed it.
#[derive(Debug)]
pub struct Rpc {
    address: SocketAddr,
    connection: Mutex<Option<BufReader<TcpStream>>>,
    next_id: AtomicU64,
}

/// What came back for a request that was not even JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status code.
    pub status: u16,
    /// The whole body.
    pub body: String,
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq)]
pub enum RpcError {
    /// The node refused: JSON-RPC's error object.
    Refused {
        /// The error's code.
        code: i64,
        /// The error's words.
        message: String,
        /// The error's data, null if there is none.
        data: Value,
    },
    /// There was no node to ask, or it stopped in the middle.
    Unreachable(String),
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message, data } => write!(f, "refused with {code}: {message} ({data})"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
        }
    }
}

impl std::error::Error for RpcError {}

impl Rpc {
    /// A client of the node at `address`; connects with the first call.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: Mutex::new(None),
            next_id: AtomicU64::new(1),
        }
    }

    /// `http://host:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The result of one call.
    ///
    /// # Errors
    /// [`RpcError`]
    pub fn try_call(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let answer = self.post(request.to_string().as_bytes())?;
        let mut answer: Value = serde_json::from_str(&answer.body)
            .map_err(|error| RpcError::Unreachable(format!("answer is not JSON: {error}: {}", answer.body)))?;
        match answer.get("error") {
            Some(error) => Err(RpcError::Refused {
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"].clone(),
            }),
            None => Ok(answer["result"].take()),
        }
    }

    /// The result of one call that has to work.
    ///
    /// # Panics
    /// If it does not, with the node's words.
    pub fn call(&self, method: &str, params: &Value) -> Value {
        self.try_call(method, params)
            .unwrap_or_else(|error| panic!("{method}{params}: {error}"))
    }

    /// The receipt of a transaction, as soon as there is one.
    ///
    /// # Panics
    /// If none comes in twenty seconds.
    pub fn await_receipt(&self, transaction: B256) -> Value {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        while Instant::now() < deadline {
            let receipt = self.call("eth_getTransactionReceipt", &json!([transaction]));
            if !receipt.is_null() {
                return receipt;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no receipt of {transaction} within {ANSWER_TIMEOUT:?}");
    }

    /// Posts `body` as it is, once more on a new connection if the kept one had been closed.
    ///
    /// # Errors
    /// [`RpcError::Unreachable`]
    pub fn post(&self, body: &[u8]) -> Result<HttpAnswer, RpcError> {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut connection) = kept.take()
            && let Ok(answer) = self.exchange(&mut connection, "POST", "/", body)
        {
            *kept = Some(connection);
            return Ok(answer);
        }
        let mut connection = self.connect()?;
        let answer = self.exchange(&mut connection, "POST", "/", body)?;
        *kept = Some(connection);
        Ok(answer)
    }

    /// Gets `path` on a connection of its own.
    ///
    /// # Errors
    /// [`RpcError::Unreachable`]
    pub fn get(&self, path: &str) -> Result<HttpAnswer, RpcError> {
        self.exchange(&mut self.connect()?, "GET", path, b"")
    }

    fn connect(&self) -> Result<BufReader<TcpStream>, RpcError> {
        let stream = TcpStream::connect_timeout(&self.address, ANSWER_TIMEOUT).map_err(unreachable)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        Ok(BufReader::new(stream))
    }

    fn exchange(
        &self,
        connection: &mut BufReader<TcpStream>,
        verb: &str,
        path: &str,
        body: &[u8],
    ) -> Result<HttpAnswer, RpcError> {
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        // A node that refuses an oversized body may answer and close before it took all of it: the answer still counts.
        let sent = connection.get_mut().write_all(&request);
        let answer = read_answer(connection);
        match (sent, answer) {
            (_, Ok(answer)) => Ok(answer),
            (Err(error), Err(_)) => Err(unreachable(error)),
            (Ok(()), Err(error)) => Err(error),
        }
    }
}

fn unreachable(error: impl fmt::Display) -> RpcError {
    RpcError::Unreachable(error.to_string())
}

fn read_answer(connection: &mut BufReader<TcpStream>) -> Result<HttpAnswer, RpcError> {
    let mut line = String::new();
    connection.read_line(&mut line).map_err(unreachable)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| unreachable(format!("no HTTP answer: {line:?}")))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).map_err(unreachable)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().ok();
        }
        chunked |= header == "transfer-encoding: chunked";
    }
    let body = if chunked {
        read_chunks(connection)?
    } else {
        read_exactly(connection, length.unwrap_or(0))?
    };
    let body = String::from_utf8(body).map_err(unreachable)?;
    Ok(HttpAnswer { status, body })
}

fn read_exactly(connection: &mut BufReader<TcpStream>, length: usize) -> Result<Vec<u8>, RpcError> {
    let mut body = vec![0; length];
    connection.read_exact(&mut body).map_err(unreachable)?;
    Ok(body)
}

fn read_chunks(connection: &mut BufReader<TcpStream>) -> Result<Vec<u8>, RpcError> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).map_err(unreachable)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(unreachable)?;
        body.extend(read_exactly(connection, length)?);
        read_exactly(connection, 2)?;
        if length == 0 {
            return Ok(body);
        }
    }
}
