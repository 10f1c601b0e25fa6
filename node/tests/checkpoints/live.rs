//! Four real validators, each a process: they sign, a quorum makes bundles, and the real relayer's client and check accept them; also when
//! one of them is killed again and again.

use std::{
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use jsonrpsee::http_client::HttpClient;
use ledger_api::{CheckpointInfo, CheckpointState, CheckpointsQuery, LedgerClient, NodeStatus};
use ledger_chainspec::{
    ChainSpec, ConsensusKey,
    dev_keys::{self, DEV_MNEMONIC},
    peer_id::{peer_id_of, peer_id_to_text},
};
use ledger_checkpoint::{
    numbers::Index,
    sidechain::{Sidechain, SidechainNode},
    statement::{Anchor, Bundle, set_hash},
};
use ledger_node::keys::{Password, account, consensus, secret_file};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::random::Random;

/// Where the checkpoint contract would be; nobody asks the mainchain here.
const CONTRACT: Address = Address::repeat_byte(0xc5);

/// Blocks between two checkpoints.
const INTERVAL: u64 = 3;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The test mnemonic's account whose key is the checkpoint key of the first development validator.
const FIRST_CHECKPOINT_KEY: u32 = 10;

const VALIDATORS: u32 = 4;

/// Two ports, for peers and for JSON-RPC, that nobody listens on.
fn free_ports() -> [u16; 2] {
    [(); 2].map(|()| {
        loop {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let port = TcpListener::bind(any).unwrap().local_addr().unwrap().port();
            if UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], port))).is_ok() {
                return port;
            }
        }
    })
}

fn checkpoint_signer(k: u32) -> PrivateKeySigner {
    let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
    builder.index(FIRST_CHECKPOINT_KEY + k).unwrap().build().unwrap()
}

/// A node of the network.
struct Member {
    arguments: Vec<String>,
    folder: std::path::PathBuf,
    url: String,
    process: Option<Child>,
}

impl Member {
    fn start(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_ledger-node"))
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// SIGKILL.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn rpc(&self) -> HttpClient {
        HttpClient::builder().build(&self.url).unwrap()
    }

    async fn checkpoints(&self, from: u64) -> Vec<CheckpointInfo> {
        let query = CheckpointsQuery { from, count: 64 };
        self.rpc().checkpoints(query).await.unwrap_or_default()
    }

