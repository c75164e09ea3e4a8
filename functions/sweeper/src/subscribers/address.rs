//! The addresses that a subscriber may have. A person who may set a URL must not reach what only
//! this function can reach: the database's network, or the machine's metadata.

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use operations::config::ConfigError;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

const VARIABLE: &str = "SUBSCRIBER_NETWORKS";

/// The networks that subscribers may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Networks {
    /// Public addresses only.
    Public,
    /// Anywhere.
    Any,
}

impl Networks {
    pub(super) fn from_env() -> Result<Self, ConfigError> {
        match env::var(VARIABLE).as_deref() {
            Err(_) | Ok("" | "public") => Ok(Self::Public),
            Ok("any") => Ok(Self::Any),
            Ok(other) => Err(ConfigError::Invalid {
                variable: VARIABLE,
                reason: format!("must be public or any, got {other:?}"),
            }),
        }
    }

    /// Whether a URL's host is allowed. The addresses of a name are checked later, by
    /// [`PublicOnly`].
    pub(super) fn may_reach(self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        self == Self::Any || host.parse().map_or(true, is_public)
    }
}

/// Resolves a name and keeps only its public addresses. The client connects to these, so the name
/// cannot change its meaning in between.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            if public.is_empty() {
                return Err("its address is not a public one".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is public.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // this network; carriers' own; protocols; benchmarks; multicast, reserved and broadcast
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 224;
    !special
}

/// Only the public range 2000::/3, without the parts that lead to IPv4 addresses.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || a == 0x2002;
    a & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "fd00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_address_in_the_url_is_no_way_around() {
        let reach = |text: &str| Networks::Public.may_reach(&text.parse().unwrap());
        assert!(reach("https://hooks.example.com/") && reach("https://1.1.1.1/"));
        for private in [
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:a00:1]/",
            // as browsers read them: 127.0.0.1
            "https://2130706433/",
            "https://0x7f.1/",
        ] {
            assert!(!reach(private), "{private}");
        }
        assert!(Networks::Any.may_reach(&"http://127.0.0.1/".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let name = "localhost".parse().unwrap();
        assert!(PublicOnly.resolve(name).await.is_err());
    }
}
