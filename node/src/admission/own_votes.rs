//! What has this node done by itself, rather than a person with its account? Its votes on open proposals and the removals that it has
//! proposed, kept in a file: only what is its own it takes back, also after a restart.
//!
//! Called by [`super::voting`]. A vote is written down before it leaves: a crash may leave a line too many and never a vote that looks
//! like a person's. The file has a line for each vote, with the proposal's number, when the vote was cast and when what it stands on was
//! last known to hold; and one for each removal, with the validator and when it was proposed. Times are in seconds.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use tracing::error;

use super::chain::{AGAINST, Facts, Removal};
use crate::keys::durable;

/// Seconds of the chain's own time after which a vote is in a block, if it ever will be: ten slots of the slowest chain. Until then, that
/// no vote is seen does not mean that there is none.
const SETTLED_SECONDS: u64 = 30;

/// Seconds after which it is written down again that a vote was good. A process that begins later than that knows of no newer time, and
/// so takes a vote back this much earlier than a day after it was good.
const GOOD_AGAIN_SECONDS: u64 = 3_600;

/// What this node has done.
#[derive(Debug)]
pub struct OwnVotes {
    path: PathBuf,
    account: Address,
    votes: BTreeMap<u64, Vote>,
    /// Proposals to remove validators, by their accounts.
    removals: BTreeMap<Address, Act>,
    /// Whether the file says something else.
    is_dirty: bool,
    /// Whether the disk refused the last time, which is said once.
    is_refused: bool,
}

/// A vote that was cast.
#[derive(Clone, Copy, Debug)]
struct Vote {
    act: Act,
    /// When what it stands on was last known to hold.
    good_at: u64,
    /// The same, as the file has it.
    written_good_at: u64,
}

/// Something that was sent.
#[derive(Clone, Copy, Debug)]
struct Act {
    at: u64,
    /// The first block that should have it and has not, by its time.
    missed_at: Option<u64>,
    /// Whether this process has sent that it is taken back: then the block that has it no more says enough.
    is_taken_back: bool,
}

impl Act {
    const fn new(at: u64) -> Self {
        Self {
            at,
            missed_at: None,
            is_taken_back: false,
        }
    }

    /// Whether nothing will be seen of it any more, as of a block of `time`. The first block after a stall may have been made before
    /// its maker had what was sent, however late that block is: two of them have to miss it.
    fn is_past(&mut self, is_seen: bool, is_idle: bool, time: u64) -> bool {
        if is_seen || !is_idle {
            self.missed_at = None;
            return false;
        }
        if self.is_taken_back {
            return true;
        }
        if time < self.at.saturating_add(SETTLED_SECONDS) {
            self.missed_at = None;
            return false;
        }
        time > *self.missed_at.get_or_insert(time)
    }
}

