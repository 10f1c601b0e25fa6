//! Which transaction puts the contract onto the mainchain? The record of one deployment: kept before it leaves, so that whoever was
//! killed meanwhile goes on with it, and never makes a second contract.
//!
//! Called by `ledger-relayer deploy`. A contract's address follows from its account and the number of the transaction that makes it:
//! every transaction of a record has that one number, so that at most one of them is ever mined, and all of them make the same
//! contract.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use ledger_keys::durable;
use serde::{Deserialize, Serialize};

use crate::{
    journal::{JournalError, lock},
    numbers::Nonce,
};

/// Name of the record in its folder.
const FILE: &str = "deployment.json";

/// Name of the lock beside it.
const LOCK: &str = "deployment.lock";

/// The version of the record that is written and read.
const VERSION: u32 = 1;

/// Transactions of one record: each pays an eighth more than the one before, so the last would pay 1,600 times the first's price.
pub const TRANSACTIONS_MAX: usize = 64;

/// Largest record that is read: all its transactions, each with the contract's code in hexadecimal.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why the record of a deployment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// Another process deploys with it, or the disk fails.
    #[error(transparent)]
    Disk(#[from] JournalError),
    /// Not a record, or not one of this version.
    #[error(
        "{path} is no record of a deployment of this version ({reason}): move it away if nothing was deployed with it, or name another \
         folder with --journal"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is of another deployment.
    #[error(
        "{path} is the record of another deployment: it has {what} {got}, and this one {expected}. Name another folder with --journal"
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// The record's.
        got: String,
        /// This deployment's.
        expected: String,
    },
}

/// What is to be deployed, where, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Chain id of the mainchain.
    pub chain_id: u64,
    /// The account that pays.
    pub account: Address,
    /// Hash of the sidechain's genesis block.
    pub genesis: B256,
    /// Hash of the first validator set.
    pub set_hash: B256,
}

/// A signed transaction that makes the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Creation {
    /// Its hash.
    pub hash: B256,
    /// What it pays per gas.
    pub gas_price_wei: U256,
    /// Its bytes.
    pub raw: Bytes,
}

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    version: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// Number of its transactions among the account's.
    nonce: u64,
    /// Its transactions, cheapest first.
    pub transactions: Vec<Creation>,
}

impl Deployment {
    /// A deployment by one transaction.
    #[must_use]
    pub fn new(purpose: Purpose, nonce: Nonce, creation: Creation) -> Self {
        Self {
            version: VERSION,
            purpose,
            nonce: nonce.get(),
            transactions: vec![creation],
        }
    }

    /// Number of its transactions among the account's.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        Nonce::new(self.nonce)
    }

    /// Where the contract is, once it is there.
    #[must_use]
    pub fn contract(&self) -> Address {
        self.purpose.account.create(self.nonce)
    }

    /// The dearest of its transactions: the one that nodes take if they take any.
    #[must_use]
    pub fn dearest(&self) -> Option<&Creation> {
        self.transactions.iter().max_by_key(|creation| creation.gas_price_wei)
    }

    /// The record that `bytes` are.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match record {
            record if record.version != VERSION => Err(format!("it has version {}", record.version)),
            record if record.transactions.is_empty() || record.transactions.len() > TRANSACTIONS_MAX => Err(format!(
                "it has {} transactions; 1 to {TRANSACTIONS_MAX} can be",
                record.transactions.len()
            )),
            record => Ok(record),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a record has a form in JSON")
    }
}

/// The folder of a deployment, which nobody else deploys with meanwhile.
#[derive(Debug)]
pub struct DeploymentFolder {
    path: PathBuf,
    _lock: File,
}

impl DeploymentFolder {
    /// The folder, made if it is not there.
    ///
    /// # Errors
    /// [`DeploymentError::Disk`]
    pub fn open(folder: &Path) -> Result<Self, DeploymentError> {
        fs::create_dir_all(folder).map_err(|source| disk("make the folder", folder, source))?;
        Ok(Self {
            path: folder.join(FILE),
            _lock: lock(folder, LOCK)?,
        })
    }

