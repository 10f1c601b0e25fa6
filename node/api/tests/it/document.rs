//! The document against the source.

use std::collections::BTreeSet;

use ledger_api::openrpc::{METHODS, document};
use serde_json::Value;

use crate::source;

#[test]
fn the_document_lists_every_method_with_its_parameters_and_words() {
    let declared = source::methods();
    for method in &declared {
        let entry = METHODS.iter().find(|entry| entry.name == method.name);
        let entry = entry.unwrap_or_else(|| panic!("{} is not in the table", method.name));
        assert_eq!(entry.summary, method.summary, "{}", method.name);
        let listed: Vec<_> = entry
            .parameters
            .iter()
            .map(|parameter| (parameter.name.to_owned(), parameter.required))
            .collect();
        assert_eq!(listed, method.parameters, "{}", method.name);
    }
    let known: BTreeSet<&str> = declared
        .iter()
        .map(|method| method.name.as_str())
        .chain(["eth_unsubscribe", "ledger_unsubscribe"])
        .collect();
    let listed: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(known, listed);
    assert_eq!(listed.len(), METHODS.len(), "a method stands twice in the table");
}

#[test]
fn schemas_of_our_types_have_the_fields_of_the_types() {
    let document = document("test");
    for declared in source::types() {
        let schema = &document["components"]["schemas"][&declared.name];
        assert!(schema.is_object(), "{} has no schema", declared.name);
        if let Some(variants) = schema.get("enum") {
            assert_eq!(variants, &Value::from(declared.variants), "{}", declared.name);
            continue;
        }
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        let listed: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        let fields: BTreeSet<&str> = declared.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(listed, fields, "{}", declared.name);
        let mut required: Vec<&str> = declared
            .fields
            .iter()
            .filter(|(_, required)| *required)
            .map(|(name, _)| name.as_str())
            .collect();
        required.sort_unstable();
        assert_eq!(schema["required"], Value::from(required), "{}", declared.name);
    }
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_referred_to() {
    let document = document("test");
    let mut referred = BTreeSet::new();
    references(&document, &mut referred);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let present: BTreeSet<String> = schemas.keys().cloned().collect();
    assert_eq!(referred, present);
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                found.insert(target.trim_start_matches("#/components/schemas/").to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
