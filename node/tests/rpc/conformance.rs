//! Is every answer what Ethereum's clients expect? Every method is asked, with every form of its parameters, on a chain with
//! some of everything, and every answer is held against the schemas of the execution-apis and against our own document.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::types::ErrorObjectOwned;
use ledger_api::openrpc::{METHODS, document};
use ledger_chainspec::{Slot, predeploys::TRANSACT};
use ledger_checkpoint::{
    reading::{Anchored, Book, Place, Standing},
    statement::{Anchor, Checkpoint},
};
use ledger_node::{
    anchor::{Reading, Seen},
    checkpoints::{
        Planner,
        book::{MainchainView, Sent, Signing, Snapshot},
        collecting::Open,
        facts::{CheckpointBlock, CheckpointConfig, SigningSet},
    },
    rpc::{NetworkStatus, SyncProgress},
};
use serde_json::{Value, json};

use crate::{
    filled::Filled,
    suite::{CORRECTIONS, Suite},
    world::Person,
};

/// Methods of the execution-apis that this node does not have, and why. Each must be missing, or the test fails.
const NOT_HERE: &[(&str, &str)] = &[
    (
        "eth_sendTransaction",
        "the node holds no keys; sign in a wallet and use eth_sendRawTransaction",
    ),
    ("eth_sign", "as eth_sendTransaction"),
    ("eth_signTransaction", "as eth_sendTransaction"),
    (
        "eth_getBlockAccessList",
        "blocks have access lists from the fork Amsterdam on (EIP-7928), which no chain here has",
    ),
    ("debug_getRawBlockAccessList", "as eth_getBlockAccessList"),
];

/// Methods of ours that are not asked here, and why.
const NOT_ASKED: &[(&str, &str)] = &[
    ("eth_subscribe", "works over a WebSocket only; subscribe.rs asks it"),
    ("eth_unsubscribe", "as eth_subscribe"),
    ("ledger_subscribe", "works over a WebSocket only; subscribe.rs asks it"),
    ("ledger_unsubscribe", "as ledger_subscribe"),
    ("rpc.discover", "gives the document that judges the others"),
];

/// Asks, and judges answers.
struct Examiner<'a> {
    chain: &'a Filled,
    theirs: Option<Suite>,
    ours: Suite,
    refused: BTreeMap<String, usize>,
}

impl Examiner<'_> {
    /// Asks what must have an answer.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        match self.chain.world.try_ask(method, params.clone()).await {
            Ok(answer) => {
                for suite in self.theirs.iter().chain([&self.ours]) {
                    suite.judge(method, &params, &answer);
                }
                answer
            }
            Err(error) => panic!("{method} {params}: {error:?}"),
        }
    }

    /// Asks what must be refused with this code, in words.
    async fn refused(&mut self, method: &str, params: Value, code: i32) -> ErrorObjectOwned {
        let error = self.chain.world.refused(method, params.clone()).await;
        assert_eq!(error.code(), code, "{method} {params}: {error:?}");
        assert!(!error.message().is_empty(), "{method} {params}");
        *self.refused.entry(method.to_owned()).or_default() += 1;
        error
    }

    /// Every way to name a block, with a block of each kind.
    fn tags(&self) -> Vec<Value> {
        let tags = ["latest", "earliest", "pending", "safe", "finalized"];
        let numbers = (0..=self.chain.head()).map(|number| json!(format!("{number:#x}")));
        tags.map(|tag| json!(tag)).into_iter().chain(numbers).collect()
    }

    async fn hashes(&mut self) -> Vec<Value> {
        let mut hashes = Vec::new();
        for tag in self.tags() {
            let header = self.ask("eth_getHeaderByNumber", json!([tag])).await;
            hashes.push(header["hash"].clone());
        }
        hashes
    }

    /// [`Self::tags`], and the objects of EIP-1898.
    async fn blocks(&mut self) -> Vec<Value> {
        let mut blocks = self.tags();
        for hash in self.hashes().await {
            blocks.push(json!({ "blockHash": hash }));
            blocks.push(json!({ "blockHash": hash, "requireCanonical": true }));
        }
        blocks.push(json!({ "blockNumber": "0x1" }));
        blocks
    }
}

