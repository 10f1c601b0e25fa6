//! May this candidate validate? Every attack on the answer is refused, and the refusal names the rule.

use ledger_chainspec::peer_id_from_text;
use ledger_notary::{
    judge::{
        CLOCK_SKEW_SECONDS_MAX, Candidate, Files, Findings, Holder, Keys, Refusal, Standing, Terms, Tuple, gather,
        nodes_of,
    },
    mirror::MirrorError,
    records::{Network, Node},
    tuf::{Answer, Floor, Request, RoleName, Settings, Stored, UnixSeconds, Verifier, World},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    deny::{DENY_KEY, deny, deny_role},
    kit::{DAY, NOW, ROOT_KEYS, Sim, name},
    records::{House, Secrets, admission, bytes, ethereum, node, nodes, own},
};

/// A repository with aurora and borealis, each with one node, and an empty deny record.
pub fn notary() -> Sim {
    let mut sim = Sim::new();
    for (member, number, first) in [("aurora", 60, 100), ("borealis", 61, 110)] {
        sim.add_role("targets", House::member_role(member, number), number);
        let record = nodes(member, 1, vec![own(member, first)]);
        publish(
            &mut sim,
            &format!("m-{member}"),
            &format!("m.{member}.nodes.json"),
            &bytes(&record),
        );
        admit(&mut sim, member, &admission(member, number));
    }
    sim.add_role("targets", deny_role(), DENY_KEY);
    publish(&mut sim, "wg-deny", "deny.json", &bytes(&deny(1, &[])));
    sim.release_role("targets");
    sim
}

pub fn publish(sim: &mut Sim, role: &str, at: &str, content: &[u8]) {
    sim.add_file(role, at, content);
    sim.release_role(role);
}

fn admit(sim: &mut Sim, member: &str, record: &Value) {
    publish(sim, "targets", &format!("m.{member}.admission.json"), &bytes(record));
}

/// A repository in which the admission of aurora says something else.
fn with_admission(field: &str, value: Value) -> Sim {
    let mut sim = notary();
    let mut record = admission("aurora", 60);
    record[field] = value;
    admit(&mut sim, "aurora", &record);
    sim
}

/// Whoever reads a repository for the first time.
struct Visit<'a> {
    sim: &'a Sim,
    fetched: usize,
}

impl World for Visit<'_> {
    type Error = MirrorError;

    fn fetch(&mut self, request: &Request) -> Result<Answer, MirrorError> {
        self.fetched += 1;
        let file = self.sim.files.get(&request.name).cloned();
        Ok(file.map_or(Answer::Missing, Answer::Bytes))
    }

    fn keep(&mut self, _: &RoleName, _: &[u8]) -> Result<(), MirrorError> {
        Ok(())
    }

    fn forget(&mut self, _: &RoleName) -> Result<(), MirrorError> {
        Ok(())
    }
}

fn gathered(sim: &Sim, floor: Floor) -> Result<(Verifier, Findings), MirrorError> {
    let stored = Stored {
        root: sim.files["1.root.json"].clone(),
        ..Stored::default()
    };
    let settings = Settings { now: NOW, floor };
    gather(stored, settings, &mut Files::default(), &mut Visit { sim, fetched: 0 })
}

pub fn network() -> Network {
    Network {
        network_id: "test".to_owned().try_into().unwrap(),
        chain_id: 6301,
    }
}

/// What a judgement rests on besides the repository.
struct Case {
    candidate: Candidate,
    holders: Vec<Holder>,
    validators: u32,
    now: UnixSeconds,
    floor: Floor,
}

fn keys(node: &Node) -> Keys {
    Keys {
        consensus_key: node.consensus_key,
        checkpoint_key: node.checkpoint_key,
        peer_id: peer_id_from_text(&node.peer_id).unwrap(),
    }
}

/// Aurora's candidate, with its node as it is published.
fn aurora() -> Case {
    let node = own("aurora", 100);
    let record = bytes(&nodes("aurora", 1, vec![node.clone()]));
    Case {
        candidate: Candidate {
            member_name: "Aurora Cloud".to_owned(),
            account: node.account,
            keys: Some(keys(&node)),
            record_hash: Sha256::digest(record).into(),
        },
        holders: Vec::new(),
        validators: 0,
        now: NOW,
        floor: Floor::default(),
    }
}

