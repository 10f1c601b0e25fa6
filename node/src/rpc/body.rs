//! How much did this body weigh, and is it still on its way? Wrappers around the bodies of requests and answers.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

use super::{
    callers::{Caller, RequestSlot},
    costs,
};

/// The body of a request, whose bytes are charged to its caller.
#[derive(Debug)]
pub(super) struct Weighed<B> {
    inner: B,
    bytes: usize,
    caller: Option<Arc<Caller>>,
}

impl<B> Weighed<B> {
    pub(super) const fn new(inner: B, caller: Option<Arc<Caller>>) -> Self {
        Self {
            inner,
            bytes: 0,
            caller,
        }
    }
}

impl<B: Body + Unpin> Body for Weighed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.bytes += frame.data_ref().map_or(0, Buf::remaining);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for Weighed<B> {
    fn drop(&mut self) {
        if let Some(caller) = &self.caller {
            caller.charge(costs::of_body(self.bytes));
        }
    }
}

/// The body of an answer, which holds its request's place until it is sent or given up.
#[derive(Debug)]
pub(super) struct Held<B> {
    inner: B,
    _slot: RequestSlot,
}

impl<B> Held<B> {
    pub(super) const fn new(inner: B, slot: RequestSlot) -> Self {
        Self { inner, _slot: slot }
    }
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
