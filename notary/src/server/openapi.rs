//! How is all of it described for others? The OpenAPI document, kept by hand beside this file; a test holds it against the routes.

/// OpenAPI 3.1, as JSON.
pub const DOCUMENT: &str = include_str!("../../openapi.json");
