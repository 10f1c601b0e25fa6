//! How much may peers send at once that nobody asked for, before any of it is a message?
//!
//! What has come of a payload is held until the rest is there or its time is over, and it counts against nobody's rate before.
//! So a short payload is read at once, and a long one only in a place: one of those that all connections share, or else the one
//! that each connection has for itself. Strangers can take the shared ones, and yet a validator is heard.

use std::{io, sync::Arc};

use futures::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest payload that needs no place: votes, endorsements and most questions, many times over.
pub(crate) const SHORT_BYTES_MAX: usize = 16 << 10;

/// The places for long payloads, as one stream sees them.
///
/// Whoever makes a host makes one of these. libp2p clones it for each connection, and clones that again for each stream: the
/// first clone takes a place of its own, which the others share.
#[derive(Debug)]
pub(crate) struct Uploads {
    shared: Arc<Semaphore>,
    own: Option<Arc<Semaphore>>,
}

impl Clone for Uploads {
    fn clone(&self) -> Self {
        let own = self.own.clone().unwrap_or_else(|| Arc::new(Semaphore::new(1)));
        Self {
            shared: Arc::clone(&self.shared),
            own: Some(own),
        }
    }
}

impl Uploads {
    /// Places of which `shared_max` are everybody's.
    pub(crate) fn new(shared_max: usize) -> Self {
        Self {
            shared: Arc::new(Semaphore::new(shared_max)),
            own: None,
        }
    }

    /// The same shared places, for another protocol.
    pub(crate) fn beside(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            own: None,
        }
    }

    /// Everything up to the end of the stream, and at most one byte more than `max`: enough to see that it is too long.
    pub(crate) async fn read<T: AsyncRead + Unpin + Send>(&self, io: &mut T, max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let short = SHORT_BYTES_MAX.min(max) as u64 + 1;
        io.take(short).read_to_end(&mut bytes).await?;
        if bytes.len() <= SHORT_BYTES_MAX {
            return Ok(bytes);
        }
        let _place = self.place().await;
        let rest = (max + 1).saturating_sub(bytes.len());
        io.take(rest as u64).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.shared).try_acquire_owned() {
            return Some(place);
        }
        Arc::clone(self.own.as_ref()?).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, TryStreamExt, stream};

    use super::*;

    const LONG: usize = 2 * SHORT_BYTES_MAX;

    /// A stream of `bytes` that ends, or never does.
    fn incoming(bytes: usize, has_end: bool) -> impl AsyncRead + Unpin + Send {
        let here = stream::iter([Ok::<_, io::Error>(vec![7; bytes])]);
        let rest = match has_end {
            true => stream::empty().left_stream(),
            false => stream::pending().right_stream(),
        };
        here.chain(rest).into_async_read()
    }

    #[test]
    fn strangers_that_never_end_take_no_place_from_others() {
        let host = Uploads::new(1);
        let strangers = [host.clone(), host.clone()];
        let streams: Vec<_> = strangers.iter().flat_map(|one| [one.clone(), one.clone()]).collect();
        let mut ios: Vec<_> = streams.iter().map(|_| incoming(LONG, false)).collect();
        let mut held: Vec<_> = streams
            .iter()
            .zip(&mut ios)
            .map(|(stream, io)| Box::pin(stream.read(io, 10 * LONG)))
            .collect();
        for reading in &mut held {
            assert!(reading.now_or_never().is_none());
        }
        assert_eq!(host.shared.available_permits(), 0);
        let stranger = strangers[1].clone();
        assert!(
            stranger
                .read(&mut incoming(LONG, true), 10 * LONG)
                .now_or_never()
                .is_none()
        );
        let short = stranger.read(&mut incoming(SHORT_BYTES_MAX, true), LONG).now_or_never();
        assert_eq!(short.unwrap().unwrap().len(), SHORT_BYTES_MAX);
        let other = host.clone().read(&mut incoming(LONG, true), LONG).now_or_never();
        assert_eq!(other.unwrap().unwrap().len(), LONG);
        drop(held);
        let freed = stranger.read(&mut incoming(LONG, true), LONG).now_or_never();
        assert_eq!(freed.unwrap().unwrap().len(), LONG);
    }

    #[test]
    fn no_more_is_read_than_shows_that_it_is_too_long() {
        let uploads = Uploads::new(1);
        for max in [10, SHORT_BYTES_MAX, LONG] {
            let read = uploads.read(&mut incoming(4 * LONG, false), max).now_or_never();
            assert_eq!(read.unwrap().unwrap().len(), max + 1);
        }
    }
}
