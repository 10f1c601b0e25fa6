//! The next root: signatures are put together, and both thresholds count.

use ledger_notary::{
    desk::{Approvals, Command, Refusal},
    tuf::{Kind, RoleName, Root},
};

use super::kit::{GROUP, House, Papers, STRANGER, key, text};
use crate::kit::{DAY, ROOT_KEYS, SNAPSHOT_KEY, Sim, TIMESTAMP_KEY, keys, role_keys, secret, signed, version};

fn sign(root: &Root, signers: &[u8]) -> Command {
    Command::SignRoot {
        root: text(root.clone(), signers),
    }
}

/// The next root, in which the first key of root gives way to another.
fn next(house: &House) -> Root {
    let mut root = house.desk.shelf().root().unwrap().clone();
    root.version = root.version.next().unwrap();
    root.keys.extend(keys(&[6]));
    root.roles.root = role_keys(&[2, 3, 4, 5, 6], 3);
    root
}

#[test]
fn signatures_of_a_root_are_put_together_until_old_and_new_keys_have_signed() {
    let mut house = House::new();
    let root = next(&house);
    for signers in [&[STRANGER][..], &GROUP, &[21]] {
        house.refuse(sign(&root, &[2, 3, 4]), signers, "sign_root is for the keys of root");
    }
    let mut skips = root.clone();
    skips.version = version(3);
    house.refuse(sign(&skips, &[2]), &[2], "root version 2 is next, got 3");
    let mut long = root.clone();
    long.expires = house.now.plus(367 * DAY);
    house.refuse(sign(&long, &[2]), &[2], "root version 2 may expire until");
    let mut inconsistent = root.clone();
    inconsistent.consistent_snapshot = false;
    house.refuse(sign(&inconsistent, &[2]), &[2], "consistent_snapshot");
    let mut twice = root.clone();
    let one = keys(&[2]).into_values().next().unwrap();
    twice.keys.insert("another-name".to_owned().try_into().unwrap(), one);
    house.refuse(sign(&twice, &[2]), &[2], "root lists a key as another-name, its id is");
    let unknown = text(root.clone(), &[2]).replacen("\"_type\"", "\"x-note\":1,\"_type\"", 1);
    house.refuse(
        Command::SignRoot { root: unknown },
        &[2],
        "fields that are not known here",
    );
    let other = text(root.clone(), &[2]).replace("\"version\":2", "\"version\":2 ");
    house.take(Command::SignRoot { root: other }, &[2]).unwrap();
    house.refuse(sign(&root, &[2]), &[2], "is so already");
    let mut forged = text(root.clone(), &[3]);
    let good =
        hex::encode(ed25519_dalek::Signer::sign(&secret(3), house.desk.root_proposal().unwrap().signable()).to_bytes());
    forged = forged.replace(&good, &"00".repeat(64));
    house.refuse(
        Command::SignRoot { root: forged },
        &[3],
        "did not sign the root of version 2",
    );

    house.take(sign(&root, &[1]), &[1]).unwrap();
    house.take(sign(&root, &[6]), &[6]).unwrap();
    assert!(
        house.desk.due(house.now).is_none(),
        "two old keys and two new ones: three each are needed"
    );
    assert_eq!(house.desk.root_proposal().unwrap().signers().count(), 3);
    house.take(sign(&root, &[3]), &[3]).unwrap();
    house.release().unwrap();
    assert_eq!(house.desk.shelf().root().unwrap(), &root);
    assert!(house.desk.root_proposal().is_none());
    // The key that left signs no more.
    house.refuse(sign(&next(&house), &[1]), &[1], "sign_root is for the keys of root");
}

#[test]
fn a_working_group_with_other_keys_signs_the_targets_anew_in_the_same_release() {
    let mut house = House::with(&Papers::new("aurora", 60, 100));
    let mut root = next(&house);
    root.keys.extend(keys(&[14, 15]));
    root.roles.targets = role_keys(&[13, 14, 15], 2);
    house.take(Command::Renew {}, &[11]).unwrap();
    house.refuse(house.approve(14), &[14], "approve is for the working group's keys");
    house.take(sign(&root, &[1, 2, 3, 6]), &[2]).unwrap();
    assert!(
        house.desk.due(house.now).is_none(),
        "readers would refuse the targets of before"
    );
    house.take(house.approve(14), &[14]).unwrap();
    assert_eq!(
        house.desk.status(house.now).approvals,
        Some(Approvals { got: 1, needed: 2 })
    );
    house.take(house.approve(13), &[13]).unwrap();
    house.release().unwrap();
    assert_eq!(house.desk.shelf().root().unwrap().version, version(2));
    assert!(house.read().contains_key("m.aurora.admission.json"));
    house.refuse(Command::Renew {}, &[11], "renew is for the working group's keys");
    house.take(Command::Renew {}, &[15]).unwrap();
}

#[test]
fn other_online_keys_sign_from_their_root_on() {
    let mut house = House::new();
    let mut sim = Sim::new();
    sim.hand_over(Kind::Snapshot, &[22], 1);
    sim.hand_over(Kind::Timestamp, &[32], 1);
    let mut root = sim.root;
    root.version = version(2);
    house.take(sign(&root, &ROOT_KEYS[..3]), &[1]).unwrap();
    let order = house.completion().unwrap();
    let by_old = house
        .desk
        .complete(&super::kit::sealed(&order, &[TIMESTAMP_KEY]), house.now);
    assert!(matches!(by_old, Err(Refusal::NotAllowed { .. })));
    let by_old = house
        .desk
        .complete(&super::kit::sealed(&order, &[32]), house.now)
        .unwrap_err();
    assert!(
        by_old
            .to_string()
            .contains("need the signatures of 1 different keys, got 0"),
        "{by_old}"
    );

    let due = house.desk.due(house.now).unwrap();
    let snapshot = signed(due.snapshot.unwrap().document().clone(), &[22]);
    let timestamp = house
        .desk
        .shelf()
        .newest()
        .timestamp_after(Some(&snapshot), house.now.plus(DAY))
        .unwrap();
    let mut order = order;
    order.command.snapshot = Some(String::from_utf8(snapshot).unwrap());
    order.command.timestamp = text(timestamp.document().clone(), &[32]);
    let checked = house
        .desk
        .complete(&super::kit::sealed(&order, &[22]), house.now)
        .unwrap();
    house.apply(checked);
    house.read();
    assert_ne!(key(SNAPSHOT_KEY), key(22));
    assert!(house.desk.shelf().role(&RoleName::targets()).is_some());
}
