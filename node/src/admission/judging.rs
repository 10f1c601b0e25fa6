//! What is to be said of each open request? The notary's findings of the last look, the member's record, and the handshake, put
//! together; nothing is asked more often than it has to be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use ledger_chainspec::NOTARY_URLS_MAX;
use ledger_network::{PeerId, Peers, probe};
use ledger_notary::{
    http::Patience,
    judge::{Findings, Holder, Refusal, Terms},
    records::Nodes,
    tuf::UnixSeconds,
};
use tokio::{runtime::Handle, sync::watch};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    AdmissionConfig, NotaryConfig,
    chain::{Facts, Request},
    handshakes::Handshakes,
    notary::{Notary, NotaryError},
    plan::Verdict,
    records::Records,
    removal::{self, Excluded},
    trouble::Trouble,
};

/// Seconds for which what the notary said is fresh enough for a request that is new.
const FRESH_ENOUGH_SECONDS: u64 = 5;

/// Longest time for what is asked in one round: a look at each mirror may take all of a node's patience, and records and handshakes
/// have as much again. Votes wait for the end of a round, and requests, which cost nothing, must not put it off.
const ROUND_TIME_MAX: Duration = Duration::from_secs(Patience::NODE.all.as_secs() * (NOTARY_URLS_MAX as u64 + 1));

/// The time in seconds.
pub type Clock = fn() -> u64;

/// The last look at the notary.
#[derive(Debug)]
struct Look {
    at: u64,
    found: Result<Arc<Findings>, Trouble>,
}

/// What is wrong, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub words: String,
    /// Whether an operator has to look.
    pub is_alarm: bool,
    /// Whether it concerns one member's record alone.
    pub is_of_a_member: bool,
}

/// Judges requests.
#[derive(Debug)]
pub struct Judging {
    config: Option<NotaryConfig>,
    refresh: Duration,
    peers: Option<watch::Receiver<Arc<Peers>>>,
    /// Ends all questions.
    stop: CancellationToken,
    /// Opened at the first look.
    notary: Option<Notary>,
    look: Option<Look>,
    records: Records,
    handshakes: Handshakes,
    known: BTreeSet<u64>,
    too_many: Option<String>,
}

impl Judging {
    /// Judges by the notary of `config`; `peers` are those that are connected. Asks nobody any more once `stop` is cancelled.
    #[must_use]
    pub fn new(config: &AdmissionConfig, peers: Option<watch::Receiver<Arc<Peers>>>, stop: CancellationToken) -> Self {
        Self {
            config: config.notary.clone(),
            refresh: config.refresh,
            peers,
            stop,
            notary: None,
            look: None,
            records: Records::default(),
            handshakes: Handshakes::default(),
            known: BTreeSet::new(),
            too_many: None,
        }
    }

    /// Asks whoever has to be asked about the open requests: the notary, and the peers of those that are good so far.
    pub fn ask(&mut self, facts: &Facts, clock: Clock) {
        let until = Instant::now() + ROUND_TIME_MAX;
        let open: BTreeSet<_> = facts.requests.iter().map(|request| request.standing.id).collect();
        let has_new = !open.is_subset(&self.known);
        self.look_at_notary(facts, (has_new, until), clock());
        self.handshakes.retain(&open);
        self.known = open;
        self.ask_for_records(facts, until, clock());
        let verdicts = self.judge_all(facts, clock());
        let is_good = |request: &&Request| matches!(verdicts[&request.standing.id], Verdict::Good(_));
        let good: Vec<_> = facts.requests.iter().filter(is_good).collect();
        self.shake_hands(&good, until, clock);
    }

    /// Verdicts on all open requests at `now`, in seconds, by what is known.
    #[must_use]
    pub fn verdicts(&self, facts: &Facts, now: u64) -> BTreeMap<u64, Verdict> {
        let mut verdicts = self.judge_all(facts, now);
        for request in facts.requests.iter().filter(|request| request.candidate.keys.is_some()) {
            let id = request.standing.id;
            if let Some(verdict @ Verdict::Good(_)) = verdicts.get_mut(&id)
                && let Err(reason) = self.handshakes.of(id)
            {
                *verdict = Verdict::Unknown(reason);
            }
        }
        verdicts
    }

    /// The validators that the notary's word removes, none if they are too many for that; `None` if it says nothing that holds.
    pub fn excluded(&mut self, facts: &Facts, now: u64) -> Option<Vec<Excluded>> {
        let network = &self.config.as_ref()?.network;
        let findings = self.look.as_ref()?.found.as_ref().ok()?;
        findings.check_fresh(UnixSeconds::new(now)).ok()?;
        let excluded = removal::excluded(facts, findings, network, UnixSeconds::new(now));
        let words = excluded.as_ref().err().map(ToString::to_string);
        if words != self.too_many {
            if let Some(reason) = &words {
                error!(target: "ledger::admission", reason, "validators are not removed by what the notary says");
            }
            self.too_many = words;
        }
        Some(excluded.unwrap_or_default())
    }

