//! A flood of free transactions, every one valid, from accounts that nobody has ever heard of; and people who want to be served
//! meanwhile: a validator that votes, a cloud that redeems, a user who asks for a code.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::Bootstrap::{self, HolderLimits, NotaryTuple};
use serde_json::{Value, json};

use crate::{
    crash::number,
    harness::{
        Account, Call, Rpc, RpcError,
        promo::{self, SMALL},
    },
    network::{
        campaign::{Campaign, Told},
        cluster::{FULL_NODE, VALIDATORS},
        stop,
    },
};

/// Requests of each account: as many codes as one may hold.
const REQUESTS_EACH: u64 = 3;
/// Connections of the flood to each node.
const CONNECTIONS: usize = 2;
/// Transactions in one JSON-RPC batch.
const BATCH: usize = 50;
/// Times that each of the three is served during the flood.
const TIMES: usize = 5;
/// Slots within which a vote and a redemption have to be final.
const RESERVED_SLOTS_MAX: f64 = 3.0;
/// Longest wait of an honest user.
const HONEST_PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks for a receipt.
const LOOK: Duration = Duration::from_millis(20);
/// Before a transaction that was refused for want of room is handed in again.
const AGAIN: Duration = Duration::from_millis(200);
/// Development accounts: of the first cloud's owner, who is its validator, too, of its redeemer, and of the second validator.
const OWNER: u32 = 0;
const REDEEMER: u32 = 1;
const VOTER: u32 = 2;

/// Floods every node, and serves those three all the while.
pub fn free(campaign: &mut Campaign) -> Result<Told, String> {
    let chain_id = campaign.cluster.chain_id();
    campaign.tell(&format!("  signing for {} fresh accounts", campaign.plan.accounts));
    let flood = Flood::of(campaign.plan.accounts, chain_id);
    let people = People::prepare(campaign)?;
    let nodes: Vec<_> = campaign.cluster.seats().iter().map(|seat| seat.rpc).collect();
    campaign.tell("  flooding");
    let started = Instant::now();
    let served = thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            for node in &nodes {
                scope.spawn(|| flood.pour(*node));
            }
        }
        let served = stop::sleep(campaign.slot() * 2).and_then(|()| people.are_served(campaign));
        flood.ends.store(true, Ordering::Relaxed);
        served
    });
    let (took, served) = (started.elapsed(), served?);
    let mut told = Told::default();
    let [taken, refused] = [&flood.taken, &flood.refused].map(|count| count.load(Ordering::Relaxed));
    told.notes.push(format!(
        "{} accounts: {taken} transactions taken and {refused} refused in {:.0} slots",
        campaign.plan.accounts,
        campaign.in_slots(took)
    ));
    for (who, waits) in served {
        let slots: Vec<_> = waits.iter().map(|wait| campaign.in_slots(*wait)).collect();
        let most = slots.iter().copied().fold(0.0, f64::max);
        let list: Vec<_> = slots.iter().map(|slots| format!("{slots:.1}")).collect();
        told.notes
            .push(format!("{who} final on another node after {} slots", list.join(", ")));
        let is_reserved = who != HONEST;
        told.expect(!is_reserved || most <= RESERVED_SLOTS_MAX, || {
            format!("{who} took {most:.1} slots, and {RESERVED_SLOTS_MAX:.0} are the most")
        });
    }
    Ok(told)
}

const VOTE: &str = "vote";
const REDEMPTION: &str = "redemption";
const HONEST: &str = "request of an honest user";

/// Signed transactions, and how far they are.
struct Flood {
    signed: Vec<String>,
    next: AtomicUsize,
    ends: AtomicBool,
    taken: AtomicU64,
    refused: AtomicU64,
}

