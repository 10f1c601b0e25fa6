//! How is a repository published? `cargo run --example publish -- FOLDER`: a root of five, a working group of three,
//! the online keys, and one member with a file of its own; then a second release, and the hourly timestamp.
//!
//! The keys are made of small numbers, for everybody to see. `scripts/notary-check.sh` lets python-tuf read what this writes.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::{Signer, SigningKey};
use eyre::OptionExt;
use ledger_notary::{
    repository::{Release, Repository, Unsigned},
    tuf::{
        DelegatedRole, Delegations, Document, Key, KeyId, PathPattern, Paths, RoleKeys, RoleName, Roles, Root,
        Signature, TargetFile, TargetPath, Targets, UnixSeconds, Version,
    },
};

const DAY: u64 = 86_400;
const ROOT: [u8; 5] = [1, 2, 3, 4, 5];
const WORKING_GROUP: [u8; 3] = [11, 12, 13];
const SNAPSHOT: u8 = 21;
const TIMESTAMP: u8 = 31;
const MEMBER: u8 = 41;

fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> Key {
    Key::Ed25519(secret(number).verifying_key().to_bytes())
}

fn keys(numbers: &[u8]) -> BTreeMap<KeyId, Key> {
    numbers
        .iter()
        .map(|number| (public(*number).id(), public(*number)))
        .collect()
}

fn role(numbers: &[u8], threshold: u32) -> eyre::Result<RoleKeys> {
    Ok(RoleKeys {
        keyids: numbers.iter().map(|number| public(*number).id()).collect(),
        threshold: NonZeroU32::new(threshold).ok_or_eyre("a threshold is not 0")?,
    })
}

/// What happens wherever a key lies: it signs the bytes that it is shown.
fn sign<T: Document>(unsigned: &Unsigned<T>, numbers: &[u8]) -> eyre::Result<Vec<u8>> {
    let sign = |number: &u8| {
        let signature = secret(*number).sign(unsigned.signable()).to_bytes();
        Signature::new(public(*number).id().into(), &signature)
    };
    Ok(unsigned.file(&numbers.iter().map(sign).collect::<Result<Vec<_>, _>>()?))
}

/// Adds what the online keys sign, and publishes.
fn publish(repository: &mut Repository, mut release: Release, now: UnixSeconds) -> eyre::Result<()> {
    if !release.roles.is_empty() {
        let snapshot = repository.newest().snapshot_after(&release.roles, now.plus(7 * DAY))?;
        release.snapshot = Some(sign(&snapshot, &[SNAPSHOT])?);
    }
    let timestamp = repository
        .newest()
        .timestamp_after(release.snapshot.as_deref(), now.plus(DAY))?;
    release.timestamp = sign(&timestamp, &[TIMESTAMP])?;
    Ok(repository.publish(&release, now)?)
}

fn root(now: UnixSeconds) -> eyre::Result<Root> {
    let all = [&ROOT[..], &WORKING_GROUP, &[SNAPSHOT, TIMESTAMP]].concat();
    let roles = Roles {
        root: role(&ROOT, 3)?,
        targets: role(&WORKING_GROUP, 2)?,
        snapshot: role(&[SNAPSHOT], 1)?,
        timestamp: role(&[TIMESTAMP], 1)?,
    };
    Ok(Root::new(Version::FIRST, now.plus(365 * DAY), keys(&all), roles))
}

/// The member's role, for files whose names start with its own.
fn delegations() -> eyre::Result<Delegations> {
    let RoleKeys { keyids, threshold } = role(&[MEMBER], 1)?;
    Ok(Delegations {
        keys: keys(&[MEMBER]),
        roles: vec![DelegatedRole {
            name: "m-aurora".to_owned().try_into()?,
            keyids,
            threshold,
            terminating: true,
            paths: Paths::Patterns(vec![PathPattern::try_from("aurora.*".to_owned())?]),
        }],
    })
}

/// Metadata of a role that list one file, and the file.
fn listing(targets: &mut Targets, path: &str, content: &str) -> eyre::Result<(TargetPath, Vec<u8>)> {
    let path = TargetPath::try_from(path.to_owned())?;
    targets.targets.insert(path.clone(), TargetFile::of(content.as_bytes()));
    Ok((path, content.as_bytes().to_vec()))
}

fn main() -> eyre::Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or_eyre("usage: publish FOLDER")?;
    let now = UnixSeconds::new(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    let mut repository = Repository::open(&folder)?;
    let member_role = RoleName::try_from("m-aurora".to_owned())?;

    let mut top = Targets::new(Version::FIRST, now.plus(90 * DAY));
    top.delegations = Some(delegations()?);
    let charter = listing(&mut top, "charter.txt", "Members run validators.\n")?;
    let mut member = Targets::new(Version::FIRST, now.plus(180 * DAY));
    let nodes = listing(&mut member, "aurora.txt", "two nodes\n")?;
    let first = Release {
        root: Some(sign(&Unsigned::new(root(now)?), &[1, 3, 5])?),
        roles: [
            (RoleName::targets(), sign(&Unsigned::new(top), &[11, 13])?),
            (member_role.clone(), sign(&Unsigned::new(member.clone()), &[MEMBER])?),
        ]
        .into(),
        files: [charter, nodes].into(),
        ..Release::default()
    };
    publish(&mut repository, first, now)?;

    member.version = member.version.next().ok_or_eyre("2 follows 1")?;
    let nodes = listing(&mut member, "aurora.txt", "three nodes\n")?;
    let second = Release {
        roles: [(member_role, sign(&Unsigned::new(member), &[MEMBER])?)].into(),
        files: [nodes].into(),
        ..Release::default()
    };
    publish(&mut repository, second, now)?;
    publish(&mut repository, Release::default(), now)
}
