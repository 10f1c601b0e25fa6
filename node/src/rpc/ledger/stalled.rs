//! Do blocks come, and if not, what is missing and what can a person do about it?
//!
//! Pure: facts in, sentences out, told the time. The facts are gathered by `consensus`. It judges by what this node sees; another
//! node may see more.

use ledger_api::{BlockPoint, OpenHeight, StallReport, ValidatorHeard, ValidatorName};
use ledger_chainspec::{Slot, UnixMillis};
use ledger_consensus::Schedule;

use super::super::context::SyncProgress;
use crate::network::alone::Wanted;

/// Slots beside those of as many authorities as may fail at once in which a block that is due may still be on its way: one to be
/// proposed in, one to be proposed again, and one for late messages.
const ON_ITS_WAY_SLOTS: u64 = 3;

/// Turns of every validator within which one that takes part is heard of.
const HEARD_WITHIN_TURNS: u64 = 2;

/// Validators that a sentence names; the others are counted.
const NAMED_MAX: usize = 8;

/// What the answer is made of.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The time.
    pub now: UnixMillis,
    /// The division of time into slots.
    pub schedule: Schedule,
    /// The newest block.
    pub head: BlockPoint,
    /// Its slot.
    pub head_slot: Slot,
    /// The slot from which a block comes even if nothing waits.
    pub heartbeat_slot: Slot,
    /// Votes that make a block final.
    pub quorum: usize,
    /// The validators in the order of their turns.
    pub validators: Vec<ValidatorHeard>,
    /// Whether this node has a key to sign with.
    pub has_key: bool,
    /// Transactions that the next blocks can take.
    pub pending: u64,
    /// When the one came that has waited longest.
    pub oldest_pending: Option<UnixMillis>,
    /// How the open height stands, unless the driver did not say.
    pub open: Option<OpenHeight>,
    /// What silences this node, in the words of its consequences.
    pub silence: Option<String>,
    /// The peers, if there is a network.
    pub network: Option<NetworkFacts>,
    /// Which checkpoint on the mainchain contradicts what is final here.
    pub contradiction: Option<String>,
    /// Which one contradicts what others offer.
    pub refused: Option<String>,
    /// The checkpoint that this node waits to be recovered to.
    pub recovering: Option<u64>,
}

/// What is known of the peers.
#[derive(Clone, Debug, Default)]
pub(super) struct NetworkFacts {
    /// How many are connected.
    pub peers: u64,
    /// How far this node's clock is ahead of theirs, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Whom it looks for.
    pub wanted: Wanted,
    /// How far synchronisation is, while the node catches up.
    pub sync: Option<SyncProgress>,
}

/// The answer to `ledger_whyStalled`.
pub(super) fn report(facts: Facts) -> StallReport {
    let stalled = facts.is_stalled();
    let summary = facts.summary(stalled);
    let reasons = facts.reasons(stalled);
    let network = facts.network.unwrap_or_default();
    StallReport {
        stalled,
        summary,
        reasons,
        head: facts.head,
        head_slot: facts.head_slot.get(),
        heartbeat_slot: facts.heartbeat_slot.get(),
        pending: facts.pending,
        open: facts.open,
        validators: facts.validators,
        peers: network.peers,
        clock_offset_ms: network.clock_offset_ms,
    }
}

impl Facts {
    fn slot(&self) -> Slot {
        self.schedule.slot_at(self.now)
    }

    fn is_validator(&self) -> bool {
        self.validators.iter().any(|heard| heard.own)
    }

    /// Whether nobody is there though somebody is needed.
    fn is_alone(&self) -> bool {
        let suffices_alone = self.validators.iter().all(|heard| heard.own);
        self.network.as_ref().is_some_and(|network| network.peers == 0) && !suffices_alone
    }

    fn sync(&self) -> Option<SyncProgress> {
        self.network.as_ref()?.sync
    }

    /// For how many milliseconds a block has been due; `None` while none is.
    fn due_for_ms(&self) -> Option<u64> {
        let heartbeat = self.schedule.start_of(self.heartbeat_slot);
        let heartbeat = (heartbeat <= self.now).then_some(heartbeat);
        let since = self.oldest_pending.into_iter().chain(heartbeat).min()?;
        // The newest block was made of what had waited then.
        let after_head = self.schedule.start_of(self.head_slot.next()?);
        Some(self.now.get().saturating_sub(since.max(after_head).get()))
    }

