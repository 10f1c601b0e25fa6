//! What does the writer publish, what does it refuse, and what do readers see when it stops in the middle?

use std::{collections::BTreeMap, fs, path::Path};

use ledger_notary::{
    repository::{PublishError, Release, Repository, Unsigned},
    tuf::{
        Answer, Document, Floor, Place, Request, RoleName, Root, Settings, Stored, TargetFile, Targets, UnixSeconds,
        UpdateError, Version, World, find, refresh,
    },
};

use crate::kit::{
    DAY, HOUR, NOW, ROOT_KEYS, SNAPSHOT_KEY, Sim, TIMESTAMP_KEY, delegate, delegation, keys, name, path, public,
    role_keys, signed, version,
};

/// Puts the signatures of the online keys under what the writer wants signed.
fn online<T: Document + Clone>(unsigned: &Unsigned<T>, number: u8) -> Vec<u8> {
    signed(unsigned.document().clone(), &[number])
}

/// Completes a release with snapshot and timestamp.
fn complete(repository: &Repository, mut release: Release, now: UnixSeconds) -> Release {
    let snapshot = repository
        .newest()
        .snapshot_after(&release.roles, now.plus(7 * DAY))
        .unwrap();
    let snapshot = online(&snapshot, SNAPSHOT_KEY);
    let timestamp = repository
        .newest()
        .timestamp_after(Some(&snapshot), now.plus(DAY))
        .unwrap();
    release.snapshot = Some(snapshot);
    release.timestamp = online(&timestamp, TIMESTAMP_KEY);
    release
}

/// A working group's folder with one member, and the documents to go on from.
struct House {
    folder: tempfile::TempDir,
    repository: Repository,
    root: Root,
    targets: Targets,
    member: Targets,
}

const RECORD: &str = "a.txt";

fn member_targets(number: u64, content: &[u8]) -> Targets {
    let mut targets = Targets::new(version(number), NOW.plus(180 * DAY));
    targets.targets.insert(path(RECORD), TargetFile::of(content));
    targets
}

impl House {
    fn first() -> (Release, Root, Targets, Targets) {
        let mut targets = Targets::new(Version::FIRST, NOW.plus(90 * DAY));
        let mut role = delegation("m-a", 60, &[RECORD]);
        role.terminating = true;
        delegate(&mut targets, role, 60);
        let member = member_targets(1, b"nodes of a");
        let root = Sim::new().root;
        let release = Release {
            root: Some(signed(root.clone(), &ROOT_KEYS[..3])),
            roles: [
                (RoleName::targets(), signed(targets.clone(), &[11, 12])),
                (name("m-a"), signed(member.clone(), &[60])),
            ]
            .into(),
            files: [(path(RECORD), b"nodes of a".to_vec())].into(),
            ..Release::default()
        };
        (release, root, targets, member)
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut repository = Repository::open(folder.path()).unwrap();
        let (release, root, targets, member) = Self::first();
        repository.publish(&complete(&repository, release, NOW), NOW).unwrap();
        Self {
            folder,
            repository,
            root,
            targets,
            member,
        }
    }

    /// The next metadata of the member, with another record.
    fn next_member(&self, content: &[u8]) -> Release {
        let targets = member_targets(self.member.version.get() + 1, content);
        Release {
            roles: [(name("m-a"), signed(targets, &[60]))].into(),
            files: [(path(RECORD), content.to_vec())].into(),
            ..Release::default()
        }
    }

    fn publish(&mut self, release: Release) -> Result<(), PublishError> {
        let release = complete(&self.repository, release, NOW);
        self.repository.publish(&release, NOW)
    }

    #[track_caller]
    fn refuse(&mut self, release: Release, reason: &str) {
        let before = listing(self.folder.path());
        let error = self.publish(release).unwrap_err().to_string();
        assert!(error.starts_with("not published"), "{error}");
        assert!(error.contains(reason), "{error}");
        assert_eq!(listing(self.folder.path()), before, "nothing was written");
    }
}

