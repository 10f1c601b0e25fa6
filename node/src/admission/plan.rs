//! What does this account do about an open proposal? Facts and a verdict in, one step out.
//!
//! Pure. A vote stands only as long as what it says is known to be true, or was less than a day ago: the contract adds up identical
//! tuples alone, so a vote for a candidate follows the metadata as long as the proposal is open and stays once it has passed; any vote
//! of the node is taken back when the verdict turns, and when nothing could be checked for a day. A vote against is the operator's own
//! and is never touched, nor is a person's vote for a removal; but one for a removal on which the node's vote stands already changes
//! nothing on the chain, and goes with the node's.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolValue;
use ledger_contracts::Bootstrap::NotaryTuple;
use ledger_notary::judge::Tuple;

use super::chain::{AGAINST, Standing};

/// How long a vote stands that cannot be checked again, in seconds: as long as metadata may be old.
pub const UNCHECKED_SECONDS_MAX: u64 = ledger_notary::judge::TIMESTAMP_AGE_MAX_SECONDS;

/// What was found about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it should be; this is what was verified.
    Good(Tuple),
    /// A rule is broken.
    Refused(String),
    /// It cannot be said: the notary is down, late or of two minds.
    Unknown(String),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Vote for it, with this tuple; in place of an earlier vote.
    Vote(NotaryTuple),
    /// Take the vote back.
    Unvote,
    /// Take the proposal back, which is this account's own.
    Withdraw,
    /// Carry it out.
    Execute,
}

/// What the contract calls a tuple.
#[must_use]
pub fn contract_tuple(tuple: &Tuple) -> NotaryTuple {
    NotaryTuple {
        rootVersion: tuple.root.version.get(),
        rootHash: tuple.root.sha256.into(),
        targetsVersion: tuple.targets.version.get(),
        targetsHash: tuple.targets.sha256.into(),
        admissionHash: tuple.admission_sha256.into(),
        nodesHash: tuple.nodes_sha256.into(),
    }
}

/// What the contract tallies a vote with this tuple under.
#[must_use]
pub fn ballot_of(tuple: &NotaryTuple) -> B256 {
    keccak256(tuple.abi_encode())
}

/// The next step about a request for admission at `now`, in seconds. It was last found good at `good_at`: long ago, if it was refused
/// since.
#[must_use]
pub fn admission(standing: &Standing, verdict: &Verdict, now: u64, good_at: u64) -> Step {
    let has_voted = standing.ballot != B256::ZERO;
    if standing.ballot == AGAINST {
        return Step::Wait;
    }
    match verdict {
        Verdict::Refused(_) if has_voted => Step::Unvote,
        Verdict::Unknown(_) if has_voted && now.saturating_sub(good_at) >= UNCHECKED_SECONDS_MAX => Step::Unvote,
        Verdict::Refused(_) | Verdict::Unknown(_) => Step::Wait,
        Verdict::Good(tuple) => {
            let tuple = contract_tuple(tuple);
            let ballot = ballot_of(&tuple);
            match standing.passed {
                None if standing.ballot == ballot => Step::Wait,
                None => Step::Vote(tuple),
                // Another tuple than the one that passed would count for nothing, and take one vote from it.
                Some(passed) if standing.ballot != ballot && passed == ballot => Step::Vote(tuple),
                Some(_) if has_voted && standing.executable_at <= now => Step::Execute,
                Some(_) => Step::Wait,
            }
        }
    }
}

/// What the notary says of a validator whose removal is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Its member is suspended or revoked, and the notary's word is enough to remove it.
    Excluded,
    /// The member is neither, or people have to decide.
    NotExcluded,
    /// Nothing that holds, since then, in seconds.
    Unknown {
        /// When it last excluded the validator: long ago, if it has said anything else since.
        since: u64,
    },
}

