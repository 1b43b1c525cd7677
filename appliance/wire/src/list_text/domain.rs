//! Lines of domain lists.

use std::net::IpAddr;

use ravelin_model::{DomainEntry, DomainName, DomainPattern, DomainScope, EntryValue};

use super::{Ignored, Invalid, Refused, address, without_comment};

/// Between the domain and the selector of a cosmetic rule.
const COSMETIC: [&str; 5] = ["##", "#@#", "#?#", "#$#", "#%#"];

/// Names hosts files give the machine itself; no list means to block them.
const LOCAL_NAMES: [&str; 6] = [
    "localhost",
    "localhost.localdomain",
    "localdomain",
    "local",
    "broadcasthost",
    "0.0.0.0",
];

pub(super) fn parse(text: &str) -> Result<Vec<EntryValue>, Refused> {
    if text.starts_with("@@") {
        return Err(Ignored::AllowRule.into());
    }
    if is_cosmetic(text) {
        return Err(Ignored::Cosmetic.into());
    }
    if text.len() > 1 && text.starts_with('/') && text.ends_with('/') {
        return Err(Ignored::Regex.into());
    }
    let text = without_comment(text);
    if let Some(rule) = text.strip_prefix("||") {
        return adblock(rule).map(|entry| vec![entry]);
    }
    if let Some(rule) = text
        .strip_prefix("address=/")
        .or_else(|| text.strip_prefix("local=/"))
    {
        return dnsmasq(rule);
    }
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    if let Some(address) = host_address(first)
        && words.clone().next().is_some()
    {
        return hosts(address, words);
    }
    if address::network(first).is_some() {
        return Err(Invalid::AddressInDomainList.into());
    }
    if words.next().is_some() {
        return Err(Invalid::TrailingText.into());
    }
    plain(first).map(|entry| vec![entry])
}

/// A comment after white space may look like a cosmetic rule, but is none.
fn is_cosmetic(text: &str) -> bool {
    let Some(at) = text.find('#') else { return false };
    let (before, rest) = text.split_at(at);
    !before.ends_with(char::is_whitespace) && COSMETIC.iter().any(|mark| rest.starts_with(mark))
}

fn plain(word: &str) -> Result<EntryValue, Refused> {
    if word.contains(['/', '|']) {
        return Err(Invalid::NotAWholeDomain.into());
    }
    if let Some(name) = word.strip_prefix('=') {
        return entry(name, DomainScope::Exact);
    }
    if let Some(name) = word.strip_prefix('.') {
        return entry(name, DomainScope::Suffix);
    }
    wildcard(word)
}

/// `||name^`; the end of the name may be marked twice: `||name^|`.
fn adblock(rule: &str) -> Result<EntryValue, Refused> {
    let (rule, options) = rule
        .split_once('$')
        .map_or((rule, None), |(rule, options)| (rule, Some(options)));
    if options.is_some() {
        return Err(Ignored::Options.into());
    }
    let rule = rule.strip_suffix('|').unwrap_or(rule);
    match rule.strip_suffix('^') {
        Some(name) if !name.contains(['/', '^', '|']) => wildcard(name),
        // Without the mark the rule covers every name that starts so.
        _ => Err(Invalid::NotAWholeDomain.into()),
    }
}

/// `/a.example/b.example/` or `/a.example/0.0.0.0`, without the first slash.
fn dnsmasq(rule: &str) -> Result<Vec<EntryValue>, Refused> {
    let (names, target) = rule.rsplit_once('/').ok_or(Invalid::NotAWholeDomain)?;
    if !target.is_empty() && !target.parse().is_ok_and(is_nowhere) {
        return Err(Invalid::Redirect.into());
    }
    names
        .split('/')
        .map(|name| entry(name, DomainScope::Suffix))
        .collect()
}

fn hosts<'a>(address: IpAddr, names: impl Iterator<Item = &'a str>) -> Result<Vec<EntryValue>, Refused> {
    let entries = names
        .filter(|name| !is_local(name))
        .map(|name| entry(name, DomainScope::Exact))
        .collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() {
        return Err(Ignored::LocalName.into());
    }
    if !is_nowhere(address) {
        return Err(Invalid::Redirect.into());
    }
    Ok(entries)
}

/// The address of a hosts line, which may have a zone (`fe80::1%lo0`).
fn host_address(word: &str) -> Option<IpAddr> {
    word.split('%').next().and_then(|address| address.parse().ok())
}

fn is_nowhere(address: IpAddr) -> bool {
    address.is_unspecified() || address.is_loopback()
}

fn is_local(name: &str) -> bool {
    let ip6 = name
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("ip6-"));
    ip6 || LOCAL_NAMES.iter().any(|local| name.eq_ignore_ascii_case(local))
}

fn wildcard(text: &str) -> Result<EntryValue, Refused> {
    match text.strip_prefix("*.") {
        Some(name) => entry(name, DomainScope::Below),
        None => entry(text, DomainScope::Suffix),
    }
}

fn entry(name: &str, scope: DomainScope) -> Result<EntryValue, Refused> {
    if address::network(name).is_some() {
        return Err(Invalid::AddressInDomainList.into());
    }
    let name: DomainName = name.parse()?;
    let top = name.labels().next_back().unwrap_or_default();
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::EndsInNumber.into());
    }
    Ok(EntryValue::Domain(DomainEntry {
        pattern: DomainPattern { name, scope },
    }))
}