impl OwnVotes {
    /// The votes of `account` that are kept in `folder`.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn open(folder: &Path, account: Address) -> io::Result<Self> {
        let path = folder.join(format!("votes-{account}"));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut kept = Self {
            path,
            account,
            votes: BTreeMap::new(),
            removals: BTreeMap::new(),
            is_dirty: false,
            is_refused: false,
        };
        for line in text.lines() {
            kept.take(line).ok_or_else(|| {
                let words = format!(
                    "a line has a proposal's number or a validator's account, and times in seconds, not {line:?}"
                );
                io::Error::new(io::ErrorKind::InvalidData, words)
            })?;
        }
        Ok(kept)
    }

    /// Whether the vote on this proposal is the node's own.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        self.votes.contains_key(&id)
    }

    /// The proposals that it has voted for.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.votes.keys().copied()
    }

    /// When what the vote on this proposal stands on was last known to hold, if the vote is the node's own.
    #[must_use]
    pub fn good_at(&self, id: u64) -> Option<u64> {
        self.votes.get(&id).map(|vote| vote.good_at)
    }

    /// When the node itself has opened this proposal, if it has.
    #[must_use]
    pub fn proposed_at(&self, removal: &Removal) -> Option<u64> {
        let act = self.removals.get(&removal.account);
        act.filter(|_| removal.standing.proposer == self.account)
            .map(|act| act.at)
    }

    /// Writes down that the node votes for this proposal at `now`, by what it knows now; again, if it votes again. Whether that worked:
    /// if it did not, the vote must not leave.
    pub fn insert(&mut self, id: u64, now: u64) -> bool {
        let vote = Vote {
            act: Act::new(now),
            good_at: now,
            written_good_at: now,
        };
        let before = self.votes.insert(id, vote);
        let is_written = self.write();
        if !is_written {
            match before {
                Some(before) => self.votes.insert(id, before),
                None => self.votes.remove(&id),
            };
        }
        is_written
    }

    /// Writes down that the node proposes to remove this validator at `now`. Whether that worked: if not, the proposal must not leave.
    pub fn propose(&mut self, validator: Address, now: u64) -> bool {
        let before = self.removals.insert(validator, Act::new(now));
        let is_written = self.write();
        if !is_written {
            match before {
                Some(before) => self.removals.insert(validator, before),
                None => self.removals.remove(&validator),
            };
        }
        is_written
    }

    /// The vote on this proposal is taken back: once it is gone, another one is a person's.
    pub fn take_back(&mut self, id: u64) {
        if let Some(vote) = self.votes.get_mut(&id) {
            vote.act.is_taken_back = true;
        }
    }

    /// The proposal to remove this validator is taken back: once it is gone, another one is a person's.
    pub fn withdraw(&mut self, validator: Address) {
        if let Some(act) = self.removals.get_mut(&validator) {
            act.is_taken_back = true;
        }
    }

    /// Takes down when what the vote on this proposal stands on was last found to hold.
    pub fn found(&mut self, id: u64, good_at: u64) {
        if let Some(vote) = self.votes.get_mut(&id) {
            vote.good_at = good_at;
            self.is_dirty |= good_at.abs_diff(vote.written_good_at) >= GOOD_AGAIN_SECONDS;
        }
    }

    /// Takes no time for later than `now`: a clock that was ahead and is set right would make what is old look new for as long.
    pub fn set_back(&mut self, now: u64) {
        for vote in self.votes.values_mut() {
            vote.act.at = vote.act.at.min(now);
            vote.good_at = vote.good_at.min(now);
            if vote.written_good_at > now {
                vote.written_good_at = now;
                self.is_dirty = true;
            }
        }
        for act in self.removals.values_mut() {
            act.at = act.at.min(now);
        }
    }

    /// Forgets what is over: the proposal is, or the chain has no vote of this account on it, or one against, which is a person's.
    /// `is_idle`: nothing of the account is on its way. What could not be written before is written now.
    pub fn forget(&mut self, facts: &Facts, is_idle: bool) {
        let before = self.votes.len() + self.removals.len();
        self.votes.retain(|id, vote| {
            let ballot = facts.standing(*id).map(|standing| standing.ballot);
            let is_seen = ballot.is_some_and(|ballot| ballot != AGAINST && ballot != B256::ZERO);
            !vote.act.is_past(is_seen, is_idle, facts.time)
        });
        let own = |removal: &&Removal| removal.standing.proposer == self.account;
        let open: Vec<_> = facts
            .removals
            .iter()
            .filter(own)
            .map(|removal| removal.account)
            .collect();
        // A process that has just begun may not have come by it yet.
        let may_be_open = |validator: &Address| !facts.knows_removed || open.contains(validator);
        self.removals
            .retain(|validator, act| !act.is_past(may_be_open(validator), is_idle, facts.time));
        self.is_dirty |= self.votes.len() + self.removals.len() != before;
        if self.is_dirty {
            self.write();
        }
    }

    /// Writes the file; whether that worked. If not, that is said, and once; and it is tried again.
    fn write(&mut self) -> bool {
        let replaced = self.replace();
        self.is_dirty = replaced.is_err();
        match &replaced {
            Ok(()) => {
                for vote in self.votes.values_mut() {
                    vote.written_good_at = vote.good_at;
                }
            }
            Err(_) if self.is_refused => {}
            Err(error) => {
                error!(
                    target: "ledger::admission", %error, file = %self.path.display(),
                    "this node's own votes cannot be written down, and until then it casts none: make room on the disk"
                );
            }
        }
        self.is_refused = replaced.is_err();
        replaced.is_ok()
    }

    /// Replaces the file in one step: a crash leaves the old lines or the new ones.
    fn replace(&self) -> io::Result<()> {
        let votes = self.votes.iter();
        let votes = votes.map(|(id, vote)| format!("{id} {} {}\n", vote.act.at, vote.good_at));
        let removals = self.removals.iter();
        let removals = removals.map(|(validator, act)| format!("{validator} {}\n", act.at));
        let lines: String = votes.chain(removals).collect();
        let folder = self.path.parent().expect("the path has a folder: open() made it");
        fs::create_dir_all(folder)?;
        durable::replace(&self.path, lines.as_bytes())
    }

    /// Takes a line of the file; none if it is not one.
    fn take(&mut self, line: &str) -> Option<()> {
        let (what, times) = line.split_once(' ')?;
        let Ok(id) = what.parse() else {
            self.removals.insert(what.parse().ok()?, Act::new(times.parse().ok()?));
            return Some(());
        };
        // An older file has no such time: the vote was good when it was cast.
        let (at, good_at) = times.split_once(' ').unwrap_or((times, times));
        let good_at = good_at.parse().ok()?;
        let vote = Vote {
            act: Act::new(at.parse().ok()?),
            good_at,
            written_good_at: good_at,
        };
        self.votes.insert(id, vote);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::chain::Standing, *};

    const ACCOUNT: Address = Address::repeat_byte(1);
    const CAST: u64 = 1_000;
    const SETTLED: u64 = CAST + SETTLED_SECONDS;

    fn facts(time: u64, ballots: &[(u64, B256)]) -> Facts {
        let removal = |(id, ballot): &(u64, B256)| Removal {
            standing: Standing {
                id: *id,
                proposer: ACCOUNT,
                passed: None,
                executable_at: 0,
                ballot: *ballot,
            },
            account: ACCOUNT,
        };
        Facts {
            time,
            removals: ballots.iter().map(removal).collect(),
            knows_removed: true,
            ..Facts::default()
        }
    }

    fn ids(votes: &OwnVotes) -> Vec<u64> {
        votes.ids().collect()
    }

    /// Own votes with one on 7, and the folder that they are in.
    fn with_a_vote() -> (OwnVotes, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut votes = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
        assert!(votes.insert(7, CAST));
        (votes, folder)
    }

    #[test]
    fn own_votes_are_told_from_a_persons_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("notary");
        let mut votes = OwnVotes::open(&place, ACCOUNT).unwrap();
        assert!(votes.insert(7, CAST) && votes.insert(9, CAST) && votes.propose(ACCOUNT, CAST));
        let again = OwnVotes::open(&place, ACCOUNT).unwrap();
        assert_eq!((ids(&again), again.removals.len()), (vec![7, 9], 1));
        let others = OwnVotes::open(&place, Address::repeat_byte(2)).unwrap();
        assert_eq!((ids(&others), others.removals.len()), (vec![], 0));
        fs::write(&votes.path, "7 1000\n").unwrap();
        assert_eq!(OwnVotes::open(&place, ACCOUNT).unwrap().good_at(7), Some(CAST));
        for bad in ["7", "7 x", "7 1 x", "7 1 2 3", "0x12 1", "x 1"] {
            fs::write(&votes.path, format!("{bad}\n")).unwrap();
            let error = OwnVotes::open(&place, ACCOUNT).unwrap_err().to_string();
            assert!(error.contains(&format!("not {bad:?}")), "{error}");
        }
    }

    #[test]
    fn a_vote_is_forgotten_once_two_blocks_have_none_and_none_is_on_its_way() {
        let (yes, none, no) = (Some(B256::repeat_byte(2)), Some(B256::ZERO), Some(AGAINST));
        // How long after the vote two blocks are, the ballot in each, whether the account is idle, and whether the vote is kept.
        let table = [
            ("it stands", [30, 33], [yes, yes], true, true),
            ("it was taken back", [30, 33], [none, none], true, false),
            ("something is on its way", [30, 33], [none, none], false, true),
            ("the chain is late", [29, 33], [none, none], true, true),
            ("the block is the same", [33, 33], [none, none], true, true),
            ("the second after a stall has it", [99, 102], [None, yes], true, true),
            ("a person is against, before it", [0, 3], [no, no], true, true),
            ("a person is against, after it", [30, 33], [no, no], true, false),
            ("the proposal is over", [30, 33], [None, None], true, false),
        ];
        for (what, ages, ballots, is_idle, is_kept) in table {
            let (mut votes, folder) = with_a_vote();
            for (age, ballot) in ages.into_iter().zip(ballots) {
                let ballots: Vec<_> = ballot.into_iter().map(|ballot| (7, ballot)).collect();
                votes.forget(&facts(CAST + age, &ballots), is_idle);
            }
            let again = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
            assert_eq!([votes.contains(7), again.contains(7)], [is_kept; 2], "{what}");
        }
    }

    #[test]
    fn a_vote_that_is_cast_again_is_as_new_as_the_last_one_after_a_restart_too() {
        let (mut votes, folder) = with_a_vote();
        assert!(votes.insert(7, SETTLED));
        let mut again = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
        for votes in [&mut votes, &mut again] {
            for time in [SETTLED, SETTLED + 3] {
                votes.forget(&facts(time, &[(7, B256::ZERO)]), true);
            }
            assert_eq!(ids(votes), [7]);
        }
    }

    #[test]
    fn a_removal_is_the_nodes_own_while_it_is_open_or_on_its_way() {
        let (mut votes, folder) = with_a_vote();
        let open = facts(SETTLED, &[(8, B256::ZERO)]);
        assert_eq!(votes.proposed_at(&open.removals[0]), None, "a person has");
        assert!(votes.propose(ACCOUNT, CAST));
        votes.forget(&open, true);
        votes.forget(&facts(SETTLED + 3, &[(8, B256::ZERO)]), true);
        let mut again = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
        for time in [SETTLED + 6, SETTLED + 9] {
            let mut unfinished = facts(time, &[]);
            unfinished.knows_removed = false;
            again.forget(&unfinished, true);
        }
        assert!(again.proposed_at(&open.removals[0]).is_some(), "not found again yet");
        for time in [SETTLED + 6, SETTLED + 9] {
            votes.forget(&facts(time, &[]), true);
        }
        assert_eq!(votes.proposed_at(&open.removals[0]), None);
    }

    #[test]
    fn when_a_vote_was_last_good_is_written_now_and_then_and_never_lies_ahead() {
        let (mut votes, folder) = with_a_vote();
        let yes = [(7, B256::repeat_byte(2))];
        let later = CAST + GOOD_AGAIN_SECONDS;
        for (now, written) in [(later - 1, CAST), (later, later), (500, 500)] {
            votes.set_back(now);
            votes.found(7, now);
            votes.forget(&facts(now, &yes), true);
            let again = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
            assert_eq!([votes.good_at(7), again.good_at(7)], [Some(now), Some(written)]);
        }
    }

    #[test]
    fn what_cannot_be_written_down_is_not_cast_and_what_was_forgotten_is_written_again() {
        let (mut votes, folder) = with_a_vote();
        let path = std::mem::replace(&mut votes.path, folder.path().join("votes-file/votes"));
        fs::write(folder.path().join("votes-file"), "").unwrap();
        assert!(!votes.insert(9, CAST) && !votes.insert(7, SETTLED) && !votes.propose(ACCOUNT, CAST));
        let kept = (ids(&votes), votes.votes[&7].act.at, votes.removals.len());
        assert_eq!(kept, (vec![7], CAST, 0));
        for time in [SETTLED, SETTLED + 3] {
            votes.forget(&facts(time, &[]), true);
        }
        let kept = || ids(&OwnVotes::open(folder.path(), ACCOUNT).unwrap());
        assert_eq!((ids(&votes), kept()), (vec![], vec![7]));
        votes.path = path;
        votes.forget(&facts(SETTLED + 6, &[]), true);
        assert!(kept().is_empty());
    }
}
