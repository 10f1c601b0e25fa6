//! Do the targets hold for their seeds, and for thousands of seeds that were damaged? What libFuzzer does for hours, in seconds
//! and without instrumentation, so that targets and seeds never rot.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ledger_fuzz_targets::{
    Target,
    mutate::{Dice, mutated},
    seeds, targets,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Held by each test of this file: what a second one takes meanwhile would be counted.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Damaged inputs for each target.
const MUTATIONS: u64 = 3_000;

/// The same for the target that asks a whole node, whose every input is a request.
const MUTATED_REQUESTS: u64 = 600;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus-seed")
}

/// The committed seeds of a target, by name.
fn committed(target: &str) -> BTreeMap<String, Vec<u8>> {
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a file in a folder has a name");
        (
            name.to_string_lossy().into_owned(),
            fs::read(&path).expect("a seed can be read"),
        )
    };
    let entries = fs::read_dir(folder().join(target)).unwrap_or_else(|error| panic!("no seeds of {target}: {error}"));
    entries
        .map(|entry| read(entry.expect("a folder can be listed").path()))
        .collect()
}

/// Runs the target and holds the memory that it took against its bound.
fn run(target: &Target, input: &[u8], what: &str) {
    let input = &input[..input.len().min(target.input_bytes_max)];
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let outcome = std::panic::catch_unwind(|| (target.run)(input));
    let taken = HEAP.peak_usage().saturating_sub(before);
    assert!(outcome.is_ok(), "{} broke on {what}: {input:02x?}", target.name);
    let most = target.heap.of(input.len());
    assert!(
        taken <= most,
        "{} took {taken} bytes, at most {most}, on {what}: {input:02x?}",
        target.name
    );
}

#[test]
fn targets_hold_for_their_seeds_and_for_damaged_ones() {
    let _alone = alone();
    for target in targets() {
        let seeds: Vec<_> = committed(target.name).into_iter().collect();
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        // What is made once, on first use, is not what an input costs.
        (target.run)(&seeds[0].1);
        run(&target, &[], "nothing");
        for (name, seed) in &seeds {
            run(&target, seed, name);
        }
        let mutations = if target.name == "rpc_request" {
            MUTATED_REQUESTS
        } else {
            MUTATIONS
        };
        for number in 0..mutations {
            let mut dice = Dice::new(number);
            let (name, seed) = &seeds[dice.below(seeds.len())];
            let (_, other) = &seeds[dice.below(seeds.len())];
            let input = mutated(seed, other, &mut dice);
            run(&target, &input, &format!("mutation {number} of {name}"));
        }
    }
}

#[test]
fn committed_seeds_are_those_of_todays_formats() {
    let _alone = alone();
    for (target, name, bytes) in seeds::all() {
        let committed = committed(target);
        let seed = committed
            .get(name)
            .unwrap_or_else(|| panic!("{target}/{name} is not committed"));
        assert!(
            *seed == bytes,
            "{target}/{name} changed: run cargo run --bin ledger-fuzz-seeds, and commit it"
        );
    }
}

#[test]
fn every_target_has_a_wrapper_and_every_wrapper_a_target() {
    let _alone = alone();
    let wrappers = fs::read_dir(folder().join("../fuzz_targets")).expect("the wrappers can be listed");
    let wrappers: BTreeSet<String> = wrappers
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let targets: BTreeSet<String> = targets().iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(wrappers, targets);
}
