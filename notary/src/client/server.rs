//! How is a notary asked, and how are commands sent to it?

use ed25519_dalek::SigningKey;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    error::ClientError,
    order::{Stamp, sealed},
};
use crate::{
    http::{Http, Patience},
    records::Network,
    wire::Receipt,
};

/// Longest answer that is read: a proposal of thousands of members with its difference.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// A notary behind HTTP.
#[derive(Debug)]
pub struct Server {
    http: Http,
    url: String,
}

/// The form of what a server says when it refuses.
#[derive(Deserialize)]
struct Problem {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

impl Server {
    /// The notary at `url`.
    ///
    /// # Errors
    /// [`ClientError::Http`] if the operating system gives no sockets.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let url = url.trim_end_matches('/').to_owned();
        let http = Http::new(Patience::PERSON)?;
        Ok(Self { http, url })
    }

    /// What it says of something. Nothing in it is signed.
    ///
    /// # Errors
    /// [`ClientError`] if it does not answer, or not what was asked for.
    pub fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.exchange(Method::GET, path, Vec::new())
    }

    /// Sends a command, signed by each of `keys`.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the server's words, or if it does not answer.
    pub fn send<C>(
        &self,
        to: (Method, &str),
        network: &Network,
        command: C,
        keys: &[SigningKey],
    ) -> Result<Receipt, ClientError>
    where
        C: Serialize + DeserializeOwned,
    {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = now.map_err(|_| ClientError::Clock)?.as_micros();
        let stamp = Stamp::now(u64::try_from(micros).map_err(|_| ClientError::Clock)?);
        let stamp = stamp.map_err(|error| ClientError::Random(error.to_string()))?;
        let (method, path) = to;
        self.exchange(method, path, sealed(network, stamp, command, keys))
    }

    fn exchange<T: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<T, ClientError> {
        let address = format!("{}{path}", self.url);
        let reply = self.http.send(method, &address, body, ANSWER_BYTES_MAX)?;
        let foreign = |reason: String| ClientError::Foreign {
            address: address.clone(),
            reason,
        };
        if reply.body.len() as u64 > ANSWER_BYTES_MAX {
            return Err(foreign(format!("more than {ANSWER_BYTES_MAX} bytes")));
        }
        if reply.status != StatusCode::OK {
            let problem: Problem =
                serde_json::from_slice(&reply.body).map_err(|_| foreign(reply.status.to_string()))?;
            let (status, message) = (reply.status, problem.error.message);
            return Err(ClientError::Refused { status, message });
        }
        serde_json::from_slice(&reply.body).map_err(|error| foreign(error.to_string()))
    }
}
