//! What a validator's node says by itself about removals and requests, on a chain of four, and what it knows again after a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_consensus::Transaction;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use ledger_chainspec::{ChainSpec, predeploys::BOOTSTRAP};
use ledger_contracts::Bootstrap::{self, NotaryTuple};
use ledger_node::{
    admission::{
        NotaryConfig, RootPin,
        chain::{Facts, Reader},
        plan::{self, UNCHECKED_SECONDS_MAX, Verdict},
        removal::Excluded,
        sender::Sender,
        voting::Voting,
    },
    rpc::RpcLimits,
};
use ledger_notary::{
    judge::{Stamp, Tuple},
    records::{Network, NetworkId},
    tuf::Version,
};
use ledger_runtime::RuntimeOptions;
use tempfile::TempDir;

use crate::{
    admission::{request, stranger},
    world::{Person, World},
};

/// Time enough for each of four validators to have had its turn.
const ALL_TURNS_SECONDS: u64 = 20;

/// A chain of four validators that the test moves, and the place where one of them keeps what it has done.
struct Council {
    world: World,
    folder: TempDir,
    now: u64,
}

/// A validator: the testnet's have every second of the test accounts.
fn validator(number: u32) -> Person {
    Person::number(2 * number)
}

fn propose(whom: &Person) -> Bootstrap::proposeRemovalCall {
    Bootstrap::proposeRemovalCall {
        account: whom.address(),
    }
}

fn vote_with(id: u64, tuple: NotaryTuple) -> Bytes {
    let call = Bootstrap::voteCall {
        proposalId: U256::from(id),
        support: true,
        tuple,
    };
    call.abi_encode().into()
}

fn vote(id: u64) -> Bytes {
    vote_with(id, NotaryTuple::default())
}

fn unvote(id: u64) -> Bytes {
    let proposal_id = U256::from(id);
    let call = Bootstrap::unvoteCall {
        proposalId: proposal_id,
    };
    call.abi_encode().into()
}

fn withdraw(id: u64) -> Bootstrap::withdrawCall {
    Bootstrap::withdrawCall {
        proposalId: U256::from(id),
    }
}

/// The first validator's voting, from `now` on, with what it has done in `folder`.
pub fn voting(world: &World, folder: &Path, now: u64) -> Voting {
    let sender = Sender::new(Arc::clone(&world.runtime), Arc::clone(&world.pool), validator(0).0);
    let notary = NotaryConfig {
        urls: Vec::new(),
        pin: RootPin::File(Vec::new()),
        network: Network {
            network_id: NetworkId::try_from("test".to_owned()).unwrap(),
            chain_id: 1,
        },
        folder: folder.join("root"),
    };
    Voting::new(sender, &notary, now)
}

impl Council {
    async fn meets() -> Self {
        let of_four = |options| {
            let spec = ChainSpec {
                chain_id: ChainSpec::dev().chain_id,
                ..ChainSpec::testnet()
            };
            RuntimeOptions {
                spec: Arc::new(spec),
                ..options
            }
        };
        Self {
            world: World::with(RpcLimits::default(), of_four).await,
            folder: tempfile::tempdir().unwrap(),
            now: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        }
    }

    /// Somebody says something, in a block.
    fn hears(&self, who: &Person, call: &impl SolCall) {
        self.world.tells_bootstrap(who, call);
        assert_eq!(self.world.mine(), []);
    }

    /// What the first validator has in the pool.
    fn says(&self) -> Vec<Bytes> {
        let pending = self.world.pool.content_of(&validator(0).address()).pending;
        let inputs = pending.into_values().map(|waiting| waiting.transaction.input().clone());
        inputs.collect()
    }

    /// The pool loses all that the first validator has in it.
    fn forgets(&self) {
        let pending = self.world.pool.content_of(&validator(0).address()).pending;
        for waiting in pending.into_values() {
            self.world.pool.drop_slow(&waiting.hash());
        }
    }

    /// A process of the first validator that begins at `now`.
    fn process(&self, now: u64) -> Process<'_> {
        Process {
            council: self,
            voting: voting(&self.world, self.folder.path(), now),
            reader: Reader::default(),
        }
    }
}

