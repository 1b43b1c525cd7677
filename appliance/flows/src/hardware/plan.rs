//! Which rules a connection would need, or why it has none.

use std::fmt;

use ravelin_datapath::{CachedWays, Way};
use ravelin_kernel::RouteRule;
use ravelin_model::protocol;

use super::cards::Cards;

/// DNS: what `dns_blocklist` has to read.
const DNS_PORT: u16 = 53;

/// Why a connection cannot be in a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// XDP does not forward both directions now.
    WayUnknown,
    /// Its addresses or ports are translated.
    Translated,
    /// Neither TCP nor UDP.
    Protocol,
    /// It may be DNS.
    Dns,
    /// The ways are not the same there and back.
    Asymmetric,
    /// It leaves where it came in.
    Hairpin,
    /// A card does not route: interface, and why.
    Card(String, String),
    /// An interface nobody knows.
    UnknownInterface(u32),
    /// A card does not change VLAN tags: interface.
    Tags(String),
    /// The interfaces are of two cards.
    TwoCards(String, String),
    /// A card does not look at the length of packets, and they may be too long for where they leave.
    Mtu(String, String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WayUnknown => f.write_str("XDP does not forward both directions now"),
            Self::Translated => f.write_str("its addresses or ports are translated"),
            Self::Protocol => f.write_str("cards get TCP and UDP only"),
            Self::Dns => f.write_str("port 53 is left to dns_blocklist"),
            Self::Asymmetric => f.write_str("its ways there and back are not the same"),
            Self::Hairpin => f.write_str("it leaves by the interface it came in by"),
            Self::Card(interface, reason) => write!(f, "{interface}: {reason}"),
            Self::UnknownInterface(index) => {
                write!(f, "nothing is known of the interface with index {index}")
            }
            Self::Tags(interface) => write!(f, "{interface}: its card does not change VLAN tags"),
            Self::TwoCards(one, other) => write!(f, "{one} and {other} are not of one card"),
            Self::Mtu(one, other) => write!(
                f,
                "{one} and {other} have different MTUs, and cards do not look at the length of packets"
            ),
        }
    }
}

/// The rules of both directions.
pub(crate) fn plan(cached: &CachedWays, cards: &Cards) -> Result<[RouteRule; 2], Unfit> {
    let CachedWays { flow, ways } = cached;
    if !matches!(flow.original.protocol, protocol::TCP | protocol::UDP) {
        return Err(Unfit::Protocol);
    }
    if flow.reply != flow.original.inverted() {
        return Err(Unfit::Translated);
    }
    if [flow.original.source_port, flow.original.destination_port].contains(&DNS_PORT) {
        return Err(Unfit::Dns);
    }
    let [Some(there), Some(back)] = ways else {
        return Err(Unfit::WayUnknown);
    };
    let mirrored = |one: &Way, other: &Way| {
        (one.ingress, one.ingress_tag) == (other.egress, other.egress_tag)
            && one.own_address == other.source_address
    };
    if !mirrored(there, back) || !mirrored(back, there) {
        return Err(Unfit::Asymmetric);
    }
    if there.ingress == there.egress {
        return Err(Unfit::Hairpin);
    }
    fit(there, cards)?;
    let rule = |way: &Way, tuple| RouteRule {
        ingress: way.ingress,
        ingress_tag: way.ingress_tag,
        own_address: way.own_address,
        tuple,
        egress: way.egress,
        egress_tag: way.egress_tag,
        source_address: way.source_address,
        destination_address: way.destination_address,
    };
    Ok([rule(there, flow.original), rule(back, flow.reply)])
}

/// Whether the cards at both ends of a way are fit for it.
fn fit(way: &Way, cards: &Cards) -> Result<(), Unfit> {
    let card = |index: u32| cards.get(&index).ok_or(Unfit::UnknownInterface(index));
    let (one, other) = (card(way.ingress)?, card(way.egress)?);
    for card in [one, other] {
        if let Some(problem) = &card.problem {
            return Err(Unfit::Card(card.interface.clone(), problem.clone()));
        }
        if way.ingress_tag != way.egress_tag && !card.retags {
            return Err(Unfit::Tags(card.interface.clone()));
        }
    }
    let both = || (one.interface.clone(), other.interface.clone());
    if one.device.is_none() || one.device != other.device {
        let (one, other) = both();
        return Err(Unfit::TwoCards(one, other));
    }
    if one.mtu != other.mtu {
        let (one, other) = both();
        return Err(Unfit::Mtu(one, other));
    }
    Ok(())
}
