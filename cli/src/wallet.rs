//! Where do wallets lie, and whose key signs?
//!
//! A wallet is a Web3 keystore file (version 3, mode 0600) named `NAME.json` in one folder, which any other Ethereum wallet
//! can import. The file states its address, so that looking needs no password. Called by [`crate::commands`]; keys are
//! read and written by `ledger_keys` alone. A key never leaves this module but as a signer.

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use ledger_chainspec::dev_keys::DEV_MNEMONIC;
use ledger_keys::{Password, account, secret_file};
use zeroize::Zeroizing;

use crate::{args::SignerArgs, error::CliError};

/// The wallet that is used when several are there and none is named.
pub const DEFAULT_NAME: &str = "default";

/// Longest name of a wallet, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// The folder of the wallets.
#[derive(Clone, Debug)]
pub struct WalletFolder(PathBuf);

/// A wallet's outside.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wallet {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// Its file.
    pub file: PathBuf,
}

impl WalletFolder {
    /// The folder that the arguments name, else the one in the home folder.
    ///
    /// # Errors
    /// [`CliError::NoHome`].
    pub fn new(named: Option<&Path>) -> Result<Self, CliError> {
        let folder = match named {
            Some(folder) => folder.to_owned(),
            None => std::env::home_dir()
                .filter(|home| !home.as_os_str().is_empty())
                .ok_or(CliError::NoHome)?
                .join(".cloud-ledger/wallets"),
        };
        Ok(Self(folder))
    }

    /// All wallets, by name. A file that is none is left out.
    ///
    /// # Errors
    /// [`CliError::Io`] if the folder is there and cannot be read.
    pub fn list(&self) -> Result<Vec<Wallet>, CliError> {
        let unreadable = |source| CliError::Io {
            what: self.0.display().to_string(),
            source,
        };
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut wallets = Vec::new();
        for entry in entries {
            let file = entry.map_err(unreadable)?.path();
            if file.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let Some(name) = file.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            if let Ok(address) = account::keystore_address(&file) {
                wallets.push(Wallet {
                    name: name.to_owned(),
                    address,
                    file,
                });
            }
        }
        wallets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(wallets)
    }

    /// The wallet `name`; without a name the only one there is, or the one named [`DEFAULT_NAME`].
    ///
    /// # Errors
    /// [`CliError::NoWallet`], [`CliError::ManyWallets`], [`CliError::UnknownWallet`], and the file's own
    /// ([`CliError::Key`]).
    pub fn find(&self, name: Option<&str>) -> Result<Wallet, CliError> {
        if let Some(name) = name {
            let file = self.file(name)?;
            if !file.exists() {
                return Err(CliError::UnknownWallet {
                    name: name.to_owned(),
                    folder: self.0.clone(),
                });
            }
            return Ok(Wallet {
                name: name.to_owned(),
                address: account::keystore_address(&file)?,
                file,
            });
        }
        let mut wallets = self.list()?;
        if let Some(place) = wallets.iter().position(|wallet| wallet.name == DEFAULT_NAME) {
            return Ok(wallets.swap_remove(place));
        }
        match (wallets.pop(), wallets.is_empty()) {
            (None, _) => Err(CliError::NoWallet { folder: self.0.clone() }),
            (Some(wallet), true) => Ok(wallet),
            (Some(last), false) => {
                wallets.push(last);
                let names: Vec<_> = wallets.into_iter().map(|wallet| wallet.name).collect();
                Err(CliError::ManyWallets {
                    names: names.join(", "),
                })
            }
        }
    }

    /// Makes the wallet `name` of `key`, or of a new random key; the password comes from `password_file` or is asked for.
    ///
    /// # Errors
    /// [`CliError::WalletName`], [`CliError::WalletExists`], [`CliError::Key`].
    pub fn create(
        &self,
        name: &str,
        key: Option<PrivateKeySigner>,
        password_file: Option<&Path>,
    ) -> Result<Wallet, CliError> {
        let file = self.file(name)?;
        if file.exists() {
            return Err(CliError::WalletExists { name: name.to_owned() });
        }
        let signer = key.unwrap_or_else(PrivateKeySigner::random);
        let password = Password::choosing(&format!("wallet {name}"), password_file)?;
        account::write_keystore(&file, &signer, &password)?;
        Ok(Wallet {
            name: name.to_owned(),
            address: signer.address(),
            file,
        })
    }

