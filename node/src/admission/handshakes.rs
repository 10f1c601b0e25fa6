//! Whose peer is asked next whether it answers, and what came of it?
//!
//! A request waits for its peer's answer, and nobody's dead peer makes another's wait for long: whoever was not asked for longest is
//! next. Called by [`super::judging`], which asks.

use std::collections::{BTreeMap, BTreeSet};

/// Seconds after which a peer that did not answer is asked again.
const AGAIN_SECONDS: u64 = 30;

/// Peers that are asked in one round, all at the same time: each is dialled by a host of its own, with its threads and sockets.
pub const PEERS_PER_ROUND_MAX: usize = 4;

/// What a handshake came to.
#[derive(Debug)]
struct Tried {
    at: u64,
    outcome: Result<(), String>,
}

/// Handshakes with the peers of open requests.
#[derive(Debug, Default)]
pub struct Handshakes(BTreeMap<u64, Tried>);

impl Handshakes {
    /// Forgets requests that are not open any more.
    pub fn retain(&mut self, open: &BTreeSet<u64>) {
        self.0.retain(|id, _| open.contains(id));
    }

    /// Those of `requests` whose peers are to be asked at `now`, in seconds.
    #[must_use]
    pub fn due(&self, requests: impl Iterator<Item = u64>, now: u64) -> Vec<u64> {
        // The clock may have been set back: who was asked in the future comes as if it was long ago.
        let asked_at = |tried: &Tried| if tried.at > now { 0 } else { tried.at };
        let is_due = |id: &u64| {
            self.0
                .get(id)
                .is_none_or(|tried| tried.outcome.is_err() && now - asked_at(tried) >= AGAIN_SECONDS)
        };
        let mut due: Vec<_> = requests.filter(is_due).collect();
        due.sort_by_key(|id| (self.0.get(id).map(asked_at), *id));
        due.truncate(PEERS_PER_ROUND_MAX);
        due
    }

    /// Keeps what a handshake came to by `now`.
    pub fn note(&mut self, request: u64, outcome: Result<(), String>, now: u64) {
        self.0.insert(request, Tried { at: now, outcome });
    }

    /// Whether the request's peer has answered.
    ///
    /// # Errors
    /// In words, if it has not.
    pub fn of(&self, request: u64) -> Result<(), String> {
        match self.0.get(&request) {
            Some(tried) => tried.outcome.clone(),
            None => Err("its peer was not asked yet".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_was_not_asked_comes_before_those_that_did_not_answer() {
        let mut handshakes = Handshakes::default();
        let mut now = 1_000;
        let mut ask = |now: u64| {
            let due = handshakes.due(1..=5, now);
            for id in &due {
                let outcome = if *id == 5 { Ok(()) } else { Err("silence".to_owned()) };
                handshakes.note(*id, outcome, now + 10);
            }
            due
        };
        assert_eq!(ask(now), [1, 2, 3, 4]);
        // Their time to be asked again has come when the next round begins.
        now += 10 + AGAIN_SECONDS;
        assert_eq!(ask(now), [5, 1, 2, 3]);
        assert_eq!(ask(now + 10), [4]);
        assert_eq!(ask(now + 10 + AGAIN_SECONDS), [1, 2, 3], "the fifth has answered");
    }

    #[test]
    fn a_clock_that_is_set_back_puts_nobody_off() {
        let mut handshakes = Handshakes::default();
        let (ahead, now) = (10_000, 1_000);
        for id in 1..=5 {
            handshakes.note(id, Err("silence".to_owned()), ahead);
        }
        let mut ask = |now: u64| {
            let due = handshakes.due(1..=5, now);
            for id in &due {
                handshakes.note(*id, Err("silence".to_owned()), now);
            }
            due
        };
        assert_eq!(ask(now), [1, 2, 3, 4]);
        assert_eq!(ask(now + AGAIN_SECONDS), [5, 1, 2, 3], "the fifth waited longest");
        assert_eq!(ask(now + AGAIN_SECONDS), [4]);
        assert_eq!(ask(now + AGAIN_SECONDS), [0; 0]);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let mut handshakes = Handshakes::default();
        handshakes.note(7, Ok(()), 0);
        assert_eq!(handshakes.of(7), Ok(()));
        handshakes.retain(&BTreeSet::new());
        assert!(handshakes.of(7).is_err());
    }
}
