//! What do members say of their nodes? Each is asked once after each look at the notary, whatever comes of it.
//!
//! Anybody may ask for admission in the name of any member, as often as they like: a member whose record does not come must not be
//! asked for it once for each request, and must not keep the others from being asked. Called by [`super::judging`]; asks nobody itself.

use std::collections::{BTreeMap, BTreeSet};

use ledger_notary::records::NotaryId;

use super::{
    notary::{NodesRecord, NotaryError},
    trouble::Trouble,
};

/// Members' records of nodes, as of the last look at the notary.
#[derive(Debug, Default)]
pub struct Records {
    known: BTreeMap<NotaryId, Result<NodesRecord, String>>,
    /// At which question each was last asked for.
    asked: BTreeMap<NotaryId, u64>,
    questions: u64,
    troubles: BTreeMap<NotaryId, Trouble>,
}

impl Records {
    /// Forgets what was said, since the notary was looked at anew.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// Calls `ask` at `now` for each of `members` that is not known, the one that was not asked for longest first, while there `is_time`.
    pub fn complete(
        &mut self,
        members: &BTreeSet<NotaryId>,
        now: u64,
        is_time: impl Fn() -> bool,
        mut ask: impl FnMut(&NotaryId) -> Result<NodesRecord, NotaryError>,
    ) {
        self.asked.retain(|member, _| members.contains(member));
        self.troubles.retain(|member, _| members.contains(member));
        let mut due: Vec<_> = members.iter().filter(|id| !self.known.contains_key(*id)).collect();
        due.sort_by_key(|member| self.asked.get(*member).copied());
        for member in due {
            if !is_time() {
                return;
            }
            self.questions += 1;
            self.asked.insert(member.clone(), self.questions);
            let said = ask(member);
            let before = self.troubles.remove(member);
            if let Err(error) = &said {
                let trouble = Trouble::of(error, before.as_ref(), now);
                self.troubles.insert(member.clone(), trouble);
            }
            self.known
                .insert(member.clone(), said.map_err(|error| error.to_string()));
        }
    }

    /// The member's record; the outer error says why it is not known whether there is one, the inner why there is none.
    ///
    /// # Errors
    /// In words.
    pub fn of(&self, member: &NotaryId) -> Result<&NodesRecord, String> {
        match self.known.get(member) {
            Some(Ok(record)) => Ok(record),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(format!(
                "the record of {member}'s nodes was not asked for yet: others took this round's time"
            )),
        }
    }

    /// The first of the worst troubles at `now`, if there is any.
    #[must_use]
    pub fn trouble(&self, now: u64) -> Option<&Trouble> {
        let alarm = self.troubles.values().find(|trouble| trouble.is_alarm(now));
        alarm.or_else(|| self.troubles.values().next())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn id(name: &str) -> NotaryId {
        name.to_owned().try_into().unwrap()
    }

    fn disagree() -> NotaryError {
        NotaryError::MirrorsDisagree {
            first: "http://one".to_owned(),
            second: "http://two".to_owned(),
            what: "the nodes of x".to_owned(),
        }
    }

    #[test]
    fn a_member_whose_record_does_not_come_is_asked_once_after_each_look() {
        let mut records = Records::default();
        let members = BTreeSet::from([id("x")]);
        for looks in 1..=2 {
            let mut questions = 0;
            for _ in 0..1_000 {
                records.complete(
                    &members,
                    0,
                    || true,
                    |_| {
                        questions += 1;
                        Err(disagree())
                    },
                );
            }
            assert_eq!(questions, 1, "look {looks}");
            assert!(records.of(&id("x")).unwrap_err().contains("disagree"));
            records.forget();
        }
    }

    #[test]
    fn a_member_that_takes_all_the_time_does_not_keep_the_others_waiting_for_ever() {
        let mut records = Records::default();
        let members = BTreeSet::from([id("a"), id("b"), id("c")]);
        let asked = RefCell::new(Vec::new());
        for round in 1..=4 {
            // There is time for one in each round, and then comes a new look.
            records.forget();
            records.complete(
                &members,
                0,
                || asked.borrow().len() < round,
                |member| {
                    asked.borrow_mut().push(member.to_string());
                    Ok(Ok(Vec::new()))
                },
            );
        }
        assert_eq!(asked.into_inner(), ["a", "b", "c", "a"]);
        assert!(records.of(&id("b")).unwrap_err().contains("was not asked for yet"));
    }

    #[test]
    fn mirrors_that_disagree_on_nodes_are_an_alarm_once_it_lasts() {
        use super::super::trouble::DISAGREEMENT_SECONDS_MAX;
        let mut records = Records::default();
        let members = BTreeSet::from([id("x")]);
        records.complete(&members, 100, || true, |_| Err(disagree()));
        assert!(!records.trouble(100).unwrap().is_alarm(100));
        records.forget();
        let later = 100 + DISAGREEMENT_SECONDS_MAX;
        records.complete(&members, later, || true, |_| Err(disagree()));
        assert!(records.trouble(later).unwrap().is_alarm(later));
        records.forget();
        records.complete(&members, later, || true, |_| Ok(Err("none".to_owned())));
        assert!(records.trouble(later).is_none());
    }
}
