//! What may a lying notary cost its readers? Whoever has the online keys and those of one delegated role makes up names and lengths;
//! the judge reads and keeps no more than the roles that the working group named, and says why.

use std::fs;

use ledger_notary::{
    judge::{Files, Findings, RECORD_ROLE_BYTES_MAX, gather, nodes_of},
    mirror::MirrorError,
    records::NotaryId,
    store::Store,
    tuf::{Answer, Floor, Request, RoleName, Settings, TargetFile, Verifier, World, limits::ROLES_VISITED_MAX},
};
use tempfile::TempDir;

use crate::{
    judge::{network, notary, publish},
    kit::{NOW, Sim, delegation, name, path},
};

/// A validator that looks at a repository again and again.
struct Validator {
    folder: TempDir,
    files: Files,
    asked: Vec<String>,
}

struct Look<'a> {
    sim: &'a Sim,
    store: Store,
    asked: &'a mut Vec<String>,
}

impl World for Look<'_> {
    type Error = MirrorError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, MirrorError> {
        self.asked.push(request.name.clone());
        let file = self.sim.files.get(&request.name).cloned();
        Ok(file.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), MirrorError> {
        Ok(self.store.keep(role, bytes)?)
    }

    fn forget(&mut self, role: &RoleName) -> Result<(), MirrorError> {
        Ok(self.store.forget(role)?)
    }
}

impl Validator {
    fn of(sim: &Sim) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep(&RoleName::root(), &sim.files["1.root.json"]).unwrap();
        Self {
            folder,
            files: Files::default(),
            asked: Vec::new(),
        }
    }

    fn look(&mut self, sim: &Sim) -> Result<(Verifier, Findings), MirrorError> {
        let store = Store::open(self.folder.path()).unwrap();
        let (stored, floor) = (store.load().unwrap(), Floor::default());
        self.asked.clear();
        let asked = &mut self.asked;
        let mut world = Look { sim, store, asked };
        gather(stored, Settings { now: NOW, floor }, &mut self.files, &mut world)
    }

    /// Looks, and reads aurora's nodes.
    fn nodes(&mut self, sim: &Sim) -> Result<Vec<u8>, String> {
        let (mut verifier, _) = self.look(sim).unwrap();
        let store = Store::open(self.folder.path()).unwrap();
        let aurora = NotaryId::try_from("aurora".to_owned()).unwrap();
        let asked = &mut self.asked;
        let mut world = Look { sim, store, asked };
        let record = nodes_of(&mut verifier, &aurora, &mut self.files, &mut world).unwrap();
        record.map_err(|error| error.to_string())
    }

    /// Why aurora is not admitted.
    fn refusal(&mut self, sim: &Sim) -> String {
        let (_, findings) = self.look(sim).unwrap();
        let refusal = findings.admitted("Aurora Cloud", &network(), NOW).unwrap_err();
        refusal.to_string()
    }

    /// The files on its disk, sorted.
    fn disk(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

const FOUR_AND_DENY: [&str; 5] = [
    "root.json",
    "snapshot.json",
    "targets.json",
    "timestamp.json",
    "wg-deny.json",
];

#[test]
fn roles_that_a_delegated_role_makes_up_cost_nothing() {
    let mut sim = notary();
    let mut validator = Validator::of(&sim);
    validator.look(&sim).unwrap();
    for look in 0..3 {
        let deny = sim.role("wg-deny");
        deny.targets.clear();
        deny.delegations = None;
        for number in 0..ROLES_VISITED_MAX {
            let fresh = delegation(&format!("fresh-{look}-{number}"), 80, &["*"]);
            sim.add_role("wg-deny", fresh, 80);
        }
        sim.release_role("wg-deny");
        let refusal = validator.refusal(&sim);
        let expected = r#"no role that may speak of deny.json lists it; asked were ["targets", "wg-deny"]"#;
        assert!(refusal.contains(expected), "{refusal}");
        assert!(validator.asked.len() <= 5, "{:?}", validator.asked);
        assert_eq!(validator.disk(), FOUR_AND_DENY);
    }
    // Not even where one of them has the record.
    publish(&mut sim, "fresh-2-0", "deny.json", b"{}");
    assert!(validator.refusal(&sim).contains("no role that may speak of deny.json"));
    assert_eq!(validator.disk(), FOUR_AND_DENY);
}

#[test]
fn the_metadata_of_a_records_role_are_bounded() {
    let mut sim = notary();
    let mut validator = Validator::of(&sim);
    validator.look(&sim).unwrap();
    let before = fs::metadata(validator.folder.path().join("wg-deny.json"))
        .unwrap()
        .len();
    // Each entry has more than a hundred bytes.
    for number in 0..RECORD_ROLE_BYTES_MAX / 100 {
        let listed = TargetFile::of(b"");
        sim.role("wg-deny").targets.insert(path(&format!("{number}")), listed);
    }
    sim.release_role("wg-deny");
    let refusal = validator.refusal(&sim);
    assert!(
        refusal.contains("deny.json leads to wg-deny, whose metadata have ")
            && refusal.contains("by the snapshot; 262144 are read at most"),
        "{refusal}"
    );
    // A snapshot need not list lengths.
    let listed = sim.snapshot.meta.get_mut("wg-deny.json").unwrap();
    (listed.length, listed.hashes) = (None, None);
    sim.release();
    let error = validator.look(&sim).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("wg-deny.json has more than 262144 bytes: endless data?"),
        "{error}"
    );
    let after = fs::metadata(validator.folder.path().join("wg-deny.json"))
        .unwrap()
        .len();
    assert_eq!(after, before, "nothing of it is kept");
}

