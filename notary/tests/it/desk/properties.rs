//! Whatever is asked for, in whatever order and by whomever: the desk refuses or does it, readers can read what is published, and stored
//! entries make the same desk.

use ledger_notary::{
    desk::{Approvals, Command, Complete, Desk, Order, SubmissionId},
    records::{Hex32, Place},
};
use proptest::{collection, prelude::*};

use super::kit::{DENY, Founding, GROUP, House, Papers, deny_record, listing, network, sealed, sha256, text};
use crate::kit::{DAY, HOUR, TIMESTAMP_KEY};

const MEMBERS: [(&str, u8, u8); 3] = [("aurora", 60, 100), ("borealis", 61, 110), ("corona", 62, 120)];

/// Something that somebody tries. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    /// Papers that follow what is published, of this member, with this node; signed by the member, or by another one.
    Submit {
        member: usize,
        node: u8,
        is_own: bool,
    },
    Verify {
        place: usize,
        signer: u8,
    },
    Reject {
        place: usize,
        signer: u8,
    },
    Withdraw {
        place: usize,
        signer: usize,
    },
    /// A signature of `signer`, brought by `by`.
    Approve {
        signer: u8,
        by: u8,
    },
    /// Two of the working group sign what is proposed.
    Pass,
    Revoke {
        member: usize,
        signer: u8,
    },
    Renew {
        signer: u8,
    },
    Clear {
        signer: u8,
    },
    Nodes {
        member: usize,
        node: u8,
        is_own: bool,
    },
    Suspend {
        members: Vec<usize>,
        signer: u8,
    },
    /// The online keys sign what is due, and it is published.
    Release,
    /// The online keys sign what is due.
    Ask,
    /// Their signatures come in.
    Bring,
    Wait {
        hours: u64,
    },
}

/// Mostly somebody of the working group.
fn signer() -> impl Strategy<Value = u8> {
    prop_oneof![8 => prop::sample::select(GROUP.to_vec()), 1 => prop::sample::select(vec![1, 41, 60, 99])]
}

fn step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS.len();
    let node = prop::sample::select(vec![100_u8, 110, 120, 130]);
    let is_own = prop::bool::weighted(0.9);
    prop_oneof![
        6 => (member.clone(), node.clone(), is_own)
            .prop_map(|(member, node, is_own)| Step::Submit { member, node, is_own }),
        8 => (0..3_usize, signer()).prop_map(|(place, signer)| Step::Verify { place, signer }),
        1 => (0..3_usize, signer()).prop_map(|(place, signer)| Step::Reject { place, signer }),
        1 => (0..3_usize, member.clone()).prop_map(|(place, signer)| Step::Withdraw { place, signer }),
        3 => (signer(), signer()).prop_map(|(signer, by)| Step::Approve { signer, by }),
        8 => Just(Step::Pass),
        1 => (member.clone(), signer()).prop_map(|(member, signer)| Step::Revoke { member, signer }),
        1 => signer().prop_map(|signer| Step::Renew { signer }),
        1 => signer().prop_map(|signer| Step::Clear { signer }),
        5 => (member.clone(), node, is_own).prop_map(|(member, node, is_own)| Step::Nodes { member, node, is_own }),
        2 => (collection::vec(member, 0..3), prop::sample::select(vec![41_u8, 42, 11]))
            .prop_map(|(members, signer)| Step::Suspend { members, signer }),
        8 => Just(Step::Release),
        4 => Just(Step::Ask),
        4 => Just(Step::Bring),
        2 => prop_oneof![8 => 1..48_u64, 1 => 1..2_000_u64].prop_map(|hours| Step::Wait { hours }),
    ]
}

/// Papers of a member that follow what is published of it.
fn papers(house: &House, (member, key, _): (&str, u8, u8), node: u8) -> Papers {
    let shelf = house.desk.shelf();
    let mut papers = Papers::new(member, key, node);
    let id: ledger_notary::records::NotaryId = member.to_owned().try_into().unwrap();
    if let Some(record) = shelf.record(&Place::Admission(id)) {
        let before: serde_json::Value = serde_json::from_slice(record).unwrap();
        papers.admission["seq"] = (before["seq"].as_u64().unwrap() + 1).into();
        papers.admission["prev_sha256"] = sha256(record).to_string().into();
    }
    if let Some(record) = shelf.record(&papers.place()) {
        let before: serde_json::Value = serde_json::from_slice(record).unwrap();
        papers.nodes_seq = before["seq"].as_u64().unwrap() + 1;
        papers.nodes_before = Some(String::from_utf8(record.to_vec()).unwrap());
    }
    let role = shelf.role(&papers.place().role());
    papers.version = role.map_or(1, |role| role.version.get() + 1);
    papers
}

/// One of the newest submissions.
fn chosen(house: &House, place: usize) -> (SubmissionId, Hex32) {
    let all: Vec<_> = house.desk.submissions().map(|one| (one.id, one.draft_sha256)).collect();
    let nothing = (SubmissionId(u64::MAX), Hex32([0; 32]));
    all.iter().rev().nth(place).copied().unwrap_or(nothing)
}

/// The key of a member, or of the next one.
fn hand(member: usize, is_own: bool) -> u8 {
    MEMBERS[(member + usize::from(!is_own)) % MEMBERS.len()].1
}

