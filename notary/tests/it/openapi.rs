//! Is the server what its OpenAPI document says? Each route is in it, and nothing else; and what a running server answers has the form
//! that it promises.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use jsonschema::{Draft, Validator};
use ledger_notary::{
    client::order::{Stamp, sealed},
    desk::{Command, SubmissionId},
    http::Reply,
    server::{openapi::DOCUMENT, routes::table},
};
use serde_json::{Value, json};

use crate::{
    kills::network,
    kit::secret,
    town::{Town, nodes, now, public},
};

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

#[test]
fn routes_and_document_are_the_same() {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<_> = paths
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| (path.clone(), method.clone()))
        })
        .collect();
    let routes = table();
    let served = routes
        .iter()
        .map(|route| (route.path.replace("{*", "{"), route.method.as_str().to_lowercase()));
    assert_eq!(served.collect::<BTreeSet<_>>(), described);
    // What a path names is described, and every reference leads somewhere.
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let described = operation["parameters"].as_array().map_or(0, Vec::len);
            assert_eq!(path.matches('{').count(), described, "{path}");
        }
    }
    check_references(&document, &document);
}

fn check_references(document: &Value, value: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            fields.values().for_each(|value| check_references(document, value));
        }
        Value::Array(list) => list.iter().for_each(|value| check_references(document, value)),
        _ => {}
    }
}

/// The schema of what a path answers with a status.
fn schema(document: &Value, path: &str, method: &str, status: StatusCode) -> Option<Validator> {
    let mut response = &document["paths"][path][method]["responses"][status.as_str()];
    assert!(
        !response.is_null(),
        "{method} {path} answers {status}, which is not described"
    );
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).unwrap();
    }
    let mut schema = response["content"]["application/json"]["schema"].clone();
    if schema.is_null() {
        return None;
    }
    // References lead into the document, so the schema is looked at inside it.
    schema["components"] = document["components"].clone();
    Some(
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .build(&schema)
            .unwrap(),
    )
}