#[test]
fn metadata_that_were_kept_before_are_bounded_as_well() {
    let mut sim = notary();
    for number in 0..RECORD_ROLE_BYTES_MAX / 100 {
        let listed = TargetFile::of(b"");
        sim.role("wg-deny").targets.insert(path(&format!("{number}")), listed);
    }
    sim.release_role("wg-deny");
    let listed = sim.snapshot.meta.get_mut("wg-deny.json").unwrap();
    (listed.length, listed.hashes) = (None, None);
    sim.release();
    let mut validator = Validator::of(&sim);
    let store = Store::open(validator.folder.path()).unwrap();
    let version = sim.role("wg-deny").version;
    let file = &sim.files[&format!("{version}.wg-deny.json")];
    store.keep(&name("wg-deny"), file).unwrap();
    let error = validator.look(&sim).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("more than 262144 bytes"), "{error}");
}

#[test]
fn roles_that_the_top_names_no_more_are_forgotten_with_their_records() {
    let mut sim = notary();
    let mut validator = Validator::of(&sim);
    let record = validator.nodes(&sim).unwrap();
    assert!(validator.disk().contains(&"m-aurora.json".to_owned()));
    assert_eq!(validator.nodes(&sim).unwrap(), record);
    // Root after the one there is, and the timestamp: all else is there.
    assert_eq!(validator.asked, ["2.root.json", "timestamp.json"]);

    let with = sim.roles[&RoleName::targets()].delegations.clone();
    let all = sim.targets().delegations.as_mut().unwrap();
    all.roles.retain(|role| role.name != name("m-aurora"));
    sim.release_role("targets");
    let refusal = validator.nodes(&sim).unwrap_err();
    assert!(refusal.contains(r#"asked were ["targets"]"#), "{refusal}");
    assert_eq!(validator.disk(), FOUR_AND_DENY);

    sim.targets().delegations = with;
    sim.release_role("targets");
    assert_eq!(validator.nodes(&sim).unwrap(), record);
    let fetched = |part: &str| validator.asked.iter().filter(|name| name.contains(part)).count();
    assert_eq!((fetched("m-aurora.json"), fetched("m.aurora.nodes.json")), (1, 1));
}

#[test]
fn a_record_that_is_listed_no_more_is_forgotten() {
    let mut sim = notary();
    let mut validator = Validator::of(&sim);
    let record = validator.nodes(&sim).unwrap();
    sim.role("m-aurora").targets.clear();
    sim.release_role("m-aurora");
    validator.nodes(&sim).unwrap_err();
    publish(&mut sim, "m-aurora", "m.aurora.nodes.json", &record);
    assert_eq!(validator.nodes(&sim).unwrap(), record);
    assert!(validator.asked.iter().any(|name| name.contains("m.aurora.nodes.json")));
}