    /// What was begun there, if it is for this purpose.
    ///
    /// # Errors
    /// [`DeploymentError`]
    pub fn read(&self, purpose: &Purpose) -> Result<Option<Deployment>, DeploymentError> {
        read(&self.path, purpose)
    }

    /// Keeps the record: afterwards it survives whatever happens to the process or the machine.
    ///
    /// # Errors
    /// [`DeploymentError::Disk`]. Nothing must be sent then.
    pub fn keep(&self, record: &Deployment) -> Result<(), DeploymentError> {
        durable::replace(&self.path, &record.encode()).map_err(|source| disk("write", &self.path, source))
    }
}

/// What was begun in a folder, without a lock and without a change.
///
/// # Errors
/// [`DeploymentError`]
pub fn look(folder: &Path, purpose: &Purpose) -> Result<Option<Deployment>, DeploymentError> {
    read(&folder.join(FILE), purpose)
}

fn disk(action: &'static str, path: &Path, source: io::Error) -> DeploymentError {
    let path = path.to_owned();
    DeploymentError::Disk(JournalError::Disk { action, path, source })
}

fn read(path: &Path, purpose: &Purpose) -> Result<Option<Deployment>, DeploymentError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(disk("open", path, source)),
    };
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|source| disk("read", path, source))?;
    let record = Deployment::decode(&bytes).map_err(|reason| DeploymentError::Foreign {
        path: path.to_owned(),
        reason,
    })?;
    let (got, expected) = (&record.purpose, purpose);
    let parts = [
        ("the chain id", got.chain_id.to_string(), expected.chain_id.to_string()),
        ("the account", got.account.to_string(), expected.account.to_string()),
        (
            "the genesis hash",
            got.genesis.to_string(),
            expected.genesis.to_string(),
        ),
        (
            "the set's hash",
            got.set_hash.to_string(),
            expected.set_hash.to_string(),
        ),
    ];
    match parts.into_iter().find(|(_, got, expected)| got != expected) {
        None => Ok(Some(record)),
        Some((what, got, expected)) => Err(DeploymentError::Other {
            path: path.to_owned(),
            what,
            got,
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(chain_id: u64) -> Purpose {
        Purpose {
            chain_id,
            account: Address::repeat_byte(1),
            genesis: B256::repeat_byte(2),
            set_hash: B256::repeat_byte(3),
        }
    }

    fn record() -> Deployment {
        let creation = |price: u64| Creation {
            hash: B256::repeat_byte(4),
            gas_price_wei: U256::from(price),
            raw: vec![5; 3].into(),
        };
        let mut record = Deployment::new(purpose(63), Nonce::new(7), creation(1));
        record.transactions.push(creation(2));
        record
    }

    #[test]
    fn what_was_kept_is_found_again_and_only_for_its_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let opened = DeploymentFolder::open(folder.path()).unwrap();
        assert!(opened.read(&purpose(63)).unwrap().is_none());
        opened.keep(&record()).unwrap();
        assert_eq!(opened.read(&purpose(63)).unwrap(), Some(record()));
        assert_eq!(look(folder.path(), &purpose(63)).unwrap(), Some(record()));
        let other = opened.read(&purpose(61)).unwrap_err().to_string();
        assert!(other.contains("the chain id 63, and this one 61"), "{other}");
        let second = DeploymentFolder::open(folder.path()).unwrap_err().to_string();
        assert!(second.contains("is in use"), "{second}");
    }

    #[test]
    fn what_is_no_record_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let cut = &record().encode()[..100];
        let version = String::from_utf8(record().encode()).unwrap();
        let version = version.replace("\"version\": 1", "\"version\": 2");
        for bytes in [b"".as_slice(), b"{}", cut, version.as_bytes()] {
            fs::write(folder.path().join(FILE), bytes).unwrap();
            let refused = look(folder.path(), &purpose(63)).unwrap_err().to_string();
            assert!(refused.contains("no record of a deployment"), "{refused}");
        }
    }
}
