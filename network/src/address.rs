//! Is an address that a peer claims worth trying?
//!
//! Pure. A claim costs a dial and a line in the store, so what cannot be right is dropped: other transports, addresses
//! within a house that the peer is not in, and more of them than anybody needs.

use std::net::IpAddr;

use libp2p::{Multiaddr, multiaddr::Protocol};

use crate::{gate::ip_of, store::ADDRESS_BYTES_MAX};

/// The claims of a peer at `observed` that are worth trying, at most `max`, without a peer id at their end.
pub(crate) fn plausible(claims: &[Multiaddr], observed: &Multiaddr, max: usize) -> Vec<Multiaddr> {
    let observed = ip_of(observed);
    let mut addresses = Vec::new();
    for claim in claims {
        let mut address = claim.clone();
        if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
            address.pop();
        }
        let is_reachable = ip_of(&address).is_none_or(|ip| is_reachable(ip, observed));
        if is_reachable && is_known_transport(&address) && !addresses.contains(&address) {
            addresses.push(address);
        }
        if addresses.len() == max {
            break;
        }
    }
    addresses
}

fn is_known_transport(address: &Multiaddr) -> bool {
    if address.as_ref().len() > ADDRESS_BYTES_MAX {
        return false;
    }
    let parts: Vec<_> = address.iter().collect();
    match parts[..] {
        [
            Protocol::Ip4(_) | Protocol::Ip6(_) | Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_),
            ref way @ ..,
        ] => matches!(way, [Protocol::Tcp(1..)] | [Protocol::Udp(1..), Protocol::QuicV1]),
        _ => false,
    }
}

/// How far an address can be reached from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Machine,
    House,
    World,
}

fn reach(ip: IpAddr) -> Option<Reach> {
    if ip.is_unspecified() || ip.is_multicast() {
        return None;
    }
    let is_house = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    Some(match ip {
        ip if ip.is_loopback() => Reach::Machine,
        _ if is_house => Reach::House,
        _ => Reach::World,
    })
}

/// A peer that is seen from afar is not reached at an address of its house.
fn is_reachable(claimed: IpAddr, observed: Option<IpAddr>) -> bool {
    match (reach(claimed), observed.and_then(reach)) {
        (None, _) => false,
        (Some(claimed), Some(observed)) => claimed >= observed,
        (Some(claimed), None) => claimed == Reach::World,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_right_is_dropped() {
        let claims: Vec<Multiaddr> = [
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/10.0.0.1/tcp/1",
            "/ip4/198.51.100.7/tcp/30333",
            "/ip4/198.51.100.7/udp/30333/quic-v1",
            "/ip4/198.51.100.7/tcp/30333/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
            "/ip4/198.51.100.7/tcp/30333/ws",
            "/ip4/198.51.100.7/tcp/0",
            "/ip4/0.0.0.0/tcp/30333",
            "/ip6/fe80::1/tcp/30333",
            "/dns4/node.example/tcp/30333",
            "/memory/1",
        ]
        .map(|claim| claim.parse().unwrap())
        .to_vec();
        let from = |observed: &str| {
            plausible(&claims, &observed.parse().unwrap(), 9)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let world = [
            "/ip4/198.51.100.7/tcp/30333",
            "/ip4/198.51.100.7/udp/30333/quic-v1",
            "/dns4/node.example/tcp/30333",
        ];
        assert_eq!(from("/ip4/203.0.113.1/tcp/5"), world);
        assert_eq!(from("/ip4/192.168.1.1/tcp/5").len(), 5);
        assert_eq!(from("/ip4/127.0.0.1/tcp/5").len(), 6);
        assert_eq!(plausible(&claims, &"/ip4/127.0.0.1/tcp/5".parse().unwrap(), 2).len(), 2);
    }
}
