//! A dev chain in a temporary folder that the test moves block by block, with a pool and an RPC server on it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, transaction::Recovered};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use alloy_sol_types::SolCall;
use jsonrpsee::{
    core::{client::ClientT, params::ArrayParams},
    http_client::HttpClient,
    types::ErrorObjectOwned,
    ws_client::{WsClient, WsClientBuilder},
};
use ledger_chainspec::{
    BlockNumber, ChainSpec, ConsensusKey, FinalityCertificate, Signature64, Slot, Statement, StatementKind, dev_keys,
    predeploys::TRANSACT,
};
use ledger_contracts::Transact;
use ledger_node::{
    anchor::Confirmed,
    checkpoints::CheckpointBook,
    rpc::{ConsensusPort, NetworkStatus, RpcBindError, RpcContext, RpcLimits, RpcOptions, RpcServer},
    txpool::TxPool,
    wiring::{Roles, Wiring},
};
use ledger_runtime::{BlockRef, Executed, Head, ProduceInputs, Runtime, RuntimeOptions, Skipped};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Somebody with a key: an account of the test mnemonic. From 10 on they have no coins.
#[derive(Clone)]
pub struct Person(pub PrivateKeySigner);

impl Person {
    pub fn number(index: u32) -> Self {
        // Deriving a key is slow on purpose: each is derived once.
        static KNOWN: Mutex<BTreeMap<u32, Person>> = Mutex::new(BTreeMap::new());
        let derive = || Self(MnemonicBuilder::from_phrase_nth(dev_keys::DEV_MNEMONIC, index));
        KNOWN.lock().unwrap().entry(index).or_insert_with(derive).clone()
    }

    pub fn address(&self) -> Address {
        self.0.address()
    }

    pub fn sign<T: SignableTransaction<Signature>>(&self, transaction: T) -> TxEnvelope
    where
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = self.0.sign_hash_sync(&transaction.signature_hash()).unwrap();
        transaction.into_signed(signature).into()
    }

    /// A call at gas price 0.
    pub fn call(&self, nonce: u64, to: Address, input: impl Into<Bytes>) -> TxEnvelope {
        self.sign(TxEip1559 {
            to: TxKind::Call(to),
            input: input.into(),
            gas_limit: 1_000_000,
            ..blank(nonce)
        })
    }

    /// A transfer of coins.
    pub fn pay(&self, nonce: u64, wei: u64, price: u128) -> TxEnvelope {
        self.sign(TxEip1559 {
            to: TxKind::Call(Address::repeat_byte(0x77)),
            value: U256::from(wei),
            max_fee_per_gas: price,
            max_priority_fee_per_gas: price,
            ..blank(nonce)
        })
    }
}

/// A transaction to nobody on the dev chain.
pub fn blank(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: ChainSpec::dev().chain_id,
        nonce,
        gas_limit: 21_000,
        ..TxEip1559::default()
    }
}

/// A server on a free port, which trusts callers on this machine.
pub fn options(limits: RpcLimits) -> RpcOptions {
    RpcOptions {
        address: ([127, 0, 0, 1], 0).into(),
        cors: vec!["https://cloud.example".to_owned()],
        limits,
        trusted: vec!["127.0.0.0/8".parse().unwrap()],
        proxies: Vec::new(),
    }
}

/// A chain, its pool and its server.
pub struct World {
    pub runtime: Arc<Runtime>,
    pub pool: Arc<TxPool>,
    pub heads: watch::Sender<Arc<Head>>,
    pub network: watch::Sender<NetworkStatus>,
    pub checkpoints: Arc<CheckpointBook>,
    pub confirmed: Arc<Confirmed>,
    pub url: String,
    shutdown: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
    folder: TempDir,
}

impl World {
    pub async fn start() -> Self {
        Self::with(RpcLimits::default(), |options| options).await
    }

    pub async fn with(limits: RpcLimits, change: impl FnOnce(RuntimeOptions) -> RuntimeOptions) -> Self {
        Self::serving(options(limits), change).await
    }

    /// A server that trusts nobody, not even callers on this machine, but believes these proxies.
    pub async fn wary(limits: RpcLimits, proxies: &[&str]) -> Self {
        let wary = RpcOptions {
            trusted: Vec::new(),
            proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
            ..options(limits)
        };
        Self::serving(wary, |options| options).await
    }