    /// Waits until a quorum has signed the checkpoint at `index`, as this node knows.
    async fn until_signed(&self, index: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.checkpoints(index).await;
            if found
                .first()
                .is_some_and(|first| first.index == index && first.signed >= first.quorum)
            {
                return;
            }
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            let end: Vec<_> = log.lines().rev().take(30).collect();
            assert!(
                Instant::now() < deadline,
                "checkpoint {index} is not signed: {found:?}\n{end:#?}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The development validators on a chain of their own that has a contract, and a node that follows them.
struct Net {
    spec: Arc<ChainSpec>,
    members: Vec<Member>,
    _folder: TempDir,
}

impl Net {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<[u16; 2]> = (0..=VALIDATORS).map(|_| free_ports()).collect();
        let mut spec = ChainSpec::testnet();
        spec.consensus.slot_duration_ms = 1_000;
        spec.consensus.heartbeat_slots = 1;
        spec.checkpoint.contract = CONTRACT;
        spec.checkpoint.interval_blocks = INTERVAL;
        let address = |k: u32| {
            let peer = peer_id_to_text(&peer_id_of(&ConsensusKey::of(&dev_keys::peer_key(k))));
            format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", ports[k as usize][0])
        };
        spec.network.bootnodes = (0..VALIDATORS).map(address).collect();
        let chain = folder.path().join("chain.toml");
        fs::write(&chain, spec.to_toml()).unwrap();
        let mut members: Vec<Member> = (0..=VALIDATORS)
            .zip(&ports)
            .map(|(k, ports)| member(k, *ports, &chain, folder.path()))
            .collect();
        members.iter_mut().for_each(Member::start);
        Self {
            spec: Arc::new(spec),
            members,
            _folder: folder,
        }
    }

    fn anchor(&self) -> Anchor {
        Anchor {
            mainchain_id: self.spec.checkpoint.mainchain_id,
            contract: CONTRACT,
        }
    }

    /// The bundles of a node, as the relayer asks for them and checks them, one after the other.
    async fn bundles(&self, at: usize, count: u64) -> Vec<Bundle> {
        let node = SidechainNode::new(&self.members[at].url).unwrap();
        let mut bundles: Vec<Bundle> = Vec::new();
        while (bundles.len() as u64) < count {
            let next = Index::new(bundles.len() as u64 + 1);
            let more = node.bundles(next, count + 1 - next.get()).await.unwrap();
            assert!(!more.is_empty(), "bundles end before {count}");
            bundles.extend(more);
        }
        for (index, bundle) in (1..).zip(&bundles) {
            assert_eq!(
                (bundle.checkpoint.index, bundle.checkpoint.height),
                (index, index * INTERVAL)
            );
            bundle.check(&self.anchor()).unwrap();
            let block = node.block(bundle.checkpoint.height).await.unwrap().unwrap();
            assert_eq!(
                (block.hash, block.state_root),
                (bundle.checkpoint.blockHash, bundle.checkpoint.stateRoot)
            );
        }
        for pair in bundles.windows(2) {
            pair[1].check_after(&self.anchor(), &pair[0].checkpoint).unwrap();
        }
        bundles
    }
}

/// Writes the keys of development validator `k`, or of a node that only follows, and says how it is started.
fn member(k: u32, [p2p, rpc]: [u16; 2], chain: &Path, folder: &Path) -> Member {
    let folder = folder.join(format!("node-{k}"));
    fs::create_dir(&folder).unwrap();
    let mut arguments = vec![
        "--chain".to_owned(),
        chain.display().to_string(),
        "--data-dir".to_owned(),
        folder.join("data").display().to_string(),
        "--p2p-port".to_owned(),
        p2p.to_string(),
        "--rpc-port".to_owned(),
        rpc.to_string(),
    ];
    if k < VALIDATORS {
        fs::create_dir(folder.join("data")).unwrap();
        consensus::write_identity(&folder.join("data").join("identity.pem"), &dev_keys::peer_key(k)).unwrap();
        let (key, checkpoint, password) = (
            folder.join("key.pem"),
            folder.join("checkpoint.json"),
            folder.join("password"),
        );
        secret_file::write_new(&password, b"a password for tests\n").unwrap();
        let secret = Password::from_file(&password).unwrap();
        consensus::write_encrypted(&key, &dev_keys::validator_key(k), &secret).unwrap();
        account::write_keystore(&checkpoint, &checkpoint_signer(k), &secret).unwrap();
        for (flag, path) in [
            ("--validator-key", &key),
            ("--checkpoint-key", &checkpoint),
            ("--password-file", &password),
        ] {
            arguments.extend([flag.to_owned(), path.display().to_string()]);
        }
        arguments.push("--fresh-guard".to_owned());
    }
    Member {
        url: format!("http://127.0.0.1:{rpc}"),
        arguments,
        folder,
        process: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_validators_make_bundles_that_the_relayer_accepts_and_a_follower_hands_them_out_too() {
    let net = Net::start();
    for member in &net.members {
        member.until_signed(3).await;
    }
    let follower = net.members.len() - 1;
    let bundles = net.bundles(follower, 3).await;
    assert_eq!(bundles.len(), 3);
    let genesis: NodeStatus = net.members[0].rpc().status().await.unwrap();
    assert_eq!(bundles[0].checkpoint.parent, genesis.genesis_hash);
    let set = net.spec.validator_set();
    let keys: Vec<Address> = set.iter().map(|validator| validator.checkpoint_key).collect();
    let expected = set_hash(set.id().get(), &keys);
    for bundle in &bundles {
        assert_eq!((&bundle.keys, bundle.checkpoint.nextSetHash), (&keys, expected));
        assert_eq!(bundle.bitmap.count_ones(), 3, "a quorum, and no signature more");
    }
    for at in 0..follower {
        let theirs = net.bundles(at, 3).await;
        assert!(theirs.iter().zip(&bundles).all(|(a, b)| a.checkpoint == b.checkpoint));
    }
    let first = &net.members[0].checkpoints(1).await[0];
    assert_eq!(
        (first.state, first.signed, first.quorum),
        (CheckpointState::Signed, 3, 3)
    );
    assert_eq!(first.fingerprint, net.anchor().fingerprint(&bundles[0].checkpoint));
    let status = genesis.checkpoints.unwrap();
    assert_eq!((status.contract, status.interval_blocks), (Some(CONTRACT), INTERVAL));
    assert_eq!(status.own_key, Some(checkpoint_signer(0).address()));
    assert!(
        status
            .summary
            .starts_with("this node signs a checkpoint every 3 blocks"),
        "{}",
        status.summary
    );
    let metrics = metric(&net.members[0].url, "ledger_checkpoints_signed ").await;
    assert!(metrics >= 3.0, "{metrics}");
}

/// The value of a metric.
async fn metric(url: &str, name: &str) -> f64 {
    let address = url.trim_start_matches("http://").to_owned();
    let text = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    let text = text.await.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("no {name}in {text}"));
    line[name.len()..].trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_killed_again_and_again_never_contradicts_itself_and_takes_part_again() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut net = Net::start();
    net.members[0].until_signed(1).await;
    for _ in 0..6 {
        sleep(Duration::from_millis(500 + random.below(2_500))).await;
        net.members[3].kill();
        net.members[3].start();
    }
    // Without another one, the three that are left need it for every checkpoint.
    let reached = net.members[0].checkpoints(1).await.last().map_or(1, |last| last.index);
    net.members[2].kill();
    net.members[0].until_signed(reached + 3).await;
    net.members[2].start();
    for member in &net.members {
        member.until_signed(reached + 3).await;
    }
    let all = net.bundles(0, reached + 3).await;
    for at in 1..net.members.len() {
        let theirs = net.bundles(at, reached + 3).await;
        assert!(
            theirs.iter().zip(&all).all(|(a, b)| a.checkpoint == b.checkpoint),
            "node {at}"
        );
    }
    let last: &Bundle = all.last().unwrap();
    assert!(last.bitmap.bit(3), "the killed one has signed: {}", last.bitmap);
    for member in &net.members {
        let log = fs::read_to_string(member.folder.join("log")).unwrap();
        for bad in ["another checkpoint", "panicked", "cannot be looked after"] {
            assert!(!log.contains(bad), "{bad}: {log}");
        }
    }
}