async fn blocks_and_their_parts(examiner: &mut Examiner<'_>) {
    let nowhere = [json!("0xffffff"), json!(B256::repeat_byte(9))];
    let tags = examiner.tags();
    let hashes = examiner.hashes().await;
    for (by, given) in [("Number", tags), ("Hash", hashes)] {
        let missing = &nowhere[usize::from(by == "Hash")];
        for block in given.iter().chain([missing]) {
            for hydrated in [false, true] {
                examiner
                    .ask(&format!("eth_getBlockBy{by}"), json!([block, hydrated]))
                    .await;
            }
            examiner.ask(&format!("eth_getHeaderBy{by}"), json!([block])).await;
            examiner
                .ask(&format!("eth_getBlockTransactionCountBy{by}"), json!([block]))
                .await;
            examiner
                .ask(&format!("eth_getUncleCountByBlock{by}"), json!([block]))
                .await;
            examiner
                .ask(&format!("eth_getUncleByBlock{by}AndIndex"), json!([block, "0x0"]))
                .await;
            for index in ["0x0", "0x3", "0xffff"] {
                let method = format!("eth_getTransactionByBlock{by}AndIndex");
                examiner.ask(&method, json!([block, index])).await;
            }
        }
    }
    for block in examiner.blocks().await {
        examiner.ask("eth_getBlockReceipts", json!([block])).await;
        for method in ["debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"] {
            examiner.ask(method, json!([block])).await;
        }
    }
    for block in &nowhere {
        assert_eq!(examiner.ask("eth_getBlockReceipts", json!([block])).await, Value::Null);
        for method in ["debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"] {
            let error = examiner.refused(method, json!([block]), -32001).await;
            assert!(error.message().starts_with("header not found"), "{error:?}");
        }
    }
    for params in [
        json!(["0x1", "latest"]),
        json!(["0x400", "latest", [0.0, 50.0, 100.0]]),
        json!(["0x0", "0x1", []]),
    ] {
        examiner.ask("eth_feeHistory", params).await;
    }
}

async fn transactions(examiner: &mut Examiner<'_>) {
    let chain = examiner.chain;
    for hash in chain.transactions.iter().chain(&chain.waiting) {
        assert!(
            examiner
                .ask("eth_getTransactionByHash", json!([hash]))
                .await
                .is_object()
        );
        examiner.ask("eth_getTransactionReceipt", json!([hash])).await;
        let raw = examiner.ask("eth_getRawTransactionByHash", json!([hash])).await;
        assert_eq!(examiner.ask("debug_getRawTransaction", json!([hash])).await, raw);
    }
    let nothing = json!([B256::repeat_byte(9)]);
    for method in [
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getRawTransactionByHash",
    ] {
        assert_eq!(examiner.ask(method, nothing.clone()).await, Value::Null);
    }
    examiner.refused("debug_getRawTransaction", nothing, -32001).await;
    let sent = Person::number(23).pay(0, 0, 0);
    let raw = alloy_primitives::Bytes::from(alloy_eips::eip2718::Encodable2718::encoded_2718(&sent));
    assert_eq!(
        examiner.ask("eth_sendRawTransaction", json!([raw])).await,
        json!(sent.tx_hash())
    );
    examiner.refused("eth_sendRawTransaction", json!([raw]), -32000).await;
    for request in [
        json!({ "from": Person::number(4).address(), "to": chain.logger }),
        json!({ "to": chain.logger, "gasPrice": "0x0" }),
        json!({ "to": chain.store, "gasPrice": "0x0", "accessList": [] }),
        json!({ "from": Person::number(4).address(), "input": "0x5f5ff3", "nonce": "0x3", "gas": "0x186a0" }),
    ] {
        examiner.ask("eth_fillTransaction", json!([request])).await;
    }
    for method in ["txpool_status", "txpool_content", "txpool_inspect"] {
        examiner.ask(method, json!([])).await;
    }
    for account in [Person::number(4).address(), Address::repeat_byte(9)] {
        examiner.ask("txpool_contentFrom", json!([account])).await;
    }
}

