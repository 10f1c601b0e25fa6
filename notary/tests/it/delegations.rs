//! TUF 5.6.7: in which order are delegated roles asked, who may speak of what, and where does a walk end?

use ledger_notary::tuf::{
    HashPrefix, Paths, TargetFile,
    limits::{DELEGATED_BYTES_MAX, ROLES_VISITED_MAX},
};

use crate::kit::{DAY, NOW, Reader, Sim, assert_refused, delegate, delegation, name, path, version};

/// Who delegates, to whom, whether terminating, for which paths.
type Edge = (&'static str, &'static str, bool, &'static [&'static str]);

const ALL: &[&str] = &["*"];

fn graph(edges: &[Edge]) -> Sim {
    let mut sim = Sim::new();
    for (from, to, terminating, patterns) in edges {
        // One key for each role, by its letter.
        let number = 50 + to.bytes().last().unwrap() % 26;
        let mut role = delegation(to, number, patterns);
        role.terminating = *terminating;
        sim.add_role(from, role, number);
    }
    let roles: Vec<_> = sim.roles.keys().map(ToString::to_string).collect();
    for role in roles {
        sim.put_role(&role);
    }
    sim.release();
    sim
}

#[test]
fn roles_are_asked_pre_order_and_depth_first() {
    let cases: &[(&str, &[Edge], &[&str])] = &[
        ("one", &[("targets", "A", false, ALL)], &["A"]),
        (
            "two",
            &[("targets", "A", false, ALL), ("targets", "B", false, ALL)],
            &["A", "B"],
        ),
        (
            "below the second",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("B", "C", false, ALL),
            ],
            &["A", "B", "C"],
        ),
        (
            "depth first",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("A", "C", false, ALL),
                ("A", "D", false, ALL),
            ],
            &["A", "C", "D", "B"],
        ),
        (
            "three levels",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("A", "C", false, ALL),
                ("C", "D", false, ALL),
            ],
            &["A", "C", "D", "B"],
        ),
        (
            "a terminating role ends the walk",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("A", "C", true, ALL),
                ("A", "D", false, ALL),
            ],
            &["A", "C"],
        ),
        (
            "but not before those below it",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("A", "C", true, ALL),
                ("C", "D", false, ALL),
            ],
            &["A", "C", "D"],
        ),
        (
            "a terminating role for other paths ends nothing",
            &[("targets", "A", true, &["*.py"]), ("targets", "B", false, ALL)],
            &["B"],
        ),
        (
            "branches for other paths",
            &[
                ("targets", "A", false, &["*.py"]),
                ("targets", "B", false, ALL),
                ("A", "C", false, ALL),
            ],
            &["B"],
        ),
        (
            "a cycle",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("B", "C", false, ALL),
                ("C", "D", false, ALL),
                ("D", "B", false, ALL),
            ],
            &["A", "B", "C", "D"],
        ),
        (
            "two ways to one role",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("B", "C", false, ALL),
                ("A", "C", false, ALL),
            ],
            &["A", "C", "B"],
        ),
        (
            "two ways, one of them for other paths",
            &[
                ("targets", "A", false, ALL),
                ("targets", "B", false, ALL),
                ("B", "C", false, ALL),
                ("A", "C", false, &["*.py"]),
            ],
            &["A", "B", "C"],
        ),
    ];
    for (what, edges, expected) in cases {
        let sim = graph(edges);
        let mut reader = Reader::new(&sim);
        let error = reader.find(&sim, "missing").unwrap_err().to_string();
        assert!(
            error.contains("TUF 5.7.2: no role that may speak of missing lists it"),
            "{what}: {error}"
        );
        let asked: Vec<_> = reader.asked[4..]
            .iter()
            .map(|name| name.trim_end_matches(".json").trim_start_matches("1."))
            .collect();
        assert_eq!(asked, *expected, "{what}");
        assert_eq!(
            reader.stored.others.len(),
            3 + expected.len(),
            "{what}: what was checked is kept"
        );
        // All of it is there now.
        reader.find(&sim, "missing").unwrap_err();
        assert_eq!(reader.asked.len(), 2, "{what}");
    }
}

#[test]
fn a_path_must_be_delegated_all_along_the_way() {
    let mut sim = graph(&[
        ("targets", "A", false, &["*.doc", "*.md"]),
        ("targets", "B", false, &["releases/*/*"]),
        ("B", "C", false, &["releases/x/*"]),
        ("B", "D", false, &["releases/y/*.zip"]),
    ]);
    for (role, at) in [
        ("targets", "file"),
        ("A", "README.md"),
        ("A", "a.txt"),
        ("C", "releases/x/x_v1"),
        ("D", "releases/y/y_v1.zip"),
        ("D", "releases/z/z_v1.zip"),
    ] {
        let content = format!("{at} by {role}");
        sim.add_file(role, at, content.as_bytes());
        // Names of files on the way carry their hash in the last part.
        if let Some((folder, _)) = at.rsplit_once('/') {
            let file = &sim.roles[&name(role)].targets[&path(at)];
            let place = format!("{folder}/{}.{}", file.hashes.prefix(), at.rsplit('/').next().unwrap());
            sim.files.insert(place, content.into_bytes());
        }
        sim.put_role(role);
    }
    sim.release();
    let mut reader = Reader::new(&sim);
    for (at, by) in [
        ("file", "targets"),
        ("README.md", "A"),
        ("releases/x/x_v1", "C"),
        ("releases/y/y_v1.zip", "D"),
    ] {
        assert_eq!(reader.find(&sim, at).unwrap().role, name(by));
        assert_eq!(reader.download(&sim, at).unwrap(), format!("{at} by {by}").as_bytes());
    }
    for at in ["a.txt", "releases/z/z_v1.zip"] {
        assert_refused(reader.find(&sim, at), "TUF 5.7.2");
    }
}

