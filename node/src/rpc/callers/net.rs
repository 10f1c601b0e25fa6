//! Who is the same caller, and which callers are meant? Addresses, and networks of addresses as operators write them.
//!
//! Pure. An IPv6 caller is its /64: whoever has one address of it has all of them.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Bits of an IPv6 address that tell callers apart.
const V6_CALLER_BITS: u32 = 64;

/// One caller, as far as limits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerId(IpAddr);

impl CallerId {
    /// The caller behind an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let kept = u128::MAX << (128 - V6_CALLER_BITS);
                Self(Ipv6Addr::from_bits(address.to_bits() & kept).into())
            }
        }
    }
}

impl fmt::Display for CallerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/{V6_CALLER_BITS}"),
        }
    }
}

/// A network: an address, or an address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    address: IpAddr,
    bits: u32,
}

impl Net {
    /// Whether `address` lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                (net.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits || net == address
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                (net.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits || net == address
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Net {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no network; write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The caller that the proxies `proxies` forwarded a request for: the last address of the `X-Forwarded-For` headers that is
/// not a proxy itself. What stands before it was written by the caller, who may write anything; so `None` if the last one
/// is no address.
pub(super) fn forwarded<'a>(headers: impl DoubleEndedIterator<Item = &'a str>, proxies: &[Net]) -> Option<IpAddr> {
    for entry in headers.rev().flat_map(|header| header.rsplit(',')) {
        let address: IpAddr = entry.trim().parse().ok()?;
        if !proxies.iter().any(|proxy| proxy.contains(address)) {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn callers_are_addresses_and_networks_of_version_6() {
        let same = |a: &str, b: &str| CallerId::of(address(a)) == CallerId::of(address(b));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert_eq!(
            CallerId::of(address("2001:db8:1:2::1")).to_string(),
            "2001:db8:1:2::/64"
        );
    }

    #[test]
    fn networks_contain_what_their_prefix_says() {
        for (net, inside, outside) in [
            ("127.0.0.0/8", "127.9.9.9", "128.0.0.1"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("10.0.0.0/9", "::ffff:10.1.2.3", "10.128.0.0"),
            ("::1", "::1", "127.0.0.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ] {
            let net: Net = net.parse().unwrap();
            assert!(net.contains(address(inside)), "{net} {inside}");
            assert!(!net.contains(address(outside)), "{net} {outside}");
        }
        assert!("0.0.0.0/0".parse::<Net>().unwrap().contains(address("203.0.113.9")));
        for wrong in ["", "10.0.0.0/33", "::/129", "localhost", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Net>().unwrap_err().contains("write it like"), "{wrong}");
        }
    }

    #[test]
    fn a_forwarded_caller_is_the_last_that_is_no_proxy() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let found = |headers: &[&str]| forwarded(headers.iter().copied(), &proxies);
        assert_eq!(found(&["203.0.113.9"]), Some(address("203.0.113.9")));
        // A caller can put anything before what the proxy adds.
        assert_eq!(
            found(&["127.0.0.1, 203.0.113.9, 10.0.0.7"]),
            Some(address("203.0.113.9"))
        );
        assert_eq!(found(&["127.0.0.1", "203.0.113.9"]), Some(address("203.0.113.9")));
        assert_eq!(found(&["203.0.113.9, nonsense"]), None);
        assert_eq!(found(&[]), None);
    }
}