struct Process<'a> {
    council: &'a Council,
    voting: Voting,
    reader: Reader,
}

impl Process<'_> {
    fn facts(&mut self) -> Facts {
        let runtime = &self.council.world.runtime;
        let on = (&mut self.reader, &**runtime);
        let facts = self.voting.read(on, BTreeSet::new(), &BTreeSet::new()).unwrap();
        self.reader.end_round();
        facts
    }

    /// A round at `now`, in which the notary excludes these, or says nothing that holds. Gives what waits in the pool then.
    fn round(&mut self, excluded: Option<&[&Person]>, now: u64) -> Vec<Bytes> {
        self.round_with(&BTreeMap::new(), excluded, now)
    }

    fn round_with(&mut self, verdicts: &BTreeMap<u64, Verdict>, excluded: Option<&[&Person]>, now: u64) -> Vec<Bytes> {
        let facts = self.facts();
        let excluded: Option<Vec<_>> = excluded.map(|excluded| {
            let of = |person: &&Person| Excluded {
                account: person.address(),
                reason: "revoked".to_owned(),
            };
            excluded.iter().map(of).collect()
        });
        self.voting.round(&facts, verdicts, excluded.as_deref(), now);
        self.council.says()
    }
}

#[tokio::test]
async fn a_vote_is_taken_back_by_a_process_that_did_not_cast_it_and_a_persons_is_not() {
    let council = Council::meets().await;
    let (bad, now) = (validator(2), council.now);
    council.hears(&validator(1), &propose(&bad));
    assert_eq!(council.process(now).round(Some(&[&bad]), now), [vote(1)]);
    council.world.mine();
    assert_eq!(council.process(now).round(Some(&[&bad]), now), [] as [Bytes; 0]);
    let mut process = council.process(now);
    assert_eq!(process.round(Some(&[]), now), [unvote(1)]);
    council.world.mine();
    assert_eq!(process.round(Some(&[]), now + 10), [] as [Bytes; 0]);
    // A person votes in its place, in the very next block.
    let person = |id: u64| Bootstrap::voteCall {
        proposalId: U256::from(id),
        support: true,
        tuple: NotaryTuple::default(),
    };
    council.hears(&validator(0), &person(1));
    assert_eq!(process.round(Some(&[]), now + 20), [] as [Bytes; 0]);

    council.hears(&validator(3), &propose(&bad));
    council.hears(&validator(0), &person(2));
    assert_eq!(council.process(now).round(Some(&[]), now), [] as [Bytes; 0]);
    council.world.stop().await;
}

#[tokio::test]
async fn a_proposal_without_a_vote_has_no_more_than_a_day_either() {
    let council = Council::meets().await;
    let (bad, now) = (validator(2), council.now + ALL_TURNS_SECONDS);
    let mut process = council.process(council.now);
    process.round(Some(&[&bad]), council.now);
    let proposed: [Bytes; 1] = [propose(&bad).abi_encode().into()];
    assert_eq!(process.round(Some(&[&bad]), now), proposed);
    council.world.mine();
    for later in (now..now + UNCHECKED_SECONDS_MAX).step_by(7_200) {
        assert_eq!(
            council.process(later).round(None, later),
            [] as [Bytes; 0],
            "at {later}"
        );
    }
    let day_after = now + UNCHECKED_SECONDS_MAX;
    let taken_back: [Bytes; 1] = [withdraw(1).abi_encode().into()];
    assert_eq!(council.process(day_after).round(None, day_after), taken_back);
    council.world.stop().await;
}

