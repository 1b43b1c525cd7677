//! What the kernel itself says of connections, read from procfs: a second opinion.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::Namespace;

/// Addresses and ports of packets in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// IANA number.
    pub protocol: u8,
    /// From.
    pub source: (IpAddr, u16),
    /// To.
    pub destination: (IpAddr, u16),
}

impl Tuple {
    /// The other way round.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            ..*self
        }
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            protocol,
            source,
            destination,
        } = self;
        write!(f, "{protocol} {source:?} {destination:?}")
    }
}

/// A connection of TCP or UDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// As packets of who began it come in.
    pub original: Tuple,
    /// As packets of the other side come in.
    pub reply: Tuple,
    /// Seconds until it is forgotten.
    pub timeout_seconds: u64,
    /// `ESTABLISHED` and the like; TCP only.
    pub state: Option<String>,
    /// It is not thrown out early.
    pub assured: bool,
    /// Nothing came back yet.
    pub unreplied: bool,
    /// Its mark.
    pub mark: u32,
    /// Packets and bytes each way, where conntrack counts.
    pub counts: Option<[(u64, u64); 2]>,
}

/// Every connection of TCP and UDP of a namespace, by original tuple.
pub fn conntrack(namespace: &Namespace) -> BTreeMap<Tuple, Tracked> {
    let path = "/proc/thread-self/net/nf_conntrack";
    let text = namespace.within(|| std::fs::read_to_string(path).expect(path));
    text.lines()
        .filter_map(line)
        .map(|tracked| (tracked.original, tracked))
        .collect()
}

/// Sum of a column of `/proc/net/stat/nf_conntrack` over the processors, e.g. `invalid`.
pub fn conntrack_statistic(namespace: &Namespace, column: &str) -> u64 {
    let path = "/proc/thread-self/net/stat/nf_conntrack";
    let text = namespace.within(|| std::fs::read_to_string(path).expect(path));
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default();
    let place = names.split_whitespace().position(|name| name == column);
    let place = place.unwrap_or_else(|| panic!("no {column} among {names}"));
    lines
        .map(|line| {
            let value = line.split_whitespace().nth(place).expect("a value");
            u64::from_str_radix(value, 16).expect("a hexadecimal number")
        })
        .sum()
}

/// `ipv4 2 tcp 6 431999 ESTABLISHED src=… dst=… sport=… dport=… packets=… bytes=… src=… … [ASSURED] mark=0 use=1`
fn line(text: &str) -> Option<Tracked> {
    let mut words = text.split_whitespace();
    let protocol = words.by_ref().nth(3)?.parse().ok()?;
    if !matches!(protocol, 6 | 17) {
        return None;
    }
    let timeout_seconds = words.next()?.parse().ok()?;
    let mut tuples: [BTreeMap<&str, &str>; 2] = Default::default();
    let mut sides = 0;
    let (mut state, mut assured, mut unreplied, mut mark) = (None, false, false, 0);
    for word in words {
        match (word, word.split_once('=')) {
            ("[ASSURED]", _) => assured = true,
            ("[UNREPLIED]", _) => unreplied = true,
            (_, Some(("mark", value))) => mark = value.parse().ok()?,
            (_, Some((name, value))) => {
                sides += usize::from(name == "src");
                tuples
                    .get_mut(sides.checked_sub(1)?)?
                    .entry(name)
                    .or_insert(value);
            }
            (word, None) if state.is_none() && !word.starts_with('[') => state = Some(word.to_owned()),
            _ => {}
        }
    }
    let tuple = |fields: &BTreeMap<&str, &str>| {
        Some(Tuple {
            protocol,
            source: (
                fields.get("src")?.parse().ok()?,
                fields.get("sport")?.parse().ok()?,
            ),
            destination: (
                fields.get("dst")?.parse().ok()?,
                fields.get("dport")?.parse().ok()?,
            ),
        })
    };
    let count = |fields: &BTreeMap<&str, &str>| {
        Some((
            fields.get("packets")?.parse().ok()?,
            fields.get("bytes")?.parse().ok()?,
        ))
    };
    let counts = count(&tuples[0])
        .zip(count(&tuples[1]))
        .map(|(there, back)| [there, back]);
    Some(Tracked {
        original: tuple(&tuples[0])?,
        reply: tuple(&tuples[1])?,
        timeout_seconds,
        state,
        assured,
        unreplied,
        mark,
        counts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let text = "ipv4     2 tcp      6 431999 ESTABLISHED src=10.77.1.2 dst=10.77.2.2 sport=4000 dport=80 \
                    packets=3 bytes=180 src=10.77.2.2 dst=10.77.2.1 sport=80 dport=4000 packets=2 bytes=120 \
                    [ASSURED] mark=7 zone=0 use=2";
        let tracked = line(text).expect("a connection");
        assert_eq!(
            tracked.original.source,
            ("10.77.1.2".parse().expect("address"), 4000)
        );
        assert_eq!(
            tracked.reply.destination,
            ("10.77.2.1".parse().expect("address"), 4000)
        );
        assert_eq!((tracked.timeout_seconds, tracked.mark), (431_999, 7));
        assert_eq!(tracked.state.as_deref(), Some("ESTABLISHED"));
        assert!(tracked.assured && !tracked.unreplied);
        assert_eq!(tracked.counts, Some([(3, 180), (2, 120)]));
        let text = "ipv6     10 udp      17 29 src=fd77::2 dst=fd77::3 sport=1 dport=53 [UNREPLIED] src=fd77::3 \
                    dst=fd77::2 sport=53 dport=1 mark=0 zone=0 use=2";
        let tracked = line(text).expect("a connection");
        assert!(tracked.unreplied && !tracked.assured);
        assert_eq!((tracked.state, tracked.counts), (None, None));
        assert_eq!(tracked.reply, tracked.original.inverted());
        assert_eq!(
            line("ipv4 2 icmp 1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1"),
            None
        );
    }
}
