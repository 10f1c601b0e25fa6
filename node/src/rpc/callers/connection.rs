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
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::Caller;

/// Requests under way on one WebSocket before no further one is read from it. Each may wait with an answer.
pub(in crate::rpc) const CALLS_ON_SOCKET_MAX: u32 = 16;

/// Of those, calls that run at once; the others wait with their parameters and have no answer yet.
const RUNNING_ON_SOCKET_MAX: usize = 4;

/// One connection.
#[derive(Debug)]
pub(in crate::rpc) struct Connection {
    caller: Arc<Caller>,
    address: IpAddr,
    is_websocket: AtomicBool,
    calls: AtomicU32,
    /// Woken when a call ends.
    reader: AtomicWaker,
    running: Semaphore,
    /// The other end takes nothing at the moment.
    is_stalled: AtomicBool,
    /// Told when it takes something again.
    flows: Notify,
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
            running: Semaphore::new(RUNNING_ON_SOCKET_MAX),
            is_stalled: AtomicBool::new(false),
            flows: Notify::new(),
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

    /// Notes whether the other end takes what it is sent.
    pub(in crate::rpc) fn stall(&self, is_stalled: bool) {
        if self.is_stalled.swap(is_stalled, Ordering::AcqRel) && !is_stalled {
            self.flows.notify_waiters();
        }
    }

    /// The turn of a call to run: few at once, and none while the answers of others are not taken. Whoever never takes any
    /// has few of them in memory.
    pub(in crate::rpc) async fn run(&self) -> SemaphorePermit<'_> {
        let permit = self.running.acquire().await.expect("the semaphore is never closed");
        loop {
            let flows = self.flows.notified();
            if !self.is_stalled.load(Ordering::Acquire) {
                return permit;
            }
            flows.await;
        }
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

impl CallGuard {
    /// The connection that it came on.
    pub(in crate::rpc) const fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

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