    fn is_stalled(&self) -> bool {
        let faults = self.validators.len().saturating_sub(self.quorum) as u64;
        let slot_ms = self.schedule.start_of(Slot::new(1)).get();
        let on_its_way_ms = (faults + ON_ITS_WAY_SLOTS).saturating_mul(slot_ms);
        self.contradiction.is_some()
            || self.sync().is_none() && self.due_for_ms().is_some_and(|due_for| due_for > on_its_way_ms)
    }

    fn summary(&self, stalled: bool) -> String {
        let next = self.head.number.saturating_add(1);
        let waiting = match self.pending {
            0 => "one is due by the clock".to_owned(),
            1 => "1 transaction waits".to_owned(),
            many => format!("{many} transactions wait"),
        };
        let due_for_ms = self.due_for_ms();
        if self.contradiction.is_some() {
            "This node has stopped: the mainchain contradicts its history.".to_owned()
        } else if let Some(sync) = self.sync() {
            format!(
                "This node catches up: it is at block {} of {}.",
                self.head.number, sync.target
            )
        } else if self.is_alone() && !self.is_validator() {
            "This node hears of no blocks: no peer is connected.".to_owned()
        } else if let Some(due_for_ms) = due_for_ms.filter(|_| stalled) {
            format!("No block has come for {} s although {waiting}.", due_for_ms / 1_000)
        } else if due_for_ms.is_some() {
            format!("Block {next} is on its way: {waiting}.")
        } else {
            let heartbeat_ms = self.schedule.start_of(self.heartbeat_slot).get();
            let left_s = heartbeat_ms.saturating_sub(self.now.get()) / 1_000;
            format!("All is quiet: block {next} comes with the next transaction, or by the clock in {left_s} s.")
        }
    }