impl Case {
    /// As a validator does it: everything is read, then judged.
    fn judge(&self, sim: &Sim) -> Result<Tuple, Refusal> {
        let (mut verifier, findings) = gathered(sim, Floor::default()).expect("it can be read");
        let network = network();
        let terms = Terms {
            network: &network,
            now: self.now,
            floor: self.floor,
            validators: self.validators,
            holders: &self.holders,
        };
        let member = findings.member(&self.candidate.member_name)?;
        let mut world = Visit { sim, fetched: 0 };
        let nodes = nodes_of(&mut verifier, member, &mut Files::default(), &mut world).expect("it can be read");
        findings.judge(&self.candidate, &nodes.unwrap_or_default(), &terms)
    }

    #[track_caller]
    fn refused(&self, sim: &Sim, words: &str) {
        let refusal = self.judge(sim).expect_err(words).to_string();
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
}

/// A candidate that differs from aurora's in one thing.
#[track_caller]
fn refused(change: impl FnOnce(&mut Case), words: &str) {
    let mut case = aurora();
    change(&mut case);
    case.refused(&notary(), words);
}

#[test]
fn a_good_candidate_gets_the_tuple_of_what_was_signed() {
    let sim = notary();
    let tuple = aurora().judge(&sim).unwrap();
    let (verifier, findings) = gathered(&sim, Floor::default()).unwrap();
    assert_eq!(tuple.root.version.get(), 1);
    assert_eq!(tuple.root, findings.root());
    assert_eq!(tuple.targets.version, sim.roles[&RoleName::targets()].version);
    assert_eq!(tuple.targets.sha256, verifier.targets().unwrap().signed_sha256());
    assert_eq!(
        tuple.admission_sha256,
        <[u8; 32]>::from(Sha256::digest(bytes(&admission("aurora", 60))))
    );
    assert_eq!(tuple.nodes_sha256, aurora().candidate.record_hash);
    // Membership alone, asked for by the account of one of its nodes.
    let mut case = aurora();
    case.candidate.keys = None;
    assert_eq!(case.judge(&sim).unwrap(), tuple);
}

#[test]
fn whoever_else_signed_the_same_root_it_is_the_same_tuple() {
    let sim = notary();
    let mut other = sim.clone();
    other.signers.insert(RoleName::root(), ROOT_KEYS.to_vec());
    other.put_root();
    assert_ne!(sim.files["1.root.json"], other.files["1.root.json"]);
    assert_eq!(aurora().judge(&sim).unwrap(), aurora().judge(&other).unwrap());
}

#[test]
fn a_member_that_may_not_validate_is_refused() {
    for (field, value, words) in [
        ("state", "suspended", "the admission of aurora is Suspended"),
        ("state", "revoked", "the admission of aurora is Revoked"),
        (
            "not_before",
            "2026-11-27T00:00:00Z",
            "begins at 2026-11-27T00:00:00Z, and it is",
        ),
        ("not_after", "2026-11-26T00:00:00Z", "ended at 2026-11-26T00:00:00Z"),
        (
            "network_id",
            "other",
            "m.aurora.admission.json is for network other (chain id 6301)",
        ),
        (
            "member_id",
            "borealis",
            "m.aurora.admission.json speaks of member borealis",
        ),
        (
            "member_name",
            "Borealis Cloud",
            "no member that the chain calls \"Aurora Cloud\"",
        ),
        ("state", "perhaps", "no member that the chain calls \"Aurora Cloud\""),
    ] {
        aurora().refused(&with_admission(field, value.into()), words);
    }
    let mut twice = notary();
    let mut record = admission("borealis", 61);
    record["member_name"] = "Aurora Cloud".into();
    admit(&mut twice, "borealis", &record);
    aurora().refused(&twice, "has admitted both aurora and borealis as \"Aurora Cloud\"");
    refused(
        |case| case.validators = 2,
        "aurora may run 2 validators, and has 2 in the set already",
    );
}

#[test]
fn a_denied_member_is_refused_and_without_the_deny_record_everybody_is() {
    let mut denied = notary();
    publish(&mut denied, "wg-deny", "deny.json", &bytes(&deny(2, &["aurora"])));
    // A second record without a first is none: the sequence says what was passed over.
    aurora().refused(&denied, "deny.json cannot be read, without which nobody is admitted: ");
    publish(&mut denied, "wg-deny", "deny.json", &bytes(&deny(1, &["aurora"])));
    aurora().refused(&denied, "deny.json suspends aurora since 2026-11-26T00:00:00Z");

    let mut empty = notary();
    empty.role("wg-deny").targets.clear();
    empty.release_role("wg-deny");
    aurora().refused(
        &empty,
        "without which nobody is admitted: TUF 5.7.2: no role that may speak of deny.json",
    );
    let mut expired = notary();
    expired.role("wg-deny").expires = NOW;
    expired.release_role("wg-deny");
    aurora().refused(
        &expired,
        "without which nobody is admitted: TUF 5.6.5: wg-deny version 3 expired",
    );
    let mut undelegated = notary();
    let all = undelegated.targets().delegations.as_mut().unwrap();
    all.roles.retain(|role| role.name != name("wg-deny"));
    undelegated.release_role("targets");
    aurora().refused(&undelegated, "without which nobody is admitted: TUF 5.7.2");
    let mut other = notary();
    let mut record = deny(1, &[]);
    record.chain_id = 1;
    publish(&mut other, "wg-deny", "deny.json", &bytes(&record));
    aurora().refused(&other, "deny.json is for network test (chain id 1)");
}

#[test]
fn a_deny_record_that_somebody_else_lists_is_none() {
    let mut sim = notary();
    publish(&mut sim, "targets", "deny.json", &bytes(&deny(1, &[])));
    let error = gathered(&sim, Floor::default()).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("deny.json is listed by targets, but such a record is listed by wg-deny"),
        "{error}"
    );
}

