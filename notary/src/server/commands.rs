//! Which command came in under which path? The write side: bodies are envelopes, and each path takes its own commands.
//!
//! The path says nothing that the signed command does not say itself: where the two differ, the request is refused, so that logs and
//! limits of a proxy in front mean what they say.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::{mpsc::error::TrySendError, oneshot};

use super::{
    answer::Problem,
    app::App,
    extract::{At, Body, Sent},
    writer::{Ask, Job},
};
use crate::{
    desk::{Command, Order, Refusal, RefusalKind},
    dsse::Envelope,
    records::Nodes,
};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, kind) = match refusal.kind() {
            RefusalKind::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
            RefusalKind::Unsigned => (StatusCode::UNAUTHORIZED, "unsigned"),
            RefusalKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            RefusalKind::NotFound => (StatusCode::NOT_FOUND, "missing"),
            RefusalKind::Conflict => (StatusCode::CONFLICT, "conflict"),
            RefusalKind::Expired => (StatusCode::GONE, "expired"),
            RefusalKind::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
            RefusalKind::Rule => (StatusCode::UNPROCESSABLE_ENTITY, "rule"),
            RefusalKind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        };
        Self::new(status, kind, refusal.to_string())
    }
}

/// What a path takes.
type Takes = fn(&Command, &str) -> bool;

async fn order(app: &App, body: Sent, at: &str, takes: Takes) -> Response {
    match command(&body.bytes) {
        Ok(command) if takes(&command, at) => {
            let envelope = body.bytes.to_vec();
            hand_in(
                app,
                Job::Command {
                    envelope,
                    from: body.from,
                },
            )
            .await
        }
        Ok(command) => {
            let message = format!(
                "this path does not take {}, or not this one; see /openapi.json",
                command.name()
            );
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "path", message).into_response()
        }
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

/// The command in an envelope, whoever signed it: the desk looks at that.
fn command(body: &[u8]) -> Result<Command, Refusal> {
    let envelope = Envelope::parse(body)?;
    let order: Order<Command> = serde_json::from_slice(envelope.unverified()).map_err(Refusal::Order)?;
    Ok(order.command)
}

async fn hand_in(app: &App, job: Job) -> Response {
    let (answer, answered) = oneshot::channel();
    match app.asks.try_send(Ask { job, answer }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return Problem::busy().into_response(),
        Err(TrySendError::Closed(_)) => return Problem::stopped().into_response(),
    }
    match answered.await {
        Ok(Ok(receipt)) => Json(receipt).into_response(),
        Ok(Err(refusal)) => Problem::from(refusal).into_response(),
        Err(_) => Problem::stopped().into_response(),
    }
}

/// `POST /v1/founding`
pub async fn found(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    order(&app, body, "", |command, _| matches!(command, Command::Found { .. })).await
}

/// `POST /v1/submissions`
pub async fn submit(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    order(&app, body, "", |command, _| matches!(command, Command::Submit { .. })).await
}

/// `POST /v1/submissions/{id}/decisions`
pub async fn decide(State(app): State<Arc<App>>, At(id): At, Body(body): Body) -> Response {
    let takes: Takes = |command, id| match command {
        Command::Withdraw { submission } | Command::Verify { submission, .. } | Command::Reject { submission, .. } => {
            submission.to_string() == id
        }
        _ => false,
    };
    order(&app, body, &id, takes).await
}

/// `POST /v1/proposals`
pub async fn propose(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    let takes: Takes = |command, _| {
        matches!(
            command,
            Command::Renew {} | Command::ReplaceDenyKeys { .. } | Command::ClearProposal {}
        )
    };
    order(&app, body, "", takes).await
}

/// `POST /v1/proposals/{version}/signatures`
pub async fn approve(State(app): State<Arc<App>>, At(version): At, Body(body): Body) -> Response {
    let takes: Takes = |command, at| matches!(command, Command::Approve { version, .. } if version.to_string() == at);
    order(&app, body, &version, takes).await
}

/// `PUT /v1/members/{id}/nodes`
pub async fn update_nodes(State(app): State<Arc<App>>, At(id): At, Body(body): Body) -> Response {
    let takes: Takes = |command, id| match command {
        Command::UpdateNodes { nodes, .. } => {
            Nodes::parse(nodes.as_bytes()).is_ok_and(|nodes| nodes.member_id.to_string() == id)
        }
        _ => false,
    };
    order(&app, body, &id, takes).await
}

/// `POST /v1/suspensions`
pub async fn suspend(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    order(&app, body, "", |command, _| matches!(command, Command::Suspend { .. })).await
}

/// `POST /v1/revocations`
pub async fn revoke(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    order(&app, body, "", |command, _| matches!(command, Command::Revoke { .. })).await
}

/// `POST /v1/root/signatures`
pub async fn sign_root(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    order(&app, body, "", |command, _| matches!(command, Command::SignRoot { .. })).await
}

/// `POST /v1/due/signatures`
pub async fn complete(State(app): State<Arc<App>>, Body(body): Body) -> Response {
    hand_in(&app, Job::Complete(body.bytes.to_vec())).await
}
