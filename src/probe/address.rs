//! Which addresses a probe may connect to. Names are resolved once, here, and the connection goes to what was checked: a
//! name that leads somewhere else a moment later cannot lead a probe there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use crate::base::limits::{PROBE_ADDRESSES_MAX, PROBE_TIMEOUT};
use crate::validate::Found;

/// Where cloud providers give credentials to whoever asks: never, whatever an item says.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

/// Whether a host is named as this very machine. Only then may an address be a loopback one.
pub(super) fn names_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: IpAddr| plain(ip).is_loopback())
}

/// The addresses of a host that may be connected to.
///
/// # Errors
///
/// If there are none, or one of them may not be: a name that leads to both is not to be trusted.
pub(super) async fn resolve(host: &str, port: u16, inside: &[IpNet]) -> Found<Vec<SocketAddr>> {
    let found = lookup(host, port).await?;
    if found.is_empty() {
        return Err("its name leads to no address".to_owned());
    }
    for address in &found {
        permit(host, address.ip(), inside)?;
    }
    Ok(found)
}

/// Where a name leads, in the order of the addresses.
pub(super) async fn lookup(host: &str, port: u16) -> Found<Vec<SocketAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if !is_host(bare) {
        return Err("its name is not spelled as one".to_owned());
    }
    let looked = tokio::time::timeout(PROBE_TIMEOUT.as_std(), tokio::net::lookup_host((bare, port))).await;
    let found = match looked {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => return Err("its name could not be resolved".to_owned()),
        Err(_) => return Err("its name was not resolved in time".to_owned()),
    };
    let mut found: Vec<SocketAddr> = found.take(PROBE_ADDRESSES_MAX).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

fn is_host(host: &str) -> bool {
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    (1..=253).contains(&host.len()) && (is_name || host.parse::<IpAddr>().is_ok())
}

/// An IPv4 address inside of an IPv6 one is what it stands for.
fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = ip else { return ip };
    match six.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => ip.to_canonical(),
    }
}

fn permit(host: &str, ip: IpAddr, inside: &[IpNet]) -> Result<(), String> {
    let ip = plain(ip);
    if METADATA.contains(&ip) {
        return Err(
            "it leads to an address where a cloud gives out credentials, which is never asked".to_owned()
        );
    }
    if names_loopback(host) && ip.is_loopback() {
        return Ok(());
    }
    if !is_public(ip) && !inside.iter().any(|net| net.contains(&ip)) {
        return Err(format!(
            "it leads to {ip}, which is no public address; a dns validator of the item can name its network"
        ));
    }
    Ok(())
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let reserved =
                a == 0 || a >= 240 || (a == 198 && (18..20).contains(&b)) || (a, b, c) == (192, 0, 0);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_documentation()
                || shared
                || reserved)
        }
        // Global unicast is 2000::/3; 6to4, Teredo and documentation lie in it and lead elsewhere.
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            let global = (0x2000..0x4000).contains(&first);
            let elsewhere = first == 0x2002 || (first == 0x2001 && (second < 0x0200 || second == 0x0db8));
            global && !elsewhere
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_reach_public_addresses_and_networks_that_are_named() {
        let inside = ["10.20.0.0/16".parse().unwrap(), "169.254.0.0/16".parse().unwrap()];
        let check =
            |host: &str, ip: &str, inside: &[IpNet]| permit(host, ip.parse().unwrap(), inside).is_ok();
        for public in ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"] {
            assert!(check("example.org", public, &[]), "{public}");
        }
        let shut = [
            "127.0.0.1",
            "10.20.0.7",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.20.0.7",
            "::ffff:127.0.0.1",
            "64:ff9b::a14:7",
            "2002:a14:7::1",
            "2001:db8::1",
        ];
        for ip in shut {
            assert!(!check("example.org", ip, &[]), "{ip}");
        }
        assert!(check("sftp.example.org", "10.20.0.7", &inside));
        assert!(check("sftp.example.org", "::ffff:10.20.0.7", &inside));
        assert!(check("sftp.example.org", "169.254.1.1", &inside));
        assert!(!check("sftp.example.org", "10.21.0.7", &inside));
        for metadata in ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "169.254.170.2"] {
            assert!(!check("sftp.example.org", metadata, &inside), "{metadata}");
        }
        assert!(check("localhost", "127.0.0.1", &[]) && check("127.0.0.1", "127.0.0.1", &[]));
        assert!(check("[::1]", "::1", &[]) && !check("localhost", "10.20.0.7", &[]));
    }

    #[tokio::test]
    async fn names_that_are_none_are_not_looked_up() {
        for bad in ["", "a b", "a/b", "a@b", "a:1", &"x".repeat(254), "ä.example"] {
            assert_eq!(lookup(bad, 0).await, Err("its name is not spelled as one".to_owned()), "{bad}");
        }
        assert_eq!(lookup("127.0.0.1", 7).await, Ok(vec!["127.0.0.1:7".parse().unwrap()]));
    }
}