async fn state(examiner: &mut Examiner<'_>) {
    let chain = examiner.chain;
    let full = B256::with_last_byte(1);
    let keys = json!(["0x0", "0x00", "0x1", full, "0xdeadbeef"]);
    let mut blocks: Vec<Option<Value>> = examiner.blocks().await.into_iter().map(Some).collect();
    blocks.push(None);
    let at = |mut params: Vec<Value>, block: &Option<Value>| {
        params.extend(block.clone());
        Value::from(params)
    };
    for block in &blocks {
        for account in &chain.accounts {
            for method in ["eth_getBalance", "eth_getCode", "eth_getTransactionCount"] {
                examiner.ask(method, at(vec![json!(account)], block)).await;
            }
            examiner
                .ask("eth_getProof", at(vec![json!(account), keys.clone()], block))
                .await;
        }
        for slot in keys.as_array().unwrap() {
            examiner
                .ask("eth_getStorageAt", at(vec![json!(chain.store), slot.clone()], block))
                .await;
        }
        let several = json!({ chain.store.to_string(): keys, TRANSACT.to_string(): [] });
        examiner.ask("eth_getStorageValues", at(vec![several], block)).await;
        let call = json!({ "to": chain.store, "from": chain.accounts[3] });
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
            examiner.ask(method, at(vec![call.clone()], block)).await;
        }
        examiner.ask("debug_traceCall", at(vec![call], block)).await;
    }
    for whole in [false, true] {
        let calls = [chain.logger, chain.store, chain.reverter].map(|to| json!({ "to": to, "gas": "0x186a0" }));
        let creation = json!({ "from": chain.accounts[3], "input": "0x5f5ff3", "value": "0x1" });
        let blocks = json!([{ "calls": calls }, { "blockOverrides": { "number": "0xff" }, "calls": [creation] }]);
        let payload = json!({ "blockStateCalls": blocks, "traceTransfers": whole, "returnFullTransactions": whole });
        let newest = json!(format!("{:#x}", chain.head()));
        for params in [json!([payload]), json!([payload, "latest"]), json!([payload, newest])] {
            examiner.ask("eth_simulateV1", params).await;
        }
        examiner
            .refused("eth_simulateV1", json!([payload, "0x5"]), -32002)
            .await;
    }
    for method in ["eth_getBalance", "eth_getCode", "eth_getTransactionCount"] {
        for nowhere in [json!("0xffffff"), json!({ "blockHash": B256::repeat_byte(9) })] {
            examiner.refused(method, json!([chain.store, nowhere]), -32001).await;
        }
    }
    for method in ["eth_call", "eth_estimateGas"] {
        examiner.refused(method, json!([{ "to": chain.reverter }]), 3).await;
    }
    let list = examiner
        .ask("eth_createAccessList", json!([{ "to": chain.reverter }]))
        .await;
    assert!(
        list["error"].as_str().unwrap().starts_with("execution reverted"),
        "{list}"
    );
}

async fn logs_and_filters(examiner: &mut Examiner<'_>) {
    let chain = examiner.chain;
    let last = chain.transactions.last().unwrap();
    let block = examiner.ask("eth_getTransactionByHash", json!([last])).await["blockHash"].clone();
    let filters = [
        json!({}),
        json!({ "fromBlock": "earliest", "toBlock": "latest" }),
        json!({ "fromBlock": "0x0", "address": chain.logger }),
        json!({ "fromBlock": "0x0", "address": [chain.logger, TRANSACT], "topics": [null, [B256::with_last_byte(2)]] }),
        json!({ "blockHash": block }),
        json!({ "fromBlock": "0x0", "topics": [B256::repeat_byte(9)] }),
    ];
    for filter in &filters {
        examiner.ask("eth_getLogs", json!([filter])).await;
    }
    let mut ids = Vec::new();
    for filter in &filters {
        ids.push(examiner.ask("eth_newFilter", json!([filter])).await);
    }
    for id in &ids {
        examiner.ask("eth_getFilterLogs", json!([id])).await;
    }
    ids.push(examiner.ask("eth_newBlockFilter", json!([])).await);
    ids.push(examiner.ask("eth_newPendingTransactionFilter", json!([])).await);
    for id in &ids {
        assert_eq!(examiner.ask("eth_getFilterChanges", json!([id])).await, json!([]));
    }
    chain.world.mine();
    chain.world.send(&Person::number(24).pay(0, 0, 0)).await;
    for id in &ids {
        examiner.ask("eth_getFilterChanges", json!([id])).await;
    }
    for id in &ids {
        assert_eq!(examiner.ask("eth_uninstallFilter", json!([id])).await, json!(true));
        assert_eq!(examiner.ask("eth_uninstallFilter", json!([id])).await, json!(false));
        for method in ["eth_getFilterChanges", "eth_getFilterLogs"] {
            let error = examiner.refused(method, json!([id]), -32001).await;
            assert_eq!(error.message(), "filter not found");
        }
    }
}

