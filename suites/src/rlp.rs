//! Does the RLP decoder that reads our blocks take what is RLP, and refuse what is not?

use alloy_primitives::{U512, hex};
use alloy_rlp::{BufMut, Decodable, Encodable, Header, PayloadView};
use serde_json::Value;

use crate::report::Verdict;

/// What the fixtures say in place of an item that cannot be.
const INVALID: &str = "INVALID";
/// What they say where the item does not matter.
const VALID: &str = "VALID";

/// Any RLP.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Bytes(Vec<u8>),
    List(Vec<Item>),
}

impl Decodable for Item {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        match Header::decode_raw(buf)? {
            PayloadView::String(bytes) => Ok(Self::Bytes(bytes.to_vec())),
            PayloadView::List(items) => {
                let items = items.into_iter().map(|mut item| Self::decode(&mut item));
                Ok(Self::List(items.collect::<alloy_rlp::Result<_>>()?))
            }
        }
    }
}

impl Encodable for Item {
    fn encode(&self, out: &mut dyn BufMut) {
        match self {
            Self::Bytes(bytes) => bytes.as_slice().encode(out),
            Self::List(items) => items.encode(out),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.as_slice().length(),
            Self::List(items) => items.length(),
        }
    }
}

/// Plays one RLP test.
pub(crate) fn play(test: &Value) -> Verdict {
    let bytes = test["out"].as_str().unwrap_or_default();
    let bytes = match hex::decode(bytes) {
        Ok(bytes) => bytes,
        Err(error) => return Verdict::Failed(vec![format!("the fixture's bytes are not hexadecimal: {error}")]),
    };
    let decoded = alloy_rlp::decode_exact::<Item>(&bytes);
    let wrong = match (test["in"].as_str(), decoded) {
        (Some(INVALID), Ok(item)) => vec![format!("taken as {item:?}, but it is not RLP")],
        (Some(INVALID), Err(_)) | (Some(VALID), Ok(_)) => Vec::new(),
        (_, Err(error)) => vec![format!("refused: {error}")],
        (_, Ok(item)) => match item_of(&test["in"]) {
            None => vec![format!("the fixture's item is of no known kind: {}", test["in"])],
            Some(expected) => differences(&item, &expected, &bytes),
        },
    };
    Verdict::of(wrong)
}

fn differences(item: &Item, expected: &Item, bytes: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    if item != expected {
        wrong.push(format!("decoded as {item:?}, expected {expected:?}"));
    }
    let encoded = alloy_rlp::encode(expected);
    if encoded != bytes {
        wrong.push(format!(
            "encoded as {}, expected {}",
            hex::encode(encoded),
            hex::encode(bytes)
        ));
    }
    wrong
}

/// A fixture's item: text, a number, `#` and a number's digits, or a list.
fn item_of(value: &Value) -> Option<Item> {
    match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(digits) => Some(number(digits.parse().ok()?)),
            None => Some(Item::Bytes(text.as_bytes().to_vec())),
        },
        Value::Number(digits) => Some(number(U512::from(digits.as_u64()?))),
        Value::Array(items) => Some(Item::List(items.iter().map(item_of).collect::<Option<_>>()?)),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

fn number(value: U512) -> Item {
    Item::Bytes(value.to_be_bytes_trimmed_vec())
}
