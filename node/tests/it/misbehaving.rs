//! Peers and validators that do not keep to the rules, against real nodes: what becomes of them, and of those that do.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use ledger_chainspec::{
    Block, BlockHash, BlockNumber, FinalityCertificate, SetId, Statement, StatementKind, UnixMillis, Vote, dev_keys,
};
use ledger_consensus::Schedule;
use ledger_network::{
    ConsensusMessage, GossipMessage, Multiaddr, NetworkHandle, NetworkLimits, NetworkOptions, PeerStatus, Request,
    Response,
};
use ledger_node::driver::now;
use ledger_runtime::{Executed, ProduceInputs, Runtime};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    network::{Member, PATIENCE, four_validators},
    node::{dev_account, transfer_on},
};

/// Blocks of the chain that a latecomer wants; more than one piece of the sync.
const LONG: u64 = 150;

/// A peer that answers as a test wants.
struct Stranger {
    handle: NetworkHandle,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

impl Stranger {
    /// Peer `k` of the chain of `runtime`, which says that it has `head` blocks, and answers a request for blocks with what
    /// `answer` gives; with nothing if that is none.
    fn start(
        k: u32,
        runtime: &Runtime,
        bootnode: Multiaddr,
        head: u64,
        answer: impl Fn(u64, u32) -> Option<Response> + Send + 'static,
    ) -> Self {
        let options = NetworkOptions {
            identity: dev_keys::peer_key(k),
            genesis: runtime.genesis_hash(),
            listen: vec![([127, 0, 0, 1], 0).into()],
            external: Vec::new(),
            bootnodes: vec![bootnode],
            reserved: Vec::new(),
            reserved_only: false,
            peer_store: None,
            agent: "stranger/1".to_owned(),
            limits: NetworkLimits::default(),
        };
        let (network, handle, mut events) = ledger_network::Network::bind(options).unwrap();
        handle.set_status(PeerStatus {
            head: BlockNumber::new(head),
            head_hash: BlockHash::new(B256::repeat_byte(7)),
            oldest: BlockNumber::new(0),
            unix_ms: 0,
        });
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(network.run(shutdown.clone()));
        let token = shutdown.clone();
        tasks.spawn(async move {
            let mut kept = Vec::new();
            loop {
                let incoming = tokio::select! {
                    () = token.cancelled() => return,
                    incoming = events.requests.recv() => incoming,
                };
                let Some(incoming) = incoming else { return };
                let Request::Blocks { from, count } = incoming.request else {
                    continue;
                };
                match answer(from.get(), count) {
                    Some(response) => incoming.answer(response),
                    None => kept.push(incoming),
                }
            }
        });
        Self {
            handle,
            shutdown,
            tasks,
        }
    }

    async fn connected(&self) {
        let mut peers = self.handle.peers();
        let some = peers.wait_for(|peers| !peers.connected.is_empty());
        tokio::time::timeout(PATIENCE, some)
            .await
            .expect("connected in time")
            .unwrap();
    }

