//! Those who do not belong: a node of another chain, and people who throw garbage at open ports.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    crash::number,
    network::{
        campaign::{Campaign, Told},
        cluster::{FULL_NODE, NODES},
    },
    random::Random,
};

/// Connections over TCP that throw garbage at the same time.
const CONNECTIONS: usize = 24;
/// Bytes of garbage, over and over.
const GARBAGE_BYTES: usize = 64 << 10;
/// Bytes of a datagram: as long as the first one of QUIC.
const DATAGRAM_BYTES: usize = 1_200;
/// Datagrams before a pause: some twenty thousand in a second.
const DATAGRAMS: usize = 20;
/// That pause, and the one after a connection that was refused.
const PAUSE: Duration = Duration::from_millis(1);
/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Starts a node of another chain that knows everybody's address, and says all the time that ours is its own.
pub fn other_genesis(campaign: &mut Campaign) -> Result<Told, String> {
    let mut told = Told::default();
    let before = peers_of(campaign, 0)?;
    let mut stranger = campaign.cluster.start_stranger()?;
    let mut most = 0;
    for _ in 0..campaign.plan.fault_slots {
        campaign.rest(1)?;
        let peers = stranger.rpc().try_call("net_peerCount", &json!([]));
        most = most.max(peers.ok().as_ref().and_then(number).unwrap_or_default());
    }
    let height = stranger.rpc().try_call("eth_blockNumber", &json!([]));
    let height = height.ok().as_ref().and_then(number);
    told.expect(height == Some(0), || format!("it took blocks: {height:?}"));
    told.expect(most == 0, || format!("it was taken for a peer by {most} nodes"));
    let after = peers_of(campaign, 0)?;
    told.expect(after >= before, || {
        format!("validator-0 had {before} peers, and has {after}")
    });
    told.notes
        .push(format!("it had {most} peers and {} blocks", height.unwrap_or_default()));
    stranger.terminate();
    Ok(told)
}

fn peers_of(campaign: &Campaign, index: usize) -> Result<u64, String> {
    let peers = campaign.cluster.rpc(index).try_call("net_peerCount", &json!([]));
    let peers = peers.map_err(|error| error.to_string())?;
    number(&peers).ok_or_else(|| format!("no number of peers: {peers}"))
}

/// Throws garbage at every node's port for peers.
pub fn garbage(campaign: &mut Campaign) -> Result<Told, String> {
    let targets: Vec<_> = campaign.cluster.seats().iter().map(|seat| seat.peers).collect();
    let (ends, counts) = (AtomicBool::new(false), Counts::default());
    let lasted = thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let target = targets[number % targets.len()];
            let (ends, counts) = (&ends, &counts);
            scope.spawn(move || over_tcp(target, number as u64, ends, counts));
        }
        for (number, target) in targets.iter().enumerate() {
            let (ends, counts) = (&ends, &counts);
            scope.spawn(move || over_udp(*target, number as u64, ends, counts));
        }
        let lasted = campaign.last();
        ends.store(true, Ordering::Relaxed);
        lasted
    });
    lasted?;
    let mut told = Told::default();
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    told.notes.push(format!(
        "{} connections with {} KiB over TCP, {} datagrams",
        of(&counts.connections),
        of(&counts.bytes) >> 10,
        of(&counts.datagrams)
    ));
    for index in 0..NODES {
        let peers = peers_of(campaign, index)?;
        told.expect(peers >= FULL_NODE as u64 - 1, || {
            format!("node {index} is left with {peers} peers")
        });
    }
    Ok(told)
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    bytes: AtomicU64,
    datagrams: AtomicU64,
}

fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.byte()).collect()
}

fn over_tcp(target: SocketAddr, seed: u64, ends: &AtomicBool, counts: &Counts) {
    let garbage = bytes(seed, GARBAGE_BYTES);
    while !ends.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect_timeout(&target, CONNECT_WITHIN) else {
            thread::sleep(PAUSE);
            continue;
        };
        counts.connections.fetch_add(1, Ordering::Relaxed);
        let _ = stream.set_write_timeout(Some(CONNECT_WITHIN));
        while let Ok(count) = stream.write(&garbage) {
            counts.bytes.fetch_add(count as u64, Ordering::Relaxed);
            if ends.load(Ordering::Relaxed) {
                return;
            }
        }
        thread::sleep(PAUSE);
    }
}

fn over_udp(target: SocketAddr, seed: u64, ends: &AtomicBool, counts: &Counts) {
    let Ok(socket) = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)) else {
        return;
    };
    let garbage = bytes(seed, GARBAGE_BYTES);
    while !ends.load(Ordering::Relaxed) {
        for datagram in garbage.chunks_exact(DATAGRAM_BYTES).take(DATAGRAMS) {
            if socket.send_to(datagram, target).is_ok() {
                counts.datagrams.fetch_add(1, Ordering::Relaxed);
            }
        }
        thread::sleep(PAUSE);
    }
}
