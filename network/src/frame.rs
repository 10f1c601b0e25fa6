//! How do requests, responses and direct messages lie on a stream? One payload each way, and then the end of the stream.
//!
//! Runs in the connections' tasks, so that reading a long answer holds up nobody else. Whoever reads stops at the longest
//! payload that could be right, takes memory only for what has arrived, and waits for a place before it takes in more than a
//! short one that nobody asked for ([`Uploads`]). What cannot be read is handed on with its error, for the peer's score.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response::Codec};
use tracing::error;

use crate::{
    codec::{WIRE_VERSION, WireError},
    message::{CONSENSUS_BYTES_MAX, ConsensusMessage},
    request::{REQUEST_BYTES_MAX, Request, RequestKind},
    response::Response,
    telemetry,
    uploads::Uploads,
};

/// The protocol of requests, as metrics call it.
pub(crate) const REQUEST: &str = "request";
/// The protocol of messages to one peer, as metrics call it.
pub(crate) const DIRECT: &str = "direct";

/// Reads and writes requests and responses. One of them lives as long as one stream, so it knows what a response answers.
#[derive(Clone, Debug)]
pub(crate) struct RequestFrames {
    kind: Option<RequestKind>,
    uploads: Uploads,
}

impl RequestFrames {
    pub(crate) const fn new(uploads: Uploads) -> Self {
        Self { kind: None, uploads }
    }
}

impl Codec for RequestFrames {
    type Protocol = StreamProtocol;
    type Request = Result<Request, WireError>;
    type Response = Result<Response, WireError>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = asked(self.uploads.read(io, REQUEST_BYTES_MAX).await?)?;
        telemetry::received(REQUEST, bytes.len());
        let request = Request::from_payload(&bytes);
        self.kind = request.as_ref().ok().map(Request::kind);
        Ok(request)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let kind = self.kind.ok_or(io::ErrorKind::InvalidInput)?;
        let bytes = read(io, kind.response_bytes_max()).await?;
        if bytes.is_empty() {
            // The peer let go of the request. That is no wrong response.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        telemetry::received(REQUEST, bytes.len());
        Ok(Response::from_payload(kind, &bytes))
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Self::Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let request = request.map_err(io::Error::other)?;
        self.kind = Some(request.kind());
        write(io, REQUEST, &request.to_payload()).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Self::Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let response = response.map_err(io::Error::other)?;
        let mut payload = response.to_payload();
        let max = self.kind.map_or(0, RequestKind::response_bytes_max);
        if payload.len() > max {
            error!(
                target: "ledger::network",
                kind = response.name(), bytes = payload.len(), max, "own response is too long and was not sent"
            );
            payload = Response::Busy.to_payload();
        }
        write(io, REQUEST, &payload).await
    }
}

/// A message to one peer.
#[derive(Debug)]
pub(crate) enum Direct {
    /// On its way out: its payload.
    Out(Vec<u8>),
    /// Just arrived, with its length.
    In(Result<Box<ConsensusMessage>, WireError>, usize),
}

/// Reads and writes messages to one peer. The answer is one byte that says "arrived".
#[derive(Clone, Debug)]
pub(crate) struct DirectFrames {
    uploads: Uploads,
}

impl DirectFrames {
    pub(crate) const fn new(uploads: Uploads) -> Self {
        Self { uploads }
    }
}

impl Codec for DirectFrames {
    type Protocol = StreamProtocol;
    type Request = Direct;
    type Response = ();

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Direct>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = asked(self.uploads.read(io, CONSENSUS_BYTES_MAX).await?)?;
        telemetry::received(DIRECT, bytes.len());
        Ok(Direct::In(
            ConsensusMessage::from_payload(&bytes).map(Box::new),
            bytes.len(),
        ))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<()>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read(io, 1).await?[..] {
            [WIRE_VERSION] => Ok(()),
            _ => Err(io::Error::other("not the answer that a message arrived")),
        }
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, message: Direct) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match message {
            Direct::Out(payload) => write(io, DIRECT, &payload).await,
            Direct::In(..) => Err(io::Error::other("a message that arrived is not sent")),
        }
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, (): ()) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, DIRECT, &[WIRE_VERSION]).await
    }
}

/// Everything up to the end of the stream, and at most one byte more than `max`: enough to see that it is too long.
async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(max as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// What was asked. Nothing at all means that the peer let go of its question before it was on its way, as after a cut that
/// outlasted its patience. That is no wrong question.
fn asked(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    match bytes.is_empty() {
        true => Err(io::ErrorKind::UnexpectedEof.into()),
        false => Ok(bytes),
    }
}

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, protocol: &'static str, bytes: &[u8]) -> io::Result<()> {
    telemetry::sent(protocol, bytes.len());
    io.write_all(bytes).await
}
