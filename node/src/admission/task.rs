//! When is what looked at? The task around all that: rounds after new blocks, a look at the notary now and then, and words in the log
//! where something changed.
//!
//! Everything that waits runs on threads that may wait, one round at a time. It holds no lock that the chain needs, and an error
//! in it is a line in the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use ledger_network::Peers;
use ledger_runtime::{Head, Runtime};
use metrics::gauge;
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    AdmissionConfig, Verdicts,
    chain::{Facts, Reader},
    judging::Judging,
    sender::Sender,
    voting::Voting,
};
use crate::{
    rpc::unix_seconds,
    telemetry::metering::{ADMISSION_REQUESTS, NOTARY_GOOD_AT},
    txpool::TxPool,
};

/// Shortest time between two rounds.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// How many times longer than a round the pause after it is. A round asks the contract about every open request, and anybody can open
/// one: whatever their number, a tenth of one thread's time is theirs.
const PAUSE_PER_ROUND: u32 = 9;

/// Longest pause: a round that waited for a slow server is no reason to look away.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// The task's parts.
#[derive(Debug)]
pub struct AdmissionTask {
    /// The contract's state.
    pub runtime: Arc<Runtime>,
    /// Where votes go.
    pub pool: Arc<TxPool>,
    /// What to do.
    pub config: AdmissionConfig,
    /// The account that votes, if this node has its key.
    pub account: Option<PrivateKeySigner>,
    /// Where verdicts are shown.
    pub verdicts: Arc<Verdicts>,
    /// Who is connected, and so has shaken hands.
    pub peers: Option<watch::Receiver<Arc<Peers>>>,
}

impl AdmissionTask {
    /// Looks, judges and votes until `shutdown`.
    pub async fn run(self, mut heads: watch::Receiver<Arc<Head>>, shutdown: CancellationToken) {
        // Without a notary nothing changes but with blocks.
        let refresh = self.config.notary.as_ref().map(|_| self.config.refresh);
        let mut worker = Worker::new(self);
        loop {
            let started = Instant::now();
            let round = spawn_blocking(move || {
                worker.round(unix_seconds());
                worker
            });
            tokio::select! {
                () = shutdown.cancelled() => return,
                done = round => match done {
                    Ok(done) => worker = done,
                    Err(error) => {
                        error!(target: "ledger::admission", %error, "requests for admission are looked after no more; restart the node");
                        return shutdown.cancelled().await;
                    }
                },
            }
            let pause = ROUND_PAUSE.max(started.elapsed().saturating_mul(PAUSE_PER_ROUND).min(PAUSE_MAX));
            let next = async {
                tokio::time::sleep(pause).await;
                tokio::select! {
                    // Without a driver the node is about to end.
                    changed = heads.changed() => if changed.is_err() { pending::<()>().await },
                    () = due(refresh) => {}
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = next => {}
            }
        }
    }
}

/// The moment for another look at the notary; never, if there is none.
async fn due(refresh: Option<Duration>) {
    match refresh {
        Some(refresh) => tokio::time::sleep(refresh).await,
        None => pending().await,
    }
}

/// What a round needs, and remembers for the next.
struct Worker {
    runtime: Arc<Runtime>,
    verdicts: Arc<Verdicts>,
    reader: Reader,
    judging: Judging,
    /// Who votes; none if a person does.
    voting: Option<Voting>,
    account: Address,
    told: BTreeMap<u64, String>,
    problem: Option<String>,
}

impl Worker {
    fn new(task: AdmissionTask) -> Self {
        let AdmissionTask {
            runtime,
            pool,
            config,
            account,
            verdicts,
            peers,
        } = task;
        let address = account.as_ref().map(PrivateKeySigner::address).unwrap_or_default();
        let voting = account
            .filter(|_| config.votes)
            .map(|signer| Sender::new(Arc::clone(&runtime), pool, signer));
        match (&voting, &config.notary) {
            (Some(_), _) => {
                info!(target: "ledger::admission", account = %address, "requests for admission are decided by what the notary says");
            }
            (None, Some(_)) => {
                info!(target: "ledger::admission", "requests for admission are held against the notary; a person votes");
            }
            (None, None) => {}
        }
        Self {
            runtime,
            verdicts,
            reader: Reader::default(),
            judging: Judging::new(&config, peers),
            voting: voting
                .zip(config.notary)
                .map(|(sender, notary)| Voting::new(sender, &notary, unix_seconds())),
            account: address,
            told: BTreeMap::new(),
            problem: None,
        }
    }

    fn round(&mut self, now: u64) {
        if let Some(voting) = &self.voting {
            self.reader.follow_voted(voting.voted());
        }
        let facts = match self.reader.read(&self.runtime, self.account, now) {
            Ok(facts) => facts,
            Err(reason) => return warn!(target: "ledger::admission", reason, "the contract cannot be asked"),
        };
        let judged = self.judging.round(&facts, now);
        self.tell_problem();
        gauge!(ADMISSION_REQUESTS).set(facts.requests.len() as f64);
        if self.judging.is_good() {
            gauge!(NOTARY_GOOD_AT).set(now as f64);
        }
        self.tell(&facts, &judged);
        let verdicts = judged
            .iter()
            .map(|(id, verdict)| (*id, super::verdicts::told(verdict, now)));
        self.verdicts.replace(verdicts.collect());
        if let Some(voting) = &mut self.voting {
            let excluded = self.judging.excluded(&facts, now);
            voting.round(&facts, &judged, excluded.as_deref(), now);
        }
    }

    /// Says what is wrong with the notary, once.
    fn tell_problem(&mut self) {
        let problem = self.judging.problem();
        if problem == self.problem {
            return;
        }
        match &problem {
            Some(reason) if self.judging.is_alarm() => {
                error!(target: "ledger::admission", reason, "the notary is not believed; nobody is admitted");
            }
            Some(reason) => {
                warn!(target: "ledger::admission", reason, "the notary says nothing that holds; nobody is admitted");
            }
            None => info!(target: "ledger::admission", "the notary is up to date"),
        }
        self.problem = problem;
    }

    /// Says what was found about a request, where it is new.
    fn tell(&mut self, facts: &Facts, judged: &BTreeMap<u64, super::plan::Verdict>) {
        let open: BTreeSet<_> = judged.keys().copied().collect();
        self.told.retain(|id, _| open.contains(id));
        let is_seated = facts.set.iter().any(|seated| seated.account == self.account);
        let votes = self.voting.is_some() && is_seated;
        for request in &facts.requests {
            let (id, candidate) = (request.standing.id, &request.candidate);
            let Some(verdict) = judged.get(&id) else { continue };
            let told = super::verdicts::told(verdict, 0);
            if self.told.get(&id) == Some(&told.words) {
                continue;
            }
            let decides = match votes {
                true => "this node".to_owned(),
                false => format!("a person, by: ledger-node validator vote {id}"),
            };
            info!(
                target: "ledger::admission", proposal = id, member = candidate.member_name, account = %candidate.account,
                verdict = ?told.state, reason = told.words, decides, "a cloud asks for admission"
            );
            self.told.insert(id, told.words);
        }
    }
}
