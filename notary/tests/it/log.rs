//! Does the log prove what is in it, and nothing else? Against a tree that is computed by the words of RFC 6962, and golden files.

use ed25519_dalek::Signer;
use ledger_notary::{
    log::{
        Log, PROOF_HASHES_MAX, TreeHead, check_consistency, check_inclusion,
        checkpoint::{self, CheckpointError},
        tiles::{LEAF_BYTES_MAX, bundled},
    },
    records::Hex32,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::kit::secret;

fn leaf(number: u64) -> Vec<u8> {
    format!("leaf {number}").into_bytes()
}

fn log(size: u64) -> Log {
    let mut log = Log::default();
    (0..size).for_each(|number| log.append(&leaf(number)));
    log
}

/// MTH of RFC 6962, section 2.1, as it is written there.
fn tree_hash(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], leaf.as_slice()].concat()).into(),
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            Sha256::digest([&[1], tree_hash(left).as_slice(), &tree_hash(right)].concat()).into()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_proof_proves_its_entry_and_its_beginning_alone(size in 1..300_u64, a in any::<u64>(), b in any::<u64>(), bit in 0..256_usize) {
        let log = log(size);
        let leaves: Vec<_> = (0..size).map(leaf).collect();
        let (index, old) = (a % size, b % size + 1);
        let head = log.head(size).unwrap();
        prop_assert_eq!(head.root.0, tree_hash(&leaves));
        let earlier = log.head(old).unwrap();
        prop_assert_eq!(earlier.root.0, tree_hash(&leaves[..usize::try_from(old).unwrap()]));

        let proof = log.inclusion(index, size).unwrap();
        check_inclusion(head, index, &leaf(index), &proof).unwrap();
        prop_assert!(check_inclusion(head, index, b"another", &proof).is_err());
        prop_assert!(check_inclusion(head, size, &leaf(index), &proof).is_err());
        if size > 1 {
            prop_assert!(check_inclusion(head, (index + 1) % size, &leaf(index), &proof).is_err());
            let mut damaged = proof.clone();
            damaged[0].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(check_inclusion(head, index, &leaf(index), &damaged).is_err());
        }

        let proof = log.consistency(old, size).unwrap();
        check_consistency(earlier, head, &proof).unwrap();
        let mut rewritten = earlier;
        rewritten.root.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(check_consistency(rewritten, head, &proof).is_err());
        if let Some(first) = proof.first() {
            prop_assert!(check_consistency(earlier, head, &proof[1..]).is_err());
            let longer = [&proof[..], &[*first]].concat();
            prop_assert!(check_consistency(earlier, head, &longer).is_err());
        }
    }
}

