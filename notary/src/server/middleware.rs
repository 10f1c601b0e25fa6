//! What happens to every request? It is counted for its caller, ends within a time, and is measured.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{answer::Problem, app::App, callers::Deed, connections::Caller, limits::REQUEST_WAIT_MAX};

/// Lets a request in, or not.
pub async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Caller(address) = Caller::of(request.extensions());
    let deed = match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => Deed::Read,
        _ => Deed::Write,
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let response = match app.callers.count(address, deed) {
        Err(wait) => Problem::too_often(wait).into_response(),
        Ok(()) => match tokio::time::timeout(REQUEST_WAIT_MAX, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::slow().into_response(),
        },
    };
    let (route, status) = (
        route.unwrap_or_else(|| "none".to_owned()),
        response.status().as_str().to_owned(),
    );
    metrics::counter!("ledger_notary_requests_total", "route" => route, "status" => status).increment(1);
    response
}