    /// The most important first.
    fn reasons(&self, stalled: bool) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(contradiction) = &self.contradiction {
            return vec![format!(
                "{}. No block is made or adopted any more. Find out which history is right: if it is the mainchain's, move this \
                 node's data folder away, all but its folder `guard`, and start it again; if it is not, the validators' keys were \
                 misused, and they can vote to go back to a checkpoint: `ledger-node recover plan`.",
                capitalised(contradiction)
            )];
        }
        if let Some(index) = self.recovering {
            reasons.push(format!(
                "This node waits for the recovery to checkpoint {index} (--recover-from), and until then takes calls to Bootstrap alone. \
                 `ledger-node recover status` shows how the recovery stands."
            ));
        }
        if let Some(refused) = &self.refused {
            reasons.push(format!(
                "{}, according to a peer or to the validators: that history is not followed.",
                capitalised(refused)
            ));
        }
        reasons.extend(self.alone());
        reasons.extend(self.catching_up());
        reasons.extend(self.own_silence());
        reasons.extend(self.clock());
        match &self.open {
            _ if !stalled => reasons.extend(self.out_of_reach()),
            None => reasons.push(
                "The part of this node that follows consensus did not answer in time: it works on a block, or has stopped. \
                 Its log says which."
                    .to_owned(),
            ),
            // Whoever hears nobody cannot say who is missing.
            Some(_) if self.is_alone() && !self.is_validator() => {}
            Some(open) => reasons.push(self.missing().unwrap_or_else(|| self.undecided(open))),
        }
        reasons
    }

    fn alone(&self) -> Option<String> {
        let network = self.network.as_ref().filter(|_| self.is_alone())?;
        let sentence = format!("{}; {}.", network.wanted.tried(), network.wanted.advice());
        Some(capitalised(&sentence))
    }

    fn catching_up(&self) -> Option<String> {
        let sync = self.sync()?;
        let left = sync.target.get().saturating_sub(self.head.number);
        Some(format!(
            "This node has block {} and its peers have {}: it fetches the {left} between them before it takes part.",
            self.head.number, sync.target
        ))
    }

    fn own_silence(&self) -> Option<String> {
        match &self.silence {
            Some(words) if self.has_key && self.is_validator() => Some(format!("This node signs nothing: {words}.")),
            Some(_) if self.has_key => Some(
                "This node signs nothing: its key is no validator's. It follows the chain until the validators admit it."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn clock(&self) -> Option<String> {
        let offset_ms = self.network.as_ref()?.clock_offset_ms?;
        let tolerance_ms = self.schedule.clock_tolerance_ms();
        let side = if offset_ms < 0 { "behind" } else { "ahead of" };
        (offset_ms.unsigned_abs() > tolerance_ms).then(|| {
            format!(
                "This machine's clock is {} ms {side} its peers' clocks, and {tolerance_ms} ms are allowed: let a time \
                 service such as chrony set it.",
                offset_ms.unsigned_abs()
            )
        })
    }

    /// Too few validators are connected for a block to come, though none is overdue yet. Validators connect to each other, so one
    /// that is not connected is not there; other nodes need only some of them.
    fn out_of_reach(&self) -> Option<String> {
        let is_there = |heard: &&ValidatorHeard| heard.own || heard.connected;
        let there = self.validators.iter().filter(is_there).count();
        let network = self.network.as_ref()?;
        if network.peers == 0 || there >= self.quorum || !self.is_validator() {
            return None;
        }
        let absent = self.validators.iter().filter(|heard| !is_there(heard));
        let names: Vec<_> = absent.take(NAMED_MAX).map(|heard| name(&heard.validator)).collect();
        let (quorum, count) = (self.quorum, self.validators.len());
        Some(format!(
            "{quorum} of {count} validators are needed to make a block final, and with this one only {there} are connected: see \
             that the nodes of {} run and can be reached.",
            names.join(", ")
        ))
    }

    /// Too few validators were heard of.
    fn missing(&self) -> Option<String> {
        let count = self.validators.len();
        let within = HEARD_WITHIN_TURNS.saturating_mul(count as u64);
        let oldest = self.slot().get().saturating_sub(within);
        let is_heard = |heard: &&ValidatorHeard| heard.last_heard_slot.is_some_and(|slot| slot >= oldest);
        let heard = self.validators.iter().filter(is_heard).count();
        if heard >= self.quorum {
            return None;
        }
        let missing: Vec<_> = self.validators.iter().filter(|heard| !is_heard(heard)).collect();
        let mut names: Vec<_> = missing
            .iter()
            .take(NAMED_MAX)
            .map(|missing| self.named(missing))
            .collect();
        if missing.len() > names.len() {
            names.push(format!("{} more", missing.len() - names.len()));
        }
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let heard_words = match heard {
            0 => "none was".to_owned(),
            1 => "only 1 was".to_owned(),
            heard => format!("only {heard} were"),
        };
        let quorum = self.quorum;
        Some(format!(
            "{quorum} of {count} validators are needed to make a block final, and {heard_words} heard of in the last \
             {within} slots: {} {verb} missing. See that their nodes run and can be reached.",
            names.join(", ")
        ))
    }

    /// Enough validators were heard of, and still there is no block.
    fn undecided(&self, open: &OpenHeight) -> String {
        if let Some(hash) = open.decided {
            return format!(
                "Block {hash} is decided, and this node still fetches, checks or writes it; it comes within seconds."
            );
        }
        if !open.has_work && self.pending > 0 {
            return "What waits did not fit into a block when one was built: the transactions' senders may have used up their \
                    share, and it is tried again with the next arrival."
                .to_owned();
        }
        if let Some(refusal) = &open.last_refusal {
            return format!("Enough validators vote, but not for one block yet. This node refused last: {refusal}.");
        }
        match &open.newest_certificate {
            Some(certificate) => format!(
                "Enough validators have voted for block {} in slot {}, but their last round of votes did not come together: \
                 messages are late. If it goes on, compare the validators' clocks and connections.",
                certificate.hash, certificate.slot
            ),
            None => {
                "Enough validators vote, but not for one block: proposals come late or not at all. If it goes on, see \
                     the logs of the validators and compare their clocks."
                    .to_owned()
            }
        }
    }

    /// A validator for people, with what explains why it was not heard.
    fn named(&self, heard: &ValidatorHeard) -> String {
        let name = name(&heard.validator);
        match (heard.own, heard.connected, &self.network) {
            (true, ..) => format!("{name} (this node)"),
            (false, false, Some(_)) => format!("{name} (not connected)"),
            _ => name,
        }
    }
}

fn name(validator: &ValidatorName) -> String {
    let cloud = validator.cloud.clone();
    cloud.unwrap_or_else(|| format!("the validator {}", validator.consensus_key))
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests;
