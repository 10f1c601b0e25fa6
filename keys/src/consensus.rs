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

use crate::{KeyError, Password, secret_file};

/// Most memory that opening a key file may take, in bytes (scrypt needs `128 * N * r`). The files written here need a
/// sixteenth of it.
pub const SCRYPT_MEMORY_BYTES_MAX: u64 = 256 << 20;

/// Largest scrypt parallelization that is accepted: time grows with it while memory does not.
pub const SCRYPT_PARALLELIZATION_MAX: u64 = 16;

/// Most PBKDF2 rounds that a key file may ask for (files written by other tools): a few seconds of work.
pub const PBKDF2_ROUNDS_MAX: u32 = 10_000_000;

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
/// than the bounds above, [`KeyError::WrongPassword`].
pub fn read_encrypted(path: &Path, password: &Password) -> Result<SigningKey, KeyError> {
    let malformed = |reason: String| KeyError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED,
        reason,
    };
    let text = secret_file::read(path, EXPECTED)?;
    let (label, document) = SecretDocument::from_pem(&text).map_err(|error| malformed(error.to_string()))?;
    EncryptedPrivateKeyInfoRef::validate_pem_label(label)
        .map_err(|_| malformed(format!("its label is `{label}`, not `ENCRYPTED PRIVATE KEY`")))?;
    let info =
        EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| malformed(error.to_string()))?;
    check_cost(path, &info.encryption_algorithm)?;
    let plain = info
        .decrypt(password.as_bytes())
        .map_err(|_| KeyError::WrongPassword { path: path.to_owned() })?;
    SigningKey::from_pkcs8_der(plain.as_bytes())
        .map_err(|error| malformed(format!("it opened, but holds no ed25519 key: {error}")))
}

/// The identity stored at `path`, made and stored there on first use.
///
/// # Errors
/// As [`secret_file::read`] and [`secret_file::write_new`]; [`KeyError::Malformed`] for another kind of file.
pub fn read_or_create_identity(path: &Path) -> Result<SigningKey, KeyError> {
    if !path.exists() {
        let key = generate()?;
        let pem = key
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| KeyError::Generate(error.to_string()))?;
        secret_file::write_new(path, pem.as_bytes())?;
        return Ok(key);
    }
    let text = secret_file::read(path, EXPECTED_PLAIN)?;
    SigningKey::from_pkcs8_pem(&text).map_err(|error| KeyError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED_PLAIN,
        reason: error.to_string(),
    })
}

/// Refuses a file whose stated cost is out of bounds, before any of it is paid.
fn check_cost(path: &Path, scheme: &EncryptionScheme) -> Result<(), KeyError> {
    let too_costly = |asked: String, allowed: String| KeyError::TooCostly {
        path: path.to_owned(),
        asked,
        allowed,
    };
    let Some(parameters) = scheme.pbes2() else {
        return Err(KeyError::Malformed {
            path: path.to_owned(),
            expected: EXPECTED,
            reason: "it uses an encryption scheme older than PBES2".to_owned(),
        });
    };
    match &parameters.kdf {
        Kdf::Scrypt(scrypt) => {
            let (n, r, p) = (
                scrypt.cost_parameter,
                scrypt.block_size.into(),
                scrypt.parallelization.into(),
            );
            if scrypt_is_bounded(n, r, p) {
                return Ok(());
            }
            Err(too_costly(
                format!("scrypt with N={n} r={r} p={p}"),
                format!(
                    "{} MiB and p={SCRYPT_PARALLELIZATION_MAX}",
                    SCRYPT_MEMORY_BYTES_MAX >> 20
                ),
            ))
        }
        Kdf::Pbkdf2(pbkdf2) if pbkdf2.iteration_count > PBKDF2_ROUNDS_MAX => Err(too_costly(
            format!("{} rounds", pbkdf2.iteration_count),
            format!("{PBKDF2_ROUNDS_MAX} rounds"),
        )),
        _ => Ok(()),
    }
}

/// Whether scrypt with cost `n`, block size `r` and parallelization `p` keeps to the bounds above.
pub(super) fn scrypt_is_bounded(n: u64, r: u64, p: u64) -> bool {
    let memory = n.checked_mul(r).and_then(|blocks| blocks.checked_mul(128));
    memory.is_some_and(|bytes| bytes <= SCRYPT_MEMORY_BYTES_MAX) && p <= SCRYPT_PARALLELIZATION_MAX
}
