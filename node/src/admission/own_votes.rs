//! Which votes are this node's own? Open proposals that it has voted for by itself, kept in a file: what it takes back has to be told
//! from what a person voted, also after a restart.
//!
//! Called by [`super::voting`]. A vote is written down before it leaves: a crash may leave a line too many and never a vote that looks
//! like a person's. The file has a line for each proposal: its number and when the vote was cast, in seconds.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::Address;

use super::chain::{AGAINST, Facts};

/// Seconds of the chain's own time after which a vote is in a block, if it ever will be: ten slots of the slowest chain. Until then, that
/// no vote is seen does not mean that there is none.
const VOTE_SETTLED_SECONDS: u64 = 30;

/// The node's own votes.
#[derive(Debug)]
pub struct OwnVotes {
    path: PathBuf,
    cast_at: BTreeMap<u64, u64>,
}

impl OwnVotes {
    /// The votes of `account` that are kept in `folder`.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn open(folder: &Path, account: Address) -> io::Result<Self> {
        let path = folder.join(format!("votes-{account}"));
        let cast_at = match fs::read_to_string(&path) {
            Ok(text) => parse(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, cast_at })
    }

    /// Whether the vote on this proposal is the node's own.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        self.cast_at.contains_key(&id)
    }

    /// The proposals that it has voted for.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.cast_at.keys().copied()
    }

    /// Writes down that the node votes for this proposal at `now`.
    ///
    /// # Errors
    /// If the disk refuses; then the vote must not leave.
    pub fn insert(&mut self, id: u64, now: u64) -> io::Result<()> {
        if self.contains(id) {
            return Ok(());
        }
        self.cast_at.insert(id, now);
        self.write().inspect_err(|_| {
            self.cast_at.remove(&id);
        })
    }

    /// Forgets votes that are over: the proposal is, or the chain has none of this account's, or one against, which is a person's.
    /// `is_idle`: nothing of the account is on its way.
    ///
    /// # Errors
    /// If the disk refuses; then the file has lines too many.
    pub fn forget(&mut self, facts: &Facts, is_idle: bool) -> io::Result<()> {
        let before = self.cast_at.len();
        self.cast_at.retain(|id, cast_at| {
            let is_settled = is_idle && facts.time >= cast_at.saturating_add(VOTE_SETTLED_SECONDS);
            match facts.standing(*id).map(|standing| standing.ballot) {
                Some(AGAINST) => false,
                None => !is_settled,
                Some(ballot) => !(ballot.is_zero() && is_settled),
            }
        });
        match self.cast_at.len() == before {
            true => Ok(()),
            false => self.write(),
        }
    }

    /// Replaces the file in one step: a crash leaves the old lines or the new ones.
    fn write(&self) -> io::Result<()> {
        let lines: String = self.cast_at.iter().map(|(id, at)| format!("{id} {at}\n")).collect();
        let folder = self.path.parent().expect("the path has a folder: open() made it");
        fs::create_dir_all(folder)?;
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

fn parse(text: &str) -> io::Result<BTreeMap<u64, u64>> {
    let line = |line: &str| {
        let (id, at) = line.split_once(' ')?;
        Some((id.parse().ok()?, at.parse().ok()?))
    };
    let lines = text.lines().map(|text| {
        line(text).ok_or_else(|| {
            let words = format!("a line has a proposal's number and a time in seconds, not {text:?}");
            io::Error::new(io::ErrorKind::InvalidData, words)
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::{
        super::chain::{Removal, Standing},
        *,
    };

    const ACCOUNT: Address = Address::repeat_byte(1);
    const CAST: u64 = 1_000;

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
            ..Facts::default()
        }
    }

    fn ids(votes: &OwnVotes) -> Vec<u64> {
        votes.ids().collect()
    }

    #[test]
    fn own_votes_are_told_from_a_persons_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("notary");
        let mut votes = OwnVotes::open(&place, ACCOUNT).unwrap();
        votes.insert(7, CAST).unwrap();
        votes.insert(9, CAST).unwrap();
        let again = OwnVotes::open(&place, ACCOUNT).unwrap();
        assert_eq!(ids(&again), [7, 9]);
        let others = OwnVotes::open(&place, Address::repeat_byte(2)).unwrap();
        assert!(ids(&others).is_empty());
        fs::write(&votes.path, "7 x\n").unwrap();
        let error = OwnVotes::open(&place, ACCOUNT).unwrap_err();
        assert!(error.to_string().contains("not \"7 x\""), "{error}");
    }

    #[test]
    fn a_vote_is_forgotten_once_the_chain_has_none_and_none_is_on_its_way() {
        let (yes, none) = (B256::repeat_byte(2), B256::ZERO);
        let settled = CAST + VOTE_SETTLED_SECONDS;
        let table: [(&str, Facts, bool, &[u64]); 7] = [
            ("it stands", facts(settled, &[(7, yes)]), true, &[7]),
            ("it was taken back", facts(settled, &[(7, none)]), true, &[]),
            ("something is on its way", facts(settled, &[(7, none)]), false, &[7]),
            ("the chain is late", facts(settled - 1, &[(7, none)]), true, &[7]),
            ("a person votes against", facts(CAST, &[(7, AGAINST)]), false, &[]),
            ("the proposal is over", facts(settled, &[]), true, &[]),
            ("the proposal is not there yet", facts(CAST - 1, &[]), true, &[7]),
        ];
        for (what, facts, is_idle, expected) in table {
            let folder = tempfile::tempdir().unwrap();
            let mut votes = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
            votes.insert(7, CAST).unwrap();
            votes.forget(&facts, is_idle).unwrap();
            assert_eq!(ids(&votes), expected, "{what}");
            let again = OwnVotes::open(folder.path(), ACCOUNT).unwrap();
            assert_eq!(ids(&again), expected, "{what}");
        }
    }

    #[test]
    fn a_vote_that_cannot_be_written_down_is_not_cast() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let mut votes = OwnVotes {
            path: file.join("votes"),
            cast_at: BTreeMap::new(),
        };
        votes.insert(7, CAST).unwrap_err();
        assert!(!votes.contains(7));
    }
}
