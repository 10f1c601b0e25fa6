//! Four real validators, each a process: they sign, a quorum makes bundles, and the real relayer's client and check accept them; also when
//! one of them is killed again and again.

use std::{fs, sync::Arc, time::Duration};

use alloy_primitives::Address;
use ledger_api::{CheckpointState, LedgerClient, NodeStatus};
use ledger_chainspec::{
    ChainSpec, ConsensusKey, dev_keys,
    peer_id::{peer_id_of, peer_id_to_text},
};
use ledger_checkpoint::{
    numbers::Index,
    sidechain::{Sidechain, SidechainNode},
    statement::{Anchor, Bundle, set_hash},
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    ports::free_ports,
    process::{Member, checkpoint_signer},
    random::Random,
};

/// Where the checkpoint contract would be; nobody asks the mainchain here.
const CONTRACT: Address = Address::repeat_byte(0xc5);

/// Blocks between two checkpoints.
const INTERVAL: u64 = 3;

const VALIDATORS: u32 = 4;

/// The development validators on a chain of their own that has a contract, and a node that follows them.
struct Net {
    spec: Arc<ChainSpec>,
    members: Vec<Member>,
    _folder: TempDir,
}

impl Net {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<[u16; 2]> = (0..=VALIDATORS)
            .map(|_| free_ports(2))
            .map(|first| [first, first + 1])
            .collect();
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
            .map(|(k, ports)| Member::new((k, k < VALIDATORS), *ports, &chain, folder.path()))
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
    let reached = net.members[0]
        .checkpoints(1)
        .await
        .last()
        .map_or(1, |last| last.bundle.checkpoint.index);
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
        let log = member.log();
        for bad in ["another checkpoint", "panicked", "cannot be looked after"] {
            assert!(!log.contains(bad), "{bad}: {log}");
        }
    }
}
