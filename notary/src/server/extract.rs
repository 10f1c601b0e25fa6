//! What does a request bring along? Its body and the part of its path, or a problem in the form that all answers have.

use std::net::IpAddr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
};

use super::{answer::Problem, connections::Caller};
use crate::dsse::ENVELOPE_BYTES_MAX;

/// What somebody sent.
pub struct Sent {
    /// Whoever it was.
    pub from: IpAddr,
    /// An envelope's bytes, no more than [`ENVELOPE_BYTES_MAX`] of them.
    pub bytes: Bytes,
}

/// The body.
pub struct Body(pub Sent);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Caller(from) = Caller::of(request.extensions());
        let body = Bytes::from_request(request, state).await;
        body.map(|bytes| Self(Sent { from, bytes }))
            .map_err(|refused| match refused.status() {
                status @ StatusCode::PAYLOAD_TOO_LARGE => {
                    let message = format!("an envelope has at most {ENVELOPE_BYTES_MAX} bytes, and this one has more");
                    Problem::new(status, "too_long", message)
                }
                status => Problem::new(status, "malformed", refused.body_text()),
            })
    }
}

/// The one part of the path that differs.
pub struct At(pub String);

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path))
            .map_err(|refused| Problem::new(StatusCode::BAD_REQUEST, "malformed", refused.body_text()))
    }
}