async fn traces(examiner: &mut Examiner<'_>) {
    let options = [
        json!({}),
        json!({ "disableStack": true, "disableStorage": true }),
        json!({ "enableMemory": true, "enableReturnData": true, "limit": 100 }),
        json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }),
        json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } }),
        json!({ "tracer": "4byteTracer" }),
        json!({ "tracer": "noopTracer" }),
    ];
    for hash in &examiner.chain.transactions {
        examiner.ask("debug_traceTransaction", json!([hash])).await;
    }
    for options in &options {
        let last = examiner.chain.transactions.last().unwrap();
        examiner.ask("debug_traceTransaction", json!([last, options])).await;
    }
    // The blocks' entries are `anyOf` nothing in particular when a tracer is named; without one, each step is described.
    for (tag, hash) in examiner.tags().into_iter().zip(examiner.hashes().await) {
        if [json!("earliest"), json!("0x0")].contains(&tag) {
            examiner.refused("debug_traceBlockByNumber", json!([tag]), -32000).await;
            continue;
        }
        let by_number = examiner.ask("debug_traceBlockByNumber", json!([tag])).await;
        assert_eq!(examiner.ask("debug_traceBlockByHash", json!([hash])).await, by_number);
    }
    let nothing = json!([B256::repeat_byte(9)]);
    for method in ["debug_traceTransaction", "debug_traceBlockByHash"] {
        examiner.refused(method, nothing.clone(), -32001).await;
    }
    examiner.ask("debug_getBadBlocks", json!([])).await;
}

async fn the_node(examiner: &mut Examiner<'_>) {
    let plain = [
        "eth_chainId",
        "eth_blockNumber",
        "eth_accounts",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_baseFee",
        "eth_blobBaseFee",
        "eth_config",
        "eth_capabilities",
        "eth_coinbase",
        "eth_syncing",
        "net_version",
        "net_peerCount",
        "net_listening",
        "web3_clientVersion",
        "rpc_modules",
        "ledger_specs",
        "ledger_pool",
        "ledger_validators",
        "ledger_proposals",
        "ledger_status",
        "ledger_whyStalled",
        "ledger_evidence",
        "ledger_peers",
    ];
    for method in plain {
        examiner.ask(method, json!([])).await;
    }
    examiner.ask("ledger_proposal", json!(["0x1"])).await;
    examiner.ask("ledger_slots", json!(["0x10"])).await;
    let month = ledger_chainspec::Month::of(examiner.chain.world.runtime.head().header.header.timestamp);
    let usage = examiner.ask("ledger_usageReport", json!([month, 1])).await;
    assert_eq!(usage["specs"][0]["name"], "small", "{usage}");
    examiner.ask("ledger_usageReport", json!([month])).await;
    examiner.refused("ledger_usageReport", json!(["9999-12"]), -32602).await;
    examiner.refused("ledger_usageReport", json!(["2026-13"]), -32602).await;
    let chain = examiner.chain;
    checkpoints(examiner).await;
    let sync = SyncProgress {
        from: Default::default(),
        target: ledger_chainspec::BlockNumber::new(99),
    };
    chain.world.network.send_replace(NetworkStatus {
        sync: Some(sync),
        ..NetworkStatus::default()
    });
    examiner.ask("eth_syncing", json!([])).await;
    examiner.ask("web3_sha3", json!(["0x00"])).await;
    for hash in [chain.waiting[0], chain.transactions[0], B256::repeat_byte(9)] {
        assert_eq!(examiner.ask("ledger_endorsement", json!([hash])).await, Value::Null);
    }
    for id in [chain.code, chain.transactions[0], B256::repeat_byte(9)] {
        examiner.ask("ledger_code", json!([id])).await;
        examiner.ask("ledger_verifyCode", json!([id, { "cloud": 1 }])).await;
    }
    let span = json!({ "after": "0x0", "upTo": format!("{:#x}", chain.head()) });
    for request in [json!({}), json!({ "trustedBlock": "0x0", "span": span })] {
        examiner.ask("ledger_codeProof", json!([chain.code, request])).await;
    }
    examiner
        .refused("ledger_codeProof", json!([B256::repeat_byte(9)]), -32001)
        .await;
    recovered_span(examiner).await;
}