#[test]
fn bins_by_hash_lead_to_their_paths() {
    let mut sim = Sim::new();
    // sha256("abc") starts with ba78.
    for (role, prefix) in [("low", "0"), ("high", "ba7")] {
        let mut delegated = delegation(role, 60, &["*"]);
        delegated.paths = Paths::HashPrefixes(vec![HashPrefix::try_from(prefix.to_owned()).unwrap()]);
        sim.add_role("targets", delegated, 60);
    }
    sim.add_file("high", "abc", b"content");
    sim.put_role("high");
    sim.put_role("targets");
    sim.release();
    let mut reader = Reader::new(&sim);
    assert_eq!(reader.download(&sim, "abc").unwrap(), b"content");
    assert_eq!(reader.asked[4..], ["1.high.json"]);
}

#[test]
fn a_walk_visits_a_bounded_number_of_roles() {
    let mut sim = Sim::new();
    for number in 0..=ROLES_VISITED_MAX {
        sim.add_role("targets", delegation(&format!("r{number}"), 60, &["*"]), 60);
    }
    sim.add_file(&format!("r{ROLES_VISITED_MAX}"), "far", b"");
    sim.add_file(&format!("r{}", ROLES_VISITED_MAX - 1), "near", b"");
    for number in [ROLES_VISITED_MAX - 1, ROLES_VISITED_MAX] {
        sim.put_role(&format!("r{number}"));
    }
    sim.put_role("targets");
    sim.release();
    let mut reader = Reader::new(&sim);
    assert!(reader.find(&sim, "near").is_ok());
    assert_refused(
        reader.find(&sim, "far"),
        "TUF 5.6.7.1: far is not listed by the first 32 roles",
    );
}

