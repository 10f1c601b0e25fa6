//! Callers from different places: HTTP and WebSockets over sockets bound to addresses of the loopback network, each of which a
//! node takes for another caller. Never retries anything and never decides what an answer means.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Longest wait for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// One connection from one address.
#[derive(Debug)]
pub struct Visitor {
    stream: TcpStream,
    kept: Vec<u8>,
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answered {
    /// HTTP status code.
    pub status: u16,
    /// The whole body.
    pub body: String,
}

impl Answered {
    /// JSON-RPC's error code; none if the answer is no error.
    pub fn code(&self) -> Option<i64> {
        let json: Value = serde_json::from_str(&self.body).ok()?;
        json["error"]["code"].as_i64()
    }
}

impl Visitor {
    /// Connects from 127.`at`.
    ///
    /// # Errors
    /// If the system or the node refuses.
    pub async fn connect(server: SocketAddr, at: [u8; 3]) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, at[0], at[1], at[2]), 0)))?;
        let stream = socket.connect(server).await?;
        let kept = Vec::new();
        Ok(Self { stream, kept })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the node closed the connection.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Posts a body and reads the answer.
    ///
    /// # Errors
    /// If the connection ends or nothing comes in thirty seconds.
    pub async fn post(&mut self, body: &[u8]) -> io::Result<Answered> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // A node that refuses early may close before it has read everything; what it said can be read all the same.
        let sent = async {
            self.stream.write_all(head.as_bytes()).await?;
            self.stream.write_all(body).await
        };
        let sent = sent.await;
        match self.answer().await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(sent.err().unwrap_or(error)),
        }
    }

    /// Becomes a WebSocket.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn upgrade(&mut self) -> io::Result<Answered> {
        let request = "GET / HTTP/1.1\r\nhost: node\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        self.write(request.as_bytes()).await?;
        self.answer().await
    }

    /// Sends a text message over a WebSocket, masked with zeros.
    ///
    /// # Errors
    /// If the node closed the connection.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.write(&frame).await
    }

    /// Reads one answer.
    ///
    /// # Errors
    /// If the connection ends or nothing comes in thirty seconds.
    pub async fn answer(&mut self) -> io::Result<Answered> {
        timeout(ANSWER_TIMEOUT, self.read_answer())
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn read_answer(&mut self) -> io::Result<Answered> {
        loop {
            if let Some((answer, length)) = whole(&self.kept) {
                self.kept.drain(..length);
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.kept).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Waits until the node closes the connection; false if it does not within `wait`.
    pub async fn is_closed_within(&mut self, wait: Duration) -> bool {
        let mut rest = Vec::new();
        timeout(wait, self.stream.read_to_end(&mut rest)).await.is_ok()
    }
}

/// The answer at the beginning of `bytes` and its length, once all of it is there.
fn whole(bytes: &[u8]) -> Option<(Answered, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).ok()?.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Some(0), |length| length.parse().ok())?;
    let body = bytes.get(end..end + length)?;
    let answer = Answered {
        status: head.split(' ').nth(1)?.parse().ok()?,
        body: String::from_utf8_lossy(body).into_owned(),
    };
    Some((answer, end + length))
}
