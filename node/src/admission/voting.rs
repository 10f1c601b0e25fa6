//! Who says what, and when? The steps of a plan become calls of the contract; what anybody may do, validators do in turns.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use alloy_primitives::{Address, U256};
use ledger_contracts::Bootstrap::{self, NotaryTuple};
use tracing::{error, warn};

use super::{
    NotaryConfig,
    chain::{Facts, Standing},
    own_votes::OwnVotes,
    plan::{self, Step, Verdict, Word},
    proposers::Proposers,
    removal::Excluded,
    sender::Sender,
};

/// Seconds that a validator leaves to the one before it: a block or two.
const TURN_SECONDS: u64 = 4;

/// Votes for the account.
#[derive(Debug)]
pub struct Voting {
    sender: Sender,
    /// Since when it runs, in seconds.
    started: u64,
    /// When each request was last found good.
    good_at: BTreeMap<u64, u64>,
    /// When the notary last said something that held.
    heard_at: u64,
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
        let ours = OwnVotes::open(folder, sender.account());
        let ours = ours.inspect_err(|error| {
            error!(
                target: "ledger::admission", %error, folder = %folder.display(),
                "this node's own votes cannot be told from a person's, and it votes no more: repair or remove the file, take back votes \
                 that are not a person's (ledger-node validator unvote), and restart the node"
            );
        });
        Self {
            sender,
            started,
            good_at: BTreeMap::new(),
            heard_at: started,
            ours: ours.ok(),
            excluded_since: BTreeMap::new(),
            proposers: Proposers::default(),
        }
    }

    /// Open proposals that it has voted for, whether or not a block has the vote yet.
    #[must_use]
    pub fn voted(&self) -> BTreeSet<u64> {
        self.ours.iter().flat_map(OwnVotes::ids).collect()
    }

    /// Does what is due at `now`; `excluded` are the validators that the notary's word removes, `None` if it says nothing that holds.
    pub fn round(&mut self, facts: &Facts, verdicts: &BTreeMap<u64, Verdict>, excluded: Option<&[Excluded]>, now: u64) {
        self.good_at.retain(|id, _| verdicts.contains_key(id));
        if let Some(ours) = &mut self.ours {
            told(ours.forget(facts, self.sender.is_idle(now)));
        }
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
            if matches!(verdict, Verdict::Good(_)) {
                self.good_at.insert(id, now);
            }
            let good_at = self.good_at.get(&id).copied().unwrap_or(self.started);
            let step = plan::admission(&request.standing, verdict, now, good_at);
            self.take(step, &request.standing, turn, now);
        }
        if let Some(excluded) = excluded {
            self.heard_at = now;
            self.proposers.follow(&facts.removals, excluded);
        }
        self.vote_on_removals(facts, excluded, turn, now);
        self.propose_removals(facts, excluded.unwrap_or_default(), turn, now);
    }

    fn vote_on_removals(&mut self, facts: &Facts, excluded: Option<&[Excluded]>, turn: Turn, now: u64) {
        let own = self.sender.account();
        for removal in &facts.removals {
            let word = match excluded {
                None => Word::Unknown { since: self.heard_at },
                Some(excluded) if Excluded::has(excluded, removal.account) => Word::Excluded,
                Some(_) => Word::NotExcluded,
            };
            let is_ours = self
                .ours
                .as_ref()
                .is_some_and(|ours| ours.contains(removal.standing.id));
            let step = plan::removal(&removal.standing, own, word, is_ours, now);
            let excluded = excluded.unwrap_or_default();
            if matches!(step, Step::Vote(_)) && !self.proposers.is_relied_on(removal, excluded) {
                continue;
            }
            self.take(step, &removal.standing, turn, now);
        }
    }

    fn propose_removals(&mut self, facts: &Facts, excluded: &[Excluded], turn: Turn, now: u64) {
        let own = self.sender.account();
        self.excluded_since
            .retain(|account, _| Excluded::has(excluded, *account));
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
                self.sender.send(&call, "propose a removal", now);
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
        let is_written = self.ours.as_mut().is_some_and(|ours| told(ours.insert(id, now)));
        if !is_written {
            return;
        }
        let call = Bootstrap::voteCall {
            proposalId: U256::from(id),
            support: true,
            tuple,
        };
        self.sender.send(&call, &format!("vote for proposal {id}"), now);
    }
}

/// Whether own votes were written down; says so if they were not.
fn told(written: io::Result<()>) -> bool {
    if let Err(error) = &written {
        error!(target: "ledger::admission", %error, "this node's own votes cannot be written down: make room on the disk");
    }
    written.is_ok()
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
