//! Wallet files, made and used by the command.

use std::{fs, os::unix::fs::PermissionsExt};

use alloy_primitives::Address;

use crate::kit::Passport;

#[test]
fn new_wallet_is_private_listed_and_found() {
    let passport = Passport::new();
    let none = passport.run(&["wallet", "show", "--json"]);
    assert_eq!((none.exit(), none.failure().as_str()), (5, "noWallet"));

    let made = passport.run(&["wallet", "new", "--json"]);
    assert_eq!(made.exit(), 0, "{}", made.err());
    let made = made.json();
    assert_eq!(made["name"], "default");
    let file = made["file"].as_str().unwrap();
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600);
    let keystore: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(keystore["version"], 3);

    assert_eq!(passport.run(&["wallet", "show", "--json"]).json(), made);
    let second = passport.run(&["wallet", "new", "cloud-1", "--json"]).json();
    assert_ne!(second["address"], made["address"]);
    let list = passport.run(&["wallet", "list"]);
    let address = |wallet: &serde_json::Value| -> Address { wallet["address"].as_str().unwrap().parse().unwrap() };
    let expected = format!(
        "WALLET   ADDRESS\ncloud-1  {}\ndefault  {}\n",
        address(&second),
        address(&made)
    );
    assert_eq!(list.out(), expected);
    assert_eq!(passport.run(&["wallet", "show", "--json"]).json(), made, "the default");
    assert_eq!(passport.run(&["wallet", "show", "cloud-1", "--json"]).json(), second);
}

#[test]
fn wallet_is_never_overwritten_and_bad_names_are_refused() {
    let passport = Passport::new();
    let made = passport.run(&["wallet", "new", "--json"]).json();
    let again = passport.run(&["wallet", "new", "--json"]);
    assert_eq!((again.exit(), again.failure().as_str()), (5, "walletExists"));
    assert_eq!(passport.run(&["wallet", "show", "--json"]).json(), made);
    for name in ["", "../escape", "a b", "ä", &"x".repeat(65)] {
        let bad = passport.run(&["wallet", "new", name, "--json"]);
        assert_eq!((bad.exit(), bad.failure().as_str()), (5, "walletName"), "{name}");
    }
    let unknown = passport.run(&["wallet", "show", "nobody", "--json"]);
    assert_eq!((unknown.exit(), unknown.failure().as_str()), (5, "unknownWallet"));
}

#[test]
fn several_wallets_without_a_default_must_be_named() {
    let passport = Passport::new();
    for name in ["one", "two"] {
        assert_eq!(passport.run(&["wallet", "new", name]).exit(), 0);
    }
    let run = passport.run(&["wallet", "show"]);
    assert_eq!(run.exit(), 5);
    assert!(
        run.err().contains("one, two") && run.err().contains("--wallet NAME"),
        "{}",
        run.err()
    );
    assert_eq!(passport.run(&["--wallet", "two", "wallet", "show"]).exit(), 0);
}

#[test]
fn keys_are_imported_from_hexadecimal_phrase_and_keystore() {
    let passport = Passport::new();
    let account_7 = "0x14dc79964da2c08b23698b3d3cc7ca32193d9955";
    let key = passport.write(
        "key",
        "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356\n",
    );
    let run = passport.run(&["wallet", "import", key.to_str().unwrap(), "hex", "--json"]);
    assert_eq!(run.json()["address"], account_7, "{}", run.err());

    let phrase = "test test test test test test test test test test test junk";
    let run = passport.run_with_input(&["wallet", "import", "-", "phrase", "--index", "7", "--json"], phrase);
    assert_eq!(run.json()["address"], account_7, "{}", run.err());

    let keystore = run.json()["file"].as_str().unwrap().to_owned();
    let run = passport.run(&["wallet", "import", &keystore, "copy", "--json"]);
    assert_eq!(run.json()["address"], account_7, "{}", run.err());

    for bad in ["", "hello", "0x12", "word word word", &"f".repeat(64), &"0".repeat(64)] {
        let run = passport.run_with_input(&["wallet", "import", "-", "bad", "--json"], bad);
        assert_eq!((run.exit(), run.failure().as_str()), (5, "notAKey"), "{bad}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let run = passport.run(&["wallet", "import", key.to_str().unwrap(), "open"]);
    assert_eq!(run.exit(), 5);
    assert!(run.err().contains("chmod 600"), "{}", run.err());
    assert_eq!(
        passport
            .run(&["wallet", "list", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn altered_address_and_wrong_password_are_noticed_before_anything_is_signed() {
    use passport_cli::{
        args::{SignerArgs, WalletArgs},
        error::CliError,
        wallet::Actor,
    };
    let passport = Passport::new();
    let made = passport.run(&["wallet", "new", "--json"]).json();
    let args = |password: &str| SignerArgs {
        wallet: WalletArgs {
            wallet: None,
            dev_account: None,
            wallet_dir: Some(passport.folder().join("wallets")),
        },
        password_file: Some(passport.folder().join(password)),
    };
    let signer = Actor::new(&args("password")).unwrap().unlock().unwrap();
    assert_eq!(format!("{:#x}", signer.address()), made["address"].as_str().unwrap());
    passport.write("wrong", "incorrect horse\n");
    let error = Actor::new(&args("wrong")).unwrap().unlock().unwrap_err();
    assert!(
        matches!(error, CliError::Key(ledger_keys::KeyError::WrongPassword { .. })),
        "{error}"
    );

    let file = made["file"].as_str().unwrap();
    let text = fs::read_to_string(file).unwrap();
    let own = made["address"].as_str().unwrap().trim_start_matches("0x");
    fs::write(file, text.replace(own, &"1".repeat(40))).unwrap();
    let error = Actor::new(&args("password")).unwrap().unlock().unwrap_err();
    assert!(matches!(error, CliError::WalletAddress { .. }), "{error}");
}
