//! OpenRPC documents as judges of answers: the execution-apis' own, and ours.

use std::{cell::RefCell, collections::BTreeMap, fs, path::PathBuf};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// A method whose answers are right although the execution-apis' schema refuses some of them: the schema that should stand
/// there, and why.
pub struct Correction {
    pub method: &'static str,
    pub why: &'static str,
    pub schema: fn() -> Value,
}

/// What the execution-apis' document gets wrong. Each must be needed by an answer, or the test fails.
pub const CORRECTIONS: &[Correction] = &[
    Correction {
        method: "eth_getLogs",
        why: "FilterResults is `oneOf` two kinds of lists, and an empty list is of both",
        schema: filter_results,
    },
    Correction {
        method: "eth_getFilterLogs",
        why: "as eth_getLogs",
        schema: filter_results,
    },
    Correction {
        method: "eth_getFilterChanges",
        why: "as eth_getLogs",
        schema: filter_results,
    },
    Correction {
        method: "eth_getTransactionByHash",
        why: "a transaction of the pool has no block, which PendingTransactionInfo allows and TransactionInfo does not",
        schema: waiting_transaction,
    },
];

fn filter_results() -> Value {
    json!({ "type": "array", "maxItems": 0 })
}

fn waiting_transaction() -> Value {
    json!({ "$ref": "#/components/schemas/PendingTransactionInfo" })
}

/// A document, with what it was asked to judge so far.
pub struct Suite {
    results: BTreeMap<String, Value>,
    components: Value,
    corrections: &'static [Correction],
    validators: RefCell<BTreeMap<String, Judge>>,
}

struct Judge {
    schema: Validator,
    correction: Option<Validator>,
    answers: usize,
    corrected: usize,
}

/// How many answers of a method were judged.
pub struct Judged {
    pub answers: usize,
    /// Of these, by a correction.
    pub corrected: usize,
}

impl Suite {
    /// The execution-apis' document, if it lies beside this project.
    pub fn of_execution_apis() -> Option<Self> {
        let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/suites/openrpc.json");
        let text = fs::read_to_string(&place);
        if text.is_err() {
            println!("skipped: ../shared/suites/openrpc.json is not beside this project");
        }
        Some(Self::new(&serde_json::from_str(&text.ok()?).unwrap(), CORRECTIONS))
    }

    pub fn new(document: &Value, corrections: &'static [Correction]) -> Self {
        let methods = document["methods"].as_array().unwrap();
        let named = |method: &Value| {
            let name = method["name"].as_str().unwrap().to_owned();
            (name, method["result"]["schema"].clone())
        };
        Self {
            results: methods.iter().map(named).collect(),
            components: document["components"].clone(),
            corrections,
            validators: RefCell::default(),
        }
    }

    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.results.keys().map(String::as_str)
    }

    /// Judges an answer, if the document knows the method.
    pub fn judge(&self, method: &str, params: &Value, answer: &Value) {
        let Some(result) = self.results.get(method) else {
            return;
        };
        let mut validators = self.validators.borrow_mut();
        let judge = validators.entry(method.to_owned()).or_insert_with(|| {
            let correction = self.corrections.iter().find(|correction| correction.method == method);
            Judge {
                schema: self.validator(result.clone()),
                correction: correction.map(|correction| self.validator((correction.schema)())),
                answers: 0,
                corrected: 0,
            }
        });
        judge.answers += 1;
        if judge.schema.is_valid(answer) {
            return;
        }
        if judge.correction.as_ref().is_some_and(|right| right.is_valid(answer)) {
            judge.corrected += 1;
            return;
        }
        let errors: Vec<_> = judge
            .schema
            .iter_errors(answer)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        panic!("{method} {params} gave what its schema refuses: {errors:#?}\n{answer:#}");
    }

    pub fn judged(&self) -> BTreeMap<String, Judged> {
        let counts = |judge: &Judge| Judged {
            answers: judge.answers,
            corrected: judge.corrected,
        };
        let validators = self.validators.borrow();
        validators
            .iter()
            .map(|(name, judge)| (name.clone(), counts(judge)))
            .collect()
    }

    fn validator(&self, result: Value) -> Validator {
        let schema = json!({ "allOf": [result], "components": self.components });
        jsonschema::options().with_draft(Draft::Draft7).build(&schema).unwrap()
    }
}
