//! Promises, stalls, proofs and peers, told by a dev chain whose real driver, announcer and keeper of evidence run.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, Bytes};
use jsonrpsee::{core::client::SubscriptionClientT, rpc_params, ws_client::WsClientBuilder};
use ledger_api::{EndorsementInfo, EvidenceInfo, NodeStatus, SlotInfo, SlotsInfo, StallReport, openrpc::document};
use ledger_chainspec::{
    BlockHash, BlockNumber, ChainSpec, ConsensusKey, Endorsement, Signature64, Slot, Statement, StatementKind, dev_keys,
};
use ledger_consensus::{Evidence, EvidenceKind, GuardStart, SignedStatement};
use ledger_node::{
    config::RpcConfig,
    driver::{Driver, DriverParts, Signing},
    ports,
    rpc::{RpcLimits, RpcServer},
    signer::{ConsensusSigner, GuardStore},
    txpool::TxPool,
    wiring::{Roles, Wiring},
};
use ledger_runtime::{ReadLimits, Runtime, RuntimeOptions};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    suite::Suite,
    world::{self, Person, World, options},
};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node of the dev chain without its process: all its tasks, and its JSON-RPC.
struct Live {
    runtime: Arc<Runtime>,
    evidence: mpsc::Sender<Evidence>,
    url: String,
    ours: std::sync::Mutex<Suite>,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Live {
    /// A chain with slots of `slot_ms`; its driver runs if `is_driven`.
    fn start(slot_ms: u64, is_driven: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = ChainSpec::dev();
        spec.consensus.slot_duration_ms = slot_ms;
        spec.consensus.heartbeat_slots = 1 << 40;
        let options = RuntimeOptions::new(folder.path().join("chain"), Arc::new(spec));
        let runtime = Arc::new(Runtime::open(options).unwrap());
        let pool = Arc::new(TxPool::open(Arc::clone(&runtime), None).unwrap());
        let (head_sender, heads) = watch::channel(runtime.head());
        let signer = Arc::new(ConsensusSigner::new(dev_keys::validator_key(0)));
        let wiring = Wiring::new(
            (&runtime, &pool, &heads),
            (None, &Arc::default()),
            Roles {
                signer: Some(Arc::clone(&signer)),
                ..Roles::default()
            },
            Handle::current(),
        );
        let context = world::context_of(&runtime, &pool, heads, (wiring.status.clone(), wiring.port.clone()));
        let server = RpcServer::bind(world::options(RpcLimits::default()), context).unwrap();
        let url = format!("http://{}", server.address());
        let shutdown = CancellationToken::new();
        tokio::spawn(server.run(shutdown.clone()));
        for (_, task) in wiring.tasks {
            tokio::spawn(task(shutdown.clone()));
        }
        let parts = DriverParts {
            runtime: Arc::clone(&runtime),
            pool,
            heads: head_sender,
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            endorsements: Arc::clone(&wiring.port.endorsements),
            evidence: wiring.evidence.clone(),
            confirmed: Arc::clone(&wiring.port.confirmed),
            slots: Arc::clone(&wiring.port.slots),
        };
        let (store, _) = GuardStore::open(&folder.path().join("guard"), runtime.genesis_hash().get()).unwrap();
        let signing = Signing {
            signer,
            store,
            start: GuardStart::Fresh,
        };
        let driver = Driver::new(parts, wiring.driver, Some(signing), shutdown.clone()).unwrap();
        // A driver that is not run keeps its questions and answers none, as one that hangs would.
        match is_driven {
            true => drop(tokio::spawn(driver.run())),
            false => drop(tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(driver);
            })),
        }
        Self {
            runtime,
            evidence: wiring.evidence,
            url,
            ours: std::sync::Mutex::new(Suite::new(&document("test"), &[])),
            shutdown,
            _folder: folder,
        }
    }

    /// Asks, and holds the answer against our own document.
    async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> T {
        let answer = world::ask_at(&self.url, method, &params).await.unwrap();
        self.ours.lock().unwrap().judge(method, &params, &answer);
        serde_json::from_value(answer).unwrap()
    }

    async fn send(&self, nonce: u64) -> B256 {
        let transaction = Person::number(3).call(nonce, Address::repeat_byte(1), Bytes::new());
        let raw = Bytes::from(alloy_eips::eip2718::Encodable2718::encoded_2718(&transaction));
        self.ask("eth_sendRawTransaction", json!([raw])).await
    }

    /// Asks until the answer is as it should be.
    async fn until<T: DeserializeOwned + std::fmt::Debug>(
        &self,
        (method, params): (&str, Value),
        is_right: impl Fn(&T) -> bool,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: T = self.ask(method, params.clone()).await;
            if is_right(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{method}: {answer:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn own_key() -> ConsensusKey {
    ConsensusKey::of(&dev_keys::validator_key(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn validator_of_a_set_of_one_endorses_and_the_promise_names_the_block_that_keeps_it() {
    let live = Live::start(1_000, true);
    // A block may take a transaction before there was time to promise anything about it.
    let mut promised = None;
    for nonce in 0..8 {
        let hash = live.send(nonce).await;
        let promise: Option<EndorsementInfo> = live.ask("ledger_endorsement", json!([hash])).await;
        promised = promise.map(|promise| (hash, promise));
        if promised.is_some() {
            break;
        }
    }
    let (hash, promise) = promised.expect("the chain's only validator promises something of eight");
    assert_eq!((promise.transaction, promise.authority.index), (hash, Some(0)));
    assert_eq!(promise.authority.cloud.as_deref(), Some("Aurora Cloud"));
    assert_eq!(
        promise.authority.account,
        Some(live.runtime.head().set.get(0).unwrap().account)
    );
    assert_eq!(promise.slot_start_ms, promise.slot * 1_000);
    let signed = Endorsement {
        slot: Slot::new(promise.slot),
        transactions: promise.transactions.clone(),
        authority: own_key(),
        signature: Signature64::new(promise.signature.as_ref().try_into().unwrap()),
    };
    assert!(signed.transactions.contains(&hash) && signed.verify(live.runtime.genesis_hash()));

    let kept =
        |promise: &Option<EndorsementInfo>| promise.as_ref().is_some_and(|promise| promise.block_number.is_some());
    let kept: Option<EndorsementInfo> = live.until(("ledger_endorsement", json!([hash])), kept).await;
    let block = kept.unwrap().block_number.unwrap();
    assert!((1..=8).contains(&block), "{block}");
}

#[tokio::test]
async fn nothing_is_promised_about_what_is_not_there_and_nobody_waits_for_it() {
    let world = World::start().await;
    let started = Instant::now();
    for _ in 0..4 {
        let none: Value = world.ask("ledger_endorsement", json!([B256::repeat_byte(9)])).await;
        assert_eq!(none, Value::Null);
    }
    assert!(
        started.elapsed() < ledger_node::endorse::ENDORSEMENT_WAIT * 4,
        "{:?}",
        started.elapsed()
    );
    // Nobody endorses in this world: the question ends when its time is over, or when the transaction is in a block.
    let hash = world.send(&Person::number(3).pay(0, 0, 0)).await;
    let started = Instant::now();
    assert_eq!(
        world.ask::<Value>("ledger_endorsement", json!([hash])).await,
        Value::Null
    );
    assert!(started.elapsed() >= ledger_node::endorse::ENDORSEMENT_WAIT);
    world.mine();
    assert_eq!(
        world.ask::<Value>("ledger_endorsement", json!([hash])).await,
        Value::Null
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_chain_and_busy_chain_are_not_stalled() {
    let live = Live::start(1_000, true);
    let quiet: StallReport = live.ask("ledger_whyStalled", json!([])).await;
    assert!(!quiet.stalled && quiet.reasons.is_empty(), "{quiet:?}");
    assert!(
        quiet.summary.starts_with("All is quiet: block 1 comes with"),
        "{}",
        quiet.summary
    );
    let open = quiet.open.unwrap();
    assert_eq!((open.height, open.quorum, open.silence), (1, 1, None));
    assert_eq!(open.authority.cloud.as_deref(), Some("Aurora Cloud"));
    assert!(quiet.validators[0].own && !quiet.validators[0].connected);

    live.send(0).await;
    let moved: StallReport = live
        .until(("ledger_whyStalled", json!([])), |report: &StallReport| {
            report.head.number == 1
        })
        .await;
    assert!(!moved.stalled, "{moved:?}");
    let status: NodeStatus = live.ask("ledger_status", json!([])).await;
    assert_eq!(status.own_validator, Some(open.authority));
    assert_eq!(
        (
            status.connected_validators,
            status.sync_target,
            status.highest_peer_block
        ),
        (0, None, None)
    );
    assert_eq!(live.ask::<Value>("ledger_peers", json!([])).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_with_blocks_are_told_with_their_validator_and_how_soon_they_were_final() {
    let live = Live::start(400, true);
    let none: SlotsInfo = live.ask("ledger_slots", json!(["0x8"])).await;
    assert!(none.slots.is_empty() && none.turns[0].blocks == 0, "{none:?}");
    let socket = WsClientBuilder::default()
        .build(live.url.replace("http", "ws"))
        .await
        .unwrap();
    let mut told = socket
        .subscribe::<SlotInfo, _>("ledger_subscribe", rpc_params!["slots"], "ledger_unsubscribe")
        .await
        .unwrap();
    for nonce in 0..2 {
        live.send(nonce).await;
        live.until(("ledger_slots", json!(["0x8"])), |info: &SlotsInfo| {
            info.turns[0].blocks == nonce + 1
        })
        .await;
    }
    let newest: SlotsInfo = live.ask("ledger_slots", json!(["0x1"])).await;
    let [slot] = &newest.slots[..] else {
        panic!("{newest:?}")
    };
    // A turn that was missed before a block is told as well.
    let heard = async {
        let mut blocks = Vec::new();
        while blocks.len() < 2 {
            let slot = told.next().await.unwrap().unwrap();
            blocks.extend(slot.block.is_some().then_some(slot));
        }
        blocks
    };
    assert_eq!(timeout(PATIENCE, heard).await.unwrap()[1], *slot);
    let block = slot.block.as_ref().unwrap();
    let head = live.runtime.head();
    assert_eq!(
        (block.number, block.hash, block.transactions),
        (2, head.hash().get(), 1)
    );
    assert_eq!(
        (slot.slot, slot.authority),
        (head.slot.get(), newest.turns[0].validator.consensus_key)
    );
    assert!(block.final_after_ms < 20_000 && newest.slot >= slot.slot && newest.since_slot <= slot.slot);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_whose_driver_hangs_says_so_while_a_transaction_waits() {
    let live = Live::start(100, false);
    live.send(0).await;
    let stalled: StallReport = live
        .until(("ledger_whyStalled", json!([])), |report: &StallReport| report.stalled)
        .await;
    assert!(
        stalled.summary.ends_with("although 1 transaction waits."),
        "{}",
        stalled.summary
    );
    assert!(stalled.open.is_none() && stalled.pending == 1);
    assert!(
        stalled.reasons[0].contains("did not answer in time"),
        "{:?}",
        stalled.reasons
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn proof_of_a_broken_rule_is_shown_as_the_contract_takes_it() {
    let live = Live::start(1_000, true);
    assert_eq!(live.ask::<Value>("ledger_evidence", json!([])).await, json!([]));
    let statement = |block: u8| {
        let statement = Statement {
            genesis: live.runtime.genesis_hash(),
            set_id: live.runtime.head().set.id(),
            height: BlockNumber::new(1),
            slot: Slot::new(5),
            kind: StatementKind::Precommit,
            hash: BlockHash::new(B256::repeat_byte(block)),
            valid_slot: None,
        };
        SignedStatement {
            signature: statement.sign(&dev_keys::validator_key(0)),
            statement,
        }
    };
    let proof = Evidence {
        kind: EvidenceKind::DoubleVote,
        offender: own_key(),
        first: statement(1),
        second: statement(2),
    };
    live.evidence.send(proof.clone()).await.unwrap();
    // The chain's last validator cannot be put out of its set.
    let settled = |found: &Vec<EvidenceInfo>| {
        found
            .first()
            .is_some_and(|found| json!(found.state) == json!("refused"))
    };
    let found: Vec<EvidenceInfo> = live.until(("ledger_evidence", json!([])), settled).await;
    let [found] = found.as_slice() else { panic!("one proof") };
    assert_eq!(found.offender.cloud.as_deref(), Some("Aurora Cloud"));
    assert_eq!((found.slot, found.found_at, found.transaction), (5, 0, None));
    assert_eq!(json!(found.kind), json!("doubleVote"));
    let bytes = [proof.first.to_bytes(), proof.second.to_bytes()].map(Bytes::from);
    assert_eq!([found.first.clone(), found.second.clone()], bytes);
}

#[tokio::test]
async fn usual_port_that_is_taken_gives_way_and_one_that_was_asked_for_does_not() {
    let world = World::start().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = RpcConfig {
        options: options(RpcLimits::default()),
        any_port_will_do: true,
        reads: ReadLimits::default(),
    };
    config.options.address = taken.local_addr().unwrap();
    let server = ports::bind_rpc(&config, world.context()).unwrap();
    assert_ne!(server.address().port(), config.options.address.port());
    assert_eq!(server.address().ip(), config.options.address.ip());
    config.any_port_will_do = false;
    let error = ports::bind_rpc(&config, world.context()).unwrap_err().to_string();
    assert!(error.contains("--rpc-port"), "{error}");
    world.stop().await;
}
