//! The driver on a real runtime: blocks come when they should, carry real certificates, and not otherwise.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use ledger_chainspec::{ChainSpec, dev_keys, digest_of};
use ledger_consensus::{GuardRecord, GuardStart};
use ledger_node::{
    driver::{Driver, DriverError, DriverParts, LostGuardAnswer, Signing, guard_start},
    signer::{ConsensusSigner, GuardStore, guard_store::GUARD_LOG_BYTES_MAX},
    telemetry::metering::BUILT_AHEAD,
    txpool::TxPool,
    wiring::{Roles, Wiring},
};
use ledger_runtime::{BlockRef, Head, Runtime, RuntimeOptions};
use metrics_exporter_prometheus::PrometheusBuilder;
use tempfile::{TempDir, tempdir};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::node::transfer;

const PATIENCE: Duration = Duration::from_secs(20);
/// More slots between two heartbeats than the chain is old.
const QUIET: u64 = 1 << 33;

/// A driver at work, and what it works with.
struct Driven {
    runtime: Arc<Runtime>,
    pool: Arc<TxPool>,
    heads: watch::Receiver<Arc<Head>>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), DriverError>>,
}

/// The dev chain with a block every `heartbeat_slots` even if nothing happens.
fn spec(heartbeat_slots: u64) -> Arc<ChainSpec> {
    let mut spec = ChainSpec::dev();
    spec.consensus.heartbeat_slots = heartbeat_slots;
    Arc::new(spec)
}

fn open_runtime(folder: &Path, spec: Arc<ChainSpec>) -> Arc<Runtime> {
    Arc::new(Runtime::open(RuntimeOptions::new(folder.join("chain"), spec)).unwrap())
}

fn open_signing(folder: &Path, runtime: &Runtime) -> Signing {
    let (store, found) = GuardStore::open(&folder.join("guard"), runtime.genesis_hash().get()).unwrap();
    let start = guard_start(found.as_deref(), &runtime.head(), LostGuardAnswer::default()).unwrap();
    Signing {
        signer: Arc::new(ConsensusSigner::new(dev_keys::validator_key(0))),
        store,
        start,
    }
}

fn open_pool(runtime: &Arc<Runtime>) -> Arc<TxPool> {
    Arc::new(TxPool::open(Arc::clone(runtime), None).unwrap())
}

fn drive(runtime: Arc<Runtime>, signing: Option<Signing>) -> Driven {
    let pool = open_pool(&runtime);
    drive_with(runtime, pool, signing)
}

fn drive_with(runtime: Arc<Runtime>, pool: Arc<TxPool>, signing: Option<Signing>) -> Driven {
    let (sender, heads) = watch::channel(runtime.head());
    let shutdown = CancellationToken::new();
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let wiring = Wiring::new(
        (&runtime, &pool, &heads),
        (None, &Arc::default()),
        Roles::default(),
        Handle::current(),
    );
    let parts = DriverParts {
        runtime: Arc::clone(&runtime),
        pool: Arc::clone(&pool),
        heads: sender,
        metrics,
        endorsements: Arc::clone(&wiring.port.endorsements),
        evidence: wiring.evidence,
        confirmed: Arc::clone(&wiring.port.confirmed),
        slots: Arc::clone(&wiring.port.slots),
    };
    let driver = Driver::new(parts, wiring.driver, signing, shutdown.clone()).unwrap();
    Driven {
        runtime,
        pool,
        heads,
        shutdown,
        task: tokio::spawn(driver.run()),
    }
}

fn start(folder: &TempDir, heartbeat_slots: u64) -> Driven {
    let runtime = open_runtime(folder.path(), spec(heartbeat_slots));
    let signing = open_signing(folder.path(), &runtime);
    drive(runtime, Some(signing))
}