#[test]
fn a_candidate_with_somebody_elses_keys_is_refused() {
    let borealis = own("borealis", 110);
    refused(
        |case| case.candidate.account = borealis.account,
        "m.aurora.nodes.json has no node with the account",
    );
    for (change, words) in [
        (
            (|keys, other| keys.consensus_key = other.consensus_key) as fn(&mut Keys, Keys),
            "the consensus key",
        ),
        (
            |keys, other| keys.checkpoint_key = other.checkpoint_key,
            "the checkpoint key",
        ),
        (|keys, other| keys.peer_id = other.peer_id, "the peer key"),
    ] {
        refused(
            |case| change(case.candidate.keys.as_mut().unwrap(), keys(&borealis)),
            words,
        );
    }
    // Aurora lists borealis's keys as its own; it cannot sign with them.
    let stolen = Secrets {
        consensus: 111,
        ..Secrets::of(100)
    };
    let cheat = node("aurora", stolen, Secrets::of(100));
    let record = bytes(&nodes("aurora", 1, vec![cheat.clone()]));
    let mut sim = notary();
    publish(&mut sim, "m-aurora", "m.aurora.nodes.json", &record);
    let mut case = aurora();
    case.candidate.keys = Some(keys(&cheat));
    case.candidate.record_hash = Sha256::digest(record).into();
    case.refused(&sim, "did not sign that it belongs to this member and these keys");
}

#[test]
fn two_candidates_with_one_key_are_not_both_voted_for() {
    let own = keys(&own("aurora", 100));
    for (role, change) in [
        (
            "consensus",
            (|keys, own| keys.consensus_key = own.consensus_key) as fn(&mut Keys, Keys),
        ),
        ("checkpoint", |keys, own| keys.checkpoint_key = own.checkpoint_key),
        ("peer", |keys, own| keys.peer_id = own.peer_id),
    ] {
        let mut taken = keys(&crate::records::own("borealis", 110));
        change(&mut taken, own.clone());
        let holder = Holder {
            account: ethereum(112).address(),
            keys: taken,
        };
        refused(
            |case| case.holders = vec![holder.clone()],
            &format!("the {role} key {}", if role == "peer" { "12D3KooW" } else { "0x" }),
        );
        // Its own keys of before are its own.
        let mut case = aurora();
        case.holders = vec![Holder {
            account: case.candidate.account,
            ..holder
        }];
        case.judge(&notary()).unwrap();
    }
}