/// What going back to a block near the beginning would leave behind, once the mainchain has confirmed it.
async fn recovered_span(examiner: &mut Examiner<'_>) {
    let none = examiner.refused("ledger_recoveredSpan", json!([{}]), -32002).await;
    assert!(none.message().contains("has had no recovery"), "{none:?}");
    let plan = json!([{ "checkpoint": "0x1" }]);
    let unknown = examiner.refused("ledger_recoveredSpan", plan.clone(), -32002).await;
    assert!(unknown.message().contains("--mainchain"), "{unknown:?}");
    let both = json!([{ "checkpoint": "0x1", "epoch": "0x1" }]);
    examiner.refused("ledger_recoveredSpan", both, -32602).await;
    let block = examiner.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    let hash = |name: &str| -> B256 { serde_json::from_value(block[name].clone()).unwrap() };
    let anchor = Anchor {
        mainchain_id: 63,
        contract: Address::repeat_byte(9),
    };
    let genesis = B256::repeat_byte(1);
    let checkpoint = Checkpoint {
        index: 1,
        epoch: 0,
        setId: 0,
        height: 1,
        blockHash: hash("hash"),
        stateRoot: hash("stateRoot"),
        historyRoot: B256::repeat_byte(2),
        parent: genesis,
        nextSetHash: B256::repeat_byte(3),
    };
    let mut book = Book::new(Place { anchor, genesis });
    let added = book.add(Anchored {
        fingerprint: anchor.fingerprint(&checkpoint),
        checkpoint,
        block: ledger_checkpoint::numbers::Point {
            number: ledger_checkpoint::numbers::BlockNumber::new(5),
            hash: B256::ZERO,
        },
        standing: Standing::Soft,
    });
    added.unwrap();
    let confirmed = Arc::clone(&examiner.chain.world.confirmed);
    confirmed.publish(Reading::Through, &book, Seen::default());
    let told = examiner.ask("ledger_recoveredSpan", plan).await;
    assert_eq!(
        (&told["first"], &told["target"]["hash"], &told["next"]),
        (&json!("0x2"), &block["hash"], &Value::Null)
    );
    assert_eq!(told["last"], examiner.ask("eth_blockNumber", json!([])).await);
    assert!(!told["redemptions"].as_array().unwrap().is_empty(), "{told}");
}

/// A checkpoint that waits for one more signature, and what the status says of it.
async fn checkpoints(examiner: &mut Examiner<'_>) {
    let query = json!([{ "from": "0x1", "count": "0x40" }]);
    assert_eq!(examiner.ask("ledger_checkpoints", query.clone()).await, json!([]));
    let anchor = Anchor {
        mainchain_id: 61,
        contract: Address::repeat_byte(7),
    };
    let signer = PrivateKeySigner::random();
    let set = Arc::new(SigningSet {
        id: 1,
        keys: vec![signer.address(), Address::repeat_byte(8)],
    });
    let config = CheckpointConfig {
        interval_blocks: 5,
        mainchain_id: anchor.mainchain_id,
        contract: anchor.contract,
    };
    let block = CheckpointBlock {
        number: 5,
        hash: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        slot: Slot::new(9),
        set: Arc::clone(&set),
        config,
        recoveries: 0,
        history_root: Some(B256::repeat_byte(3)),
    };
    let mut planner = Planner::new(B256::repeat_byte(4), None, true, Vec::new());
    assert!(planner.block(block).is_empty());
    let mut open: Vec<Open> = planner.open().cloned().collect();
    let signature = signer.sign_hash_sync(&open[0].fingerprint).unwrap();
    open[0].take(&signature.as_bytes());
    examiner.chain.world.checkpoints.set_checkpoints(Snapshot {
        signing: Signing::NoKey,
        config: Some(config),
        anchor: Some(anchor),
        open,
        ..Snapshot::default()
    });
    let told = examiner.ask("ledger_checkpoints", query.clone()).await;
    assert_eq!(
        (&told[0]["signed"], &told[0]["quorum"], &told[0]["state"]),
        (&json!("0x1"), &json!("0x2"), &json!("signing"))
    );
    let status = examiner.ask("ledger_status", json!([])).await;
    let words = status["checkpoints"]["summary"].as_str().unwrap();
    assert!(
        words.contains("checkpoint 1 of block 5 waits with 1 of 2 signatures"),
        "{words}"
    );
    on_the_mainchain(examiner, anchor, (query, &told[0]["fingerprint"])).await;
}

