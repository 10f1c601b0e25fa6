//! What does the notary say of itself? The read side beside the published files: convenience, signed by nobody. Whoever must be sure
//! reads `/metadata`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    answer::Problem,
    app::App,
    clock,
    extract::At,
    files::{self, Part},
    openapi,
};
use crate::{
    desk::SubmissionId,
    records::NotaryId,
    wire::{DueAnswer, DueView, ProposalView},
};

/// An answer that is true now.
fn fresh(view: impl Serialize) -> Response {
    let mut response = Json(view).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn or_nothing(view: Option<impl Serialize>, what: impl FnOnce() -> String) -> Response {
    match view {
        Some(view) => fresh(view),
        None => Problem::nothing(what()).into_response(),
    }
}

fn malformed(what: impl Into<String>) -> Response {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", what).into_response()
}

/// `GET /metadata/{path}`
pub async fn metadata(State(app): State<Arc<App>>, At(path): At) -> Response {
    files::serve(&app.folder, Part::Metadata, &path).await
}

/// `GET /targets/{path}`
pub async fn targets(State(app): State<Arc<App>>, At(path): At) -> Response {
    files::serve(&app.folder, Part::Targets, &path).await
}

/// `GET /log/{path}`
pub async fn log(State(app): State<Arc<App>>, At(path): At) -> Response {
    files::serve(&app.folder, Part::Log, &path).await
}

/// `GET /openapi.json`
pub async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi::DOCUMENT).into_response()
}

/// `GET /metrics`
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()).into_response()
}

/// `GET /healthz`
pub async fn health(State(app): State<Arc<App>>) -> Response {
    let status = app.desks.read().status(clock::now());
    let is_writing = !app.asks.is_closed();
    let state = match (&status.blocked, is_writing) {
        (_, false) => "the writer has stopped",
        (Some(_), _) => "readers refuse what is published",
        (None, true) => "ok",
    };
    let code = if state == "ok" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let view = Health {
        status: state,
        blocked: status.blocked,
    };
    (code, fresh(view)).into_response()
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    blocked: Option<String>,
}

/// `GET /v1/status`
pub async fn status(State(app): State<Arc<App>>) -> Response {
    fresh(app.desks.read().status(clock::now()))
}

/// `GET /v1/submissions/{id}`
pub async fn submission(State(app): State<Arc<App>>, At(id): At) -> Response {
    let Ok(number) = id.parse() else {
        return malformed("a submission has a number");
    };
    let desk = app.desks.read();
    or_nothing(desk.submission(SubmissionId(number)), || {
        format!("there is no submission {number}, or it is long over")
    })
}

/// `GET /v1/members/{id}`
pub async fn member(State(app): State<Arc<App>>, At(id): At) -> Response {
    let id = match NotaryId::try_from(id) {
        Ok(id) => id,
        Err(error) => return malformed(error.to_string()),
    };
    let desk = app.desks.read();
    or_nothing(desk.member(&id, clock::now()), || {
        format!("nobody called {id} is a member or wants to be one")
    })
}

/// `GET /v1/validators/{key}`
pub async fn validator(State(app): State<Arc<App>>, At(key): At) -> Response {
    let desk = app.desks.read();
    or_nothing(desk.validator(&key, clock::now()), || {
        "no node with this key is published".to_owned()
    })
}

/// `GET /v1/proposals/{version}/signable`
pub async fn proposal(State(app): State<Arc<App>>, At(version): At) -> Response {
    let desk = app.desks.read();
    let open = desk.proposal().filter(|open| open.version().to_string() == version);
    or_nothing(open.map(ProposalView::from), || match desk.proposal() {
        Some(open) => format!("open is the proposal for targets {}", open.version()),
        None => "no proposal is open".to_owned(),
    })
}

/// `GET /v1/root/signable`
pub async fn root(State(app): State<Arc<App>>) -> Response {
    let desk = app.desks.read();
    or_nothing(desk.root_proposal().map(ProposalView::from), || {
        "no root is proposed".to_owned()
    })
}

/// `GET /v1/due`
pub async fn due(State(app): State<Arc<App>>) -> Response {
    let due = app.desks.read().due(clock::now());
    fresh(DueAnswer {
        due: due.as_ref().map(DueView::from),
    })
}