impl Flood {
    fn of(accounts: usize, chain_id: u64) -> Self {
        let call = promo::request_code(SMALL);
        let share = accounts.div_ceil(2).max(1);
        let sign = |count: usize| -> Vec<Vec<String>> {
            let of_one = |account: &Account| (0..REQUESTS_EACH).map(|nonce| account.signed(nonce, &call).0).collect();
            (0..count).map(|_| of_one(&Account::random(chain_id))).collect()
        };
        let by_account = thread::scope(|scope| {
            let other = scope.spawn(|| sign(share.min(accounts)));
            let mut all = sign(accounts.saturating_sub(share));
            all.extend(other.join().expect("signing does not panic"));
            all
        });
        // Everybody's first request, then everybody's second.
        let signed = (0..usize::try_from(REQUESTS_EACH).unwrap_or_default())
            .flat_map(|nonce| by_account.iter().map(move |own| own[nonce].clone()))
            .collect();
        Self {
            signed,
            next: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Hands transactions to one node as fast as it answers; what was refused comes again.
    fn pour(&self, node: SocketAddr) {
        let rpc = Rpc::new(node);
        while !self.ends.load(Ordering::Relaxed) {
            let from = self.next.fetch_add(BATCH, Ordering::Relaxed) % self.signed.len();
            let batch = &self.signed[from..self.signed.len().min(from + BATCH)];
            let requests: Vec<_> = (0..)
                .zip(batch)
                .map(|(id, raw)| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw] }))
                .collect();
            let answer = rpc.post(Value::from(requests).to_string().as_bytes());
            let answers = answer
                .ok()
                .and_then(|answer| serde_json::from_str::<Vec<Value>>(&answer.body).ok());
            for answer in answers.unwrap_or_default() {
                let count = if answer.get("error").is_some() {
                    &self.refused
                } else {
                    &self.taken
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Those who want to be served, with what they have to do.
struct People {
    chain_id: u64,
    proposal: U256,
    holder: Account,
    codes: Vec<U256>,
    /// Next nonces of the voter and of the redeemer.
    nonces: [u64; 2],
}

/// Somebody's wish: who, the nonce, what, and at which node.
type Wish = (Account, u64, Call, usize);

/// Who was served, and how long each time took.
type Served = Vec<(&'static str, Vec<Duration>)>;

impl People {
    /// Opens a proposal, and gives a holder codes to redeem.
    fn prepare(campaign: &Campaign) -> Result<Self, String> {
        let chain_id = campaign.cluster.chain_id();
        let rpc = campaign.cluster.rpc(0);
        let owner = Account::development(OWNER, chain_id);
        let mut limits = HolderLimits::default();
        (limits.liveCodes, limits.requestsPerPeriod, limits.periodSeconds) = (5, 20, 86_400);
        let proposed = send(rpc, &owner, &bootstrap(&Bootstrap::proposeLimitsCall { limits }))?;
        let topic = proposed["logs"][0]["topics"][1]
            .as_str()
            .and_then(|id| id.parse::<B256>().ok());
        let proposal = topic
            .ok_or_else(|| format!("no proposal was opened: {proposed}"))?
            .into();
        let mut codes = Vec::new();
        let holder = Account::random(chain_id);
        for _ in 0..TIMES {
            // One may ask for three only: each is another one, who gives the code to the holder.
            let asker = Account::random(chain_id);
            let code = promo::code_of(&send(rpc, &asker, &promo::request_code(SMALL))?);
            send(rpc, &asker, &promo::transfer(code, holder.address()))?;
            codes.push(code);
        }
        let mut nonces = [0; 2];
        for (nonce, account) in nonces.iter_mut().zip([VOTER, REDEEMER]) {
            let address = Account::development(account, chain_id).address();
            let count = rpc.try_call("eth_getTransactionCount", &json!([address, "latest"]));
            *nonce = count.ok().as_ref().and_then(number).ok_or("no nonce")?;
        }
        Ok(Self {
            chain_id,
            proposal,
            holder,
            codes,
            nonces,
        })
    }

    /// Each is served several times, one after the other, at a node that is flooded, and looks at another one.
    fn are_served(&self, campaign: &Campaign) -> Result<Served, String> {
        let mut served: Served = vec![(VOTE, Vec::new()), (REDEMPTION, Vec::new()), (HONEST, Vec::new())];
        let seats = campaign.cluster.seats();
        for (time, code) in self.codes.iter().enumerate() {
            let wanted = self.wishes(time, *code);
            let seen_on = seats[(time + 2) % VALIDATORS].rpc;
            // All three at once, as in life.
            let waits = thread::scope(|scope| {
                let serve = |wish: &Wish| until_final(&Rpc::new(seats[wish.3].rpc), &Rpc::new(seen_on), wish);
                let serving: Vec<_> = wanted.iter().map(|wish| scope.spawn(move || serve(wish))).collect();
                let waits = serving
                    .into_iter()
                    .map(|one| one.join().expect("waiting does not panic"));
                waits.collect::<Result<Vec<_>, _>>()
            })?;
            for ((_, all), wait) in served.iter_mut().zip(waits) {
                all.push(wait);
            }
            stop::sleep(Duration::ZERO)?;
        }
        Ok(served)
    }

    /// What is wanted for the n-th time: the second validator votes, anew, a cloud redeems, and somebody new asks.
    fn wishes(&self, time: usize, code: U256) -> [Wish; 3] {
        let vote = Bootstrap::voteCall {
            proposalId: self.proposal,
            support: time.is_multiple_of(2),
            tuple: NotaryTuple::default(),
        };
        let consent = promo::consent(&self.holder, self.chain_id, code, 1);
        let [voter, redeemer] = [VOTER, REDEEMER].map(|account| Account::development(account, self.chain_id));
        let [votes, redemptions] = self.nonces.map(|nonce| nonce + time as u64);
        [
            (voter, votes, bootstrap(&vote), 1),
            (redeemer, redemptions, promo::redeem(code, &consent), FULL_NODE),
            (Account::random(self.chain_id), 0, promo::request_code(SMALL), FULL_NODE),
        ]
    }
}

fn bootstrap(call: &impl SolCall) -> Call {
    Call {
        to: BOOTSTRAP,
        data: call.abi_encode().into(),
    }
}

/// Sends a call that has to succeed.
fn send(rpc: &Rpc, account: &Account, call: &Call) -> Result<Value, String> {
    let receipt = account.send(rpc, call).map_err(|error| error.to_string())?;
    match promo::succeeded(&receipt) {
        true => Ok(receipt),
        false => Err(format!("a call failed: {receipt}")),
    }
}

/// From the moment that the account wants it until the call is final on the other node. Where there is no room, it tries again.
fn until_final(at: &Rpc, seen_on: &Rpc, (account, nonce, call, _): &Wish) -> Result<Duration, String> {
    let (raw, hash) = account.signed(*nonce, call);
    let started = Instant::now();
    loop {
        match at.try_call("eth_sendRawTransaction", &json!([raw])) {
            Ok(_) => break,
            Err(RpcError::Refused { .. }) if started.elapsed() < HONEST_PATIENCE => thread::sleep(AGAIN),
            Err(error) => return Err(format!("not taken within {HONEST_PATIENCE:?}: {error}")),
        }
    }
    while started.elapsed() < HONEST_PATIENCE {
        match seen_on.try_call("eth_getTransactionReceipt", &json!([hash])) {
            Ok(receipt) if promo::succeeded(&receipt) => return Ok(started.elapsed()),
            Ok(receipt) if receipt.is_null() => thread::sleep(LOOK),
            Ok(receipt) => return Err(format!("it failed: {receipt}")),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!("not final within {HONEST_PATIENCE:?}"))
}
