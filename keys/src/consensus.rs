//! The validator's ed25519 key as an encrypted PKCS#8 PEM file (PBES2: scrypt and AES-256-CBC, as OpenSSL reads it), and
//! the node's network identity as a plain one.
//!
//! Called by `ledger-node keys` and when a validator starts. It never signs.

use std::path::Path;

use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use pkcs8::{
    DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfoRef, LineEnding, SecretDocument,
    der::{asn1::OctetStringRef, pem::PemLabel},
    pkcs5::{
        EncryptionScheme,
        pbes2::{self, Kdf},
    },
};

use zeroize::Zeroizing;

use crate::{Cost, KeyError, Password, secret_file};

const EXPECTED: &str = "an encrypted PKCS#8 ed25519 key in PEM";
const EXPECTED_PLAIN: &str = "a PKCS#8 ed25519 key in PEM";

/// A new random ed25519 key.
///
/// # Errors
/// [`KeyError::Generate`] if the operating system gives no randomness.
pub fn generate() -> Result<SigningKey, KeyError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut()).map_err(|error| KeyError::Generate(error.to_string()))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Writes `key`, encrypted under `password`, to a new file at `path`.
///
/// # Errors
/// As [`secret_file::write_new`]; [`KeyError::Generate`] if the encoder refuses.
pub fn write_encrypted(path: &Path, key: &SigningKey, password: &Password) -> Result<(), KeyError> {
    let pem = encrypt(key, password).map_err(|error| KeyError::Generate(error.to_string()))?;
    secret_file::write_new(path, pem.as_bytes())
}

fn encrypt(key: &SigningKey, password: &Password) -> pkcs8::Result<Zeroizing<String>> {
    let parameters = pbes2::Parameters::generate_scrypt(&mut SysRng)?;
    let encrypted = parameters.encrypt(password.as_bytes(), key.to_pkcs8_der()?.as_bytes())?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&encrypted)?,
    };
    let document = SecretDocument::try_from(&info)?;
    Ok(document.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)?)
}

/// Reads the key that [`write_encrypted`], or OpenSSL, wrote to `path`.
///
/// # Errors
/// As [`secret_file::read`]; [`KeyError::Malformed`] for another kind of file, [`KeyError::TooCostly`] if it asks for more
/// than the bounds of [`Cost`], [`KeyError::WrongPassword`].
pub fn read_encrypted(path: &Path, password: &Password) -> Result<SigningKey, KeyError> {
    decrypt(path, &secret_file::read(path, EXPECTED)?, password)
}

/// Reads the ed25519 key from the PEM file at `path` with the password from `password_file`; without one, the password is asked for.
///
/// # Errors
/// As [`Password::unlocking`] and [`read_encrypted`].
pub fn unlock(path: &Path, password_file: Option<&Path>) -> Result<SigningKey, KeyError> {
    read_encrypted(path, &Password::unlocking(&path.display().to_string(), password_file)?)
}

/// Opens the text of a key file that was read from `path`.
///
/// # Errors
/// As [`read_encrypted`], but for the reading.
pub fn decrypt(path: &Path, text: &str, password: &Password) -> Result<SigningKey, KeyError> {
    let plain = sealed(path, text, |info| {
        stated_cost(path, &info.encryption_algorithm)?.check(path, EXPECTED)?;
        info.decrypt(password.as_bytes())
            .map_err(|_| KeyError::WrongPassword { path: path.to_owned() })
    })?;
    SigningKey::from_pkcs8_der(plain.as_bytes())
        .map_err(|error| malformed(path, format!("it opened, but holds no ed25519 key: {error}")))
}

/// The identity stored at `path`, made and stored there on first use.
///
/// # Errors
/// As [`secret_file::read`] and [`secret_file::write_new`]; [`KeyError::Malformed`] for another kind of file.
pub fn read_or_create_identity(path: &Path) -> Result<SigningKey, KeyError> {
    if !path.exists() {
        let key = generate()?;
        write_identity(path, &key)?;
        return Ok(key);
    }
    let text = secret_file::read(path, EXPECTED_PLAIN)?;
    SigningKey::from_pkcs8_pem(&text).map_err(|error| KeyError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED_PLAIN,
        reason: error.to_string(),
    })
}

/// Writes the identity `key` to a new file at `path`, as [`read_or_create_identity`] reads it.
///
/// # Errors
/// As [`secret_file::write_new`]; [`KeyError::Generate`] if the encoder refuses.
pub fn write_identity(path: &Path, key: &SigningKey) -> Result<(), KeyError> {
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|error| KeyError::Generate(error.to_string()))?;
    secret_file::write_new(path, pem.as_bytes())
}

/// What opening the text of a key file that was read from `path` takes, as the file states.
///
/// # Errors
/// [`KeyError::Malformed`] for another kind of file.
pub fn cost_of(path: &Path, text: &str) -> Result<Cost, KeyError> {
    sealed(path, text, |info| stated_cost(path, &info.encryption_algorithm))
}

/// Gives `open` the encrypted key in `text`.
fn sealed<T>(
    path: &Path,
    text: &str,
    open: impl FnOnce(EncryptedPrivateKeyInfoRef<'_>) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let (label, document) = SecretDocument::from_pem(text).map_err(|error| malformed(path, error.to_string()))?;
    EncryptedPrivateKeyInfoRef::validate_pem_label(label)
        .map_err(|_| malformed(path, format!("its label is `{label}`, not `ENCRYPTED PRIVATE KEY`")))?;
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|error| malformed(path, error.to_string()))?;
    open(info)
}

fn stated_cost(path: &Path, scheme: &EncryptionScheme) -> Result<Cost, KeyError> {
    let parameters = scheme
        .pbes2()
        .ok_or_else(|| malformed(path, "it uses an encryption scheme older than PBES2".to_owned()))?;
    match &parameters.kdf {
        Kdf::Scrypt(scrypt) => Ok(Cost::Scrypt {
            n: scrypt.cost_parameter,
            r: scrypt.block_size.into(),
            p: scrypt.parallelization.into(),
        }),
        Kdf::Pbkdf2(pbkdf2) => Ok(Cost::Pbkdf2 {
            rounds: pbkdf2.iteration_count.into(),
        }),
        other => Err(malformed(
            path,
            format!("its key derivation {} is not known", other.oid()),
        )),
    }
}

fn malformed(path: &Path, reason: String) -> KeyError {
    KeyError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED,
        reason,
    }
}