fn check(document: &Value, path: &str, method: &str, reply: &Reply) {
    if let Some(schema) = schema(document, path, method, reply.status) {
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{path}: {error}"));
        let faults: Vec<_> = schema.iter_errors(&answer).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{method} {path}: {faults:?}\n{answer:#}");
    }
}

#[test]
fn what_a_server_answers_has_the_form_that_is_described() {
    let document = document();
    let mut town = Town::new(None);
    town.start();
    let ask = |path: &str, at: &str| {
        let reply = town.ask(Method::GET, at, Vec::new());
        check(&document, path, "get", &reply);
        reply.status.as_u16()
    };
    assert_eq!(ask("/v1/status", "/v1/status"), 200, "before it is founded");
    assert_eq!(ask("/v1/due", "/v1/due"), 200);
    town.hand_in_founding();
    assert_eq!(ask("/v1/due", "/v1/due"), 200, "something is due");
    town.sign();
    town.admit("aurora", 41);
    let submission = town.submit("borealis", 42);
    town.signed(&["verify", &submission], &["group-1"]);
    let peer = town.ok(&["status", "--member", "aurora"])["nodes"]["nodes"][0]["peer_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (path, at, status) in [
        ("/healthz", "/healthz".to_owned(), 200),
        ("/metrics", "/metrics".to_owned(), 200),
        ("/openapi.json", "/openapi.json".to_owned(), 200),
        ("/metadata/{path}", "/metadata/timestamp.json".to_owned(), 200),
        ("/metadata/{path}", "/metadata/99.root.json".to_owned(), 404),
        ("/metadata/{path}", "/metadata/..%2f..%2fnotary.db".to_owned(), 404),
        ("/log/{path}", "/log/checkpoint".to_owned(), 200),
        ("/v1/status", "/v1/status".to_owned(), 200),
        ("/v1/submissions/{id}", format!("/v1/submissions/{submission}"), 200),
        ("/v1/submissions/{id}", "/v1/submissions/999".to_owned(), 404),
        ("/v1/submissions/{id}", "/v1/submissions/x".to_owned(), 400),
        ("/v1/members/{id}", "/v1/members/aurora".to_owned(), 200),
        ("/v1/members/{id}", "/v1/members/borealis".to_owned(), 200),
        ("/v1/members/{id}", "/v1/members/Nobody".to_owned(), 400),
        ("/v1/validators/{key}", format!("/v1/validators/{peer}"), 200),
        ("/v1/validators/{key}", "/v1/validators/nobody".to_owned(), 404),
        (
            "/v1/proposals/{version}/signable",
            "/v1/proposals/3/signable".to_owned(),
            200,
        ),
        (
            "/v1/proposals/{version}/signable",
            "/v1/proposals/9/signable".to_owned(),
            404,
        ),
        ("/v1/root/signable", "/v1/root/signable".to_owned(), 404),
    ] {
        assert_eq!(ask(path, &at), status, "{at}");
    }
    let metrics = String::from_utf8(town.ask(Method::GET, "/metrics", Vec::new()).body).unwrap();
    let entries = town.ok(&["status"])["entries"].clone();
    for line in [
        format!("ledger_notary_entries {entries}\n"),
        "ledger_notary_orders_total{order=\"complete\",outcome=\"taken\"} 2\n".to_owned(),
        "ledger_notary_timestamp_version 2\n".to_owned(),
        "ledger_notary_requests_total{route=\"/v1/members/{id}\",status=\"400\"} 1\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[test]
fn every_path_that_takes_orders_refuses_what_is_none() {
    let document = document();
    let mut town = Town::new(None);
    town.start();
    let long = vec![b' '; (1 << 20) + 1];
    for route in table().iter().filter(|route| route.method != Method::GET) {
        let at = route.path.replace("{id}", "1").replace("{version}", "1");
        let method = route.method.as_str().to_lowercase();
        for (body, status) in [(b"{}".to_vec(), 400), (long.clone(), 413)] {
            let reply = town.ask(route.method.clone(), &at, body);
            assert_eq!(reply.status.as_u16(), status, "{method} {at}");
            check(&document, route.path, &method, &reply);
        }
        let reply = town.ask(Method::DELETE, &at, Vec::new());
        assert_eq!(reply.status.as_u16(), 405, "{at}");
    }
    let reply = town.ask(Method::GET, "/nothing", Vec::new());
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        (reply.status.as_u16(), &answer["error"]["kind"]),
        (404, &json!("missing"))
    );
}

#[test]
fn an_order_counts_once_and_under_its_own_path() {
    let document = document();
    let mut town = Town::new(None);
    town.start();
    town.found();
    let mut sequence = 0;
    let mut order = |command: Command| {
        sequence += 1;
        let stamp = Stamp {
            sequence,
            ..Stamp::now(0).unwrap()
        };
        let stamp = Stamp {
            expires: now().plus(60),
            ..stamp
        };
        sealed(&network(), stamp, command, &[secret(11)])
    };
    let send = |method: Method, path: &str, at: &str, body: &[u8]| {
        let reply = town.ask(method.clone(), at, body.to_vec());
        check(&document, path, &method.as_str().to_lowercase(), &reply);
        let kind = serde_json::from_slice::<Value>(&reply.body).unwrap()["error"]["kind"].clone();
        (reply.status.as_u16(), kind)
    };
    let renew = order(Command::Renew {});
    assert_eq!(
        send(Method::POST, "/v1/suspensions", "/v1/suspensions", &renew),
        (422, json!("path"))
    );
    assert_eq!(
        send(Method::POST, "/v1/proposals", "/v1/proposals", &renew),
        (200, Value::Null)
    );
    assert_eq!(
        send(Method::POST, "/v1/proposals", "/v1/proposals", &renew),
        (409, json!("conflict")),
        "a replay"
    );
    let submission = SubmissionId(7);
    let withdraw = order(Command::Withdraw { submission });
    let path = "/v1/submissions/{id}/decisions";
    assert_eq!(
        send(Method::POST, path, "/v1/submissions/8/decisions", &withdraw),
        (422, json!("path"))
    );
    assert_eq!(
        send(Method::POST, path, "/v1/submissions/7/decisions", &withdraw),
        (404, json!("missing"))
    );
    let nodes = serde_json::to_string(&nodes("aurora", None, Vec::new())).unwrap();
    let update = order(Command::UpdateNodes {
        role: String::new(),
        nodes,
    });
    let path = "/v1/members/{id}/nodes";
    assert_eq!(
        send(Method::PUT, path, "/v1/members/borealis/nodes", &update),
        (422, json!("path"))
    );
    let right = send(Method::PUT, path, "/v1/members/aurora/nodes", &update);
    assert_eq!(right, (400, json!("malformed")), "the path is right, the role is none");
    // Another signature than the one that its key makes.
    let text = String::from_utf8(order(Command::Renew {})).unwrap();
    let mut envelope: Value = serde_json::from_str(&text).unwrap();
    envelope["signatures"][0]["keyid"] = public(12).into();
    let (status, kind) = send(
        Method::POST,
        "/v1/proposals",
        "/v1/proposals",
        envelope.to_string().as_bytes(),
    );
    assert_eq!((status, kind), (401, json!("unsigned")));
}