    /// What is wrong with the notary at `now`, or else with the record of a member who asks.
    #[must_use]
    pub fn problem(&self, now: u64) -> Option<Problem> {
        let of = |trouble: &Trouble, is_of_a_member| Problem {
            words: trouble.words().to_owned(),
            is_alarm: trouble.is_alarm(now),
            is_of_a_member,
        };
        match &self.look.as_ref()?.found {
            Err(trouble) => Some(of(trouble, false)),
            Ok(_) => self.records.trouble(now).map(|trouble| of(trouble, true)),
        }
    }

    /// When the notary last said something that holds, if the last look at it was good.
    #[must_use]
    pub fn good_at(&self) -> Option<u64> {
        self.look.as_ref().filter(|look| look.found.is_ok()).map(|look| look.at)
    }

    /// What the chain calls the members that may validate at `now`, by the last look.
    #[must_use]
    pub fn admitted(&self, now: u64) -> BTreeSet<String> {
        let (
            Some(config),
            Some(Look {
                found: Ok(findings), ..
            }),
        ) = (&self.config, &self.look)
        else {
            return BTreeSet::new();
        };
        let names = findings.names_admitted(&config.network, UnixSeconds::new(now));
        names.map(str::to_owned).collect()
    }

    fn look_at_notary(&mut self, facts: &Facts, (has_new, until): (bool, Instant), now: u64) {
        let Some(config) = &self.config else {
            return;
        };
        let pause = match has_new {
            true => FRESH_ENOUGH_SECONDS.min(self.refresh.as_secs()),
            false => self.refresh.as_secs(),
        };
        let last = self.look.as_ref();
        // The clock may have been set back: a look of the future says nothing of when the next is due.
        let is_recent = |look: &Look| now.checked_sub(look.at).is_some_and(|age| age < pause);
        if last.is_some_and(is_recent) {
            return;
        }
        let opened = opened(&mut self.notary, config, &self.stop);
        let found = opened.and_then(|notary| {
            notary.finish_by(until);
            notary.refresh(UnixSeconds::new(now), facts.floor)
        });
        let found = found.map_err(|error| {
            let before = last.and_then(|look| look.found.as_ref().err());
            Trouble::of(&error, before, now)
        });
        self.look = Some(Look { at: now, found });
        self.records.forget();
    }

    /// Asks for the records of the members for whom somebody asks.
    fn ask_for_records(&mut self, facts: &Facts, until: Instant, now: u64) {
        let (Some(config), Some(notary), Some(look)) = (&self.config, &mut self.notary, &self.look) else {
            return;
        };
        let Ok(findings) = &look.found else {
            return;
        };
        let admitted = |request: &Request| {
            let name = &request.candidate.member_name;
            let member = findings.admitted(name, &config.network, UnixSeconds::new(now));
            member.ok().cloned()
        };
        let members: BTreeSet<_> = facts.requests.iter().filter_map(admitted).collect();
        notary.finish_by(until);
        let is_time = || Instant::now() < until && !self.stop.is_cancelled();
        self.records
            .complete(&members, now, is_time, |member| notary.nodes(member));
    }

    /// Judges by what is known; asks nobody.
    fn judge_all(&self, facts: &Facts, now: u64) -> BTreeMap<u64, Verdict> {
        let mut holders = facts.holders.clone();
        let mut verdicts = BTreeMap::new();
        for request in &facts.requests {
            let verdict = self.judge(request, (facts, &holders), now);
            if matches!(verdict, Verdict::Good(_))
                && let Some(keys) = &request.candidate.keys
            {
                // Whoever asks later with one of these keys asks for one that is taken.
                holders.push(Holder {
                    account: request.candidate.account,
                    keys: keys.clone(),
                });
            }
            verdicts.insert(request.standing.id, verdict);
        }
        verdicts
    }

    /// By what all mirrors say; where that is nothing, one that excludes the member is enough to refuse.
    fn judge(&self, request: &Request, on: (&Facts, &[Holder]), now: u64) -> Verdict {
        let verdict = self.judge_by_all(request, on, now);
        if !matches!(verdict, Verdict::Unknown(_)) {
            return verdict;
        }
        let notary = self.notary.as_ref();
        let excluded = notary.and_then(|notary| notary.exclusion(&request.candidate.member_name));
        excluded.map_or(verdict, Verdict::Refused)
    }

