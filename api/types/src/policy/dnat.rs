//! Destination translation: what NAT rules and published services have in common.

use std::net::IpAddr;

use ravelin_model as model;
use ravelin_model::protocol;

use super::rule::zone_match;
use super::spec::{interface_name, switch};
use super::{IpProtocol, Names, PortRange};
use crate::{Errors, Fields, FromJson, Node};

/// Its members on the wire, `from_zone` apart.
#[derive(Debug)]
pub(super) struct DnatFields {
    pub(super) address: Option<IpAddr>,
    pub(super) interface: Option<String>,
    pub(super) protocol: IpProtocol,
    pub(super) ports: Option<PortRange>,
    pub(super) target: IpAddr,
    pub(super) target_port: Option<u16>,
    pub(super) hairpin: bool,
}

impl DnatFields {
    /// Reads it, with what `hairpin` is when missing.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        names: &Names,
        hairpin: bool,
        errors: &mut Errors,
    ) -> Option<model::Dnat> {
        let from = zone_match(fields, "from_zone", names, errors);
        let address = published(fields, errors);
        let protocol = fields.or("protocol", IpProtocol::from(None), errors, IpProtocol::from_json);
        let protocol = protocol.map(IpProtocol::number);
        // What is wrong with the protocol is said once.
        let has_ports = protocol.is_none_or(|number| number.is_some_and(protocol::has_ports));
        let ports = fields.optional_with("ports", errors, |node, errors| {
            let ports = PortRange::from_json(node.clone(), errors)?;
            applies(has_ports, &node, "only TCP, UDP and SCTP have them", errors)?;
            Some(ports.0)
        });
        let target = fields.required_with("target", errors, |node, errors| {
            let target: IpAddr = node.text(errors)?;
            let published = address.as_ref().and_then(|address| match address {
                model::PublishedAddress::Address(address) => Some(*address),
                model::PublishedAddress::Interface(_) => None,
            });
            if published.is_some_and(|address| !same_family(address, target)) {
                errors.add(&node, "format", "is not of the family of 'address'");
                return None;
            }
            Some(target)
        });
        let first = fields.optional_with("target_port", errors, |node, errors| {
            target_port(&node, ports, errors)
        });
        let hairpin = switch(fields, "hairpin", hairpin, errors);
        Some(model::Dnat {
            from: from?,
            address: address?,
            protocol: protocol?,
            ports: ports?,
            target: target?,
            target_port: first?,
            hairpin: hairpin?,
        })
    }

    pub(super) fn of(dnat: &model::Dnat) -> Self {
        let model::Dnat {
            // Shown beside these.
            from: _,
            address,
            protocol,
            ports,
            target,
            target_port,
            hairpin,
        } = dnat;
        let (address, interface) = match address {
            model::PublishedAddress::Address(address) => (Some(*address), None),
            model::PublishedAddress::Interface(name) => (None, Some(name.clone())),
        };
        Self {
            address,
            interface,
            protocol: (*protocol).into(),
            ports: ports.map(PortRange),
            target: *target,
            target_port: *target_port,
            hairpin: *hairpin,
        }
    }
}

/// Either `address` or `interface`.
fn published(fields: &mut Fields<'_>, errors: &mut Errors) -> Option<model::PublishedAddress> {
    let interface = fields.optional_with("interface", errors, |node, errors| {
        Some((interface_name(&node, errors)?, node))
    })?;
    let Some((interface, node)) = interface else {
        let address = fields.required_with("address", errors, |node, errors| node.text(errors));
        return address.map(model::PublishedAddress::Address);
    };
    let address: Option<IpAddr> =
        fields.optional_with("address", errors, |node, errors| node.text(errors))?;
    if address.is_some() {
        errors.add(
            &node,
            "not_applicable",
            "comes instead of 'address', not beside it",
        );
        return None;
    }
    Some(model::PublishedAddress::Interface(interface))
}

fn target_port(node: &Node<'_>, ports: Option<Option<model::PortRange>>, errors: &mut Errors) -> Option<u16> {
    let first = node.integer(&(0..=u32::from(u16::MAX)), errors)?;
    // What is wrong with the ports is said there.
    if let Some(ports) = ports {
        applies(ports.is_some(), node, "needs 'ports'", errors)?;
        let more = ports.map_or(0, |ports| u32::from(ports.last() - ports.first()));
        if first + more > u32::from(u16::MAX) {
            errors.add(node, "range", "has too few ports behind it for those in 'ports'");
            return None;
        }
    }
    u16::try_from(first).ok()
}

fn applies(does: bool, node: &Node<'_>, why: &str, errors: &mut Errors) -> Option<()> {
    if !does {
        errors.add(node, "not_applicable", why);
    }
    does.then_some(())
}

/// Whether both are IPv4 or both are IPv6.
pub(super) fn same_family(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
}
