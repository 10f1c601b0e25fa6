//! The working group and its deny role: what they may, together and alone.

use ledger_notary::{
    desk::{Approvals, Command, Hex64, Standing},
    records::{Hex32, Place},
    tuf::Version,
};

use super::kit::{DENY, GROUP, House, Papers, STRANGER, deny_record, key, listing, sha256, text};
use crate::kit::{DAY, NOW, version};

fn reject(house: &House) -> Command {
    let (submission, draft_sha256) = house.submission();
    Command::Reject {
        submission,
        draft_sha256,
        reason: "The register knows no such number".to_owned().try_into().unwrap(),
    }
}

#[test]
fn only_the_working_group_looks_at_submissions() {
    let mut house = House::new();
    house.take(Papers::new("aurora", 60, 100).submit(), &[60]).unwrap();
    for signers in [&[60][..], &[STRANGER], &DENY, &[1, 2, 3, 4, 5], &[21, 31]] {
        house.refuse(house.verify(), signers, "verify is for the working group's keys");
        house.refuse(reject(&house), signers, "reject is for the working group's keys");
        house.refuse(Command::Renew {}, signers, "renew is for the working group's keys");
        house.refuse(
            Command::ClearProposal {},
            signers,
            "clear_proposal is for the working group's keys",
        );
    }
    house.take(reject(&house), &[12]).unwrap();
    assert_eq!(house.standing("aurora"), Standing::Rejected);
    house.refuse(house.verify(), &[12], "no open submission");
    let (id, _) = house.submission();
    let submission = house.desk.submission(id).unwrap();
    assert_eq!(submission.verifier, Some(key(12)));
    assert!(submission.reason.is_some());
    // It may come again.
    house.admit(&Papers::new("aurora", 60, 100));
}

#[test]
fn one_key_of_the_working_group_publishes_nothing_however_often_it_signs() {
    let mut house = House::new();
    house.take(Papers::new("aurora", 60, 100).submit(), &[60]).unwrap();
    house.take(house.verify(), &[11]).unwrap();
    house.refuse(
        Command::Approve {
            version: version(2),
            signable_sha256: house.desk.proposal().unwrap().signable_sha256(),
            signature: Hex64([0; 64]),
        },
        &[11],
        "did not sign the proposal for targets 2",
    );
    house.take(house.approve(11), &[11]).unwrap();
    house.refuse(house.approve(11), &[11], "is so already");
    // Its signature under somebody else's name.
    house.refuse(house.approve(11), &[12], "did not sign the proposal for targets 2");
    house.refuse(
        house.approve(STRANGER),
        &[STRANGER],
        "approve is for the working group's keys",
    );
    house.refuse(house.approve(60), &[60], "approve is for the working group's keys");
    assert!(house.desk.due(house.now).is_none());
    assert_eq!(
        house.desk.status(house.now).approvals,
        Some(Approvals { got: 1, needed: 2 })
    );
}

#[test]
fn an_approval_is_of_the_very_bytes_that_are_proposed() {
    let mut house = House::new();
    let nothing = Command::Approve {
        version: Version::FIRST,
        signable_sha256: Hex32([0; 32]),
        signature: Hex64([0; 64]),
    };
    house.refuse(nothing, &[11], "open is no proposal");
    house.take(Command::Renew {}, &[11]).unwrap();
    let approval = house.approve(11);
    house.now = house.now.plus(1);
    house.take(Command::Renew {}, &[12]).unwrap();
    house.refuse(approval, &[11], "it changed, look at it again");
    let Command::Approve {
        signable_sha256,
        signature,
        ..
    } = house.approve(11)
    else {
        unreachable!("approve() makes an approval");
    };
    let other = Command::Approve {
        version: version(3),
        signable_sha256,
        signature,
    };
    house.refuse(other, &[11], "no targets of version 3 are proposed; open is version 2");
    house.pass();
    assert_eq!(
        house
            .desk
            .shelf()
            .role(&ledger_notary::tuf::RoleName::targets())
            .unwrap()
            .version,
        version(2)
    );
}

