//! Key files: what is written can be read back, and everything else is refused in words.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use alloy_signer_local::PrivateKeySigner;
use ledger_keys::{KeyError, Password, account, consensus, secret_file};
use tempfile::tempdir;

fn password() -> Password {
    Password::new("correct horse".to_owned())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn consensus_key_comes_back_with_the_right_password_only() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("deep/validator.pem");
    let key = consensus::generate().unwrap();
    consensus::write_encrypted(&path, &key, &password()).unwrap();

    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{text}");
    assert_eq!(
        consensus::read_encrypted(&path, &password()).unwrap().to_bytes(),
        key.to_bytes()
    );
    let wrong = consensus::read_encrypted(&path, &Password::new("wrong".to_owned())).unwrap_err();
    assert!(matches!(wrong, KeyError::WrongPassword { .. }), "{wrong}");
}

#[test]
fn two_generated_keys_differ() {
    assert_ne!(
        consensus::generate().unwrap().to_bytes(),
        consensus::generate().unwrap().to_bytes()
    );
}

#[test]
fn key_file_is_never_overwritten() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("validator.pem");
    fs::write(&path, "precious").unwrap();
    let error = consensus::write_encrypted(&path, &consensus::generate().unwrap(), &password()).unwrap_err();
    assert!(matches!(error, KeyError::Exists { .. }), "{error}");
    let error = account::write_keystore(&path, &PrivateKeySigner::random(), &password()).unwrap_err();
    assert!(matches!(error, KeyError::Exists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn key_file_that_others_can_reach_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("validator.pem");
    consensus::write_encrypted(&path, &consensus::generate().unwrap(), &password()).unwrap();
    for bits in [0o640, 0o604, 0o620, 0o644, 0o660, 0o666, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
        let error = consensus::read_encrypted(&path, &password()).unwrap_err();
        assert!(
            matches!(error, KeyError::Insecure { mode, .. } if mode == bits),
            "{bits:o}: {error}"
        );
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    consensus::read_encrypted(&path, &password()).unwrap();
}

#[test]
fn consensus_file_that_is_none_is_refused_in_words() {
    let folder = tempdir().unwrap();
    let missing = consensus::read_encrypted(&folder.path().join("no.pem"), &password()).unwrap_err();
    assert!(matches!(missing, KeyError::Unreadable { .. }), "{missing}");
    let of_a_folder = consensus::read_encrypted(folder.path(), &password()).unwrap_err();
    assert!(of_a_folder.to_string().contains("not a regular file"), "{of_a_folder}");

    let huge = "-".repeat(usize::try_from(secret_file::SECRET_FILE_BYTES_MAX).unwrap() + 1);
    let plain = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let garbled = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for text in ["", "hello", "\u{0}\u{0}", plain, garbled, huge.as_str()] {
        let path = folder.path().join("x.pem");
        write_private(&path, text);
        let error = consensus::read_encrypted(&path, &password()).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "{text:.20}: {error}");
    }
}

#[test]
fn truncated_or_flipped_consensus_file_never_panics() {
    let folder = tempdir().unwrap();
    let whole = folder.path().join("whole.pem");
    let key = consensus::generate().unwrap();
    consensus::write_encrypted(&whole, &key, &password()).unwrap();
    let text = fs::read(&whole).unwrap();
    let path = folder.path().join("x.pem");
    // The body after the scrypt parameters only, so that no altered cost makes this test slow.
    for at in (140..text.len()).step_by(7) {
        let mut flipped = text.clone();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        for bytes in [flipped, text[..at].to_vec()] {
            write_private(&path, &String::from_utf8(bytes).unwrap());
            let read = consensus::read_encrypted(&path, &password());
            assert!(
                read.is_err() || read.is_ok_and(|read| read.to_bytes() == key.to_bytes()),
                "byte {at}"
            );
        }
    }
}

/// A key file that asks for scrypt with the cost `n`.
fn pem_with_cost(n: u64) -> String {
    use pkcs8::{
        EncryptedPrivateKeyInfoRef, SecretDocument,
        der::{asn1::OctetStringRef, pem::PemLabel},
        pkcs5::pbes2::{Kdf, Parameters},
    };
    let mut parameters = Parameters::generate_scrypt(&mut getrandom::SysRng).unwrap();
    let Kdf::Scrypt(scrypt) = &mut parameters.kdf else {
        panic!("generate_scrypt makes scrypt parameters")
    };
    scrypt.cost_parameter = n;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&[0; 64]).unwrap(),
    };
    let document = SecretDocument::try_from(&info).unwrap();
    let pem = document.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, pkcs8::LineEnding::LF);
    pem.unwrap().to_string()
}