/// The same checkpoint, as the mainchain makes one thing or another of it.
async fn on_the_mainchain(examiner: &mut Examiner<'_>, anchor: Anchor, (query, fingerprint): (Value, &Value)) {
    let ours: B256 = serde_json::from_value(fingerprint.clone()).unwrap();
    let book = Arc::clone(&examiner.chain.world.checkpoints);
    let transaction = B256::repeat_byte(6);
    let sent = Sent {
        fingerprint: ours,
        transaction,
    };
    book.set_sent(anchor, [(1, sent)].into());
    let told = examiner.ask("ledger_checkpoints", query.clone()).await;
    assert_eq!(
        (&told[0]["state"], &told[0]["transaction"]),
        (&json!("submitted"), &json!(transaction))
    );
    let other = B256::repeat_byte(5);
    for (theirs, standing, state) in [
        (ours, Standing::Mined, "mined"),
        (ours, Standing::Soft, "soft"),
        (ours, Standing::Final, "final"),
        (other, Standing::Mined, "superseded"),
        (other, Standing::Final, "rejected"),
    ] {
        let rejected = (state == "rejected").then_some((1, ours)).into_iter().collect();
        let taken = [(1, (theirs, standing))].into();
        book.set_mainchain(MainchainView {
            anchor,
            taken,
            rejected,
        });
        let told = examiner.ask("ledger_checkpoints", query.clone()).await;
        assert_eq!(told[0]["state"], state);
        let status = examiner.ask("ledger_status", json!([])).await;
        assert_eq!(status["checkpoints"]["oldestWaiting"]["state"], state);
    }
}

/// Every method is either judged or has its reason in a table, and every reason is still one.
async fn nothing_is_left_out(examiner: &Examiner<'_>) {
    let ours = examiner.ours.judged();
    let known: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    for method in &known {
        let excused = NOT_ASKED.iter().any(|(name, _)| name == method);
        assert_ne!(
            ours.contains_key(*method),
            excused,
            "{method}: ask it, or say why not; not both"
        );
    }
    let Some(theirs) = &examiner.theirs else { return };
    let judged = theirs.judged();
    for method in theirs.methods() {
        let excused = NOT_HERE.iter().any(|(name, _)| *name == method);
        assert_ne!(
            judged.contains_key(method),
            excused,
            "{method}: ask it, or say why not; not both"
        );
    }
    for (method, reason) in NOT_HERE {
        assert!(
            theirs.methods().any(|name| name == *method),
            "{method} is not in the suite any more"
        );
        let error = examiner.chain.world.refused(method, json!([])).await;
        assert_eq!(
            error.code(),
            -32601,
            "{method} is here now; it was not, because {reason}"
        );
    }
    for correction in CORRECTIONS {
        let needed = judged.get(correction.method).is_some_and(|judged| judged.corrected > 0);
        assert!(
            needed,
            "the correction of {} is not needed any more: {}",
            correction.method, correction.why
        );
    }
    report(&judged, examiner);
}

fn report(judged: &BTreeMap<String, crate::suite::Judged>, examiner: &Examiner<'_>) {
    let answers: usize = judged.values().map(|judged| judged.answers).sum();
    let ours: usize = examiner.ours.judged().values().map(|judged| judged.answers).sum();
    let refusals: usize = examiner.refused.values().sum();
    println!(
        "execution-apis: {} methods and {answers} answers valid, {} methods not here; our own document: {} methods and \
         {ours} answers valid; {refusals} refusals as expected",
        judged.len(),
        NOT_HERE.len(),
        examiner.ours.judged().len(),
    );
    for (method, reason) in NOT_HERE {
        println!("  not here: {method}: {reason}");
    }
    for correction in CORRECTIONS {
        let corrected = judged[correction.method].corrected;
        println!(
            "  corrected for {corrected} answers: {}: {}",
            correction.method, correction.why
        );
    }
}

#[tokio::test]
async fn every_answer_of_every_method_is_what_its_schema_says() {
    let chain = Filled::start().await;
    let mut examiner = Examiner {
        chain: &chain,
        theirs: Suite::of_execution_apis(),
        ours: Suite::new(&document("test"), &[]),
        refused: BTreeMap::new(),
    };
    blocks_and_their_parts(&mut examiner).await;
    transactions(&mut examiner).await;
    state(&mut examiner).await;
    traces(&mut examiner).await;
    logs_and_filters(&mut examiner).await;
    the_node(&mut examiner).await;
    nothing_is_left_out(&examiner).await;
}