    async fn serving(serving: RpcOptions, change: impl FnOnce(RuntimeOptions) -> RuntimeOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = RuntimeOptions::new(folder.path().join("chain"), Arc::new(ChainSpec::dev()));
        let runtime = Arc::new(Runtime::open(change(options)).unwrap());
        let pool = Arc::new(TxPool::open(Arc::clone(&runtime), Some(&folder.path().join("pool.journal"))).unwrap());
        let heads = watch::Sender::new(runtime.head());
        let network = watch::Sender::new(NetworkStatus::default());
        let context = context(&runtime, &pool, heads.subscribe(), network.subscribe());
        let checkpoints = Arc::clone(&context.consensus.checkpoints);
        let confirmed = Arc::clone(&context.consensus.confirmed);
        let server = RpcServer::bind(serving, context).unwrap();
        let url = format!("http://{}", server.address());
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(server.run(shutdown.clone()));
        Self {
            runtime,
            pool,
            heads,
            network,
            checkpoints,
            confirmed,
            url,
            shutdown,
            server,
            folder,
        }
    }

    /// Stops the server and waits for it.
    pub async fn stop(self) -> PathBuf {
        self.shutdown.cancel();
        self.server.await.unwrap().unwrap();
        self.folder.keep()
    }

    pub fn context(&self) -> RpcContext {
        context(
            &self.runtime,
            &self.pool,
            self.heads.subscribe(),
            self.network.subscribe(),
        )
    }

    /// Another server on the same node.
    pub fn bind(&self, options: RpcOptions) -> Result<RpcServer, RpcBindError> {
        RpcServer::bind(options, self.context())
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("pool.journal")
    }

    pub fn client(&self) -> HttpClient {
        HttpClient::builder().build(&self.url).unwrap()
    }

    pub async fn websocket(&self) -> WsClient {
        WsClientBuilder::new()
            .build(self.url.replace("http://", "ws://"))
            .await
            .unwrap()
    }

    /// Asks a method, which must answer.
    pub async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> T {
        match self.try_ask(method, params.clone()).await {
            Ok(answer) => serde_json::from_value(answer).unwrap(),
            Err(error) => panic!("{method} {params}: {error:?}"),
        }
    }

    /// Asks a method, which must refuse.
    pub async fn refused(&self, method: &str, params: Value) -> ErrorObjectOwned {
        match self.try_ask(method, params.clone()).await {
            Ok(answer) => panic!("{method} {params} gave {answer}"),
            Err(error) => error,
        }
    }

    /// Asks a method, which may answer or refuse.
    pub async fn try_ask(&self, method: &str, params: Value) -> Result<Value, ErrorObjectOwned> {
        ask_at(&self.url, method, &params).await
    }

    /// Hands a transaction in over RPC.
    pub async fn send(&self, transaction: &TxEnvelope) -> B256 {
        self.ask(
            "eth_sendRawTransaction",
            serde_json::json!([Bytes::from(transaction.encoded_2718())]),
        )
        .await
    }

    /// A block of what is in the pool, now. Gives what was skipped.
    pub fn mine(&self) -> Vec<Skipped> {
        self.mine_in(self.next_slot())
    }

    pub fn mine_in(&self, slot: Slot) -> Vec<Skipped> {
        let mut candidates = self.pool.candidates(&[]);
        let produced = self.runtime.produce(ProduceInputs {
            may_recover: &|_| true,
            gas_target: u64::MAX,
            slot,
            parent_certificate: self.runtime.head().certificate.clone(),
            candidates: &mut candidates,
        });
        let produced = produced.unwrap();
        let transactions: Vec<Recovered<TxEnvelope>> = produced.executed.transactions().to_vec();
        let sealed = seal(&self.runtime, produced.executed);
        let certificate = certify(&self.runtime, &sealed);
        let head = self.runtime.commit(sealed, certificate).unwrap();
        self.pool.block_committed(&transactions);
        self.pool.report_skipped(&produced.skipped);
        self.heads.send_replace(head);
        produced.skipped
    }

    /// The recovery block that the head ordered, back to the block at `height`.
    pub fn recover(&self, height: u64) {
        let certificate = self.runtime.head().certificate.clone();
        let made = self
            .runtime
            .produce_recovery(self.next_slot(), certificate, BlockNumber::new(height));
        let sealed = seal(&self.runtime, made.unwrap());
        let certificate = certify(&self.runtime, &sealed);
        self.heads
            .send_replace(self.runtime.commit(sealed, certificate).unwrap());
    }