#[tokio::test]
async fn a_silent_notary_has_a_day_however_often_the_node_is_started_again() {
    let council = Council::meets().await;
    let bad = validator(2);
    council.hears(&validator(1), &propose(&bad));
    let cast_at = council.now;
    let mut process = council.process(cast_at);
    assert_eq!(process.round(Some(&[&bad]), cast_at), [vote(1)]);
    council.world.mine();
    // Two hours later it is still excluded; then nobody says anything.
    let good_at = cast_at + 7_200;
    assert_eq!(process.round(Some(&[&bad]), good_at), [] as [Bytes; 0]);
    assert_eq!(
        process.round(None, good_at + UNCHECKED_SECONDS_MAX - 1),
        [] as [Bytes; 0]
    );
    for now in (good_at..good_at + UNCHECKED_SECONDS_MAX).step_by(3_600) {
        assert_eq!(council.process(now).round(None, now), [] as [Bytes; 0], "at {now}");
    }
    let now = good_at + UNCHECKED_SECONDS_MAX;
    assert_eq!(council.process(now).round(None, now), [unvote(1)]);
    council.forgets();
    assert_eq!(process.round(None, now), [unvote(1)], "nor has the first more");
    council.world.stop().await;
}

#[tokio::test]
async fn a_clock_that_was_ahead_gives_a_silent_notary_no_more_than_a_day() {
    let council = Council::meets().await;
    let (bad, now) = (validator(2), council.now);
    council.hears(&validator(1), &propose(&bad));
    let ahead = now + 3 * UNCHECKED_SECONDS_MAX;
    let mut process = council.process(ahead);
    assert_eq!(process.round(Some(&[&bad]), ahead), [vote(1)]);
    council.world.mine();
    assert_eq!(process.round(None, now), [] as [Bytes; 0], "the clock is set right");
    let day_after = now + UNCHECKED_SECONDS_MAX;
    assert_eq!(process.round(None, day_after), [unvote(1)]);
    council.forgets();
    assert_eq!(council.process(day_after).round(None, day_after), [unvote(1)]);
    council.world.stop().await;
}

#[tokio::test]
async fn an_unvote_that_is_lost_is_sent_again_although_the_notary_falls_silent() {
    let council = Council::meets().await;
    let (bad, now) = (validator(2), council.now);
    council.hears(&stranger(0), &request("The fifth".to_owned()));
    council.hears(&validator(1), &propose(&bad));
    let stamp = Stamp {
        version: Version::FIRST,
        sha256: [1; 32],
    };
    let tuple = Tuple {
        root: stamp,
        targets: stamp,
        admission_sha256: [2; 32],
        nodes_sha256: [3; 32],
    };
    let of_first = |verdict: Verdict| BTreeMap::from([(1, verdict)]);
    let good = of_first(Verdict::Good(tuple));
    let refused = of_first(Verdict::Refused("revoked".to_owned()));
    let unknown = of_first(Verdict::Unknown("down".to_owned()));
    let for_both = [vote_with(1, plan::contract_tuple(&tuple)), vote(2)];
    let mut process = council.process(now);
    assert_eq!(process.round_with(&good, Some(&[&bad]), now), for_both);
    council.world.mine();
    assert_eq!(process.round_with(&unknown, None, now + 1), [] as [Bytes; 0]);
    let back = [unvote(1), unvote(2)];
    assert_eq!(process.round_with(&refused, Some(&[]), now + 10), back);
    council.forgets();
    assert_eq!(process.round_with(&unknown, None, now + 20), back);
    council.forgets();
    let mut again = council.process(now + 25);
    assert_eq!(again.round_with(&unknown, None, now + 25), back);
    council.forgets();
    assert_eq!(process.round_with(&good, Some(&[&bad]), now + 30), [] as [Bytes; 0]);
    assert_eq!(
        process.round_with(&unknown, None, now + 40),
        [] as [Bytes; 0],
        "good again"
    );
    council.world.stop().await;
}

#[tokio::test]
async fn a_removal_is_voted_for_whoever_proposed_it_unless_that_one_is_excluded() {
    let council = Council::meets().await;
    let ([bad, worse, other], now) = ([1, 2, 3].map(validator), council.now);
    council.hears(&worse, &propose(&bad));
    council.hears(&other, &propose(&bad));
    let mut process = council.process(now);
    let excluded = [&bad, &worse];
    let said = process.round(Some(&excluded), now);
    assert!(said.contains(&vote(2)) && !said.contains(&vote(1)), "{said:?}");
    council.forgets();
    // Whoever took one back once is not waited for, and has votes as before.
    council.hears(&other, &withdraw(2));
    council.hears(&other, &propose(&bad));
    assert_eq!(process.facts().withdrawn, [2].into());
    let said = process.round(Some(&excluded), now + ALL_TURNS_SECONDS);
    assert!(said.contains(&vote(3)) && !said.contains(&vote(1)), "{said:?}");
    assert!(said.contains(&propose(&bad).abi_encode().into()), "{said:?}");
    council.world.stop().await;
}