#[test]
fn the_roles_of_a_walk_are_kept_up_to_a_bound_and_all_of_them_are_read() {
    const ROLES: usize = 5;
    let mut sim = Sim::new();
    for number in 0..ROLES {
        let role = format!("r{number}");
        sim.add_role("targets", delegation(&role, 60, &["*"]), 60);
        // About 4 MB.
        for file in 0..7_000 {
            let at = format!("{}{file}", "a".repeat(450));
            let listed = TargetFile::of(b"");
            sim.role(&role).targets.insert(path(&at), listed);
        }
        sim.put_role(&role);
    }
    sim.put_role("targets");
    sim.release();
    let mut reader = Reader::new(&sim);
    assert_refused(reader.find(&sim, "missing"), r#""r3", "r4"]"#);
    let bytes = |reader: &Reader| {
        let delegated = reader.stored.others.iter().filter(|(role, _)| !role.is_top_level());
        delegated.map(|(_, bytes)| bytes.len() as u64).sum::<u64>()
    };
    let all: usize = (0..ROLES)
        .map(|number| sim.files[&format!("1.r{number}.json")].len())
        .sum();
    assert!(all as u64 > DELEGATED_BYTES_MAX, "{all}");
    assert!(bytes(&reader) <= DELEGATED_BYTES_MAX && bytes(&reader) > 0);
}

#[test]
fn an_expired_role_blocks_its_own_paths_alone() {
    let mut sim = Sim::new();
    for (role, number) in [("m-a", 60), ("m-b", 61)] {
        let pattern = format!("m.{}.*", &role[2..]);
        let mut member = delegation(role, number, &[&pattern]);
        member.terminating = true;
        sim.add_role("targets", member, number);
        sim.add_file(role, &format!("m.{}.nodes.json", &role[2..]), role.as_bytes());
    }
    sim.role("m-a").expires = NOW.plus(7 * DAY);
    for role in ["m-a", "m-b", "targets"] {
        sim.put_role(role);
    }
    sim.snapshot.expires = NOW.plus(60 * DAY);
    sim.timestamp.expires = NOW.plus(60 * DAY);
    sim.release();
    let mut reader = Reader::new(&sim);
    assert_eq!(reader.download(&sim, "m.a.nodes.json").unwrap(), b"m-a");
    reader.now = NOW.plus(18 * DAY);
    assert_refused(reader.find(&sim, "m.a.nodes.json"), "TUF 5.6.5: m-a version 1 expired");
    assert_eq!(reader.download(&sim, "m.b.nodes.json").unwrap(), b"m-b");

    // Renewed, it is good again, whatever was kept.
    sim.role("m-a").expires = NOW.plus(30 * DAY);
    sim.release_role("m-a");
    assert_eq!(reader.download(&sim, "m.a.nodes.json").unwrap(), b"m-a");
}

#[test]
fn one_bad_search_leaves_the_next_one_alone() {
    let mut sim = graph(&[("targets", "A", true, &["a"]), ("targets", "B", true, &["b"])]);
    sim.add_file("B", "b", b"good");
    sim.put_role("B");
    sim.release();
    sim.files.remove("1.A.json");
    let mut reader = Reader::new(&sim);
    let mut verifier = reader.refresh(&sim).unwrap();
    let outcome = verifier.find(path("a"));
    assert!(matches!(outcome.next, Ok(ledger_notary::tuf::Next::Fetch(_))));
    assert_refused(
        verifier.answer(ledger_notary::tuf::Answer::Missing).next,
        "TUF 5.6.1: the repository has no A",
    );
    assert!(matches!(
        verifier.find(path("b")).next,
        Ok(ledger_notary::tuf::Next::Fetch(_))
    ));
}

#[test]
fn each_way_to_a_role_needs_its_own_keys() {
    // A and B both delegate to C, with different keys; C is signed by A's idea of it.
    let mut sim = graph(&[("targets", "A", false, &["a"]), ("targets", "B", false, &["b"])]);
    sim.add_role("A", delegation("C", 70, &["*"]), 70);
    delegate(sim.role("B"), delegation("C", 71, &["*"]), 71);
    for at in ["a", "b"] {
        sim.add_file("C", at, b"");
    }
    for role in ["A", "B", "C"] {
        sim.put_role(role);
    }
    sim.release();
    let mut reader = Reader::new(&sim);
    assert_eq!(reader.find(&sim, "a").unwrap().role, name("C"));
    assert_refused(reader.find(&sim, "b"), "TUF 5.6.3: C metadata version 1");
}

#[test]
fn a_delegated_role_cannot_go_back_or_be_left_out() {
    let mut sim = graph(&[("targets", "A", false, ALL)]);
    sim.release_role("A");
    let reader = Reader::of(&sim);
    let two = sim.clone();
    sim.role("A").version = version(1);
    sim.put_role("A");
    sim.release();
    assert_refused(
        reader.clone().find(&sim, "x"),
        "TUF 5.5.5: the trusted snapshot lists A.json version 2, the new one 1",
    );
    let mut sim = two;
    sim.snapshot.meta.remove("A.json");
    sim.release();
    assert_refused(
        reader.clone().find(&sim, "x"),
        "TUF 5.5.5: the trusted snapshot lists A.json version 2, the new one does not",
    );
}

#[test]
fn delegations_that_are_none_are_named() {
    let mut sim = Sim::new();
    sim.add_role("targets", delegation("A", 60, &["*"]), 60);
    let text = serde_json::to_string(sim.targets()).unwrap();
    for (from, to, reason) in [
        (
            r#""name":"A""#,
            r#""name":"root""#,
            "nobody delegates to a role of the top",
        ),
        (r#""name":"A""#, r#""name":"""#, "1 to 80 bytes, got 0"),
        (r#""paths":["*"]"#, r#""x":0"#, "got neither"),
        (
            r#""paths":["*"]"#,
            r#""paths":["*"],"path_hash_prefixes":["0"]"#,
            "got both",
        ),
        (r#""paths":["*"]"#, r#""paths":["[a]"]"#, "know * and ? only"),
    ] {
        let bad = text.replace(from, to);
        assert_ne!(bad, text);
        let error = serde_json::from_str::<ledger_notary::tuf::Targets>(&bad)
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
    let role = delegation("A", 60, &["*"]);
    delegate(sim.targets(), role, 60);
    let twice = serde_json::to_string(sim.targets()).unwrap();
    let error = serde_json::from_str::<ledger_notary::tuf::Targets>(&twice)
        .unwrap_err()
        .to_string();
    assert!(error.contains("delegated to once"), "{error}");
}

#[test]
fn a_role_that_was_never_published_is_named() {
    let mut sim = Sim::new();
    delegate(sim.targets(), delegation("m-a", 60, &["a"]), 60);
    sim.put_role("targets");
    sim.release();
    assert_refused(
        Reader::new(&sim).find(&sim, "a"),
        "a leads to m-a, which the snapshot does not list",
    );
}

#[test]
fn unusual_names_are_safe_in_addresses_and_folders() {
    for role in ["?", "#", "/delegated", "../delegated", "é ü", "a%2Fb"] {
        let mut sim = Sim::new();
        sim.add_role("targets", delegation(role, 60, &["*"]), 60);
        sim.put_role("targets");
        sim.release();
        let mut reader = Reader::new(&sim);
        assert_refused(reader.find(&sim, "x"), "TUF 5.7.2");
        let asked = reader.asked.last().unwrap();
        assert!(!asked.contains(['/', '?', '#', ' ']) && asked.is_ascii(), "{asked}");
        assert!(reader.stored.others.contains_key(&name(role)));
    }
}