#[test]
fn what_is_not_in_the_log_has_no_proof() {
    let log = log(5);
    for (outcome, words) in [
        (log.inclusion(5, 5).map(drop), "has no entry 5"),
        (log.inclusion(3, 3).map(drop), "has no entry 3"),
        (log.inclusion(0, 6).map(drop), "no earlier one of 5"),
        (log.consistency(0, 5).map(drop), "a log of 0 entries"),
        (log.consistency(4, 3).map(drop), "a log of 4 entries"),
        (log.consistency(4, 6).map(drop), "no earlier one of 5"),
        (log.head(6).map(drop), "no earlier one of 5"),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    let head = log.head(5).unwrap();
    let endless = vec![Hex32([0; 32]); PROOF_HASHES_MAX + 1];
    assert!(
        check_inclusion(head, 0, &leaf(0), &endless)
            .unwrap_err()
            .to_string()
            .contains("at most 128 hashes")
    );
    let huge = TreeHead { size: u64::MAX, ..head };
    assert!(check_inclusion(huge, u64::MAX - 1, &leaf(0), &endless[..128]).is_err());
    assert!(check_consistency(head, huge, &endless[..128]).is_err());
    assert!(check_consistency(TreeHead { size: 0, ..head }, head, &[]).is_err());
    assert_eq!(Log::default().head(0).unwrap().root.0, tree_hash(&[]));
}

#[test]
fn tiles_and_bundles_are_named_and_filled_as_c2sp_has_it() {
    let log = log(700);
    let names = |old| {
        log.tiles_since(old)
            .into_iter()
            .map(|tile| tile.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(0),
        ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]
    );
    assert_eq!(names(600), ["tile/0/002.p/188"]);
    assert_eq!(names(700), Vec::<String>::new());
    let tile = &log.tiles_since(0)[0];
    let hashes: Vec<u8> = (0..256).flat_map(|number| tree_hash(&[leaf(number)])).collect();
    assert_eq!(tile.bytes, hashes);
    let upper = &log.tiles_since(0)[3].bytes;
    let leaves: Vec<_> = (0..256).map(leaf).collect();
    assert_eq!(upper[..32], tree_hash(&leaves));

    let bundles = log.bundles_since(500);
    let shown: Vec<_> = bundles
        .iter()
        .map(|bundle| (bundle.path.as_str(), bundle.first, bundle.leaves))
        .collect();
    assert_eq!(
        shown,
        [("tile/entries/001", 256, 256), ("tile/entries/002.p/188", 512, 188)]
    );
    assert_eq!(bundled([&b"ab"[..], b""]).unwrap(), b"\0\x02ab\0\0");
    let long = vec![0; LEAF_BYTES_MAX + 1];
    assert_eq!(bundled([&long[..LEAF_BYTES_MAX]]).unwrap().len(), LEAF_BYTES_MAX + 2);
    assert!(
        bundled([long.as_slice()])
            .unwrap_err()
            .to_string()
            .contains("got 65536")
    );
}

#[test]
fn a_checkpoint_is_a_note_that_its_key_signed() {
    let origin = "notary.example/test";
    let head = log(3).head(3).unwrap();
    let key = |number| Hex32(secret(number).verifying_key().to_bytes());
    let sign = |number: u8| {
        let text = checkpoint::text(origin, head).unwrap();
        checkpoint::signed(
            origin,
            head,
            key(number),
            &secret(number).sign(text.as_bytes()).to_bytes(),
        )
        .unwrap()
    };
    let note = sign(31);
    assert_eq!(checkpoint::open(note.as_bytes(), origin, key(31)), Ok(head));
    let lines: Vec<_> = note.lines().collect();
    assert_eq!((lines[0], lines[1], lines[3]), (origin, "3", ""));
    assert!(lines[4].starts_with("\u{2014} notary.example/test "));

    let refused =
        |note: &str, origin: &str, number| checkpoint::open(note.as_bytes(), origin, key(number)).unwrap_err();
    assert_eq!(refused(&note, origin, 32), CheckpointError::NotSigned { key: key(32) });
    assert!(matches!(refused(&note, "other", 31), CheckpointError::OtherLog { .. }));
    let longer = note.replacen("\n3\n", "\n4\n", 1);
    assert_eq!(
        refused(&longer, origin, 31),
        CheckpointError::NotSigned { key: key(31) }
    );
    assert_eq!(refused("a\n1\n", origin, 31), CheckpointError::Malformed);
    let endless = "a".repeat(checkpoint::CHECKPOINT_BYTES_MAX + 1);
    assert!(matches!(refused(&endless, origin, 31), CheckpointError::TooLong { .. }));
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(
            matches!(checkpoint::text(name, head), Err(CheckpointError::Origin { .. })),
            "{name:?}"
        );
    }
    // A witness signs beside the notary.
    let witnessed = format!("{note}{}\n", sign(32).lines().last().unwrap());
    assert_eq!(checkpoint::open(witnessed.as_bytes(), origin, key(31)), Ok(head));
    assert_eq!(checkpoint::open(witnessed.as_bytes(), origin, key(32)), Ok(head));
}
