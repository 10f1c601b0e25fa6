//! Is every port free that is about to be needed? Found out before anything starts, so that one taken port does not leave half
//! a network behind.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use super::{
    error::TestnetError,
    plan::{Planned, TakenPort},
};

/// Whether all ports of `nodes`, and those of `others` that are to start, are free now.
///
/// # Errors
/// [`TestnetError::Ports`] with all that are not.
pub fn check<'a>(nodes: impl Iterator<Item = &'a Planned>, others: &[(&'static str, u16)]) -> Result<(), TestnetError> {
    let mut taken = Vec::new();
    for (name, port) in others {
        if TcpListener::bind(local(*port)).is_err() {
            taken.push(TakenPort {
                port: *port,
                node: (*name).to_owned(),
                service: "HTTP",
            });
        }
    }
    for node in nodes {
        let mut note = |port, service| {
            taken.push(TakenPort {
                port,
                node: node.name.clone(),
                service,
            });
        };
        if TcpListener::bind(local(node.rpc_port)).is_err() {
            note(node.rpc_port, "JSON-RPC");
        }
        // Peers are listened for over TCP and over QUIC, at the same number.
        if TcpListener::bind(local(node.p2p_port)).is_err() || UdpSocket::bind(local(node.p2p_port)).is_err() {
            note(node.p2p_port, "peers");
        }
    }
    match taken.is_empty() {
        true => Ok(()),
        false => Err(TestnetError::Ports(taken)),
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
