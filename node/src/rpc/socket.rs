//! When is a socket read, and when is it given up? The bytes of one connection, between the system and HTTP.
//!
//! JSON-RPC's server makes a task of every WebSocket message as fast as it can read them, and keeps every answer until the
//! other end has taken it. So the bound is here: a WebSocket is not read while its answers are not taken, while too many of
//! its calls are under way, or while its caller has used up what it may ask for. What arrives meanwhile waits in the caller's own
//! memory. A connection that takes no byte for [`WRITE_WAIT_MAX`] is ended, whatever it carries.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    callers::{Callers, Connection, ConnectionSlot},
    costs,
};

/// How long a caller may take not one byte of what it asked for.
pub const WRITE_WAIT_MAX: Duration = Duration::from_secs(20);

/// A connection's socket, with its place among the caller's connections, which it gives back when it is closed.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    slot: ConnectionSlot,
    callers: Arc<Callers>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Runs while the other end takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs while the caller has used up what it may ask for.
    indebted: Option<Pin<Box<Sleep>>>,
    /// Who waits to read until something was written.
    reader: Option<Waker>,
    /// Something was read, and what it made has not had its turn yet.
    has_read: bool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, slot: ConnectionSlot, callers: Arc<Callers>) -> Self {
        let ended = Box::pin(slot.connection().ended().clone().cancelled_owned());
        Self {
            stream,
            slot,
            callers,
            ended,
            stalled: None,
            indebted: None,
            reader: None,
            has_read: false,
        }
    }

    fn connection(&self) -> &Arc<Connection> {
        self.slot.connection()
    }

    /// Ready when a WebSocket may be read.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.has_read) {
            // The tasks that the last bytes became run first, so that they are counted.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.stalled.is_some() {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        ready!(self.connection().poll_room(context));
        loop {
            if let Some(indebted) = &mut self.indebted {
                ready!(indebted.as_mut().poll(context));
                self.indebted = None;
            }
            let now = Instant::now();
            match self.connection().caller().wait(now) {
                None => return Poll::Ready(()),
                Some(wait) => self.indebted = Some(Box::pin(sleep_until((now + wait).into()))),
            }
        }
    }

    /// Notes whether the other end took something.
    fn wrote<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.connection().stall(false);
            if self.connection().is_websocket() {
                self.connection().caller().charge(costs::MESSAGE);
            }
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            return written;
        }
        self.connection().stall(true);
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_WAIT_MAX)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the caller takes nothing of what it asked for",
        )))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let is_websocket = self.connection().is_websocket();
        if is_websocket {
            ready!(self.poll_turn(context));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = buffer.filled().len() - before;
        if is_websocket && bytes > 0 {
            self.connection().caller().charge(costs::of_socket(bytes));
            self.has_read = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.callers.disconnect(&self.slot);
    }
}
