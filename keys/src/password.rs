//! Where the password of a key file comes from: a file, or the person at the terminal.
//!
//! Called by the `keys` subcommands and by the assembly for `--validator-key`. A password never comes from an argument or
//! an environment variable, where other processes could read it.

use std::path::Path;

use zeroize::Zeroizing;

use crate::{KeyError, secret_file};

/// A password, wiped from memory when dropped and never shown by `Debug`.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// Takes `text` as the password.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The password's bytes, for a key derivation.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The first line of the password file at `path`, which must be private like a key (mode 0600).
    ///
    /// # Errors
    /// As [`secret_file::read`]; [`KeyError::BadNewPassword`] if the line is empty.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let text = secret_file::read(path, "a password file")?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(KeyError::BadNewPassword("the password file is empty"));
        }
        Ok(Self::new(line.to_owned()))
    }

    /// The password that unlocks `what`: from `file` if there is one, else asked for at the terminal.
    ///
    /// # Errors
    /// As [`Password::from_file`]; [`KeyError::NoPassword`] where nobody can be asked.
    pub fn unlocking(what: &str, file: Option<&Path>) -> Result<Self, KeyError> {
        match file {
            Some(path) => Self::from_file(path),
            None => ask(what, &format!("Password of {what}: ")),
        }
    }

    /// A password for the new key `what`: from `file` if there is one, else asked for twice at the terminal.
    ///
    /// # Errors
    /// As [`Password::unlocking`]; [`KeyError::BadNewPassword`] if the two differ or are empty.
    pub fn choosing(what: &str, file: Option<&Path>) -> Result<Self, KeyError> {
        if let Some(path) = file {
            return Self::from_file(path);
        }
        let first = ask(what, &format!("New password for {what}: "))?;
        let second = ask(what, "The same once more: ")?;
        if first.0 != second.0 {
            return Err(KeyError::BadNewPassword(
                "the two passwords differ; nothing was written",
            ));
        }
        if first.0.is_empty() {
            return Err(KeyError::BadNewPassword(
                "an empty password protects nothing; nothing was written",
            ));
        }
        Ok(first)
    }
}

fn ask(what: &str, prompt: &str) -> Result<Password, KeyError> {
    rpassword::prompt_password(prompt)
        .map(Password::new)
        .map_err(|error| KeyError::NoPassword {
            what: what.to_owned(),
            reason: error.to_string(),
        })
}
