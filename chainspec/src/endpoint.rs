//! Where can a node be reached? The form of its addresses, so that whoever writes one down needs no network code.
//!
//! Used by the specification's bootnodes and by the notary's records. The network parses addresses in full; nothing here resolves a name.

/// Whether a multiaddress names a host and a TCP or QUIC port, such as `/dns4/host/tcp/30303`, without a peer id.
pub fn is_endpoint(place: &str) -> bool {
    let parts: Vec<_> = place.split('/').collect();
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    match parts[..] {
        ["", kind, host, "tcp", port] | ["", kind, host, "udp", port, "quic-v1"] => {
            let is_host = match kind {
                "ip4" => host.parse::<std::net::Ipv4Addr>().is_ok(),
                "ip6" => host.parse::<std::net::Ipv6Addr>().is_ok(),
                "dns" | "dns4" | "dns6" => !host.is_empty(),
                _ => false,
            };
            is_host && is_port(port)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_host_and_a_port() {
        for (place, expected) in [
            ("/ip4/192.0.2.1/tcp/30303", true),
            ("/ip6/2001:db8::1/udp/30303/quic-v1", true),
            ("/dns4/node.example/tcp/1", true),
            ("/dns4//tcp/1", false),
            ("/ip4/192.0.2/tcp/1", false),
            ("/ip4/192.0.2.1/tcp/0", false),
            ("/ip4/192.0.2.1/udp/1", false),
            ("ip4/192.0.2.1/tcp/1", false),
            ("", false),
        ] {
            assert_eq!(is_endpoint(place), expected, "{place}");
        }
    }
}
