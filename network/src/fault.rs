//! What can a peer do wrong, and how much is it held against it?
//!
//! Named here once, so that scores, logs and metrics say the same words. Never decides when a peer has to go: that is the
//! score's work.

use thiserror::Error;

use crate::codec::WireError;

/// What becomes of a gossip message that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right: pass it on.
    Accept,
    /// Neither right nor wrong (late, early, known already): do not pass it on, blame nobody.
    Ignore,
    /// Wrong, and an honest node would have seen it: do not pass it on, and lower the score of whoever did.
    Reject(&'static str),
}

impl Verdict {
    /// Its name, for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Ignore => "ignore",
            Self::Reject(_) => "reject",
        }
    }
}

/// Something that a peer did wrong. Its cost is taken from the peer's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// A gossip message was rejected; the name is that of its fault.
    Gossip(&'static str),
    /// A payload could not be read; the name is that of its fault.
    Payload(&'static str),
    /// A response of another kind than the request's.
    WrongKind,
    /// A response that does not hold what was asked for.
    BadResponse,
    /// It said that it has blocks which it has not.
    FalseHeight,
    /// A block that is not the one asked for, or that no quorum certified.
    WrongBlock,
    /// State that does not add up to the block's root.
    BadStateChunk,
    /// It did not answer in time.
    TooSlow,
    /// It sent more than a peer may.
    TooMuch,
    /// It is of another chain.
    OtherChain,
    /// It did not say who it is in time.
    NoIntroduction,
}

impl Misbehaviour {
    /// Its name, in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gossip(fault) | Self::Payload(fault) => fault,
            Self::WrongKind => "response of another kind",
            Self::BadResponse => "bad response",
            Self::FalseHeight => "false height",
            Self::WrongBlock => "wrong block",
            Self::BadStateChunk => "bad state chunk",
            Self::TooSlow => "too slow",
            Self::TooMuch => "too much",
            Self::OtherChain => "other chain",
            Self::NoIntroduction => "no introduction",
        }
    }

    /// Points that it costs; a peer that has lost [`BAN_POINTS`](crate::score::BAN_POINTS) is let go.
    #[must_use]
    pub const fn points(self) -> u32 {
        match self {
            // What no honest node does, and costs work to find out: the fifth time is the last.
            Self::Gossip(_) | Self::WrongBlock | Self::BadStateChunk => 20,
            // What no honest node of this version does: the fourth time is the last.
            Self::Payload(_) | Self::WrongKind | Self::BadResponse => 25,
            Self::FalseHeight => 10,
            // What happens to honest nodes on bad days.
            Self::TooSlow => 5,
            Self::TooMuch => 2,
            // At once.
            Self::OtherChain | Self::NoIntroduction => 100,
        }
    }
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// No connection to the peer.
    #[error("not connected to the peer")]
    NotConnected,
    /// The connection broke before the response was there.
    #[error("the connection closed before the response came: {reason}")]
    ConnectionLost {
        /// What was met.
        reason: String,
    },
    /// No response in time.
    #[error("no response within {seconds} s")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The peer has too much to do, or too much was asked of it.
    #[error("the peer is busy")]
    Busy,
    /// The peer does not speak this protocol.
    #[error("the peer does not answer requests of this protocol")]
    Unsupported,
    /// A response of another kind than the request's.
    #[error("asked for {expected}, but the response is of the kind {got}")]
    WrongKind {
        /// Kind of the request.
        expected: &'static str,
        /// Kind of the response.
        got: &'static str,
    },
    /// The response cannot be read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The request asks for more than one may.
    #[error("{got} {what} are more than the {max} that one request may ask for; ask for less at a time")]
    TooMuch {
        /// What it asks for.
        what: &'static str,
        /// How much of it.
        got: usize,
        /// How much is possible.
        max: usize,
    },
    /// The request asks for nothing.
    #[error("a request that asks for nothing is no request")]
    Nothing,
    /// Too many requests of this node are under way to the peer.
    #[error("{under_way} requests to the peer are under way; wait for one of them")]
    TooMany {
        /// How many.
        under_way: usize,
    },
    /// The network has stopped.
    #[error("the network has stopped")]
    Stopped,
}

impl RequestError {
    /// What the peer did wrong; `None` if it is not to blame. It has been held against the peer already.
    #[must_use]
    pub const fn fault(&self) -> Option<Misbehaviour> {
        match self {
            Self::WrongKind { .. } => Some(Misbehaviour::WrongKind),
            Self::Wire(error) => Some(Misbehaviour::Payload(error.name())),
            Self::Timeout { .. } => Some(Misbehaviour::TooSlow),
            Self::NotConnected
            | Self::ConnectionLost { .. }
            | Self::Busy
            | Self::Unsupported
            | Self::TooMuch { .. }
            | Self::Nothing
            | Self::TooMany { .. }
            | Self::Stopped => None,
        }
    }
}