#[test]
fn key_file_that_asks_for_too_much_memory_is_refused_before_it_gets_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.pem");
    write_private(&path, &pem_with_cost(1 << 40));
    let error = consensus::read_encrypted(&path, &password()).unwrap_err();
    assert!(matches!(error, KeyError::TooCostly { .. }), "{error}");
}

/// The library subtracts from the cost before it looks at it.
#[test]
fn key_file_with_an_impossible_cost_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.pem");
    for n in [0, 1, 3, 1000] {
        write_private(&path, &pem_with_cost(n));
        let error = consensus::read_encrypted(&path, &password()).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "N={n}: {error}");
    }
}

#[test]
fn keystore_comes_back_with_the_right_password_only() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("account.json");
    let signer = PrivateKeySigner::random();
    account::write_keystore(&path, &signer, &password()).unwrap();

    assert_eq!(mode(&path), 0o600);
    assert_eq!(account::keystore_address(&path).unwrap(), signer.address());
    assert_eq!(
        account::read_keystore(&path, &password()).unwrap().address(),
        signer.address()
    );
    let wrong = account::read_keystore(&path, &Password::new("wrong".to_owned())).unwrap_err();
    assert!(matches!(wrong, KeyError::WrongPassword { .. }), "{wrong}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let open = account::read_keystore(&path, &password()).unwrap_err();
    assert!(matches!(open, KeyError::Insecure { .. }), "{open}");
}

/// Each of these would make the decrypting library panic, or take gigabytes, if it were not looked at before.
#[test]
fn hostile_keystore_is_refused_in_words() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("account.json");
    account::write_keystore(&path, &PrivateKeySigner::random(), &password()).unwrap();
    let good: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let cases: [(&str, serde_json::Value, bool); 9] = [
        ("/crypto/kdfparams/dklen", 4.into(), false),
        ("/crypto/kdfparams/n", 0.into(), false),
        ("/crypto/kdfparams/n", 1000.into(), false),
        ("/crypto/kdfparams/n", (1u64 << 31).into(), true),
        ("/crypto/kdfparams/r", 1_000_000.into(), true),
        ("/crypto/kdfparams/p", 1_000_000.into(), true),
        ("/crypto/cipherparams/iv", "00".into(), false),
        ("/crypto/ciphertext", "00".into(), false),
        ("/version", 1.into(), false),
    ];
    for (pointer, value, too_costly) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        write_private(&path, &bad.to_string());
        let error = account::read_keystore(&path, &password()).unwrap_err();
        assert_eq!(
            matches!(error, KeyError::TooCostly { .. }),
            too_costly,
            "{pointer}: {error}"
        );
        assert_eq!(
            matches!(error, KeyError::Malformed { .. }),
            !too_costly,
            "{pointer}: {error}"
        );
    }
}

/// The library takes the rounds where a file states both, whatever it says in its `kdf`.
#[test]
fn keystore_with_two_key_derivations_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("account.json");
    account::write_keystore(&path, &PrivateKeySigner::random(), &password()).unwrap();
    let mut both: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    both["crypto"]["kdfparams"]["c"] = u32::MAX.into();
    both["crypto"]["kdfparams"]["prf"] = "hmac-sha256".into();
    write_private(&path, &both.to_string());
    let error = account::read_keystore(&path, &password()).unwrap_err();
    assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
}

/// scrypt keeps `p` blocks of `128 * r` bytes beside its table, so a small N does not make large blocks cheap.
#[test]
fn scrypt_with_few_but_huge_blocks_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("account.json");
    account::write_keystore(&path, &PrivateKeySigner::random(), &password()).unwrap();
    let mut wide: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for (name, value) in [("n", 2), ("r", 1 << 20), ("p", 16)] {
        wide["crypto"]["kdfparams"][name] = value.into();
    }
    write_private(&path, &wide.to_string());
    let error = account::read_keystore(&path, &password()).unwrap_err();
    assert!(matches!(error, KeyError::TooCostly { .. }), "{error}");
}

#[test]
fn identity_is_made_once_and_kept() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("identity.pem");
    let first = consensus::read_or_create_identity(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(
        consensus::read_or_create_identity(&path).unwrap().to_bytes(),
        first.to_bytes()
    );
    write_private(&path, "garbage");
    assert!(consensus::read_or_create_identity(&path).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "garbage");
}

#[test]
fn password_file_gives_its_first_line_and_must_be_private() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("password.txt");
    write_private(&path, "secret words\nnot this\n");
    let password = Password::from_file(&path).unwrap();
    assert_eq!(password.as_bytes(), b"secret words");
    assert!(!format!("{password:?}").contains("secret"));
    write_private(&path, "\n");
    assert!(matches!(Password::from_file(&path), Err(KeyError::BadNewPassword(_))));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Password::from_file(&path), Err(KeyError::Insecure { .. })));
}