impl Driven {
    async fn head_at(&mut self, number: u64) -> Arc<Head> {
        let found = self.heads.wait_for(|head| head.number().get() >= number);
        Arc::clone(
            &*tokio::time::timeout(PATIENCE, found)
                .await
                .expect("no block in time")
                .unwrap(),
        )
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeat_blocks_are_certified_and_recorded() {
    let folder = tempdir().unwrap();
    let mut driven = start(&folder, 1);
    driven.head_at(3).await;
    let runtime = Arc::clone(&driven.runtime);
    driven.stop().await;

    let head = runtime.head();
    let certificate = head.certificate.as_ref().unwrap();
    certificate.verify(runtime.genesis_hash(), &head.signers).unwrap();
    assert_eq!(certificate.hash, head.hash());
    let digest = digest_of(&head.header.header).unwrap();
    assert!(digest.parent_certificate.unwrap().slot < digest.slot);
    assert_eq!(
        runtime.head().number(),
        head.number(),
        "a stopped driver makes no blocks"
    );

    drop(head);
    let (_, record) = GuardStore::open(&folder.path().join("guard"), runtime.genesis_hash().get()).unwrap();
    let record = GuardRecord::from_bytes(&record.unwrap()).unwrap();
    assert_eq!(record.precommit.unwrap().hash, runtime.head().hash());
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_wakes_a_quiet_chain_and_leaves_the_pool() {
    let folder = tempdir().unwrap();
    let mut driven = start(&folder, QUIET);
    let user = PrivateKeySigner::random();
    for nonce in 0..2 {
        driven
            .pool
            .submit(&transfer(&user, nonce, Address::repeat_byte(1), U256::ZERO))
            .unwrap();
        let head = driven.head_at(nonce + 1).await;
        assert_eq!(head.header.header.gas_used, 21_000);
        assert_eq!(driven.pool.counts().pending, 0);
    }
    driven.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_pool_is_worked_off() {
    const SENDERS: usize = 20;
    const EACH: u64 = 50;
    let folder = tempdir().unwrap();
    let mut driven = start(&folder, QUIET);
    let users: Vec<PrivateKeySigner> = (0..SENDERS).map(|_| PrivateKeySigner::random()).collect();
    for nonce in 0..EACH {
        for user in &users {
            driven
                .pool
                .submit(&transfer(user, nonce, Address::repeat_byte(1), U256::ZERO))
                .unwrap();
        }
    }
    let mut blocks = 0;
    while driven.pool.counts().pending > 0 {
        blocks = driven.head_at(blocks + 1).await.number().get();
    }
    assert!(
        blocks <= 5,
        "{blocks} blocks for {EACH} transactions of {SENDERS} senders"
    );
    for user in &users {
        let account = driven
            .runtime
            .account(&user.address(), BlockRef::Head)
            .unwrap()
            .unwrap();
        assert_eq!(account.nonce, EACH);
    }
    driven.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_will_be_full_are_begun_before_their_slots() {
    const SENDERS: usize = 20;
    const EACH: u64 = 100;
    // The whole process has one recorder; nextest gives each test a process.
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let mut spec = ChainSpec::clone(&spec(QUIET));
    // The first block has room for a quarter of it: 119 transfers.
    spec.limits.gas_limit = 10_000_000;
    let folder = tempdir().unwrap();
    let runtime = open_runtime(folder.path(), Arc::new(spec));
    let signing = open_signing(folder.path(), &runtime);
    let pool = open_pool(&runtime);
    let users: Vec<PrivateKeySigner> = (0..SENDERS).map(|_| PrivateKeySigner::random()).collect();
    for nonce in 0..EACH {
        for user in &users {
            let transaction = transfer(user, nonce, Address::repeat_byte(1), U256::ZERO);
            pool.submit(&transaction).unwrap();
        }
    }
    let driven = drive_with(runtime, pool, Some(signing));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while driven.pool.counts().pending > 0 {
        assert!(tokio::time::Instant::now() < deadline, "the pool is not worked off");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let text = metrics.render();
    let line = text.lines().find(|line| line.starts_with(BUILT_AHEAD));
    let begun = line.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    assert!(begun.is_some_and(|begun| begun > 1.0), "{text}");
    for user in &users {
        let account = driven.runtime.account(&user.address(), BlockRef::Head).unwrap();
        assert_eq!(account.unwrap().nonce, EACH);
    }
    driven.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_chain_writes_nothing() {
    let folder = tempdir().unwrap();
    let driven = start(&folder, QUIET);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = files(folder.path());
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(files(folder.path()), before);
    assert_eq!(driven.runtime.head().number().get(), 0);
    driven.stop().await;
}

fn files(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        match metadata.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(path, (metadata.len(), metadata.modified().unwrap()))),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_driver_goes_on_where_it_was() {
    let folder = tempdir().unwrap();
    let mut first = start(&folder, 1);
    let before = first.head_at(2).await;
    first.stop().await;
    let mut second = start(&folder, 1);
    let at_start = second.runtime.head();
    assert!(at_start.number() >= before.number());
    let after = second.head_at(at_start.number().get() + 1).await;
    assert_eq!(after.header.header.parent_hash, at_start.hash().get());
    second.stop().await;
}

/// As after a crash between the precommit's guard record and the commit: the chain lacks the block that was precommitted,
/// and no other one may ever take its place (R6, R7).
#[tokio::test(flavor = "multi_thread")]
async fn block_precommitted_before_a_crash_becomes_final_as_it_was() {
    let folder = tempdir().unwrap();
    let user = PrivateKeySigner::random();
    let mut driven = start(&folder, QUIET);
    driven
        .pool
        .submit(&transfer(&user, 0, Address::repeat_byte(1), U256::ZERO))
        .unwrap();
    driven.head_at(1).await;
    driven.stop().await;
    copy(&folder.path().join("chain"), &folder.path().join("before"));

    let mut driven = start(&folder, QUIET);
    driven
        .pool
        .submit(&transfer(&user, 1, Address::repeat_byte(1), U256::ZERO))
        .unwrap();
    let lost = driven.head_at(2).await;
    driven.stop().await;
    fs::remove_dir_all(folder.path().join("chain")).unwrap();
    fs::rename(folder.path().join("before"), folder.path().join("chain")).unwrap();

    let mut driven = start(&folder, QUIET);
    assert_eq!(driven.runtime.head().number().get(), 1);
    driven
        .pool
        .submit(&transfer(&user, 1, Address::repeat_byte(2), U256::ZERO))
        .unwrap();
    let again = driven.head_at(2).await;
    assert_eq!(again.hash(), lost.hash());
    assert!(again.certificate.as_ref().unwrap().slot > lost.slot);
    driven.stop().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for path in files(from).into_keys() {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_without_a_key_makes_no_blocks() {
    let folder = tempdir().unwrap();
    let driven = drive(open_runtime(folder.path(), spec(1)), None);
    let user = PrivateKeySigner::random();
    driven
        .pool
        .submit(&transfer(&user, 0, Address::repeat_byte(1), U256::ZERO))
        .unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(driven.runtime.head().number().get(), 0);
    driven.stop().await;
}

/// No signature may leave without its record (R7): a guard store that fails ends the driver before the first block.
#[tokio::test(flavor = "multi_thread")]
async fn failing_guard_store_stops_the_driver_before_it_signs() {
    let folder = tempdir().unwrap();
    let runtime = open_runtime(folder.path(), spec(1));
    let guard = folder.path().join("guard");
    let (mut store, _) = GuardStore::open(&guard, runtime.genesis_hash().get()).unwrap();
    store
        .store(&vec![0; usize::try_from(GUARD_LOG_BYTES_MAX).unwrap()])
        .unwrap();
    // The full log has to be replaced by a new one, and a folder is in its place.
    fs::create_dir(guard.join("guard.log.new")).unwrap();
    let signer = Arc::new(ConsensusSigner::new(dev_keys::validator_key(0)));
    let driven = drive(
        Arc::clone(&runtime),
        Some(Signing {
            signer,
            store,
            start: GuardStart::Fresh,
        }),
    );
    let ended = tokio::time::timeout(PATIENCE, driven.task).await.unwrap().unwrap();
    assert!(matches!(ended, Err(DriverError::Guard(_))), "{ended:?}");
    assert_eq!(runtime.head().number().get(), 0);
}
