//! Why was nothing done? The errors of those who speak with a notary.

use http::StatusCode;
use thiserror::Error;

use crate::{
    http::HttpError,
    records::{NotaryId, Place, RecordError},
};

/// Why a command was not sent, or not heard.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The server does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server said no.
    #[error("refused ({status}): {message}")]
    Refused {
        /// How it said so.
        status: StatusCode,
        /// Its words.
        message: String,
    },
    /// The server said something that is not its language.
    #[error("{address} answers what a notary does not: {reason}")]
    Foreign {
        /// Who was asked.
        address: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A record that is none.
    #[error("{place}: {source}")]
    Record {
        /// Which.
        place: Place,
        /// Why not.
        source: RecordError,
    },
    /// It is so already.
    #[error("{member} is {state} already")]
    Unchanged {
        /// The member.
        member: NotaryId,
        /// What it is.
        state: &'static str,
    },
    /// The operating system gives no randomness.
    #[error("no random nonce: {0}")]
    Random(String),
    /// The machine's clock.
    #[error("this machine's clock stands before 1970")]
    Clock,
}
