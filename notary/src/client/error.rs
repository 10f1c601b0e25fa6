//! Why was nothing done? The errors of those who speak with a notary.

use std::path::PathBuf;

use http::StatusCode;
use thiserror::Error;

use super::reader::ReaderError;
use crate::http::HttpError;
use crate::{
    records::{NotaryId, Place, RecordError},
    tuf::{RoleName, metadata::MetadataError},
};

/// Why a command was not sent, or not heard.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The server does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What is published is not believed.
    #[error(transparent)]
    Reader(#[from] ReaderError),
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
    /// A file of the caller's cannot be read or written.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No text, where the notary takes texts only.
    #[error("{path} is no text in UTF-8")]
    Text {
        /// The file.
        path: PathBuf,
    },
    /// A record that is none.
    #[error("{place}: {source}")]
    Record {
        /// Which.
        place: Place,
        /// Why not.
        source: RecordError,
    },
    /// Two records of different members, or a record of another network.
    #[error("{what} in one file is {first}, in the other {second}")]
    Differ {
        /// What.
        what: &'static str,
        /// In the first.
        first: String,
        /// In the second.
        second: String,
    },
    /// Metadata that are none.
    #[error("metadata of {role}: {source}")]
    Metadata {
        /// Of which role.
        role: RoleName,
        /// Why not.
        source: MetadataError,
    },
    /// No version follows.
    #[error("{role} has the last version that there is")]
    LastVersion {
        /// The role.
        role: RoleName,
    },
    /// It is so already.
    #[error("{member} is {state} already")]
    Unchanged {
        /// The member.
        member: NotaryId,
        /// What it is.
        state: &'static str,
    },
    /// What is to be signed is another than what was shown.
    #[error("the bytes of proposal {version} have sha256 {got}, the server showed {expected}; nothing was signed")]
    Proposal {
        /// The proposal.
        version: u64,
        /// What the server said.
        expected: String,
        /// What the bytes have.
        got: String,
    },
    /// The operating system gives no randomness.
    #[error("no random nonce: {0}")]
    Random(String),
    /// The machine's clock.
    #[error("this machine's clock stands before 1970")]
    Clock,
}
