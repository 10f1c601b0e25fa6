//! Those who may suspend: their first list, the next one, who signs it, and other keys for them.
//!
//! Where one key is enough, `suspend` does all of it at once. Where more are needed, the metadata go from holder to holder as a file.

use std::{fs, path::Path};

use eyre::{OptionExt, WrapErr};
use ledger_notary::{
    ceremony::Sheet,
    client::papers::{self, Suspend},
    desk::Command,
    records::{Hex32, NotaryId, Place},
    repository::Unsigned,
    tuf::{DelegatedRole, Key, KeyId, RoleKeys, TargetFile, Targets, UnixSeconds, Version},
};
use serde_json::json;

use crate::{
    args::{
        TrustArgs,
        ceremony::{DenyCommand, DenyNewArgs, DenyNextArgs, DenyOutArgs, DenyReplaceArgs, DenySendArgs, DenySignArgs},
        orders::SuspendArgs,
    },
    ceremony::{now, signed_report, standing},
    files,
    orders::{Sender, next_version, reader, taken},
    output::Report,
};

const DAY: u64 = 86_400;

/// `deny …`
pub fn command(command: &DenyCommand) -> eyre::Result<Report> {
    match command {
        DenyCommand::New(args) => new(args),
        DenyCommand::Next(args) => next(args),
        DenyCommand::Sign(args) => sign(args),
        DenyCommand::Send(args) => send(args),
        DenyCommand::Replace(args) => replace(args),
    }
}

fn new(args: &DenyNewArgs) -> eyre::Result<Report> {
    let list = papers::first_deny(&args.network.network.0);
    write(&args.written, &list, Version::FIRST, now()?)
}

/// Writes a list, and metadata for it that nobody has signed.
fn write(to: &DenyOutArgs, list: &[u8], version: Version, now: UnixSeconds) -> eyre::Result<Report> {
    let expires = now.plus(to.days * DAY);
    let mut targets = Targets::new(version, expires);
    targets.targets.insert(Place::Deny.path(), TargetFile::of(list));
    files::write_new(&to.list_out, list)?;
    files::write_new(&to.out, &Unsigned::new(targets).file(&[]))?;
    Ok(Report::of(
        json!({ "version": version, "expires": expires, "signed": 0 }),
    ))
}

/// The list after the published one, and the version of its metadata.
fn following(
    (server, trust): (&str, &TrustArgs),
    change: Option<(&NotaryId, Suspend)>,
    now: UnixSeconds,
) -> eyre::Result<(Vec<u8>, Version)> {
    let mut reader = reader(server, trust)?;
    let mut verifier = reader.refresh(now)?;
    let published = reader.target(&mut verifier, Place::Deny.path())?;
    let list = match change {
        Some((member, change)) => papers::next_deny(&published, member, change)?,
        None => published,
    };
    Ok((list, next_version(&reader, &Place::Deny)?))
}

fn begin(reason: &Path, now: UnixSeconds) -> eyre::Result<Suspend> {
    let bytes = fs::read(reason).wrap_err_with(|| format!("cannot read {}", reason.display()))?;
    let (since, reason_sha256) = (now, papers::sha256(&bytes));
    Ok(Suspend::Begin { since, reason_sha256 })
}

fn next(args: &DenyNextArgs) -> eyre::Result<Report> {
    let now = now()?;
    let change = match (&args.suspend, &args.reason, &args.lift) {
        (Some(member), Some(reason), _) => Some((member, begin(reason, now)?)),
        (_, _, Some(member)) => Some((member, Suspend::Lift)),
        _ => None,
    };
    let (list, version) = following((&args.server.server, &args.trust), change, now)?;
    write(&args.written, &list, version, now)
}

fn sign(args: &DenySignArgs) -> eyre::Result<Report> {
    let (holders, keys) = holders(args)?;
    let mut sheet = Sheet::<Targets>::parse(&files::read(&args.file)?)?;
    for secret in files::secrets(&args.secret)? {
        sheet.sign(&secret, &[&holders])?;
    }
    files::replace(&args.file, &sheet.file())?;
    let find = |id: &KeyId| keys.iter().find(|key| key.id() == *id).cloned();
    Ok(signed_report(&sheet, standing(&sheet, &holders, find)))
}

/// Who may sign: those whom targets name, or those who will be named.
fn holders(args: &DenySignArgs) -> eyre::Result<(RoleKeys, Vec<Key>)> {
    let Some(file) = &args.targets else {
        let keyids = args.deny_keys.iter().map(Key::id).collect();
        let threshold = args.deny_threshold;
        return Ok((RoleKeys { keyids, threshold }, args.deny_keys.clone()));
    };
    let targets = Sheet::<Targets>::parse(&files::read(file)?)?;
    let role = Place::Deny.role();
    let mut delegated = targets.document().delegated();
    let (all, DelegatedRole { keyids, threshold, .. }) = delegated
        .find(|(_, delegated)| delegated.name == role)
        .ok_or_eyre("these targets name nobody who may suspend")?;
    let (keyids, threshold) = (keyids.clone(), *threshold);
    Ok((RoleKeys { keyids, threshold }, all.keys.values().cloned().collect()))
}

fn send(args: &DenySendArgs) -> eyre::Result<Report> {
    let (role, deny) = (files::read_text(&args.file)?, files::read_text(&args.list)?);
    let command = Command::Suspend { role, deny };
    Ok(taken(Sender::new(&args.order)?.post("/v1/suspensions", command)?))
}

fn replace(args: &DenyReplaceArgs) -> eyre::Result<Report> {
    let hex = |key: &Key| match key {
        Key::Ed25519(public) => Some(Hex32(*public)),
        Key::Other { .. } => None,
    };
    let keys = args.holders.deny_keys.iter().map(hex).collect::<Option<Vec<_>>>();
    let command = Command::ReplaceDenyKeys {
        keys: keys.ok_or_eyre("a key of the command line is ed25519")?,
        threshold: args.holders.deny_threshold,
        role: files::read_text(&args.file)?,
    };
    Ok(taken(Sender::new(&args.order)?.post("/v1/proposals", command)?))
}

/// `suspend`
pub fn suspend(args: &SuspendArgs) -> eyre::Result<Report> {
    let now = now()?;
    let sender = Sender::new(&args.about.order)?;
    let change = match &args.reason {
        Some(reason) => begin(reason, now)?,
        None => Suspend::Lift,
    };
    let from = (args.about.order.server.server.as_str(), &args.about.trust);
    let (deny, version) = following(from, Some((&args.about.member, change)), now)?;
    let role = papers::role(&Place::Deny, &deny, version, now.plus(args.days * DAY), &sender.keys);
    let (role, deny) = (String::from_utf8(role)?, String::from_utf8(deny)?);
    Ok(taken(sender.post("/v1/suspensions", Command::Suspend { role, deny })?))
}
