//! Who says what, and when? The steps of a plan become calls of the contract; what anybody may do, validators do in turns.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use alloy_primitives::{Address, U256};
use ledger_contracts::Bootstrap::{self, NotaryTuple};
use ledger_runtime::Runtime;
use tracing::{error, warn};

use super::{
    NotaryConfig,
    chain::{Facts, Reader, Removal, Standing},
    own_votes::OwnVotes,
    plan::{self, Own, Step, Verdict, Word},
    proposers::Proposers,
    removal::Excluded,
    sender::Sender,
};

/// Seconds that a validator leaves to the one before it: a block or two.
const TURN_SECONDS: u64 = 4;

/// When a word was good that is not: a vote that is still there, since what took it back was lost, then goes whatever is known later.
const NEVER: u64 = 0;

/// Votes for the account.
#[derive(Debug)]
pub struct Voting {
    sender: Sender,
    /// Since when it runs, in seconds.
    started: u64,
    /// When what a vote on each proposal stands on was last found to hold; [`NEVER`], once the notary says that it does not.
    good_at: BTreeMap<u64, u64>,
    /// Where own votes are kept, until they are read.
    unread: Option<PathBuf>,
    /// What this node has voted for; none if that cannot be known, and then it votes for nothing.
    ours: Option<OwnVotes>,
    /// Since when the notary has excluded each validator, as far as this process knows.
    excluded_since: BTreeMap<Address, u64>,
    /// Whose proposals to remove them are relied on.
    proposers: Proposers,
}

impl Voting {
    /// Votes through `sender` from `started` on, and keeps beside what is trusted of the notary which votes are its own.
    #[must_use]
    pub fn new(sender: Sender, notary: &NotaryConfig, started: u64) -> Self {
        // Also those that it cast by another root's word are its own: they are kept for all roots together.
        let folder = notary.folder.parent().unwrap_or(&notary.folder);
        Self {
            sender,
            started,
            good_at: BTreeMap::new(),
            unread: Some(folder.to_owned()),
            ours: None,
            excluded_since: BTreeMap::new(),
            proposers: Proposers::default(),
        }
    }

