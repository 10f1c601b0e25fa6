//! What is to be said of each open request? The notary's findings of the last look, the member's record, and the handshake, put
//! together; nothing is asked more often than it has to be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use ledger_network::{PeerId, Peers, probe};
use ledger_notary::{
    judge::{Findings, Holder, Refusal, Terms},
    records::{Network, Nodes, NotaryId},
    tuf::UnixSeconds,
};
use tokio::{runtime::Handle, sync::watch};
use tracing::error;

use super::{
    AdmissionConfig,
    chain::{Facts, Request},
    notary::{NodesRecord, Notary, NotaryError},
    plan::Verdict,
    removal::{self, Excluded},
};

/// Seconds for which what the notary said is fresh enough for a request that is new.
const FRESH_ENOUGH_SECONDS: u64 = 5;

/// Seconds after which a peer that did not answer is asked again.
const PROBE_AGAIN_SECONDS: u64 = 30;

/// Peers that are asked in one round: each may take ten seconds not to answer.
const PROBES_PER_ROUND_MAX: usize = 4;

/// The last look at the notary.
#[derive(Debug)]
struct Look {
    at: u64,
    found: Result<Arc<Findings>, String>,
    is_alarm: bool,
    /// Records of nodes that were asked for since.
    nodes: BTreeMap<NotaryId, NodesRecord>,
}

/// What a handshake came to.
#[derive(Debug)]
struct Probed {
    at: u64,
    outcome: Result<(), String>,
}

/// Judges requests.
#[derive(Debug)]
pub struct Judging {
    notary: Option<(Notary, Network)>,
    /// Why there is no notary to ask; and whether there should be one.
    unusable: Option<String>,
    is_configured: bool,
    refresh: Duration,
    look: Option<Look>,
    probed: BTreeMap<u64, Probed>,
    peers: Option<watch::Receiver<Arc<Peers>>>,
    known: BTreeSet<u64>,
    too_many: Option<String>,
}

impl Judging {
    /// Judges by the notary of `config`; `peers` are those that are connected.
    #[must_use]
    pub fn new(config: &AdmissionConfig, peers: Option<watch::Receiver<Arc<Peers>>>) -> Self {
        let opened = config
            .notary
            .as_ref()
            .map(|notary| (Notary::open(notary), &notary.network));
        let (notary, unusable) = match opened {
            None => (
                None,
                Some("no notary is known to this node (--notary-url, --notary-root)".to_owned()),
            ),
            Some((Ok(notary), network)) => (Some((notary, network.clone())), None),
            Some((Err(error), _)) => (None, Some(error.to_string())),
        };
        Self {
            notary,
            unusable,
            is_configured: config.notary.is_some(),
            refresh: config.refresh,
            look: None,
            probed: BTreeMap::new(),
            peers,
            known: BTreeSet::new(),
            too_many: None,
        }
    }

    /// Verdicts on all open requests at `now`, in seconds.
    pub fn round(&mut self, facts: &Facts, now: u64) -> BTreeMap<u64, Verdict> {
        let open: BTreeSet<_> = facts.requests.iter().map(|request| request.standing.id).collect();
        let has_new = !open.is_subset(&self.known);
        self.look_at_notary(facts, has_new, now);
        self.probed.retain(|id, _| open.contains(id));
        self.known = open;
        let mut holders = facts.holders.clone();
        let mut verdicts = BTreeMap::new();
        let mut probes_left = PROBES_PER_ROUND_MAX;
        for request in &facts.requests {
            let mut verdict = self.judge(request, (facts, &holders), now);
            if matches!(verdict, Verdict::Good(_)) {
                if let Some(keys) = &request.candidate.keys {
                    // Whoever asks later with one of these keys asks for one that is taken.
                    holders.push(Holder {
                        account: request.candidate.account,
                        keys: keys.clone(),
                    });
                }
                if let Err(reason) = self.handshake(request, &mut probes_left, now) {
                    verdict = Verdict::Unknown(reason);
                }
            }
            verdicts.insert(request.standing.id, verdict);
        }
        verdicts
    }

    /// The validators that the notary's word removes, none if they are too many for that; `None` if it says nothing that holds.
    pub fn excluded(&mut self, facts: &Facts, now: u64) -> Option<Vec<Excluded>> {
        let (_, network) = self.notary.as_ref()?;
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

    /// Why the notary is of no use now.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let unusable = self.unusable.clone().filter(|_| self.is_configured);
        unusable.or_else(|| self.look.as_ref()?.found.as_ref().err().cloned())
    }

