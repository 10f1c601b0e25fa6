//! Account keys (secp256k1) as Web3 keystore files, the format of every Ethereum wallet.
//!
//! Called by `ledger-node keys account` and `passport wallet`. It never signs.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use alloy_primitives::Address;
use alloy_signer::k256::elliptic_curve::rand_core::OsRng;
use alloy_signer_local::PrivateKeySigner;
use serde::Deserialize;

use crate::{Cost, KeyError, Password, secret_file};

const EXPECTED: &str = "a Web3 keystore file (version 3)";

/// Writes `signer`'s key, encrypted under `password`, to a new file at `path`.
///
/// # Errors
/// As [`secret_file::write_new`]; [`KeyError::Generate`] if the encoder refuses.
pub fn write_keystore(path: &Path, signer: &PrivateKeySigner, password: &Password) -> Result<(), KeyError> {
    // The library truncates whatever has the name it is given, so the file is made here first: new, and private
    // before the first byte is in it.
    secret_file::write_new(path, b"")?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        KeyError::Generate(format!(
            "{} is not a file name that can be written as text",
            path.display()
        ))
    })?;
    let secret = zeroize::Zeroizing::new(signer.to_bytes().0);
    PrivateKeySigner::encrypt_keystore(folder, &mut OsRng, secret.as_slice(), password.as_bytes(), Some(name))
        .map_err(|error| KeyError::Generate(error.to_string()))?;
    state_address(path, signer.address()).map_err(|source| KeyError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

/// Adds the address to the keystore at `path`, as geth does: the library leaves it out. Syncs the file.
fn state_address(path: &Path, address: Address) -> io::Result<()> {
    let mut keystore: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(path)?)?;
    keystore.insert("address".to_owned(), format!("{address:x}").into());
    let mut file = File::options().write(true).truncate(true).open(path)?;
    file.write_all(serde_json::to_string(&keystore)?.as_bytes())?;
    file.sync_all()
}

/// The address that the keystore file at `path` states, which needs no password. Nobody has checked that its key fits.
///
/// # Errors
/// As [`secret_file::read`]; [`KeyError::Malformed`] for another kind of file, or one that states no address.
pub fn keystore_address(path: &Path) -> Result<Address, KeyError> {
    #[derive(Deserialize)]
    struct Stated {
        address: Option<Address>,
    }
    let malformed = |reason: String| KeyError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED,
        reason,
    };
    let text = secret_file::read(path, EXPECTED)?;
    let stated: Stated = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    stated
        .address
        .ok_or_else(|| malformed("it states no address; import it, which adds one".to_owned()))
}

/// Reads the account key from the keystore file at `path`.
///
/// # Errors
/// As [`secret_file::read`]; [`KeyError::Malformed`] for another kind of file, [`KeyError::TooCostly`] if it asks for more
/// than the bounds of key files, [`KeyError::WrongPassword`].
pub fn read_keystore(path: &Path, password: &Password) -> Result<PrivateKeySigner, KeyError> {
    let text = secret_file::read(path, EXPECTED)?;
    check_keystore(path, &text)?;
    PrivateKeySigner::decrypt_keystore(path, password.as_bytes())
        .map_err(|_| KeyError::WrongPassword { path: path.to_owned() })
}

/// Reads the account key from the keystore file at `path` with the password from `password_file`; without one, the password is asked for.
///
/// # Errors
/// As [`Password::unlocking`] and [`read_keystore`].
pub fn unlock(path: &Path, password_file: Option<&Path>) -> Result<PrivateKeySigner, KeyError> {
    read_keystore(path, &Password::unlocking(&path.display().to_string(), password_file)?)
}

/// The parts of a keystore file whose lengths and costs the decrypting library takes on trust.
#[derive(Deserialize)]
struct Keystore {
    version: u8,
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdfparams: KdfParams,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct KdfParams {
    dklen: u64,
    n: Option<u64>,
    r: Option<u64>,
    p: Option<u64>,
    c: Option<u64>,
}

/// Refuses the text of a keystore file that would make the library panic, or take memory and time without bound.
///
/// # Errors
/// As [`read_keystore`], but for the reading and the password.
pub fn check_keystore(path: &Path, text: &str) -> Result<(), KeyError> {
    let malformed = |reason: String| KeyError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED,
        reason,
    };
    let keystore: Keystore = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let Crypto {
        cipher,
        cipherparams,
        ciphertext,
        kdfparams,
    } = &keystore.crypto;
    if keystore.version != 3 || cipher != "aes-128-ctr" {
        return Err(malformed(format!(
            "version {} with cipher {cipher} is not supported",
            keystore.version
        )));
    }
    if kdfparams.dklen != 32 || cipherparams.iv.len() != 32 || ciphertext.len() != 64 {
        return Err(malformed("its key, iv or ciphertext has the wrong length".to_owned()));
    }
    match (kdfparams.n, kdfparams.r, kdfparams.p, kdfparams.c) {
        // A file that stated rounds as well would leave the choice between the two to the library.
        (Some(n), Some(r), Some(p), None) => Cost::Scrypt { n, r, p }.check(path, EXPECTED),
        (None, None, None, Some(rounds)) => Cost::Pbkdf2 { rounds }.check(path, EXPECTED),
        _ => Err(malformed("it does not state exactly one key derivation".to_owned())),
    }
}
