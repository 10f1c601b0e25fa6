//! Who is the working group of a local network? Its keys, and the first documents that they sign.
//!
//! Called by `up` when it makes a network, and once more when the server is there to be founded.

use std::{
    num::NonZeroU32,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::SigningKey;
use http::Method;
use ledger_chainspec::ChainSpec;
use ledger_notary::{
    ceremony::{Holders, RootWishes, Sheet, first_targets, root},
    client::{papers, server::Server},
    desk::Command,
    records::{Network, Place},
    tuf::{Key, RoleName, Root, Targets, UnixSeconds, Version},
};

use super::{super::files::new_password, NotaryFiles, TestnetError};
use crate::{
    cli::testnet::folder::{failed, replace},
    keys::{Password, consensus, secret_file},
};

/// Holders of root; two of them sign.
const ROOT: [&str; 3] = ["root-1", "root-2", "root-3"];
/// The working group.
pub const GROUP: [&str; 3] = ["group-1", "group-2", "group-3"];
/// How many of the working group admit a member.
pub const GROUP_THRESHOLD: usize = 2;
/// Who may suspend.
const DENY: &str = "deny";
/// The online key of the snapshot.
pub const SNAPSHOT: &str = "snapshot";
/// The online key of the timestamp.
pub const TIMESTAMP: &str = "timestamp";

/// The first metadata, beside root.
const TARGETS_FILE: &str = "1.targets.json";
const DENY_FILE: &str = "1.wg-deny.json";
const LIST_FILE: &str = "deny.json";

const DAY: Duration = Duration::from_secs(86_400);

/// A holder's key, and who it is.
struct Secret {
    holder: &'static str,
    key: SigningKey,
}

/// The keys of all holders.
struct Secrets(Vec<Secret>);

impl Secrets {
    fn of<'a>(&'a self, holders: &'a [&str]) -> impl Iterator<Item = &'a SigningKey> {
        let held = self.0.iter().filter(|secret| holders.contains(&secret.holder));
        held.map(|secret| &secret.key)
    }

    fn holders(&self, holders: &[&str], threshold: u32) -> Holders {
        let public = |key: &SigningKey| Key::Ed25519(key.verifying_key().to_bytes());
        Holders {
            keys: self.of(holders).map(public).collect(),
            threshold: NonZeroU32::new(threshold).expect("nobody needs no signature"),
        }
    }
}

fn said(files: &NotaryFiles, reason: impl ToString) -> TestnetError {
    TestnetError::Notary {
        reason: reason.to_string(),
        folder: files.folder().to_owned(),
    }
}

/// The chain in the words of the notary.
fn network(spec: &ChainSpec, files: &NotaryFiles) -> Result<Network, TestnetError> {
    Network::try_from(spec).map_err(|error| said(files, error))
}

/// Makes the keys of everybody and the documents that found the notary, in its empty folder.
///
/// # Errors
/// [`TestnetError`] if a file cannot be written.
pub fn make(files: &NotaryFiles, spec: &ChainSpec) -> Result<(), TestnetError> {
    secret_file::write_new(&files.password(), new_password()?.as_bytes())?;
    let password = Password::from_file(&files.password())?;
    let all = ROOT.iter().chain(&GROUP).chain(&[DENY, SNAPSHOT, TIMESTAMP]);
    let mut secrets = Secrets(Vec::new());
    for holder in all {
        let key = consensus::generate()?;
        consensus::write_encrypted(&files.key(holder), &key, &password)?;
        secrets.0.push(Secret { holder, key });
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let after = |days: u32| UnixSeconds::new((now + DAY * days).as_secs());
    let wishes = RootWishes {
        root: Some(secrets.holders(&ROOT, 2)),
        targets: Some(secrets.holders(&GROUP, 2)),
        snapshot: Some(secrets.holders(&[SNAPSHOT], 1)),
        timestamp: Some(secrets.holders(&[TIMESTAMP], 1)),
    };
    let document = root(None, &wishes, after(365)).map_err(|error| said(files, error))?;
    let mut sheet = Sheet::<Root>::new(document);
    let roles = sheet.document().roles.clone();
    for key in secrets.of(&ROOT[..2]) {
        sheet.sign(key, &[&roles.root]).map_err(|error| said(files, error))?;
    }
    replace(&files.root(), &sheet.file())?;
    let deny = secrets.holders(&[DENY], 1);
    let document = first_targets(&deny, after(90)).map_err(|error| said(files, error))?;
    let mut sheet = Sheet::<Targets>::new(document);
    for key in secrets.of(&GROUP[..GROUP_THRESHOLD]) {
        sheet.sign(key, &[&roles.targets]).map_err(|error| said(files, error))?;
    }
    replace(&files.file(TARGETS_FILE), &sheet.file())?;
    let list = papers::first_deny(&network(spec, files)?);
    let keys: Vec<_> = secrets.of(&[DENY]).cloned().collect();
    let role = papers::role(&Place::Deny, &list, Version::FIRST, after(180), &keys);
    replace(&files.file(LIST_FILE), &list)?;
    replace(&files.file(DENY_FILE), &role)
}

/// Sends the first documents to the server.
///
/// # Errors
/// [`TestnetError::Notary`] with what the server says.
pub fn found(files: &NotaryFiles, spec: &ChainSpec, port: u16) -> Result<(), TestnetError> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|source| failed("read", path, source));
    let command = Command::Found {
        root: read(&files.root())?,
        roles: [
            (RoleName::targets(), read(&files.file(TARGETS_FILE))?),
            (Place::Deny.role(), read(&files.file(DENY_FILE))?),
        ]
        .into(),
        files: [(Place::Deny.path(), read(&files.file(LIST_FILE))?)].into(),
    };
    let key = consensus::read_encrypted(&files.key(ROOT[0]), &Password::from_file(&files.password())?)?;
    let network = network(spec, files)?;
    let server = Server::new(&format!("http://127.0.0.1:{port}")).map_err(|error| said(files, error))?;
    let sent = server.send((Method::POST, "/v1/founding"), &network, command, &[key]);
    sent.map(drop).map_err(|error| said(files, error))
}