    fn file(&self, name: &str) -> Result<PathBuf, CliError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_plain) {
            return Err(CliError::WalletName { name: name.to_owned() });
        }
        Ok(self.0.join(format!("{name}.json")))
    }
}

/// Who acts, before any password is asked for.
#[derive(Clone, Debug)]
pub enum Actor {
    /// An account of the public test mnemonic.
    Dev {
        /// Which.
        index: u32,
        /// Its key, which everybody has.
        signer: Box<PrivateKeySigner>,
    },
    /// A wallet.
    Wallet {
        /// The wallet.
        wallet: Wallet,
        /// Where its password is, if not in somebody's head.
        password_file: Option<PathBuf>,
    },
}

impl Actor {
    /// Who the arguments name.
    ///
    /// # Errors
    /// As [`WalletFolder::find`].
    pub fn new(args: &SignerArgs) -> Result<Self, CliError> {
        if let Some(index) = args.wallet.dev_account {
            let signer = from_mnemonic(DEV_MNEMONIC, index).map_err(|reason| CliError::Sign { reason })?;
            return Ok(Self::Dev {
                index,
                signer: Box::new(signer),
            });
        }
        Ok(Self::Wallet {
            wallet: WalletFolder::new(args.wallet.wallet_dir.as_deref())?.find(args.wallet.wallet.as_deref())?,
            password_file: args.password_file.clone(),
        })
    }

    /// The account's address.
    #[must_use]
    pub const fn address(&self) -> Address {
        match self {
            Self::Dev { signer, .. } => signer.address(),
            Self::Wallet { wallet, .. } => wallet.address,
        }
    }

    /// The key, unlocked. Says on standard error, loudly, when it is one that everybody has.
    ///
    /// # Errors
    /// [`CliError::Key`], [`CliError::WalletAddress`].
    pub fn unlock(&self) -> Result<PrivateKeySigner, CliError> {
        match self {
            Self::Dev { index, signer } => {
                eprintln!("WARNING: account {index} of the public test mnemonic signs. EVERYBODY has its key.");
                Ok((**signer).clone())
            }
            Self::Wallet { wallet, password_file } => {
                let what = format!("wallet {} ({})", wallet.name, wallet.address);
                let password = Password::unlocking(&what, password_file.as_deref())?;
                let signer = account::read_keystore(&wallet.file, &password)?;
                if signer.address() == wallet.address {
                    return Ok(signer);
                }
                Err(CliError::WalletAddress {
                    name: wallet.name.clone(),
                    stated: wallet.address,
                    found: signer.address(),
                })
            }
        }
    }
}

/// The key in `file` (`-`: standard input, unseen at a terminal): a keystore, a private key or a mnemonic phrase, of which
/// account `index` is taken. A keystore opens with the password in `password_file`, or is asked for it.
///
/// # Errors
/// [`CliError::NotAKey`], [`CliError::Key`].
pub fn read_foreign(file: &Path, index: u32, password_file: Option<&Path>) -> Result<PrivateKeySigner, CliError> {
    let is_standard_input = file == Path::new("-");
    let source_name = if is_standard_input {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let not_a_key = |reason: String| CliError::NotAKey {
        source_name: source_name.clone(),
        reason,
    };
    let text = if is_standard_input {
        read_hidden().map_err(|error| not_a_key(error.to_string()))?
    } else {
        secret_file::read(file, "a key")?
    };
    let text = text.trim();
    if text.starts_with('{') {
        if is_standard_input {
            return Err(not_a_key(
                "a keystore is imported from its file, not from here".to_owned(),
            ));
        }
        let password = Password::unlocking(&format!("the keystore {}", file.display()), password_file)?;
        return Ok(account::read_keystore(file, &password)?);
    }
    if text.split_whitespace().count() > 1 {
        return from_mnemonic(text, index).map_err(not_a_key);
    }
    let key: B256 = text
        .parse()
        .map_err(|_| not_a_key("it is neither a keystore, nor 64 hexadecimal digits, nor a phrase".to_owned()))?;
    PrivateKeySigner::from_bytes(&key).map_err(|error| not_a_key(error.to_string()))
}

fn read_hidden() -> std::io::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Private key or phrase: ").map(Zeroizing::new);
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(secret_file::SECRET_FILE_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn from_mnemonic(phrase: &str, index: u32) -> Result<PrivateKeySigner, String> {
    MnemonicBuilder::from_phrase(phrase)
        .index(index)
        .and_then(|builder| builder.build())
        .map_err(|error| error.to_string())
}
