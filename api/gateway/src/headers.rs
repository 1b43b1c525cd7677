//! Which headers cross the gateway. Pure.

use std::net::{IpAddr, SocketAddr};

use http::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TE,
    TRANSFER_ENCODING, UPGRADE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::uri::Authority;

/// Tells the engine the client's address. The engine believes it on the gateway's socket only.
pub const PEER: HeaderName = HeaderName::from_static("x-ravelin-peer");

/// Tells the engine which address and port of this machine the client called: a change to the policy that would cut the
/// client's own connection is refused.
pub const LOCAL: HeaderName = HeaderName::from_static("x-ravelin-local");

/// Both ends of a client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The client's address.
    pub peer: IpAddr,
    /// Address and port it called; None where the kernel does not say.
    pub local: Option<SocketAddr>,
}

/// Prefixes of headers that only the gateway may say to the engine.
const OURS: [&str; 2] = ["x-ravelin-", "x-forwarded-"];

/// Of one connection, not of the message (RFC 9110 section 7.6.1), besides those `Connection` names. The two about
/// proxies are for the gateway, which asks for nothing.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Makes a client's headers the engine's. `authority` is that of the request's target, which goes before any `Host`
/// (RFC 9112 section 3.2.2).
pub fn for_engine(headers: &mut HeaderMap, authority: Option<&Authority>, ends: Ends) {
    remove_hop_by_hop(headers);
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| **name == FORWARDED || OURS.iter().any(|prefix| name.as_str().starts_with(prefix)))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
    // The gateway itself sends 100 (Continue) when it starts to read the body.
    headers.remove(EXPECT);
    if let Some(host) = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        headers.insert(HOST, host);
    }
    if let Ok(address) = HeaderValue::from_str(&ends.peer.to_canonical().to_string()) {
        headers.insert(PEER, address);
    }
    let local = ends
        .local
        .map(|local| SocketAddr::new(local.ip().to_canonical(), local.port()));
    if let Some(local) = local.and_then(|local| HeaderValue::from_str(&local.to_string()).ok()) {
        headers.insert(LOCAL, local);
    }
}

/// Makes the engine's headers a client's, and tells browsers to be careful.
pub fn for_client(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    harden(headers);
}

/// Tells browsers to come back by HTTPS only, to believe the content type, to send no address of ours elsewhere, and
/// to show nothing of ours inside another page. A policy is added beside the engine's own, which stays in force.
pub fn harden(headers: &mut HeaderMap) {
    let set = [
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.append(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("frame-ancestors 'none'"),
    );
}

/// Bytes a header section takes: names, values, and the four bytes HTTP/1.1 puts around them.
pub fn size_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let parse =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        lines.iter().map(parse).collect()
    }

    #[track_caller]
    fn check_request(client: &[(&str, &str)], engine: &[(&str, &str)]) {
        let mut headers = map(client);
        let ends = Ends {
            peer: "::ffff:192.0.2.7".parse().unwrap(),
            local: Some("[::ffff:192.0.2.1]:8443".parse().unwrap()),
        };
        for_engine(&mut headers, None, ends);
        let ends = [
            ("x-ravelin-peer", "192.0.2.7"),
            ("x-ravelin-local", "192.0.2.1:8443"),
        ];
        assert_eq!(headers, map(&[engine, &ends].concat()));
    }

    #[test]
    fn what_the_message_is_about_goes_through() {
        let kept = [
            ("host", "fw.example"),
            ("authorization", "Bearer t"),
            ("if-match", "\"3\""),
            ("last-event-id", "7"),
            ("trailer", "expires"),
        ];
        check_request(&kept, &kept);
    }

    #[test]
    fn what_the_connection_is_about_stays() {
        let client = [
            ("connection", "keep-alive, X-Hop"),
            ("connection", "close"),
            ("x-hop", "1"),
            ("close", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("accept", "*/*"),
        ];
        check_request(&client, &[("accept", "*/*")]);
    }

    #[test]
    fn nobody_but_the_gateway_says_who_the_peer_is() {
        let client = [
            ("x-ravelin-peer", "198.51.100.1"),
            ("x-ravelin-peer", "198.51.100.2"),
            ("x-ravelin-local", "198.51.100.1:1"),
            ("x-ravelin-principal", "admin"),
            ("forwarded", "for=198.51.100.1"),
            ("x-forwarded-for", "198.51.100.1"),
            ("x-forwarded-proto", "http"),
            ("connection", "x-ravelin-peer"),
        ];
        check_request(&client, &[]);
    }

    #[test]
    fn the_target_goes_before_the_host_header() {
        let mut headers = map(&[("host", "other.example")]);
        let authority = Authority::from_static("fw.example:8443");
        let ends = Ends {
            peer: "2001:db8::1".parse().unwrap(),
            local: None,
        };
        for_engine(&mut headers, Some(&authority), ends);
        assert_eq!(
            headers,
            map(&[("host", "fw.example:8443"), ("x-ravelin-peer", "2001:db8::1")])
        );
    }

    #[test]
    fn a_policy_of_the_engine_stays_in_force() {
        let mut headers = map(&[
            ("content-security-policy", "default-src 'self'"),
            ("transfer-encoding", "chunked"),
            ("etag", "\"3\""),
        ]);
        for_client(&mut headers);
        let policies: Vec<_> = headers.get_all(CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(policies, ["default-src 'self'", "frame-ancestors 'none'"]);
        assert_eq!(headers.get("etag").unwrap(), "\"3\"");
        assert!(!headers.contains_key(TRANSFER_ENCODING));
    }
}