    /// What the chain says, of proposals that are `watched` or that this node has voted for in any case. Reads its votes at first: on a
    /// thread that may wait.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read(
        &mut self,
        (reader, runtime): (&mut Reader, &Runtime),
        mut watched: BTreeSet<u64>,
        admitted: &BTreeSet<String>,
    ) -> Result<Facts, String> {
        watched.extend(self.voted());
        reader.follow(watched);
        reader.read(runtime, self.sender.account(), admitted)
    }

    /// Open proposals that it has voted for, whether or not a block has the vote yet.
    fn voted(&mut self) -> BTreeSet<u64> {
        if let Some(folder) = self.unread.take() {
            let ours = OwnVotes::open(&folder, self.sender.account());
            let ours = ours.inspect_err(|error| {
                error!(
                    target: "ledger::admission", %error, folder = %folder.display(),
                    "this node's own votes cannot be told from a person's, and it votes no more: repair or remove the file, take back votes \
                     that are not a person's (ledger-node validator unvote), and restart the node"
                );
            });
            self.ours = ours.ok();
        }
        self.ours.iter().flat_map(OwnVotes::ids).collect()
    }

    /// Does what is due at `now`; `excluded` are the validators that the notary's word removes, `None` if it says nothing that holds.
    pub fn round(&mut self, facts: &Facts, verdicts: &BTreeMap<u64, Verdict>, excluded: Option<&[Excluded]>, now: u64) {
        self.forget(facts, now);
        self.set_back(now);
        let own = self.sender.account();
        // Nobody counts the votes of others.
        let Some(place) = facts.set.iter().position(|seated| seated.account == own) else {
            return;
        };
        let turn = Turn {
            place: place as u64,
            size: facts.set.len() as u64,
        };
        for request in &facts.requests {
            let id = request.standing.id;
            let Some(verdict) = verdicts.get(&id) else { continue };
            match verdict {
                Verdict::Good(_) => self.found(id, now),
                Verdict::Refused(_) => self.found(id, NEVER),
                Verdict::Unknown(_) => {}
            }
            let step = plan::admission(&request.standing, verdict, now, self.good_at(id));
            self.take(step, &request.standing, turn, now);
        }
        if let Some(excluded) = excluded {
            self.proposers.follow(facts, excluded);
        }
        self.vote_on_removals(facts, excluded, turn, now);
        if let Some(excluded) = excluded {
            self.propose_removals(facts, excluded, turn, now);
        }
    }

    /// Takes no time for later than `now`: a clock that was ahead and is set right would make what is old look new for as long.
    fn set_back(&mut self, now: u64) {
        let times = self.good_at.values_mut().chain(self.excluded_since.values_mut());
        for at in times.chain([&mut self.started]) {
            *at = now.min(*at);
        }
        if let Some(ours) = &mut self.ours {
            ours.set_back(now);
        }
    }

    fn forget(&mut self, facts: &Facts, now: u64) {
        // Whoever begins a round has read them: that is how it knows which proposals to look at.
        let voted = self.voted();
        let requests = facts.requests.iter().map(|request| request.standing.id);
        let removals = facts.removals.iter().map(|removal| removal.standing.id);
        let open: BTreeSet<_> = requests.chain(removals).chain(voted).collect();
        self.good_at.retain(|id, _| open.contains(id));
        if let Some(ours) = &mut self.ours {
            ours.forget(facts, self.sender.is_idle(now));
        }
    }

    /// Takes down when what a vote on this proposal stands on was last found to hold.
    fn found(&mut self, id: u64, good_at: u64) {
        self.good_at.insert(id, good_at);
        if let Some(ours) = &mut self.ours {
            ours.found(id, good_at);
        }
    }

    /// When what a vote on this proposal stands on was last known to hold. Of a vote that is not this node's own, a process that has just
    /// begun knows nothing, and takes it for good then.
    fn good_at(&self, id: u64) -> u64 {
        let written = self.ours.as_ref().and_then(|ours| ours.good_at(id));
        let good_at = self.good_at.get(&id).copied();
        good_at.or(written).unwrap_or(self.started)
    }

    /// When the word that a removal stands on was last known to hold: a proposal that has no vote yet was made by such a word, too.
    fn word_at(&self, removal: &Removal) -> u64 {
        let id = removal.standing.id;
        let ours = self.ours.as_ref();
        let written = ours.and_then(|ours| ours.good_at(id).or_else(|| ours.proposed_at(removal)));
        let good_at = self.good_at.get(&id).copied();
        good_at.or(written).unwrap_or(self.started)
    }

    fn vote_on_removals(&mut self, facts: &Facts, excluded: Option<&[Excluded]>, turn: Turn, now: u64) {
        for removal in &facts.removals {
            let id = removal.standing.id;
            let word = match excluded {
                None => Word::Unknown {
                    since: self.word_at(removal),
                },
                Some(excluded) if Excluded::has(excluded, removal.account) => {
                    self.found(id, now);
                    Word::Excluded
                }
                Some(_) => {
                    self.found(id, NEVER);
                    Word::NotExcluded
                }
            };
            let step = plan::removal(&removal.standing, self.own(removal), word, now);
            let excluded = excluded.unwrap_or_default();
            if matches!(step, Step::Vote(_)) && !Proposers::may_be_voted_for(removal, excluded) {
                continue;
            }
            if let (Step::Withdraw, Some(ours)) = (&step, &mut self.ours) {
                ours.take_back(id);
                ours.withdraw(removal.account);
            }
            self.take(step, &removal.standing, turn, now);
        }
    }

    /// What of a removal is this node's own.
    fn own(&self, removal: &Removal) -> Own {
        let ours = self.ours.as_ref();
        Own {
            account: self.sender.account(),
            has_voted: ours.is_some_and(|ours| ours.contains(removal.standing.id)),
            has_proposed: ours.is_some_and(|ours| ours.proposed_at(removal).is_some()),
        }
    }

    fn propose_removals(&mut self, facts: &Facts, excluded: &[Excluded], turn: Turn, now: u64) {
        let own = self.sender.account();
        self.excluded_since
            .retain(|account, _| Excluded::has(excluded, *account));
        // Nobody would take back later what nobody knows to be this node's.
        let Some(ours) = &mut self.ours else { return };
        // The contract takes one open removal of each proposer.
        if facts.removals.iter().any(|removal| removal.standing.proposer == own) {
            return;
        }
        for Excluded { account, reason } in excluded.iter().filter(|excluded| excluded.account != own) {
            let since = *self.excluded_since.entry(*account).or_insert_with(|| {
                warn!(target: "ledger::admission", validator = %account, reason, "the notary excludes a validator");
                now
            });
            let is_proposed = self.proposers.is_proposed(*account, &facts.removals, excluded);
            if !is_proposed && turn.is_ours(since, account.0[19].into(), now) {
                let call = Bootstrap::proposeRemovalCall { account: *account };
                let note = || ours.propose(*account, now);
                self.sender.send_noted(&call, "propose a removal", now, note);
                return;
            }
        }
    }

    fn take(&mut self, step: Step, standing: &Standing, turn: Turn, now: u64) {
        let id = standing.id;
        let proposal_id = U256::from(id);
        match step {
            Step::Wait => {}
            Step::Vote(tuple) => self.vote(id, tuple, now),
            Step::Unvote => {
                let call = Bootstrap::unvoteCall {
                    proposalId: proposal_id,
                };
                if let Some(ours) = &mut self.ours {
                    ours.take_back(id);
                }
                self.sender
                    .send(&call, &format!("take back the vote on proposal {id}"), now);
            }
            Step::Withdraw => {
                let call = Bootstrap::withdrawCall {
                    proposalId: proposal_id,
                };
                self.sender.send(&call, &format!("take proposal {id} back"), now);
            }
            // Whoever comes first does it; the others find it done.
            Step::Execute if turn.is_ours(standing.executable_at, id, now) => {
                let call = Bootstrap::executeCall {
                    proposalId: proposal_id,
                };
                self.sender.send(&call, &format!("carry out proposal {id}"), now);
            }
            Step::Execute => {}
        }
    }

    fn vote(&mut self, id: u64, tuple: NotaryTuple, now: u64) {
        let Some(ours) = &mut self.ours else { return };
        let call = Bootstrap::voteCall {
            proposalId: U256::from(id),
            support: true,
            tuple,
        };
        let note = || ours.insert(id, now);
        self.sender
            .send_noted(&call, &format!("vote for proposal {id}"), now, note);
    }
}

/// A validator's place among those that take turns.
#[derive(Clone, Copy, Debug)]
struct Turn {
    place: u64,
    size: u64,
}

impl Turn {
    /// Whether it is this validator's turn at something that is due `since`; `seed` says who comes first.
    const fn is_ours(self, since: u64, seed: u64, now: u64) -> bool {
        let Some(first) = seed.checked_rem(self.size) else {
            return false;
        };
        let ahead = (self.place + self.size - first) % self.size;
        now >= since.saturating_add(ahead.saturating_mul(TURN_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validators_take_turns_and_nobody_waits_for_ever() {
        let at = |place: u64, seed: u64, now: u64| Turn { place, size: 4 }.is_ours(100, seed, now);
        assert!(at(2, 6, 100), "6 of 4 is the third");
        assert!(!at(1, 6, 100));
        assert!(!at(3, 6, 100 + TURN_SECONDS - 1));
        assert!(at(3, 6, 100 + TURN_SECONDS));
        assert!(at(1, 6, 100 + 3 * TURN_SECONDS));
        assert!(!at(2, 6, 99));
    }
}
