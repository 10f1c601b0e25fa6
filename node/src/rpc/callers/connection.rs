//! What is known about one connection, by those who read from it and by those who answer on it?
//!
//! Shared between the socket, the gate and the charge. Never touches the socket itself.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use futures::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

use super::Caller;

/// Requests under way on one WebSocket before no further one is read from it. Each may wait with an answer.
pub(in crate::rpc) const CALLS_ON_SOCKET_MAX: u32 = 16;

/// One connection.
#[derive(Debug)]
pub(in crate::rpc) struct Connection {
    caller: Arc<Caller>,
    address: IpAddr,
    is_websocket: AtomicBool,
    calls: AtomicU32,
    /// Woken when a call ends.
    reader: AtomicWaker,
    ended: CancellationToken,
}

impl Connection {
    pub(super) fn new(caller: Arc<Caller>, address: IpAddr) -> Self {
        Self {
            caller,
            address,
            is_websocket: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            reader: AtomicWaker::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Who is at the other end.
    pub(in crate::rpc) const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// The address at the other end.
    pub(in crate::rpc) const fn address(&self) -> IpAddr {
        self.address
    }

    /// From now on it is a WebSocket.
    pub(in crate::rpc) fn upgrade(&self) {
        self.is_websocket.store(true, Ordering::Release);
    }

    pub(in crate::rpc) fn is_websocket(&self) -> bool {
        self.is_websocket.load(Ordering::Acquire)
    }

    /// Ends the connection, whatever it is doing.
    pub(in crate::rpc) fn end(&self) {
        self.ended.cancel();
    }

    pub(in crate::rpc) fn is_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Resolves when the connection is to end.
    pub(in crate::rpc) const fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Counts a call until the guard is dropped.
    pub(in crate::rpc) fn call(self: &Arc<Self>) -> CallGuard {
        self.calls.fetch_add(1, Ordering::AcqRel);
        CallGuard(Arc::clone(self))
    }

    /// Ready while fewer than [`CALLS_ON_SOCKET_MAX`] calls are under way.
    pub(in crate::rpc) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        if self.has_room() {
            return Poll::Ready(());
        }
        self.reader.register(context.waker());
        // A call may have ended between the look and the registration.
        if self.has_room() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn has_room(&self) -> bool {
        self.calls.load(Ordering::Acquire) < CALLS_ON_SOCKET_MAX
    }
}

/// A call under way.
#[derive(Debug)]
pub(in crate::rpc) struct CallGuard(Arc<Connection>);

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
        self.0.reader.wake();
    }
}

/// Room for one connection, and the connection in it.
#[derive(Debug)]
pub(in crate::rpc) struct ConnectionSlot {
    key: u64,
    connection: Arc<Connection>,
}

impl ConnectionSlot {
    pub(super) const fn new(key: u64, connection: Arc<Connection>) -> Self {
        Self { key, connection }
    }

    pub(super) const fn key(&self) -> u64 {
        self.key
    }

    pub(in crate::rpc) const fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}
