//! Who decides on requests for admission, and where is the notary? Resolved once from the command line and the specification.
//!
//! Called by [`crate::config`] and by `ledger-node validator`, which asks the same notary.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_signer_local::PrivateKeySigner;
use clap::{Args, ValueEnum};
use ledger_chainspec::{ChainSpec, NOTARY_URLS_MAX, is_notary_url};
use ledger_notary::records::Network;
use sha2::{Digest, Sha256};

use crate::{error::NodeError, keys::account};

/// Who decides on requests for admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AdmissionMode {
    /// This node, by what the notary says: it votes with the validator's account.
    Notary,
    /// A person: this node checks, and says what it found.
    Manual,
    /// Nothing is checked.
    Off,
}

/// Who may join.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
pub struct AdmissionArgs {
    /// Who decides on requests for admission [default: notary where a notary is known, else manual]
    #[arg(long, env = "LEDGER_ADMISSION", value_name = "MODE")]
    pub admission: Option<AdmissionMode>,
    /// Address of the notary's files, in place of those of the specification; name two mirrors, and both are asked
    #[arg(
        long,
        global = true,
        env = "LEDGER_NOTARY_URL",
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub notary_url: Vec<String>,
    /// Root metadata of the notary that trust starts from, in place of what the specification names
    #[arg(long, global = true, env = "LEDGER_NOTARY_ROOT", value_name = "FILE")]
    pub notary_root: Option<PathBuf>,
    /// Seconds between two looks at the notary
    #[arg(long, env = "LEDGER_NOTARY_REFRESH", default_value_t = 60, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub notary_refresh: u64,
    /// Keystore of the validator's account, which votes; without it this node reports and waits for `ledger-node validator vote`
    #[arg(long, env = "LEDGER_VALIDATOR_ACCOUNT", value_name = "KEYSTORE")]
    pub validator_account: Option<PathBuf>,
    /// File whose first line is that keystore's password (mode 0600); without it you are asked
    #[arg(
        long,
        env = "LEDGER_ACCOUNT_PASSWORD_FILE",
        value_name = "FILE",
        requires = "validator_account"
    )]
    pub account_password_file: Option<PathBuf>,
}

/// What the admission task is to do.
#[derive(Clone, Debug)]
pub struct AdmissionConfig {
    /// Whether it votes by itself.
    pub votes: bool,
    /// The notary, if one is known.
    pub notary: Option<NotaryConfig>,
    /// Time between two looks at it.
    pub refresh: Duration,
    /// The account that votes.
    pub account: Option<AccountSource>,
}

/// Where the account's key comes from.
#[derive(Clone, Debug)]
pub struct AccountSource {
    /// The keystore.
    pub keystore: PathBuf,
    /// The file that holds its password; without it a person is asked.
    pub password_file: Option<PathBuf>,
}

impl AccountSource {
    /// Unlocks the key.
    ///
    /// # Errors
    /// [`NodeError::Key`]
    pub fn read(&self) -> Result<PrivateKeySigner, NodeError> {
        Ok(account::unlock(&self.keystore, self.password_file.as_deref())?)
    }
}

/// A notary.
#[derive(Clone, Debug)]
pub struct NotaryConfig {
    /// One or two addresses of its files.
    pub urls: Vec<String>,
    /// What trust starts from.
    pub pin: RootPin,
    /// The network that its records must name.
    pub network: Network,
    /// Folder of what is trusted.
    pub folder: PathBuf,
}

/// The root metadata that trust starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootPin {
    /// A version and the sha256 of its file, which is fetched.
    Hash {
        /// Its version.
        version: u64,
        /// sha256 of its file.
        sha256: [u8; 32],
    },
    /// The file.
    File(Vec<u8>),
}

impl RootPin {
    /// The sha256 of the file.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        match self {
            Self::Hash { sha256, .. } => *sha256,
            Self::File(bytes) => Sha256::digest(bytes).into(),
        }
    }
}

/// The task that `args` ask for on the chain `spec`; `None` for none.
///
/// # Errors
/// [`NodeError::Usage`] if they contradict each other.
pub fn resolve(args: &AdmissionArgs, spec: &ChainSpec, data: &Path) -> Result<Option<AdmissionConfig>, NodeError> {
    let notary = notary(args, spec, &data.join("notary"))?;
    let mode = args.admission.unwrap_or(match &notary {
        Some(_) => AdmissionMode::Notary,
        None => AdmissionMode::Manual,
    });
    if mode == AdmissionMode::Notary && notary.is_none() {
        return Err(NodeError::Usage(
            "--admission notary needs a notary: name it with --notary-url and --notary-root, or in the specification's [notary]"
                .to_owned(),
        ));
    }
    let account = args.validator_account.as_ref().map(|keystore| AccountSource {
        keystore: keystore.clone(),
        password_file: args.account_password_file.clone(),
    });
    Ok((mode != AdmissionMode::Off).then(|| AdmissionConfig {
        votes: mode == AdmissionMode::Notary && account.is_some(),
        notary,
        refresh: Duration::from_secs(args.notary_refresh),
        account,
    }))
}

