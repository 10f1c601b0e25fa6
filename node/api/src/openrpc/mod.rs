//! The OpenRPC document that `rpc.discover` serves: for people, and for tools that make clients of it.
//!
//! Made of the table in [`methods`](self) and the schemas in `schemas.json`. Tests hold both against the traits and the
//! types, so that neither can say what the code does not.

mod methods;

use serde_json::{Map, Value, json};

pub use methods::METHODS;

/// Version of the OpenRPC specification that the document follows.
pub const OPENRPC_VERSION: &str = "1.3.2";

const SCHEMAS: &str = include_str!("schemas.json");

/// A schema by its name, on its own or in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A value.
    One(&'static str),
    /// A list of values.
    List(&'static str),
    /// A value or `null`.
    Nullable(&'static str),
    /// A list of values, or `null`.
    NullableList(&'static str),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name, for calls by name.
    pub name: &'static str,
    /// Its schema.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
}

/// A method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Its full name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Its parameters in their order.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub result: Shape,
}

impl Shape {
    fn schema(self) -> Value {
        let nothing = json!({ "type": "null" });
        match self {
            Self::One(name) => reference(name),
            Self::List(name) => list(name),
            Self::Nullable(name) => json!({ "oneOf": [reference(name), nothing] }),
            Self::NullableList(name) => json!({ "oneOf": [list(name), nothing] }),
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn list(name: &str) -> Value {
    json!({ "type": "array", "items": reference(name) })
}

/// The schemas that methods refer to, by name.
fn schemas() -> Map<String, Value> {
    serde_json::from_str(SCHEMAS).expect("a test reads schemas.json")
}

/// The document, for a node of version `version`.
#[must_use]
pub fn document(version: &str) -> Value {
    let methods: Vec<Value> = METHODS.iter().map(describe).collect();
    json!({
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "Cloud Ledger JSON-RPC",
            "description": "Ethereum's methods, and those of universal promo codes. Every block is final, gas is free.",
            "license": { "name": "Apache-2.0" },
            "version": version,
        },
        "methods": methods,
        "components": { "schemas": schemas() },
    })
}

fn describe(method: &Method) -> Value {
    let parameters: Vec<Value> = method
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "required": parameter.required,
                "schema": parameter.shape.schema(),
            })
        })
        .collect();
    json!({
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "either",
        "params": parameters,
        "result": { "name": "result", "schema": method.result.schema() },
    })
}
