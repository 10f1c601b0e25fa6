//! A peer of our own chain that tells lies: invalid transactions and votes, well-formed down to the last byte.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, Bytes};
use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, GenesisHash, SetId, Signature64, Slot, StatementKind, Vote, dev_keys,
};
use ledger_keys::consensus;
use ledger_network::{
    ConsensusMessage, GossipMessage, Multiaddr, Network, NetworkHandle, NetworkLimits, NetworkOptions, PeerId,
    parse_peer_address,
};
use serde_json::json;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    network::{
        campaign::{Campaign, Told},
        cluster::VALIDATORS,
        files, stop,
    },
    random::Random,
};

/// How long it may take to be connected to the validators.
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);
/// How long lies are told before it has to be over.
const BANNED_WITHIN: Duration = Duration::from_secs(60);
/// Between two lies.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of a transaction that is none.
const GARBAGE_BYTES: usize = 120;

/// Joins as a peer, gossips what is invalid, and has to be let go by everybody.
pub fn gossip(campaign: &mut Campaign) -> Result<Told, String> {
    let genesis = campaign
        .cluster
        .rpc(0)
        .try_call("eth_getBlockByNumber", &json!(["0x0", false]));
    let genesis = genesis.map_err(|error| error.to_string())?;
    let genesis = genesis["hash"].as_str().and_then(|hash| hash.parse::<B256>().ok());
    let options = options(campaign, GenesisHash::new(genesis.ok_or("the genesis has no hash")?))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut told = Told::default();
    let seen = runtime.block_on(lie(campaign, options))?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    told.expect(seen.connected > 0, || "it was never connected".to_owned());
    told.expect(seen.let_go.is_some(), || {
        format!("after {} lies {} nodes still talk to it", seen.lies, seen.left)
    });
    if let Some(after) = seen.let_go {
        let slots = campaign.in_slots(after);
        told.notes.push(format!(
            "connected to {} nodes, let go by all after {slots:.1} slots and {} lies",
            seen.connected, seen.lies
        ));
    }
    stop::sleep(Duration::ZERO)?;
    Ok(told)
}

fn options(campaign: &Campaign, genesis: GenesisHash) -> Result<NetworkOptions, String> {
    let seats = campaign.cluster.seats().iter().take(VALIDATORS).enumerate();
    let bootnodes = seats.map(|(k, seat)| parse_peer_address(&files::address(k, seat)));
    let bootnodes: Result<Vec<Multiaddr>, _> = bootnodes.collect();
    Ok(NetworkOptions {
        identity: consensus::generate().map_err(|error| error.to_string())?,
        genesis,
        listen: vec![(std::net::Ipv4Addr::LOCALHOST, 0).into()],
        external: Vec::new(),
        bootnodes: bootnodes.map_err(|error| error.to_string())?,
        reserved: Vec::new(),
        reserved_only: false,
        peer_store: None,
        agent: "ledger-faults".to_owned(),
        limits: NetworkLimits::default(),
    })
}

/// How the liar fared.
struct Seen {
    connected: usize,
    lies: u64,
    left: usize,
    let_go: Option<Duration>,
}

async fn lie(campaign: &Campaign, options: NetworkOptions) -> Result<Seen, String> {
    let (network, handle, mut events) = Network::bind(options).map_err(|error| error.to_string())?;
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(network.run(shutdown.clone()));
    // What comes is taken and forgotten.
    let listener = tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(_) = events.consensus.recv() => {}
                Some(_) = events.transactions.recv() => {}
                Some(_) = events.requests.recv() => {}
                else => break,
            }
        }
    });
    let mut peers = handle.peers();
    let all = peers.wait_for(|peers| peers.connected.len() >= VALIDATORS);
    let _ = timeout(CONNECTED_WITHIN, all).await;
    let connected: Vec<PeerId> = handle.peers().borrow().connected.iter().map(|peer| peer.id).collect();
    let started = Instant::now();
    let mut random = Random::new(std::process::id().into());
    let mut lies = 0;
    let mut let_go = None;
    while !connected.is_empty() && started.elapsed() < BANNED_WITHIN && let_go.is_none() {
        tell(campaign, &handle, &connected, &mut random);
        lies += 2;
        sleep(PAUSE).await;
        let_go = handle.peers().borrow().connected.is_empty().then(|| started.elapsed());
    }
    let left = handle.peers().borrow().connected.len();
    shutdown.cancel();
    let _ = task.await;
    listener.abort();
    Ok(Seen {
        connected: connected.len(),
        lies,
        left,
        let_go,
    })
}

/// A transaction that is none, to everybody, and a vote in another's name, to each directly, too.
fn tell(campaign: &Campaign, handle: &NetworkHandle, peers: &[PeerId], random: &mut Random) {
    let garbage: Vec<u8> = (0..GARBAGE_BYTES).map(|_| random.byte()).collect();
    handle.publish(GossipMessage::Transactions(vec![Bytes::from(garbage)]));
    let slot_ms = campaign.cluster.spec().consensus.slot_duration_ms;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut signature = [0; 64];
    signature.fill_with(|| random.byte());
    let vote = ConsensusMessage::Vote(Vote {
        set_id: SetId::new(0),
        height: BlockNumber::new(campaign.watch.height() + 1),
        slot: Slot::new(u64::try_from(now.as_millis()).unwrap_or_default() / slot_ms),
        kind: StatementKind::Prevote,
        hash: BlockHash::new(B256::repeat_byte(random.byte())),
        valid_slot: None,
        voter: ConsensusKey::of(&dev_keys::validator_key(0)),
        signature: Signature64::new(signature),
    });
    handle.publish(GossipMessage::Consensus(vote.clone()));
    for peer in peers {
        handle.send(*peer, vote.clone());
    }
}
