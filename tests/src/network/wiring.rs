//! Where does each node of a cluster listen, and can the network between them be cut? In namespaces where the machine allows it, and
//! else on the loopback network.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use super::namespaces::{Namespaces, Side};

/// Port for peers in a namespace.
const PEER_PORT: u16 = 30_333;
/// Port of JSON-RPC in a namespace.
const RPC_PORT: u16 = 9_545;
/// Callers that may ask as much as they like: this process, wherever its address comes from.
pub const TRUSTED: &str = "127.0.0.0/8,10.0.0.0/8";

/// One node's place.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Where it listens for peers.
    pub peers: SocketAddr,
    /// Where it serves JSON-RPC.
    pub rpc: SocketAddr,
    /// Words before the node's command.
    pub prefix: Vec<String>,
}

/// The network between the nodes.
#[derive(Debug)]
pub struct Wiring {
    /// A place for each node, and one more for strangers.
    pub seats: Vec<Seat>,
    namespaces: Option<Namespaces>,
    /// Why there are no namespaces, if there are none.
    pub why_not: Option<String>,
}

impl Wiring {
    /// For `count` nodes: namespaces if they are wanted and possible, else ports of 127.0.0.1.
    ///
    /// # Errors
    /// If there are no ports.
    pub fn make(count: usize, wants_namespaces: bool) -> Result<Self, String> {
        let made = match wants_namespaces {
            true => Namespaces::make(count),
            false => Err("namespaces are not wanted".to_owned()),
        };
        match made {
            Ok(namespaces) => Ok(Self {
                seats: (0..count).map(|index| in_namespace(&namespaces, index)).collect(),
                namespaces: Some(namespaces),
                why_not: None,
            }),
            Err(why) => Ok(Self {
                seats: on_loopback(count).map_err(|error| format!("no free ports: {error}"))?,
                namespaces: None,
                why_not: Some(why),
            }),
        }
    }

    /// Puts the named nodes on the other side, and everybody else on this one. Nobody heals the cut.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn cut(&self, others: &[usize]) -> Result<(), String> {
        let namespaces = self.namespaces.as_ref().ok_or("no namespaces, so nothing can be cut")?;
        for index in 0..self.seats.len() {
            let side = if others.contains(&index) {
                Side::Second
            } else {
                Side::First
            };
            namespaces.put(index, side)?;
        }
        Ok(())
    }
}

fn in_namespace(namespaces: &Namespaces, index: usize) -> Seat {
    let (peers, rpc) = namespaces.addresses(index);
    Seat {
        peers: SocketAddr::from((peers, PEER_PORT)),
        rpc: SocketAddr::from((rpc, RPC_PORT)),
        prefix: namespaces.prefix(index),
    }
}

/// Ports that are free now. A node that is started again finds its own free, unless somebody else took it meanwhile.
fn on_loopback(count: usize) -> std::io::Result<Vec<Seat>> {
    let mut held = Vec::new();
    let mut seats = Vec::new();
    for _ in 0..count {
        // A port for peers has to be free over TCP and over UDP.
        let peers = loop {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr()?) {
                let address = tcp.local_addr()?;
                held.push((tcp, Some(udp)));
                break address;
            }
        };
        let rpc = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        seats.push(Seat {
            peers,
            rpc: rpc.local_addr()?,
            prefix: Vec::new(),
        });
        held.push((rpc, None));
    }
    Ok(seats)
}
