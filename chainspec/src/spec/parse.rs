//! How does a specification come out of TOML, and go back into it?
//!
//! Sections are read one by one, so that one mistake does not hide the next. No key has a default: what a chain is stands
//! in its file; only `[notary]` may be left out. The only module of this crate that reads a file.

use std::{fs::File, io::Read, path::Path};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{ChainSpec, MAINNET_TEMPLATE, Problem, SpecError, Unfilled, built_in::BUILT_IN};

/// Longest specification file.
pub const SPEC_BYTES_MAX: u64 = 1 << 20;

/// The keys of the topmost table, in the order of the file.
const KEYS: &str = "name, chain_id, genesis_timestamp, hardfork, [consensus], [limits], [network], [notary], [governance], \
    [checkpoint], [holder_limits], [[members]], [[validators]], [[instance_specs]], [[balances]]";

/// Marks of a blank in a template: a string in angle brackets.
const BLANK: (char, char) = ('<', '>');

impl ChainSpec {
    /// Reads and checks a specification.
    ///
    /// # Errors
    /// [`SpecError::Syntax`] if it is not TOML, [`SpecError::Unfilled`] with all blanks of a template, and
    /// [`SpecError::Invalid`] with everything else that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let table: Table = toml::from_str(text).map_err(|error: toml::de::Error| SpecError::Syntax {
            reason: error.to_string(),
        })?;
        let mut unfilled = Vec::new();
        for (key, value) in &table {
            find_blanks(key, value, &mut unfilled);
        }
        if !unfilled.is_empty() {
            return Err(SpecError::Unfilled { unfilled });
        }
        let spec = Sections {
            table,
            problems: Vec::new(),
        }
        .into_spec()?;
        spec.check()?;
        Ok(spec)
    }

    /// The built-in specification of that name, else the one in the file of that path.
    ///
    /// # Errors
    /// [`SpecError`] if there is neither, if the file cannot be read, or as [`ChainSpec::from_toml`].
    pub fn load(name_or_path: &str) -> Result<Self, SpecError> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::from_toml(text);
        }
        let path = Path::new(name_or_path);
        if name_or_path == "mainnet" && !path.exists() {
            return Self::from_toml(MAINNET_TEMPLATE);
        }
        let text = read(path)?;
        Self::from_toml(&text).map_err(|error| SpecError::File {
            path: path.to_owned(),
            error: Box::new(error),
        })
    }

    /// The specification as TOML, without comments. Reading it gives the same specification.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field of a specification has a form in TOML")
    }
}

fn read(path: &Path) -> Result<String, SpecError> {
    let read_error = |reason| SpecError::Read {
        path: path.to_owned(),
        reason,
    };
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SpecError::Unknown {
                name: path.display().to_string(),
            });
        }
        opened => opened.map_err(read_error)?,
    };
    let mut text = String::new();
    file.take(SPEC_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(read_error)?;
    if text.len() as u64 > SPEC_BYTES_MAX {
        return Err(SpecError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

fn find_blanks(key: &str, value: &Value, unfilled: &mut Vec<Unfilled>) {
    match value {
        Value::String(text) => {
            if let Some(hint) = text.strip_prefix(BLANK.0).and_then(|rest| rest.strip_suffix(BLANK.1)) {
                unfilled.push(Unfilled {
                    key: key.to_owned(),
                    hint: hint.to_owned(),
                });
            }
        }
        Value::Array(list) => {
            for (position, value) in list.iter().enumerate() {
                find_blanks(&format!("{key}[{position}]"), value, unfilled);
            }
        }
        Value::Table(table) => {
            for (inner, value) in table {
                find_blanks(&format!("{key}.{inner}"), value, unfilled);
            }
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// What of the file has not been read yet, and what was wrong so far.
struct Sections {
    table: Table,
    problems: Vec<Problem>,
}

impl Sections {
    fn into_spec(mut self) -> Result<ChainSpec, SpecError> {
        let spec = self.take_spec();
        let unknown = self.table.keys().map(|key| Problem::UnknownKey {
            key: key.clone(),
            known: KEYS.to_owned(),
        });
        self.problems.extend(unknown);
        match spec {
            Some(spec) if self.problems.is_empty() => Ok(spec),
            _ => Err(SpecError::Invalid {
                problems: self.problems,
            }),
        }
    }

    fn take_spec(&mut self) -> Option<ChainSpec> {
        // Everything is taken before anything is missed, so that every problem is seen.
        let (name, chain_id) = (self.one("name"), self.one("chain_id"));
        let (genesis_timestamp, hardfork) = (self.one("genesis_timestamp"), self.one("hardfork"));
        let (consensus, limits) = (self.one("consensus"), self.one("limits"));
        let (network, governance) = (self.one("network"), self.one("governance"));
        let notary = self.optional("notary");
        let (checkpoint, holder_limits) = (self.one("checkpoint"), self.one("holder_limits"));
        let (members, validators) = (self.list("members"), self.list("validators"));
        let (instance_specs, balances) = (self.list("instance_specs"), self.list("balances"));
        Some(ChainSpec {
            name: name?,
            chain_id: chain_id?,
            genesis_timestamp: genesis_timestamp?,
            hardfork: hardfork?,
            consensus: consensus?,
            limits: limits?,
            network: network?,
            notary: notary?,
            governance: governance?,
            checkpoint: checkpoint?,
            holder_limits: holder_limits?,
            members: members?,
            validators: validators?,
            instance_specs: instance_specs?,
            balances: balances?,
        })
    }

    fn one<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let Some(value) = self.table.remove(key) else {
            self.problems.push(Problem::Missing { key: key.to_owned() });
            return None;
        };
        self.read(key.to_owned(), value)
    }

    /// A section that a chain may do without.
    fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<Option<T>> {
        match self.table.remove(key) {
            None => Some(None),
            Some(value) => self.read(key.to_owned(), value).map(Some),
        }
    }

    fn list<T: DeserializeOwned>(&mut self, key: &str) -> Option<Vec<T>> {
        match self.table.remove(key) {
            None => {
                self.problems.push(Problem::Missing { key: key.to_owned() });
                None
            }
            Some(Value::Array(list)) => {
                let read: Vec<Option<T>> = list
                    .into_iter()
                    .enumerate()
                    .map(|(position, value)| self.read(format!("{key}[{position}]"), value))
                    .collect();
                read.into_iter().collect()
            }
            Some(other) => {
                let reason = format!("a list is needed, not a value of type {}", other.type_str());
                self.problems.push(Problem::Value {
                    key: key.to_owned(),
                    reason,
                });
                None
            }
        }
    }

    fn read<T: DeserializeOwned>(&mut self, key: String, value: Value) -> Option<T> {
        match value.try_into() {
            Ok(read) => Some(read),
            Err(error) => {
                let reason = error.to_string().trim().replace('\n', " ");
                self.problems.push(Problem::Value { key, reason });
                None
            }
        }
    }
}
