//! How is an answer shown, to people and to scripts? Text by default, one JSON object where it is asked for.

use std::io::{self, Write};

use serde_json::Value;

/// An answer in both forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// For people; every line ended.
    pub text: String,
    /// For scripts.
    pub json: Value,
}

impl Report {
    /// An answer whose text is what the JSON says, a line for each field.
    pub fn of(json: Value) -> Self {
        let mut text = String::new();
        lines("", &json, &mut text);
        Self { text, json }
    }

    /// The same with words of its own.
    pub fn with_text(text: String, json: Value) -> Self {
        Self { text, json }
    }

    /// Writes it to standard output.
    ///
    /// # Errors
    /// If nobody takes it, but for one who has read enough.
    pub fn show(&self, is_json: bool) -> io::Result<()> {
        let text = if is_json {
            format!("{:#}\n", self.json)
        } else {
            self.text.clone()
        };
        let written = io::stdout()
            .write_all(text.as_bytes())
            .and_then(|()| io::stdout().flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// One line for each value, under the path of names that leads to it.
fn lines(name: &str, value: &Value, text: &mut String) {
    let join = |part: &str| {
        if name.is_empty() {
            part.to_owned()
        } else {
            format!("{name}.{part}")
        }
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(field, value)| lines(&join(field), value, text)),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter()
                .filter_map(Value::as_str)
                .for_each(|item| *text += &format!("{name}: {item}\n"));
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(place, value)| lines(&join(&place.to_string()), value, text));
        }
        // Long texts are files: they are asked for in JSON.
        Value::String(long) if long.contains('\n') => *text += &format!("{name}: {} bytes\n", long.len()),
        Value::String(plain) => *text += &format!("{name}: {plain}\n"),
        Value::Null => {}
        other => *text += &format!("{name}: {other}\n"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_has_a_line() {
        let report =
            Report::of(json!({ "a": { "b": 1, "c": ["x", "y"] }, "d": [{ "e": true }], "f": null, "g": "h\ni" }));
        assert_eq!(report.text, "a.b: 1\na.c: x\na.c: y\nd.0.e: true\ng: 3 bytes\n");
    }
}