#[test]
fn a_candidate_names_the_record_that_is_published_and_its_proofs_hold() {
    refused(
        |case| case.candidate.record_hash = [0; 32],
        "withdraw the request and ask again",
    );
    let mut sim = notary();
    let mut late = own("aurora", 100);
    late.proofs.expires = NOW;
    let record = bytes(&nodes("aurora", 1, vec![late]));
    publish(&mut sim, "m-aurora", "m.aurora.nodes.json", &record);
    let mut case = aurora();
    case.candidate.record_hash = Sha256::digest(record).into();
    case.refused(
        &sim,
        "expired at 2026-11-26T00:00:00Z, and it is 2026-11-26T00:00:00Z: sign them anew",
    );
}

#[test]
fn what_was_gathered_a_day_ago_admits_nobody() {
    refused(
        |case| case.now = NOW.plus(DAY),
        "the notary's timestamp expired at 2026-11-27T00:00:00Z",
    );
    let mut sim = notary();
    sim.timestamp.expires = NOW.plus(DAY + CLOCK_SKEW_SECONDS_MAX + 1);
    sim.release_timestamp();
    aurora().refused(&sim, "more than 24 hours and 300 seconds after 2026-11-26T00:00:00Z");
}

#[test]
fn a_judge_whose_clock_is_a_little_behind_believes_what_was_signed_just_now() {
    let mut sim = notary();
    for ahead in [0, 1, CLOCK_SKEW_SECONDS_MAX] {
        sim.timestamp.expires = NOW.plus(ahead + DAY);
        sim.release_timestamp();
        aurora().judge(&sim).unwrap();
    }
}

#[test]
fn a_replay_of_the_time_before_a_revocation_is_stopped_by_the_chains_floor() {
    let before = notary();
    let mut after = before.clone();
    let mut record = admission("aurora", 60);
    record["state"] = "revoked".into();
    admit(&mut after, "aurora", &record);
    aurora().refused(&after, "the admission of aurora is Revoked");
    // Somebody who comes for the first time cannot tell.
    aurora().judge(&before).unwrap();
    let seen = after.roles[&RoleName::targets()].version.get();
    let floor = Floor {
        root_version: 1,
        targets_version: seen,
        targets_sha256: None,
    };
    let mut case = aurora();
    case.floor = floor;
    case.refused(
        &before,
        &format!("the chain has seen targets version {seen}, the repository offers"),
    );
    let error = gathered(&before, floor).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("a replay of old metadata?"), "{error}");
}

#[test]
fn mirrors_that_disagree_are_told_by_what_differs() {
    let sim = notary();
    let findings = |sim: &Sim| gathered(sim, Floor::default()).unwrap().1;
    let mut hourly = sim.clone();
    hourly.release();
    findings(&sim)
        .agrees(&findings(&hourly))
        .expect("a timestamp of another hour says nothing else");
    let mut newer = sim.clone();
    newer.release_role("targets");
    let words = findings(&sim).agrees(&findings(&newer)).unwrap_err();
    assert!(words.starts_with("targets version "), "{words}");
    let mut denied = sim.clone();
    publish(&mut denied, "wg-deny", "deny.json", &bytes(&deny(1, &["aurora"])));
    assert_eq!(
        findings(&sim).agrees(&findings(&denied)).unwrap_err(),
        "deny.json seq 1 and 1"
    );
    let mut missing = sim.clone();
    missing.role("wg-deny").targets.clear();
    missing.release_role("wg-deny");
    let words = findings(&sim).agrees(&findings(&missing)).unwrap_err();
    assert!(words.starts_with("deny.json, and none: TUF 5.7.2"), "{words}");
}

#[test]
fn members_of_the_set_stand_as_the_notary_says() {
    let standing = |sim: &Sim| {
        let findings = gathered(sim, Floor::default()).unwrap().1;
        findings.standing("Aurora Cloud", &network(), NOW)
    };
    assert!(matches!(standing(&notary()), Standing::Active));
    let mut denied = notary();
    publish(&mut denied, "wg-deny", "deny.json", &bytes(&deny(1, &["aurora"])));
    for sim in [
        denied,
        with_admission("state", "suspended".into()),
        with_admission("state", "revoked".into()),
    ] {
        assert!(matches!(standing(&sim), Standing::Excluded(_)));
    }
    // Late paperwork takes nobody out of the set.
    for sim in [
        with_admission("not_after", "2026-11-26T00:00:00Z".into()),
        with_admission("member_name", "Other".into()),
        with_admission("chain_id", 1.into()),
    ] {
        assert!(matches!(standing(&sim), Standing::Unclear(_)));
    }
}