#[test]
fn a_proposal_that_was_cleared_keeps_nobody_waiting() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    house.take(Papers::new("borealis", 61, 110).submit(), &[61]).unwrap();
    house.take(house.verify(), &[11]).unwrap();
    house.take(papers.revoke(), &[13]).unwrap();
    house.refuse(papers.revoke(), &[13], "is so already");
    house.take(house.approve(12), &[12]).unwrap();
    house.take(Command::ClearProposal {}, &[11]).unwrap();
    house.refuse(Command::ClearProposal {}, &[11], "is so already");
    assert!(house.desk.proposal().is_none());
    assert_eq!(house.standing("borealis"), Standing::Submitted);
    house.take(house.verify(), &[11]).unwrap();
    house.pass();
    assert_eq!(house.standing("aurora"), Standing::Published);
}

#[test]
fn a_revocation_follows_what_is_published_and_takes_a_threshold() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    house.refuse(papers.revoke(), &[60], "revoke is for the working group's keys");
    house.refuse(papers.revoke(), &DENY, "revoke is for the working group's keys");
    house.refuse(
        Papers::new("borealis", 61, 110).revoke(),
        &[11],
        "was never published: its seq is 1, got 2",
    );
    let mut active = papers.next();
    active.admission["max_validators"] = 1.into();
    let admission = active.admission.to_string();
    house.refuse(
        Command::Revoke { admission },
        &[11],
        "is Revoked for revoke, got Active",
    );
    let mut skips = papers.next().next().admission;
    skips["state"] = "revoked".into();
    let admission = skips.to_string();
    house.refuse(Command::Revoke { admission }, &[11], "has seq 3");

    // A change that was verified gives way to the revocation, and is not lost.
    house.take(active.submit(), &[60]).unwrap();
    house.take(house.verify(), &[11]).unwrap();
    house.take(papers.revoke(), &[11]).unwrap();
    assert_eq!(
        house.desk.submission(house.submission().0).unwrap().standing,
        Standing::Submitted
    );
    house.pass();
    assert_eq!(house.standing("aurora"), Standing::Revoked);
    house.refuse(papers.revoke(), &[11], "no member aurora that is admitted");
    house.refuse(house.verify(), &[11], "has seq 2");
}

#[test]
fn the_deny_role_suspends_at_once_and_can_do_nothing_else() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    let (role, deny) = house.suspend(2, &["aurora"]);
    let suspend = |role: &str, deny: &str| Command::Suspend {
        role: role.to_owned(),
        deny: deny.to_owned(),
    };
    for signers in [&[60][..], &GROUP, &[1, 2, 3], &[STRANGER]] {
        house.refuse(suspend(&role, &deny), signers, "suspend is for the keys of wg-deny");
    }
    let by_others = text(listing(&Place::Deny, 2, &deny), &GROUP);
    house.refuse(
        suspend(&by_others, &deny),
        &DENY,
        "wg-deny metadata version 2 need the signatures of 1",
    );
    let other_file = text(listing(&papers.place(), 2, &deny), &DENY);
    house.refuse(suspend(&other_file, &deny), &DENY, "wg-deny lists deny.json alone");
    let skips = text(listing(&Place::Deny, 3, &deny), &DENY);
    house.refuse(suspend(&skips, &deny), &DENY, "wg-deny version 2 is next, got 3");
    let forgets = deny_record(2, Some("another"), &["aurora"]);
    let role_of_it = text(listing(&Place::Deny, 2, &forgets), &DENY);
    house.refuse(suspend(&role_of_it, &forgets), &DENY, "deny.json has seq 2");
    let mut next = papers.next();
    next.nodes = vec![110];
    house.refuse(next.update_nodes(), &DENY, "update_nodes is for");
    house.refuse(papers.revoke(), &DENY, "revoke is for");
    house.take(Command::Renew {}, &[11]).unwrap();
    house.refuse(house.approve(41), &DENY[..1], "approve is for");

    house.take(suspend(&role, &deny), &DENY[..1]).unwrap();
    house.release().unwrap();
    assert_eq!(house.standing("aurora"), Standing::Suspended);
    assert!(house.desk.proposal().is_some(), "what is proposed waits on");
    house.pass();
}

