//! Does PROTOCOL.md name only what exists?

const PROTOCOL: &str = include_str!("../../PROTOCOL.md");

const TESTS: [(&str, &str); 11] = [
    ("alone", include_str!("alone.rs")),
    ("evidence", include_str!("evidence.rs")),
    ("four", include_str!("four.rs")),
    ("garbage", include_str!("garbage.rs")),
    ("guard", include_str!("guard.rs")),
    ("headers", include_str!("headers.rs")),
    ("limits", include_str!("limits.rs")),
    ("locks", include_str!("locks.rs")),
    ("schedule", include_str!("../../src/schedule.rs")),
    ("sets", include_str!("sets.rs")),
    ("simulation", include_str!("../../../tests/simulation.rs")),
];

const SOURCES: [&str; 16] = [
    include_str!("../../src/checkpoint_rule.rs"),
    include_str!("../../src/early.rs"),
    include_str!("../../src/engine/finalising.rs"),
    include_str!("../../src/engine/mod.rs"),
    include_str!("../../src/engine/proposing.rs"),
    include_str!("../../src/engine/receiving.rs"),
    include_str!("../../src/engine/voting.rs"),
    include_str!("../../src/engine/waking.rs"),
    include_str!("../../src/equivocation.rs"),
    include_str!("../../src/finality.rs"),
    include_str!("../../src/guard_record.rs"),
    include_str!("../../src/header_rules.rs"),
    include_str!("../../src/limits.rs"),
    include_str!("../../src/rules.rs"),
    include_str!("../../src/schedule.rs"),
    include_str!("../../src/signing_guard.rs"),
];

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_table_of_rules_names_functions_and_tests_that_exist() {
    let table = PROTOCOL.split("| Rule | Function | Tests |").nth(1).unwrap();
    let mut rules = Vec::new();
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        rules.push(cells[1].to_owned());
        for function in quoted(cells[2]) {
            let name = function.rsplit("::").next().unwrap();
            let definition = format!("fn {name}(");
            assert!(
                SOURCES.iter().any(|source| source.contains(&definition)),
                "{function} of {}",
                cells[1]
            );
        }
        for test in quoted(cells[3]) {
            let (module, name) = test.split_once("::").unwrap();
            let (_, source) = TESTS.iter().find(|(known, _)| *known == module).unwrap();
            assert!(source.contains(&format!("fn {name}(")), "{test} of {}", cells[1]);
        }
    }
    let expected: Vec<String> = (1..=16)
        .map(|rule| format!("R{rule}"))
        .chain(["all".to_owned()])
        .collect();
    assert_eq!(rules, expected);
}

#[test]
fn every_rule_has_its_paragraph() {
    for rule in 1..=16 {
        assert!(PROTOCOL.contains(&format!("\n**R{rule} ")), "R{rule}");
    }
}
