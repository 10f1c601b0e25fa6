//! The parts of the sync that wait: for older blocks with nothing missing, and for the state of a chain with nobody there.

use std::{
    fs,
    process::{Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use ledger_chainspec::{ChainSpec, dev_keys};
use ledger_network::{Network, NetworkLimits, NetworkOptions};
use ledger_node::sync::fill_history;
use ledger_runtime::{Runtime, RuntimeOptions};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{network::PATIENCE, node::binary};

/// Long enough for a task that would end by itself to do so.
const A_MOMENT: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lacks_no_older_block_keeps_the_task_that_looks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let options = RuntimeOptions::new(folder.path(), Arc::new(ChainSpec::dev()));
    let runtime = Arc::new(Runtime::open(options).unwrap());
    let (_network, handle, _events) = Network::bind(NetworkOptions {
        identity: dev_keys::peer_key(1),
        genesis: runtime.genesis_hash(),
        listen: vec![([127, 0, 0, 1], 0).into()],
        external: Vec::new(),
        bootnodes: Vec::new(),
        reserved: Vec::new(),
        reserved_only: false,
        peer_store: None,
        agent: "test/1".to_owned(),
        limits: NetworkLimits::default(),
    })
    .unwrap();
    let shutdown = CancellationToken::new();
    assert_eq!(runtime.history_wanted().unwrap(), None);
    let mut task = tokio::spawn(fill_history(handle, runtime, shutdown.clone()));
    let ended = timeout(A_MOMENT, &mut task).await;
    assert!(ended.is_err(), "a task that ends by itself stops the node");
    shutdown.cancel();
    timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[test]
fn a_node_that_waits_for_the_state_of_its_chain_stops_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let (log, data) = (folder.path().join("log"), folder.path().join("data"));
    let mut node = binary()
        .args(["--chain", "testnet", "--rpc-port", "0", "--p2p-port", "0", "--data-dir"])
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !said().contains("listening for peers") {
        assert!(Instant::now() < deadline, "{}", said());
        sleep(Duration::from_millis(10));
    }
    let asked = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &node.id().to_string()]).status();
    assert!(killed.unwrap().success());
    assert_eq!(node.wait().unwrap().code(), Some(0), "{}", said());
    // It looks for peers for longer than that before it opens its database.
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    assert!(!data.join("chain").join("CURRENT").exists(), "{}", said());
}