#[test]
fn who_is_excluded_is_that_at_any_time_and_without_a_deny_record() {
    let excluded = |sim: &Sim, network: &Network| {
        let (_, findings) = gathered(sim, Floor::default()).unwrap();
        findings.exclusions(network)
    };
    let words = |sim: &Sim| {
        let excluded = excluded(sim, &network()).into_iter();
        let words = excluded.map(|(name, refusal)| format!("{name}: {refusal}"));
        words.collect::<Vec<_>>()
    };
    assert_eq!(words(&notary()), [""; 0]);
    let mut denied = notary();
    publish(&mut denied, "wg-deny", "deny.json", &bytes(&deny(1, &["aurora"])));
    assert!(words(&denied)[0].starts_with("Aurora Cloud: deny.json suspends aurora since "));
    let mut revoked = with_admission("state", "revoked".into());
    let expected = ["Aurora Cloud: the admission of aurora is Revoked, a validator needs Active"];
    assert_eq!(words(&revoked), expected);
    revoked.role("wg-deny").targets.clear();
    revoked.release_role("wg-deny");
    assert_eq!(
        words(&revoked),
        expected,
        "nobody is admitted, and it is known that this one is revoked"
    );
    let elsewhere = Network {
        chain_id: 1,
        ..network()
    };
    assert!(excluded(&denied, &elsewhere).is_empty());
    // Who is late or of another name is excluded by nobody's word.
    for sim in [
        with_admission("not_after", "2026-11-26T00:00:00Z".into()),
        with_admission("chain_id", 1.into()),
    ] {
        assert_eq!(words(&sim), [""; 0]);
    }
}

#[test]
fn records_that_are_not_those_listed_are_nobodys() {
    let mut sim = notary();
    let listed = sim.roles[&RoleName::targets()].targets[&crate::kit::path("m.aurora.admission.json")].clone();
    let file = format!("{}.m.aurora.admission.json", listed.hashes.prefix());
    let genuine = sim.files.remove(&file).unwrap();
    let error = |sim: &Sim| gathered(sim, Floor::default()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error(&sim),
        "the repository has no m.aurora.admission.json, which targets lists"
    );
    sim.files.insert(file.clone(), genuine[1..].to_vec());
    assert!(
        error(&sim).starts_with("TUF 5.7.3: m.aurora.admission.json has "),
        "{}",
        error(&sim)
    );
    sim.files.insert(file, genuine);
    publish(&mut sim, "targets", "m.cirrus.admission.json", &b" ".repeat(65_537));
    assert!(
        error(&sim).contains("with 65537 bytes, a record has at most 65536"),
        "{}",
        error(&sim)
    );
    let mut empty = notary();
    publish(&mut empty, "m-aurora", "m.aurora.nodes.json", b"{}");
    aurora().refused(&empty, "m.aurora.nodes.json: not a record of its schema");
}

#[test]
fn what_has_not_changed_is_not_fetched_again() {
    let mut sim = notary();
    let mut files = Files::default();
    let mut read = |sim: &Sim| {
        let stored = Stored {
            root: sim.files["1.root.json"].clone(),
            ..Stored::default()
        };
        let floor = Floor::default();
        let mut world = Visit { sim, fetched: 0 };
        gather(stored, Settings { now: NOW, floor }, &mut files, &mut world).unwrap();
        world.fetched
    };
    // Root after the first, timestamp, snapshot, targets, wg-deny; and three records.
    assert_eq!(read(&sim), 8);
    assert_eq!(read(&sim), 5);
    admit(&mut sim, "aurora", &with_state("suspended"));
    assert_eq!(read(&sim), 6);
}

fn with_state(state: &str) -> Value {
    let mut record = admission("aurora", 60);
    record["state"] = state.into();
    record
}