    async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// A prevote that development validator `k` signs for the height after `head`, now.
fn prevote(runtime: &Runtime, k: u32, hash: u8) -> Vote {
    let spec = runtime.spec();
    let schedule = Schedule::new(spec.consensus.slot_duration_ms.try_into().unwrap());
    let statement = Statement {
        genesis: runtime.genesis_hash(),
        set_id: SetId::new(0),
        height: runtime.head().number().next().unwrap(),
        slot: schedule.slot_at(UnixMillis::new(now().get())),
        kind: StatementKind::Prevote,
        hash: BlockHash::new(B256::repeat_byte(hash)),
        valid_slot: None,
    };
    Vote::sign(&statement, &dev_keys::validator_key(k))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_validator_that_votes_twice_in_a_slot_is_jailed_by_the_contract() {
    let mut members = four_validators().await;
    for member in &mut members {
        member.head_at(1).await;
    }
    // Validator 3 goes, and somebody who has its key says two things at once, and that the chain is longer than anybody knows.
    members.pop().unwrap().stop().await;
    let (runtime, bootnode) = (Arc::clone(&members[0].runtime), members[0].address.clone());
    let twin = Stranger::start(11, &runtime, bootnode, u64::MAX, |_, _| None);
    twin.connected().await;
    let deadline = Instant::now() + PATIENCE;
    while runtime.head().set.len() == 4 {
        for hash in [0xaa, 0xbb] {
            let vote = prevote(&runtime, 3, hash);
            twin.handle
                .publish(GossipMessage::Consensus(ConsensusMessage::Vote(vote)));
        }
        assert!(Instant::now() < deadline, "the validator was not jailed");
        sleep(Duration::from_millis(500)).await;
        let syncing: serde_json::Value = members[0].ask("eth_syncing", serde_json::json!([])).await;
        assert_eq!(syncing, false, "validators are believed, and not strangers");
    }
    let set = Arc::clone(&runtime.head().set);
    assert_eq!((set.id(), set.len()), (SetId::new(1), 3));
    let offender = ledger_chainspec::ConsensusKey::of(&dev_keys::validator_key(3));
    assert!(set.index_of(&offender).is_none());
    // The others go on by themselves.
    let next = runtime.head().number().get() + 2;
    for member in &mut members {
        member.head_at(next).await;
    }
    twin.stop().await;
    for member in members {
        member.stop().await;
    }
}

/// A chain of `count` empty blocks in `runtime`, each sealed by the authority of its slot and certified by three of four.
fn lengthen(runtime: &Runtime, count: u64) {
    for _ in 0..count {
        let head = runtime.head();
        let slot = head.slot.next().unwrap();
        let produced = runtime.produce(ProduceInputs {
            may_recover: &|_| false,
            gas_target: u64::MAX,
            slot,
            parent_certificate: head.certificate.clone(),
            candidates: &mut std::iter::empty(),
        });
        let executed = produced.unwrap().executed;
        let statement = |kind, hash, executed: &Executed| Statement {
            genesis: runtime.genesis_hash(),
            set_id: head.set.id(),
            height: executed.number(),
            slot,
            kind,
            hash,
            valid_slot: None,
        };
        let authority = head.set.index_of(&head.set.authority(slot).consensus_key).unwrap();
        let key = dev_keys::validator_key(u32::try_from(authority).unwrap());
        let seal = statement(StatementKind::Seal, executed.seal_hash(), &executed).sign(&key);
        let executed = executed.sealed(seal);
        let precommit = statement(StatementKind::Precommit, executed.hash(), &executed);
        let certificate = FinalityCertificate {
            set_id: precommit.set_id,
            height: precommit.height,
            slot,
            hash: precommit.hash,
            signatures: (0..3)
                .map(|index| (index, precommit.sign(&dev_keys::validator_key(index.into()))))
                .collect(),
        };
        runtime.commit_unsynced(executed, certificate).unwrap();
    }
    runtime.sync().unwrap();
}

/// What an honest node answers.
fn honest(runtime: &Runtime, from: u64, count: u32) -> (Vec<Block>, Option<FinalityCertificate>) {
    let found = runtime
        .certified_blocks(BlockNumber::new(from), count, 1 << 20)
        .unwrap();
    (found.blocks, found.certificate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_latecomer_gets_past_peers_that_lie_and_peers_that_drip() {
    let honest_member = Member::start_with(8, Vec::new(), |runtime| lengthen(runtime, LONG)).await;
    let runtime = Arc::clone(&honest_member.runtime);
    let bootnode = honest_member.address.clone();
    let mut late = Member::start(9, vec![bootnode]).await;
    let meet = late.address.clone();
    // One claims all that there could be, one changes what it gives, one never answers.
    let boaster = Stranger::start(12, &runtime, meet.clone(), u64::MAX, |_, _| {
        Some(Response::Blocks {
            blocks: Vec::new(),
            certificate: None,
        })
    });
    let source = Arc::clone(&runtime);
    let forger = Stranger::start(13, &runtime, meet.clone(), LONG, move |from, count| {
        let (mut blocks, certificate) = honest(&source, from, count);
        // The last block of a chain that hangs together still has to be certified.
        let certificate = certificate.map(|mut certificate| {
            certificate.signatures.truncate(2);
            certificate
        });
        blocks.truncate(usize::try_from(count).unwrap());
        Some(Response::Blocks { blocks, certificate })
    });
    let dripper = Stranger::start(14, &runtime, meet, LONG, |_, _| None);
    late.head_at(LONG).await;
    assert_eq!(late.runtime.head().hash(), runtime.head().hash());
    for stranger in [boaster, forger, dripper] {
        stranger.stop().await;
    }
    late.stop().await;
    honest_member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_of_the_reserved_lane_travel_apart_and_nobody_passes_off_others_as_such() {
    let member = Member::start(8, Vec::new()).await;
    let runtime = Arc::clone(&member.runtime);
    let (chain_id, to) = (runtime.spec().chain_id, (Address::repeat_byte(1), U256::ZERO));
    let stranger = Stranger::start(12, &runtime, member.address.clone(), 0, |_, _| None);
    stranger.connected().await;
    let owner = dev_account(0);
    assert_eq!(runtime.head().set.get(0).unwrap().account, owner.address());
    let deadline = Instant::now() + PATIENCE;

    // Each nonce anew: the first messages find nobody who listens yet.
    let mut nonce = 0;
    while member.pool.lane(&owner.address()).is_none() {
        let payment = transfer_on(chain_id, &owner, nonce, to);
        stranger.handle.publish(GossipMessage::Reserved(vec![payment]));
        nonce += 1;
        assert!(Instant::now() < deadline, "no reserved transaction came");
        sleep(Duration::from_millis(200)).await;
    }

    let mut sent = 0;
    let mut peers = stranger.handle.peers();
    while !peers.borrow_and_update().connected.is_empty() {
        let payments = [(); 2].map(|()| transfer_on(chain_id, &PrivateKeySigner::random(), 0, to));
        let second = keccak256(&payments[1]);
        stranger.handle.publish(GossipMessage::Reserved(payments.into()));
        sent += 1;
        assert!(Instant::now() < deadline, "nothing was held against it");
        sleep(Duration::from_millis(200)).await;
        assert!(
            member.pool.get(&second).is_none(),
            "what comes after the first of them is not looked at"
        );
    }
    assert!(sent >= 5, "{sent} messages are too few to be let go for");
    stranger.stop().await;
    member.stop().await;
}