#[test]
fn a_suspension_goes_out_whatever_else_waits() {
    let papers = Papers::new("aurora", 60, 100);
    let mut house = House::with(&papers);
    for day in [89, 170] {
        house.now = NOW.plus(day * DAY);
        house.take(Command::Renew {}, &[11]).unwrap();
        house.pass();
    }
    // Verified and approved, and then the signer is away until the proofs of its node have expired.
    house.now = NOW.plus(175 * DAY);
    house.take(Papers::new("borealis", 61, 110).submit(), &[61]).unwrap();
    house.take(house.verify(), &[11]).unwrap();
    for number in [11, 12] {
        house.take(house.approve(number), &[number]).unwrap();
    }
    house.now = NOW.plus(181 * DAY);

    let mut deny = listing(
        &Place::Deny,
        2,
        &deny_record(2, Some(&deny_record(1, None, &[])), &["aurora"]),
    );
    deny.expires = house.now.plus(90 * DAY);
    let suspend = Command::Suspend {
        role: text(deny, &DENY[..1]),
        deny: deny_record(2, Some(&deny_record(1, None, &[])), &["aurora"]),
    };
    house.take(suspend, &DENY[..1]).unwrap();
    house.release().unwrap();
    assert_eq!(house.standing("aurora"), Standing::Suspended);
    assert_eq!(house.standing("borealis"), Standing::Approved { got: 2, needed: 2 });
    assert!(house.desk.due(house.now).is_none(), "what nobody could read is not due");
    let why = house.desk.status(house.now).proposal_blocked.unwrap();
    assert!(why.contains("m-borealis version 1 may expire until"), "{why}");
    house.take(reject(&house), &[11]).unwrap();
    assert!(house.desk.proposal().is_none());
}

#[test]
fn other_keys_for_the_deny_role_take_the_working_group() {
    let mut house = House::new();
    let deny = String::from_utf8(house.desk.shelf().record(&Place::Deny).unwrap().to_vec()).unwrap();
    let replace = |keys: &[u8], threshold: u32, signers: &[u8], version: u64| Command::ReplaceDenyKeys {
        keys: keys.iter().map(|number| key(*number)).collect(),
        threshold: threshold.try_into().unwrap(),
        role: text(listing(&Place::Deny, version, &deny), signers),
    };
    house.refuse(
        replace(&[43, 44], 2, &[43, 44], 2),
        &DENY,
        "replace_deny_keys is for the working group's keys",
    );
    house.refuse(
        replace(&[43, 43], 2, &[43], 2),
        &[11],
        "2 of 2 keys, 1 of them different",
    );
    house.refuse(replace(&[43, 44], 3, &[43, 44], 2), &[11], "3 of 2 keys");
    house.refuse(
        replace(&[43, 44], 2, &[43], 2),
        &[11],
        "need the signatures of 2 different keys, got 1",
    );
    house.refuse(
        replace(&[43, 44], 2, &[43, 44], 3),
        &[11],
        "wg-deny version 2 is next, got 3",
    );
    house.take(replace(&[43, 44], 2, &[43, 44], 2), &[11]).unwrap();
    // A suspension by the old keys is not kept waiting; the new keys sign again after it.
    let (role, denied) = house.suspend(2, &["aurora"]);
    house
        .take(
            Command::Suspend {
                role,
                deny: denied.clone(),
            },
            &DENY[..1],
        )
        .unwrap();
    assert!(house.desk.proposal().is_none());
    house.refuse(
        replace(&[43, 44], 2, &[43, 44], 2),
        &[11],
        "wait for the online keys already",
    );
    house.release().unwrap();
    let again = Command::ReplaceDenyKeys {
        keys: vec![key(43), key(44)],
        threshold: 2.try_into().unwrap(),
        role: text(listing(&Place::Deny, 3, &denied), &[43, 44]),
    };
    house.take(again, &[11]).unwrap();
    house.pass();

    let lifted = deny_record(3, Some(&denied), &[]);
    let by = |signers: &[u8]| Command::Suspend {
        role: text(listing(&Place::Deny, 4, &lifted), signers),
        deny: lifted.clone(),
    };
    house.refuse(by(&DENY), &DENY, "suspend is for the keys of wg-deny");
    house.refuse(by(&[43]), &[43], "need the signatures of 2 different keys, got 1");
    house.take(by(&[43, 44]), &[43]).unwrap();
    house.release().unwrap();
    assert_eq!(
        house.desk.shelf().record(&Place::Deny).map(sha256),
        Some(sha256(lifted.as_bytes()))
    );
}