impl Word {
    /// Whether a vote stands on it no longer.
    const fn is_spent(self, now: u64) -> bool {
        match self {
            Self::Excluded => false,
            Self::NotExcluded => true,
            Self::Unknown { since } => now.saturating_sub(since) >= UNCHECKED_SECONDS_MAX,
        }
    }
}

/// What of a removal this node has done itself, and not a person with its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The account.
    pub account: Address,
    /// Cast the vote that stands, if one does.
    pub has_voted: bool,
    /// Opened the proposal.
    pub has_proposed: bool,
}

/// The next step about a proposal to remove a validator, of which the notary says `word`. What is this node's `own` goes when the word
/// does.
#[must_use]
pub fn removal(standing: &Standing, own: Own, word: Word, now: u64) -> Step {
    let has_voted = standing.ballot != B256::ZERO;
    if standing.ballot == AGAINST {
        return Step::Wait;
    }
    let is_own = match has_voted {
        true => own.has_voted,
        // It was proposed, and no vote came of it before the word was taken back.
        false => own.has_proposed,
    };
    match (word, has_voted) {
        (Word::Excluded, false) => Step::Vote(NotaryTuple::default()),
        (Word::Excluded, true) if standing.passed.is_some() && standing.executable_at <= now => Step::Execute,
        // An open one would be in the way of the next.
        (word, _) if is_own && word.is_spent(now) && standing.proposer == own.account => Step::Withdraw,
        (word, true) if is_own && word.is_spent(now) => Step::Unvote,
        _ => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use ledger_notary::{judge::Stamp, tuf::Version};

    use super::*;

    const NOW: u64 = 1_000_000;
    const OTHER: Address = Address::repeat_byte(9);

    fn tuple(version: u64) -> Tuple {
        let stamp = |version: u64| Stamp {
            version: Version::try_from(version).expect("not 0"),
            sha256: [u8::try_from(version).expect("small"); 32],
        };
        Tuple {
            root: stamp(1),
            targets: stamp(version),
            admission_sha256: [3; 32],
            nodes_sha256: [4; 32],
        }
    }

    fn ballot(version: u64) -> B256 {
        ballot_of(&contract_tuple(&tuple(version)))
    }

    const fn own(account: Address, has_voted: bool, has_proposed: bool) -> Own {
        Own {
            account,
            has_voted,
            has_proposed,
        }
    }

    fn standing(passed: Option<B256>, ballot: B256) -> Standing {
        Standing {
            id: 7,
            proposer: Address::ZERO,
            passed,
            executable_at: passed.map_or(0, |_| NOW),
            ballot,
        }
    }

    #[test]
    fn a_vote_follows_the_metadata_until_the_proposal_has_passed() {
        let vote = |version: u64| Step::Vote(contract_tuple(&tuple(version)));
        let good = |version: u64| Verdict::Good(tuple(version));
        let none = B256::ZERO;
        let table = [
            (None, none, good(1), NOW, vote(1)),
            (None, ballot(1), good(1), NOW, Step::Wait),
            (None, ballot(1), good(2), NOW, vote(2)),
            (None, AGAINST, good(1), NOW, Step::Wait),
            (Some(ballot(1)), none, good(1), NOW, vote(1)),
            (Some(ballot(1)), none, good(2), NOW, Step::Wait),
            (Some(ballot(2)), ballot(1), good(2), NOW, vote(2)),
            (Some(ballot(1)), ballot(1), good(2), NOW - 1, Step::Wait),
            (Some(ballot(1)), ballot(1), good(2), NOW, Step::Execute),
            (Some(ballot(1)), AGAINST, good(1), NOW, Step::Wait),
        ];
        for (passed, ballot, verdict, now, expected) in table {
            let standing = standing(passed, ballot);
            let step = admission(&standing, &verdict, now, NOW);
            assert_eq!(step, expected, "{standing:?} {verdict:?}");
        }
    }

    #[test]
    fn a_vote_is_taken_back_when_the_verdict_turns_or_cannot_be_had_for_a_day() {
        let refused = Verdict::Refused("revoked".to_owned());
        let unknown = Verdict::Unknown("down".to_owned());
        for passed in [None, Some(ballot(1))] {
            let voted = standing(passed, ballot(1));
            let silent = standing(passed, B256::ZERO);
            assert_eq!(admission(&voted, &refused, NOW, NOW), Step::Unvote);
            assert_eq!(admission(&silent, &refused, NOW, NOW), Step::Wait);
            assert_eq!(admission(&silent, &unknown, NOW, NOW), Step::Wait);
            let almost = NOW - UNCHECKED_SECONDS_MAX + 1;
            assert_eq!(
                admission(&voted, &unknown, NOW, almost),
                Step::Wait,
                "nothing is executed"
            );
            assert_eq!(admission(&voted, &unknown, NOW, almost - 1), Step::Unvote);
        }
    }

    #[test]
    fn a_removal_is_voted_for_while_it_is_due_and_an_operators_word_stands() {
        let (none, yes) = (B256::ZERO, ballot_of(&NotaryTuple::default()));
        let (due, lifted) = (Word::Excluded, Word::NotExcluded);
        let unknown = |seconds: u64| Word::Unknown { since: NOW - seconds };
        let day = UNCHECKED_SECONDS_MAX;
        let table = [
            ((None, none), due, false, Step::Vote(NotaryTuple::default())),
            ((None, yes), due, true, Step::Wait),
            ((Some(yes), yes), due, true, Step::Execute),
            ((Some(yes), none), due, false, Step::Vote(NotaryTuple::default())),
            ((None, yes), lifted, true, Step::Unvote),
            ((Some(yes), yes), lifted, true, Step::Unvote),
            ((None, yes), lifted, false, Step::Wait),
            ((None, none), lifted, false, Step::Wait),
            ((None, AGAINST), due, false, Step::Wait),
            ((None, AGAINST), lifted, true, Step::Wait),
            ((None, none), unknown(0), false, Step::Wait),
            ((Some(yes), yes), unknown(day - 1), true, Step::Wait),
            ((None, yes), unknown(day), true, Step::Unvote),
            ((Some(yes), yes), unknown(day), true, Step::Unvote),
            ((Some(yes), yes), unknown(day), false, Step::Wait),
        ];
        for ((passed, ballot), word, is_ours, expected) in table {
            let standing = standing(passed, ballot);
            let step = removal(&standing, own(OTHER, is_ours, false), word, NOW);
            assert_eq!(step, expected, "{standing:?} {word:?} {is_ours}");
        }
        let early = Standing {
            executable_at: NOW + 1,
            ..standing(Some(yes), yes)
        };
        assert_eq!(removal(&early, own(OTHER, true, false), due, NOW), Step::Wait);
    }

    #[test]
    fn a_removal_that_this_node_proposed_is_taken_back_whether_or_not_its_vote_came_about() {
        let (none, yes) = (B256::ZERO, ballot_of(&NotaryTuple::default()));
        let spent = Word::Unknown { since: 0 };
        // The account's vote, whether this node cast it, and whether it opened the proposal.
        let table = [
            ((yes, true, false), Step::Withdraw),
            ((none, false, true), Step::Withdraw),
            ((none, false, false), Step::Wait),
            ((yes, false, true), Step::Wait),
            ((AGAINST, true, true), Step::Wait),
        ];
        for ((ballot, has_voted, has_proposed), expected) in table {
            let standing = standing(None, ballot);
            let own = own(standing.proposer, has_voted, has_proposed);
            for word in [Word::NotExcluded, spent] {
                assert_eq!(
                    removal(&standing, own, word, NOW),
                    expected,
                    "{own:?} {ballot} {word:?}"
                );
            }
            assert_eq!(removal(&standing, own, Word::Unknown { since: NOW }, NOW), Step::Wait);
        }
    }
}
