//! Keys, and documents that go from holder to holder: no command here touches a network.

use std::time::{SystemTime, UNIX_EPOCH};

use eyre::WrapErr;
use ledger_keys::{Password, consensus};
use ledger_notary::{
    ceremony::{Holders, RootWishes, Sheet, first_targets, root},
    tuf::{Document, Key, KeyId, RoleKeys, Root, Targets, UnixSeconds},
};
use serde_json::json;

use crate::{
    args::ceremony::{
        KeyArgs, KeyCommand, RootCommand, RootNewArgs, RootSignArgs, ShowArgs, TargetsCommand, TargetsNewArgs,
        TargetsSignArgs,
    },
    files,
    output::Report,
};

const DAY: u64 = 86_400;

/// The time of this machine.
pub fn now() -> eyre::Result<UnixSeconds> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .wrap_err("the clock stands before 1970")?;
    Ok(UnixSeconds::new(now.as_secs()))
}

/// `key …`
pub fn key(command: &KeyCommand) -> eyre::Result<Report> {
    let (KeyCommand::New(KeyArgs { file, password_file }) | KeyCommand::Show(KeyArgs { file, password_file })) =
        command;
    let secret = match command {
        KeyCommand::New(_) => {
            let password = Password::choosing(&file.display().to_string(), password_file.as_deref())?;
            let secret = consensus::generate()?;
            consensus::write_encrypted(file, &secret, &password)?;
            secret
        }
        KeyCommand::Show(_) => consensus::unlock(file, password_file.as_deref())?,
    };
    let public = secret.verifying_key().to_bytes();
    let id = Key::Ed25519(public).id();
    Ok(Report::of(
        json!({ "public_key": hex::encode(public), "key_id": id.as_str(), "file": file }),
    ))
}

/// `root …`
pub fn root_command(command: &RootCommand) -> eyre::Result<Report> {
    match command {
        RootCommand::New(args) => root_new(args),
        RootCommand::Sign(args) => root_sign(args),
        RootCommand::Show(ShowArgs { file }) => root_report(&Sheet::parse(&files::read(file)?)?, None),
    }
}

fn root_new(args: &RootNewArgs) -> eyre::Result<Report> {
    let before = args.before.as_deref().map(files::read).transpose()?;
    let before = before.map(|bytes| Sheet::<Root>::parse(&bytes)).transpose()?;
    let several = |keys: &[Key], threshold| {
        (!keys.is_empty()).then(|| Holders {
            keys: keys.to_vec(),
            threshold,
        })
    };
    let one = |key: &Option<Key>| {
        let keys = vec![key.clone()?];
        Some(Holders {
            keys,
            threshold: std::num::NonZeroU32::MIN,
        })
    };
    let wishes = RootWishes {
        root: several(&args.root_keys, args.root_threshold),
        targets: several(&args.targets_keys, args.targets_threshold),
        snapshot: one(&args.snapshot_key),
        timestamp: one(&args.timestamp_key),
    };
    let document = root(
        before.as_ref().map(Sheet::document),
        &wishes,
        now()?.plus(args.days * DAY),
    )?;
    let sheet = Sheet::new(document);
    files::write_new(&args.out, &sheet.file())?;
    root_report(&sheet, before.as_ref())
}

fn root_sign(args: &RootSignArgs) -> eyre::Result<Report> {
    let mut sheet = Sheet::<Root>::parse(&files::read(&args.file)?)?;
    let before = args.before.as_deref().map(files::read).transpose()?;
    let before = before.map(|bytes| Sheet::<Root>::parse(&bytes)).transpose()?;
    let own = sheet.document().roles.root.clone();
    let mut holders = vec![&own];
    holders.extend(before.as_ref().map(|before| &before.document().roles.root));
    for secret in files::secrets(&args.secret)? {
        sheet.sign(&secret, &holders)?;
    }
    files::replace(&args.file, &sheet.file())?;
    root_report(&sheet, before.as_ref())
}

fn root_report(sheet: &Sheet<Root>, before: Option<&Sheet<Root>>) -> eyre::Result<Report> {
    let root = sheet.document();
    let role = |role: &RoleKeys| {
        let keys: Vec<_> = role.keyids.iter().map(|id| shown(root.keys.get(id))).collect();
        json!({ "threshold": role.threshold, "keys": keys })
    };
    let mut report = json!({
        "version": root.version,
        "expires": root.expires,
        "root": role(&root.roles.root),
        "targets": role(&root.roles.targets),
        "snapshot": role(&root.roles.snapshot),
        "timestamp": role(&root.roles.timestamp),
        "signed": standing(sheet, &root.roles.root, |id| root.keys.get(id).cloned()),
    });
    if let Some(before) = before {
        let old = before.document();
        report["signed_by_the_root_before"] = json!(standing(sheet, &old.roles.root, |id| old.keys.get(id).cloned()));
    }
    Ok(Report::of(report))
}

fn shown(key: Option<&Key>) -> String {
    match key {
        Some(Key::Ed25519(public)) => hex::encode(public),
        Some(Key::Other { kind, .. }) => format!("a key of kind {kind}, which never counts"),
        None => "a key that is not listed".to_owned(),
    }
}

/// How many of those who must have signed.
pub fn standing<T: Document + Clone>(
    sheet: &Sheet<T>,
    role: &RoleKeys,
    keys: impl Fn(&KeyId) -> Option<Key>,
) -> String {
    let got = sheet.signers(role, keys).len();
    let needed = role.threshold.get();
    let left = usize::try_from(needed).unwrap_or(usize::MAX).saturating_sub(got);
    match left {
        0 => format!("{got} of {needed}: enough"),
        left => format!("{got} of {needed}: {left} missing"),
    }
}

/// `targets …`
pub fn targets_command(command: &TargetsCommand) -> eyre::Result<Report> {
    match command {
        TargetsCommand::New(TargetsNewArgs { out, holders, days }) => {
            let deny = Holders {
                keys: holders.deny_keys.clone(),
                threshold: holders.deny_threshold,
            };
            let sheet = Sheet::new(first_targets(&deny, now()?.plus(days * DAY))?);
            files::write_new(out, &sheet.file())?;
            Ok(Report::of(
                json!({ "version": 1, "expires": sheet.document().expires, "signed": 0 }),
            ))
        }
        TargetsCommand::Sign(args) => targets_sign(args),
    }
}

fn targets_sign(args: &TargetsSignArgs) -> eyre::Result<Report> {
    let root = Sheet::<Root>::parse(&files::read(&args.root)?)?;
    let root = root.document();
    let mut sheet = Sheet::<Targets>::parse(&files::read(&args.file)?)?;
    for secret in files::secrets(&args.secret)? {
        sheet.sign(&secret, &[&root.roles.targets])?;
    }
    files::replace(&args.file, &sheet.file())?;
    Ok(signed_report(
        &sheet,
        standing(&sheet, &root.roles.targets, |id| root.keys.get(id).cloned()),
    ))
}

/// What a document says and lists, and who has signed it.
pub fn signed_report(sheet: &Sheet<Targets>, standing: String) -> Report {
    let targets = sheet.document();
    let paths: Vec<_> = targets.targets.keys().map(ToString::to_string).collect();
    Report::of(json!({
        "version": targets.version,
        "expires": targets.expires,
        "lists": paths,
        "signed": standing,
    }))
}
