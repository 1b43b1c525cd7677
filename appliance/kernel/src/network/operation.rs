//! Changes, one message each.

use ipnet::IpNet;
use ravelin_model::{NetworkPart, VirtualLink, WantedRoute, WantedRouteRule};

/// A change; links by name, as some of them are made on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    Down(String),
    Up(String),
    /// Makes a link, marked as ours.
    Create(String, VirtualLink),
    Delete(String),
    /// Has a bridge take part in the spanning tree protocol, or not.
    SpanningTree(String, bool),
    /// Makes a link a port of a bridge or bond.
    Join {
        port: String,
        master: String,
    },
    /// Takes a port out of its bridge or bond.
    Leave(String),
    Mtu(String, u32),
    /// Addresses stay when the first one of their network goes.
    Promote(String),
    /// Router advertisements are no longer taken.
    RefuseAdvertisements(String),
    AddAddress(String, IpNet),
    RemoveAddress(String, IpNet),
    /// There is none of its key.
    AddRoute(WantedRoute),
    /// In place of the one of ours with its key, which is the only one.
    ReplaceRoute(WantedRoute),
    /// The same, though nothing about it is different: whether its gateway can still be reached.
    AffirmRoute(WantedRoute),
    /// The one of ours with its key.
    RemoveRoute(WantedRoute),
    AddRule(WantedRouteRule),
    RemoveRule(WantedRouteRule),
}

impl Operation {
    /// What is not in force when it fails.
    pub(super) fn part(&self) -> NetworkPart {
        match self {
            Self::Down(name)
            | Self::Up(name)
            | Self::Create(name, _)
            | Self::Delete(name)
            | Self::SpanningTree(name, _)
            | Self::Leave(name)
            | Self::Mtu(name, _)
            | Self::Promote(name)
            | Self::RefuseAdvertisements(name) => NetworkPart::Link(name.clone()),
            Self::Join { master, .. } => NetworkPart::Link(master.clone()),
            Self::AddAddress(name, address) | Self::RemoveAddress(name, address) => {
                NetworkPart::Address(name.clone(), *address)
            }
            Self::AddRoute(route)
            | Self::ReplaceRoute(route)
            | Self::AffirmRoute(route)
            | Self::RemoveRoute(route) => NetworkPart::Route(route.clone()),
            Self::AddRule(rule) | Self::RemoveRule(rule) => NetworkPart::Rule(rule.clone()),
        }
    }

    /// What was not done, in words.
    pub(super) fn failure(&self) -> String {
        match self {
            Self::Down(_) => "it was not set down".to_owned(),
            Self::Up(_) => "it was not raised".to_owned(),
            Self::Create(..) => "it was not made".to_owned(),
            Self::Delete(_) => "it was not deleted".to_owned(),
            Self::SpanningTree(..) => "its spanning tree protocol was not switched".to_owned(),
            Self::Join { port, .. } => format!("'{port}' did not become its port"),
            Self::Leave(_) => "it was not taken out of its bridge or bond".to_owned(),
            Self::Mtu(_, bytes) => format!("its MTU was not set to {bytes} bytes"),
            Self::Promote(_) => "its addresses may go with the first one".to_owned(),
            Self::RefuseAdvertisements(_) => "it still takes router advertisements".to_owned(),
            Self::AddAddress(..) => "it was not added".to_owned(),
            Self::RemoveAddress(..) => "it is not wanted, and was not removed".to_owned(),
            Self::AddRoute(_) | Self::AddRule(_) => "it was not added".to_owned(),
            Self::ReplaceRoute(_) => "it was not changed".to_owned(),
            Self::AffirmRoute(_) => "it was taken out, as it holds no longer".to_owned(),
            Self::RemoveRoute(_) | Self::RemoveRule(_) => "it is not wanted, and was not removed".to_owned(),
        }
    }
}