    /// Whether the last look at the notary holds.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.look.as_ref().is_some_and(|look| look.found.is_ok())
    }

    /// Whether somebody lies, or may.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.look.as_ref().is_some_and(|look| look.is_alarm)
    }

    fn look_at_notary(&mut self, facts: &Facts, has_new: bool, now: u64) {
        let Some((notary, _)) = &mut self.notary else {
            return;
        };
        let pause = match has_new {
            true => FRESH_ENOUGH_SECONDS.min(self.refresh.as_secs()),
            false => self.refresh.as_secs(),
        };
        if self
            .look
            .as_ref()
            .is_some_and(|look| now.saturating_sub(look.at) < pause)
        {
            return;
        }
        let found = notary.refresh(UnixSeconds::new(now), facts.floor);
        let is_alarm = found.as_ref().is_err_and(NotaryError::is_alarm);
        self.look = Some(Look {
            at: now,
            found: found.map_err(|error| error.to_string()),
            is_alarm,
            nodes: BTreeMap::new(),
        });
    }

    fn judge(&mut self, request: &Request, (facts, holders): (&Facts, &[Holder]), now: u64) -> Verdict {
        let Some((notary, network)) = &mut self.notary else {
            return Verdict::Unknown(self.unusable.clone().unwrap_or_default());
        };
        let Some(look) = &mut self.look else {
            return Verdict::Unknown("the notary was not asked yet".to_owned());
        };
        let findings = match &look.found {
            Ok(findings) => findings,
            Err(reason) => return Verdict::Unknown(reason.clone()),
        };
        let candidate = &request.candidate;
        let time = UnixSeconds::new(now);
        let member = match findings.admitted(&candidate.member_name, network, time) {
            Ok(member) => member,
            Err(refusal) => return verdict_of(&refusal),
        };
        if !look.nodes.contains_key(member) {
            match notary.nodes(member) {
                Ok(record) => look.nodes.insert(member.clone(), record),
                Err(error) => {
                    look.is_alarm |= error.is_alarm();
                    return Verdict::Unknown(error.to_string());
                }
            };
        }
        let record = match &look.nodes[member] {
            Ok(record) => record,
            Err(reason) => return Verdict::Refused(reason.clone()),
        };
        let terms = Terms {
            network,
            now: time,
            floor: facts.floor,
            validators: request.validators,
            holders,
        };
        match findings.judge(candidate, record, &terms) {
            Ok(tuple) => Verdict::Good(tuple),
            Err(refusal) => verdict_of(&refusal),
        }
    }

    /// Whether the candidate's peer has answered under its peer id, since it asked.
    fn handshake(&mut self, request: &Request, probes_left: &mut usize, now: u64) -> Result<(), String> {
        let Some(keys) = &request.candidate.keys else {
            return Ok(());
        };
        let id = request.standing.id;
        if let Some(probed) = self.probed.get(&id)
            && (probed.outcome.is_ok() || now.saturating_sub(probed.at) < PROBE_AGAIN_SECONDS)
        {
            return probed.outcome.clone();
        }
        let peer = PeerId::from_bytes(&keys.peer_id).map_err(|error| format!("the peer id is none: {error}"))?;
        let is_connected = self
            .peers
            .as_ref()
            .is_some_and(|peers| peers.borrow().get(peer).is_some());
        let outcome = if is_connected {
            Ok(())
        } else if *probes_left == 0 {
            return Err("its peer was not asked yet".to_owned());
        } else {
            *probes_left -= 1;
            let places = self.places(request);
            Handle::current()
                .block_on(probe(peer, &places))
                .map_err(|error| error.to_string())
        };
        self.probed.insert(
            id,
            Probed {
                at: now,
                outcome: outcome.clone(),
            },
        );
        outcome
    }

    /// Where the member says that the candidate's node listens.
    fn places(&self, request: &Request) -> Vec<String> {
        let look = self.look.as_ref();
        let record = look.and_then(|look| {
            let member = look.found.as_ref().ok()?.member(&request.candidate.member_name).ok()?;
            Nodes::parse(look.nodes.get(member)?.as_ref().ok()?).ok()
        });
        let node = record.and_then(|record| {
            let account = request.candidate.account;
            record.nodes.into_iter().find(|node| node.account == account)
        });
        node.map(|node| node.endpoints).unwrap_or_default()
    }
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
