//! What was signed? JSON as a value that keeps every field, and the one form of it that signatures are made over.
//!
//! The form is OLPC's canonical JSON, as The Update Framework uses it: sorted keys, no white space, only `"` and `\` escaped,
//! whole numbers alone. Names that occur twice in one object are refused, because two readers could take different ones;
//! so are fractions, which have no one form. Never interprets a field.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// A JSON value without fractions and without repeated names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number of 64 bits, with or without sign.
    Integer(i128),
    /// Text.
    String(String),
    /// A list.
    Array(Vec<Self>),
    /// Names and values; the order of names is that of their bytes, which is that of their code points.
    Object(BTreeMap<String, Self>),
}

impl Json {
    /// Reads a whole document.
    ///
    /// # Errors
    /// If the bytes are no JSON, have a fraction, a repeated name or something after the value, or are nested too deep.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The value of a name, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// The canonical form.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Bool(true) => out.extend(b"true"),
            Self::Bool(false) => out.extend(b"false"),
            Self::Integer(number) => out.extend(number.to_string().bytes()),
            Self::String(text) => write_text(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(fields) => {
                out.push(b'{');
                for (place, (name, value)) in fields.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    write_text(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with whole numbers only")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the name {name:?} occurs twice in one object"
                )));
            }
            let value = map.next_value()?;
            fields.insert(name, value);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        String::from_utf8(Json::parse(text.as_bytes()).unwrap().canonical()).unwrap()
    }

    #[test]
    fn the_form_is_olpcs() {
        // Each right side is what securesystemslib's `encode_canonical` makes of the left one.
        for (text, expected) in [
            ("[ 1 ,\n2, {} , [] ]", "[1,2,{},[]]"),
            (r#"{"b": 1, "a": true, "B": null}"#, r#"{"B":null,"a":true,"b":1}"#),
            (r#""a\"b\\c\/""#, r#""a\"b\\c/""#),
            (r#""\u00e9\n\u0000""#, "\"é\n\0\""),
            (
                r#"{"\ud83d\ude00": 0, "\uffff": 1, "\u00e9": 2}"#,
                "{\"é\":2,\"\u{ffff}\":1,\"😀\":0}",
            ),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_one_form_is_refused() {
        for (text, reason) in [
            ("1.5", "whole numbers"),
            ("-0", "whole numbers"),
            ("1e2", "whole numbers"),
            ("18446744073709551616", "whole numbers"),
            (r#"{"a":1,"b":{"a":2,"a":2}}"#, "occurs twice"),
            (r#"{"a":1,"\u0061":2}"#, "occurs twice"),
            ("[1] 2", "trailing"),
            ("", "EOF"),
        ] {
            let error = Json::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