fn listing(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for place in ["metadata", "targets"] {
        for entry in fs::read_dir(folder.join(place)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{place}/{}", entry.file_name().to_string_lossy());
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// A reader of a folder.
struct Folder<'a> {
    folder: &'a Path,
    stored: Stored,
}

impl World for Folder<'_> {
    type Error = UpdateError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, UpdateError> {
        let place = if request.place == Place::Metadata {
            "metadata"
        } else {
            "targets"
        };
        let file = fs::read(self.folder.join(place).join(&request.name));
        Ok(file.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), UpdateError> {
        if *role == RoleName::root() {
            self.stored.root = bytes.to_vec();
        } else {
            self.stored.others.insert(role.clone(), bytes.to_vec());
        }
        Ok(())
    }

    fn forget(&mut self, role: &RoleName) -> Result<(), UpdateError> {
        self.stored.others.remove(role);
        Ok(())
    }
}

impl<'a> Folder<'a> {
    fn new(folder: &'a Path) -> Self {
        let stored = Stored {
            root: fs::read(folder.join("metadata/1.root.json")).unwrap(),
            ..Stored::default()
        };
        Self { folder, stored }
    }

    /// Reads the member's record.
    fn record(&mut self) -> Result<Vec<u8>, UpdateError> {
        let settings = Settings {
            now: NOW,
            floor: Floor::default(),
        };
        let mut verifier = refresh(self.stored.clone(), settings, self)?;
        let target = find(&mut verifier, path(RECORD), self)?;
        let Answer::Bytes(bytes) = self.fetch(&verifier.request_of(&target))? else {
            panic!("{RECORD} is listed and missing");
        };
        target.file.check(&bytes).expect("a published file is the one listed");
        Ok(bytes)
    }
}

#[test]
fn what_is_published_can_be_read_and_has_the_names_of_consistent_snapshots() {
    let mut house = House::new();
    let names: Vec<_> = listing(house.folder.path()).into_keys().collect();
    let record = format!("targets/{}.{RECORD}", TargetFile::of(b"nodes of a").hashes.prefix());
    let expected = [
        "metadata/1.m-a.json",
        "metadata/1.root.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
    ];
    assert_eq!(names, [&expected[..], &["metadata/timestamp.json", &record]].concat());
    assert_eq!(Folder::new(house.folder.path()).record().unwrap(), b"nodes of a");

    let release = house.next_member(b"more nodes");
    house.publish(release).unwrap();
    assert_eq!(Folder::new(house.folder.path()).record().unwrap(), b"more nodes");
    assert!(
        house.folder.path().join(record).exists(),
        "readers of the snapshot before still find theirs"
    );

    // Opened again, it goes on from there.
    house.repository = Repository::open(house.folder.path()).unwrap();
    house.member = member_targets(2, b"");
    let release = house.next_member(b"even more");
    house.publish(release).unwrap();
    assert_eq!(Folder::new(house.folder.path()).record().unwrap(), b"even more");
}

#[test]
fn the_hourly_sign_of_life_is_a_timestamp_alone() {
    let mut house = House::new();
    let later = NOW.plus(HOUR);
    let timestamp = house
        .repository
        .newest()
        .timestamp_after(None, later.plus(DAY))
        .unwrap();
    let release = Release {
        timestamp: online(&timestamp, TIMESTAMP_KEY),
        ..Release::default()
    };
    house.repository.publish(&release, later).unwrap();
    let files = listing(house.folder.path());
    assert_eq!(files["metadata/timestamp.json"], release.timestamp);
    assert!(!files.contains_key("metadata/2.snapshot.json"));
}

#[test]
fn what_readers_would_refuse_is_not_published() {
    let mut house = House::new();
    let next = |house: &House| {
        let mut targets = house.targets.clone();
        targets.version = version(2);
        targets
    };
    // Signed by too few.
    let targets = next(&house);
    let release = |targets: Targets, signers: &[u8]| Release {
        roles: [(RoleName::targets(), signed(targets, signers))].into(),
        ..Release::default()
    };
    house.refuse(
        release(targets, &[11]),
        "TUF 5.6.3: targets metadata version 2 need the signatures of 2 different keys",
    );
    // A member's keys change, and its metadata are still signed by the old one.
    let mut targets = next(&house);
    let delegations = targets.delegations.as_mut().unwrap();
    delegations.keys.extend(keys(&[61]));
    delegations.roles[0].keyids = role_keys(&[61], 1).keyids;
    house.refuse(release(targets, &[11, 12]), "TUF 5.6.3: m-a metadata version 1");
    // A file is listed and not there, or another.
    let mut targets = next(&house);
    targets
        .targets
        .insert(path("welcome.txt"), TargetFile::of(b"admission"));
    house.refuse(
        release(targets.clone(), &[11, 12]),
        "neither published nor in the release",
    );
    let mut wrong = release(targets, &[11, 12]);
    wrong.files.insert(path("welcome.txt"), b"Admission".to_vec());
    house.refuse(wrong, "neither published nor in the release");
    // The top lists what is the member's: readers would never ask the member.
    let mut targets = next(&house);
    targets.targets.insert(path(RECORD), TargetFile::of(b"nodes of a"));
    house.refuse(release(targets, &[11, 12]), "readers would be told of it by targets");
    // A snapshot that the online key did not sign.
    let release = house.next_member(b"x");
    let mut release = complete(&house.repository, release, NOW);
    let snapshot = house
        .repository
        .newest()
        .snapshot_after(&release.roles, NOW.plus(DAY))
        .unwrap();
    let snapshot = online(&snapshot, TIMESTAMP_KEY);
    let timestamp = house
        .repository
        .newest()
        .timestamp_after(Some(&snapshot), NOW.plus(DAY))
        .unwrap();
    (release.snapshot, release.timestamp) = (Some(snapshot), online(&timestamp, TIMESTAMP_KEY));
    let error = house.repository.publish(&release, NOW).unwrap_err().to_string();
    assert!(error.contains("TUF 5.5.3"), "{error}");
}

#[test]
fn the_rules_of_the_house_are_kept() {
    let mut house = House::new();
    let member = |targets: Targets| Release {
        roles: [(name("m-a"), signed(targets, &[60]))].into(),
        ..Release::default()
    };
    for (number, reason) in [(1, "m-a version 2 is next, got 1"), (3, "m-a version 2 is next, got 3")] {
        house.refuse(member(member_targets(number, b"nodes of a")), reason);
    }
    let mut long = member_targets(2, b"nodes of a");
    long.expires = NOW.plus(200 * DAY);
    house.refuse(member(long), "m-a version 2 may expire until");
    let mut dead = member_targets(2, b"nodes of a");
    dead.expires = NOW;
    house.refuse(member(dead), "m-a version 2 may expire until");
    let mut greedy = member_targets(2, b"nodes of a");
    greedy.targets.insert(path("b.txt"), TargetFile::of(b"nodes of a"));
    house.refuse(member(greedy), "m-a lists b.txt, which it may not speak of");
    let stranger = Release {
        roles: [(name("m-x"), signed(member_targets(1, b"nodes of a"), &[60]))].into(),
        ..Release::default()
    };
    house.refuse(stranger, "nobody delegates to m-x");
    let mut targets = house.targets.clone();
    targets.version = version(2);
    delegate(&mut targets, delegation("m-b", 61, &["b.txt"]), 61);
    let unborn = Release {
        roles: [(RoleName::targets(), signed(targets, &[11, 12]))].into(),
        ..Release::default()
    };
    house.refuse(unborn, "m-b is delegated to and was never published");
    // One key under an id that is not its own could be listed twice.
    let mut targets = house.targets.clone();
    targets.version = version(2);
    let listed = &mut targets.delegations.as_mut().unwrap().keys;
    listed.insert("00".repeat(32).try_into().unwrap(), public(60));
    let aliased = Release {
        roles: [(RoleName::targets(), signed(targets, &[11, 12]))].into(),
        ..Release::default()
    };
    house.refuse(aliased, "targets lists a key as 0000");
    let mut root = house.root.clone();
    root.version = version(2);
    root.keys.insert("00".repeat(32).try_into().unwrap(), public(11));
    let aliased = Release {
        root: Some(signed(root, &ROOT_KEYS[..3])),
        ..Release::default()
    };
    house.refuse(aliased, "root lists a key as 0000");
    let odd = Release {
        files: [(path("a b"), Vec::new())].into(),
        ..Release::default()
    };
    house.refuse(odd, "has other characters than");
    let mut root = house.root.clone();
    (root.version, root.consistent_snapshot) = (version(2), false);
    let half = Release {
        root: Some(signed(root, &ROOT_KEYS[..3])),
        ..Release::default()
    };
    house.refuse(half, "consistent_snapshot: false");
}

#[test]
fn a_snapshot_or_timestamp_of_something_else_is_refused() {
    let mut house = House::new();
    let whole = complete(&house.repository, house.next_member(b"x"), NOW);
    let without = |change: fn(&mut Release)| {
        let mut release = whole.clone();
        change(&mut release);
        release
    };
    let empty = house
        .repository
        .newest()
        .snapshot_after(&BTreeMap::new(), NOW.plus(DAY))
        .unwrap();
    let mut short = empty.document().clone();
    short.meta.remove("m-a.json");
    for (snapshot, reason) in [
        (empty.document().clone(), "lists m-a.json as version 1"),
        (short, "lists m-a.json as nothing"),
    ] {
        let mut release = whole.clone();
        release.snapshot = Some(signed(snapshot, &[SNAPSHOT_KEY]));
        let error = house.repository.publish(&release, NOW).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    for (release, reason) in [
        (without(|release| release.snapshot = None), "so the snapshot must"),
        (
            without(|release| {
                release.roles.clear();
                release.snapshot = None;
            }),
            "the timestamp lists the snapshot as version 2",
        ),
        (
            without(|release| release.timestamp = Vec::new()),
            "timestamp metadata cannot be read",
        ),
    ] {
        let error = house.repository.publish(&release, NOW).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let nothing = tempfile::tempdir().unwrap();
    let mut nothing = Repository::open(nothing.path()).unwrap();
    let error = nothing.publish(&whole, NOW).unwrap_err().to_string();
    assert!(error.contains("the first release needs"), "{error}");
}

#[test]
fn a_revoked_role_stays_in_the_snapshot_and_its_name_goes_on_from_its_version() {
    let mut house = House::new();
    let release = house.next_member(b"more nodes");
    house.publish(release).unwrap();
    let mut revoked = house.targets.clone();
    (revoked.version, revoked.delegations) = (version(2), None);
    house
        .publish(Release {
            roles: [(RoleName::targets(), signed(revoked, &[11, 12]))].into(),
            ..Release::default()
        })
        .unwrap();
    let snapshot = house
        .repository
        .newest()
        .snapshot_after(&BTreeMap::new(), NOW.plus(DAY))
        .unwrap();
    assert_eq!(snapshot.document().entry(&name("m-a")).unwrap().version, version(2));

    let mut again = house.targets.clone();
    again.version = version(3);
    let comeback = |number| Release {
        roles: [
            (RoleName::targets(), signed(again.clone(), &[11, 12])),
            (name("m-a"), signed(member_targets(number, b"nodes of a"), &[60])),
        ]
        .into(),
        ..Release::default()
    };
    house.refuse(comeback(1), "m-a version 3 is next, got 1");
    house.publish(comeback(3)).unwrap();
}

#[test]
fn one_member_that_forgot_to_renew_keeps_nobody_from_publishing() {
    let mut house = House::new();
    let later = NOW.plus(181 * DAY);
    let mut targets = house.targets.clone();
    (targets.version, targets.expires) = (version(2), later.plus(90 * DAY));
    delegate(&mut targets, delegation("m-b", 61, &["b.txt"]), 61);
    let mut comer = Targets::new(Version::FIRST, later.plus(90 * DAY));
    comer.targets.insert(path("b.txt"), TargetFile::of(b"nodes of b"));
    let release = Release {
        roles: [
            (RoleName::targets(), signed(targets, &[11, 12])),
            (name("m-b"), signed(comer, &[61])),
        ]
        .into(),
        files: [(path("b.txt"), b"nodes of b".to_vec())].into(),
        ..Release::default()
    };
    let release = complete(&house.repository, release, later);
    house.repository.publish(&release, later).unwrap();
}

#[test]
fn roots_rotate_one_version_at_a_time() {
    let mut house = House::new();
    let mut root = house.root.clone();
    root.version = version(2);
    root.keys.extend(keys(&[32]));
    root.roles.timestamp = role_keys(&[32], 1);
    let mut release = Release {
        root: Some(signed(root.clone(), &ROOT_KEYS[..3])),
        ..Release::default()
    };
    let snapshot = house
        .repository
        .newest()
        .snapshot_after(&BTreeMap::new(), NOW.plus(DAY))
        .unwrap();
    let snapshot = online(&snapshot, SNAPSHOT_KEY);
    let timestamp = house
        .repository
        .newest()
        .timestamp_after(Some(&snapshot), NOW.plus(DAY))
        .unwrap();
    release.snapshot = Some(snapshot);
    // The old key's timestamp would lock every reader out.
    release.timestamp = online(&timestamp, TIMESTAMP_KEY);
    let error = house.repository.publish(&release, NOW).unwrap_err().to_string();
    assert!(error.contains("TUF 5.4.2"), "{error}");
    release.timestamp = online(&timestamp, 32);
    let mut old = Folder::new(house.folder.path());
    old.record().unwrap();
    house.repository.publish(&release, NOW).unwrap();
    old.record().expect("a reader of before goes along");
    Folder::new(house.folder.path())
        .record()
        .expect("and so does a new one");
    root.version = version(4);
    let skipping = Release {
        root: Some(signed(root, &ROOT_KEYS[..3])),
        ..Release::default()
    };
    house.refuse(skipping, "root version 3 is next, got 4");
}

#[test]
fn a_crash_at_any_write_shows_readers_the_old_or_the_new_and_can_be_gone_on_from() {
    let house = House::new();
    let release = complete(&house.repository, house.next_member(b"more nodes"), NOW);
    let writes = house.repository.plan(&release, NOW).unwrap();
    assert_eq!(writes.last().unwrap().name, "timestamp.json");
    for done in 0..=writes.len() {
        let copy = tempfile::tempdir().unwrap();
        for (name, bytes) in listing(house.folder.path()) {
            let place = copy.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, bytes).unwrap();
        }
        let mut reader = Folder::new(copy.path());
        reader.record().unwrap();
        let stopped = Repository::open(copy.path()).unwrap();
        for write in &writes[..done] {
            stopped.write(write).unwrap();
        }
        if let Some(next) = writes.get(done) {
            // Half of the next file, as a loss of power leaves it.
            let place = if next.place == Place::Metadata {
                "metadata"
            } else {
                "targets"
            };
            fs::write(
                copy.path().join(place).join(format!("{}.new", next.name)),
                &next.bytes[..next.bytes.len() / 2],
            )
            .unwrap();
        }
        let is_out = done == writes.len();
        let expected: &[u8] = if is_out { b"more nodes" } else { b"nodes of a" };
        assert_eq!(reader.record().unwrap(), expected, "after {done} writes");
        assert_eq!(
            Folder::new(copy.path()).record().unwrap(),
            expected,
            "after {done} writes"
        );

        let mut repository = Repository::open(copy.path()).unwrap();
        if !is_out {
            repository.publish(&release, NOW).unwrap();
        }
        assert_eq!(reader.record().unwrap(), b"more nodes");
    }
}

#[test]
fn a_damaged_folder_is_named() {
    let house = House::new();
    fs::remove_file(house.folder.path().join("metadata/1.m-a.json")).unwrap();
    let error = Repository::open(house.folder.path()).unwrap_err().to_string();
    assert!(error.contains("1.m-a.json is missing"), "{error}");
    fs::write(house.folder.path().join("metadata/1.m-a.json"), b"{").unwrap();
    let error = Repository::open(house.folder.path()).unwrap_err().to_string();
    assert!(error.contains("1.m-a.json is damaged"), "{error}");
}