    /// The slot of the present, or the first one that is free.
    pub fn next_slot(&self) -> Slot {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let present = u64::try_from(now_ms).unwrap() / self.runtime.spec().consensus.slot_duration_ms;
        self.runtime.head().slot.next().unwrap().max(Slot::new(present))
    }

    /// Sends a call to Transact and puts it in a block. It must succeed. Gives its hash.
    pub async fn does<C: SolCall>(&self, who: &Person, call: &C) -> B256 {
        let hash = self.tries(who, call).await;
        let found = self.runtime.transaction(&hash).unwrap().unwrap();
        assert!(found.receipt.receipt.success, "{} reverted", C::SIGNATURE);
        hash
    }

    /// Sends a call to Transact and puts it in a block, where it may revert.
    pub async fn tries<C: SolCall>(&self, who: &Person, call: &C) -> B256 {
        let transaction = who.call(self.nonce(who), TRANSACT, call.abi_encode());
        let hash = self.send(&transaction).await;
        assert_eq!(self.mine(), []);
        hash
    }

    pub fn nonce(&self, who: &Person) -> u64 {
        self.runtime
            .account(&who.address(), BlockRef::Head)
            .unwrap()
            .map_or(0, |account| account.nonce)
    }

    /// Both clouds offer `quantity` of specification `spec_id`.
    pub async fn offer(&self, spec_id: u32, quantity: u32) {
        for owner in [Person::number(0), Person::number(2)] {
            self.does(
                &owner,
                &Transact::setOfferCall {
                    specId: spec_id,
                    quantity,
                },
            )
            .await;
        }
    }
}

/// Asks a method of the node at `url`, which may answer or refuse.
pub async fn ask_at(url: &str, method: &str, params: &Value) -> Result<Value, ErrorObjectOwned> {
    let mut array = ArrayParams::new();
    for param in params.as_array().unwrap() {
        array.insert(param).unwrap();
    }
    let client = HttpClient::builder().build(url).unwrap();
    match client.request(method, array).await {
        Ok(answer) => Ok(answer),
        Err(jsonrpsee::core::ClientError::Call(error)) => Err(error),
        Err(other) => panic!("{method}: {other}"),
    }
}

fn context(
    runtime: &Arc<Runtime>,
    pool: &Arc<TxPool>,
    heads: watch::Receiver<Arc<Head>>,
    network: watch::Receiver<NetworkStatus>,
) -> RpcContext {
    let port = Wiring::new(
        (runtime, pool, &heads),
        (None, &Arc::default()),
        Roles::default(),
        Handle::current(),
    )
    .port;
    context_of(runtime, pool, heads, (network, port))
}

/// What the server answers from, with these ends of the network and of consensus.
pub fn context_of(
    runtime: &Arc<Runtime>,
    pool: &Arc<TxPool>,
    heads: watch::Receiver<Arc<Head>>,
    (network, consensus): (watch::Receiver<NetworkStatus>, ConsensusPort),
) -> RpcContext {
    RpcContext {
        runtime: Arc::clone(runtime),
        pool: Arc::clone(pool),
        consensus,
        heads,
        network,
        client_version: "ledger-node/test".to_owned(),
        metrics: Arc::new(|| "ledger_test_total 1\n".to_owned()),
    }
}

fn seal(runtime: &Runtime, executed: Executed) -> Executed {
    let seal = statement(runtime, &executed, StatementKind::Seal).sign(&dev_keys::validator_key(0));
    executed.sealed(seal)
}

fn certify(runtime: &Runtime, executed: &Executed) -> FinalityCertificate {
    let statement = statement(runtime, executed, StatementKind::Precommit);
    let key = dev_keys::validator_key(0);
    assert_eq!(runtime.head().set.index_of(&ConsensusKey::of(&key)), Some(0));
    let signatures: Vec<(u16, Signature64)> = vec![(0, statement.sign(&key))];
    FinalityCertificate {
        set_id: statement.set_id,
        height: statement.height,
        slot: statement.slot,
        hash: statement.hash,
        signatures,
    }
}

fn statement(runtime: &Runtime, executed: &Executed, kind: StatementKind) -> Statement {
    Statement {
        genesis: runtime.genesis_hash(),
        set_id: runtime.head().set.id(),
        height: executed.number(),
        slot: executed.digest().slot,
        kind,
        hash: if kind == StatementKind::Seal {
            executed.seal_hash()
        } else {
            executed.hash()
        },
        valid_slot: None,
    }
}