#[tokio::test]
async fn a_removal_that_the_node_proposed_goes_with_the_word_before_there_is_a_vote() {
    let council = Council::meets().await;
    let ([bad, worse], mut now) = ([1, 2].map(validator), council.now);
    let mut process = council.process(now);
    for id in [1, 2] {
        process.round(Some(&[&bad]), now);
        now += ALL_TURNS_SECONDS;
        let proposed: [Bytes; 1] = [propose(&bad).abi_encode().into()];
        assert_eq!(process.round(Some(&[&bad]), now), proposed);
        council.world.mine();
        // It is lifted; the second time in another process.
        if id == 2 {
            process = council.process(now);
        }
        let taken_back: [Bytes; 1] = [withdraw(id).abi_encode().into()];
        assert_eq!(process.round(Some(&[]), now), taken_back);
        council.world.mine();
    }
    // What a person proposes stays, in the very next block.
    assert_eq!(process.round(Some(&[]), now + 10), [] as [Bytes; 0]);
    council.hears(&validator(0), &propose(&bad));
    assert_eq!(process.round(Some(&[]), now + 20), [] as [Bytes; 0]);
    council.hears(&validator(0), &withdraw(3));
    council.hears(&validator(0), &propose(&worse));
    assert_eq!(council.process(now).round(Some(&[]), now), [] as [Bytes; 0]);
    council.world.stop().await;
}

#[tokio::test]
async fn a_node_that_does_not_know_its_own_votes_neither_votes_nor_proposes() {
    let council = Council::meets().await;
    let ([bad, worse], now) = ([1, 2].map(validator), council.now);
    council.hears(&validator(3), &propose(&bad));
    let file = |folder: &Path| folder.join(format!("votes-{}", validator(0).address()));
    fs::write(file(council.folder.path()), "seven\n").unwrap();
    let mut process = council.process(now);
    for now in [now, now + ALL_TURNS_SECONDS] {
        assert_eq!(process.round(Some(&[&bad, &worse]), now), [] as [Bytes; 0]);
    }
    fs::remove_file(file(council.folder.path())).unwrap();
    let mut process = council.process(now);
    process.round(Some(&[&bad, &worse]), now);
    let said = process.round(Some(&[&bad, &worse]), now + ALL_TURNS_SECONDS);
    let proposal: Bytes = propose(&worse).abi_encode().into();
    assert!(said.contains(&vote(1)) && said.contains(&proposal), "{said:?}");
    council.world.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_and_a_gap_of_nonces_hold_up_nobody() {
    let council = Council::meets().await;
    let (world, who) = (&council.world, validator(0));
    let mut sender = Sender::new(Arc::clone(&world.runtime), Arc::clone(&world.pool), who.0.clone());
    let call = propose(&validator(1));
    let ahead = council.now + UNCHECKED_SECONDS_MAX;
    assert!(sender.send(&call, "propose", ahead));
    council.forgets();
    assert!(sender.is_idle(council.now), "what was sent tomorrow is not on its way");
    assert!(sender.send(&call, "propose", council.now));
    assert_eq!(council.says().len(), 1, "the pool had lost it");
    council.forgets();

    let later = council.now + ALL_TURNS_SECONDS;
    let waits = |to: Address| {
        let transaction = who.call(world.nonce(&who) + 5, to, Bytes::new());
        world.pool.submit(&transaction.encoded_2718()).unwrap();
        *transaction.tx_hash()
    };
    let hash: B256 = waits(Address::repeat_byte(7));
    assert!(sender.is_idle(later), "it may wait for ever");
    world.pool.drop_slow(&hash);
    waits(BOOTSTRAP);
    assert!(!sender.is_idle(later), "it may be a vote");
    council.world.stop().await;
}