/// The notary that `args` name, or else the specification; what is trusted is kept below `folder`.
///
/// # Errors
/// [`NodeError::Usage`] if it is named in part.
pub fn notary(args: &AdmissionArgs, spec: &ChainSpec, folder: &Path) -> Result<Option<NotaryConfig>, NodeError> {
    let params = spec.notary.as_ref();
    let urls = match (args.notary_url.as_slice(), params) {
        ([], None) => Vec::new(),
        ([], Some(params)) => params.urls.clone(),
        (urls, _) => urls.to_vec(),
    };
    let pin = match (&args.notary_root, params) {
        (Some(path), _) => Some(RootPin::File(read_root(path)?)),
        (None, Some(params)) => Some(RootPin::Hash {
            version: params.root_version,
            sha256: params.root_sha256.0,
        }),
        (None, None) => None,
    };
    if let Some(bad) = urls.iter().find(|url| !is_notary_url(url)) {
        return Err(NodeError::Usage(format!(
            "--notary-url `{bad}`: give an address such as http://notary.example"
        )));
    }
    if urls.len() > NOTARY_URLS_MAX {
        return Err(NodeError::Usage(format!(
            "--notary-url: {} addresses; {NOTARY_URLS_MAX} at most are asked",
            urls.len()
        )));
    }
    if let [first, second] = urls.as_slice()
        && plain(first) == plain(second)
    {
        return Err(NodeError::Usage(format!(
            "--notary-url: {first} and {second} are one mirror; name two that two parties run, or one address"
        )));
    }
    match (urls.is_empty(), pin) {
        (true, None) => Ok(None),
        (false, Some(pin)) => Ok(Some(NotaryConfig {
            urls,
            network: network(spec)?,
            // Trust that begins elsewhere begins anew.
            folder: folder.join(hex::encode(&pin.sha256()[..8])),
            pin,
        })),
        (true, Some(_)) => Err(NodeError::Usage(
            "--notary-root needs --notary-url: where are the notary's files?".to_owned(),
        )),
        (false, None) => Err(NodeError::Usage(
            "--notary-url needs --notary-root: which root metadata are trusted?".to_owned(),
        )),
    }
}

/// An address as it is asked: the letters of a host have no case, and neither the usual port nor a slash at the end says anything.
fn plain(url: &str) -> String {
    let host_end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    let (host, path) = url.split_at(host_end);
    let host = host.strip_suffix(":80").unwrap_or(host);
    host.to_ascii_lowercase() + path.trim_end_matches('/')
}

fn network(spec: &ChainSpec) -> Result<Network, NodeError> {
    Network::try_from(spec)
        .map_err(|error| NodeError::Usage(format!("the notary's records cannot name the chain: {error}")))
}

fn read_root(path: &Path) -> Result<Vec<u8>, NodeError> {
    let unreadable = |reason: String| NodeError::Usage(format!("--notary-root {}: {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let longest = ledger_notary::tuf::limits::ROOT_BYTES_MAX;
    if bytes.len() as u64 > longest {
        return Err(unreadable(format!("root metadata have at most {longest} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ledger_chainspec::NotaryParams;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        admission: AdmissionArgs,
    }

    fn resolved(spec: &ChainSpec, arguments: &[&str]) -> Result<Option<AdmissionConfig>, String> {
        let line = Line::try_parse_from([&["node"], arguments].concat()).map_err(|error| error.to_string())?;
        resolve(&line.admission, spec, Path::new("data")).map_err(|error| error.to_string())
    }

    fn with_notary() -> ChainSpec {
        let mut spec = ChainSpec::dev();
        spec.notary = Some(NotaryParams {
            urls: vec!["http://one".to_owned(), "http://two".to_owned()],
            root_version: 3,
            root_sha256: [7; 32].into(),
        });
        spec
    }

    #[test]
    fn a_notary_decides_where_one_is_known_and_an_account_votes() {
        let known = with_notary();
        let config = resolved(&known, &[]).unwrap().unwrap();
        assert!(!config.votes, "nobody's key is here");
        let notary = config.notary.unwrap();
        assert_eq!(notary.urls, ["http://one", "http://two"]);
        assert_eq!(notary.pin.sha256(), [7; 32]);
        assert_eq!(notary.folder, Path::new("data/notary/0707070707070707"));
        let account = ["--validator-account", "account.json"];
        assert!(resolved(&known, &account).unwrap().unwrap().votes);
        let manual = [&account[..], &["--admission", "manual"]].concat();
        let config = resolved(&known, &manual).unwrap().unwrap();
        assert!(!config.votes && config.notary.is_some());
        assert!(resolved(&known, &["--admission", "off"]).unwrap().is_none());
        let other = resolved(&known, &["--notary-url", "http://three"]).unwrap().unwrap();
        assert_eq!(other.notary.unwrap().urls, ["http://three"]);
        let two = resolved(&known, &["--notary-url", "http://a/x,http://a/X"]);
        assert_eq!(two.unwrap().unwrap().notary.unwrap().urls.len(), 2);
        assert!(resolved(&ChainSpec::dev(), &[]).unwrap().unwrap().notary.is_none());
    }

    #[test]
    fn a_notary_that_is_named_in_part_is_refused_in_words() {
        let bare = ChainSpec::dev();
        for (arguments, words) in [
            (vec!["--admission", "notary"], "--admission notary needs a notary"),
            (vec!["--notary-url", "http://one"], "needs --notary-root"),
            (vec!["--notary-root", "/nonexistent"], "--notary-root /nonexistent: "),
            (vec!["--account-password-file", "x"], "--validator-account"),
            (vec!["--notary-refresh", "0"], "1..=3600"),
        ] {
            let error = resolved(&bare, &arguments).expect_err(words);
            assert!(error.contains(words), "{words}: {error}");
        }
        let known = with_notary();
        for (urls, words) in [
            ("https://one", "give an address such as http://notary.example"),
            ("http://1,http://2,http://3", "3 addresses; 2 at most are asked"),
            ("http://a/x,http://a/x", "http://a/x and http://a/x are one mirror"),
            ("http://a,http://A:80/", "http://a and http://A:80/ are one mirror"),
        ] {
            let error = resolved(&known, &["--notary-url", urls]).expect_err(words);
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