fn command(house: &House, step: &Step) -> Option<(Command, u8)> {
    Some(match step {
        Step::Submit { member, node, is_own } => {
            (papers(house, MEMBERS[*member], *node).submit(), hand(*member, *is_own))
        }
        Step::Verify { place, signer } => {
            let (submission, draft_sha256) = chosen(house, *place);
            (
                Command::Verify {
                    submission,
                    draft_sha256,
                },
                *signer,
            )
        }
        Step::Reject { place, signer } => {
            let (submission, draft_sha256) = chosen(house, *place);
            let reason = "No".to_owned().try_into().unwrap();
            (
                Command::Reject {
                    submission,
                    draft_sha256,
                    reason,
                },
                *signer,
            )
        }
        Step::Withdraw { place, signer } => {
            let (submission, _) = chosen(house, *place);
            (Command::Withdraw { submission }, MEMBERS[*signer].1)
        }
        Step::Approve { signer, by } => {
            house.desk.proposal()?;
            (house.approve(*signer), *by)
        }
        Step::Revoke { member, signer } => {
            let mut papers = papers(house, MEMBERS[*member], 100);
            papers.admission["state"] = "revoked".into();
            let admission = papers.admission.to_string();
            (Command::Revoke { admission }, *signer)
        }
        Step::Renew { signer } => (Command::Renew {}, *signer),
        Step::Clear { signer } => (Command::ClearProposal {}, *signer),
        Step::Nodes { member, node, is_own } => (
            papers(house, MEMBERS[*member], *node).update_nodes(),
            hand(*member, *is_own),
        ),
        Step::Suspend { members, signer } => {
            let mut names: Vec<_> = members.iter().map(|member| MEMBERS[*member].0).collect();
            names.sort_unstable();
            names.dedup();
            let before = str::from_utf8(house.desk.shelf().record(&Place::Deny).unwrap()).unwrap();
            let number = house.desk.shelf().role(&Place::Deny.role()).unwrap().version.get() + 1;
            let deny = deny_record(number, Some(before), &names);
            let mut targets = listing(&Place::Deny, number, &deny);
            targets.expires = house.now.plus(100 * DAY);
            let role = text(targets, &DENY[..1]);
            (Command::Suspend { role, deny }, *signer)
        }
        Step::Pass | Step::Release | Step::Ask | Step::Bring | Step::Wait { .. } => return None,
    })
}

/// Signatures of the online keys that are under way.
struct Asked {
    order: Order<Complete>,
    /// Whether nothing was taken since but nodes.
    is_current: bool,
}

/// Lets signatures come in that were made for what was due before.
fn bring(house: &mut House, asked: Asked) {
    match house.desk.complete(&sealed(&asked.order, &[TIMESTAMP_KEY]), house.now) {
        Ok(checked) => {
            house.apply(checked);
            house.read();
        }
        Err(refusal) => assert!(!asked.is_current, "only nodes came, and it was refused: {refusal}"),
    }
}

/// What must hold of every step that was taken.
fn check(before: &House, after: &House, step: &Step) {
    let approvals = |house: &House| house.desk.status(house.now).approvals;
    if let Step::Approve { signer, by } = step {
        assert_eq!(signer, by, "an approval by somebody else was taken");
        assert!(GROUP.contains(by));
    }
    if let Step::Verify { signer, .. } | Step::Revoke { signer, .. } | Step::Reject { signer, .. } = step {
        assert!(GROUP.contains(signer), "{signer} is not of the working group");
    }
    if let (Step::Submit { .. } | Step::Verify { .. } | Step::Renew { .. }, Some(Approvals { got, .. })) =
        (step, approvals(after))
    {
        let is_same = before.desk.proposal().map(|old| old.signable_sha256())
            == after.desk.proposal().map(|new| new.signable_sha256());
        assert!(
            is_same || got == 0,
            "a signature survived the document that it was under"
        );
    }
    assert!(after.desk.shelf() == before.desk.shelf(), "only a release publishes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_commands_keeps_the_rules(steps in collection::vec(step(), 1..60), has_member in any::<bool>()) {
        let mut house = if has_member { House::with(&Papers::new("aurora", 60, 100)) } else { House::new() };
        let mut asked: Option<Asked> = None;
        for step in &steps {
            if let Step::Ask = step {
                asked = house.completion().map(|order| Asked { order, is_current: true });
                continue;
            }
            if let Step::Bring = step {
                if let Some(asked) = asked.take() {
                    bring(&mut house, asked);
                }
                continue;
            }
            if let (Some(asked), false) = (&mut asked, matches!(step, Step::Nodes { .. })) {
                asked.is_current = false;
            }
            if let Step::Wait { hours } = step {
                house.now = house.now.plus(hours * HOUR);
                continue;
            }
            if let Step::Pass = step {
                for number in &GROUP[..2] {
                    if house.desk.proposal().is_some() {
                        // Refused if it has signed already.
                        let _ = house.take(house.approve(*number), &[*number]);
                    }
                }
                continue;
            }
            if let Step::Release = step {
                // What is due can always be completed, and then read: the release in kit does both.
                if house.desk.due(house.now).is_some() {
                    house.release().expect("what is due can be published");
                }
                continue;
            }
            let Some((command, signer)) = command(&house, step) else {
                continue;
            };
            let before = house.clone();
            match house.take(command, &[signer]) {
                Ok(_) => check(&before, &house, step),
                Err(refusal) => {
                    prop_assert!(!refusal.to_string().is_empty());
                    prop_assert!(house.desk == before.desk, "a refused command changes nothing");
                }
            }
        }
        let mut again = Desk::new(network(), sha256(Founding::new().root_text.as_bytes()));
        for entry in &house.entries {
            again.replay(entry).unwrap();
        }
        prop_assert!(again == house.desk, "stored entries make the same desk");
    }
}