    fn judge_by_all(&self, request: &Request, (facts, holders): (&Facts, &[Holder]), now: u64) -> Verdict {
        let Some(NotaryConfig { network, .. }) = &self.config else {
            return Verdict::Unknown("no notary is known to this node (--notary-url, --notary-root)".to_owned());
        };
        let Some(look) = &self.look else {
            return Verdict::Unknown("the notary was not asked yet".to_owned());
        };
        let findings = match &look.found {
            Ok(findings) => findings,
            Err(trouble) => return Verdict::Unknown(trouble.words().to_owned()),
        };
        let candidate = &request.candidate;
        let now = UnixSeconds::new(now);
        let member = match findings.admitted(&candidate.member_name, network, now) {
            Ok(member) => member,
            Err(refusal) => return verdict_of(&refusal),
        };
        let record = match self.records.of(member) {
            Ok(Ok(record)) => record,
            Ok(Err(reason)) => return Verdict::Refused(reason.clone()),
            Err(reason) => return Verdict::Unknown(reason),
        };
        let terms = Terms {
            network,
            now,
            floor: facts.floor,
            validators: request.validators,
            holders,
        };
        match findings.judge(candidate, record, &terms) {
            Ok(tuple) => Verdict::Good(tuple),
            Err(refusal) => verdict_of(&refusal),
        }
    }

    /// Finds out whether the peers of these requests answer, as far as it is their turn before `until`.
    fn shake_hands(&mut self, good: &[&Request], until: Instant, clock: Clock) {
        let mut others = Vec::new();
        for request in good {
            let Some(keys) = &request.candidate.keys else { continue };
            let id = request.standing.id;
            match self.is_connected(&keys.peer_id) {
                true => self.handshakes.note(id, Ok(()), clock()),
                false => others.push((id, *request, &keys.peer_id)),
            }
        }
        let due = self.handshakes.due(others.iter().map(|(id, ..)| *id), clock());
        if due.is_empty() || Instant::now() >= until {
            return;
        }
        let asked = others
            .into_iter()
            .filter(|(id, ..)| due.contains(id))
            .map(|(id, request, peer_id)| {
                let places = self.places(request);
                async move { (id, answers(peer_id, &places).await) }
            });
        let asked = self.stop.run_until_cancelled(join_all(asked));
        let outcomes = Handle::current().block_on(asked).unwrap_or_default();
        let now = clock();
        for (id, outcome) in outcomes {
            self.handshakes.note(id, outcome, now);
        }
    }

    fn is_connected(&self, peer_id: &[u8]) -> bool {
        let Ok(peer) = PeerId::from_bytes(peer_id) else {
            return false;
        };
        let peers = self.peers.as_ref();
        peers.is_some_and(|peers| peers.borrow().get(peer).is_some())
    }

    /// Where the member says that the candidate's node listens.
    fn places(&self, request: &Request) -> Vec<String> {
        let look = self.look.as_ref();
        let record = look.and_then(|look| {
            let member = look.found.as_ref().ok()?.member(&request.candidate.member_name).ok()?;
            Nodes::parse(self.records.of(member).ok()?.as_ref().ok()?).ok()
        });
        let node = record.and_then(|record| {
            let account = request.candidate.account;
            record.nodes.into_iter().find(|node| node.account == account)
        });
        node.map(|node| node.endpoints).unwrap_or_default()
    }
}

/// The notary, which is opened if it is not: on a disk that was full it works the next time.
fn opened<'a>(
    notary: &'a mut Option<Notary>,
    config: &NotaryConfig,
    stop: &CancellationToken,
) -> Result<&'a mut Notary, NotaryError> {
    match notary {
        Some(notary) => Ok(notary),
        none => Ok(none.insert(Notary::open(config, stop)?)),
    }
}

/// Whether the peer answers under its peer id at one of these places.
async fn answers(peer_id: &[u8], places: &[String]) -> Result<(), String> {
    let peer = PeerId::from_bytes(peer_id).map_err(|error| format!("the peer id is none: {error}"))?;
    probe(peer, places).await.map_err(|error| error.to_string())
}

/// What a refusal says of a candidate: nothing, where the metadata are to blame.
fn verdict_of(refusal: &Refusal) -> Verdict {
    let words = refusal.to_string();
    let is_the_notarys = matches!(
        refusal,
        Refusal::Stale(_) | Refusal::Floor(_) | Refusal::DenyMissing { .. }
    );
    if is_the_notarys {
        Verdict::Unknown(words)
    } else {
        Verdict::Refused(words)
    }
}
