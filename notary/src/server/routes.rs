//! What can be asked, under which path? One table, which the router is made of and the OpenAPI document is held against.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode},
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::{MethodRouter, get, post, put},
};

use super::{answer::Problem, app::App, commands, middleware::admit, views};
use crate::dsse::ENVELOPE_BYTES_MAX;

/// A path, how it is asked, and who answers.
pub struct Route {
    /// As the router writes it: `{*path}` takes all that is left.
    pub path: &'static str,
    /// The one method that it knows.
    pub method: Method,
    answer: MethodRouter<Arc<App>>,
}

macro_rules! routes {
    ($($path:literal $method:ident $handler:path),* $(,)?) => {
        vec![$(Route { path: $path, method: method(stringify!($method)), answer: $method($handler) }),*]
    };
}

fn method(name: &str) -> Method {
    match name {
        "put" => Method::PUT,
        "post" => Method::POST,
        _ => Method::GET,
    }
}

/// All that can be asked.
pub fn table() -> Vec<Route> {
    routes![
        "/metadata/{*path}" get views::metadata,
        "/targets/{*path}" get views::targets,
        "/log/{*path}" get views::log,
        "/openapi.json" get views::document,
        "/healthz" get views::health,
        "/metrics" get views::metrics,
        "/v1/status" get views::status,
        "/v1/submissions/{id}" get views::submission,
        "/v1/members/{id}" get views::member,
        "/v1/validators/{key}" get views::validator,
        "/v1/proposals/{version}/signable" get views::proposal,
        "/v1/root/signable" get views::root,
        "/v1/due" get views::due,
        "/v1/founding" post commands::found,
        "/v1/submissions" post commands::submit,
        "/v1/submissions/{id}/decisions" post commands::decide,
        "/v1/proposals" post commands::propose,
        "/v1/proposals/{version}/signatures" post commands::approve,
        "/v1/members/{id}/nodes" put commands::update_nodes,
        "/v1/suspensions" post commands::suspend,
        "/v1/revocations" post commands::revoke,
        "/v1/root/signatures" post commands::sign_root,
        "/v1/due/signatures" post commands::complete,
    ]
}

/// The router of the table.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for Route { path, answer, .. } in table() {
        router = router.route(path, answer);
    }
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(ENVELOPE_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), admit))
        .with_state(app)
}

async fn no_such_path() -> impl IntoResponse {
    Problem::nothing("there is nothing under this path; see /openapi.json")
}

async fn no_such_method() -> impl IntoResponse {
    let message = "this path is not asked with this method; see /openapi.json";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
}
