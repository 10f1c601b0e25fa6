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
use ledger_api::NotaryVerdict;
use ledger_network::Peers;
use ledger_runtime::{Head, Runtime};
use metrics::gauge;
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    AdmissionConfig, Verdicts,
    chain::{Facts, Reader},
    judging::{Judging, Problem},
    plan::Verdict,
    sender::Sender,
    telling::Telling,
    verdicts,
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

/// How old what the chain says may be when somebody votes by it: half a block.
const FACTS_AGE_MAX: Duration = Duration::from_secs(1);

/// How long a round may take to end once it is told to: nobody waits for servers or peers then, and what is left are files that are
/// written. Less than what the node gives its tasks.
const ROUND_STOP_WITHIN: Duration = Duration::from_secs(2);

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
        let mut worker = Worker::new(self, &shutdown);
        loop {
            let started = Instant::now();
            let mut round = spawn_blocking(move || {
                worker.round();
                worker
            });
            tokio::select! {
                () = shutdown.cancelled() => return finish(round).await,
                done = &mut round => match done {
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

/// Waits for a round that was told to stop, so that nothing is half done when the process ends.
async fn finish(round: JoinHandle<Worker>) {
    match timeout(ROUND_STOP_WITHIN, round).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => error!(target: "ledger::admission", %error, "the last round of admissions did not end well"),
        Err(_) => warn!(target: "ledger::admission", "the last round of admissions is left behind; it votes no more"),
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
    /// Ends the round.
    stop: CancellationToken,
    /// Who votes; none if a person does.
    voting: Option<Voting>,
    account: Address,
    /// Requests that were good in the last round.
    good: BTreeSet<u64>,
    telling: Telling,
}

impl Worker {
    fn new(task: AdmissionTask, stop: &CancellationToken) -> Self {
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
            judging: Judging::new(&config, peers, stop.clone()),
            stop: stop.clone(),
            voting: voting
                .zip(config.notary)
                .map(|(sender, notary)| Voting::new(sender, &notary, unix_seconds())),
            account: address,
            good: BTreeSet::new(),
            telling: Telling::default(),
        }
    }

    fn round(&mut self) {
        let Some(mut facts) = self.read() else { return };
        let started = Instant::now();
        self.judging.ask(&facts, unix_seconds);
        if self.stop.is_cancelled() {
            return;
        }
        // What is said next is of now: an operator may have voted while servers and peers were waited for.
        if started.elapsed() >= FACTS_AGE_MAX {
            let Some(newer) = self.read() else { return };
            facts = newer;
        }
        self.reader.end_round();
        let now = unix_seconds();
        let judged = self.judging.verdicts(&facts, now);
        self.tell_problem(now);
        gauge!(ADMISSION_REQUESTS).set(facts.requests.len() as f64);
        if let Some(at) = self.judging.good_at() {
            gauge!(NOTARY_GOOD_AT).set(at as f64);
        }
        let is_good = |(_, verdict): &(&u64, &Verdict)| matches!(verdict, Verdict::Good(_));
        self.good = judged.iter().filter(is_good).map(|(id, _)| *id).collect();
        let told = |(id, verdict): (&u64, &Verdict)| (*id, verdicts::told(verdict, now));
        let told = judged.iter().map(told).collect();
        self.tell(&facts, &told);
        self.verdicts.replace(told);
        if let Some(voting) = &mut self.voting {
            let excluded = self.judging.excluded(&facts, now).filter(|_| facts.knows_removed);
            voting.round(&facts, &judged, excluded.as_deref(), now);
        }
    }

    fn read(&mut self) -> Option<Facts> {
        let admitted = self.judging.admitted(unix_seconds());
        let good = self.good.clone();
        let read = match &mut self.voting {
            Some(voting) => voting.read((&mut self.reader, &self.runtime), good, &admitted),
            None => {
                self.reader.follow(good);
                self.reader.read(&self.runtime, self.account, &admitted)
            }
        };
        match read {
            Ok(facts) => Some(facts),
            Err(reason) => {
                warn!(target: "ledger::admission", reason, "the contract cannot be asked");
                None
            }
        }
    }

    /// Says what is wrong with the notary, once.
    fn tell_problem(&mut self, now: u64) {
        let problem = self.judging.problem(now);
        if !self.telling.is_news(problem.as_ref()) {
            return;
        }
        match &problem {
            Some(problem) => tell_of(problem),
            None => info!(target: "ledger::admission", "the notary is up to date"),
        }
    }

    /// Says what was found about requests, where it is new.
    fn tell(&mut self, facts: &Facts, verdicts: &BTreeMap<u64, NotaryVerdict>) {
        let news = self.telling.news(verdicts);
        let is_seated = facts.set.iter().any(|seated| seated.account == self.account);
        let votes = self.voting.is_some() && is_seated;
        for request in &facts.requests {
            let (id, candidate) = (request.standing.id, &request.candidate);
            let Some(verdict) = verdicts.get(&id).filter(|_| news.contains(&id)) else {
                continue;
            };
            let decides = match votes {
                true => "this node".to_owned(),
                false => format!("a person, by: ledger-node validator vote {id}"),
            };
            info!(
                target: "ledger::admission", proposal = id, member = candidate.member_name, account = %candidate.account,
                verdict = ?verdict.state, reason = verdict.words, decides, "a cloud asks for admission"
            );
        }
    }
}

fn tell_of(problem: &Problem) {
    let Problem {
        words: reason,
        is_alarm,
        is_of_a_member,
    } = problem;
    match (is_alarm, is_of_a_member) {
        (true, false) => {
            error!(target: "ledger::admission", reason, "the notary is not believed; nobody is admitted");
        }
        (true, true) => {
            error!(target: "ledger::admission", reason, "the notary is not believed about a member's nodes; they are not admitted");
        }
        (false, false) => {
            warn!(target: "ledger::admission", reason, "the notary says nothing that holds; nobody is admitted");
        }
        (false, true) => {
            warn!(target: "ledger::admission", reason, "a member's record of nodes is not to be had; they are not admitted");
        }
    }
}
